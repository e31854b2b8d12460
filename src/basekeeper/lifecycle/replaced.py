"""Notices that a digest was replaced, which Microsoft's registry attaches to it.

They say nothing of the product: every rebuild of a version that is still supported replaces the
digest before it. Sources: dotnet/dotnet-docker `documentation/vulnerability-reporting.md`,
Azure/acr-cli `cmd/acr/annotate.go`, dotnet/docker-tools `LifecycleAnnotations`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basekeeper.values.image import Descriptor

REGISTRY: Final = "mcr.microsoft.com"
"""The only registry that attaches such notices."""

LIFECYCLE: Final = "application/vnd.microsoft.artifact.lifecycle"
"""Their artifact type."""

END_OF_LIFE: Final = "vnd.microsoft.artifact.lifecycle.end-of-life.date"
"""Their annotation: a date, `2024-05-14`, or a time, `2024-05-14T00:00:00Z`."""


def replaced_on(found: Iterable[Descriptor]) -> date | None:
    """Tell on which day, UTC, a digest was replaced, or will be, by what refers to it.

    Of several days the earliest counts; None where there is no notice, or none that can be read.
    """
    days = (
        _day(descriptor.annotations.get(END_OF_LIFE, ""))
        for descriptor in found
        if descriptor.artifact_type == LIFECYCLE
    )
    return min((day for day in days if day is not None), default=None)


def _day(text: str) -> date | None:
    """Read a date or a time; None where it is none, or Go's zero time."""
    try:
        found = datetime.fromisoformat(text)
        day = (found if found.tzinfo is None else found.astimezone(UTC)).date()
    except (ValueError, OverflowError):
        return None
    return None if day.year == date.min.year or not text.isascii() else day
