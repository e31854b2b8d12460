"""`scan`: have a scanner look into the images that builds stand on. Writes no file of the tree."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import (
    cache_option,
    color_option,
    ephemeral_option,
    format_option,
    images_option,
    now_option,
    output_option,
    policy_option,
    scope_options,
)
from basekeeper.cli.output import write_result
from basekeeper.cli.progress import Progress
from basekeeper.errors import EXIT_FINDINGS, EXIT_OK, EXIT_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper import pipeline
    from basekeeper.cli.run import Opened
    from basekeeper.config.settings import Settings
    from basekeeper.errors import LedgerError
    from basekeeper.pipeline.scanning import Named
    from basekeeper.render.layout import Style
    from basekeeper.values.reference import Reference
    from basekeeper.values.scanrun import ScanRun

FORMATS: Final = ("text", "json", "markdown")
THRESHOLDS: Final = ("critical", "high", "medium", "low", "never")

OFFLINE_NOTICE: Final = (
    "offline: no image was fetched; what tags point to is what the cache knows, of any age"
)

UNNAMED_NOTICE: Final = (
    "this repository has no name, so only facts about images are recorded: give it a remote"
    " 'origin', or say ledger.repository in your own settings"
)

_EPILOG: Final = """\b
Examples:
  basekeeper scan --update-database
  basekeeper scan --image node --fail-on critical
  basekeeper scan services/api --format json --output scan.json
  basekeeper scan --record
  basekeeper scan --reference debian:12-slim --reference oci:build/image
  basekeeper scan --reference archive:image.tar --reference sbom:app.cdx.json
\b
Exit codes: 0 everything was scanned, 1 a finding that has a fix is at or
above --fail-on, 2 usage or configuration (or no scanner), 3 an image could
not be scanned, or only in part: more may be there than is shown, or
nothing could be recorded, 130 interrupted."""


@click.command("scan", epilog=_EPILOG, short_help="Look for vulnerabilities in images.")
@format_option(FORMATS)
@output_option
@scope_options
@images_option
@click.option(
    "--reference",
    "references",
    multiple=True,
    metavar="IMAGE",
    help="Scan this instead of a tree: the name of an image, oci:PATH, archive:PATH or sbom:PATH. "
    "Repeatable.",
)
@click.option(
    "--fail-on",
    type=click.Choice(THRESHOLDS),
    default="never",
    show_default=True,
    help="Exit 1 where something at or above this severity has a fix.",
)
@click.option(
    "--update-database", is_flag=True, help="Fetch newer advisories first, where they are due."
)
@click.option(
    "--record/--no-record",
    default=None,
    help="Record what is found in the ledger, or do not; by default where one is configured, but "
    "not for a pull request.",
)
@ephemeral_option
@policy_option
@click.option(
    "--offline",
    is_flag=True,
    help="Never use the network: match only packages that were listed before.",
)
@cache_option
@click.option("-v", "--verbose", is_flag=True, help="Name every finding with a fix, every place.")
@color_option
@now_option
def command(**given: Any) -> int:
    """Look for known vulnerabilities in the images that builds stand on.

    Trivy looks into each distinct image once, for every platform that is
    built; how it is run, and whether Grype is asked too, is told by [scanner]
    of your own settings. Where they disagree, that is shown. What an
    image holds is kept by its digest: later runs match that against newer
    advisories, and fetch nothing again. PATH is a directory, the current one
    by default.

    A run that records also scans what each image could become, and what each
    [[product]] is published as: from that the ledger tells deadlines.
    """
    _check(given)
    from basekeeper.cli.run import opened

    with opened(given) as has, Progress("reading files") as shown:
        found, failed = _found(given, has, shown)
    if given["offline"]:
        found = replace(found, notices=(OFFLINE_NOTICE, *found.notices))
    write_result(given, lambda style: _rendered(found, given, style))
    code = exit_code(found, given["fail_on"])
    if failed is not None and code != EXIT_FINDINGS:
        raise failed
    return code


def _check(given: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other."""
    if given["references"] and (given["paths"] or given["images"]):
        raise click.UsageError("--reference scans no tree: give neither PATH nor --image with it")
    if given["record"] and (given["offline"] or given["references"]):
        raise click.UsageError("--record needs a tree and the network: leave out what denies them")
    if given["offline"] and given["update_database"]:
        raise click.UsageError("--update-database needs the network: leave out --offline")


def _found(
    given: Mapping[str, Any], has: Opened, shown: Progress
) -> tuple[ScanRun, LedgerError | None]:
    """Open everything, and scan; return what was found, and why it was not recorded."""
    from basekeeper import pipeline, wiring
    from basekeeper.values.scanning import SEVERITY_ORDER

    named = [(text, _named(text)) for text in dict.fromkeys(given["references"])]
    settings, ended = has.run.config.settings, threading.Event()
    said = wiring.storage(settings).scanner
    with (
        wiring.open_cache(settings, use_cache=not given["no_cache"]) as cache,
        wiring.open_registry(
            settings, now=has.run.now, offline=given["offline"], cache=cache
        ) as registry,
    ):
        work = pipeline.Scanning(
            scanner=wiring.open_scanner(settings, cache=cache, registry=registry, ended=ended),
            second=wiring.open_second_scanner(settings, cache=cache, ended=ended),
            registry=registry,
            severity_order=said.severity_order or SEVERITY_ORDER,
            ended=ended,
            limits=said.pull_limits,
            offline=given["offline"],
            update=given["update_database"],
            asking=shown.asking,
            scanning=shown.scanning,
        )
        if named:
            any_platform = not given["platforms"]
            return pipeline.scan_named(named, has.run, work, any_platform=any_platform), None
        wanted, notices = _recording(given, settings)
        if not wanted:
            found = pipeline.scan_tree(
                has.tree, has.run, work, images=given["images"], progress=shown.count
            )
            return replace(found, notices=(*notices, *found.notices)), None
        return _recorded(given, has, work, shown)


def _recording(given: Mapping[str, Any], settings: Settings) -> tuple[bool, tuple[str, ...]]:
    """Tell whether this run records, and what is to be said where that is not what settings say.

    What a pull request proposes is no fact of the repository before it is merged.
    """
    from basekeeper import wiring

    if given["record"] is not None:
        return given["record"], ()
    if given["offline"] or wiring.storage(settings).ledger is None:
        return False, ()
    if wiring.is_proposal(os.environ):
        return False, ("nothing is recorded: this job looks at a proposal; --record does it still",)
    return True, ()


def _recorded(
    given: Mapping[str, Any], has: Opened, work: pipeline.Scanning, shown: Progress
) -> tuple[ScanRun, LedgerError | None]:
    """Scan what is, what could be and what is published, and record it.

    What was found is shown even where the ledger fails at the end.
    """
    from basekeeper import pipeline, wiring
    from basekeeper.errors import LedgerError

    settings, now = has.run.config.settings, has.run.now
    where = wiring.locate(given["paths"])
    name = wiring.repository_name(settings, where.root)
    beside = pipeline.Beside(
        exploited=wiring.open_exploited(settings, now=now).catalogue,
        vex=wiring.open_statements(settings),
    )
    with wiring.open_recording(
        settings, now=now, ephemeral=given["ephemeral"], start=where.root
    ) as recording:
        seen = pipeline.observe(
            has.tree,
            has.run,
            work,
            recording.ledger,
            repository=name,
            images=given["images"],
            progress=shown.count,
        )
        kept_by, failed = (recording.ledger, recording.place), None
        try:
            found = pipeline.keep(has.tree, seen, has.run, kept_by, beside)
        except LedgerError as error:
            notice = f"nothing was recorded: {' '.join(error.message.split())}"
            found, failed = replace(seen.run, notices=(*seen.run.notices, notice)), error
    unnamed = () if name is not None else (UNNAMED_NOTICE,)
    return replace(found, notices=(*recording.notices, *unnamed, *found.notices)), failed


def _named(text: str) -> Reference | Named:
    """Read what `--reference` names."""
    from basekeeper.scanners.named import read_named
    from basekeeper.values.reference import parse_reference

    found = read_named(text)
    return parse_reference(text) if found is None else found


def exit_code(found: ScanRun, threshold: str) -> int:
    """Tell whether something has to be mended, or that may be so for all that was told.

    A match that nobody rated may be of any severity, so that it leaves a threshold open.
    """
    from basekeeper.values.vulnerability import Severity

    fixable = [one.severity for image in found.images for one in image.every_match if one.fixable]
    is_open = not found.complete
    if threshold != "never":
        least = Severity[threshold.upper()]
        if any(one >= least for one in fixable):
            return EXIT_FINDINGS
        is_open = is_open or Severity.UNKNOWN in fixable
    return EXIT_UNKNOWN if is_open else EXIT_OK


def _rendered(found: ScanRun, given: Mapping[str, Any], style: Style) -> str | Iterator[str]:
    """Write the result in the wanted format, whole or in pieces; loads that format only."""
    if given["format"] == "text":
        from basekeeper.render.scan_text import render_scan_text

        return render_scan_text(found, style, verbose=given["verbose"])
    if given["format"] == "json":
        from basekeeper.render.scan_json import scan_pieces

        return scan_pieces(found)
    from basekeeper.render.scan_markdown import scan_markdown

    return scan_markdown(found)
