"""Everything known offline about images: calendars, official tags, publishers, replacements.

All of it is bundled. A data directory may hold newer copies of the same files; a copy wins only
where its data is newer than the bundled. Files are read when first needed.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import InputError
from basekeeper.lifecycle.datafile import (
    BUNDLED,
    RENEW,
    read_data,
    read_day,
    read_product,
    read_rows,
    read_table,
    read_text,
    read_words,
)
from basekeeper.lifecycle.taglist import Replacement, TagList
from basekeeper.records import dataclass
from basekeeper.values.aliases import AliasTable
from basekeeper.values.finding import Answer, Truth

if TYPE_CHECKING:
    from pathlib import Path

    from basekeeper.lifecycle.calendar import Product
    from basekeeper.values.reference import Reference

CALENDARS: Final = "lifecycle.json"
OFFICIAL: Final = "official-images.json"
VENDORS: Final = "vendor-images.json"
PUBLISHERS: Final = "publishers.json"
REPLACEMENTS: Final = "replacements.json"

_ENTRIES: Final = {
    OFFICIAL: "repositories",
    VENDORS: "repositories",
    PUBLISHERS: "namespaces",
    REPLACEMENTS: "replacements",
}
"""Files of one source each → where their entries stand."""

STALE_AFTER: Final = timedelta(days=90)
"""Age from which data is called old: a new line of most products arrives within a quarter."""

_ALIASES: Final = AliasTable()
"""Mirrors that everybody has; a policy's own table is applied by the policy."""

_LIBRARY: Final = "docker.io/library/"
_HUB: Final = "docker.io"
_UNVERIFIABLE: Final = (_HUB, "public.ecr.aws")
"""Registries that verify publishers, so that a namespace missing from our list stays unknown."""


@dataclass(frozen=True, slots=True)
class Source:
    """One origin of facts."""

    name: str
    url: str
    licence: str
    as_of: date
    count: int
    """How many products, repositories or entries rest on it."""

    def age(self, now: datetime) -> timedelta:
        """How old its facts are at `now`; never negative."""
        return max(now.date() - self.as_of, timedelta(0))

    def is_stale(self, now: datetime) -> bool:
        """Tell whether its facts are old enough to say so."""
        return self.age(now) > STALE_AFTER


class Catalogue:
    """The facts about images that need no network."""

    def __init__(self, directory: Path | None = None) -> None:
        """Look for newer files in a data directory; without one, use the bundled files alone."""
        self._directory = directory
        self._products: dict[str, Product | None] = {}
        self._files: dict[str, dict[str, Any]] = {}

    @classmethod
    def bundled(cls) -> Catalogue:
        """The catalogue of the bundled files; one shared instance."""
        return _bundled()

    @classmethod
    def load(cls, directory: Path | None) -> Catalogue:
        """The catalogue with the files of a data directory where these are newer.

        Raises:
            InputError: A file there is unreadable or has the wrong shape. Products are checked
                when they are first asked for.
        """
        catalogue = cls(directory)
        _ = catalogue.sources
        return catalogue

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Every origin of facts with its date, by name."""
        found = list(self._calendar_sources())
        for name, key in _ENTRIES.items():
            content = self._file(name)
            entries = content.get(key)
            if not isinstance(entries, dict | list):
                raise InputError(f"{name}: lacks {key!r}", hint=RENEW)
            found.append(
                Source(
                    read_text(content, "source"),
                    read_text(content, "url"),
                    read_text(content, "licence"),
                    _file_day(content),
                    len(entries),
                )
            )
        return tuple(sorted(found, key=lambda source: source.name))

    @property
    def as_of(self) -> dict[str, date]:
        """Name of each source → day of its facts."""
        return {source.name: source.as_of for source in self.sources}

    def stale(self, now: datetime) -> tuple[str, ...]:
        """One notice about the oldest source, or none where none is older than `STALE_AFTER`."""
        oldest = min(self.sources, key=lambda source: source.as_of)
        if not oldest.is_stale(now):
            return ()
        remedy = "`basekeeper data info` lists them, `basekeeper data update` renews them"
        return (f"facts are up to {oldest.age(now).days} days old: {remedy}",)

    @property
    def product_names(self) -> tuple[str, ...]:
        """Names of all products, sorted."""
        return tuple(sorted(read_table(self._file(CALENDARS), "products")))

    def product(self, name: str) -> Product | None:
        """The product of that name, or None.

        Raises:
            InputError: Its data has the wrong shape.
        """
        if name not in self._products:
            content = read_table(self._file(CALENDARS), "products").get(name)
            self._products[name] = None if content is None else read_product(name, content)
        return self._products[name]

    def product_for(self, reference: Reference) -> Product | None:
        """The product that a repository is, or None where no calendar is known."""
        exact, prefixes = self._images
        key = self.name_of(reference)
        name = exact.get(key)
        if name is None:
            name = next((one for prefix, one in prefixes if key.startswith(prefix)), None)
        return None if name is None else self.product(name)

    def name_of(self, reference: Reference) -> str:
        """`registry/path` of a reference, mirrors under the name of what they mirror."""
        return _ALIASES.canonical(reference).name

    def tags_of(self, reference: Reference) -> TagList | None:
        """The tags that are built today, or None where no list of them is known."""
        key = self.name_of(reference)
        official = key.startswith(_LIBRARY)
        content = self._file(OFFICIAL if official else VENDORS)
        short = key.removeprefix(_LIBRARY) if official else key
        repositories = read_table(content, "repositories")
        if short not in repositories:
            return None
        lines = read_words(repositories, short)
        return TagList(key, read_text(content, "source"), _file_day(content), lines)

    def is_official(self, reference: Reference) -> Answer:
        """Answer whether it is a Docker Official Image: in `library/` and on the official list."""
        content = self._file(OFFICIAL)
        source, as_of = read_text(content, "source"), _file_day(content)
        key = self.name_of(reference)
        name = key.removeprefix(_LIBRARY)
        if name != key and name in read_table(content, "repositories"):
            return Answer(Truth.YES, f"{name} is on the official list", source, as_of)
        return Answer(Truth.NO, f"{key} is not an official image", source, as_of)

    def publisher(self, reference: Reference) -> Answer:
        """Answer whether the publisher is first-party or verified by the registry.

        Unknown only where the registry verifies publishers and our list does not name the
        namespace; a registry without that notion has no verified publishers.
        """
        key = self.name_of(reference)
        if key.startswith(_LIBRARY):
            return self._publisher_answer(Truth.NO, "official images have no verified publisher")
        for row in self._publishers:
            namespace = read_text(row, "namespace")
            if key == namespace or key.startswith(namespace + "/"):
                return _publisher_of(row, namespace)
        registry, _, path = key.partition("/")
        if registry in _UNVERIFIABLE:
            namespace = f"{registry}/{path.split('/')[0]}"
            reason = f"the publisher status of {namespace} is not in the bundled list"
            return self._publisher_answer(Truth.UNKNOWN, reason)
        return self._publisher_answer(Truth.NO, f"{registry} verifies no publishers")

    def replacement(self, reference: Reference) -> Replacement | None:
        """What replaces a repository that ended or moved; None where nothing is known."""
        key = self.name_of(reference)
        for row in read_rows(self._file(REPLACEMENTS), "replacements"):
            image = read_text(row, "image")
            if key == image or (image.endswith("/*") and key.startswith(image[:-1])):
                ended = row.get("ended")
                below = key.removeprefix(image.removesuffix("*"))
                return Replacement(
                    image,
                    read_text(row, "replacement").replace("/*", f"/{below}") or None,
                    None if ended is None else read_day(ended, f"{image}: ended"),
                    read_text(row, "reason"),
                    read_text(row, "source"),
                    row.get("unless_listed") is True,
                )
        return None

    def raw_calendars(self) -> dict[str, Any]:
        """The calendar file as read; a refresh builds the next one upon it. Do not change it."""
        return self._file(CALENDARS)

    def raw_official(self) -> dict[str, Any]:
        """The official list as read; a refresh holds the next one against it. Do not change it."""
        return self._file(OFFICIAL)

    def _calendar_sources(self) -> tuple[Source, ...]:
        """The origins named in the calendar file, each with the products that rest on it."""
        content = self._file(CALENDARS)
        counts: dict[str, int] = {}
        for name, product in read_table(content, "products").items():
            if not isinstance(product, dict):
                raise InputError(f"products.{name}: expected an object")
            source = read_text(product, "source")
            counts[source] = counts.get(source, 0) + 1
        table = read_table(content, "sources")
        return tuple(
            Source(
                name,
                read_text(row, "url"),
                read_text(row, "licence"),
                _file_day(row),
                counts.get(name, 0),
            )
            for name, row in ((name, read_table(table, name)) for name in table)
        )

    def _publisher_answer(self, value: Truth, reason: str) -> Answer:
        content = self._file(PUBLISHERS)
        return Answer(value, reason, "publishers", _file_day(content))

    @cached_property
    def _publishers(self) -> list[dict[str, Any]]:
        return read_rows(self._file(PUBLISHERS), "namespaces")

    @cached_property
    def _images(self) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
        """Repository → product, and prefix → product for patterns that end in a star."""
        exact: dict[str, str] = {}
        prefixes: list[tuple[str, str]] = []
        for name, product in read_table(self._file(CALENDARS), "products").items():
            for image in read_words(product, "images"):
                if image.endswith("*"):
                    prefixes.append((image[:-1], name))
                else:
                    exact[image] = name
        return exact, tuple(prefixes)

    def _file(self, name: str) -> dict[str, Any]:
        """The newer of the bundled file and the data directory's copy, read once."""
        if name not in self._files:
            content = _bundled_file(name)
            if self._directory is not None and (self._directory / name).is_file():
                own = read_data(self._directory / name)
                content = own if _file_day(own) > _file_day(content) else content
            self._files[name] = content
        return self._files[name]


@lru_cache(maxsize=1)
def _bundled() -> Catalogue:
    return Catalogue()


@lru_cache(maxsize=8)
def _bundled_file(name: str) -> dict[str, Any]:
    """A file that the package brings along, read once."""
    return read_data(BUNDLED / name)


def _file_day(content: dict[str, Any]) -> date:
    """The day of a file's facts: its own, or that of its newest source."""
    if "sources" not in content:
        return read_day(content.get("as_of"), "as_of")
    table = read_table(content, "sources")
    days = [read_day(read_table(table, name).get("as_of"), f"sources.{name}") for name in table]
    if not days:
        raise InputError("sources: expected at least one")
    return max(days)


def _publisher_of(row: dict[str, Any], namespace: str) -> Answer:
    """The answer that an entry of the publisher list gives."""
    who, status = read_text(row, "publisher"), read_text(row, "status")
    reasons = {
        "first-party": (Truth.YES, f"{namespace} belongs to {who}"),
        "verified": (Truth.YES, f"{namespace} is the verified publisher {who}"),
        "sponsored": (Truth.NO, f"{namespace} is sponsored open source, not a verified publisher"),
        "revoked": (Truth.NO, f"{namespace} is no longer maintained by {who} as verified images"),
    }
    unclear = (Truth.UNKNOWN, f"the status {status!r} of {namespace} is not understood")
    value, reason = reasons.get(status, unclear)
    return Answer(value, reason, read_text(row, "source"), read_day(row.get("as_of"), namespace))
