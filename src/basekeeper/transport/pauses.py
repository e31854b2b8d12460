"""How long a server asks to wait, in all the ways in which registries and forges say it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ASKED: Final = 31 * 86400.0
"""Longest wait in seconds that is told; what a server asks beyond it is cut to it."""

_MIN_UNIX_TIME: Final = 1e9
"""Smaller numbers (before September 2001) are seconds to wait, not points in time."""

_MAX_SEARCHED: Final = 4096
"""Bytes of a body that are searched for a duration."""

_NUMBER: Final = re.compile(r"([0-9]+)(?:\.[0-9]+)?")
_IN_BODY: Final = re.compile(
    r"retry-after:[ \t]{0,8}((?:[0-9]{1,12}(?:\.[0-9]{1,12})?(?:ns|us|µs|μs|ms|h|m|s)){1,6})",
    re.IGNORECASE,
)
_PART: Final = re.compile(r"([0-9.]+)([a-zµμ]+)")
_UNITS: Final = {
    "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9,
}  # fmt: skip
"""Of Go's durations: https://pkg.go.dev/time#ParseDuration, both spellings of micro."""


def retry_after(headers: Mapping[str, str], body: bytes, now: datetime | None) -> float | None:
    """Seconds that a server asks to wait, from 0 to MAX_ASKED; None where it does not say.

    What is unreadable counts as not said. In this order:

    1. `Retry-After` in seconds or as a date (RFC 9110 §10.2.3).
    2. `X-Retry-After` as a unix time: Docker Hub's API.
    3. `X-RateLimit-Reset` as a unix time, unless `X-RateLimit-Remaining` says that some are left:
       GitHub.
    4. `retry-after: 23.722µs` in the body, a duration as Go writes it: GHCR.

    A point in time is taken relative to the server's own Date, so that clocks need not agree.

    Args:
        headers: Of the answer, names in lower case.
        body: Of the answer.
        now: The time where the server tells none; None: such points in time are unreadable.
    """
    sent = _date(headers.get("date", "")) or now
    asked = _seconds_or_date(headers.get("retry-after", "").strip(), sent)
    if asked is None:
        asked = _unix_time(headers.get("x-retry-after", "").strip(), sent)
    if asked is None and headers.get("x-ratelimit-remaining", "0").strip() == "0":
        asked = _unix_time(headers.get("x-ratelimit-reset", "").strip(), sent)
    if asked is None:
        asked = _duration(body)
    return None if asked is None else min(max(asked, 0.0), MAX_ASKED)


def _seconds_or_date(text: str, now: datetime | None) -> float | None:
    number = _number(text)
    if number is not None:
        return number
    until = _date(text)
    return None if until is None or now is None else (until - now).total_seconds()


def _unix_time(text: str, now: datetime | None) -> float | None:
    number = _number(text)
    if number is None or number < _MIN_UNIX_TIME:
        return number
    return None if now is None else number - now.timestamp()


def _number(text: str) -> float | None:
    """A number not below 0; its fraction is dropped, and what is endless is cut."""
    match = _NUMBER.fullmatch(text)
    return float(match[1][:12]) if match else None


def _date(text: str) -> datetime | None:
    """A date of HTTP in any of its three forms; in UTC where it names no zone."""
    if not text or text[0] not in "MTWFS":  # each begins with the day of the week
        return None
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # slow to load, seldom needed

    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _duration(body: bytes) -> float | None:
    match = _IN_BODY.search(body[:_MAX_SEARCHED].decode("utf-8", "replace"))
    if not match:
        return None
    parts = _PART.findall(match[1].lower())
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
