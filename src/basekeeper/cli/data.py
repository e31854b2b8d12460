"""`data`: how old the facts about images are, and bringing the calendars up to date."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import color_option, format_option, now_option, this_instant
from basekeeper.cli.output import emit, style_for
from basekeeper.cli.progress import Progress
from basekeeper.errors import EXIT_OK, EXIT_UNKNOWN

if TYPE_CHECKING:
    from basekeeper.refresh import DataInfo

_INFO_EPILOG: Final = """\b
Examples:
  basekeeper data info
  basekeeper data info --format json"""

_UPDATE_EPILOG: Final = """\b
Examples:
  basekeeper data update
  basekeeper data update --mirror endoflife.date=https://mirror.example/all
\b
Exit codes: 0 every source was read, 3 one was not; what it owns stays."""


@click.group(
    "data",
    epilog="\b\nExamples:\n  basekeeper data info\n  basekeeper data update",
    short_help="Show or refresh the lifecycle data.",
)
def command() -> None:
    """Show or refresh the lifecycle data.

    Release dates, ends of life, official images and publishers come with
    the program; the calendars can be refreshed from their sources.
    """


@command.command("info", epilog=_INFO_EPILOG, short_help="Show source and age of the data.")
@format_option(("text", "json"))
@color_option
@now_option
def info(**given: Any) -> None:
    """Show source, licence and age of the data in use."""
    from basekeeper import wiring
    from basekeeper.refresh import data_info
    from basekeeper.render.data import render_data_json, render_data_text

    now = given["now"] or this_instant()
    rows: tuple[DataInfo, ...] = data_info(wiring.open_catalogue(), now)
    if given["format"] == "json":
        emit(render_data_json(rows, now), encoded=True)
    else:
        emit(render_data_text(rows, style_for(sys.stdout, given["color"])), encoded=False)


@command.command("update", epilog=_UPDATE_EPILOG, short_help="Refresh the calendars.")
@click.option(
    "--mirror",
    "mirrors",
    multiple=True,
    metavar="SOURCE=URL",
    help="Fetch a source from another address. Repeatable.",
)
@now_option
def update(**given: Any) -> int:
    """Refresh the calendars from their sources over the network."""
    from basekeeper import wiring
    from basekeeper.refresh import refresh
    from basekeeper.render.data import render_refresh_text

    urls = _read_mirrors(given["mirrors"])
    now = given["now"] or this_instant()
    with wiring.open_fetch(urls.values()) as fetch, Progress("fetching lifecycle data"):
        report = refresh(wiring.data_directory(), fetch, now, urls=urls)
    emit(render_refresh_text(report, style_for(sys.stdout, "auto")), encoded=False)
    return EXIT_OK if report.is_complete else EXIT_UNKNOWN


def _read_mirrors(values: tuple[str, ...]) -> dict[str, str]:
    """Read `SOURCE=URL`."""
    from basekeeper.refresh import DEFAULT_URLS

    found = {}
    for value in values:
        name, _, url = value.partition("=")
        if name not in DEFAULT_URLS or not url.startswith(("https://", "http://")):
            sources = " or ".join(DEFAULT_URLS)
            raise click.UsageError(f"mirror {value!r} is not SOURCE=URL with SOURCE {sources}")
        found[name] = url.rstrip("/")
    return found
