"""From what the ledger told of one use to its vulnerabilities: with a fix or without, due when.

A deadline of what is built at that place decides when something is due. Where there is none yet,
the window begins when the vulnerability was first found in that image. Nothing is asked here.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from enum import IntEnum
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from basekeeper.policy.windows import Urgency
from basekeeper.tags.lineage import lineage
from basekeeper.values.finding import Answer, Truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from basekeeper.deadlines.model import Deadline
    from basekeeper.policy.windows import Windows
    from basekeeper.values.stored import StoredFinding, StoredImage
    from basekeeper.values.use import Use

CRITERION: Final = "known_vulnerabilities"
"""The quality criterion that this answers."""

FACT: Final = "known vulnerabilities"
"""What reports call the fact that it rests on."""

_EXCEPTED: Final = "excepted"
"""State of a deadline that a waiver or a VEX statement pauses; see `deadlines.model.State`."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)

UsePlace: TypeAlias = tuple[str, "str | None", str]
"""Path, stage and image of a use."""


class Standing(IntEnum):
    """What a vulnerability of a use asks for; the worst first."""

    OVERDUE = 0
    """There is a fix, and its time is up."""
    OPEN = 1
    """There is a fix that was not taken."""
    EXCEPTED = 2
    """A waiver or a VEX statement accepts it for now."""
    UNFIXED = 3
    """There is no fix that could be taken."""
    TAKEN = 4
    """The published image is proven to hold the fix, whatever the base holds."""


class Term(NamedTuple):
    """Until when a vulnerability must be dealt with, and why."""

    urgency: Urgency
    standing: Standing
    due: datetime | None = None
    """None: no time runs, or the next release is the due time."""
    at_next_release: bool = False
    clause: str = ""
    """The line of the policy that sets the time; empty where none runs."""
    product: str = ""
    """What is due; empty where the time runs from the first look at the image alone."""
    note: str = ""
    """Why it is excepted; empty: it is not."""


class Hole(NamedTuple):
    """One vulnerability in packages of one version."""

    finding: StoredFinding
    """Of the first of the packages."""
    packages: tuple[str, ...]
    """What people call them."""
    term: Term

    @property
    def urgency(self) -> Urgency:
        """Which window counts."""
        return self.term.urgency

    @property
    def is_open(self) -> bool:
        """Whether there is a fix that we have not taken."""
        return self.term.standing <= Standing.OPEN


class StoredUse(NamedTuple):
    """What the ledger told of one use."""

    image: StoredImage
    holes: tuple[Hole, ...]
    """Worst first."""
    is_new: bool | None = None
    """Whether the change that is judged brought the image here; None: no change is judged."""


class StoredUses:
    """What the ledger told for a check."""

    def __init__(
        self,
        images: Mapping[str, StoredImage],
        windows: Windows,
        *,
        deadlines: Iterable[Deadline] = (),
        products: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType({}),
        before: frozenset[UsePlace] | None = None,
    ) -> None:
        """Keep what was told.

        Args:
            images: `str()` of a reference → what is known of it, of all that was asked for.
            windows: The windows of the policy.
            deadlines: Those of the repository; only the newest episodes count.
            products: Path and `str()` of a reference → what is shipped that stands on that.
            before: Where images stood before the change that is judged; None: nothing is compared.
        """
        self.images = images
        self._found: dict[tuple[str, str | None], tuple[Hole, ...]] = {}
        self._windows = windows
        self._products = products
        self._before = before
        self._deadlines: defaultdict[str, list[Deadline]] = defaultdict(list)
        for one in deadlines:
            if one.is_latest:
                self._deadlines[one.finding.lineage].append(one)

    def of(self, use: Use, now: datetime) -> StoredUse | None:
        """Return what was told of one use; None where it was not asked for."""
        reference = use.reference
        image = None if reference is None else self.images.get(str(reference))
        if image is None or reference is None:
            return None
        line = lineage(f"{reference.registry}/{reference.repository}", reference.tag)
        near = self._deadlines.get(line, ())
        names = self._products.get((use.path, str(reference)), ())
        told = tuple(one for one in near if one.product in names)
        key = (str(reference), use.path if told else None)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = holes(image.findings, told, self._windows, now)
        is_new = None if self._before is None else use_place(use) not in self._before
        return StoredUse(image, found, is_new)


def use_place(use: Use) -> UsePlace:
    """Return what stays the same of a use while nobody changes the image there."""
    return (use.path, use.stage, use.text)


def holes(
    findings: Iterable[StoredFinding], told: Iterable[Deadline], windows: Windows, now: datetime
) -> tuple[Hole, ...]:
    """Return the vulnerabilities of a use, worst first; packages of one version together.

    Args:
        findings: Of the image.
        told: The deadlines of what is built there.
        windows: Of the policy.
        now: The instant of the run.
    """
    deadlines: defaultdict[tuple[str, str, str], list[Deadline]] = defaultdict(list)
    for deadline in told:
        key = deadline.finding
        deadlines[key.vulnerability, key.package, key.platform].append(deadline)
    found = []
    for one in findings:
        of_it = deadlines.get((one.vulnerability, one.package, one.platform))
        term = _by_deadlines(one, of_it) if of_it else _by_image(one, windows, now)
        found.append(Hole(one, (one.name,), term))
    found.sort(key=_order)
    return tuple(_joined(list(same)) for _, same in groupby(found, key=_same))


def answer(stored: StoredUse) -> Answer:
    """Say whether no CRITICAL or exploited vulnerability has a fix that was not taken."""
    image = stored.image
    scan = min(image.scans, key=lambda one: one.at, default=None)
    source = None if scan is None else scan.scanner
    day = None if scan is None or scan.database is None else scan.database.date()
    urgent = [one for one in stored.holes if one.urgency >= Urgency.CRITICAL]
    untaken = [one for one in urgent if one.is_open]
    if untaken:
        reason = f"{count_words(untaken)} with a fix that was not taken"
        return Answer(Truth.NO, reason, source, day)
    if image.unknown is not None:
        return Answer(Truth.UNKNOWN, image.unknown.reason, source, day)
    reason = "no critical or exploited one has a fix that was not taken"
    rest = [one for one in urgent if one.term.standing is not Standing.TAKEN]
    if rest:
        reason += f"; {count_words(rest)} without a fix, or excepted"
    return Answer(Truth.YES, reason, source, day)


def count_words(found: Iterable[Hole]) -> str:
    """Count distinct vulnerabilities by urgency: `2 critical`, `1 exploited and 2 critical`."""
    names = {(one.urgency, one.finding.vulnerability) for one in found}
    levels = sorted({urgency for urgency, _ in names}, reverse=True)
    return " and ".join(
        f"{sum(one is level for one, _ in names):,} {level.word}" for level in levels
    )


def _by_image(finding: StoredFinding, windows: Windows, now: datetime) -> Term:
    """Reckon from the first look at the image, where nothing is recorded of what we build on it."""
    urgency = _urgency(finding, windows)
    if not finding.fixed:
        return Term(urgency, Standing.UNFIXED)
    window = windows.windows.get(urgency)
    due = None if window is None else finding.since + window
    return Term(
        urgency,
        Standing.OVERDUE if due is not None and now > due else Standing.OPEN,
        due,
        at_next_release=due is None,
        clause=str(windows.clause(urgency)),
    )


def _urgency(finding: StoredFinding, windows: Windows) -> Urgency:
    """Tell which window a finding has by itself; an unknown severity counts as the policy says."""
    if finding.exploited:
        return Urgency.EXPLOITED
    return Urgency.__members__.get(finding.severity.name, windows.unknown)


def _by_deadlines(finding: StoredFinding, told: Sequence[Deadline]) -> Term:
    """Take the worst of the deadlines of what is built there; ended ones only where all ended."""
    running = [one for one in told if not one.is_closed]
    if not running:
        return Term(max(one.urgency for one in told), Standing.TAKEN)
    counting = [one for one in running if one.state != _EXCEPTED]
    worst = min(counting or running, key=_lateness)
    urgency, who = max(one.urgency for one in counting or running), worst.product or ""
    if not counting:
        pause = worst.pause
        note = "" if pause is None else ", ".join(filter(None, (pause.reason, pause.name)))
        return Term(urgency, Standing.EXCEPTED, worst.due, product=who, note=note)
    if not finding.fixed:
        return Term(urgency, Standing.UNFIXED, product=who)
    return Term(
        urgency,
        Standing.OPEN if worst.overdue_by is None else Standing.OVERDUE,
        worst.due,
        worst.at_next_release,
        str(worst.clause),
        who,
    )


def _lateness(deadline: Deadline) -> tuple[bool, datetime, str]:
    return (deadline.overdue_by is None, deadline.due or _NEVER, deadline.product or "")


def _joined(same: Sequence[Hole]) -> Hole:
    """Put together what differs by package or platform alone."""
    return same[0]._replace(packages=tuple(sorted({name for one in same for name in one.packages})))


def _same(hole: Hole) -> tuple[object, ...]:
    one = hole.finding
    return (hole.term, one.vulnerability, one.installed, one.fixed)


def _order(hole: Hole) -> tuple[object, ...]:
    one, term = hole.finding, hole.term
    return (
        term.standing,
        -term.urgency,
        term.due or _NEVER,
        *(term.clause, term.product, term.note, term.at_next_release),
        *(one.vulnerability, one.installed, one.fixed, one.name, one.platform),
    )
