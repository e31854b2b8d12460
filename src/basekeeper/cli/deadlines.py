"""`deadlines`: what has to be patched by when. Writes nothing, but for what `--notify` tells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from basekeeper.cli.options import (
    color_option,
    ephemeral_option,
    format_option,
    output_option,
    policy_option,
    read_instant,
    this_instant,
)
from basekeeper.cli.output import write_result
from basekeeper.cli.repositories import (
    check_repositories,
    repositories_options,
    wanted_repositories,
)
from basekeeper.errors import EXIT_FINDINGS, EXIT_OK, EXIT_UNKNOWN, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from basekeeper.pipeline.deadlines import Basis
    from basekeeper.pipeline.telling import ChannelTold
    from basekeeper.render.layout import Style
    from basekeeper.values.agenda import Agenda

FORMATS: Final = ("text", "json", "markdown")

STATES: Final = (
    "open", "due-soon", "breached", "waiting-for-fix", "waiting-for-base", "bridged", "excepted",
    "fixed-unreleased", "closed-in-time", "closed-late", "unknown",
)  # fmt: skip
"""As `deadlines.model.State` has them, which is loaded only where something is asked."""

URGENCIES: Final = ("exploited", "critical", "high", "medium", "low")

_EPILOG: Final = """\b
Examples:
  basekeeper deadlines
  basekeeper deadlines --severity critical --severity exploited
  basekeeper deadlines --all --format markdown
  basekeeper deadlines --repository github.com/acme/shop --product api
  basekeeper deadlines --closed --as-of 2026-10-01
  basekeeper deadlines --notify
\b
Exit codes: 0 nothing is overdue, 1 something is, 2 usage or configuration,
3 that could not be told for all that was asked, or a channel of --notify
will never be told, 130 interrupted."""


@click.command("deadlines", epilog=_EPILOG, short_help="Show what has to be patched by when.")
@click.argument("path", required=False, default=".", type=click.Path())
@repositories_options
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice(URGENCIES),
    help="Show these alone. Repeatable.",
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    metavar="STATE",
    help="Show those in this state alone, such as due-soon. Repeatable.",
)
@click.option("--closed", is_flag=True, help="Show also those that have ended.")
@click.option(
    "--as-of",
    callback=read_instant,
    metavar="INSTANT",
    help="Show what was known then, by what the ledger had recorded.",
)
@click.option(
    "--now",
    callback=read_instant,
    metavar="INSTANT",
    help="Reckon as of this day or instant in UTC; as --as-of where that is given.",
)
@click.option(
    "--notify",
    is_flag=True,
    help="Tell the channels of [[notify]] in your own settings what is new, each step once.",
)
@ephemeral_option
@policy_option
@format_option(FORMATS)
@output_option
@click.option("-v", "--verbose", is_flag=True, help="Show every finding with all its clocks.")
@color_option
def command(**given: Any) -> int:
    """Show what has to be patched by when, for which products, and why.

    Nobody is asked: it is worked out from the events that scans recorded in
    the ledger, by the windows of the policy. PATH is a directory of the
    repository, the current one by default.
    """
    _check(given)
    found = _found(given)
    told = _notified(given, found) if given["notify"] else Notified()
    found = replace(found, notices=(*found.notices, *told.lines))
    write_result(given, lambda style: _rendered(found, given, style))
    code = exit_code(found)
    return EXIT_UNKNOWN if code == EXIT_OK and told.is_lost else code


def exit_code(found: Agenda) -> int:
    """Tell whether something is overdue, or may be for all that is known."""
    if found.overdue:
        return EXIT_FINDINGS
    unknown = any(one.deadline.state == "unknown" for one in found.due)
    return EXIT_UNKNOWN if unknown or found.doubts else EXIT_OK


def _check(given: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other."""
    check_repositories(given)
    if given["notify"] and given["as_of"]:
        raise click.UsageError("--notify tells of the present: leave out --as-of")


class Notified(NamedTuple):
    """What became of the messages of a run."""

    lines: tuple[str, ...] = ()
    """A line for each channel."""
    is_lost: bool = False
    """Whether some message will never arrive."""


def _notified(given: Mapping[str, Any], found: Agenda) -> Notified:
    """Queue what channels were not told yet, and send what is due."""
    from basekeeper import pipeline, wiring
    from basekeeper.pipeline.deadlines import Asked, agenda

    clock = wiring.ticking(found.now)
    root, basis = _basis(given, found.now)
    settings = basis.config.settings
    hearing = wiring.audiences(settings)
    if not hearing:
        raise InputError(
            "no channel is configured, so nobody can be notified",
            hint="add [[notify]] to your own settings: docs/reference/notifications.md",
        )
    told = []
    with (
        wiring.open_outbox(
            settings, clock=clock, ephemeral=given["ephemeral"], start=root
        ) as ledger,
        wiring.open_channels(settings) as channels,
    ):
        for name in found.repositories:
            asked = Asked(repositories=(name,), closed=True)
            every = [one.deadline for one in agenda(ledger, basis, asked, place="").due]
            pipeline.announce(ledger, every, hearing, repository=name, now=found.now)
            told += [
                (name, one) for one in pipeline.tell(ledger, channels, repository=name, clock=clock)
            ]
    lines = tuple(_told_line(name, one) for name, one in told)
    return Notified(lines, any(one.given_up for _, one in told))


def _told_line(repository: str, told: ChannelTold) -> str:
    """Say what became of the messages of one channel."""
    words = [f"{told.sent} sent"]
    words += [f"not yet: {one.reason}" for one in told.later[:1]]
    words += [f"{told.left} left for the next run"] if told.left else []
    words += [f"given up: {one.reason}" for one in told.given_up]
    return f"notified {told.name} of {repository}: {', '.join(words)}"


def _found(given: Mapping[str, Any]) -> Agenda:
    """Read configuration and ledger, and work it out."""
    from basekeeper import wiring
    from basekeeper.pipeline.deadlines import Asked, agenda

    root, basis = _basis(given, given["now"] or given["as_of"] or this_instant())
    settings = basis.config.settings
    asked = Asked(
        repositories=wanted_repositories(given, settings, root),
        products=given["products"],
        states=given["states"],
        urgencies=given["severities"],
        closed=given["closed"],
        as_of=given["as_of"],
    )
    with wiring.open_history(settings, start=root) as history:
        return agenda(history.ledger, basis, asked, place=history.place)


def _basis(given: Mapping[str, Any], now: datetime) -> tuple[Path, Basis]:
    """Read the configuration of the place that is meant."""
    from basekeeper import wiring
    from basekeeper.pipeline.deadlines import Basis
    from basekeeper.policy.load import load_config

    root = wiring.locate((given["path"],)).root
    config = load_config(root, policy_path=given["policy"])
    settings = config.settings
    return root, Basis(
        config=config,
        now=now,
        max_age=wiring.max_database_age(settings),
        scores=lambda names: wiring.open_scores(settings, now=now, wanted=names),
    )


def _rendered(found: Agenda, given: Mapping[str, Any], style: Style) -> str | Iterator[str]:
    """Write the result in the wanted format; loads that format only."""
    if given["format"] == "text":
        from basekeeper.render.deadlines_text import deadlines_text

        return deadlines_text(found, style, verbose=given["verbose"])
    if given["format"] == "json":
        from basekeeper.render.deadlines_json import deadlines_pieces

        return deadlines_pieces(found)
    from basekeeper.render.deadlines_markdown import deadlines_markdown

    return deadlines_markdown(found)
