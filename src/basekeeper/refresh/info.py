"""How old the facts in use are, and where they are from."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from datetime import date, datetime

    from basekeeper.advisories.opening import Exploited, Likelihoods


@dataclass(frozen=True, slots=True)
class DataInfo:
    """The age of one source of facts."""

    source: str
    url: str
    licence: str
    as_of: date | None
    """None: there is none."""
    age: timedelta | None
    count: int
    is_stale: bool
    origin: str = "bundled"
    """`bundled`, `fetched`, `file`, `off` or `missing`."""
    problem: str | None = None
    """Why the facts that the settings name are not in use."""


_KEV_URL: Final = "https://www.cisa.gov/known-exploited-vulnerabilities-catalog"
_EPSS_URL: Final = "https://www.first.org/epss/"


def data_info(
    catalogue: Catalogue,
    now: datetime,
    exploited: Exploited | None = None,
    likelihoods: Likelihoods | None = None,
) -> tuple[DataInfo, ...]:
    """Source, licence, age and size of all facts, by name of the source."""
    bundled = Catalogue.bundled().as_of
    rows = [
        DataInfo(
            source.name,
            source.url,
            source.licence,
            source.as_of,
            source.age(now),
            source.count,
            source.is_stale(now),
            "bundled" if bundled.get(source.name) == source.as_of else "fetched",
        )
        for source in catalogue.sources
    ]
    if exploited is not None:
        count = 0 if exploited.catalogue is None else len(exploited.catalogue.entries)
        rows.append(_row("CISA KEV", _KEV_URL, "CC0-1.0", exploited, count))
    if likelihoods is not None:
        count = 0 if likelihoods.scores is None else likelihoods.scores.count
        rows.append(_row("EPSS", _EPSS_URL, "EPSS terms", likelihoods, count))
    return tuple(sorted(rows, key=lambda row: row.source))


def _row(name: str, url: str, licence: str, facts: Exploited | Likelihoods, count: int) -> DataInfo:
    """The row of what is published daily."""
    as_of = facts.as_of
    age = None if as_of is None else max(facts.now.date() - as_of, timedelta(0))
    is_stale = facts.origin != "off" and not facts.is_current
    return DataInfo(name, url, licence, as_of, age, count, is_stale, facts.origin, facts.problem)
