"""What a waiver of vulnerabilities covers, as scopes that deadlines know.

A scope compares whole names. So images, which a waiver names by patterns, and packages, which it
may name as people do, are looked up among the findings that are known.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Final

from basekeeper.deadlines.identity import MAX_SUBJECT_CHARS, Scope
from basekeeper.errors import InvalidReference
from basekeeper.policy.patterns import parse_pattern
from basekeeper.tags.lineage import lineage as lineage_of
from basekeeper.values.finding import Truth
from basekeeper.values.reference import parse_reference
from basekeeper.waivers.file import MAX_COMBINATIONS, SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from basekeeper.deadlines.identity import Aliases, FindingKey
    from basekeeper.policy.patterns import ImagePattern
    from basekeeper.policy.windows import Urgency
    from basekeeper.values.reference import Reference
    from basekeeper.values.waiver import Waiver

MAX_SCOPES: Final = 10 * MAX_COMBINATIONS
"""Most scopes of one waiver: its patterns may stand for several images and packages each."""


def scopes_of(waiver: Waiver, known: Collection[FindingKey]) -> tuple[Scope, ...]:
    """Return what a waiver of vulnerabilities covers, one scope for each combination.

    Args:
        waiver: Of vulnerabilities.
        known: The findings among which its images and plain names of packages are looked up.

    Returns:
        The scopes in a stable order, at most `MAX_SCOPES`; none where it names images or packages
        and no known finding has one of them.
    """
    combinations = product(
        sorted(set(waiver.vulnerabilities)),
        _or_all(waiver.images, _lineages(waiver.images, known)),
        _or_all(waiver.packages, _packages(waiver.packages, known)),
        _or_all(waiver.platforms, waiver.platforms),
        _or_all(waiver.products, waiver.products),
    )
    found = []
    for vulnerability, lineage, package, platform, name in combinations:
        scope = Scope(
            lineage=lineage,
            vulnerability=vulnerability,
            package=package,
            platform=platform,
            product=name,
        )
        if len(str(scope)) <= MAX_SUBJECT_CHARS:
            found.append(scope)
        if len(found) >= MAX_SCOPES:
            break
    return tuple(found)


def covered(scope: Scope, known: Iterable[FindingKey], aliases: Aliases) -> Iterator[FindingKey]:
    """Yield the known findings that a scope covers, in whatever product.

    Args:
        scope: As `scopes_of` returns it.
        known: By the first names of their vulnerabilities.
        aliases: Which names are one.
    """
    whole = replace(scope, vulnerability=aliases.first(scope.vulnerability or ""))
    return (key for key in known if whole.covers(key, scope.product))


def within(bound: str, severities: Iterable[Urgency | None]) -> bool | None:
    """Tell whether all are at most as severe as a waiver accepts; None: that is not known."""
    if not bound:
        return True
    most = SEVERITIES.index(bound) + 1
    found = list(severities)
    if any(one is not None and one > most for one in found):
        return False
    return True if found and None not in found else None


def package_matches(wanted: str, identity: str) -> bool:
    """Match a package as a waiver names it: by its whole identity, or by its name alone."""
    return wanted == identity or ("/" not in wanted and identity.rpartition("/")[2] == wanted)


def _or_all(wanted: tuple[str, ...], found: Iterable[str]) -> tuple[str | None, ...]:
    """Return the names found; None alone where a waiver names nothing, which means all."""
    return tuple(sorted(set(found))) if wanted else (None,)


def _lineages(patterns: tuple[str, ...], known: Collection[FindingKey]) -> Iterator[str]:
    """Yield the lineages of known findings that a pattern matches."""
    if not patterns:
        return
    read = [parse_pattern(text) for text in patterns]
    for lineage in {key.lineage for key in known}:
        try:
            reference = parse_reference(lineage)
        except InvalidReference:
            continue
        if any(_is_of(pattern, reference, lineage) for pattern in read):
            yield lineage


def _is_of(pattern: ImagePattern, reference: Reference, lineage: str) -> bool:
    """Match a lineage; the whole tag of a pattern stands for its lineage, of whatever version."""
    if pattern.tag is None or "*" in pattern.tag:
        return pattern.matches(reference) is Truth.YES
    is_there = pattern.covers(reference.registry, reference.repository)
    return is_there and lineage_of(reference.name, pattern.tag) == lineage


def _packages(wanted: tuple[str, ...], known: Collection[FindingKey]) -> Iterator[str]:
    """Yield whole identities as they are, and what known packages have a plain name."""
    plain = {text for text in wanted if "/" not in text}
    yield from (text for text in wanted if "/" in text)
    if plain:
        for identity in {key.package for key in known}:
            if any(package_matches(text, identity) for text in plain):
                yield identity
