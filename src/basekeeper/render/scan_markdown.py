"""What scans found as Markdown, for the summary of a CI job or a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.render.layout import short_digest
from basekeeper.render.markdown import Bounded, code, prose
from basekeeper.render.scan_bases import base_words, published_bases
from basekeeper.render.scan_view import (
    HEADS,
    SEVERITIES,
    cell,
    database_words,
    gap_words,
    gaps,
    kept_words,
    label,
    order_words,
    place_words,
    quorums,
    recorded_words,
    scanner_words,
    second_words,
    status,
    summary,
    tables,
    urgent,
)
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.values.scanrun import ScannedImage, ScanRun

MAX_PLACES: Final = 3
"""Most places that are named of an image."""


def scan_markdown(found: ScanRun) -> str:
    """Write a line of totals, what it rests on, the counts, what has a fix, what is not known."""
    out = Bounded(["## basekeeper: scan", "", f"**{prose(summary(found))}**", ""])
    basis = f"Scanner {scanner_words(found)}; database {database_words(found)}"
    second = second_words(found)
    beside = f" Second scanner {prose(second)}." if second is not None else ""
    out.add([f"{prose(basis)}; severity by {prose(order_words(found))}.{beside}", ""])
    heads = " | ".join(HEADS[one] for one in SEVERITIES)
    for heading, images in tables(found):
        columns = "|---|" + "--:|" * len(SEVERITIES) + "---|---|"
        out.add([f"| {heading} | {heads} | | Where |", columns])
        out.add(_counts(one, found) for one in images)
        out.add([""])
    if found.every:
        out.add(["Counts: with a fix/without.", ""])
    out.add(_findings(found))
    if found.second is not None:
        out.add(_disagreements(found))
    out.add(_bases(found))
    out.add(_gaps(found))
    kept = kept_words(found)
    out.add(f"> {prose(notice)}" for notice in (*found.notices, *([kept] if kept else ())))
    recorded = recorded_words(found)
    if recorded is not None and found.recorded is not None:
        out.add(["", f"Recorded: {prose(recorded)}", found.recorded.mark])
    return out.text()


def _counts(image: ScannedImage, found: ScanRun) -> str:
    """Write the counts of one image as a row."""
    cells = " | ".join(cell(image, one) for one in SEVERITIES)
    where = code(place_words(image, MAX_PLACES)) if image.uses else ""
    name = code(short_digest(label(image, found)))
    return f"| {name} | {cells} | {status(image)} | {where} |"


def _findings(found: ScanRun) -> Iterator[str]:
    """Write a table of what is CRITICAL or HIGH and has a fix."""
    rows = [(image, one) for image in found.images for one in urgent(image)]
    if not rows:
        return
    yield from ("| Image | Severity | Vulnerability | Package | Installed | Fixed in |",)
    yield "|---|---|---|---|---|---|"
    for image, one in rows:
        yield (
            f"| {code(short_digest(label(image, found)))} | {one.severity.word}"
            f" | {prose(one.vulnerability)} | {code(', '.join(one.packages))}"
            f" | {code(one.installed)} | {code(' or '.join(one.fixed))} |"
        )
    yield ""


def _disagreements(found: ScanRun) -> Iterator[str]:
    """Write a table of what two scanners do not agree on."""
    from basekeeper.render.quorum_text import disputed_words  # noqa: PLC0415  # seldom there

    rows = [
        (image, finding, quorum) for image, quorum in quorums(found) for finding in quorum.disputed
    ]
    if not rows:
        return
    yield from ("| Image | Severity | Vulnerability | Package | The scanners disagree |",)
    yield "|---|---|---|---|---|"
    for image, finding, quorum in rows:
        said = "; ".join(disputed_words(finding, quorum))
        yield (
            f"| {code(short_digest(label(image, found)))} | {finding.severity.word}"
            f" | {prose(finding.vulnerability)} | {code(finding.name)} | {prose(said)} |"
        )
    yield ""


def _bases(found: ScanRun) -> Iterator[str]:
    """List what published images stand on."""
    lines = [
        f"- {code(short_digest(label(image, found)))}"
        f"{': base' if isinstance(base, Unknown) else ' stands on'} {prose(base_words(base))}"
        for image, base in published_bases(found)
    ]
    if lines:
        yield from (*lines, "")


def _gaps(found: ScanRun) -> Iterator[str]:
    """List what is not known."""
    lines = [prose(gap_words(one, found)) for one in gaps(found)]
    lines += [
        f"could not be read: {code(one.path)}: {prose(one.reason)}"
        for one in found.skipped
        if one.fatal
    ]
    lines += [f"no image here matches {code(one)}" for one in found.unmatched]
    lines += [f"{prose(one.registry)}: {prose(one.reason)}" for one in found.troubles]
    if lines:
        yield from ("Not known:", "")
        yield from (f"- {line}" for line in lines)
        yield ""
