"""The waiver file as events."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper.deadlines.identity import FindingKey
from basekeeper.deadlines.model import Terms
from basekeeper.deadlines.pauses import pauses
from basekeeper.deadlines.reading import read_moments
from basekeeper.errors import ConfigError
from basekeeper.policy.load import load_policy
from basekeeper.policy.windows import Urgency
from basekeeper.values.event import EventKind
from basekeeper.waivers import Waivers
from basekeeper.waivers.mirrored import MAX_LAG, Mirrored, WaiverFile, mirror, read_waiver_file
from tests.unit.waivers.making import TODAY, limits, of_cve, waiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.values.event import Event
    from basekeeper.values.waiver import Waiver

R = "github.com/acme/shop"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DEBIAN = "docker.io/library/debian"
KEY = FindingKey(DEBIAN, "CVE-2026-1", "pkg:deb/debian/openssl", "linux/amd64")
KNOWN: Mapping[FindingKey, Urgency | None] = {KEY: Urgency.HIGH}


def file(*waivers: Waiver) -> WaiverFile:
    accepted = tuple(one for one in waivers if one.ended is None)
    ended = tuple(one for one in waivers if one.ended is not None)
    return WaiverFile("w.toml", Waivers(accepted, ended=ended), "sha256:1")


def told(
    waivers: WaiverFile,
    earlier: Iterable[Event] = (),
    *,
    now: datetime = NOW,
    known: Mapping[FindingKey, Urgency | None] = KNOWN,
) -> tuple[Event, ...]:
    return mirror(R, waivers, earlier, known=known, now=now).events


def kinds(events: Iterable[Event]) -> list[str]:
    return [event.kind.value for event in events]


def test_a_waiver_is_one_event_for_each_combination() -> None:
    granted = of_cve(
        "CVE-2026-1", "CVE-2026-2", products=("api", "web"), granted=date(2026, 11, 20)
    )
    events = told(file(granted))
    assert [event.subject for event in events] == [
        f"{R}#vulnerability=CVE-2026-1&product=api",
        f"{R}#vulnerability=CVE-2026-1&product=web",
        f"{R}#vulnerability=CVE-2026-2&product=api",
        f"{R}#vulnerability=CVE-2026-2&product=web",
    ]
    assert {event.key for event in events} == {f"first@{granted.digest[:12]}"}
    assert {event.at for event in events} == {datetime(2026, 11, 21, tzinfo=UTC)}
    assert events[0].source == "w.toml"
    assert events[0].evidence == {
        "id": "first",
        "owner": "@team",
        "reason": "soon",
        "control": "a proxy",
        "until": "2026-12-23",
        "granted": "2026-11-20",
        "file": "w.toml",
        "file_digest": "sha256:1",
    }


def test_deadlines_read_it_as_a_pause() -> None:
    events = told(file(of_cve(images=("debian",))))
    moments, unread = read_moments(events)
    found, notes = pauses(moments, Terms(now=NOW, windows=load_policy().deadlines))
    assert (unread, notes) == ((), ())
    assert [(one.start, one.end) for one in found] == [(NOW, datetime(2026, 12, 24, tzinfo=UTC))]
    assert moments[0].scope.covers(KEY, "any")


def test_told_again_nothing_is_new() -> None:
    events = told(file(of_cve()))
    assert not told(file(of_cve()), events)
    assert not told(file(of_cve()), events, now=NOW + timedelta(days=5))


def test_waivers_of_rules_are_no_events() -> None:
    assert not told(file(waiver()))


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (file(), "is not in w.toml any more"),
        (file(of_cve(ended=TODAY, ended_because="fixed")), "fixed"),
        (file(of_cve(products=("api",))), "was edited in w.toml, which is another decision"),
        (file(of_cve(until=date(2026, 12, 24))), "was edited in w.toml, which is another decision"),
        (file(of_cve(approved_by="@lead")), "was edited in w.toml, which is another decision"),
    ],
)
def test_what_does_not_stand_as_it_was_ends(after: WaiverFile, why: str) -> None:
    events = told(file(of_cve()))
    later = NOW + timedelta(hours=3)
    more = told(after, events, now=later)
    ends = [event for event in more if event.kind is EventKind.WAIVER_ENDED]
    assert [(one.key, one.at, one.evidence["reason"]) for one in ends] == [
        (events[0].key, later, why)
    ]
    begun = [event for event in more if event.kind is EventKind.WAIVED]
    assert len(begun) == len(after.waivers.accepted)
    assert all(one.key != events[0].key and one.at == later for one in begun)
    assert not told(after, (*events, *more), now=later)


def test_a_day_in_the_file_ends_it_no_later_than_that_day_does() -> None:
    events = told(file(of_cve()))
    revoked = file(of_cve(ended=date(2026, 11, 25), ended_because="fixed"))
    (end,) = told(revoked, events, now=NOW + timedelta(days=10))
    assert end.at == datetime(2026, 11, 26, tzinfo=UTC)
    before = file(of_cve(ended=date(2026, 11, 1), ended_because="fixed"))
    (end,) = told(before, events, now=NOW + timedelta(days=10))
    assert end.at == events[0].at


def test_the_last_day_still_counts_and_the_next_is_over() -> None:
    events = told(file(of_cve()))
    last = datetime(2026, 12, 23, 23, 59, tzinfo=UTC)
    assert not told(file(of_cve()), events, now=last)
    expired = told(file(of_cve()), events, now=last + timedelta(minutes=1))
    assert kinds(expired) == ["expired"]
    assert (expired[0].key, expired[0].at) == (events[0].key, datetime(2026, 12, 24, tzinfo=UTC))
    everything = (*events, *expired)
    assert not told(file(), everything, now=last + timedelta(days=9))
    assert not told(file(of_cve()), everything, now=NOW), "a clock set back begins nothing anew"


def test_one_that_expired_before_it_was_seen_is_no_event() -> None:
    assert not told(file(of_cve(until=date(2026, 11, 22), granted=date(2026, 11, 1))))


def test_one_that_comes_back_is_another_time_of_it() -> None:
    events = list(told(file(of_cve())))
    for number in (2, 3):
        events += told(file(), events)
        later = NOW + timedelta(days=number)
        (again,) = told(file(of_cve()), events, now=later)
        assert again.key == f"{events[0].key}#{number}"
        assert again.at == later
        events.append(again)
    assert not told(file(of_cve()), events)
    assert len({event.id for event in events}) == len(events)


@pytest.mark.parametrize(
    ("granted", "at"),
    [
        (date(2026, 11, 24), NOW),
        (date(2026, 11, 23), NOW),
        (date(2026, 11, 21), datetime(2026, 11, 22, tzinfo=UTC)),
        (date(2026, 9, 1), NOW - MAX_LAG),
    ],
)
def test_backdating_excuses_little(granted: date, at: datetime) -> None:
    (event,) = told(file(of_cve(granted=granted)))
    assert event.at == at


def test_an_image_that_comes_later_is_covered_from_then_on() -> None:
    wide = file(of_cve(images=("**",)))
    events = told(wide)
    other = FindingKey("ghcr.io/acme/base", "CVE-2026-1", KEY.package, KEY.platform)
    later = NOW + timedelta(days=2)
    (more,) = told(wide, events, known={**KNOWN, other: None}, now=later)
    assert (more.subject, more.at) == (
        f"{R}#lineage=ghcr.io/acme/base&vulnerability=CVE-2026-1",
        later,
    )


def test_patterns_that_reach_nothing_are_told() -> None:
    found = mirror(R, file(of_cve(images=("quay.io/**",))), (), known=KNOWN, now=NOW)
    note = "waiver first covers nothing: no finding has its images and packages"
    assert found == Mirrored((), (note,))


def test_it_accepts_nothing_severer() -> None:
    bounded = file(of_cve(severity="high"))
    assert not told(bounded, known={KEY: None}), "unknown is not accepted"
    events = list(told(bounded))
    assert kinds(events) == ["waived"]
    assert not told(bounded, events, known={KEY: None}), "unknown ends nothing"
    events += told(bounded, events, known={KEY: Urgency.EXPLOITED})
    assert events[-1].evidence["reason"] == "covers this no more: it is severer than accepted"
    assert kinds(events) == ["waived", "waiver-ended"]
    assert [one.key.partition("#")[2] for one in told(bounded, events)] == ["2"]


def test_events_of_other_chains_and_kinds_do_not_matter() -> None:
    (event,) = told(file(of_cve()))
    other = mirror("github.com/acme/other", file(of_cve()), (), known=KNOWN, now=NOW).events
    assert told(file(of_cve()), other) == (event,)


def test_no_file_has_no_waivers_and_a_wrong_one_cannot_be_mirrored() -> None:
    assert read_waiver_file(None, "w.toml", limits()) == WaiverFile("w.toml", Waivers(), "")
    assert read_waiver_file(b"", "w.toml", limits()).digest.startswith("sha256:e3b0c442")
    with pytest.raises(ConfigError):
        read_waiver_file(b"[[waiver]]\n", "w.toml", limits())


def test_the_policy_in_force_is_kept() -> None:
    found = mirror(R, file(of_cve()), (), known=KNOWN, now=NOW, policy="sha256:2")
    assert [event.policy for event in found.events] == ["sha256:2"]
