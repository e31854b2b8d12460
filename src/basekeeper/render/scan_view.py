"""What every format shows of a run of scans, put into words and groups once."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.render.view import plural
from basekeeper.values.image import Unknown
from basekeeper.values.scanrun import How, Part
from basekeeper.values.vulnerability import Scan, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from basekeeper.quorum import Quorum
    from basekeeper.values.scanrun import ScannedImage, ScanRun
    from basekeeper.values.vulnerability import Database, Match

SEVERITIES: Final = tuple(sorted(Severity, reverse=True))
"""Worst first; those that nobody rated last."""
URGENT: Final = (Severity.CRITICAL, Severity.HIGH)
"""Of these the formats for people name what has a fix."""
HEADS: Final = {one: "Unrated" if one is Severity.UNKNOWN else one.word.title() for one in Severity}
"""What a column is called."""
_HEADINGS: Final = {
    "Image": Part.CURRENT,
    "Could become": Part.CANDIDATE,
    "Published": Part.PUBLISHED,
}
_HOURS_SHOWN: Final = 48
"""Hours up to which the age of a database is told in hours."""


class Finding(NamedTuple):
    """One vulnerability in packages of one version that the same version fixes."""

    severity: Severity
    vulnerability: str
    packages: tuple[str, ...]
    installed: str
    fixed: tuple[str, ...]


class Gap(NamedTuple):
    """Why something is not known, told once for all images that it concerns."""

    reason: str
    hint: str | None
    images: tuple[ScannedImage, ...]


def urgent(image: ScannedImage) -> Iterator[Finding]:
    """Yield what is CRITICAL or HIGH and has a fix, worst first."""
    chosen = [one for one in image.matches if one.severity in URGENT and one.fixable]
    chosen.sort(key=_finding_key)
    for (rank, vulnerability, installed, fixed), group in groupby(chosen, _finding_key):
        names = tuple(dict.fromkeys(one.package.name for one in group))
        yield Finding(Severity(-rank), vulnerability, names, installed, fixed)


def _finding_key(match: Match) -> tuple[int, str, str, tuple[str, ...]]:
    return (-match.severity, match.vulnerability, match.package.version, match.fixed_versions)


def label(image: ScannedImage, found: ScanRun) -> str:
    """Name an image; its platform too, where several are in the run."""
    platforms = {one.platform for one in found.every if one.platform is not None}
    if len(platforms) < 2 or image.platform is None:  # noqa: PLR2004  # more than one
        return image.name
    return f"{image.name} {image.platform}"


def status(image: ScannedImage) -> str:
    """Say in one word what came of an image."""
    return "partly" if image.how is not How.UNKNOWN and image.problems else image.how.value


def cell(image: ScannedImage, severity: Severity) -> str:
    """Write counts: with a fix, then without; nothing is found out about what was not answered."""
    if isinstance(image.answer, Unknown):
        return "?"
    fixable, rest = image.count(severity)
    return f"{fixable}/{rest}" if fixable or rest else "0"


def scanner_words(found: ScanRun) -> str:
    """Say which program looked."""
    return f"{found.scanner.name} {found.scanner.version}"


def second_words(found: ScanRun) -> str | None:
    """Say which second program looked, and by what; None: none did."""
    second = found.second
    if second is None:
        return None
    known = "database unknown"
    if second.database is not None:
        known = f"database {_dated(second.database, found)}"
    elif second.problem is not None:
        known = f"database unknown: {second.problem.reason}"
    return f"{second.scanner.name} {second.scanner.version}, {known}"


def quorums(found: ScanRun) -> Iterator[tuple[ScannedImage, Quorum]]:
    """Yield what two scanners say of each image of which both say something."""
    from basekeeper.quorum import weigh_scans  # noqa: PLC0415  # only with a second scanner

    for image in found.every:
        if isinstance(image.answer, Scan) and isinstance(image.second, Scan):
            yield image, weigh_scans(image.answer, image.second)


def database_words(found: ScanRun) -> str:
    """Say how old the advisories are."""
    database = found.database
    if database is None:
        problem = found.database_problem
        return f"unknown: {problem.reason}" if problem is not None else "unknown"
    return _dated(database, found)


def _dated(database: Database, found: ScanRun) -> str:
    made = f"{database.updated:%Y-%m-%d %H:%M} UTC"
    return f"of {made}, {_age_words(database.age(found.now))}"


def order_words(found: ScanRun) -> str:
    """Say whose severity counts."""
    return ", then ".join(found.severity_order)


def gaps(found: ScanRun) -> list[Gap]:
    """Gather what is not known, by its reason."""
    groups: dict[Unknown, list[ScannedImage]] = {}
    for image in found.every:
        for problem in image.problems:
            groups.setdefault(problem, []).append(image)
    return [Gap(one.reason, one.hint, tuple(images)) for one, images in groups.items()]


def gap_words(gap: Gap, found: ScanRun) -> str:
    """Say what is not known, of what, and why."""
    names = [label(one, found) for one in gap.images]
    what = names[0] if len(names) == 1 else plural(len(names), "image")
    partly = all(one.how is not How.UNKNOWN for one in gap.images)
    return f"{'more may be in' if partly else 'no answer about'} {what}: {gap.reason}"


def summary(found: ScanRun) -> str:
    """Write the totals."""
    if not found.images:
        return "nothing to scan: no build here stands on an image with a name"
    words = [plural(len(found.images), "image")]
    for how in How:
        count = sum(one.how is how for one in found.images)
        if count:
            words.append(f"{count:,} {how.value}")
    partly = sum(status(one) == "partly" for one in found.images)
    if partly:
        words.append(f"{partly:,} of them partly")
    if all(isinstance(one.answer, Unknown) for one in found.images):
        return ", ".join(words)
    least = "at least " if any(one.problems for one in found.images) else ""
    for severity in URGENT:
        fixable = sum(one.count(severity)[0] for one in found.images)
        words.append(f"{least}{fixable:,} fixable {severity.word}")
    return ", ".join(words)


def kept_words(found: ScanRun) -> str | None:
    """Say that images were not fetched again, where some were not."""
    count = sum(one.how is How.REMATCHED for one in found.every)
    if not count:
        return None
    were = "image was" if count == 1 else "images were"
    return (
        f"{count:,} {were} not fetched again: packages listed before were matched against the"
        " present database"
    )


def tables(found: ScanRun) -> Iterator[tuple[str, tuple[ScannedImage, ...]]]:
    """Yield the heading and the images of each table that is not empty."""
    for heading, part in _HEADINGS.items():
        images = tuple(one for one in found.every if one.part is part)
        if images:
            yield heading, images


def recorded_words(found: ScanRun) -> str | None:
    """Say what was recorded where; None: nothing was."""
    recorded = found.recorded
    if recorded is None:
        return None
    count = plural(recorded.events, "new event")
    whose = f" of {recorded.repository}" if recorded.repository is not None else ""
    head = f"; head {recorded.head}" if recorded.head is not None else ""
    return f"{count}{whose} in {recorded.place}{head}"


def place_words(image: ScannedImage, most: int | None) -> str:
    """Name the places that use an image; None: all of them."""
    named = image.uses if most is None else image.uses[:most]
    more = len(image.uses) - len(named)
    text = ", ".join(f"{use.path}:{use.line}" for use in named)
    return text + (f" and {plural(more, 'more place')}" if more else "")


def _age_words(age: timedelta) -> str:
    hours = int(age.total_seconds() // 3600)
    if hours < 0:
        return "from the future"
    return f"{hours} h old" if hours < _HOURS_SHOWN else f"{age.days} days old"
