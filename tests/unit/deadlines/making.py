"""Moments in one line each: hours since an origin, one finding, one product."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from basekeeper import load_policy
from basekeeper.deadlines.evaluate import evaluate
from basekeeper.deadlines.identity import FindingKey, Scope
from basekeeper.deadlines.model import Moment, MomentKind, Terms
from basekeeper.policy.windows import Urgency

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basekeeper.deadlines.model import Deadline

ORIGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
LINEAGE = "docker.io/library/debian:slim"
PACKAGE = "pkg:deb/debian/glibc"
PLATFORM = "linux/amd64"
FINDING = FindingKey(LINEAGE, "CVE-2026-1", PACKAGE, PLATFORM)
PRODUCT = "api"
OLD, NEW = "sha256:old", "sha256:new"
WINDOWS = load_policy().deadlines
SCOPE = Scope(
    lineage=LINEAGE, vulnerability="CVE-2026-1", package=PACKAGE, platform=PLATFORM, product=PRODUCT
)
OF_ALL = Scope(vulnerability="CVE-2026-1")


def at(hours: float) -> datetime:
    return ORIGIN + timedelta(hours=hours)


def happened(kind: str, hours: float, **said: Any) -> Moment:
    said.setdefault("scope", SCOPE)
    return Moment(kind=MomentKind(kind), at=at(hours), **said)


def detected(hours: float, severity: Urgency | None = Urgency.HIGH, **said: Any) -> Moment:
    said.setdefault("digest", OLD)
    said.setdefault("witness", "nvd")
    return happened("detected", hours, severity=severity, **said)


def rated(hours: float, severity: Urgency | None, witness: str = "nvd") -> Moment:
    return happened("severity-changed", hours, scope=OF_ALL, severity=severity, witness=witness)


def fix(hours: float, witness: str = "advisory") -> Moment:
    return happened("fix-available", hours, scope=OF_ALL, witness=witness)


def base(hours: float) -> Moment:
    return happened("base-available", hours, scope=replace(OF_ALL, lineage=LINEAGE))


def verified(hours: float, digest: str = NEW) -> Moment:
    return happened("verified", hours, digest=digest)


def released(hours: float, digest: str = NEW) -> Moment:
    return happened("released", hours, scope=Scope(product=PRODUCT), digest=digest)


def waived(hours: float, days: int, *, scope: Scope = SCOPE, **said: Any) -> Moment:
    whole = {
        "key": "w1",
        "until": at(hours).date() + timedelta(days=days),
        "owner": "anna",
        "reason": "no network",
        "control": "firewall",
    }
    return happened("waived", hours, scope=scope, **(whole | said))


def terms(hours: float, **said: Any) -> Terms:
    said.setdefault("windows", WINDOWS)
    said.setdefault("products", (PRODUCT,))
    return Terms(now=at(hours), **said)


def told(moments: Iterable[Moment], hours: float, **said: Any) -> Deadline:
    """Return the latest episode of the one finding."""
    return evaluate(moments, terms(hours, **said))[-1]
