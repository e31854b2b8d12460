"""Tags that may be moved to: their history, their age, and what the rules say of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InputError
from basekeeper.tags.ranges import VersionRange
from basekeeper.tags.updates import TagFacts
from basekeeper.tags.words import OS_RELEASE_PRODUCTS
from basekeeper.values.facts import read_os_release
from basekeeper.values.reference import MAX_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.tags.slots import Slot
    from basekeeper.tags.updates import UpdateRules

_TAG: Final = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{MAX_TAG - 1}}}", re.ASCII)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_ATTACHED: Final = re.compile(r"sha256-[0-9a-f]{64}.*")
"""Tags under which signatures and attestations hang. Source: the OCI distribution specification,
referrers tag schema, and cosign's naming."""

_MIDDLE: Final = timedelta(0)

History = tuple[TagFacts, ...]
"""All sights of one tag, newest first."""


@dataclass(frozen=True, slots=True)
class Matured:
    """The newest sight of a tag that is old enough, or why there is none."""

    facts: TagFacts | None
    age: timedelta | None = None
    until: datetime | None = None
    """Where none is old enough: when the first one is; None: its age is not known."""


def gather(available: Iterable[str | TagFacts], now: datetime) -> dict[str, History]:
    """Read a list of tags: tag → its history; what is no tag, or hangs under one, is left out.

    The order of the list does not matter.
    """
    found: dict[str, set[TagFacts]] = {}
    for entry in available:
        facts = TagFacts(entry) if isinstance(entry, str) else entry
        if _TAG.fullmatch(facts.tag) is None or _ATTACHED.fullmatch(facts.tag) is not None:
            continue
        if facts.digest is not None and _DIGEST.fullmatch(facts.digest) is None:
            facts = TagFacts(facts.tag)
        found.setdefault(facts.tag, set()).add(facts)
    return {tag: _sorted(sights, now) for tag, sights in found.items()}


def _sorted(sights: set[TagFacts], now: datetime) -> History:
    """Newest first; a sight without a time may be the newest of all, so it comes first."""
    if len(sights) == 1:
        return tuple(sights)
    sights = {one for one in sights if one != TagFacts(one.tag)}

    def place(facts: TagFacts) -> tuple[object, ...]:
        age = age_of(facts, now)
        rest = (facts.os_release or "", facts.platforms or ())
        return age is not None, age or _MIDDLE, facts.digest or "", *rest

    return tuple(sorted(sights, key=place))


def age_of(facts: TagFacts, now: datetime) -> timedelta | None:
    """Age of a sight: by its push, else by our own first sight; None where neither is known.

    A push that lies in the future tells nothing.
    """
    for seen in (facts.pushed, facts.first_seen):
        if seen is not None and seen <= now:
            return now - seen
    return None


def matured(history: History, minimum: timedelta, now: datetime) -> Matured:
    """The newest sight that is at least as old as asked.

    A sight of unknown age never passes where an age is asked for; it says so instead.
    """
    ages = [(facts, age_of(facts, now)) for facts in history]
    for facts, age in ages:
        if minimum <= _MIDDLE or (age is not None and age >= minimum):
            return Matured(facts, age)
    known = [age for _, age in ages if age is not None]
    return Matured(None, None, now - max(known) + minimum if known else None)


class RuleGate:
    """Says why the rules leave a tag out."""

    def __init__(self, rules: UpdateRules) -> None:
        """Read the range once."""
        self._rules = rules
        self._range = None if rules.allowed is None else VersionRange.parse(rules.allowed)

    def refusal(self, tag: str, slot: Slot, own: Slot, *, is_main: bool) -> str | None:
        """Why a move is not wanted; None where the rules have nothing against it."""
        if slot.is_prerelease and not self._rules.allow_prerelease:
            if not own.is_prerelease:
                return f"{slot.text} is a prerelease"
            if slot.numbers != own.numbers:
                return f"{slot.text} is a prerelease of another version"
        if tag in self._rules.ignored or self._is_ignored(slot):
            return f"{slot.text} is ignored by the rules"
        if is_main and self._range is not None and not self._range.holds(slot.numbers):
            return f"{slot.text} is outside {self._rules.allowed}"
        return None

    def lacks(self, facts: TagFacts) -> str | None:
        """The platforms that a tag is known to lack; None where none is."""
        if facts.platforms is None:
            return None
        missing = sorted(self._rules.platforms.difference(facts.platforms))
        return f"it lacks {', '.join(missing)}" if missing else None

    def _is_ignored(self, slot: Slot) -> bool:
        """A version is ignored by its own text, and by each line that it belongs to."""
        ignored = self._rules.ignored
        if not ignored:
            return False
        numbers = slot.version.split(".")
        lines = {".".join(numbers[:count]) for count in range(1, len(numbers) + 1)}
        return bool(ignored & {slot.text, slot.text.lstrip("vV"), *lines})


def release_behind(facts: TagFacts, catalogue: Catalogue) -> str | None:
    """The release line of the system behind a tag, such as `debian 12`; None: not known.

    Point releases are one line: what matters is whether another release stands below.
    """
    if facts.os_release is None:
        return None
    try:
        release = read_os_release(facts.os_release)
    except InputError:
        return None
    name, version = release["ID"], release.get("VERSION_ID", "")
    product = catalogue.product(OS_RELEASE_PRODUCTS.get(name, ""))
    line = None if product is None or not version else product.line_of(version)
    return f"{name} {version if line is None else line.cycle}".strip()
