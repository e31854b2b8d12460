"""From what registries told to what the ledger keeps of it."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from basekeeper.values.event import Event, EventKind
from basekeeper.values.image import Pointer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from basekeeper.values.resolution import Resolution, Resolutions

DEFAULT_TAG: Final = "latest"
"""What is asked for where a reference has neither tag nor digest."""


def sights(resolutions: Resolutions, now: datetime) -> Iterator[Event]:
    """Yield an event for each tag that stood for a digest, once each, in the order of the images.

    What could not be told gives no event; neither does a digest in use that no tag was asked for.

    Args:
        resolutions: What the registries told.
        now: The instant of the run that saw it.
    """
    seen = set()
    for resolution in resolutions.by_image.values():
        event = _sight(resolution, now)
        if event is not None and event.key + event.subject not in seen:
            seen.add(event.key + event.subject)
            yield event


def _sight(resolution: Resolution, now: datetime) -> Event | None:
    """Tell what one image's tag stood for."""
    reference, pointer = resolution.reference, resolution.pointer
    if not isinstance(pointer, Pointer):
        return None
    evidence = {}
    if pointer.media_type is not None:
        evidence["media_type"] = pointer.media_type
    if pointer.modified is not None:
        evidence["modified"] = pointer.modified.astimezone(UTC).isoformat()
    return Event(
        kind=EventKind.FIRST_SEEN,
        subject=f"{reference.registry}/{reference.repository}",
        key=f"{reference.tag or DEFAULT_TAG}@{pointer.digest}",
        at=now.astimezone(UTC),
        source=reference.registry,
        evidence=evidence,
    )
