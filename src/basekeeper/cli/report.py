"""`report`: the evidence of a period or a release. Reads the ledger, and writes one file."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import (
    color_option,
    output_option,
    policy_option,
    read_day,
    read_instant,
    this_instant,
)
from basekeeper.cli.output import emit, style_for, write_file
from basekeeper.cli.repositories import (
    check_repositories,
    repositories_options,
    wanted_repositories,
)
from basekeeper.errors import EXIT_OK, EXIT_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.values.evidence import Evidence, Period

FORMATS: Final = ("text", "html", "json", "csv")

DEFAULT_PERIOD: Final = timedelta(days=90)

MAX_PERIOD: Final = timedelta(days=3_653)
"""Longest period: ten years, as long as evidence has to be kept by Regulation (EU) 2024/2847,
article 13(13), where the support period is not longer."""

_LAST: Final = re.compile(r"([1-9][0-9]{0,3})(d|w)")
_UNITS: Final = {"d": timedelta(days=1), "w": timedelta(weeks=1)}

_EPILOG: Final = """\b
Examples:
  basekeeper report --output report.html
  basekeeper report --last 26w --output report.html
  basekeeper report --from 2026-07-01 --until 2026-09-30 --format json
  basekeeper report --all --last 365d --output findings.csv
  basekeeper report --product api --release stable -o api.html
  basekeeper report --as-of 2026-10-12 -o then.html
\b
Exit codes: 0 the report was written, 2 usage or configuration, 3 the ledger
cannot be read, has events that cannot be read, or nothing of a repository
that was asked for: the report says which, 130 interrupted."""


def _read_last(
    ctx: click.Context,  # noqa: ARG001  # click's protocol
    param: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> timedelta | None:
    """Read `90d` or `26w`."""
    if value is None:
        return None
    found = _LAST.fullmatch(value)
    if found is None:
        raise click.BadParameter(f"{value!r} is no period: write 90d or 26w")
    return int(found[1]) * _UNITS[found[2]]


@click.command("report", epilog=_EPILOG, short_help="Write the evidence of a period or release.")
@click.argument("path", required=False, default=".", type=click.Path())
@repositories_options
@click.option("--from", "begin", callback=read_day, metavar="DAY", help="First day, UTC.")
@click.option(
    "--until", callback=read_day, metavar="DAY", help="Last day, UTC; the present one by default."
)
@click.option(
    "--last",
    callback=_read_last,
    metavar="LENGTH",
    help="The days (90d) or weeks (26w) before the end instead; 90d by default.",
)
@click.option(
    "--release",
    metavar="TAG|DIGEST",
    help="The evidence of this release of the product: what was known when it was recorded, since "
    "the release before.",
)
@click.option(
    "--as-of",
    callback=read_instant,
    metavar="INSTANT",
    help="The report as it would have been made then, by what the ledger had recorded.",
)
@click.option(
    "--now",
    callback=read_instant,
    metavar="INSTANT",
    help="Reckon as of this day or instant in UTC.",
)
@policy_option
@click.option(
    "-f",
    "--format",
    type=click.Choice(FORMATS),
    help="A page, everything as JSON, one row for each finding, or a summary; by default as the "
    "name of the output ends, else text.",
)
@output_option
@color_option
def command(**given: Any) -> int:
    """Write the evidence of a period or a release.

    Which bases products stood on and what they published, each with its
    digest, category, lifecycle and scans; what was found, until when it had to
    be fixed and when it was; waivers, and what was done when. Nobody is asked:
    all is worked out from the events of the ledger, by the policy. What is not
    known is told. PATH is a directory of the repository, the current one by
    default.
    """
    _check(given)
    given["format"] = given["format"] or _format_of(given["output"])
    found = _found(given)
    if given["output"] is None:
        emit(_rendered(found, given), encoded=given["format"] != "text")
    else:
        write_file(given["output"], _rendered(found, given))
        if given["format"] != "text":
            emit(_summary(found, given), encoded=False)
    return exit_code(found)


def _format_of(output: str | None) -> str:
    """Tell in which format a file is meant, by its name."""
    ending = "" if output is None else output.rpartition(".")[2].lower()
    return ending if ending in FORMATS else "text"


def exit_code(found: Evidence) -> int:
    """Tell whether all that was recorded could be read, and anything was."""
    known = {one.name for one in found.repositories}
    is_missing = any(one.repository not in known for one in found.doubts)
    return EXIT_UNKNOWN if found.unread or is_missing else EXIT_OK


def _check(given: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other."""
    check_repositories(given)
    if given["as_of"] is not None and given["now"] is not None:
        raise click.UsageError("--as-of is the instant of the report: leave out --now")
    is_period = any(given[name] is not None for name in ("begin", "until", "last"))
    if given["release"] is not None and is_period:
        raise click.UsageError("--release has its own period: leave out --from, --until and --last")
    if given["begin"] is not None and given["last"] is not None:
        raise click.UsageError("--from and --last both say where the period begins")


def _found(given: Mapping[str, Any]) -> Evidence:
    """Read configuration and ledger, and work it out."""
    from basekeeper import wiring
    from basekeeper.pipeline.reporting import Asked, Basis, evidence
    from basekeeper.policy.load import load_config

    root = wiring.locate((given["path"],)).root
    config = load_config(root, policy_path=given["policy"])
    now = given["as_of"] or given["now"] or this_instant()
    asked = Asked(
        repositories=wanted_repositories(given, config.settings, root),
        period=None if given["release"] is not None else _period(given, now),
        as_of=given["as_of"],
        products=given["products"],
        release=given["release"],
    )
    basis = Basis(
        config=config,
        catalogue=wiring.open_catalogue(),
        now=now,
        max_age=wiring.max_database_age(config.settings),
    )
    with wiring.open_history(config.settings, start=root) as history:
        return evidence(history.ledger, basis, asked, place=history.place)


def _period(given: Mapping[str, Any], now: datetime) -> Period:
    """Tell the period; whole days where they are named."""
    from basekeeper.values.evidence import Period

    end = now
    if given["until"] is not None:
        end = min(now, datetime.combine(given["until"], time(), tzinfo=UTC) + timedelta(days=1))
    if given["begin"] is not None:
        begin = datetime.combine(given["begin"], time(), tzinfo=UTC)
    else:
        begin = end - (given["last"] or DEFAULT_PERIOD)
    if begin >= end:
        raise click.UsageError(f"the period would end before it begins: {begin} to {end}")
    if end - begin > MAX_PERIOD:
        raise click.UsageError("a period has at most ten years")
    return Period(begin, end)


def _rendered(found: Evidence, given: Mapping[str, Any]) -> str | Iterator[str]:
    """Write the report in the wanted format; loads that format only."""
    if given["format"] == "html":
        from basekeeper.render.report_html import report_html

        return report_html(found)
    if given["format"] == "json":
        from basekeeper.render.report_json import report_pieces

        return report_pieces(found)
    if given["format"] == "csv":
        from basekeeper.render.report_csv import report_csv

        return report_csv(found)
    return _summary(found, given)


def _summary(found: Evidence, given: Mapping[str, Any]) -> str:
    """Write the summary for a terminal, and where the report is."""
    from basekeeper.render.report_text import report_text

    file = None if given["format"] == "text" else given["output"]
    return report_text(found, style_for(sys.stdout, given["color"]), file=file)
