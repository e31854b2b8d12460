from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest

from basekeeper.errors import Failure, InputError, RegistryError, TransportError
from basekeeper.lifecycle.replaced import END_OF_LIFE, LIFECYCLE
from basekeeper.resolve import resolve
from basekeeper.resolve.resolver import MAX_FAILURES
from basekeeper.values.image import Descriptor, ImageConfig, Pointer, Unknown
from basekeeper.values.resolution import Resolution, Trouble
from tests.unit.resolve.asked import (
    MANIFEST,
    NEW,
    OLD,
    Scripted,
    ask,
    limited,
    missing,
    unreachable,
)

HUB = "docker.io/library"


def one(registry: Scripted, text: str, *platforms: str, **wanted: bool) -> Resolution:
    found = resolve([ask(text, *platforms, **wanted)], registry)
    (answer,) = found.by_image.values()
    return answer


@pytest.mark.parametrize(
    ("text", "wanted", "asked"),
    [
        ("python:3.12", {"pointer": True}, [f"point {HUB}/python:3.12"]),
        ("python", {"pointer": True}, [f"point {HUB}/python:latest"]),
        (f"python:3.12@{NEW}", {"pointer": True}, [f"point {HUB}/python:3.12"]),
        (f"python@{OLD}", {"pointer": True}, []),
        ("python:3.12", {"tags": True}, [f"tags {HUB}/python"]),
        ("python:3.12", {"publisher": True}, [f"publisher {HUB}/python"]),
        (
            f"python:3.12@{OLD}",
            {"pointer": True},
            [
                f"point {HUB}/python:3.12",
                *("image a", "config a linux/amd64", "image b", "config b linux/amd64"),
            ],
        ),
        (
            "python:3.12",
            {"pointer": True, "inside": True},
            [f"point {HUB}/python:3.12", "image b", "config b linux/amd64"],
        ),
        (f"python:3.12@{OLD}", {"inside": True}, ["image a", "config a linux/amd64"]),
        (f"python@{OLD}", {"inside": True}, ["image a", "config a linux/amd64"]),
        ("python:3.12", {"inside": True}, []),
    ],
)
def test_asks_for_nothing_that_is_not_needed(
    text: str, wanted: dict[str, bool], asked: list[str]
) -> None:
    registry = Scripted()
    one(registry, text, **wanted)
    assert registry.asked == asked


def test_tells_what_was_asked_and_leaves_the_rest_open() -> None:
    found = one(Scripted(), f"python:3.12@{OLD}", pointer=True)
    assert found.pointer == Pointer(NEW)
    assert found.tags is None
    assert found.publisher is None
    assert found.current is not None
    assert found.newest is not None
    assert (found.current.digest, found.newest.digest) == (OLD, NEW)
    assert found.current.os_release == "debian 12"


def test_looks_into_the_platforms_that_are_built_and_present() -> None:
    registry = Scripted(platforms=("linux/amd64", "linux/arm64", "linux/arm/v7"))
    built = ("linux/arm64/v8", "linux/arm64", "linux/s390x", "linux/arm")
    found = one(registry, f"python@{OLD}", *built, inside=True)
    assert found.current is not None
    assert list(found.current.configs) == ["linux/arm64", "linux/arm/v7"]


def test_a_single_manifest_is_looked_into_once_whatever_is_built() -> None:
    registry = Scripted(platforms=("linux/amd64",), media_type=MANIFEST)
    found = one(registry, f"python@{OLD}", "linux/arm64", "linux/s390x", inside=True)
    assert found.current is not None
    assert list(found.current.configs) == ["linux/amd64"]


def test_a_repository_is_asked_once_for_all_its_images() -> None:
    registry = Scripted()
    asked = [ask(f"python:3.{minor}", pointer=True, tags=True) for minor in range(20)]
    found = resolve(asked, registry)
    assert registry.asked.count(f"tags {HUB}/python") == 1
    assert len(registry.asked) == found.asked == 21
    lists = {id(answer.tags) for answer in found.by_image.values()}
    assert len(lists) == 1


def test_tags_are_given_only_to_images_that_want_them() -> None:
    asked = [ask("python:1", pointer=True), ask("python:2", pointer=True, tags=True)]
    first, second = resolve(asked, Scripted()).by_image.values()
    assert first.tags is None
    assert second.tags is not None


def test_answers_come_in_the_order_of_the_questions() -> None:
    names = [f"host{number % 7}.test/x/{number}:1" for number in range(100)]
    asked = [ask(name, pointer=True) for name in names]
    assert list(resolve(asked, Scripted()).by_image) == names


def test_a_failure_concerns_its_image_alone() -> None:
    registry = Scripted(answers={f"point {HUB}/python:1": missing()})
    asked = [ask(f"python:{tag}", pointer=True) for tag in (1, 2)]
    found = resolve(asked, registry)
    first, second = found.by_image.values()
    assert first.pointer == Unknown("no such image", "check the name", lasting=True)
    assert second.pointer == Pointer(NEW)
    assert found.troubles == ()


@pytest.mark.parametrize("question", ["image", "config"])
def test_what_cannot_be_read_inside_is_unknown(question: str) -> None:
    found = one(Scripted(answers={question: missing()}), f"python@{OLD}", inside=True)
    assert found.current is not None
    told = [found.current.image, *found.current.configs.values()]
    assert Unknown("no such image", "check the name", lasting=True) in told
    assert found.current.os_release is None


@pytest.mark.parametrize("error", [unreachable(), TransportError("connection refused")])
def test_a_registry_that_is_down_is_soon_left_alone_and_told_of_once(error: Exception) -> None:
    registry = Scripted(answers={"point": error})
    asked = [ask(f"down.test/x/{number}:1", pointer=True) for number in range(200)]
    found = resolve(asked, registry)
    assert MAX_FAILURES <= len(registry.asked) <= MAX_FAILURES + 4
    assert {answer.pointer for answer in found.by_image.values()} == {
        Unknown("down.test is not reachable")
    }
    (trouble,) = found.troubles
    assert trouble == Trouble(
        "down.test", Failure.UNREACHABLE, "connection refused", None, images=200
    )


def test_a_registry_that_limits_is_left_alone_at_once() -> None:
    registry = Scripted(answers={"point": limited()})
    asked = [ask(f"docker.io/x/{number}:1", pointer=True) for number in range(200)]
    found = resolve(asked, registry)
    assert len(registry.asked) <= 4
    assert found.troubles[0].failure is Failure.LIMITED
    assert found.by_image["docker.io/x/7:1"].pointer == Unknown("docker.io limits our requests")


def test_other_registries_are_still_asked() -> None:
    down = {f"point down.test/x/{number}:1": unreachable() for number in range(50)}
    names = [*(f"down.test/x/{number}:1" for number in range(50)), "up.test/x:1"]
    found = resolve([ask(name, pointer=True) for name in names], Scripted(answers=down))
    assert found.by_image["up.test/x:1"].pointer == Pointer(NEW)


def test_answers_between_failures_keep_a_registry_open() -> None:
    some = {f"point flaky.test/x/{number}:1": unreachable() for number in range(0, 100, 10)}
    registry = Scripted(answers=some)
    asked = [ask(f"flaky.test/x/{number}:1", pointer=True) for number in range(100)]
    found = resolve(asked, registry)
    assert found.asked == 100
    assert found.troubles[0].images == 10


def test_a_publisher_that_cannot_be_asked_closes_only_that_door() -> None:
    registry = Scripted(answers={"publisher": unreachable()})
    asked = [ask(f"docker.io/x{number}/y:1", pointer=True, publisher=True) for number in range(50)]
    found = resolve(asked, registry)
    assert all(answer.pointer == Pointer(NEW) for answer in found.by_image.values())
    assert all(isinstance(answer.publisher, Unknown) for answer in found.by_image.values())


def test_the_first_image_says_why_a_registry_failed() -> None:
    answers = {
        f"point down.test/x/{number:02}:1": unreachable(f"reason {number}", "plug it in")
        for number in range(50)
    }
    asked = [ask(f"down.test/x/{number:02}:1", pointer=True) for number in reversed(range(50))]
    (trouble,) = resolve(asked, Scripted(answers=answers)).troubles
    assert (trouble.reason, trouble.hint) == ("reason 0", "plug it in")


def test_errors_of_other_kinds_are_values_too() -> None:
    found = one(Scripted(answers={"tags": InputError("bad", hint="mend it")}), "x:1", tags=True)
    assert found.tags == Unknown("bad", "mend it")


def test_a_bug_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        one(Scripted(answers={"tags": ZeroDivisionError()}), "x:1", tags=True)


def test_what_is_late_is_unknown() -> None:
    class Slow(Scripted):
        gate = threading.Event()

        def point(self, image: Any) -> Pointer:
            self.gate.wait(30)
            raise unreachable()

        def close(self) -> None:
            super().close()
            self.gate.set()

    registry = Slow()
    asked = [
        ask("slow.test/x:1", pointer=True, tags=True),
        ask(f"slow.test/y@{OLD}", inside=True, pointer=True),
        ask("slow.test/z:1", publisher=True, pointer=True),
    ]
    told = resolve(asked, registry, seconds=0.2)
    found = told.by_image
    late = Unknown("slow.test did not answer in time")
    (trouble,) = told.troubles
    assert (trouble.reason, trouble.images) == ("no answer in the time that there was", 2)
    assert found[f"slow.test/y@{OLD}"].current is not None
    assert found["slow.test/x:1"].pointer == late
    assert found["slow.test/z:1"].pointer == late
    assert registry.closed
    assert [thread for thread in threading.enumerate() if "registry-" in thread.name] == []


def test_progress_counts_the_images() -> None:
    seen: list[tuple[int, int]] = []
    asked = [ask(f"x/{number}:1", pointer=True, tags=True) for number in range(12)]
    resolve(asked, Scripted(), asking=lambda *counts: seen.append(counts))
    assert seen == [(number, 12) for number in range(13)]


def test_an_interruption_closes_the_registry_and_ends_all_threads() -> None:
    registry = Scripted()

    def interrupt(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resolve([ask(f"x/{n}:1", pointer=True) for n in range(500)], registry, asking=interrupt)
    assert registry.closed
    assert [thread for thread in threading.enumerate() if "registry-" in thread.name] == []


def plain(digest: str) -> ImageConfig:
    """A configuration that tells nothing of the system."""
    return ImageConfig(digest=digest, manifest=digest, platform="linux/amd64")


def test_layers_are_asked_for_the_system_where_two_digests_differ_and_nothing_else_tells() -> None:
    registry = Scripted(answers={"config a linux/amd64": plain(OLD)})
    found = one(registry, f"python:3.12@{OLD}", pointer=True, system=True)
    assert found.current is not None
    assert found.newest is not None
    assert (found.current.os_release, found.newest.os_release) == ("debian 13", "debian 12")
    assert [what for what in registry.asked if "os-release" in what] == ["os-release a linux/amd64"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("python:3.12", {"pointer": True, "system": True}),
        (f"python:3.12@{NEW}", {"pointer": True, "system": True}),
        (f"python:3.12@{OLD}", {"pointer": True}),
        (f"python:3.12@{OLD}", {"pointer": True, "inside": True, "publisher": True}),
    ],
)
def test_layers_are_not_asked_where_nothing_is_compared(text: str, wanted: dict[str, bool]) -> None:
    registry = Scripted(answers={"config": plain(OLD)})
    one(registry, text, **wanted)
    assert not [what for what in registry.asked if "os-release" in what]


@pytest.mark.parametrize("answer", [None, "ID=???", missing(), unreachable()])
def test_a_system_that_layers_do_not_tell_is_unknown(answer: str | RegistryError | None) -> None:
    registry = Scripted(answers={"config": plain(NEW), "os-release": answer})
    found = one(registry, "python:3.13", pointer=True, inside=True, system=True)
    assert found.current is not None
    assert found.current.os_release is None
    assert isinstance(found.current.os_unread, Unknown) == isinstance(answer, RegistryError)


def test_layers_are_not_asked_where_the_configuration_was_not_told() -> None:
    registry = Scripted(answers={"config": missing()})
    one(registry, "python:3.13", pointer=True, inside=True, system=True)
    assert not [what for what in registry.asked if "os-release" in what]


SDK = "mcr.microsoft.com/dotnet/sdk"


@pytest.mark.parametrize(
    ("text", "wanted", "asked"),
    [
        (f"{SDK}:10.0", {"pointer": True, "replaced": True}, ["b"]),
        (f"{SDK}:10.0@{OLD}", {"pointer": True, "replaced": True}, ["a"]),
        (f"{SDK}@{OLD}", {"pointer": True, "replaced": True}, ["a"]),
        (f"{SDK}:10.0", {"pointer": True}, []),
        ("python:3.12", {"pointer": True, "replaced": True}, []),
    ],
)
def test_only_microsoft_is_asked_whether_the_digest_in_use_is_replaced(
    text: str, wanted: dict[str, bool], asked: list[str]
) -> None:
    notes = {END_OF_LIFE: "2026-11-10"}
    notice = Descriptor(NEW, MANIFEST, 1, LIFECYCLE, notes)
    registry = Scripted(answers={"referrers": (notice,)})
    found = one(registry, text, **wanted)
    assert found.replaced_on == (date(2026, 11, 10) if asked else None)
    sent = [question for question in registry.asked if question.startswith("referrers")]
    assert sent == [f"referrers {digest} lifecycle" for digest in asked]


def test_a_digest_without_a_notice_is_not_replaced() -> None:
    assert one(Scripted(), f"{SDK}@{OLD}", replaced=True).replaced_on is None


@pytest.mark.parametrize("error", [missing(), limited(), unreachable()])
def test_notices_that_cannot_be_read_are_unknown_and_no_trouble(error: RegistryError) -> None:
    registry = Scripted(answers={"referrers": error})
    asked = [ask(f"{SDK}:{number}", pointer=True, replaced=True) for number in range(20)]
    found = resolve(asked, registry)
    assert found.troubles == ()
    for answer in found.by_image.values():
        assert isinstance(answer.replaced_on, Unknown)
        assert answer.pointer == Pointer(NEW)
    sent = sum(question.startswith("referrers") for question in registry.asked)
    assert sent == 20 if error.failure is Failure.NOT_FOUND else sent < 20


def test_a_registry_that_is_down_is_not_asked_for_notices() -> None:
    registry = Scripted(answers={"point": unreachable()})
    asked = [ask(f"{SDK}:{number}@{OLD}", pointer=True, replaced=True) for number in range(40)]
    found = resolve(asked, registry)
    assert [trouble.images for trouble in found.troubles] == [40]
    assert len([one for one in registry.asked if one.startswith("referrers")]) < 40


@pytest.mark.parametrize("failure", Failure)
def test_only_what_is_gone_or_no_image_is_lasting(failure: Failure) -> None:
    found = one(Scripted(answers={"point": RegistryError("no", failure)}), "python:3", pointer=True)
    assert isinstance(found.pointer, Unknown)
    assert found.pointer.lasting == (failure in (Failure.NOT_FOUND, Failure.UNSUPPORTED))
