"""Short ways to make what the ledger told of an image in use."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from basekeeper.deadlines.identity import FindingKey
from basekeeper.deadlines.model import (
    Clock,
    Deadline,
    MomentKind,
    Pause,
    Progress,
    State,
)
from basekeeper.policy.load import load_policy
from basekeeper.policy.windows import Urgency
from basekeeper.rules.patching import StoredUses, use_place
from basekeeper.values.stored import StoredFinding, StoredImage, StoredScan
from basekeeper.values.vulnerability import Severity
from tests.unit.rules.making import NOW, subject

if TYPE_CHECKING:
    from basekeeper.rules.rule import Subject
    from basekeeper.values.image import Unknown

DIGEST = "sha256:" + "a" * 64
WINDOWS = load_policy().deadlines
LINEAGE = "docker.io/library/debian:slim"
HOUR = timedelta(hours=1)
NAMES = frozenset({"api", "Dockerfile", "Dockerfile:prod"})


def finding(named: str = "CVE-2026-1001", hours: float = 1, **more: Any) -> StoredFinding:
    """A CRITICAL one with a fix, found so many hours ago."""
    values: dict[str, Any] = {
        "vulnerability": named,
        "package": "pkg:deb/debian/openssl",
        "name": "openssl",
        "platform": "linux/amd64",
        "installed": "3.0.14-1",
        "fixed": ("3.0.15-1",),
        "severity": Severity.CRITICAL,
        "severity_source": "nvd",
        "since": NOW - hours * HOUR,
    }
    return StoredFinding(**{**values, **more})


def image(*findings: StoredFinding, unknown: Unknown | None = None) -> StoredImage:
    scan = StoredScan(
        digest=DIGEST,
        platform="linux/amd64",
        at=NOW - HOUR,
        scanner="trivy 0.69.3",
        database=NOW - 6 * HOUR,
        severity_order=("advisory",),
        packages=88,
    )
    return StoredImage(digest=DIGEST, scans=(scan,), findings=findings, unknown=unknown)


def deadline(state: State = State.OPEN, hours: float = 24, **more: Any) -> Deadline:
    """One that is due in so many hours."""
    due = NOW + hours * HOUR
    urgency = more.pop("urgency", Urgency.CRITICAL)
    late = NOW - due
    ended = NOW - HOUR if state in (State.CLOSED_IN_TIME, State.CLOSED_LATE) else None
    clock = Clock(due - 48 * HOUR, ended, 48 * HOUR - (due - NOW), ended is None)
    pause = Pause(
        kind=MomentKind.NOT_AFFECTED,
        name="https://vex.example/acme",
        start=NOW - 9 * HOUR,
        end=None,
        reason="vulnerable_code_not_present",
    )
    values: dict[str, Any] = {
        "finding": FindingKey(LINEAGE, "CVE-2026-1001", "pkg:deb/debian/openssl", "linux/amd64"),
        "product": "api",
        "is_mapped": True,
        "episode": 1,
        "is_latest": True,
        "severity": Urgency.CRITICAL,
        "severities": (("pinned", Urgency.CRITICAL),),
        "urgency": urgency,
        "exposure": clock,
        "total_exposure": clock.elapsed,
        "action": clock,
        "upstream": Clock(None, None, timedelta(0), is_running=False),
        "due": due,
        "at_next_release": False,
        "clause": WINDOWS.clause(urgency),
        "state": state,
        "progress": Progress.NOTHING,
        "steps": (),
        "breached_at": due if late > timedelta(0) else None,
        "overdue_by": late if late > timedelta(0) and state is State.BREACHED else None,
        "pause": pause if state is State.EXCEPTED else None,
        "propose_bridge": False,
        "notes": (),
    }
    return Deadline(**{**values, **more})


def standing(
    *findings: StoredFinding,
    text: str = "debian:12.1-slim",
    deadlines: tuple[Deadline, ...] = (),
    unknown: Unknown | None = None,
    compared: bool | None = None,
    **more: Any,
) -> Subject:
    """A use with what is known of its image.

    Args:
        findings: Of the image.
        text: The image.
        deadlines: Of the repository; `NAMES` are what is built of the file.
        unknown: Why absence proves nothing.
        compared: Whether the image was there before; None: no comparison.
        more: Of the use.
    """
    one = subject(text, **more)
    before = {None: None, True: frozenset({use_place(one.use)}), False: frozenset()}[compared]
    stored = StoredUses(
        {str(one.use.reference): image(*findings, unknown=unknown)},
        WINDOWS,
        deadlines=deadlines,
        products={(one.use.path, str(one.use.reference)): NAMES},
        before=before,
    )
    return replace(one, stored=stored.of(one.use, NOW))
