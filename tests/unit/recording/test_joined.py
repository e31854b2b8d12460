"""The join of image facts and repository facts is what a person would write down."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any

import pytest

from basekeeper.deadlines.evaluate import evaluate
from basekeeper.deadlines.identity import Scope
from basekeeper.deadlines.model import Moment, MomentKind, State
from basekeeper.policy.windows import Urgency
from basekeeper.recording import words
from basekeeper.recording.joined import Join, _moved, image_chains, repository_deadlines
from basekeeper.recording.stored import StoredFacts
from basekeeper.recording.verdicts import verdicts
from basekeeper.values.event import Event, EventKind
from tests.unit.recording.world import (
    AMD,
    CHAIN,
    CVE,
    LINEAGE,
    OWN,
    REPOSITORY,
    World,
    at,
    terms,
)

K, M = EventKind, MomentKind
GLIBC = "pkg:deb/debian/glibc"
FINDING = words.scope(lineage=LINEAGE, vulnerability=CVE, package=GLIBC, platform=AMD)
OF_API = words.of_product(FINDING, "api")


def event(kind: EventKind, subject: str, key: str, hours: float, **said: Any) -> Event:
    return Event(
        kind=kind,
        subject=subject,
        key=key,
        at=at(hours),
        source="x",
        evidence=words.evidence(**said),
    )


def look(kind: EventKind, hours: float, digest: str, key: str = "", **said: Any) -> Event:
    said = {"from_": "trivy", "digest": digest, **said}
    if kind is K.DETECTED:
        said = {"severity": "high", "fixed": "2", **said}
    return event(kind, words.subject(CHAIN, FINDING), f"{digest}/trivy{key}", hours, **said)


def based(hours: float, digest: str | None, product: str = "api", **said: Any) -> Event:
    scope = words.scope(product=product, lineage=LINEAGE, platform=AMD)
    said = {"digest": digest, "image": CHAIN, "place": "Dockerfile", **said}
    return event(K.BASED_ON, words.subject(REPOSITORY, scope), f"{digest}/{hours}", hours, **said)


def released(hours: float, digest: str, product: str = "api") -> Event:
    subject = words.subject(REPOSITORY, words.scope(product=product))
    return event(K.RELEASED, subject, f"{digest}/{hours}", hours, digest=digest, image=OWN)


def step(kind: EventKind, hours: float, digest: str, **said: Any) -> Event:
    subject = words.subject(REPOSITORY, OF_API)
    return event(kind, subject, f"{digest}/{hours}", hours, digest=digest, **said)


FIX = event(K.FIX_AVAILABLE, words.subject(CHAIN, FINDING), "observed", 1, from_="observed")


def moment(kind: MomentKind, hours: float, digest: str | None = None, **said: Any) -> Moment:
    said.setdefault("scope", OF_API)
    if kind is M.DETECTED:
        said = {"severity": Urgency.HIGH, "witness": "trivy", **said}
    return Moment(kind=kind, at=at(hours), digest=digest, **said)


FIXED = moment(M.FIX_AVAILABLE, 1, witness="observed")
RELEASE = Scope(product="api")


@pytest.mark.parametrize(
    ("events", "moments"),
    [
        (
            [look(K.DETECTED, 5, "D1"), FIX, based(0, "D1")],
            [moment(M.DETECTED, 5, "D1", is_base=True), FIXED],
        ),
        (
            [look(K.DETECTED, 5, "D1"), FIX, based(20, "D1")],
            [moment(M.DETECTED, 20, "D1", is_base=True), FIXED],
        ),
        (
            [look(K.DETECTED, 5, "D1"), FIX, based(0, "D0")],
            [],
        ),
        (
            [look(K.DETECTED, 5, "D1"), look(K.GONE, 8, "D1"), FIX, based(20, "D1")],
            [],
        ),
        (
            [look(K.DETECTED, 5, "D1"), look(K.GONE, 30, "D1"), FIX, based(20, "D1")],
            [
                moment(M.DETECTED, 20, "D1", is_base=True),
                moment(M.GONE, 30, "D1", is_base=True),
                FIXED,
            ],
        ),
        (
            [look(K.DETECTED, 5, "D1"), FIX, based(0, "D1"), based(9, "D2")],
            [
                moment(M.DETECTED, 5, "D1", is_base=True),
                moment(M.LEFT, 9, "D1"),
                FIXED,
            ],
        ),
        (
            [look(K.DETECTED, 15, "D1"), FIX, based(0, "D1"), based(9, "D2")],
            [],
        ),
        (
            [
                look(K.DETECTED, 5, "P1"),
                FIX,
                released(-50, "P1"),
                released(30, "P2"),
                step(K.VERIFIED, 31, "P2", of="published image"),
            ],
            [
                moment(M.DETECTED, 5, "P1"),
                moment(M.RELEASED, -50, "P1", scope=RELEASE),
                moment(M.RELEASED, 30, "P2", scope=RELEASE),
                moment(M.VERIFIED, 31, "P2"),
                FIXED,
            ],
        ),
        (
            [
                look(K.DETECTED, 0, "D1"),
                FIX,
                based(0, "D1"),
                released(-5, "P1"),
                step(K.VERIFIED, 0, "P1", of="published image", built_on="D1"),
            ],
            [
                moment(M.DETECTED, 0, "D1", is_base=True),
                moment(M.RELEASED, -5, "P1", scope=RELEASE),
                moment(M.VERIFIED, 0, "P1", built_on="D1"),
                FIXED,
            ],
        ),
    ],
    ids=[
        "found while it stands there",
        "found before",
        "found elsewhere",
        "gone before",
        "gone later",
        "left",
        "found after it was left",
        "published",
        "taken away by the build",
    ],
)
@pytest.mark.parametrize("hours", [10, 40, 400])
def test_the_join_is_what_one_would_write_by_hand(
    events: list[Event], moments: list[Moment], hours: float
) -> None:
    (found,) = repository_deadlines(events, terms(hours))
    assert found.deadlines == evaluate(moments, terms(hours))
    assert found.unread == ()


def test_every_repository_has_deadlines_of_its_own() -> None:
    scope = words.scope(product="web", lineage=LINEAGE, platform=AMD)
    other = event(
        K.BASED_ON, words.subject("github.com/b/b", scope), "D1", 7, digest="D1", image=CHAIN
    )
    events = [look(K.DETECTED, 5, "D1"), FIX, based(0, "D1"), other]
    asked: list[str] = []

    def terms_of(name: str) -> Any:
        asked.append(name)
        return terms(10, ("api", "web"))

    first, second = repository_deadlines(events, terms_of)
    assert asked == [first.repository, second.repository] == [REPOSITORY, "github.com/b/b"]
    assert [one.product for one in (*first.deadlines, *second.deadlines)] == ["api", "web"]
    assert second.deadlines[0].action.start == at(7)


def test_events_that_cannot_be_read_are_told_to_whom_they_may_concern() -> None:
    odd = [
        event(K.FIX_AVAILABLE, f"{CHAIN}#lineage=x&odd=1", "a", 1),
        event(K.VERIFIED, f"{REPOSITORY}#vulnerability=CVE-1", "a", 1),
        event(K.EXPLOITED, "advisories#x", "a", 1),
        event(K.FIX_AVAILABLE, "docker.io/library/other#x", "a", 1),
    ]
    (found,) = repository_deadlines([*odd, based(0, "D1")], terms(10))
    assert [text.partition(" ")[0] for text in found.unread] == [
        "exploited",
        "fix-available",
        "verified",
    ]


def test_the_chains_of_images_are_named_by_what_a_repository_tells() -> None:
    assert image_chains([based(0, "D1"), released(1, "P1"), FIX]) == {CHAIN, OWN}


def test_a_place_that_was_removed_with_its_product_keeps_nothing_open() -> None:
    events = [look(K.DETECTED, 5, "D1"), FIX, based(0, "D1"), based(9, None)]
    (found,) = repository_deadlines(events, terms(20, ()))
    (deadline,) = found.deadlines
    assert (deadline.state, deadline.action.end) == (State.FIXED_UNRELEASED, at(9))
    (mapped,) = repository_deadlines(events, terms(20))
    assert not mapped.deadlines[0].is_closed


def test_two_places_that_swap_their_names_are_still_two() -> None:
    events = [
        look(K.DETECTED, 5, "D1"),
        FIX,
        based(0, "D1"),
        based(0, "D2", "web", place="web/Dockerfile"),
        based(10, "D2", place="web/Dockerfile"),
        based(10, "D1", "web"),
    ]
    (found,) = repository_deadlines(events, terms(20, ()))
    assert [(one.product, one.action.start) for one in found.deadlines] == [
        ("api", at(5)),
        ("web", at(10)),
    ]


def test_verdicts_are_told_once_of_each_episode() -> None:
    world = World()
    world.append([look(K.DETECTED, 5, "D1"), FIX, based(0, "D1")], 5)
    (found,) = repository_deadlines(world.events, terms(400))
    (breach,) = verdicts(found, at(400), known=world.facts, policy="sha256:p")
    assert (breach.at, breach.policy) == (at(173), "sha256:p")
    assert breach.subject == words.subject(REPOSITORY, OF_API)
    world.append([breach], 400)
    (found,) = repository_deadlines(world.events, terms(401))
    assert found.deadlines[0].due == at(173)
    assert verdicts(found, at(401), known=world.facts) == ()


def test_episodes_and_deadlines_agree() -> None:
    events = [look(K.DETECTED, 5, "D1"), FIX, based(0, "D1"), based(9, "D2")]
    told = Join(StoredFacts(events)).episodes(REPOSITORY, ("api",))
    (found,) = repository_deadlines(events, terms(20))
    opened = [one[0].opened for one in told.get("api", {}).values()]
    assert opened == [one.action.start for one in found.deadlines]


def test_a_moment_about_something_else_says_the_same() -> None:
    moment = Moment(
        kind=MomentKind.WAIVED,
        scope=Scope(lineage="api"),
        at=at(1),
        key="k",
        source="s",
        digest="d",
        is_base=True,
        built_on="b",
        severity=Urgency.HIGH,
        witness="w",
        until=date(2026, 12, 1),
        owner="o",
        reason="r",
        control="c",
        justification="j",
    )
    names = [one.name for one in fields(Moment)]
    bare = Moment(kind=moment.kind, scope=moment.scope, at=moment.at)
    assert [name for name in names if getattr(moment, name) == getattr(bare, name)] == names[:3]
    moved = _moved(moment, Scope(lineage="web"), at(2))
    assert (moved.scope, moved.at) == (Scope(lineage="web"), at(2))
    assert _moved(moved, moment.scope, moment.at) == moment
