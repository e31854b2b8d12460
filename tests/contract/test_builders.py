"""What every builder does: builds on the base that it is given, and tells what came of it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from basekeeper.builders.buildah import Buildah
from basekeeper.builders.layouts import pick
from basekeeper.proving import BaseProof, Result, judge_builds, prove_base
from basekeeper.testing import Subject, run_tests
from basekeeper.values.building import (
    CONTEXT_DIRECTORY,
    BuilderIdentity,
    Built,
    Command,
    Failure,
    NotBuilt,
    RunRequest,
    RunResult,
)
from basekeeper.values.image import Unknown
from basekeeper.values.testing import CommandWanted, FileWanted, ImageTest, Verdict
from tests.contract.builder_kinds import AMD64, BASE, LIMITS, builder_images, yard

if TYPE_CHECKING:
    from tests.contract.builder_kinds import Yard

__all__ = ["builder_images", "yard"]

APPLICATION = """\
# syntax=docker/dockerfile:1
ARG RELEASE=11
FROM debian:${RELEASE} AS made
RUN cat /etc/os-release > /made
FROM debian:11
COPY --from=made /made /app/made
COPY . /app
USER 1000:1000
ENV MODE=production
EXPOSE 8080
LABEL org.example.team=shop
ENTRYPOINT ["/bin/cat"]
CMD ["/app/made"]
"""


def built(outcome: object) -> Built:
    assert isinstance(outcome, Built), outcome
    return outcome


def failed(outcome: object) -> NotBuilt:
    assert isinstance(outcome, NotBuilt), outcome
    return outcome


def test_tells_which_program_it_is(yard: Yard) -> None:
    identity = yard.builder.identity()
    assert isinstance(identity, BuilderIdentity)
    assert identity.name == "buildah"


@pytest.mark.slow
def test_builds_one_tree_on_its_old_and_its_new_base_and_proves_both(yard: Yard) -> None:
    old, new = (
        built(yard.build(APPLICATION, base=base, output=base))
        for base in ("debian-11-old", "debian-11")
    )
    for one, base in ((old, "debian-11-old"), (new, "debian-11")):
        layers = pick(yard.images[base]).config.diff_ids
        assert one.bases == {BASE: layers}
        proof = prove_base(one.config.diff_ids, layers)
        assert isinstance(proof, BaseProof)
        assert len(proof.own) == 1
        assert pick(one.image).config == one.config
        assert one.image.platform == AMD64
        assert "no network" in one.isolation.kind
        assert "chroot isolation is not a sandbox" in one.isolation.limits[0]
    assert isinstance(prove_base(new.config.diff_ids, old.bases[BASE]), Unknown)
    assert judge_builds(old, new).result is Result.BOTH
    assert old.config.user == "1000:1000"
    assert old.config.entrypoint == ("/bin/cat",)
    assert old.config.ports == ("8080/tcp",)


@pytest.mark.slow
@pytest.mark.parametrize("base", ["debian-12", "debian-12-docker"])
def test_builds_on_an_index_of_either_make(yard: Yard, base: str) -> None:
    found = built(yard.build("FROM debian:11\nRUN cat /etc/os-release\n", base=base))
    assert 'VERSION_ID="12"' in found.log.tail


def test_a_reference_by_digest_is_exchanged_whatever_supplies_it(yard: Yard) -> None:
    digest = "sha256:" + "1" * 64
    found = built(
        yard.build(
            "ARG BASE=debian\nFROM ${BASE} AS a\nFROM a\n",
            args={"BASE": f"debian:11@{digest}"},
            images={f"{BASE}@{digest}": yard.images["small"]},
        )
    )
    assert list(found.bases) == [f"{BASE}@{digest}"]


def test_an_image_that_was_not_given_is_not_asked_for(yard: Yard) -> None:
    found = failed(yard.build("FROM debian:11\nCOPY --from=alpine:3.20 /etc/os-release /\n"))
    assert found.failure is Failure.INPUT
    assert "line 2 needs docker.io/library/alpine:3.20" in found.reason


def test_an_image_that_no_needed_stage_uses_is_not_asked_for(yard: Yard) -> None:
    found = built(yard.build("FROM alpine:3.20 AS other\nRUN true\nFROM debian:11\n"))
    assert list(found.bases) == [BASE]


def test_files_are_replaced_and_the_tree_stays_as_it_is(yard: Yard) -> None:
    yard.file("app/said", "old")
    found = built(
        yard.build(
            "FROM nowhere/at:all\n",
            replaced={
                "Dockerfile": b"FROM debian:11\nCOPY app /app\nRUN cat /app/said /app/new/one\n",
                "app/said": b"this is ",
                "app/new/one": b"another",
            },
        )
    )
    assert "this is another" in found.log.tail
    assert (yard.context / "app" / "said").read_text(encoding="utf-8") == "old"


def test_target_arguments_and_contexts_reach_the_build(yard: Yard) -> None:
    other = yard.folder / "other"
    other.mkdir()
    (other / "file").write_text("of another context")
    found = built(
        yard.build(
            "FROM debian:11 AS wanted\nARG WORD\nCOPY --from=more file /file\n"
            'RUN echo "word=$WORD"; cat /file\nFROM debian:11\nRUN false\n',
            args={"WORD": "a b $c"},
            target="wanted",
            contexts={"more": other},
        )
    )
    assert "word=a b $c" in found.log.tail
    assert "of another context" in found.log.tail


def test_what_is_ignored_is_not_sent(yard: Yard) -> None:
    yard.file(".dockerignore", "secret\n")
    yard.file("secret", "1")
    yard.file("kept", "1")
    yard.file(".git/config", "[core]")
    yard.file("sub/.git", "kept, as it is no folder of this repository")
    found = built(yard.build("FROM debian:11\nCOPY . /c\n"))
    there = yard.builder.files(found.image, ["/c/kept", "/c/secret", "/c/.git", "/c/sub/.git"])
    assert [path for path, entry in there.items() if entry is not None] == [
        "/c/kept",
        "/c/sub/.git",
    ]


def test_a_dockerfile_has_its_own_list_of_what_is_ignored(yard: Yard) -> None:
    yard.file(".dockerignore", "kept\n")
    yard.file("build/Dockerfile.dockerignore", "left\n")
    yard.file("kept")
    yard.file("left")
    text = "FROM debian:11\nCOPY . /c\n"
    found = built(yard.build(text, dockerfile="build/Dockerfile"))
    there = yard.builder.files(found.image, ["/c/kept", "/c/left"])
    assert [path for path, entry in there.items() if entry is not None] == ["/c/kept"]


def test_a_build_that_fails_shows_the_end_of_its_log(yard: Yard) -> None:
    found = failed(yard.build("FROM debian:11\nRUN echo this is why; exit 7\n"))
    assert found.failure is Failure.BUILD
    assert "this is why" in found.log.tail
    assert found.log.digest.startswith("sha256:")
    assert found.builder == yard.builder.identity()
    works = built(yard.build("FROM debian:11\n"))
    assert judge_builds(works, found).result is Result.BROKEN
    assert judge_builds(found, found).result is Result.UNKNOWN
    assert not (yard.folder / "out" / "nothing").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FROM debian:11\nFROM $NONE\n", "NONE is not set"),
        ("FROM Debian:11\n", "invalid image reference"),
        ("RUN true\n", "cannot be built"),
        ("", "cannot be built"),
    ],
)
def test_a_file_that_cannot_be_built_is_not_tried(yard: Yard, text: str, reason: str) -> None:
    found = failed(yard.build(text))
    assert found.failure is Failure.INPUT
    assert reason in found.reason


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "missing", "link", "loop"])
def test_a_dockerfile_outside_of_the_context_is_refused(yard: Yard, path: str) -> None:
    (yard.folder / "outside").write_text("FROM debian:11\n")
    (yard.context / "link").symlink_to("/etc/passwd")
    (yard.context / "loop").symlink_to("loop")
    request = yard.request(dockerfile=path)
    assert failed(yard.builder.build(request)).failure is Failure.INPUT


def test_output_that_is_there_already_is_not_touched(yard: Yard) -> None:
    (yard.folder / "out").mkdir()
    assert failed(yard.build("FROM debian:11\n")).failure is Failure.INPUT
    assert list((yard.folder / "out").iterdir()) == []


def test_a_base_whose_content_has_another_digest_is_refused(yard: Yard) -> None:
    bad = replace(yard.images["small"], digest="sha256:" + "0" * 64)
    found = failed(yard.build("FROM debian:11\n", images={BASE: bad}))
    assert found.failure is Failure.INPUT


def test_signals_work_in_a_build_as_anywhere(yard: Yard) -> None:
    text = (
        "FROM debian:11\nRUN sleep 50 & kill $!; wait $!; echo term=$?\n"
        "RUN bash -c 'yes | head -n 1; echo pipe=${PIPESTATUS[0]}'\n"
    )
    found = built(yard.build(text))
    assert "term=143" in found.log.tail
    assert "pipe=141" in found.log.tail


def test_a_run_that_is_ended_ends_its_build(yard: Yard) -> None:
    ended = threading.Event()
    builder = Buildah(str(yard.program), yard.directory, ended=ended)
    yard.file("Dockerfile", "FROM debian:11\nRUN sleep 98767\n")
    threading.Timer(3, ended.set).start()
    found = failed(builder.build(yard.request()))
    assert found.failure is Failure.BUILDER
    assert "was ended, as the run was" in found.reason


def test_two_builds_at_once_do_not_meet(yard: Yard) -> None:
    yard.file("Dockerfile", "FROM debian:11\nARG N\nRUN echo $N > /n; cat /n\n")
    requests = [
        yard.request(args={"N": f"number {n}"}, output=yard.folder / f"out{n}") for n in (1, 2)
    ]
    with ThreadPoolExecutor(2) as pool:
        first, second = map(built, pool.map(yard.builder.build, requests))
    assert "number 1" in first.log.tail
    assert "number 2" in second.log.tail


def test_commands_run_in_the_image_as_it_says(yard: Yard) -> None:
    yard.file("file", "of the context")
    found = built(yard.build("FROM debian:11\nUSER 7:8\nENV WORD=said\nWORKDIR /home\n"))
    commands = (
        Command(argv=("/bin/sh", "-c", "id -u; pwd; echo $WORD; exit 3")),
        Command(argv=("/bin/sh", "-c", "id -u; echo one > /var/left"), user="0:0"),
        Command(argv=("cat", "/var/left")),
        Command(argv=("/bin/missing",)),
        Command(argv=("pwd",), directory="/usr"),
    )
    result = yard.builder.run(RunRequest(image=found.image, commands=commands, limits=LIMITS))
    assert isinstance(result, RunResult), result
    said = [(one.status, one.output) for one in result.ran if not isinstance(one, Unknown)]
    assert said[:3] == [(3, b"7\n/home\nsaid\n"), (0, b"0\n"), (0, b"one\n")]
    assert said[3][0] == 127
    assert said[4] == (127, said[4][1])


def test_commands_find_the_context_where_they_are_given_it(yard: Yard) -> None:
    yard.file("file", "of the context")
    request = RunRequest(
        image=yard.images["small"],
        commands=(Command(argv=("/bin/sh", "-c", "pwd; cat file; cat more")),),
        context=yard.context,
        replaced={"more": b", changed"},
        limits=LIMITS,
    )
    result = yard.builder.run(request)
    assert isinstance(result, RunResult), result
    (ran,) = result.ran
    assert not isinstance(ran, Unknown)
    assert ran.output == f"{CONTEXT_DIRECTORY}\nof the context, changed".encode()


def test_what_follows_a_command_that_takes_too_long_is_not_run(yard: Yard) -> None:
    request = RunRequest(
        image=yard.images["small"],
        commands=(Command(argv=("/bin/sleep", "98765")), Command(argv=("/bin/true",))),
        limits=replace(LIMITS, seconds=12),
    )
    result = yard.builder.run(request)
    assert isinstance(result, RunResult), result
    reasons = [one.reason for one in result.ran if isinstance(one, Unknown)]
    assert len(reasons) == 2
    assert "time: more than 12 seconds" in reasons[0]
    assert "not run" in reasons[1]


def test_tests_tell_what_they_expected_and_found(yard: Yard) -> None:
    yard.file("test.sh", "echo ran the tests of $PWD\n")
    image = built(
        yard.build(
            "FROM debian:11\nRUN mkdir -m 0750 /data\nUSER 7:8\nEXPOSE 80\nENV A=b\nLABEL c=d\n"
            'ENTRYPOINT ["/bin/sh"]\n'
        )
    )
    good = ImageTest(
        name="good", user="7:8", entrypoint=("/bin/sh",), command=(), ports=("80/tcp",),
        env={"A": "b"}, labels={"c": "d"},
        files=(FileWanted(path="/data", mode=0o750, user=0), FileWanted(path="/x", present=False)),
        run=(CommandWanted(argv=("/bin/sh", "test.sh"), contains=("ran the tests",)),),
        with_context=True,
    )  # fmt: skip
    bad = ImageTest(
        name="bad", product="shop", user="root", ports=(), env={"B": "c"},
        files=(FileWanted(path="/missing"),),
        run=(CommandWanted(argv=("/bin/sh", "-c", "exit 2")),),
    )  # fmt: skip
    other = ImageTest(name="other", product="another", user="nobody")
    lost = ImageTest(name="lost", run=(CommandWanted(argv=("true",)),), with_context=True)
    subject = Subject(image, "shop", yard.context)
    first, second = run_tests([good, bad, other], subject, yard.builder, LIMITS)
    assert first.verdict is Verdict.PASSED, first
    assert first.digest == image.image.digest
    assert second.verdict is Verdict.FAILED
    assert all(check.verdict is Verdict.FAILED for check in second.checks)
    (third,) = run_tests([lost], Subject(image), yard.builder, LIMITS)
    assert third.verdict is Verdict.UNKNOWN
