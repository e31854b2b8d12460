"""Laws of recording, on runs that nobody would think of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from basekeeper.recording.joined import repository_deadlines
from basekeeper.recording.observed import events_of
from basekeeper.values.event import EventKind
from tests.unit.recording.world import (
    APP_LAYER,
    BASE_LAYERS,
    CVE,
    OTHER_LAYERS,
    World,
    at,
    base_layers,
    candidate,
    looked,
    match,
    observation,
    package,
    published,
    scan,
    stand,
    terms,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from basekeeper.deadlines.model import Deadline
    from basekeeper.values.vulnerability import Scan

LAYERS = {"d1": BASE_LAYERS, "d2": BASE_LAYERS, "d3": ("sha256:n1",), "a1": OTHER_LAYERS}
IMAGES = {"d1": "debian:12-slim", "d2": "debian:12-slim", "d3": "debian:13-slim", "a1": "alpine:3"}


class Run(NamedTuple):
    """What one run sees: a base, what is in it, and what is published."""

    base: str
    has: bool
    image: str
    ships: bool
    layer: str | None
    built_on: str
    problem: str | None
    name: str
    hour: int


BASES = st.sampled_from(sorted(LAYERS))
RUNS = st.builds(
    Run,
    BASES,
    st.booleans(),
    st.sampled_from(["p1", "p2", "p3"]),
    st.booleans(),
    st.sampled_from([None, APP_LAYER, "below"]),
    BASES,
    st.sampled_from([None, None, None, "stale"]),
    st.sampled_from(["api", "api", "backend"]),
    st.integers(1, 90),
)
HISTORIES = st.lists(RUNS, min_size=1, max_size=7)
MAPPED = st.booleans()
NAMES = ("api", "backend")


def whole(problem: str | None, *found: Any, **more: Any) -> Scan:
    return scan(*found, problem=problem, packages=(package("musl"),), **more)


def seen(run: Run, *, mapped: bool) -> dict[str, Any]:
    """Write what a run sees as `World.see` takes it."""
    below = LAYERS[run.built_on]
    layer = below[0] if run.layer == "below" else run.layer
    holds = (match(of=package(layer=layer)),) if run.ships else ()
    shipped = whole(run.problem, *holds, diff_ids=(*below, APP_LAYER))
    image = published(
        run.image,
        shipped,
        product=run.name,
        bases=(base_layers(IMAGES[run.base], run.base, LAYERS[run.base]),),
    )
    content = whole(run.problem, *((match(),) if run.has else ()))
    return {
        "looked_at": (looked(IMAGES[run.base], run.base, content),),
        "stands": (stand(run.name, IMAGES[run.base], run.base, is_mapped=mapped),),
        "published": (image,) if mapped else (),
    }


def told(history: Sequence[Run], *, mapped: bool) -> tuple[World, list[float]]:
    world, hour, hours = World(), 0.0, []
    for run in history:
        hour += run.hour
        hours.append(hour)
        world.see(hour, **seen(run, mapped=mapped))
    return world, hours


def latest(world: World, hour: float, name: str, *, mapped: bool) -> list[Deadline]:
    names = NAMES if mapped else ()
    return [one for one in world.deadlines(hour, names) if one.is_latest and one.product == name]


@given(HISTORIES, MAPPED)
def test_the_same_seen_twice_tells_nothing_new(history: list[Run], mapped: bool) -> None:  # noqa: FBT001
    world, hours = told(history, mapped=mapped)
    again = observation(hours[-1], **seen(history[-1], mapped=mapped))
    assert events_of(again, world.facts) == ()


@given(HISTORIES, MAPPED)
def test_two_runs_at_once_tell_the_same(history: list[Run], mapped: bool) -> None:  # noqa: FBT001
    world, hours = told(history[:-1], mapped=mapped)
    now = (hours[-1] if hours else 0) + history[-1].hour
    both = [observation(hour, **seen(history[-1], mapped=mapped)) for hour in (now, now + 0.01)]
    known = world.facts
    first, second = (events_of(one, known) for one in both)
    assert [one.id for one in first if one.kind is not EventKind.SCANNED] == [
        one.id for one in second if one.kind is not EventKind.SCANNED
    ]


@given(HISTORIES, MAPPED)
def test_an_incomplete_scan_proves_nothing(history: list[Run], mapped: bool) -> None:  # noqa: FBT001
    blind = [run._replace(problem="stale") for run in history]
    world, _ = told(blind, mapped=mapped)
    proofs = {EventKind.VERIFIED, EventKind.GONE, EventKind.BASE_AVAILABLE, EventKind.MERGED}
    assert not proofs & {one.kind for one in world.events}


@given(HISTORIES, MAPPED)
def test_what_is_there_is_never_closed(history: list[Run], mapped: bool) -> None:  # noqa: FBT001
    """What is found in what is published, and in what the tree stands on, is open."""
    last = history[-1]._replace(has=True, ships=True)
    world, hours = told([*history[:-1], last], mapped=mapped)
    found = latest(world, hours[-1] + 1, last.name, mapped=mapped)
    assert any(not one.is_closed for one in found)


@given(HISTORIES, MAPPED)
def test_what_is_nowhere_any_more_is_closed(history: list[Run], mapped: bool) -> None:  # noqa: FBT001
    """What complete scans of everything find no more keeps nothing open."""
    last = history[-1]._replace(has=False, ships=False, problem=None)
    world, hours = told([*history[:-1], last], mapped=mapped)
    assert [
        one for one in latest(world, hours[-1] + 1, last.name, mapped=mapped) if not one.is_closed
    ] == []


@given(HISTORIES, MAPPED)
def test_what_is_open_is_not_due_later_than_its_first_detection_allows(
    history: list[Run],
    mapped: bool,  # noqa: FBT001
) -> None:
    """While it is there, no new digest, base, release or name moves what is due."""
    steady = [run._replace(has=True, ships=True, layer="below") for run in history]
    world, hours = told(steady, mapped=mapped)
    found = latest(world, hours[-1] + 1, steady[-1].name, mapped=mapped)
    assert {one.episode for one in found} == {1}
    assert min(one.due for one in found if one.due is not None) == at(hours[0] + 168)


@given(HISTORIES, MAPPED)
def test_what_was_known_on_some_day_is_told_as_it_was(history: list[Run], mapped: bool) -> None:  # noqa: FBT001
    world, hour, live = World(), 0.0, []
    for run in history:
        hour += run.hour
        world.see(hour, **seen(run, mapped=mapped))
        live.append((hour, world.deadlines(hour, NAMES)))
    for then, deadlines in live:
        events = [one.event for one in world.records if one.recorded <= at(then)]
        (again,) = repository_deadlines(events, terms(then, NAMES))
        assert again.deadlines == deadlines


@given(HISTORIES, HISTORIES)
def test_repositories_share_facts_whoever_comes_first(one: list[Run], two: list[Run]) -> None:
    """Of two repositories that look at the same instant, it is all the same who is first."""
    both = [("github.com/acme/a", one[0]), ("github.com/acme/b", two[0])]
    facts = []
    for order in (both, both[::-1]):
        world = World()
        for name, run in order:
            same = run._replace(has=True, problem=None)
            seen_ = seen(same, mapped=False)
            world.see(5, repository=name, **seen_)
        facts.append(
            {event.id for event in world.events if event.kind is not EventKind.BASE_AVAILABLE}
        )
    assert facts[0] == facts[1]


@settings(max_examples=30)
@given(HISTORIES, st.sampled_from(["trivy", "grype"]))
def test_another_scanner_closes_nothing_by_its_silence(history: list[Run], other: str) -> None:
    world = World()
    found, slim = scan(match(), scanner="trivy"), "debian:12-slim"
    world.see(
        0,
        looked_at=(looked("debian:12-slim", "d1", found),),
        stands=(stand("api", "debian:12-slim", "d1"),),
    )
    for hour, run in enumerate(history, 1):
        silent = scan(packages=(package(),), scanner=other)
        world.see(
            hour,
            looked_at=(candidate(slim, run.base, silent),),
            stands=(stand("api", slim, run.base),),
        )
    (deadline,) = [one for one in world.deadlines(99, ()) if one.finding.vulnerability == CVE]
    assert deadline.is_closed == (other == "trivy")
