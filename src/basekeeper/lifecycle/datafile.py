"""Reading the data files: JSON objects with a schema number, sources and dates.

Files of a user's data directory are outside input: they are bounded, and every value is checked
before it is believed. A product is checked when it is first asked for, a fresh download as a whole.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, Final

from basekeeper.errors import InputError
from basekeeper.lifecycle.calendar import MAX_CYCLE_CHARS, Product, Release, newest_first

SCHEMA: Final = 1
"""Version of the shape of all data files; others are refused."""

MAX_DATA_BYTES: Final = 32 * 1024 * 1024
"""Largest data file read, in bytes; the bundled ones stay below 0.3 MiB."""

MAX_RELEASES: Final = 2_000
"""Most lines of one product; the longest known calendar has about 100."""

BUNDLED: Final = Path(__file__).parent / "data"
"""Folder of the files that the package brings along."""

RENEW: Final = "delete the file and fetch it again with `basekeeper data update`"
"""What helps against a file that cannot be used."""

_NOTHING: Final[dict[str, Any]] = {}


def read_data(path: Path) -> dict[str, Any]:
    """Read one data file and check that it is an object of our schema.

    Raises:
        InputError: The file is unreadable, too large, no JSON object, or of another schema.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_DATA_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", hint=RENEW) from error
    if len(data) > MAX_DATA_BYTES:
        raise InputError(f"{path}: larger than {MAX_DATA_BYTES} bytes", hint=RENEW)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON", hint=RENEW) from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise InputError(f"{path}: expected an object of schema {SCHEMA}", hint=RENEW)
    return content


def read_day(value: object, what: str) -> date:
    """Read a day written as `2026-04-30`.

    Raises:
        InputError: The value is anything else; `what` names it.
    """
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise InputError(f"{what}: expected a day such as 2026-04-30, got {value!r:.80}", hint=RENEW)


def read_table(content: dict[str, Any], key: str) -> dict[str, Any]:
    """The object below a key; an empty one where the key is missing.

    Raises:
        InputError: There is something else below the key.
    """
    value = content.get(key, _NOTHING)
    if not isinstance(value, dict):
        raise InputError(f"{key}: expected an object, got {value!r:.80}", hint=RENEW)
    return value


def read_rows(content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The list of objects below a key; an empty one where the key is missing.

    Raises:
        InputError: There is something else below the key.
    """
    value = content.get(key, [])
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise InputError(f"{key}: expected a list of objects", hint=RENEW)
    return value


def read_words(content: dict[str, Any], key: str) -> tuple[str, ...]:
    """The list of texts below a key; an empty one where the key is missing.

    Raises:
        InputError: There is something else below the key.
    """
    value = content.get(key, [])
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InputError(f"{key}: expected a list of texts", hint=RENEW)
    return tuple(value)


def read_text(content: dict[str, Any], key: str, default: str = "") -> str:
    """The text below a key, or the default where it is missing or null.

    Raises:
        InputError: There is something else below the key.
    """
    value = content.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise InputError(f"{key}: expected text, got {value!r:.80}", hint=RENEW)
    return value


def read_product(name: str, content: dict[str, Any]) -> Product:
    """Read one product with all its release lines.

    Raises:
        InputError: A value is missing or has the wrong type; the message names the product.
    """
    rows = read_rows(content, "releases")
    if not 0 < len(rows) <= MAX_RELEASES:
        raise InputError(f"{name}: expected 1 to {MAX_RELEASES} releases, got {len(rows)}")
    source = read_text(content, "source")
    as_of = read_day(content.get("as_of"), f"{name}.as_of")
    channels = read_table(content, "channels")
    return Product(
        name=name,
        title=read_text(content, "title", name),
        source=source,
        as_of=as_of,
        axis=read_text(content, "axis", "application"),
        images=read_words(content, "images"),
        releases=newest_first([_release(name, row, source=source, as_of=as_of) for row in rows]),
        channels={word: str(target) for word, target in channels.items()},
        has_lts_lines=content.get("lts_lines") is not False,
        even_minor_is_stable=content.get("stable_minor") == "even",
        default_cycle=read_text(content, "default_cycle") or None,
        repositories=read_words(content, "repositories"),
    )


def _release(name: str, row: dict[str, Any], *, source: str, as_of: date) -> Release:
    """Read one line of a product."""
    cycle = read_text(row, "cycle")
    if not 0 < len(cycle) <= MAX_CYCLE_CHARS:
        raise InputError(f"{name}: a release has no usable cycle: {cycle!r:.80}", hint=RENEW)
    where = f"{name} {cycle}"
    released = _day(row, "released", where)
    lts = row.get("lts", False)
    return Release(
        cycle=cycle,
        source=source,
        as_of=as_of,
        codename=read_text(row, "codename") or None,
        released=released,
        lts_since=(released or date.min) if lts is True else _day(row, "lts", where),
        active_support_until=_day(row, "active_support_until", where),
        end_of_life=_day(row, "end_of_life", where),
        ended=row.get("end_of_life") is True,
        lts_until=_day(row, "lts_until", where),
        extended_until=_day(row, "extended_until", where),
        latest=read_text(row, "latest") or None,
        latest_released=_day(row, "latest_released", where),
    )


def _day(row: dict[str, Any], key: str, where: str) -> date | None:
    """A day, or None for what is missing, null, true or false."""
    value = row.get(key)
    if value is None or isinstance(value, bool):
        return None
    return read_day(value, f"{where}: {key}")
