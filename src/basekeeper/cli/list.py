"""`list`: every base image of a repository and where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import (
    color_option,
    format_option,
    now_option,
    output_option,
    policy_option,
    scope_options,
)
from basekeeper.cli.output import write_result
from basekeeper.cli.progress import Progress
from basekeeper.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.render.layout import Style
    from basekeeper.values.finding import Report

FORMATS: Final = ("text", "json", "markdown")

_EPILOG: Final = """\b
Examples:
  basekeeper list
  basekeeper list services --format json
  basekeeper list --exit-code"""


@click.command("list", epilog=_EPILOG, short_help="List every base image and where it is used.")
@format_option(FORMATS)
@output_option
@scope_options
@click.option("--exit-code", is_flag=True, help="Exit 1 where an image is prohibited.")
@policy_option
@click.option("--offline", is_flag=True, help="Never use the network; this verb never does.")
@color_option
@now_option
def command(**given: Any) -> int:
    """List every base image and where it is used.

    PATH is a directory, the current one by default. Given files or several
    paths, only these are listed, from the current directory.
    """
    from basekeeper import pipeline
    from basekeeper.cli.run import opened

    with opened(given) as has, Progress("reading files") as shown:
        report = pipeline.judge(has.tree, has.run, progress=shown.count)
    write_result(given, lambda style: _rendered(report, given, style))
    return _exit_code(report) if given["exit_code"] else EXIT_OK


def _exit_code(report: Report) -> int:
    """Tell whether an image is prohibited."""
    from basekeeper.values.finding import Category

    prohibited = any(one.category is Category.PROHIBITED for _, one in report.judgements)
    return EXIT_FINDINGS if prohibited else EXIT_OK


def _rendered(report: Report, given: Mapping[str, Any], style: Style) -> str | Iterator[str]:
    """Write the list in the wanted format, whole or in pieces."""
    from basekeeper.render import listing

    if given["format"] == "json":
        return listing.list_pieces(report)
    if given["format"] == "markdown":
        return listing.render_list_markdown(report)
    return listing.render_list_text(report, style)
