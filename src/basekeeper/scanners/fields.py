"""Reading JSON from outside field by field: what has the wrong type is refused, never guessed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from basekeeper.scanners.nottold import NotTold

MAX_ITEMS: Final = 500_000
"""Most items of one list."""
MAX_TEXT: Final = 65_536
"""Most characters of one text that is kept."""


def read_json(data: bytes, what: str) -> dict[str, Any]:
    """Parse one JSON object.

    Raises:
        NotTold: It is none: cut off, too deep, not UTF-8, or something else.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotTold(f"{what} is no whole JSON document") from error
    if not isinstance(found, dict):
        raise NotTold(f"{what} is no JSON object")
    return found


def text_of(source: dict[str, Any], key: str) -> str:
    """Return a text that must be there, not empty."""
    found = optional_text(source, key)
    if found is None:
        raise NotTold(f"{key!r} is missing in an answer")
    return found


def optional_text(source: dict[str, Any], key: str) -> str | None:
    """Return a text; None where it is missing or empty."""
    found = source.get(key)
    if found is None or found == "":
        return None
    if not isinstance(found, str) or len(found) > MAX_TEXT:
        raise NotTold(f"{key!r} of an answer is no text of a fair length")
    return found


def number_of(source: dict[str, Any], key: str) -> int:
    """Return a whole number; 0 where it is missing."""
    found = source.get(key, 0)
    if not isinstance(found, int) or isinstance(found, bool):
        raise NotTold(f"{key!r} of an answer is no whole number")
    return found


def share_of(source: dict[str, Any], key: str) -> float:
    """Return a number from 0 to 1 that must be there."""
    found = source.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1:
        raise NotTold(f"{key!r} of an answer is no number from 0 to 1")
    return float(found)


def object_of(source: dict[str, Any], key: str) -> dict[str, Any]:
    """Return an object; an empty one where it is missing."""
    found = source.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise NotTold(f"{key!r} of an answer is no object")
    return found


def objects_of(source: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return a list of objects; an empty one where it is missing."""
    found = _list(source, key)
    if any(not isinstance(one, dict) for one in found):
        raise NotTold(f"{key!r} of an answer holds what is no object")
    return found


def texts_of(source: dict[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of texts; an empty one where it is missing."""
    found = _list(source, key)
    if any(not isinstance(one, str) or len(one) > MAX_TEXT for one in found):
        raise NotTold(f"{key!r} of an answer holds what is no text")
    return tuple(found)


def instant_of(source: dict[str, Any], key: str) -> datetime | None:
    """Return an instant, UTC; None where it is missing or the year 1 (Go's way to say nothing)."""
    found = optional_text(source, key)
    if found is None:
        return None
    try:
        instant = datetime.fromisoformat(found)
        if instant.year == 1:
            return None
        instant = instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotTold(f"{key!r} of an answer is no instant: {found[:40]!r}") from error
    return instant


def _list(source: dict[str, Any], key: str) -> list[Any]:
    found = source.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > MAX_ITEMS:
        raise NotTold(f"{key!r} of an answer is no list of at most {MAX_ITEMS} items")
    return found
