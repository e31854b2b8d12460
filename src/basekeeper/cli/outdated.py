"""`outdated`: ask the registries what is newer than the images in use. Writes no file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import (
    cache_option,
    color_option,
    format_option,
    images_option,
    kinds_option,
    now_option,
    offline_option,
    output_option,
    policy_option,
    scope_options,
)
from basekeeper.cli.output import write_result
from basekeeper.cli.progress import Progress
from basekeeper.errors import EXIT_FINDINGS, EXIT_OK, EXIT_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.render.layout import Style
    from basekeeper.values.resolution import Standings

FORMATS: Final = ("text", "json", "sarif", "junit", "markdown", "github")

OFFLINE_NOTICE: Final = "offline: only the cache answered, with answers of any age"

_EPILOG: Final = """\b
Examples:
  basekeeper outdated
  basekeeper outdated --kind digest --exit-code
  basekeeper outdated --image node --image 'mcr.microsoft.com/**'
  basekeeper outdated services/api --format markdown --output outdated.md
\b
Exit codes: 0 in any case, unless --exit-code is given: then 1 where an image
is outdated, else 3 where a registry (not with --offline) or a file did not
tell what was asked; 2 usage or configuration, 130 interrupted."""


@click.command("outdated", epilog=_EPILOG, short_help="Ask the registries what is newer.")
@format_option(FORMATS)
@output_option
@scope_options
@images_option
@kinds_option
@click.option("--exit-code", is_flag=True, help="Exit 1 where an image is outdated.")
@policy_option
@offline_option
@cache_option
@click.option("-v", "--verbose", is_flag=True, help="Tell also why nothing is newer, and where.")
@color_option
@now_option
def command(**given: Any) -> int:
    """Ask the registries what is newer than the images in use.

    Each distinct image is asked about once, however many files use it. Which
    updates are wanted is told by [updates] of the configuration. PATH is a
    directory, the current one by default.
    """
    from basekeeper import pipeline, wiring
    from basekeeper.cli.run import opened

    with opened(given) as has, Progress("reading files") as shown:
        settings = has.run.config.settings
        with (
            wiring.open_sights(settings) as ledger,
            wiring.open_registry(
                settings,
                now=has.run.now,
                offline=given["offline"],
                use_cache=not given["no_cache"],
            ) as registry,
        ):
            found = pipeline.outdated(
                has.tree,
                has.run,
                registry,
                images=given["images"],
                kinds=given["kinds"],
                ledger=ledger,
                progress=shown.count,
                asking=shown.asking,
            )
    if given["offline"]:
        found = replace(found, notices=(OFFLINE_NOTICE, *found.notices))
    write_result(given, lambda style: _rendered(found, given, style))
    return _exit_code(found, given) if given["exit_code"] else EXIT_OK


def _exit_code(found: Standings, given: Mapping[str, Any]) -> int:
    """Tell whether an image is outdated, or that may be so for all that was told."""
    from basekeeper.render.outdated_view import Status, rows

    shown = rows(found, given["kinds"])
    if any(row.status is Status.OUTDATED for row in shown):
        return EXIT_FINDINGS
    unread = any(item.fatal for item in found.survey.skipped)
    untold = not given["offline"] and any(row.gaps for row in shown)
    return EXIT_UNKNOWN if unread or untold else EXIT_OK


def _rendered(found: Standings, given: Mapping[str, Any], style: Style) -> str | Iterator[str]:
    """Write the result in the wanted format, whole or in pieces; loads that format only."""
    kinds = given["kinds"]
    if given["format"] == "text":
        from basekeeper.render.outdated_text import render_outdated_text

        return render_outdated_text(found, style, kinds=kinds, verbose=given["verbose"])
    if given["format"] == "json":
        from basekeeper.render.outdated_json import outdated_pieces

        return outdated_pieces(found, kinds=kinds)
    from basekeeper.render import outdated_pages as pages

    write = {
        "markdown": pages.outdated_markdown,
        "github": pages.outdated_github,
        "junit": pages.outdated_junit,
        "sarif": pages.outdated_sarif,
    }[given["format"]]
    return write(found, kinds=kinds)
