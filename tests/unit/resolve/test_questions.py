from __future__ import annotations

from basekeeper.resolve import Want, questions
from basekeeper.values.reference import parse_reference
from basekeeper.values.use import Kind, Survey, Use
from tests.unit.render.made import use

EVERYTHING = Want(pointer=True, tags=True)


def survey(*uses: Use) -> Survey:
    return Survey(root=".", files=(), uses=uses)


def test_an_image_is_one_question_however_many_files_name_it() -> None:
    uses = [use(f"{number}/Dockerfile", 1, "node:20") for number in range(100)]
    uses.append(use("x/Dockerfile", 1, "docker.io/library/node:20"))
    (asked,) = questions(survey(*uses), lambda _: EVERYTHING, platforms=["linux/amd64"])
    assert str(asked.reference) == "docker.io/library/node:20"
    assert asked.reference.text == "node:20"
    assert (asked.pointer, asked.tags, asked.inside, asked.publisher) == (True, True, False, False)


def test_platforms_of_all_uses_are_put_together() -> None:
    uses = [
        use("a", 1, platform="linux/arm64/v8"),
        use("b", 1),
        use("c", 1, platform="$BUILDPLATFORM"),
        use("d", 1, platform="linux/s390x"),
    ]
    (asked,) = questions(survey(*uses), lambda _: EVERYTHING, platforms=["linux/amd64"])
    assert asked.platforms == ("linux/arm64", "linux/amd64", "linux/s390x")


def test_what_names_no_image_is_not_asked() -> None:
    uses = [
        use("a", 1, "scratch", kind=Kind.SCRATCH, reference=None),
        use("b", 1, "${X}", kind=Kind.OPAQUE),
    ]
    assert questions(survey(*uses), lambda _: EVERYTHING, platforms=["linux/amd64"]) == ()


def test_images_of_which_nothing_is_wanted_are_left_out() -> None:
    node = parse_reference("node:20")
    uses = [use("a", 1, "node:20"), use("a", 2, "alpine:3.22")]
    found = questions(
        survey(*uses),
        lambda reference: Want(publisher=reference == node),
        platforms=["linux/amd64"],
    )
    assert [one.reference for one in found] == [node]
