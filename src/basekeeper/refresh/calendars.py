"""The calendars: release lines of endoflife.date, and those of the distributions' own.

Each source is fetched and checked alone: one that fails leaves what it owns as it was. Data that is
empty, malformed or implausibly small never replaces good data.
"""

from __future__ import annotations

import csv
import json
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import InputError
from basekeeper.lifecycle.datafile import (
    SCHEMA,
    read_day,
    read_product,
    read_rows,
    read_table,
    read_text,
)
from basekeeper.lifecycle.fetched import DISTRO_INFO, END_OF_LIFE
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from datetime import date

    from basekeeper.refresh.model import Fetch

MIN_KEPT: Final = 0.5
"""Share of known products, or of a product's lines, below which new data is not believed."""

_DISTRIBUTIONS: Final = {"debian": "debian.csv", "ubuntu": "ubuntu.csv"}
"""Products whose dates are the distribution's own → file of their dates."""


@dataclass(slots=True)
class Draft:
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


# endoflife.date


def take_products(draft: Draft, fetch: Fetch, place: str) -> int:
    """Replace the release lines of every known product found in a dump of all products.

    Returns:
        How many products were replaced.

    Raises:
        Error: There is no usable answer; then nothing is.
    """
    found = {entry.get("name"): entry for entry in _entries(fetch(place).body or b"")}
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
    return [
        entry for entry in result if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    ]


def _merged(draft: Draft, name: str, entry: dict[str, Any]) -> dict[str, Any]:
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


def take_distributions(draft: Draft, fetch: Fetch, place: str) -> int:
    """Replace the dates of Debian and Ubuntu by the distributions' own.

    Returns:
        How many products were replaced.

    Raises:
        Error: There is no usable answer; then nothing is.
    """
    new = {}
    for name, file in _DISTRIBUTIONS.items():
        rows = _rows(name, fetch(f"{place}/{file}").body or b"")
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
