"""What is to be told of deadlines: each step of each episode once on each channel.

Who tells it is decided by the ledger. A run that finds something new writes an event of kind
`announced` for each step, whose key names channel, finding, episode and step, and whose evidence
names the notice that tells it; the notice itself, one for all steps of a kind of a product, is
queued in the same transaction. The ledger takes an event of the same key once. So of two runs that
find the same step, one has its notice named there for ever, and a sender tells with a notice only
the steps that name it: however runs group steps, and wherever they are killed, none is told twice,
and none is left out, as no step is marked without its notice being queued.

Steps are rungs of a ladder: who was told of a higher one is not told of a lower one later. That
holds in the order of recording, so that two runs at once do not break it either.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.deadlines.evaluate import order
from basekeeper.deadlines.model import State
from basekeeper.deadlines.pauses import waiver_warning
from basekeeper.policy.windows import Urgency
from basekeeper.records import dataclass
from basekeeper.values.event import Event, EventKind, Notice, netstring_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from basekeeper.deadlines.model import Deadline, Pause
    from basekeeper.values.notifying import Audience

SOURCE: Final = "basekeeper"

MAX_TEXT_CHARS: Final = 500
"""Longest text that a message takes over from outside; the rest is cut."""

BODY_SCHEMA: Final = 1
"""Version of what the body of a notice holds."""

_CAUSES: Final = ("not looked at lately", "a release was not scanned")
"""How notes begin that say why it is not known where a finding stands."""

_FOUND: Final = 0
"""The lowest rung: the finding itself, before any percent of its window."""


class Header(NamedTuple):
    """What the body of a notice says; what it tells stands in the events that name it."""

    topic: str
    product: str | None
    at: datetime

    def __str__(self) -> str:
        """Write it as JSON."""
        said = {
            "schema": BODY_SCHEMA,
            "topic": self.topic,
            "product": self.product,
            "at": self.at.isoformat(),
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":"))


def read_header(body: str) -> Header:
    """Read the body of a notice.

    Raises:
        ValueError: It is none that this program wrote.
    """
    try:
        said = json.loads(body)
        if said["schema"] != BODY_SCHEMA:
            raise ValueError("is of another version")
        at = datetime.fromisoformat(said["at"]).astimezone(UTC)
        return Header(str(said["topic"]), said["product"], at)
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("cannot be read") from error


class Heard:
    """What a channel was told, in the order of recording."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.began: datetime | None = None
        """When it was first asked what to tell it; None: never."""
        self._rungs: dict[str, dict[str, int]] = {}
        self._ends: set[str] = set()
        self._warned: dict[str, int] = {}
        self._unknown: dict[str, int] = {}

    def knows(self, about: str) -> bool:
        """Tell whether it was told anything of an episode."""
        return about in self._rungs or about in self._ends

    def is_news(self, about: str, urgency: str, percent: int) -> bool:
        """Tell whether a rung is higher than all before; of none after the end."""
        if about in self._ends:
            return False
        rungs = self._rungs.get(about, {})
        if percent == _FOUND:
            return all(_rank(urgency) > _rank(one) for one in rungs)
        return rungs.get(urgency, _FOUND - 1) < percent

    def is_new_end(self, about: str) -> bool:
        """Tell whether it was not told yet that an episode ended."""
        return about not in self._ends

    def is_new_warning(self, waiver: str, days: int) -> bool:
        """Tell whether it was not warned of the end of a waiver so short before it."""
        return days < self._warned.get(waiver, days + 1)

    def times_unknown(self, product: str) -> int:
        """Count how often a product became unknown, and known again; odd: it is unknown."""
        return self._unknown.get(product, 0)

    def hear(self, event: Event, parts: Sequence[str]) -> bool:
        """Take an event into account; tell whether it is news. Of another form: it is none."""
        match parts:
            case ["began"]:
                self.began = event.at if self.began is None else min(self.began, event.at)
                return False
            case ["step", about, urgency, percent] if _is_rung(urgency, percent):
                is_news = self.is_news(about, urgency, int(percent))
                rungs = self._rungs.setdefault(about, {})
                rungs[urgency] = max(int(percent), rungs.get(urgency, _FOUND))
                return is_news
            case ["closed", about]:
                is_news = self.is_new_end(about)
                self._ends.add(about)
                return is_news
            case ["waiver", waiver, days] if days.isdecimal():
                is_news = self.is_new_warning(waiver, int(days))
                self._warned[waiver] = min(int(days), self._warned.get(waiver, int(days)))
                return is_news
            case ["unknown", product, count] if count.isdecimal():
                is_news = int(count) > self.times_unknown(product)
                self._unknown[product] = max(int(count), self.times_unknown(product))
                return is_news and int(count) % 2 == 1
        return False


class Announced(NamedTuple):
    """What the events of kind `announced` say."""

    heard: Mapping[str, Heard]
    """By channel."""
    told: Mapping[str, tuple[Mapping[str, str], ...]]
    """Notice → what it is to tell, the worst first; no entry: all of it was told by others."""


def read_announced(events: Iterable[Event]) -> Announced:
    """Read what was told of one repository.

    Args:
        events: In the order of recording; other kinds are passed over.
    """
    heard: defaultdict[str, Heard] = defaultdict(Heard)
    told: defaultdict[str, list[Mapping[str, str]]] = defaultdict(list)
    for event in events:
        if event.kind is not EventKind.ANNOUNCED:
            continue
        channel, *parts = event.key.split("/")
        if heard[channel].hear(event, parts) and event.evidence.get("notice"):
            told[event.evidence["notice"]].append(event.evidence)
    return Announced(dict(heard), {name: tuple(items) for name, items in told.items()})


@dataclass(frozen=True, slots=True)
class Plan:
    """What to append to the ledger, at once."""

    events: tuple[Event, ...] = ()
    notices: tuple[Notice, ...] = ()


class _News(NamedTuple):
    """One thing to tell."""

    topic: str
    product: str | None
    key: str
    """Which it is, without the channel."""
    said: Mapping[str, str]


def plan_notices(
    deadlines: Sequence[Deadline],
    heard: Heard | None,
    audience: Audience,
    *,
    repository: str,
    now: datetime,
) -> Plan:
    """Return what a channel is to be told now, and was not told yet.

    A channel that is asked for the first time is told what is open, and nothing of the past.

    Args:
        deadlines: Of one repository, reckoned at `now`; of each finding every episode.
        heard: What the channel was told of that repository; None: nothing ever.
        audience: Whose name the channel has, and what it wants to hear.
        repository: What the events are about; without `#`.
        now: The instant of the run.
    """
    known = Heard() if heard is None else heard
    wanted = [one for one in order(deadlines, {}) if audience.wants(one.product)]
    began = now if known.began is None else known.began
    news = [*_of_findings(wanted, known, audience, began)]
    if "waiver" in audience.topics:
        news += _of_waivers(wanted, known, now)
    if "unknown" in audience.topics:
        news += _of_the_unknown(wanted, known)
    events, notices = [], []
    if known.began is None:
        events.append(_event(repository, audience.name, "began", {}, now))
    for (topic, product), group in _grouped(news).items():
        keys = sorted(one.key for one in group)
        is_silent = topic == _SILENT
        parts = ["notice", repository, audience.name, topic, product or "", *keys]
        name = "" if is_silent else netstring_hash(parts).hex()
        for one in group:
            said = {**one.said, "notice": name, "topic": topic}
            events.append(_event(repository, audience.name, one.key, said, now))
        if not is_silent:
            body = str(Header(topic, product, now))
            notices.append(Notice(id=name, subject=repository, channel=audience.name, body=body))
    return Plan(tuple(events), tuple(notices))


_SILENT: Final = "known"
"""Topic of what is written down and told to nobody."""


def _of_findings(
    deadlines: Iterable[Deadline], heard: Heard, audience: Audience, began: datetime
) -> Iterator[_News]:
    for one in deadlines:
        about = _about(one)
        if one.is_closed:
            if "closed" in audience.topics and _is_end(one, heard, audience, began):
                yield _News("closed", one.product, f"closed/{about}", _said(one))
            continue
        rung = _rung(one, heard, audience)
        if rung is not None:
            topic = f"{rung}%" if rung else ("raised" if heard.knows(about) else "found")
            key = f"step/{about}/{_window(one)}/{rung}"
            yield _News(topic, one.product, key, {**_said(one), "percent": str(rung)})


def _rung(deadline: Deadline, heard: Heard, audience: Audience) -> int | None:
    """Return the highest rung that was reached, where it is to be told; None: nothing is."""
    has_window = deadline.due is not None or deadline.at_next_release
    if not has_window or deadline.pause is not None or deadline.urgency < _rank(audience.least):
        return None
    reached = (one.percent for one in deadline.steps if one.is_reached)
    wanted = (percent for percent in reached if f"{percent}%" in audience.topics)
    rung = max(wanted, default=_FOUND)
    if rung == _FOUND and "found" not in audience.topics:
        return None
    return rung if heard.is_news(_about(deadline), _window(deadline), rung) else None


def _is_end(deadline: Deadline, heard: Heard, audience: Audience, began: datetime) -> bool:
    """Tell whether an end is to be told: of what was told of, or had a due time, since it began."""
    about, end = _about(deadline), deadline.action.end
    if not heard.is_new_end(about) or end is None:
        return False
    is_missed = deadline.due is not None and end >= began
    return heard.knows(about) or (is_missed and deadline.urgency >= _rank(audience.least))


def _of_waivers(deadlines: Iterable[Deadline], heard: Heard, now: datetime) -> Iterator[_News]:
    """Yield what ends soon: a waiver once, whatever it covers."""
    covered: defaultdict[str, list[Deadline]] = defaultdict(list)
    for one in deadlines:
        if not one.is_closed and one.pause is not None and waiver_warning(one.pause, now):
            covered[_of_pause(one.pause)].append(one)
    for name, same in sorted(covered.items(), key=lambda one: (_ends(one[1][0].pause), one[0])):
        pause = same[0].pause
        days = None if pause is None else waiver_warning(pause, now)
        if pause is None or days is None or not heard.is_new_warning(name, days):
            continue
        said = {
            "waiver": _cut(pause.name),
            "owner": _cut(pause.owner),
            "ends": _ends(pause),
            "days": str(days),
            "findings": str(len(same)),
            "products": _cut(", ".join(sorted({one.product or "" for one in same} - {""}))),
        }
        yield _News("waiver", None, f"waiver/{name}/{days}", said)


def _of_the_unknown(deadlines: Iterable[Deadline], heard: Heard) -> Iterator[_News]:
    """Yield of which products it became unknown where they stand, and of which it no longer is."""
    of_product: dict[str | None, list[Deadline]] = {}
    for one in deadlines:
        if not one.is_closed:
            found = of_product.setdefault(one.product, [])
            found += [one] if one.state is State.UNKNOWN else []
    for product, unknown in of_product.items():
        name = netstring_hash([product or ""]).hex()
        times = heard.times_unknown(name)
        if bool(unknown) == (times % 2 == 1):
            continue
        said = {"findings": str(len(unknown))}
        if product is not None:
            said["product"] = _cut(product)
        if unknown:
            said["reason"] = _cut(_why(unknown[0]))
        topic = "unknown" if unknown else _SILENT
        yield _News(topic, product, f"unknown/{name}/{times + 1}", said)


def _why(unknown: Deadline) -> str:
    """Return the notes that say why it is not known, else all."""
    causes = [one for one in unknown.notes if one.startswith(_CAUSES)]
    return "; ".join(causes or unknown.notes)


def _grouped(news: Iterable[_News]) -> dict[tuple[str, str | None], list[_News]]:
    found: dict[tuple[str, str | None], list[_News]] = {}
    for one in news:
        found.setdefault((one.topic, one.product), []).append(one)
    return found


def _event(
    repository: str, channel: str, key: str, said: Mapping[str, str], now: datetime
) -> Event:
    return Event(
        kind=EventKind.ANNOUNCED,
        subject=repository,
        key=f"{channel}/{key}",
        at=now,
        source=SOURCE,
        evidence={**{name: text for name, text in said.items() if text}, "channel": channel},
    )


def _said(deadline: Deadline) -> dict[str, str]:
    """Return what a message says of a finding."""
    finding, severity = deadline.finding, deadline.severity
    texts = {
        "vulnerability": finding.vulnerability,
        "package": finding.package,
        "lineage": finding.lineage,
        "platform": finding.platform,
        "product": deadline.product or "",
        "clause": str(deadline.clause),
    }
    return {name: _cut(text) for name, text in texts.items()} | {
        "episode": str(deadline.episode),
        "severity": "unknown" if severity is None else severity.word,
        "urgency": deadline.urgency.word,
        "due": "" if deadline.due is None else deadline.due.astimezone(UTC).isoformat(),
        "state": deadline.state.value,
        "progress": deadline.progress.word,
    }


def _about(deadline: Deadline) -> str:
    """Name an episode of a finding of a product."""
    place = (*deadline.finding.parts, deadline.product or "", str(deadline.episode))
    return netstring_hash(place).hex()


def _window(deadline: Deadline) -> str:
    """Name the window that runs; a more urgent one has steps of its own."""
    return deadline.clause.name.rpartition(".")[2]


def _of_pause(pause: Pause) -> str:
    return netstring_hash([pause.name, _ends(pause)]).hex()


def _ends(pause: Pause | None) -> str:
    if pause is None or pause.end is None:
        return ""
    return pause.end.astimezone(UTC).isoformat()


def _is_rung(urgency: str, percent: str) -> bool:
    return urgency.upper() in Urgency.__members__ and percent.isdecimal()


def _rank(urgency: str) -> Urgency:
    return Urgency[urgency.upper()]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT_CHARS else text[: MAX_TEXT_CHARS - 1] + "…"
