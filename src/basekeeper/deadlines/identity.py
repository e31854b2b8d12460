"""What makes a finding this finding: lineage, vulnerability, package, platform.

Neither digest nor version is part of it, so that a rebuild begins nothing anew.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SUBJECT_CHARS: Final = 4_096
"""Longest subject that is read; names of packages and images are far shorter."""

_FIELDS: Final = ("lineage", "vulnerability", "package", "platform", "product")


@dataclass(frozen=True, slots=True)
class FindingKey:
    """One vulnerability of one package in one line of base images, for one platform."""

    lineage: str
    """Repository and variant words of the base, without version."""
    vulnerability: str
    """Its first name, aliases merged."""
    package: str
    """Package URL without version."""
    platform: str

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """All parts, to sort by."""
        return (self.vulnerability, self.lineage, self.package, self.platform)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an event is about; None: whatever it is, as far as the rest holds."""

    lineage: str | None = None
    vulnerability: str | None = None
    package: str | None = None
    platform: str | None = None
    product: str | None = None

    def covers(self, finding: FindingKey, product: str | None) -> bool:
        """Tell whether a finding of a product is meant."""
        return (
            self.vulnerability in (None, finding.vulnerability)
            and self.product in (None, product)
            and self.lineage in (None, finding.lineage)
            and self.package in (None, finding.package)
            and self.platform in (None, finding.platform)
        )

    @property
    def finding(self) -> FindingKey | None:
        """The one finding that is meant; None where more than one may be."""
        if None in (self.lineage, self.vulnerability, self.package, self.platform):
            return None
        return FindingKey(
            self.lineage or "", self.vulnerability or "", self.package or "", self.platform or ""
        )

    @property
    def is_empty(self) -> bool:
        """Whether everything is meant."""
        return self == Scope()

    def __str__(self) -> str:
        """Write the scope as the subject of an event: `lineage=…&vulnerability=…`."""
        parts = ((name, getattr(self, name)) for name in _FIELDS)
        return urlencode([(name, part) for name, part in parts if part is not None], safe=":/@")


@lru_cache(maxsize=16_384)  # many events are about the same finding
def read_scope(subject: str) -> Scope:
    """Read a scope from the subject of an event.

    Raises:
        ValueError: It is none; the message says why.
    """
    if len(subject) > MAX_SUBJECT_CHARS:
        raise ValueError(f"has a subject of more than {MAX_SUBJECT_CHARS} characters")
    try:
        pairs = parse_qsl(subject, strict_parsing=True, errors="strict", keep_blank_values=True)
    except ValueError as error:
        raise ValueError(f"has a subject that names no finding: {subject!r:.80}") from error
    found = dict(pairs)
    if len(found) != len(pairs) or not found.keys() <= set(_FIELDS) or "" in found.values():
        raise ValueError(f"has a subject that names no finding: {subject!r:.80}")
    return Scope(**found)


class Aliases:
    """Which names stand for the same vulnerability.

    The first name is the CVE, else the smallest name. Names that would join two CVEs join nothing:
    an announcement of a distributor covers several vulnerabilities, and is no alias of one.
    """

    def __init__(self, groups: Iterable[Iterable[str]] = ()) -> None:
        """Merge groups of names; the order of groups and of names in them changes nothing."""
        leaders: dict[str, str] = {}
        for group in groups:
            names = sorted(name.upper() for name in group)
            for first, second in pairwise(names):
                low, high = sorted((_leader(leaders, first), _leader(leaders, second)))
                if low != high:  # joined already: a name that led to itself would never end
                    leaders[high] = low
        sets: dict[str, set[str]] = {}
        for name in {*leaders, *leaders.values()}:
            sets.setdefault(_leader(leaders, name), set()).add(name)
        self._first: dict[str, str] = {}
        for names_of_one in sets.values():
            self._first |= _first_names(names_of_one)

    def first(self, name: str) -> str:
        """Return the first name of a vulnerability; names compare in capitals."""
        upper = name.upper()
        return self._first.get(upper, upper)


def _leader(leaders: dict[str, str], name: str) -> str:
    """Follow a name to the smallest one that it was joined with."""
    while name in leaders:
        above = leaders[name]
        if above in leaders:
            leaders[name] = leaders[above]
        name = above
    return name


def _first_names(names: set[str]) -> dict[str, str]:
    """Return the first name of each of the names that were joined."""
    numbered = {name for name in names if name.startswith("CVE-")}
    if len(numbered) > 1:
        return {}
    return dict.fromkeys(names, min(numbered or names))
