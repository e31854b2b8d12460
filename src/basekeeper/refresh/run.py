"""The order of a refresh: one source after the other, each written as soon as it is whole.

A run that is killed leaves what was written before, and everything else as it was.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.advisories.epss import parse_scores
from basekeeper.advisories.exploited import bundled_exploited
from basekeeper.advisories.kept import EPSS_FILE, KEV_FILE, is_address, read_kept
from basekeeper.advisories.opening import newest_exploited
from basekeeper.errors import Error, InputError
from basekeeper.lifecycle.catalogue import CALENDARS, OFFICIAL, Catalogue
from basekeeper.lifecycle.datafile import read_data, read_table
from basekeeper.lifecycle.fetched import (
    DISTRO_INFO,
    END_OF_LIFE,
    EXPLOITED,
    FETCHED,
    OFFICIAL_IMAGES,
    SCORES,
    Kept,
    Validators,
    digest_of,
    read_fetches,
    write_fetches,
)
from basekeeper.refresh.calendars import Draft, take_distributions, take_products
from basekeeper.refresh.model import (
    DEFAULT_URLS,
    GROUPS,
    NOTHING,
    Fetched,
    RefreshReport,
    SourceOutcome,
)
from basekeeper.refresh.official import MAX_PACKED, read_official
from basekeeper.refresh.signals import (
    MAX_EPSS_BYTES,
    MAX_KEV_BYTES,
    read_likelihoods,
    read_signals,
)
from basekeeper.refresh.writing import as_json, sweep, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from basekeeper.advisories.epss import Scores
    from basekeeper.advisories.exploited import ExploitedCatalogue
    from basekeeper.refresh.model import Fetch

    Watch = Callable[[str], AbstractContextManager[object]]
    """Given the name of a source, what is entered while that is fetched."""

_FILES: Final = {OFFICIAL_IMAGES: OFFICIAL, EXPLOITED: KEV_FILE, SCORES: EPSS_FILE}
"""Sources that have a file of their own, in the order in which they are fetched → its name."""

_UNITS: Final = {OFFICIAL_IMAGES: "image", EXPLOITED: "CVE", SCORES: "score"}

_LIMITS: Final = {
    OFFICIAL_IMAGES: MAX_PACKED,
    EXPLOITED: MAX_KEV_BYTES,
    SCORES: MAX_EPSS_BYTES,
}

_BY_HAND: Final = "publishers: kept by hand; it comes with each release"


class _Taken(NamedTuple):
    """What is to be written for a source."""

    entries: int
    data: bytes
    validators: Validators
    is_unchanged: bool


def refresh(  # noqa: PLR0913  # the last three have defaults
    directory: Path,
    fetch: Fetch,
    now: datetime,
    *,
    urls: Mapping[str, str] | None = None,
    only: Collection[str] = (),
    watch: Watch = nullcontext,
) -> RefreshReport:
    """Fetch the sources and write what is newer into a data directory.

    Args:
        directory: The data directory; made if missing.
        fetch: Gives the body of a URL or raises one of our errors.
        now: The instant of the run; its day becomes the day of the fetched facts.
        urls: Other addresses by source name. What is no address is not fetched: empty, the source
            is switched off; a path, somebody else keeps it current.
        only: Names of `GROUPS` that are refreshed; empty: all.
        watch: Entered around each source, with its name.

    Raises:
        InputError: The data directory cannot be written, or its own data is unreadable.
    """
    places = DEFAULT_URLS | dict(urls or {})
    wanted = {name for group in only or GROUPS for name in GROUPS[group]}
    asked = [name for name in places if name in wanted and is_address(places[name])]
    run = _Run(directory, fetch, now, places)
    outcomes = run.calendars([name for name in asked if name not in _FILES], watch)
    for name in asked:
        if name in _FILES:
            with watch(name):
                outcomes.append(run.whole(name))
    if run.written:
        sweep(directory, (CALENDARS, FETCHED, *_FILES.values()), now)
    left = [_left(name, places[name]) for name in places if name in wanted and name not in asked]
    by_hand = [] if only else [_BY_HAND]
    return RefreshReport(tuple(outcomes), tuple(run.written), (*left, *by_hand))


class _Run:
    """One refresh of one data directory."""

    def __init__(
        self, directory: Path, fetch: Fetch, now: datetime, places: Mapping[str, str]
    ) -> None:
        self.written: list[Path] = []
        self._directory = directory
        self._fetch = fetch
        self._now = now
        self._places = places
        self._catalogue = Catalogue.load(directory)

    def calendars(self, names: Collection[str], watch: Watch) -> list[SourceOutcome]:
        """Fetch those of the calendars, and write the file that they share."""
        if not names:
            return []
        draft = Draft(dict(self._catalogue.raw_calendars()), self._now.date())
        takes = {END_OF_LIFE: take_products, DISTRO_INFO: take_distributions}
        outcomes = []
        for name in names:
            with watch(name):
                try:
                    count = takes[name](draft, self._fetch, self._places[name])
                    outcomes.append(SourceOutcome(name, count))
                except Error as error:
                    outcomes.append(SourceOutcome(name, 0, error.message))
        if any(outcome.problem is None for outcome in outcomes):
            data = as_json(draft.content())
            self.written.append(write_whole(self._directory, CALENDARS, data))
        return outcomes

    def whole(self, name: str) -> SourceOutcome:
        """Fetch one that has a file of its own, and write it."""
        unit = _UNITS[name]
        try:
            taken = self._take(name)
        except Error as error:
            return SourceOutcome(name, 0, error.message, unit)
        target = write_whole(self._directory, _FILES[name], taken.data)
        self.written.append(target)
        kept = Kept(self._place(name), self._now, digest_of(taken.data), taken.validators)
        everything = write_fetches(read_fetches(self._directory) | {name: kept})
        write_whole(self._directory, FETCHED, as_json(everything))
        return SourceOutcome(name, taken.entries, None, unit, taken.is_unchanged)

    def _take(self, name: str) -> _Taken:
        """Fetch and read; what is here already is not sent for again."""
        here = read_kept(self._directory, _FILES[name], name)
        known = here[1] if here is not None else None
        is_same = known is not None and known.place == self._place(name)
        sent = known.validators if known is not None and is_same else NOTHING
        answer = self._fetch(self._places[name], sent, max_bytes=_LIMITS[name])
        if answer.body is None:
            if here is None or not any(sent):
                raise InputError("the answer says that nothing changed, but was not asked that")
            return self._unchanged(name, here[0], _later(sent, answer.validators))
        return self._read(name, answer.body, answer, here)

    def _place(self, name: str) -> str:
        """By what it is known that a file is from the address that is asked now."""
        return digest_of(self._places[name].encode())

    def _read(
        self, name: str, body: bytes, answer: Fetched, here: tuple[bytes, object] | None
    ) -> _Taken:
        """Read what came, held against what is in use."""
        if name == OFFICIAL_IMAGES:
            content = read_official(body, self._catalogue.raw_official(), self._now)
            count, data = len(content["repositories"]), as_json(content)
        elif name == EXPLOITED:
            new, data = read_signals(body, self._exploited(), self._now)
            count = len(new.entries)
        else:
            scores, data = read_likelihoods(body, _scores(here), self._now)
            count = scores.count
        return _Taken(count, data, answer.validators, is_unchanged=False)

    def _unchanged(self, name: str, data: bytes, validators: Validators) -> _Taken:
        """Tell what is here of a source that has nothing newer; a list is that of today then."""
        count = 0
        if name == OFFICIAL_IMAGES:
            content = read_data(self._directory / OFFICIAL)
            count = len(read_table(content, "repositories"))
            data = as_json(content | {"as_of": self._now.date().isoformat()})
        return _Taken(count, data, validators, is_unchanged=True)

    def _exploited(self) -> ExploitedCatalogue:
        """The catalogue in use; a damaged one that was fetched is no reason to fetch no other."""
        try:
            return newest_exploited(self._directory)
        except InputError:
            return bundled_exploited()


def _scores(here: tuple[bytes, object] | None) -> Scores | None:
    """The scores in use; damaged ones are no reason to fetch no others."""
    try:
        return None if here is None else parse_scores(here[0], wanted=())
    except InputError:
        return None


def _later(sent: Validators, said: Validators) -> Validators:
    """What is known of a copy that is still current; an answer may leave out what was said."""
    return said if any(said) else sent


def _left(name: str, place: str) -> str:
    """Say why a source is not fetched."""
    if not place:
        return f"{name}: switched off by the settings"
    return f"{name}: read from {place}, which somebody else keeps current"
