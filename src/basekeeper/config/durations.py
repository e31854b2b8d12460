"""Lengths of time as people write them: `3 days`, `6 hours`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

MAX_DAYS: Final = 3_650
"""Longest duration: ten years."""

_UNITS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_DURATION: Final = re.compile(rf"([0-9]{{1,7}}) ?({'|'.join(_UNITS)})s?")


def parse_duration(text: str) -> timedelta:
    """Read a number and its unit: minutes, hours, days or weeks.

    Raises:
        ValueError: The text is no duration, or a longer one than `MAX_DAYS`.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        units = ", ".join(f"{unit}s" for unit in _UNITS)
        raise ValueError(f"{text!r:.80} is no duration: write a number and one of {units}")
    duration = int(found[1]) * _UNITS[found[2]]
    if duration > timedelta(days=MAX_DAYS):
        raise ValueError(f"{text!r:.80} is more than {MAX_DAYS} days")
    return duration
