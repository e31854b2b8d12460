"""Opening what others publish of vulnerabilities, and asking it by all names that one has.

A source that is missing, cannot be read, is too old or is switched off makes the answer unknown,
never no. What an old catalogue has stays true: it knew of attacks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.advisories.epss import MAX_AGE as EPSS_MAX_AGE
from basekeeper.advisories.epss import Score, Scores, parse_scores
from basekeeper.advisories.exploited import MAX_AGE as KEV_MAX_AGE
from basekeeper.advisories.exploited import (
    ExploitedCatalogue,
    ExploitedEntry,
    bundled_exploited,
    parse_exploited,
)
from basekeeper.advisories.kept import (
    DEFAULT_EPSS,
    DEFAULT_KEV,
    EPSS_FILE,
    KEV_FILE,
    is_address,
    read_bytes,
    read_kept,
)
from basekeeper.advisories.openvex import VexDocument, parse_openvex
from basekeeper.errors import InputError
from basekeeper.lifecycle.fetched import EXPLOITED, SCORES
from basekeeper.records import dataclass
from basekeeper.values.finding import Answer, Truth

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date, datetime, timedelta


_RENEW: Final = "`basekeeper data update` renews it"
_OFF: Final = "switched off by the settings"
_CVE: Final = "CVE-"


class Exploitation(NamedTuple):
    """Whether a vulnerability is exploited."""

    answer: Answer
    entry: ExploitedEntry | None = None
    """With `since`, `due` and `ransomware`; None: the answer is not yes."""


class Likelihood(NamedTuple):
    """How probable it is that a vulnerability is exploited."""

    answer: Answer
    """Yes: there is a score; no: a young list has none; unknown: that cannot be told."""
    score: Score | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploited:
    """The catalogue of exploited vulnerabilities that is in use, at one instant."""

    now: datetime
    max_age: timedelta
    catalogue: ExploitedCatalogue | None
    """None: it is switched off."""
    origin: str
    """`bundled`, `fetched`, `file` or `off`."""
    problem: str | None = None
    """Why it is not the one that the settings name."""

    def lookup(self, names: Collection[str]) -> Exploitation:
        """Say whether a vulnerability is exploited.

        Args:
            names: All names of the vulnerability; its CVE should be one of them.

        Returns:
            Yes where an entry has one of the names, of several the earliest; no where a young
            catalogue has none for a CVE; else unknown, with the reason.
        """
        catalogue = self.catalogue
        if catalogue is None:
            return Exploitation(Answer(Truth.UNKNOWN, f"exploited vulnerabilities are {_OFF}"))
        numbers = sorted(name.upper() for name in names)
        found = [catalogue.entries[name] for name in numbers if name in catalogue.entries]
        if found:
            first = min(found, key=lambda entry: (entry.added, entry.vulnerability))
            answer = catalogue.exploited(first.vulnerability, self.now, self.max_age)
            return Exploitation(answer, first)
        asked = next((name for name in numbers if name.startswith(_CVE)), "".join(numbers[:1]))
        answer = catalogue.exploited(asked, self.now, self.max_age)
        if answer.value is Truth.UNKNOWN and self.problem is not None:
            reason = f"{answer.reason}; {self.problem}"
            answer = Answer(Truth.UNKNOWN, reason, answer.source, answer.as_of)
        return Exploitation(answer)

    @property
    def is_current(self) -> bool:
        """Tell whether an absence means anything."""
        return self.catalogue is not None and self.catalogue.is_current(self.now, self.max_age)

    @property
    def as_of(self) -> date | None:
        """The day up to which it is known that nothing is missing."""
        return None if self.catalogue is None else self.catalogue.confirmed.date()

    @property
    def notices(self) -> tuple[str, ...]:
        """What a report must say of it: that it could not be read, or is old."""
        told = () if self.problem is None else (self.problem,)
        if self.catalogue is None or self.is_current:
            return told
        name, day = self.catalogue.source, self.as_of
        return (*told, f"{name} is of {day}, so that no absence from it means anything: {_RENEW}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihoods:
    """The probabilities of exploitation that are in use, at one instant."""

    now: datetime
    max_age: timedelta
    scores: Scores | None
    """None: there are none."""
    origin: str
    """`fetched`, `file`, `off` or `missing`."""
    problem: str | None = None
    """Why they are not the ones that the settings name."""

    def lookup(self, names: Collection[str]) -> Likelihood:
        """Say how probable it is that a vulnerability is exploited within thirty days.

        Args:
            names: All names of the vulnerability; of several scores the highest counts.
        """
        if self.scores is None:
            why = f"EPSS is {_OFF}" if self.origin == "off" else "EPSS was never fetched"
            return Likelihood(Answer(Truth.UNKNOWN, self.problem or why))
        day = self.scores.scored.date()
        numbers = [name.upper() for name in names]
        found = [self.scores.scores[name] for name in numbers if name in self.scores.scores]
        if found:
            best = max(found, key=lambda score: score.probability)
            return Likelihood(Answer(Truth.YES, f"scored by EPSS on {day}", "EPSS", day), best)
        is_told = self.is_current and any(name.startswith(_CVE) for name in numbers)
        value = Truth.NO if is_told else Truth.UNKNOWN
        why = "" if self.is_current else ", which is too old to tell"
        return Likelihood(Answer(value, f"has no score in EPSS of {day}{why}", "EPSS", day))

    @property
    def probabilities(self) -> dict[str, float]:
        """By CVE the probability alone, to order deadlines by; empty where there are none."""
        return {} if self.scores is None else self.scores.probabilities

    @property
    def is_current(self) -> bool:
        """Tell whether an absence means anything."""
        return self.scores is not None and self.scores.is_current(self.now, self.max_age)

    @property
    def as_of(self) -> date | None:
        """The day of the scores."""
        return None if self.scores is None else self.scores.scored.date()

    @property
    def notices(self) -> tuple[str, ...]:
        """What a report must say of them: that they could not be read, or are old."""
        if self.scores is None or self.is_current:
            return () if self.problem is None else (self.problem,)
        return (f"EPSS is of {self.as_of}, so that its order of work is old: {_RENEW}",)


def open_exploited(
    source: str | None, directory: Path, now: datetime, *, max_age: timedelta | None = None
) -> Exploited:
    """Open the catalogue of exploited vulnerabilities.

    Args:
        source: Address that a refresh fetches it from, or path of a file; empty: none is used;
            None: the default.
        directory: The data directory.
        now: The instant of the run.
        max_age: How old it may be for an absence to mean anything; None: the default.

    Returns:
        That of the file, or the newer of what was fetched and what the package brings along. One
        that cannot be read is replaced by the bundled one, and said so.
    """
    limit = KEV_MAX_AGE if max_age is None else max_age
    place = DEFAULT_KEV if source is None else source
    if not place:
        return Exploited(now=now, max_age=limit, catalogue=None, origin="off")
    try:
        if not is_address(place):
            named = parse_exploited(read_bytes(Path(place)), source=f"CISA KEV ({place})")
            return Exploited(now=now, max_age=limit, catalogue=named, origin="file")
        catalogue = newest_exploited(directory)
    except InputError as error:
        return Exploited(
            now=now,
            max_age=limit,
            catalogue=bundled_exploited(),
            origin="bundled",
            problem=f"the catalogue of exploited vulnerabilities is not used: {error.message}",
        )
    origin = "bundled" if catalogue is bundled_exploited() else "fetched"
    return Exploited(now=now, max_age=limit, catalogue=catalogue, origin=origin)


def newest_exploited(directory: Path) -> ExploitedCatalogue:
    """Return the newer of the bundled catalogue and the fetched one.

    Raises:
        InputError: The fetched one cannot be read.
    """
    bundled = bundled_exploited()
    kept = read_kept(directory, KEV_FILE, EXPLOITED)
    if kept is None:
        return bundled
    data, how = kept
    found = parse_exploited(data, asked=None if how is None else how.at)
    return found if found.released >= bundled.released else bundled


def open_scores(
    source: str | None,
    directory: Path,
    now: datetime,
    *,
    max_age: timedelta | None = None,
    wanted: Iterable[str] | None = None,
) -> Likelihoods:
    """Open the probabilities of exploitation.

    Args:
        source: Address that a refresh fetches them from, or path of a file; empty: none are used;
            None: the default.
        directory: The data directory.
        now: The instant of the run.
        max_age: How old they may be for an absence to mean anything; None: the default.
        wanted: The CVEs that will be asked for, which saves memory; None: any may be.
    """
    limit = EPSS_MAX_AGE if max_age is None else max_age
    place = DEFAULT_EPSS if source is None else source
    if not place:
        return Likelihoods(now=now, max_age=limit, scores=None, origin="off")
    only = None if wanted is None else frozenset(name.upper() for name in wanted)
    try:
        if not is_address(place):
            named = parse_scores(read_bytes(Path(place)), wanted=only)
            return Likelihoods(now=now, max_age=limit, scores=named, origin="file")
        kept = read_kept(directory, EPSS_FILE, SCORES)
        fetched = None if kept is None else parse_scores(kept[0], wanted=only)
    except InputError as error:
        problem = f"EPSS is not used: {error.message}"
        return Likelihoods(now=now, max_age=limit, scores=None, origin="missing", problem=problem)
    origin = "missing" if fetched is None else "fetched"
    return Likelihoods(now=now, max_age=limit, scores=fetched, origin=origin)


def open_statements(paths: Iterable[str]) -> tuple[VexDocument, ...]:
    """Open OpenVEX documents, in their order.

    Raises:
        InputError: One of them cannot be read. It was named, and may be the one that takes back
            what another says.
    """
    return tuple(parse_openvex(read_bytes(Path(path)), source=path) for path in paths)
