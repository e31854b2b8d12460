"""The order of a refresh: one source after the other, each written as soon as it is whole.

A run that is killed leaves what was written before, and everything else as it was.
"""

from __future__ import annotations

import json
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.advisories.epss import parse_scores
from basekeeper.advisories.exploited import bundled_exploited, parse_exploited
from basekeeper.advisories.kept import EPSS_FILE, KEV_FILE, is_address, read_kept
from basekeeper.advisories.opening import newest_exploited
from basekeeper.errors import Error, InputError
from basekeeper.lifecycle.catalogue import CALENDARS, OFFICIAL, Catalogue
from basekeeper.lifecycle.datafile import read_table
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

    from basekeeper.refresh.model import Fetch

    Watch = Callable[[str], AbstractContextManager[object]]
    """Given the name of a source, what is entered while that is fetched."""

_BY_HAND: Final = "publishers: kept by hand; it comes with each release"


class _Use(NamedTuple):
    """What a new file is held against, and when."""

    directory: Path
    catalogue: Catalogue
    now: datetime


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
    outcomes = run.calendars([name for name in asked if name not in _WHOLE], watch)
    for name in asked:
        if name in _WHOLE:
            with watch(name):
                outcomes.append(run.whole(name))
    if run.written:
        files = [source.file for source in _WHOLE.values()]
        sweep(directory, [CALENDARS, FETCHED, *files], now)
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
        source = _WHOLE[name]
        place = digest_of(self._places[name].encode())
        try:
            taken = self._take(name, source, place)
        except Error as error:
            return SourceOutcome(name, 0, error.message, source.unit)
        self.written.append(write_whole(self._directory, source.file, taken.data))
        kept = Kept(place, self._now, digest_of(taken.data), taken.validators)
        everything = write_fetches(read_fetches(self._directory) | {name: kept})
        write_whole(self._directory, FETCHED, as_json(everything))
        return SourceOutcome(name, taken.entries, None, source.unit, taken.is_unchanged)

    def _take(self, name: str, source: _Whole, place: str) -> _Taken:
        """Fetch and read; what is here already, and can be read, is not sent for again."""
        use = _Use(self._directory, self._catalogue, self._now)
        here, sent = None, NOTHING
        with suppress(InputError):
            kept = read_kept(self._directory, source.file, name)
            if kept is not None and kept[1] is not None and kept[1].place == place:
                here, sent = source.again(kept[0], use), kept[1].validators
        answer = self._fetch(self._places[name], sent, max_bytes=source.limit)
        if answer.body is None and here is not None:
            # An answer may leave out what was said of a copy that is still current.
            validators = answer.validators if any(answer.validators) else sent
            return _Taken(*here, validators, is_unchanged=True)
        return _Taken(*source.read(answer.body or b"", use), answer.validators, is_unchanged=False)


def _read_images(body: bytes, use: _Use) -> tuple[int, bytes]:
    content = read_official(body, use.catalogue.raw_official(), use.now)
    return len(content["repositories"]), as_json(content)


def _images_again(data: bytes, use: _Use) -> tuple[int, bytes]:
    """A list of which nothing newer is known is that of today."""
    content = json.loads(data)
    count = len(read_table(content, "repositories"))
    return count, as_json(content | {"as_of": use.now.date().isoformat()})


def _read_exploited(body: bytes, use: _Use) -> tuple[int, bytes]:
    try:
        known = newest_exploited(use.directory)
    except InputError:  # a damaged one is no reason to fetch no other
        known = bundled_exploited()
    new, data = read_signals(body, known, use.now)
    return len(new.entries), data


def _exploited_again(data: bytes, _: _Use) -> tuple[int, bytes]:
    return len(parse_exploited(data).entries), data


def _read_scores(body: bytes, use: _Use) -> tuple[int, bytes]:
    known = None
    with suppress(InputError):  # damaged ones are no reason to fetch no others
        kept = read_kept(use.directory, EPSS_FILE, SCORES)
        known = None if kept is None else parse_scores(kept[0], wanted=())
    new, data = read_likelihoods(body, known, use.now)
    return new.count, data


def _scores_again(data: bytes, _: _Use) -> tuple[int, bytes]:
    return parse_scores(data, wanted=()).count, data


class _Whole(NamedTuple):
    """A source that has a file of its own."""

    file: str
    unit: str
    limit: int
    """Largest answer, in bytes."""
    read: Callable[[bytes, _Use], tuple[int, bytes]]
    """Makes of an answer the number of entries and the file."""
    again: Callable[[bytes, _Use], tuple[int, bytes]]
    """Makes of the file that is here the same, where its source has nothing newer."""


_WHOLE: Final = {
    OFFICIAL_IMAGES: _Whole(OFFICIAL, "image", MAX_PACKED, _read_images, _images_again),
    EXPLOITED: _Whole(KEV_FILE, "CVE", MAX_KEV_BYTES, _read_exploited, _exploited_again),
    SCORES: _Whole(EPSS_FILE, "score", MAX_EPSS_BYTES, _read_scores, _scores_again),
}


def _left(name: str, place: str) -> str:
    """Say why a source is not fetched."""
    if not place:
        return f"{name}: switched off by the settings"
    return f"{name}: not fetched, as the settings name the file {place}"
