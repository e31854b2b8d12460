"""One episode of one finding of one product: clocks, due time, state."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from basekeeper.deadlines.due import (
    Due,
    Given,
    Term,
    changes,
    chosen,
    due,
    severities,
    starts,
    statements,
)
from basekeeper.deadlines.history import releases
from basekeeper.deadlines.model import (
    DUE_SOON,
    ESCALATION,
    Clock,
    Deadline,
    MomentKind,
    Progress,
    State,
    Step,
)
from basekeeper.deadlines.pauses import first_uncovered, pauses
from basekeeper.policy.windows import Start, Urgency

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from basekeeper.deadlines.due import Change, Statement
    from basekeeper.deadlines.history import Episode, ReleaseSeen
    from basekeeper.deadlines.identity import FindingKey
    from basekeeper.deadlines.model import Moment, Pause, Terms

FIX_WITNESSES: Final = ("advisory", "grype", "changelog", "observed")
"""Who tells best since when there is a fix: the first of them that says anything counts."""

_STEPS: Final = {
    MomentKind.PULL_REQUEST_OPENED: Progress.PROPOSED,
    MomentKind.MERGED: Progress.MERGED,
    MomentKind.BRIDGED: Progress.MERGED,
    MomentKind.REBUILT: Progress.REBUILT,
    MomentKind.VERIFIED: Progress.VERIFIED,
}


class EpisodeCase:
    """What is known of one episode, worked out when it is asked for."""

    def __init__(
        self,
        finding: FindingKey,
        product: str | None,
        moments: Sequence[Moment],
        asked: tuple[Episode, Terms],
    ) -> None:
        """Keep what the episode is told from; moments after its end count for upstream alone."""
        self._finding, self._product = finding, product
        self._episode, self._terms = asked
        self._every = moments
        self._horizon = self._episode.end or self._terms.now
        self._moments = [one for one in moments if one.at <= self._horizon]
        self._by_kind: defaultdict[MomentKind, list[Moment]] = defaultdict(list)
        for one in self._moments:
            self._by_kind[one.kind].append(one)
        self._is_mapped = product is not None and product in self._terms.products
        self._pauses, self._pause_notes = pauses(self._moments, self._terms)

    def deadline(self, before: timedelta, *, is_latest: bool) -> Deadline:
        """Return the deadline.

        Args:
            before: Exposure in earlier episodes.
            is_latest: Whether no episode follows.
        """
        term, windows = self._term, self._terms.windows
        return Deadline(
            finding=self._finding,
            product=self._product,
            is_mapped=self._is_mapped,
            episode=self._episode.number,
            is_latest=is_latest,
            severity=chosen(dict(self._severities), self._terms.severity_source),
            severities=tuple(one for one in self._severities if one != ("", None)),
            urgency=self._urgency,
            exposure=self.exposure,
            total_exposure=before + self.exposure.elapsed,
            action=self._action,
            upstream=self._upstream,
            due=None if term is None else term.due,
            at_next_release=self._at_next_release,
            clause=windows.clause(self._urgency) if term is None else term.clause,
            state=self._state,
            progress=self._progress,
            steps=self._steps,
            breached_at=self._breached_at,
            overdue_by=self._overdue_by,
            pause=self._pause,
            propose_bridge=self._wants_bridge,
            notes=self._notes,
        )

    @cached_property
    def exposure(self) -> Clock:
        """From when it was public and in an image of ours; where that is not known, detected."""
        opened, start = self._episode.opened, self._episode.opened
        public, present = self._first(MomentKind.PUBLISHED), self._first(MomentKind.INTRODUCED)
        if self._episode.number == 1 and public is not None and present is not None:
            start = min(max(public, present), opened)
        return self._clock(start, self._episode.end)

    @cached_property
    def _timeline(self) -> tuple[Change, ...]:
        exploited = self._first(MomentKind.EXPLOITED)
        terms = self._terms
        return changes(self._statements, terms.windows, terms.severity_source, exploited)

    @cached_property
    def _statements(self) -> list[Statement]:
        said = self._of(MomentKind.SEVERITY_CHANGED)
        return statements([*said, *self._of(MomentKind.DETECTED)])

    @cached_property
    def _severities(self) -> tuple[tuple[str, Urgency | None], ...]:
        return severities(self._statements)

    @property
    def _urgency(self) -> Urgency:
        return self._timeline[-1].urgency

    @cached_property
    def _fix(self) -> datetime | None:
        """When the first fixed version was there, as the best witness says."""
        found: dict[str, datetime] = {}
        for moment in self._of(MomentKind.FIX_AVAILABLE):
            witness = moment.witness if moment.witness in FIX_WITNESSES else ""
            found[witness] = min(moment.at, found.get(witness, moment.at))
        return next((found[one] for one in (*FIX_WITNESSES, "") if one in found), None)

    @cached_property
    def _starts(self) -> dict[Urgency, datetime]:
        """When the clock of each urgency may start; without a fix none may."""
        if self._fix is None:
            return {}
        opened = self._episode.opened
        known = {
            Start.ACTIONABLE: max(opened, self._fix),
            Start.DETECTED: opened,
            # It was public before it could be found, so that this is the latest it can be.
            Start.PUBLISHED: self._first(MomentKind.PUBLISHED) or opened,
            Start.FIX_AVAILABLE: self._fix,
            Start.BASE_AVAILABLE: self._first(MomentKind.BASE_AVAILABLE),
        }
        floor = opened if self._episode.number > 1 else None
        return starts(self._terms.windows, known, floor=floor)

    @cached_property
    def _releases(self) -> tuple[ReleaseSeen, ...]:
        """Releases of this episode."""
        opened = self._episode.opened
        return tuple(one for one in releases(self._moments) if one.at >= opened)

    @cached_property
    def _due(self) -> Due:
        given = Given(
            windows=self._terms.windows,
            starts=self._starts,
            bad_releases=[one.at for one in self._releases if one.contains],
            horizon=self._horizon,
            breached=self._passed,
        )
        return due(self._timeline, given)

    @cached_property
    def _term(self) -> Term | None:
        """What is due; a breach that an earlier run recorded stays."""
        term = self._due.term
        recorded = self._first(MomentKind.BREACHED, since=self._episode.opened)
        if recorded is None or (term is not None and term.due <= recorded):
            return term
        clause = self._terms.windows.clause(self._urgency) if term is None else term.clause
        since = recorded if term is None else min(term.since, recorded)
        return Term(recorded, since, self._urgency, clause)

    def _passed(self, at: datetime, until: datetime) -> datetime | None:
        """Tell when a due time was first passed while no pause held and a fix was there."""
        begin = max(at, self._episode.opened, self._fix or at)
        return first_uncovered(self._pauses, begin, until)

    @cached_property
    def _breached_at(self) -> datetime | None:
        return None if self._term is None else self._passed(self._term.due, self._horizon)

    @cached_property
    def _pause(self) -> Pause | None:
        """What pauses it now; of several what holds longest."""
        if self._episode.end is not None:
            return None
        holding = [one for one in self._pauses if one.holds(self._horizon)]
        return max(holding, key=_lasting, default=None)

    @cached_property
    def _overdue_by(self) -> timedelta | None:
        if self._term is None or self._episode.end is not None or self._pause is not None:
            return None
        over = self._horizon - self._term.due
        return over if over > timedelta(0) else None

    @cached_property
    def _action(self) -> Clock:
        urgency = self._urgency if self._term is None else self._term.urgency
        clock = self._clock(self._starts.get(urgency), self._episode.end)
        is_running = clock.is_running and self._pause is None
        return Clock(clock.start, self._episode.end, clock.elapsed, is_running)

    @cached_property
    def _upstream(self) -> Clock:
        """From the fix to a base that holds it, however the finding itself ended."""
        base = min(
            (one.at for one in self._every if one.kind is MomentKind.BASE_AVAILABLE), default=None
        )
        if self._fix is None:
            return self._clock(None, None)
        end = None if base is None else max(base, self._fix)
        return self._clock(self._fix, end)

    def _clock(self, start: datetime | None, end: datetime | None) -> Clock:
        if start is None:
            return Clock(None, None, timedelta(0), is_running=False)
        elapsed = max((end or self._terms.now) - start, timedelta(0))
        return Clock(start, end, elapsed, is_running=end is None)

    @cached_property
    def _at_next_release(self) -> bool:
        """Whether it is carried: a LOW that no release since then still holds."""
        carried = self._due.carried
        return (
            carried is not None
            and self._episode.end is None
            and not any(one.contains and one.at > carried for one in self._releases)
        )

    @cached_property
    def _unseen_release(self) -> bool:
        """Whether a release since the start was not looked at, so that a breach cannot be told."""
        carried = self._due.carried
        return (
            self._at_next_release
            and carried is not None
            and any(one.at > carried and one.contains is None for one in self._releases)
        )

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        if self._term is None:
            return ()
        window = self._term.due - self._term.since
        percents = ESCALATION if window else (100,)
        found = ((one, self._term.since + window * one / 100) for one in percents)
        is_paused = self._pause is not None
        return tuple(
            Step(percent, at, is_reached=at <= self._horizon and not is_paused)
            for percent, at in found
        )

    @cached_property
    def _progress(self) -> Progress:
        """How far the fix has come; an image built with it that still has the finding undoes it."""
        if self._episode.end is not None and self._is_mapped:
            return Progress.RELEASED
        undone = self._undone_at()
        closed = {one.key for one in self._of(MomentKind.PULL_REQUEST_CLOSED)}
        told = [
            one
            for one in self._moments
            if one.kind in _STEPS
            and one.at >= self._episode.opened
            and (undone is None or one.at > undone)
            and not (one.kind is MomentKind.PULL_REQUEST_OPENED and one.key in closed)
            and not (one.kind is MomentKind.VERIFIED and one.digest in self._older_images)
        ]
        reached = {_STEPS[one.kind] for one in told}
        if not reached & {Progress.MERGED, Progress.VERIFIED}:
            reached.discard(Progress.REBUILT)  # a rebuild alone takes no fix
        return max(reached, default=Progress.NOTHING)

    @cached_property
    def _older_images(self) -> set[str | None]:
        """Images that were published before it was found: without it, but none took a fix."""
        opened = self._episode.opened
        return {one.digest for one in self._of(MomentKind.RELEASED) if one.at < opened}

    def _undone_at(self) -> datetime | None:
        """Return when the last image of this episode was built in which it was found again."""
        built = {
            one.digest: one.at
            for kind in (MomentKind.RELEASED, MomentKind.REBUILT)
            for one in sorted(self._of(kind), key=lambda one: one.at, reverse=True)
            if one.digest is not None and one.at > self._episode.opened
        }
        detected = {one.digest: one.at for one in self._of(MomentKind.DETECTED)}
        return max((at for digest, at in built.items() if digest in detected), default=None)

    @cached_property
    def _is_bridged(self) -> bool:
        return self._first(MomentKind.BRIDGED, since=self._episode.opened) is not None

    @cached_property
    def _wants_bridge(self) -> bool:
        window = self._terms.windows.windows.get(self._urgency)
        return (
            window is not None
            and self._episode.end is None
            and self._pause is None
            and not self._is_bridged
            and self._upstream.is_running
            and self._upstream.elapsed > window / 2
        )

    @cached_property
    def _state(self) -> State:
        if self._episode.end is not None:
            if not self._is_mapped:
                return State.FIXED_UNRELEASED
            return State.CLOSED_IN_TIME if self._breached_at is None else State.CLOSED_LATE
        if self._pause is not None:
            return State.EXCEPTED
        if self._overdue_by is not None:
            return State.BREACHED
        if self._term is None and not self._at_next_release:
            return self._waiting
        if self._unseen_release and self._urgency is Urgency.LOW:
            return State.UNKNOWN
        return self._running

    @property
    def _waiting(self) -> State:
        """The state while no clock runs; an old look may have missed what it waits for."""
        if self._stale is not None:
            return State.UNKNOWN
        return State.WAITING_FOR_FIX if self._fix is None else State.WAITING_FOR_BASE

    @property
    def _running(self) -> State:
        """The state while time is left."""
        if self._is_bridged:
            return State.BRIDGED
        if self._progress >= Progress.MERGED:
            return State.FIXED_UNRELEASED
        if any(step.percent == DUE_SOON and step.is_reached for step in self._steps):
            return State.DUE_SOON
        if self._first(MomentKind.BASE_AVAILABLE) is None:
            return State.WAITING_FOR_BASE
        return State.OPEN

    @property
    def _stale(self) -> str | None:
        return (self._terms.stale or {}).get(self._product)

    @property
    def _notes(self) -> tuple[str, ...]:
        notes = set(self._pause_notes)
        if not self._is_mapped:
            notes.add("no [[product]] says what is published, so that a release cannot be proven")
        if self._stale is not None:
            notes.add(f"not looked at lately: {self._stale}")
        if self._unseen_release:
            notes.add("a release was not scanned, so that it may still hold the finding")
        if self._at_next_release:
            notes.add("carried until the next release")
        if self._first(MomentKind.GONE, since=self._episode.opened) is not None:
            notes.add("not found any more, though nobody fixed it")
        if self._episode.number > 1:
            notes.add("came back after it had been fixed")
        if self._first(MomentKind.PUBLISHED) is None or self._first(MomentKind.INTRODUCED) is None:
            notes.add("exposure may have begun before the detection from which it is counted")
        return tuple(sorted(notes))

    def _of(self, kind: MomentKind) -> list[Moment]:
        return self._by_kind.get(kind, [])

    def _first(self, kind: MomentKind, *, since: datetime | None = None) -> datetime | None:
        """Return the first instant of a kind."""
        found = (one.at for one in self._of(kind) if since is None or one.at >= since)
        return min(found, default=None)


def _lasting(pause: Pause) -> tuple[bool, float, str]:
    """Order pauses by their ends; those without one come last."""
    end = 0.0 if pause.end is None else pause.end.timestamp()
    return (pause.end is None, end, pause.name)
