"""What scans found, for people at a terminal.

    scanner   trivy 0.69.3
    database  of 2026-11-25 00:00 UTC, 12 h old
    severity  advisory, then nvd, then highest

    Image                        Critical   High  Medium    Low  Unrated
    debian:11.11-slim                 2/0    0/1       0    0/1        0  scanned
    counts: with a fix/without

    debian:11.11-slim
        critical  CVE-2026-90001 libssl1.1, openssl
                  1.1.1w-0+deb11u1 → 1.1.1w-0+deb11u2
        used in   Dockerfile:1

Only CRITICAL and HIGH ones with a fix are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.render.layout import fit_image, fit_middle, pad, short_digests, width_of, wrap
from basekeeper.render.safe import visible
from basekeeper.render.scan_bases import base_words, published_bases
from basekeeper.render.scan_view import (
    HEADS,
    SEVERITIES,
    URGENT,
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
from basekeeper.render.view import plural
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from basekeeper.render.layout import Style
    from basekeeper.render.scan_view import Finding
    from basekeeper.values.scanrun import ScannedImage, ScanRun

MAX_FINDINGS: Final = 20
"""Most findings that are named of an image; `--verbose` names all."""
MAX_PLACES: Final = 3
"""Most places that are named of an image; `--verbose` names all."""

_INDENT: Final = 4
_LABEL: Final = 10
_COLUMN: Final = 8
"""Columns of a count."""
_STATUS: Final = 11
"""Columns of what came of an image, with the gap before it."""
_ROLES: Final = {"scanned": "good", "rematched": "good", "brought": "good"}


def render_scan_text(found: ScanRun, style: Style, *, verbose: bool = False) -> str:
    """Write what was found, what it rests on, and what is not known.

    Args:
        found: What was found.
        style: Columns, colours and signs of the output.
        verbose: Name every finding that has a fix, and every place.
    """
    lines = list(_basis(found, style))
    for heading, images in tables(found):
        lines += ["", *_table(heading, images, found, style)]
    if found.every:
        lines += [style.paint("counts: with a fix/without", "dim"), ""]
    for image in found.images:
        lines += _findings(image, found, style, verbose=verbose)
    if found.second is not None:
        lines += _disagreements(found, style, verbose=verbose)
    lines += _bases(found, style)
    lines += _gaps(found, style)
    kept, recorded = kept_words(found), recorded_words(found)
    for notice in (*found.notices, *([kept] if kept else ())):
        lines += _labelled("note", notice, "note", style, indent=0)
    if recorded is not None:
        lines += _labelled("recorded", recorded, "dim", style, indent=0)
    lines += wrap(summary(found), style.width)
    return "\n".join(lines) + "\n"


def _basis(found: ScanRun, style: Style) -> Iterator[str]:
    """Write what all answers rest on."""
    role = "error" if found.database_problem is not None else "dim"
    yield from _labelled("scanner", scanner_words(found), "dim", style, indent=0)
    yield from _labelled("database", database_words(found), role, style, indent=0)
    second = second_words(found)
    if second is not None:
        yield from _labelled("second", second, "dim", style, indent=0)
    yield from _labelled("severity", order_words(found), "dim", style, indent=0)


def _table(
    heading: str, images: Sequence[ScannedImage], found: ScanRun, style: Style
) -> Iterator[str]:
    """Write the counts, a line for each image."""
    room = max(style.width - _COLUMN * len(SEVERITIES) - 2 - _STATUS, _COLUMN)
    head = "".join(f"{HEADS[one]:>{_width(one)}}" for one in SEVERITIES)
    yield style.paint(pad(heading, room) + head, "dim")
    for image in images:
        name = fit_image(visible(label(image, found)), room - 1, style.ellipsis)
        counts = "".join(_painted(image, one, style) for one in SEVERITIES)
        word = status(image)
        yield pad(name, room) + counts + "  " + style.paint(word, _ROLES.get(word, "error"))


def _width(severity: Severity) -> int:
    return _COLUMN + 2 if severity is Severity.CRITICAL else _COLUMN


def _painted(image: ScannedImage, severity: Severity, style: Style) -> str:
    """Write one count on the right of its column; what can be mended stands out."""
    text = f"{cell(image, severity):>{_width(severity)}}"
    return style.paint(text, "error") if image.count(severity)[0] and severity in URGENT else text


def _findings(image: ScannedImage, found: ScanRun, style: Style, *, verbose: bool) -> Iterator[str]:
    """Write what has a fix, and where the image is used."""
    listed = list(urgent(image))
    if not listed:
        return
    yield style.paint(fit_image(visible(label(image, found)), style.width, style.ellipsis), "bold")
    shown = listed if verbose else listed[:MAX_FINDINGS]
    for one in shown:
        yield from _finding(one, style)
    if len(shown) < len(listed):
        more = plural(len(listed) - len(shown), "more finding")
        yield from _labelled("", f"and {more}; --verbose names all", "dim", style)
    if image.uses:
        places = place_words(image, None if verbose else MAX_PLACES)
        yield from _labelled("used in", places, "dim", style)
    yield ""


def _disagreements(found: ScanRun, style: Style, *, verbose: bool) -> Iterator[str]:
    """Write on what two scanners do not agree, image by image."""
    from basekeeper.render.quorum_text import quorum_lines  # noqa: PLC0415  # seldom there

    for image, quorum in quorums(found):
        if quorum.disputed or quorum.problems:
            name = fit_image(visible(label(image, found)), style.width, style.ellipsis)
            yield style.paint(name, "bold")
            yield from quorum_lines(quorum, style, verbose=verbose)
            yield ""


def _finding(one: Finding, style: Style) -> Iterator[str]:
    """Write a vulnerability with its packages, and what would mend it."""
    head = f"{one.vulnerability} {', '.join(one.packages)}"
    role = "error" if one.severity is Severity.CRITICAL else "warning"
    yield from _labelled(one.severity.word, head, role, style)
    arrow, room = style.sign("→", "->"), style.width - _INDENT - _LABEL
    step = visible(f"{one.installed} {arrow} {' or '.join(one.fixed)}")
    line = step if width_of(step) <= room else fit_middle(step, room, style.ellipsis)
    yield " " * (_INDENT + _LABEL) + style.paint(line, "remedy")


def _bases(found: ScanRun, style: Style) -> Iterator[str]:
    """Write what published images stand on."""
    for image, base in published_bases(found):
        name = fit_image(visible(label(image, found)), style.width, style.ellipsis)
        yield style.paint(name, "bold")
        if isinstance(base, Unknown):
            yield from _labelled("base", base_words(base), "warning", style)
            yield from _labelled("", base.hint, "remedy", style) if base.hint else ()
        else:
            yield from _labelled("stands on", base_words(base), "dim", style)
        yield ""


def _gaps(found: ScanRun, style: Style) -> Iterator[str]:
    """Write what is not known, and what to do about it; hints of equal words once."""
    hints: dict[str, None] = {}
    said = False
    for gap in gaps(found):
        said = True
        text = visible(short_digests(gap_words(gap, found), style.ellipsis))
        yield from (style.paint(line, "error") for line in wrap(text, style.width))
        if gap.hint:
            hints[gap.hint] = None
    for item in found.skipped:
        if item.fatal:
            said = True
            text = visible(f"could not be read: {item.path}: {item.reason}")
            yield style.paint(fit_middle(text, style.width, style.ellipsis), "error")
    for pattern in found.unmatched:
        said = True
        yield style.paint(f"no image here matches {pattern!r}", "error")
    for trouble in found.troubles:
        hints.setdefault(f"{trouble.registry}: {trouble.reason}", None)
        if trouble.hint:
            hints.setdefault(trouble.hint, None)
    for hint in hints:
        first, *rest = wrap(visible(hint), style.width - 2)
        yield style.paint(f"{style.sign('→', '>')} {first}", "remedy")
        yield from (style.paint(f"  {line}", "remedy") for line in rest)
    if said:
        yield ""


def _labelled(
    name: str, text: str, role: str, style: Style, *, indent: int = _INDENT
) -> Iterator[str]:
    """Write a text beside its label, over as many lines as it needs."""
    for number, line in enumerate(wrap(visible(text), style.width - indent - _LABEL)):
        before = pad(name, _LABEL) if number == 0 else " " * _LABEL
        yield " " * indent + style.paint(before, role) + line
