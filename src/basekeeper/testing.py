"""The step that tests a built image: what its config says, what it holds, what it does."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import InputError
from basekeeper.values.building import Command, RunRequest
from basekeeper.values.image import Unknown
from basekeeper.values.testing import Checked, Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from basekeeper.ports import Builder
    from basekeeper.values.building import BuildLimits, Built, ImageFile, Ran, RunResult
    from basekeeper.values.image import ImageConfig
    from basekeeper.values.testing import CommandWanted, FileWanted, ImageTest


class Subject(NamedTuple):
    """What is tested."""

    built: Built
    product: str | None = None
    """What the image is shipped as; None: nothing is known of that."""
    context: Path | None = None
    """The folder that it was built from."""
    replaced: Mapping[str, bytes] = MappingProxyType({})
    """As of `BuildRequest`."""


def run_tests(
    tests: Iterable[ImageTest], subject: Subject, builder: Builder, limits: BuildLimits
) -> tuple[Trial, ...]:
    """Test a built image, by every test that is for it.

    Args:
        tests: From the settings, or from the branch that a change is for; never from the change.
        subject: The image.
        builder: Runs commands in it; each test gets a container of its own.
        limits: Of each test; its own seconds count instead of these.
    """
    built = subject.built
    return tuple(
        Trial(
            name=test.name,
            digest=built.image.digest,
            checks=(
                *check_config(test, built.config),
                *_check_files(test, built, builder),
                *_check_commands(test, subject, builder, limits),
            ),
        )
        for test in tests
        if test.product in (None, subject.product)
    )


def check_config(test: ImageTest, config: ImageConfig) -> Iterator[Checked]:
    """Compare what a config says with what is expected."""
    if test.user is not None:
        yield _compared("user", test.user or "root", config.user or "root")
    if test.entrypoint is not None:
        yield _compared("entrypoint", _words(test.entrypoint), _words(config.entrypoint))
    if test.command is not None:
        yield _compared("command", _words(test.command), _words(config.command))
    if test.ports is not None:
        yield _compared("ports", _words(tuple(sorted(test.ports))), _words(config.ports))
    for kind, wanted, there in (
        ("variable", test.env, config.env),
        ("label", test.labels, config.labels),
    ):
        for name, value in wanted.items():
            yield _compared(f"{kind} {name}", repr(value), _shown(there.get(name)))


def check_files(
    wanted: Iterable[FileWanted], found: Mapping[str, ImageFile | None]
) -> Iterator[Checked]:
    """Compare what lies in an image with what is expected."""
    for one in wanted:
        there = found[one.path]
        what = f"file {one.path}"
        yield _compared(what, _presence(one.present), _presence(there is not None))
        if there is None or not one.present:
            continue
        if one.mode is not None:
            yield _compared(f"mode of {one.path}", f"{one.mode:04o}", f"{there.mode:04o}")
        if one.user is not None:
            yield _compared(f"user of {one.path}", str(one.user), str(there.user))
        if one.group is not None:
            yield _compared(f"group of {one.path}", str(one.group), str(there.group))


def check_command(number: int, wanted: CommandWanted, ran: Ran | Unknown) -> Iterator[Checked]:
    """Compare how a command ended with what is expected."""
    what = f"command {number}: {' '.join(wanted.argv)[:80]}"
    expected = f"status {wanted.status}"
    if isinstance(ran, Unknown):
        yield Checked(what=what, expected=expected, found=ran.reason, verdict=Verdict.UNKNOWN)
        return
    status = _compared(what, expected, f"status {ran.status}")
    yield replace(status, log_digest=ran.log.digest, log_tail=ran.log.tail)
    for text in wanted.contains:
        yield _searched(what, ran, text, wanted=True)
    for text in wanted.lacks:
        yield _searched(what, ran, text, wanted=False)


def _searched(what: str, ran: Ran, text: str, *, wanted: bool) -> Checked:
    """Look for a text in all that a command said."""
    holds = text.encode() in ran.output
    said = {True: f"holds {text!r}", False: f"lacks {text!r}"}
    return _compared(f"{what}: output", said[wanted], said[holds])


def _check_files(test: ImageTest, built: Built, builder: Builder) -> Iterator[Checked]:
    if not test.files:
        return
    try:
        found = builder.files(built.image, [one.path for one in test.files])
    except InputError as error:
        yield Checked(
            what="files", expected="as listed", found=error.message, verdict=Verdict.UNKNOWN
        )
        return
    yield from check_files(test.files, found)


def _check_commands(
    test: ImageTest, subject: Subject, builder: Builder, limits: BuildLimits
) -> Iterator[Checked]:
    if not test.run:
        return
    result = _run(test, subject, builder, limits)
    answers = [result] * len(test.run) if isinstance(result, Unknown) else result.ran
    for number, (wanted, ran) in enumerate(zip(test.run, answers, strict=True), 1):
        yield from check_command(number, wanted, ran)


def _run(
    test: ImageTest, subject: Subject, builder: Builder, limits: BuildLimits
) -> RunResult | Unknown:
    if test.with_context and subject.context is None:
        return Unknown("the build context is not at hand")
    return builder.run(
        RunRequest(
            image=subject.built.image,
            commands=tuple(
                Command(argv=one.argv, user=one.user, directory=one.directory) for one in test.run
            ),
            context=subject.context if test.with_context else None,
            replaced=subject.replaced if test.with_context else {},
            limits=replace(limits, seconds=test.seconds),
        )
    )


_ABSENT: Final = "absent"


def _compared(what: str, expected: str, found: str) -> Checked:
    verdict = Verdict.PASSED if expected == found else Verdict.FAILED
    return Checked(what=what, expected=expected, found=found, verdict=verdict)


def _presence(there: bool) -> str:  # noqa: FBT001  # its only argument
    return "present" if there else _ABSENT


def _shown(value: str | None) -> str:
    return _ABSENT if value is None else repr(value)


def _words(words: tuple[str, ...]) -> str:
    return repr(list(words))
