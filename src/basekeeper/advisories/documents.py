"""Reading JSON that somebody else wrote: bounded, every value checked, names of places in errors.

Times are those of RFC 3339, brought to UTC.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from typing import Any, Final

from basekeeper.errors import InputError
from basekeeper.values.nesting import is_deeper

MAX_DOCUMENT_BYTES: Final = 32 * 1024 * 1024
"""Largest document read, in bytes. The catalogue of exploited vulnerabilities has below 2 MiB."""

MAX_DEPTH: Final = 32
"""Deepest nesting; the formats that are read need six."""

MAX_TEXT_CHARS: Final = 4_096
"""Longest text that is kept; the rest is cut off."""

_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,12})?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})"
)


def read_json(data: bytes, what: str) -> dict[str, Any]:
    """Read one JSON object.

    Args:
        data: The bytes of the document.
        what: What messages call it.

    Raises:
        InputError: It is too large, nested too deep, no JSON, or no object.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InputError(f"{what}: larger than {MAX_DOCUMENT_BYTES} bytes")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what}: not valid JSON", hint="fetch the file again") from error
    if not isinstance(content, dict):
        raise InputError(f"{what}: expected an object, got {type(content).__name__}")
    if is_deeper(content, MAX_DEPTH):
        raise InputError(f"{what}: nested more than {MAX_DEPTH} levels deep")
    return content


def rows(content: dict[str, Any], key: str, what: str, *, most: int) -> list[dict[str, Any]]:
    """Return the list of objects below a key.

    Raises:
        InputError: There is none, something else, or more than `most`.
    """
    value = content.get(key)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise InputError(f"{what}: expected a list of objects as {key!r}")
    if len(value) > most:
        raise InputError(f"{what}: has more than {most} {key}")
    return value


def text(content: dict[str, Any], key: str, what: str) -> str | None:
    """Return a text without the blanks around it; None where it is absent, null or empty.

    Raises:
        InputError: It is something else.
    """
    value = content.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputError(f"{what}: {key}: expected text, got {value!r:.80}")
    return value.strip()[:MAX_TEXT_CHARS] or None


def needed(content: dict[str, Any], key: str, what: str) -> str:
    """Return a text that must be there.

    Raises:
        InputError: It is not, or is something else.
    """
    value = text(content, key, what)
    if value is None:
        raise InputError(f"{what}: lacks {key!r}")
    return value


def day(value: str, what: str) -> date:
    """Read a day, `YYYY-MM-DD`.

    Raises:
        InputError: It is none.
    """
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InputError(f"{what}: expected a day, got {value!r:.80}") from None


def instant(value: str, what: str) -> datetime:
    """Read an instant with its zone, to the microsecond.

    Raises:
        InputError: It is none.
    """
    found = _INSTANT.fullmatch(value)
    if found is not None:
        zone = "+00:00" if found[3] in ("Z", "z") else found[3]
        try:
            return datetime.fromisoformat(
                f"{found[1].upper()}{(found[2] or '.0')[:7]:0<7}{zone}"
            ).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise InputError(f"{what}: expected an instant with a time zone, got {value!r:.80}")
