from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from basekeeper.values.event import Event, EventKind
from basekeeper.values.image import Pointer, Unknown
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Resolution, Resolutions
from basekeeper.values.sights import sights

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "1" * 64


def told(**pointers: Pointer | Unknown | None) -> list[Event]:
    by_image = {
        text: Resolution(reference=parse_reference(text), pointer=pointer)
        for text, pointer in pointers.items()
    }
    return list(sights(Resolutions(by_image), NOW))


def test_what_a_tag_points_to_becomes_an_event_with_its_evidence() -> None:
    modified = datetime(2026, 11, 20, 10, tzinfo=timezone(timedelta(hours=2)))
    assert told(**{"node:24": Pointer(NEW, "application/x", 7, modified)}) == [
        Event(
            kind=EventKind.FIRST_SEEN,
            subject="docker.io/library/node",
            key=f"24@{NEW}",
            at=NOW,
            source="docker.io",
            evidence={"media_type": "application/x", "modified": "2026-11-20T08:00:00+00:00"},
        )
    ]


def test_reference_without_a_tag_was_asked_for_as_latest() -> None:
    (event,) = told(node=Pointer(NEW))
    assert (event.key, event.evidence) == (f"latest@{NEW}", {})


def test_what_was_not_told_gives_no_event() -> None:
    assert told(**{"node:24": Unknown("no answer"), f"node@{OLD}": None}) == []


def test_the_digest_in_use_is_no_sight_and_one_tag_is_seen_once() -> None:
    events = told(
        **{
            f"node:24@{OLD}": Pointer(NEW),
            "node:24": Pointer(NEW),
            "ghcr.io/acme/base:24": Pointer(NEW),
        }
    )
    assert [(event.subject, event.key) for event in events] == [
        ("docker.io/library/node", f"24@{NEW}"),
        ("ghcr.io/acme/base", f"24@{NEW}"),
    ]
