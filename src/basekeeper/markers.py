"""Hidden marks in pull requests, job summaries and reports, from which a lost ledger is rebuilt.

A mark is a comment of HTML and Markdown. It holds the head of a repository's chain, and the facts
that started the clocks which run. Whoever may edit such a text can write a mark, so that only what
starts a clock is believed: nothing that is read here ends a deadline, or pauses one.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from basekeeper.ledger.rows import is_recordable
from basekeeper.records import dataclass
from basekeeper.values.event import Event, EventKind, Head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STARTING: Final = frozenset(
    {
        EventKind.FIRST_SEEN,
        EventKind.INTRODUCED,
        EventKind.BASED_ON,
        EventKind.PUBLISHED,
        EventKind.DATABASE_KNOWN,
        EventKind.DETECTED,
        EventKind.FIX_AVAILABLE,
        EventKind.BASE_AVAILABLE,
        EventKind.EXPLOITED,
        EventKind.SEVERITY_CHANGED,
        EventKind.BREACHED,
    }
)
"""What a mark may tell: scans, releases and waivers are observed or mirrored again."""

SOURCE: Final = "mark"
"""Who says what was recovered."""

MAX_CHARS: Final = 30_000
"""Longest mark: half of what GitHub takes as the text of a pull request (65,536)."""

MAX_MARKS: Final = 10_000
"""Most marks that are read of one text."""

MAX_PLAIN_BYTES: Final = 4 * 1024 * 1024
"""Most that a mark may unpack to."""

MAX_EVIDENCE_CHARS: Final = 8_192
"""Most that the evidence of one fact may say."""

_MARK: Final = re.compile(
    r"<!-- basekeeper:(\d{1,3}):([A-Za-z0-9+/]{1,200000}={0,2}) -->", re.ASCII
)
_HEAD: Final = re.compile(r"(?s)(.+)@([1-9][0-9]{0,17}):([0-9a-f]{64})")
_VERSION: Final = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a mark tells."""

    repository: str
    """Its chain in the ledger."""
    head: Head | None
    """The end of that chain when the mark was written."""
    facts: tuple[Event, ...]
    """Events of the kinds in `STARTING`, those that matter most first."""
    left_out: int = 0
    """How many facts found no room."""


@dataclass(frozen=True, slots=True)
class Marks:
    """All marks of one text."""

    marks: tuple[Mark, ...]
    problems: tuple[str, ...]
    """Why others could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What became of the marks of some texts."""

    marks: int
    """How many were read."""
    facts: int
    """How many distinct facts they tell."""
    added: tuple[Event, ...]
    """Those that the ledger lacked, in the order of time."""
    left_out: int
    """How many facts had found no room in a mark, at least."""
    contradictions: tuple[Event, ...]
    """Where a mark is earlier than what is recorded."""
    lost: tuple[Head, ...]
    """Heads of marks beyond which the ledger has nothing: events were lost."""
    problems: tuple[str, ...]
    """Marks that could not be read."""
    is_dry: bool
    """Whether nothing was recorded."""

    @property
    def is_sound(self) -> bool:
        """Tell whether a person need not look."""
        return not self.contradictions and not self.lost


def write_mark(mark: Mark, *, max_chars: int = MAX_CHARS) -> str:
    """Write a mark; facts that find no room are left out from the end, and counted."""
    facts = tuple(fact for fact in mark.facts if _is_starting(fact))
    low, high = 0, len(facts)
    best = _written(mark, ())
    while low <= high:  # compressed length is not proportional to the number of facts
        middle = (low + high) // 2
        text = _written(mark, facts[:middle], len(facts) - middle)
        if len(text) <= max_chars:
            best, low = text, middle + 1
        else:
            high = middle - 1
    return best


def read_marks(text: str) -> Marks:
    """Read every mark of a text: a pull request, a summary, a report."""
    marks: list[Mark] = []
    problems: list[str] = []
    for number, match in enumerate(_MARK.finditer(text), 1):
        if number > MAX_MARKS:
            problems.append(f"there are more than {MAX_MARKS} marks")
            break
        try:
            marks.append(_read(match[1], match[2]))
        except ValueError as error:
            problems.append(f"mark {number} {error}")
    return Marks(tuple(marks), tuple(problems))


def recovered(marks: Iterable[Mark], now: datetime) -> tuple[Event, ...]:
    """Return the facts of marks as events, provisional: of equal ones the earliest, once each.

    Args:
        marks: In any order.
        now: Later facts are nobody's.
    """
    found: dict[str, Event] = {}
    for mark in marks:
        for fact in mark.facts:
            known = found.get(fact.id)
            if fact.at <= now and (known is None or fact.at < known.at):
                found[fact.id] = fact
    told = sorted(found.values(), key=lambda one: (one.at, one.subject, one.kind, one.key))
    return tuple(
        replace(one, source=SOURCE, evidence={**one.evidence, "provisional": "yes"}) for one in told
    )


def contradictions(
    facts: Iterable[Event], known: Iterable[Event], now: datetime
) -> tuple[Event, ...]:
    """Say which facts of marks are earlier than what the ledger has of the same: an event for each.

    The earliest proven instant counts, and a mark proves nothing, so that a person must look.
    """
    told = {event.id: event for event in known}
    return tuple(
        Event(
            kind=EventKind.CONTRADICTED,
            subject=fact.subject,
            key=f"{fact.kind}:{fact.key}"[:900],
            at=now,
            source=SOURCE,
            evidence={"recorded": told[fact.id].at.isoformat(), "marked": fact.at.isoformat()},
        )
        for fact in facts
        if fact.id in told and fact.at < told[fact.id].at
    )


def _written(mark: Mark, facts: tuple[Event, ...], left_out: int = 0) -> str:
    said = {
        "repository": mark.repository,
        "head": None if mark.head is None else str(mark.head),
        "left_out": mark.left_out + left_out,
        "facts": [_row(fact) for fact in facts],
    }
    plain = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    packed = base64.b64encode(zlib.compress(plain, 9)).decode("ascii")
    return f"<!-- basekeeper:{_VERSION}:{packed} -->"


def _row(fact: Event) -> list[object]:
    evidence = dict(sorted(fact.evidence.items()))
    at = fact.at.astimezone(UTC).isoformat()
    return [fact.kind.value, fact.subject, fact.key, at, fact.source, evidence]


def _read(version: str, packed: str) -> Mark:
    """Read one mark; raises ValueError with the rest of a sentence."""
    if version != _VERSION:
        raise ValueError(f"is of version {version}, which is not known here")
    said = _unpacked(packed)
    match said:
        case {"repository": str(name), "facts": list(facts), "left_out": int(left), **rest} if name:
            head = _head(rest.get("head"))
        case _:
            raise ValueError("does not say what a mark says")
    return Mark(repository=name, head=head, facts=tuple(_facts(facts)), left_out=max(left, 0))


def _unpacked(packed: str) -> Any:
    try:
        stream = zlib.decompressobj()
        plain = stream.decompress(base64.b64decode(packed, validate=True), MAX_PLAIN_BYTES)
        if stream.unconsumed_tail or not stream.eof:
            raise ValueError("is cut off, or unpacks to too much")
        return json.loads(plain)
    except (binascii.Error, zlib.error, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("is damaged") from error
    except json.JSONDecodeError as error:
        raise ValueError("is damaged") from error


def _head(text: object) -> Head | None:
    if text is None:
        return None
    match = _HEAD.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("names no head of a chain")
    return Head(match[1], int(match[2]), match[3])


def _facts(listed: list[object]) -> Iterator[Event]:
    for one in listed:
        match one:
            case [str(kind), str(subject), str(key), str(at), str(source), dict(evidence)]:
                yield _fact(kind, (subject, key, source), at, evidence)
            case _:
                raise ValueError("holds something that is no fact")


def _fact(kind: str, texts: tuple[str, str, str], at: str, evidence: dict[str, object]) -> Event:
    subject, key, source = texts
    try:
        known, instant = EventKind(kind), datetime.fromisoformat(at)
    except ValueError as error:
        raise ValueError(f"holds a fact of no known kind or instant: {kind!r:.40}") from error
    if known not in STARTING:
        raise ValueError(f"holds a {known.value!r}, which no mark may tell")
    if instant.tzinfo is None or subject.startswith("#") or not all(map(is_recordable, texts)):
        raise ValueError("holds a fact that no ledger can keep")
    if not all(isinstance(text, str) for text in evidence.values()):
        raise ValueError("holds evidence that is no text")
    said = {name: str(text) for name, text in evidence.items()}
    if sum(map(len, said.values())) > MAX_EVIDENCE_CHARS:
        raise ValueError("holds too much evidence")
    fact = Event(
        kind=known,
        subject=subject,
        key=key,
        at=instant.astimezone(UTC),
        source=source,
        evidence=said,
    )
    if not _is_starting(fact):
        raise ValueError("says that something stands on no image, which would end its deadlines")
    return fact


def _is_starting(fact: Event) -> bool:
    """Tell whether a fact starts a clock; to stand on no image any more ends some."""
    is_end = fact.kind is EventKind.BASED_ON and not fact.evidence.get("digest")
    return fact.kind in STARTING and not is_end
