"""Tags that may be moved to: their history, their age, and what the rules say of them."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InputError
from basekeeper.records import dataclass
from basekeeper.tags.ranges import VersionRange
from basekeeper.tags.updates import TagFacts
from basekeeper.tags.words import OS_RELEASE_PRODUCTS
from basekeeper.values.facts import read_os_release
from basekeeper.values.platforms import find_platform
from basekeeper.values.reference import MAX_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
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
    found: dict[str, TagFacts] = {}
    more: dict[str, list[TagFacts]] = {}
    for entry in available:
        facts = TagFacts(entry) if isinstance(entry, str) else entry
        tag = facts.tag
        if not _is_tag(tag):
            continue
        if facts.digest is not None and _DIGEST.fullmatch(facts.digest) is None:
            facts = TagFacts(tag)
        known = found.get(tag)
        if known is None or known.is_bare:
            found[tag] = facts
        elif not facts.is_bare:
            more.setdefault(tag, []).append(facts)
    return {
        tag: _sorted((first, *more[tag]), now) if tag in more else (first,)
        for tag, first in found.items()
    }


@lru_cache(maxsize=8192)  # one list is read for each tag of it in use
def _is_tag(text: str) -> bool:
    """Tell whether this can be a tag, and not one that hangs under another."""
    return _TAG.fullmatch(text) is not None and _ATTACHED.fullmatch(text) is None


def _sorted(sights: History, now: datetime) -> History:
    """Newest first; a sight without a time may be the newest of all, so it comes first."""
    of_digest: dict[str, list[TagFacts]] = {}
    others: set[TagFacts] = set()
    for one in sights:
        if one.digest is not None:
            of_digest.setdefault(one.digest, []).append(one)
        else:
            others.add(one)
    merged = [*map(_merged, of_digest.values()), *others]

    def place(facts: TagFacts) -> tuple[object, ...]:
        age = age_of(facts, now)
        rest = (facts.os_release or "", facts.platforms or ())
        return age is not None, age or _MIDDLE, facts.digest or "", *rest

    return tuple(sorted(merged, key=place))


def _merged(sights: Sequence[TagFacts]) -> TagFacts:
    """Everything that is known of one digest: the earliest times, and what is inside."""
    first = sights[0]
    if len(sights) == 1:
        return first
    return TagFacts(
        first.tag,
        first.digest,
        min((one.pushed for one in sights if one.pushed is not None), default=None),
        min((one.first_seen for one in sights if one.first_seen is not None), default=None),
        min((one.os_release for one in sights if one.os_release is not None), default=None),
        min((one.platforms for one in sights if one.platforms is not None), default=None),
    )


def age_of(facts: TagFacts, now: datetime) -> timedelta | None:
    """Age of a sight by the earliest instant that is proven; None where none is known.

    A registry may count every push of the same content anew, so our own first sight may be the
    earlier one. An instant that lies in the future tells nothing.
    """
    known = [seen for seen in (facts.pushed, facts.first_seen) if seen is not None and seen <= now]
    return now - min(known) if known else None


def matured(history: History, rules: UpdateRules, now: datetime) -> Matured:
    """The newest sight that is old enough and on which the tag rested long enough.

    A sight of unknown age never passes where an age is asked for; it says so instead.
    """
    waits: list[timedelta] = []
    newer: timedelta | None = None
    for facts in history:
        age = age_of(facts, now)
        if age is None:
            if rules.minimum_age <= _MIDDLE:
                return Matured(facts)
            continue
        rested = age if newer is None else age - newer
        is_left = newer is not None
        newer = age
        if is_left and rested < rules.settle:
            continue  # it was a part of a longer rebuild
        needed = rules.minimum_age if is_left else max(rules.minimum_age, rules.settle)
        if age >= needed:
            return Matured(facts, age)
        waits.append(needed - age)
    return Matured(None, None, now + min(waits) if waits else None)


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
        present = facts.platforms
        missing = sorted(
            one for one in self._rules.platforms if find_platform(one, present) is None
        )
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
