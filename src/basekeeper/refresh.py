"""Bringing the calendar data up to date from its sources, and telling how old it is.

Each source is fetched and checked alone: one that fails leaves what it owns as it was, and says so.
New data is written beside the old and renamed over it only after it was read back whole; data that
is empty, malformed or implausibly small never replaces good data.

The list of official images is made of a file for each repository at its source, without one listing
to fetch; it comes with each release of basekeeper instead.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import stat
import tempfile
from dataclasses import field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import Error, InputError
from basekeeper.lifecycle.catalogue import CALENDARS, Catalogue
from basekeeper.lifecycle.datafile import (
    SCHEMA,
    read_day,
    read_product,
    read_rows,
    read_table,
    read_text,
)
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    Fetch = Callable[[str], bytes]
    """Gives the body of a URL, or raises `basekeeper.errors.Error`."""

END_OF_LIFE: Final = "endoflife.date"
DISTRO_INFO: Final = "distro-info-data"

DEFAULT_URLS: Final = {
    END_OF_LIFE: "https://endoflife.date/api/v1/products/full",
    DISTRO_INFO: "https://debian.pages.debian.net/distro-info-data",
}
"""Where each source is fetched; a mirror may take the place of either."""

MIN_KEPT: Final = 0.5
"""Share of known products, or of a product's lines, below which new data is not believed."""

SHARED: Final = 0o644
"""Mode of the file: public facts, which whoever runs basekeeper on the machine may read."""

LEFT_AFTER: Final = timedelta(days=1)
"""Age from which a temporary file belongs to no refresh that still runs; one takes minutes."""

_DISTRIBUTIONS: Final = {"debian": "debian.csv", "ubuntu": "ubuntu.csv"}
"""Products whose dates are the distribution's own → file of their dates."""


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """What became of one source."""

    source: str
    updated: int
    """How many products were replaced."""
    problem: str | None = None
    """Why nothing was replaced, or None."""


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did."""

    outcomes: tuple[SourceOutcome, ...]
    written: Path | None
    """The file that was written; None where nothing was."""
    skipped: tuple[str, ...] = ()
    """Data that is not refreshed this way, each with its reason."""

    @property
    def is_complete(self) -> bool:
        """Tell whether every source was read."""
        return all(outcome.problem is None for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class DataInfo:
    """The age of one source of facts."""

    source: str
    url: str
    licence: str
    as_of: date
    age: timedelta
    count: int
    is_stale: bool


_NOT_REFRESHED: Final = (
    "official-images: its source has no single listing; it comes with each release",
    "publishers: kept by hand; it comes with each release",
)


def data_info(catalogue: Catalogue, now: datetime) -> tuple[DataInfo, ...]:
    """Source, licence, age and size of all facts, by name of the source."""
    return tuple(
        DataInfo(
            source=source.name,
            url=source.url,
            licence=source.licence,
            as_of=source.as_of,
            age=source.age(now),
            count=source.count,
            is_stale=source.is_stale(now),
        )
        for source in catalogue.sources
    )


def refresh(
    directory: Path, fetch: Fetch, now: datetime, *, urls: dict[str, str] | None = None
) -> RefreshReport:
    """Fetch all sources and write the newer calendar file into a data directory.

    Args:
        directory: The data directory; made if missing.
        fetch: Gives the body of a URL or raises one of our errors.
        now: The instant of the run; its day becomes the day of the fetched facts.
        urls: Other addresses by source name, for mirrors.

    Raises:
        InputError: The data directory cannot be written, or its own data is unreadable.
    """
    catalogue = Catalogue.load(directory)
    draft = _Draft(dict(catalogue.raw_calendars()), now.date())
    places = DEFAULT_URLS | (urls or {})
    outcomes = (
        _try(END_OF_LIFE, lambda: _take_products(draft, fetch(places[END_OF_LIFE]))),
        _try(DISTRO_INFO, lambda: _take_distributions(draft, fetch, places[DISTRO_INFO])),
    )
    written = None
    if any(outcome.problem is None for outcome in outcomes):
        written = _write(directory, draft.content())
        _sweep(directory, now)
    return RefreshReport(outcomes, written, _NOT_REFRESHED)


@dataclass(slots=True)
class _Draft:
    """The next calendar file in the making; the base is never changed."""

    base: dict[str, Any]
    today: date
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)

    def known(self, name: str) -> dict[str, Any]:
        """The product as it stands: new already, or old; empty where there is none."""
        table = self.products if name in self.products else read_table(self.base, "products")
        return read_table(table, name)

    def content(self) -> dict[str, Any]:
        """The whole file, sources dated."""
        sources = dict(read_table(self.base, "sources"))
        for name in self.sources:
            sources[name] = read_table(sources, name) | {"as_of": self.today.isoformat()}
        products = read_table(self.base, "products") | self.products
        return {"schema": SCHEMA, "sources": sources, "products": dict(sorted(products.items()))}


def _try(source: str, take: Callable[[], int]) -> SourceOutcome:
    """Run one source's step; its failure is an outcome."""
    try:
        return SourceOutcome(source, take())
    except Error as error:
        return SourceOutcome(source, 0, error.message)


# endoflife.date


def _take_products(draft: _Draft, body: bytes) -> int:
    """Replace the release lines of every known product found in a dump of all products."""
    found = {entry.get("name"): entry for entry in _entries(body)}
    wanted = [
        name for name, old in read_table(draft.base, "products").items() if _is_theirs(name, old)
    ]
    new = {name: _merged(draft, name, found[name]) for name in wanted if name in found}
    if len(new) < len(wanted) * MIN_KEPT:
        raise InputError(f"only {len(new)} of {len(wanted)} known products are in the answer")
    draft.products.update(new)
    draft.sources.append(END_OF_LIFE)
    return len(new)


def _is_theirs(name: str, old: dict[str, Any]) -> bool:
    """Tell whether a product's dates come from endoflife.date."""
    return name not in _DISTRIBUTIONS and old.get("source") == END_OF_LIFE


def _entries(body: bytes) -> list[dict[str, Any]]:
    """The products of an API v1 dump.

    Source: https://endoflife.date/docs/api/v1/ (`/products/full`).
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("the answer is not JSON") from error
    result = content.get("result") if isinstance(content, dict) else None
    if not isinstance(result, list):
        raise InputError("the answer has no list of products")
    return [entry for entry in result if isinstance(entry, dict)]


def _merged(draft: _Draft, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """A known product with new release lines; our own keys (images, channels) stay."""
    old = draft.known(name)
    rows = entry.get("releases")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{name}: expected a list of releases")
    known = _lines_of(old)
    keeps_lts = name != "rhel"  # its LTS day there is the end of the line, not the start
    releases = [_line(row, known.get(str(row.get("name"))), keeps_lts=keeps_lts) for row in rows]
    product = old | {"as_of": draft.today.isoformat(), "releases": releases}
    return _checked(name, product, len(known))


def _lines_of(product: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The lines of a product by name."""
    return {read_text(row, "cycle"): row for row in read_rows(product, "releases")}


def _line(row: dict[str, Any], old: dict[str, Any] | None, *, keeps_lts: bool) -> dict[str, Any]:
    """One release line of the API in our shape; keys without a value are left out."""
    latest = row.get("latest")
    latest = latest if isinstance(latest, dict) else {}
    line = {
        "cycle": row.get("name"),
        "codename": row.get("codename") or (old or {}).get("codename"),
        "released": row.get("releaseDate"),
        "lts": (row.get("ltsFrom") or row.get("isLts")) if keeps_lts else None,
        "active_support_until": row.get("eoasFrom"),
        "end_of_life": row.get("eolFrom") or row.get("isEol"),
        "extended_until": row.get("eoesFrom"),
        "latest": latest.get("name"),
        "latest_released": latest.get("date"),
    }
    return {key: value for key, value in line.items() if value or key in ("cycle", "released")}


def _checked(name: str, product: dict[str, Any], known: int) -> dict[str, Any]:
    """A product that reads back and did not lose most of its lines."""
    if len(product["releases"]) < known * MIN_KEPT:
        raise InputError(f"{name}: only {len(product['releases'])} of {known} releases are left")
    read_product(name, product)
    return product


# distro-info-data


def _take_distributions(draft: _Draft, fetch: Fetch, place: str) -> int:
    """Replace the dates of Debian and Ubuntu by the distributions' own."""
    new = {}
    for name, file in _DISTRIBUTIONS.items():
        rows = _rows(name, fetch(f"{place}/{file}"))
        old = draft.known(name)
        known = _lines_of(old)
        releases = [_distribution_line(row, known) for row in rows if row.get("release")]
        releases.reverse()
        product = old | {"as_of": draft.today.isoformat(), "releases": releases}
        new[name] = _checked(name, product, len(known))
    draft.products.update(new)
    draft.sources.append(DISTRO_INFO)
    return len(new)


def _rows(name: str, body: bytes) -> list[dict[str, str]]:
    """The rows of a distribution's file that have a version."""
    try:
        rows = list(csv.DictReader(body.decode("utf-8").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{name}: the answer is not a table in UTF-8") from error
    if not rows or not {"version", "codename", "release", "eol"} <= set(rows[0]):
        raise InputError(f"{name}: the answer has not the columns of distro-info-data")
    return [row for row in rows if row["version"]]


def _distribution_line(row: dict[str, str], known: dict[str, Any]) -> dict[str, Any]:
    """One release in our shape; the newest point release is kept from what was known."""
    version, _, mark = row["version"].partition(" ")
    cycle = version if version in known else version.removesuffix(".0")
    cycle = cycle if cycle in known or "." not in version else version
    old = known.get(cycle, {})
    extended = row.get("eol-elts") or row.get("eol-legacy") or row.get("eol-esm")
    line = {
        "cycle": cycle,
        "codename": row["codename"],
        "released": read_day(row["release"], f"{cycle}: release").isoformat(),
        "lts": mark == "LTS",
        "end_of_life": row["eol"],
        "lts_until": row.get("eol-lts"),
        "extended_until": extended,
        "latest": old.get("latest"),
        "latest_released": old.get("latest_released"),
    }
    return {key: value for key, value in line.items() if value}


# Writing


def _write(directory: Path, content: dict[str, Any]) -> Path:
    """Write the calendar file whole or not at all."""
    target = directory / CALENDARS
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{CALENDARS}.", dir=directory)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(content, stream, ensure_ascii=False, indent=1)
                stream.flush()
                os.fchmod(stream.fileno(), SHARED)  # a temporary file is its maker's alone
                os.fsync(stream.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink()
            raise
        _sync(directory)
    except OSError as error:
        raise InputError(
            f"{target}: {error.strerror or error}", hint="name a data directory that is writable"
        ) from error
    return target


def _sweep(directory: Path, now: datetime) -> None:
    """Remove temporary files that refreshes left which were killed; a young one may be in use."""
    for path in directory.glob(f".{CALENDARS}.*"):
        with contextlib.suppress(OSError):  # gone by now, or another user's
            status = path.lstat()
            is_old = status.st_mtime < (now - LEFT_AFTER).timestamp()
            if stat.S_ISREG(status.st_mode) and is_old:
                path.unlink()


def _sync(directory: Path) -> None:
    """Make the renaming itself durable."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
