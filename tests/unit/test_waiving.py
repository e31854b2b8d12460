"""Waivers of a tree, and what deadlines make of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper.deadlines.model import State, Terms
from basekeeper.errors import ConfigError
from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.pipeline.excusing import mirrored_waivers
from basekeeper.pipeline.run import Run
from basekeeper.pipeline.waiving import granted, open_book, revoked
from basekeeper.policy.load import load_config
from basekeeper.recording.joined import repository_deadlines
from basekeeper.values.event import Event, EventKind
from tests.unit.editing import MemoryTree
from tests.unit.waivers.making import of_cve

if TYPE_CHECKING:
    from basekeeper.values.stored import RepositoryDeadlines

R = "github.com/acme/shop"
IMAGE = "docker.io/library/debian"
DIGEST = f"sha256:{'1' * 64}"
FINDING = "vulnerability=CVE-2026-1&package=pkg:deb/debian/openssl&platform=linux/amd64"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FILE = "basekeeper-waivers.toml"


def run(now: datetime) -> Run:
    config = load_config(lambda _: None)
    return Run(config=config, catalogue=Catalogue.bundled(), now=now)


def event(kind: EventKind, subject: str, key: str, **evidence: str) -> Event:
    return Event(kind=kind, subject=subject, key=key, at=NOW, source="trivy", evidence=evidence)


FOUND = (
    event(
        EventKind.BASED_ON,
        f"{R}#product=api&lineage={IMAGE}&platform=linux/amd64",
        DIGEST,
        digest=DIGEST,
        image=IMAGE,
        reference=f"{IMAGE}:13",
        role="final",
        mapped="no",
        path="Dockerfile",
        line="1",
    ),
    event(
        EventKind.DETECTED,
        f"{IMAGE}#lineage={IMAGE}&{FINDING}",
        DIGEST,
        digest=DIGEST,
        severity="critical",
        fixed="2",
    ),
    event(
        EventKind.FIX_AVAILABLE, f"{IMAGE}#lineage={IMAGE}&{FINDING}", "observed", **{"from": "x"}
    ),
)


def deadlines(events: list[Event], now: datetime) -> RepositoryDeadlines:
    windows = run(now).config.policy.deadlines
    (found,) = repository_deadlines(events, Terms(now=now, windows=windows))
    return found


def mirrored(events: list[Event], data: bytes, now: datetime) -> list[Event]:
    """Do what recording does: deadlines first, as they know the findings, then the mirror."""
    known = {one.finding: one.severity for one in deadlines(events, now).deadlines}
    mine = [one for one in events if one.chain == R]
    tree = MemoryTree({FILE: data} if data else {})
    return list(mirrored_waivers(tree, run(now), R, mine, known=known).events)


def test_a_waiver_excepts_until_it_ends_and_then_the_old_clock_counts() -> None:
    events = list(FOUND)
    (before,) = deadlines(events, NOW).deadlines
    assert before.state is State.WAITING_FOR_BASE
    book = open_book(MemoryTree({}), run(NOW))
    waiver, edit = granted(
        book, replace(of_cve(images=("debian:12",), severity="critical"), source="", id="")
    )
    events += mirrored(events, edit.after, NOW)
    assert events[-1].kind is EventKind.WAIVED
    assert events[-1].policy == run(NOW).config.policy.digest
    later = NOW + timedelta(days=9)
    (excepted,) = deadlines(events, later).deadlines
    assert (excepted.state, excepted.due) == (State.EXCEPTED, before.due)
    assert not mirrored(events, edit.after, later)

    book = open_book(MemoryTree({FILE: edit.after}), run(later))
    over = revoked(book, book.named(waiver.id), "a fix is out")
    events += mirrored(events, over.after, later)
    assert (events[-1].kind, events[-1].evidence["reason"]) == (
        EventKind.WAIVER_ENDED,
        "a fix is out",
    )
    (breached,) = deadlines(events, later + timedelta(minutes=1)).deadlines
    assert (breached.state, breached.due) == (State.BREACHED, before.due)


def test_an_operator_who_counts_no_waivers_ends_them() -> None:
    book = open_book(MemoryTree({}), run(NOW))
    _, edit = granted(book, replace(of_cve(), id=""))
    events = [*FOUND, *mirrored(list(FOUND), edit.after, NOW)]
    tree = MemoryTree({FILE: edit.after})
    strict = replace(run(NOW), has_operator=True)
    found = mirrored_waivers(tree, strict, R, events, known={}).events
    assert [one.kind for one in found] == [EventKind.WAIVER_ENDED]


def test_a_wrong_file_is_not_mirrored() -> None:
    with pytest.raises(ConfigError):
        mirrored(list(FOUND), b"[[waiver]]\n", NOW)
