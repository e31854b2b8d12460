"""`data`: how old the facts in use are, and bringing them up to date."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import now_option, place_options, this_instant
from basekeeper.cli.output import emit, style_for
from basekeeper.cli.progress import Progress
from basekeeper.errors import EXIT_OK, EXIT_UNKNOWN

if TYPE_CHECKING:
    from basekeeper.config.settings import Settings
    from basekeeper.refresh import DataInfo

_GROUPS: Final = ("calendars", "official", "kev", "epss")
"""As `basekeeper.refresh.GROUPS`, which takes longer to import than help may."""

_INFO_EPILOG: Final = """\b
Examples:
  basekeeper data info
  basekeeper data info --format json"""

_UPDATE_EPILOG: Final = """\b
Examples:
  basekeeper data update
  basekeeper data update --only kev --only epss
  basekeeper data update --mirror endoflife.date=https://mirror.example/all
\b
Exit codes: 0 every source was read, 3 one was not; what it owns stays."""


@click.group(
    "data",
    epilog="\b\nExamples:\n  basekeeper data info\n  basekeeper data update",
    short_help="Show or refresh the facts in use.",
)
def command() -> None:
    """Show or refresh the facts in use.

    Release dates, ends of life, official images, publishers and exploited
    vulnerabilities come with the program; all but the publishers can be
    refreshed from their sources. Probabilities of exploitation (EPSS) are
    only fetched. Your own settings say from where.
    """


@command.command("info", epilog=_INFO_EPILOG, short_help="Show source and age of the data.")
@place_options
def info(**given: Any) -> None:
    """Show source, licence and age of the data in use."""
    from basekeeper import wiring
    from basekeeper.refresh import data_info
    from basekeeper.render.data import render_data_json, render_data_text

    now = given["now"] or this_instant()
    settings = _settings(given["policy"])
    rows: tuple[DataInfo, ...] = data_info(
        wiring.open_catalogue(),
        now,
        wiring.open_exploited(settings, now=now),
        wiring.open_scores(settings, now=now, wanted=()),
    )
    if given["format"] == "json":
        emit(render_data_json(rows, now), encoded=True)
    else:
        emit(render_data_text(rows, style_for(sys.stdout, given["color"])), encoded=False)


@command.command("update", epilog=_UPDATE_EPILOG, short_help="Refresh the data.")
@click.option(
    "--mirror",
    "mirrors",
    multiple=True,
    metavar="SOURCE=URL",
    help="Fetch a source from another address. Repeatable.",
)
@click.option(
    "--only", multiple=True, type=click.Choice(_GROUPS), help="Refresh only this. Repeatable."
)
@click.option(
    "--policy", metavar="FILE", help="An operator's policy, which may name other addresses."
)
@now_option
def update(**given: Any) -> int:
    """Refresh the data from its sources over the network.

    Each source is checked before it takes the place of what is there: one
    that is empty, damaged, old or has lost much is refused.
    """
    from basekeeper import wiring
    from basekeeper.advisories.kept import is_address
    from basekeeper.refresh import refresh
    from basekeeper.render.data import render_refresh_text

    mirrors = _read_mirrors(given["mirrors"])
    settings = _settings(given["policy"])
    urls = {**wiring.sources(settings), **mirrors}
    named = [url for url in urls.values() if is_address(url)]
    now = given["now"] or this_instant()
    with wiring.open_fetch(named, authorities=wiring.authorities(settings)) as fetch:
        report = refresh(
            wiring.data_directory(),
            fetch,
            now,
            urls=urls,
            only=given["only"],
            watch=lambda name: Progress(f"fetching {name}"),
        )
    emit(render_refresh_text(report, style_for(sys.stdout, "auto")), encoded=False)
    return EXIT_OK if report.is_complete else EXIT_UNKNOWN


def _settings(policy: str | None) -> Settings:
    """Read what an operator says, without looking at any repository."""
    from basekeeper.config.settings import Settings
    from basekeeper.policy.load import load_config

    if policy is None:
        return Settings()
    return load_config(lambda _: None, policy_path=policy).settings


def _read_mirrors(values: tuple[str, ...]) -> dict[str, str]:
    """Read `SOURCE=URL`."""
    from basekeeper.refresh import DEFAULT_URLS

    found = {}
    for value in values:
        name, _, url = value.partition("=")
        if name not in DEFAULT_URLS or not url.startswith(("https://", "http://")):
            sources = ", ".join(DEFAULT_URLS)
            raise click.UsageError(f"mirror {value!r} is not SOURCE=URL; sources: {sources}")
        found[name] = url.rstrip("/")
    return found
