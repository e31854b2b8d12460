"""Options that several verbs share, and how their texts are read."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from basekeeper.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from click.shell_completion import CompletionItem

F = TypeVar("F", bound="Callable[..., Any]")

UPDATE_KINDS: Final = ("digest", "patch", "minor", "major", "os", "runtime", "build", "name")
"""What `--kind` may say: sizes of a step on the main axis, and the other axes."""

_ARGUMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLATFORM: Final = re.compile(r"[a-z0-9_]+/[a-z0-9_]+(?:/[a-z0-9_.]+)?")


def read_instant(
    ctx: click.Context,  # noqa: ARG001  # click's protocol
    param: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> datetime | None:
    """Read `2026-11-23` or `2026-11-23T08:00:00Z`; without a zone it is UTC."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        message = f"{value!r} is no day or instant: write 2026-11-23 or 2026-11-23T08:00:00Z"
        raise click.BadParameter(message) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_day(
    ctx: click.Context,  # noqa: ARG001  # click's protocol
    param: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> date | None:
    """Read `2026-11-23`."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no day: write it as 2026-11-23") from error


def read_rules(
    ctx: click.Context,  # noqa: ARG001  # click's protocol
    param: click.Parameter,  # noqa: ARG001
    value: tuple[str, ...],
) -> tuple[str, ...]:
    """Accept the ids of rules that exist; suggest the near one."""
    ids = rule_ids() if value else []
    for rule in value:
        if rule not in ids:
            raise click.BadParameter(f"there is no rule {rule!r}{suggestion(rule, ids)}")
    return value


def complete_rules(
    ctx: click.Context,  # noqa: ARG001  # click's protocol
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem | str]:
    """Offer the ids of rules that begin so."""
    return [rule for rule in rule_ids() if rule.startswith(incomplete)]


def suggestion(word: str, words: Iterable[str]) -> str:
    """Return ` (did you mean …?)` for a word that is nearly one of some, else nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(words), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def rule_ids() -> list[str]:
    """Return the ids of all rules, sorted."""
    from basekeeper.pipeline import rule_ids as known

    return known()


def read_patterns(
    ctx: click.Context,  # noqa: ARG001  # click's protocol
    param: click.Parameter,  # noqa: ARG001
    value: tuple[str, ...],
) -> tuple[str, ...]:
    """Accept patterns of images."""
    if value:
        from basekeeper.policy.patterns import parse_pattern

        for pattern in value:
            try:
                parse_pattern(pattern)
            except ValueError as error:
                raise click.BadParameter(f"{pattern!r} {error}") from error
    return value


def read_build_args(values: tuple[str, ...]) -> dict[str, str]:
    """Read `NAME=VALUE` arguments; a later one wins.

    Raises:
        InputError: One is not of that form. The environment is never read, so `NAME` alone is none.
    """
    found = {}
    for value in values:
        name, sign, text = value.partition("=")
        if not sign or _ARGUMENT.fullmatch(name) is None:
            raise InputError(
                f"build argument {value!r} is not NAME=VALUE",
                hint="give the value too: the environment is never read",
            )
        found[name] = text
    return found


def read_platforms(values: tuple[str, ...]) -> tuple[str, ...]:
    """Read platforms, each `os/architecture[/variant]`.

    Raises:
        InputError: One is not of that form.
    """
    for value in values:
        if _PLATFORM.fullmatch(value) is None:
            raise InputError(
                f"platform {value!r} is not os/architecture", hint="for example linux/arm64"
            )
    return values


def this_instant() -> datetime:
    """Read the clock: once a run, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251  # the one reading of the clock


def color_option(function: F) -> F:
    """Add `--color`."""
    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Colour the text; auto looks at the terminal and at NO_COLOR.",
    )(function)


def now_option(function: F) -> F:
    """Add `--now`."""
    return click.option(
        "--now",
        callback=read_instant,
        metavar="INSTANT",
        help="Judge as of this day or instant in UTC, for reproducible runs.",
    )(function)


def policy_option(function: F) -> F:
    """Add `--policy`."""
    return click.option(
        "--policy",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="An operator's policy; the repository's own may only tighten it.",
    )(function)


def output_option(function: F) -> F:
    """Add `--output`."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, writable=True),
        metavar="FILE",
        help="Write to a file instead of standard output.",
    )(function)


def offline_option(function: F) -> F:
    """Add `--offline` of a verb that uses the network otherwise."""
    return click.option(
        "--offline", is_flag=True, help="Never use the network; only the cache may answer."
    )(function)


def cache_option(function: F) -> F:
    """Add `--no-cache`."""
    return click.option(
        "--no-cache",
        is_flag=True,
        help="Neither read nor write the cache: ask everything anew.",
    )(function)


def images_option(function: F) -> F:
    """Add `--image`."""
    return click.option(
        "--image",
        "images",
        multiple=True,
        callback=read_patterns,
        metavar="PATTERN",
        help="Look at these images only: node, bitnami/*, ghcr.io/**. Repeatable.",
    )(function)


def kinds_option(function: F) -> F:
    """Add `--kind`."""
    return click.option(
        "--kind",
        "kinds",
        multiple=True,
        type=click.Choice(UPDATE_KINDS),
        help="Look at these kinds of updates only. Repeatable.",
    )(function)


def format_option(formats: Collection[str]) -> Callable[[F], F]:
    """Add `--format`; text is what is written where nobody says."""
    return click.option(
        "-f",
        "--format",
        type=click.Choice(list(formats)),
        default="text",
        show_default=True,
        help="How the result is written.",
    )


def place_options(function: F) -> F:
    """Add what verbs share that show a place which an operator may name."""
    for decorate in (
        now_option,
        color_option,
        click.option(
            "--policy", metavar="FILE", help="An operator's policy, which may name the place."
        ),
        format_option(("text", "json")),
    ):
        function = decorate(function)
    return function


def ephemeral_option(function: F) -> F:
    """Add `--ephemeral`."""
    return click.option(
        "--ephemeral",
        is_flag=True,
        help="In CI: record in a file although it is lost with the job.",
    )(function)


def scope_options(function: F) -> F:
    """Add the paths and options that say which files are read, with which values."""
    for decorate in reversed(_SCOPE):
        function = decorate(function)
    return function


_SCOPE: Final = (
    click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]..."),
    click.option(
        "--include", multiple=True, metavar="GLOB", help="Read only files that match. Repeatable."
    ),
    click.option(
        "--exclude", multiple=True, metavar="GLOB", help="Do not read files that match. Repeatable."
    ),
    click.option(
        "--build-arg",
        "build_args",
        multiple=True,
        metavar="NAME=VALUE",
        help="Give every build this argument. Repeatable.",
    ),
    click.option(
        "--platform",
        "platforms",
        multiple=True,
        metavar="OS/ARCH",
        help="Build for this platform where no file says. Repeatable.",
    ),
)
