"""Short ways to make waivers and their limits."""

from __future__ import annotations

from datetime import date
from typing import Any

from basekeeper.policy.model import WaiverSettings
from basekeeper.values.waiver import Waiver
from basekeeper.waivers import WaiverLimits

TODAY = date(2026, 11, 23)


def limits(*, inline: bool = True, max_days: int = 180, today: date = TODAY) -> WaiverLimits:
    settings = WaiverSettings(
        file="w.toml", inline=inline, max_days=max_days, repository=False, never=("invalid-waiver",)
    )
    return WaiverLimits(settings, ("end-of-life", "floating-tag", "invalid-waiver"), today)


def waiver(**changes: Any) -> Waiver:
    good: dict[str, Any] = {
        "rules": ("end-of-life",),
        "owner": "@team",
        "reason": "soon",
        "until": date(2027, 1, 31),
        "source": "w.toml",
    }
    return Waiver(**{**good, **changes})


def of_cve(*vulnerabilities: str, **changes: Any) -> Waiver:
    """A waiver of vulnerabilities."""
    good: dict[str, Any] = {
        "rules": (),
        "vulnerabilities": vulnerabilities or ("CVE-2026-1",),
        "control": "a proxy",
        "granted": TODAY,
        "until": date(2026, 12, 23),
        "id": "first",
    }
    return waiver(**{**good, **changes})
