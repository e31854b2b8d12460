"""One suite for the ledger in every form: what `ports.Ledger` promises, and more."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.errors import LedgerError
from basekeeper.ledger.opening import open_ledger
from basekeeper.values.event import Event, EventKind, Head, Sight, corrected
from tests.contract.ledger_places import (
    LATER,
    LEDGERS,
    NODE,
    NOW,
    digest,
    notice,
    sight,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.ledger.location import Location
    from basekeeper.ports import Ledger


@pytest.fixture(params=LEDGERS)
def text(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """How a user writes a ledger that is not there yet."""
    return text_of(request.param, request, tmp_path)


def test_new_ledger_is_empty(ledger: Ledger) -> None:
    assert list(ledger.events()) == []
    assert ledger.first_seen([NODE]) == {NODE: ()}
    assert ledger.first_seen([]) == {}


def test_events_come_back_as_they_were_in_the_order_of_recording(ledger: Ledger) -> None:
    events = [sight(3), sight(1), sight(2, at=NOW - timedelta(days=900))]
    assert ledger.append(events) == 3
    assert list(ledger.events()) == events


def test_event_is_as_exact_as_its_instant(ledger: Ledger) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    ledger.append([sight(at=NOW.astimezone(east)), sight(2, at=datetime(1969, 1, 1, tzinfo=UTC))])
    first, second = ledger.events()
    assert (first.at, first.at.tzinfo) == (NOW, UTC)
    assert second.at == datetime(1969, 1, 1, tzinfo=UTC)


def test_event_keeps_the_digests_that_it_was_told_with(ledger: Ledger) -> None:
    event = sight(policy="sha256:1", tool="sha256:2", data="sha256:3", subject="a.example/b#slim")
    ledger.append([event])
    (found,) = ledger.records()
    assert (found.event, found.recorded, found.position) == (event, LATER, 1)
    assert ledger.heads() == (Head("a.example/b", 1, found.hash),)


def test_evidence_may_hold_any_text(ledger: Ledger) -> None:
    evidence = {"": "", "nul": "a\0b", "quote": "'\";--", "sign": "ü€😀", "lone": "\udcff"}
    ledger.append([sight(evidence=evidence)])
    assert [event.evidence for event in ledger.events()] == [evidence]


def test_same_fact_is_recorded_once_and_the_first_record_stays(ledger: Ledger) -> None:
    again = sight(at=LATER, source="mirror", evidence={})
    assert ledger.append([sight(), again]) == 1
    assert ledger.append([again]) == 0
    assert ledger.append([again, sight(2)]) == 1
    assert list(ledger.events()) == [sight(), sight(2)]


def test_nothing_of_a_batch_that_fails_is_recorded(ledger: Ledger) -> None:
    def events() -> Iterator[Event]:
        yield from (sight(number) for number in range(1000))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ledger.append(events())
    assert list(ledger.events()) == []
    assert ledger.append([sight()]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"subject": ""},
        {"subject": "a\0b"},
        {"subject": "\udcff"},
        {"key": "x" * 1001},
        {"source": ""},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001  # that is what is refused
        {"evidence": {"x": "y" * 65_536}},
        {"subject": "#part"},
        {"policy": "a\0b"},
        {"corrects": "x" * 1001},
    ],
)
def test_event_that_no_database_can_hold_is_refused(ledger: Ledger, change: dict[str, Any]) -> None:
    with pytest.raises(LedgerError):
        ledger.append([sight(2), sight(**change)])
    assert list(ledger.events()) == []


def test_events_are_found_by_subject_and_kind(ledger: Ledger) -> None:
    ledger.append([sight(), sight(2, subject="ghcr.io/acme/base"), sight(3)])
    assert list(ledger.events(subject=NODE)) == [sight(), sight(3)]
    assert list(ledger.events(subject="ghcr.io/acme")) == []
    assert len(list(ledger.events(kinds=[EventKind.FIRST_SEEN]))) == 3


def test_events_are_found_by_the_chains_that_hold_them(ledger: Ledger) -> None:
    parts = [sight(1), sight(2, subject=f"{NODE}#slim"), sight(3, subject="ghcr.io/acme/base#x")]
    ledger.append([*parts, sight(4, subject=f"{NODE}-other")])
    assert list(ledger.events(chains=[NODE])) == parts[:2]
    assert list(ledger.events(chains=["ghcr.io/acme/base", NODE])) == parts
    assert list(ledger.events(chains=[NODE], subject=NODE)) == parts[:1]
    assert list(ledger.events(chains=[NODE], kinds=[EventKind.DETECTED])) == []
    assert [record.position for record in ledger.records(chains=[NODE])] == [1, 2]
    assert list(ledger.events(chains=["ghcr.io/acme", "a\0b"])) == []


def test_any_number_of_chains_is_asked_for_at_once(ledger: Ledger) -> None:
    names = [f"registry.example/team/image-{number}" for number in range(3_000)]
    ledger.append(sight(subject=name) for name in names[::30])
    assert len(list(ledger.events(chains=names))) == 100


def test_first_sights_of_each_repository_come_earliest_first(ledger: Ledger) -> None:
    ledger.append(
        [
            sight(2, at=LATER),
            sight(1, at=NOW),
            sight(1, tag="24-slim", at=NOW),
            sight(1, subject="ghcr.io/acme/base"),
        ]
    )
    assert ledger.first_seen([NODE, NODE, "quay.io/none/none"]) == {
        NODE: (
            Sight("24", digest(1), NOW),
            Sight("24-slim", digest(1), NOW),
            Sight("24", digest(2), LATER),
        ),
        "quay.io/none/none": (),
    }


def test_any_number_of_repositories_is_asked_for_at_once(ledger: Ledger) -> None:
    names = [f"registry.example/team/image-{number}" for number in range(70_000)]
    ledger.append(sight(subject=name) for name in names[::100])
    found = ledger.first_seen(names)
    assert len(found) == 70_000
    assert sum(map(len, found.values())) == 700


def test_hostile_repository_is_only_a_name(ledger: Ledger) -> None:
    ledger.append([sight()])
    names = ["' OR 1=1 --", "%", "docker.io/library/nod_", "\U0001f600", "", "a\0b", "\udcff"]
    assert set(ledger.first_seen(names).values()) == {()}
    assert [list(ledger.events(subject=name)) for name in names] == [[]] * len(names)


def test_threads_append_the_same_facts_once(ledger: Ledger) -> None:
    def work(worker: int) -> int:
        numbers = list(range(200))
        random.Random(worker).shuffle(numbers)  # noqa: S311  # an order, no secret
        return sum(ledger.append([sight(number)]) for number in numbers[:50]) + ledger.append(
            sight(number) for number in numbers
        )

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 200
    assert len(list(ledger.events())) == 200


def test_reader_reads_what_is_there_and_never_writes(ledger: Ledger, location: Location) -> None:
    ledger.append([sight()])
    with contextlib.closing(open_ledger(location, clock=None)) as reader:
        assert list(reader.events()) == [sight()]
        with pytest.raises(LedgerError, match="for reading alone"):
            reader.append([sight(3)])
        with pytest.raises(LedgerError, match="for reading alone"):
            reader.claim(limit=1, lease=timedelta(minutes=1))
    ledger.append([sight(2)])
    with contextlib.closing(open_ledger(location, clock=None)) as reader:
        assert len(reader.first_seen([NODE])[NODE]) == 2


def test_reading_a_ledger_that_is_not_there_creates_nothing(
    location: Location, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LedgerError) as caught:
        open_ledger(location, clock=None)
    assert "record something first" in (caught.value.hint or "")
    assert sorted(tmp_path.rglob("*")) == before


def test_messages_name_the_ledger_without_its_password(location: Location) -> None:
    with pytest.raises(LedgerError) as caught:
        open_ledger(location, clock=None)
    assert str(location.kind) in caught.value.message
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint} {location!r} {location}"


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def test_what_was_known_at_an_instant_can_be_asked_for_later(location: Location) -> None:
    clock = Clock(NOW)
    with contextlib.closing(open_ledger(location, clock=clock)) as ledger:
        ledger.append([sight(1, at=NOW - timedelta(days=9))])
        clock.now = LATER
        ledger.append([sight(2, at=NOW - timedelta(days=99))])
        assert list(ledger.events(as_of=NOW - timedelta(microseconds=1))) == []
        assert [event.key for event in ledger.events(as_of=NOW)] == [f"24@{digest(1)}"]
        assert len(list(ledger.records(as_of=LATER))) == 2


def test_correction_stands_in_the_place_of_what_was_wrong(ledger: Ledger) -> None:
    wrong = sight(1)
    right = replace(wrong, at=NOW - timedelta(days=2), corrects=wrong.id)
    better = replace(right, at=NOW - timedelta(days=3), corrects=right.id)
    never = sight(2)
    retracted = replace(never, kind=EventKind.RETRACTED, corrects=never.id)
    assert ledger.append([wrong, right, never]) == 3
    assert ledger.append([right, better, retracted]) == 2  # the same correction is made once
    assert list(ledger.events()) == [wrong, right, never, better, retracted]
    assert corrected(ledger.events()) == (better,)
    assert ledger.first_seen([NODE]) == {NODE: (Sight("24", digest(1), better.at),)}


def test_each_repository_has_a_chain_of_its_own(ledger: Ledger) -> None:
    ledger.append([sight(), sight(2, subject="ghcr.io/acme/base"), sight(3, subject=f"{NODE}#x")])
    ledger.append([sight(4), sight(5, subject="a.example/a")])
    assert [(head.chain, head.position) for head in ledger.heads()] == [
        ("a.example/a", 1),
        (NODE, 3),
        ("ghcr.io/acme/base", 1),
    ]
    places = {record.position for record in ledger.records() if record.event.chain == NODE}
    assert places == {1, 2, 3}
    verified = ledger.verify()
    assert (verified.is_sound, verified.events, verified.heads) == (True, 5, ledger.heads())


def test_noted_head_proves_that_nothing_before_it_changed(ledger: Ledger) -> None:
    ledger.append([sight()])
    noted = ledger.heads()
    ledger.append([sight(2)])
    assert ledger.verify(noted).is_sound
    other = replace(noted[0], hash="0" * 64)
    assert [one.reason for one in ledger.verify([other]).breaks] == ["is another than was noted"]
    far = replace(noted[0], position=9)
    assert [(one.position, one.reason) for one in ledger.verify([far]).breaks] == [
        (9, "is missing")
    ]
    assert not ledger.verify([replace(noted[0], chain="x")]).is_sound


def test_chains_are_the_same_whatever_keeps_them(ledger: Ledger) -> None:
    ledger.append([sight(evidence={"b": "ü\0", "a": "1"}, policy="p")])
    assert ledger.heads()[0].hash == (
        "bcfe21388ac65b1135852c0dfd9089f461e4b01dd562da3555205170f6d77590"
    )


@pytest.mark.parametrize(
    ("step", "recorded"),
    [
        (timedelta(seconds=-90), NOW),
        (timedelta(days=-400), NOW - timedelta(days=400)),
        (timedelta(days=400), NOW + timedelta(days=400)),
    ],
)
def test_clock_that_steps_loses_no_event(
    location: Location, step: timedelta, recorded: datetime
) -> None:
    clock = Clock(NOW)
    with contextlib.closing(open_ledger(location, clock=clock)) as ledger:
        ledger.append([sight(1)])
        clock.now = NOW + step
        ledger.append([sight(2)])
        assert [record.recorded for record in ledger.records()] == [NOW, recorded]
        assert [event.key for event in ledger.events()] == [f"24@{digest(1)}", f"24@{digest(2)}"]
        assert ledger.verify().is_sound


ROOT = Path(__file__).parents[2]
LEASE = timedelta(minutes=5)


def test_notice_is_queued_once_and_claimed_until_it_is_settled(location: Location) -> None:
    clock = Clock(NOW)
    with contextlib.closing(open_ledger(location, clock=clock)) as ledger:
        assert ledger.append([sight()], [notice(1), notice(2)]) == 1
        assert ledger.append([], [notice(1, body="other")]) == 0
        first, second = ledger.claim(limit=9, lease=LEASE)
        assert (first.notice, first.attempt) == (notice(1), 1)
        assert ledger.claim(limit=9, lease=LEASE) == ()
        ledger.settle(first)
        ledger.settle(second, problem="no answer", retry_at=NOW + timedelta(hours=1))
        clock.now = NOW + timedelta(minutes=59)
        assert ledger.claim(limit=9, lease=LEASE) == ()
        clock.now = NOW + timedelta(hours=1)
        (again,) = ledger.claim(limit=9, lease=LEASE)
        assert (again.notice.id, again.attempt) == ("notice-2", 2)
        ledger.settle(again, problem="gone for ever")
        ledger.settle(again)  # told twice after a crash: no matter
        clock.now = LATER
        assert ledger.claim(limit=9, lease=LEASE) == ()
        assert list(ledger.events()) == [sight()]


def test_notice_of_a_sender_that_died_is_due_again_when_its_lease_ends(location: Location) -> None:
    clock = Clock(NOW)
    with contextlib.closing(open_ledger(location, clock=clock)) as ledger:
        ledger.append([], [notice(1), notice(2)])
        assert [one.attempt for one in ledger.claim(limit=1, lease=LEASE)] == [1]
    clock.now = NOW + LEASE
    with contextlib.closing(open_ledger(location, clock=clock)) as ledger:
        late, _ = ledger.claim(limit=9, lease=LEASE)
        assert (late.notice.id, late.attempt) == ("notice-1", 2)
        ledger.settle(replace(late, attempt=1), problem="slow", retry_at=NOW)  # the dead one's
        assert ledger.claim(limit=9, lease=LEASE) == ()
        assert ledger.verify().is_sound


def test_notice_that_a_clock_ahead_queued_or_put_off_is_due_now(location: Location) -> None:
    clock = Clock(NOW + timedelta(days=3650))
    with contextlib.closing(open_ledger(location, clock=clock)) as ledger:
        ledger.append([], [notice(1), notice(2)])
        (claim,) = ledger.claim(limit=1, lease=LEASE)
        ledger.settle(claim, problem="slow", retry_at=clock.now + timedelta(days=1))
    clock.now = NOW
    with contextlib.closing(open_ledger(location, clock=clock)) as ledger:
        found = ledger.claim(limit=9, lease=LEASE)
        assert [(one.notice.id, one.attempt) for one in found] == [("notice-1", 2), ("notice-2", 1)]
        assert ledger.claim(limit=9, lease=LEASE) == ()


def test_notice_is_claimed_by_one_of_two_at_the_same_time(
    ledger: Ledger, location: Location
) -> None:
    ledger.append([], [notice(number) for number in range(12)])
    with contextlib.closing(open_ledger(location, clock=lambda: LATER)) as other:
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(one.claim, limit=12, lease=LEASE) for one in (ledger, other)]
        ids = [claim.notice.id for one in asked for claim in one.result()]
    assert sorted(ids) == sorted(f"notice-{number}" for number in range(12))


def test_notices_of_one_subject_and_of_some_channels_are_claimed(ledger: Ledger) -> None:
    places = [("acme/shop", "team"), ("acme/shop", "hook"), ("acme/web", "team")]
    queue = [
        notice(number, subject=subject, channel=channel)
        for number, (subject, channel) in enumerate(places)
    ]
    ledger.append([], queue)
    assert ledger.claim(limit=9, lease=LEASE, subject="acme/web", channels=["hook"]) == ()
    (second,) = ledger.claim(limit=9, lease=LEASE, channels=["hook"])
    (third,) = ledger.claim(limit=9, lease=LEASE, subject="acme/web")
    (first,) = ledger.claim(limit=9, lease=LEASE, subject="acme/shop", channels=["team", "hook"])
    assert [one.notice for one in (first, second, third)] == queue


def test_notice_that_was_never_queued_is_not_settled(ledger: Ledger) -> None:
    ledger.append([], [notice()])
    (claim,) = ledger.claim(limit=1, lease=LEASE)
    with pytest.raises(LedgerError, match="never queued"):
        ledger.settle(replace(claim, notice=notice(2)))


def test_notices_and_events_of_a_batch_that_fails_are_both_not_there(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        ledger.append([sight()], [notice(), notice(2, body="x" * 70_000)])
    assert list(ledger.events()) == []
    assert ledger.claim(limit=9, lease=LEASE) == ()


WRITER = """
import sys
from datetime import UTC, datetime
from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from tests.contract.ledger_places import sight
print("ready", flush=True)
first, count, size = map(int, sys.argv[1:4])
ledger = open_ledger(read_location(sys.stdin.readline()), clock=lambda: datetime.now(UTC))
added = 0
for start in range(first, first + count, size):
    added += ledger.append(sight(number) for number in range(start, start + size))
    print("wrote", start, flush=True)
ledger.close()
print("added", added, flush=True)
"""


def writer(text: str, first: int, count: int, size: int) -> subprocess.Popen[str]:
    """Another process that appends batches; the location is no argument, as it has a password."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(first), str(count), str(size)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write(text + "\n")
    process.stdin.flush()
    return process


def test_processes_create_and_fill_a_ledger_together(text: str, location: Location) -> None:
    writers = [writer(text, 0, 300, 20) for _ in range(4)]
    outputs = [process.communicate(timeout=120)[0] for process in writers]
    added = [int(output.rpartition("added ")[2]) for output in outputs]
    assert sum(added) == 300
    with contextlib.closing(open_ledger(location, clock=lambda: NOW)) as ledger:
        events = list(ledger.events())
    assert len({event.id for event in events}) == len(events) == 300


@pytest.mark.slow
def test_writer_killed_at_any_moment_loses_nothing_that_it_reported(
    text: str, location: Location
) -> None:
    batch, reported = 25, 0
    for turn in range(12):
        process = writer(text, turn * 1_000_000, 1_000_000, batch)
        if turn % 2:  # also on a machine that is slow to start a program
            assert process.stdout is not None
            assert process.stdout.readline().startswith("wrote")
            reported += 1
        time.sleep(0.02 + turn * 0.03)
        process.send_signal(signal.SIGKILL)
        output = process.communicate(timeout=30)[0]
        reported += output.count("wrote")
        with contextlib.closing(open_ledger(location, clock=lambda: NOW)) as ledger:
            events = list(ledger.events())
        assert len(events) % batch == 0
        assert len(events) >= reported * batch
        assert len(events) <= (reported + turn + 1) * batch  # committed, and not yet told
        assert len({event.id for event in events}) == len(events)
    assert reported > 0
