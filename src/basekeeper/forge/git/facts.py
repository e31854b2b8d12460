"""What was recorded of change requests, and what they are by it. Pure."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.records import dataclass
from basekeeper.values.forge import ChangeState, is_branch, is_oid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.values.forge import ChangeProposal

MAX_TITLE: Final = 250
"""Characters of a title."""

MAX_BODY: Final = 30_000
"""Characters of a body or comment; with `MAX_TEXT_BYTES` what one event of the ledger holds."""

MAX_TEXT_BYTES: Final = 50_000
"""Bytes of a body or comment as JSON writes it, where some characters take twelve."""

MAX_LABELS: Final = 100

_CUT: Final = "\n\n(the rest was left out, as it is longer than a record takes)"


class Act(StrEnum):
    """What happened to a change request. The words are kept: they never change."""

    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"
    MERGED = "merged"
    COMMENTED = "commented"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that happened to a change request."""

    number: int
    act: Act
    key: str
    """What is recorded once for a number: two at the same time do not both get it."""
    at: datetime
    by: str
    """Who did it; empty: not known."""
    said: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A change request by what was recorded."""

    number: int
    author: str
    branch: str
    base: str
    head: str
    """As it was recorded last."""
    title: str
    body: str
    key: str
    digest: str
    """Of what we wrote last; what a person wrote since leaves it as it is."""
    labels: tuple[str, ...]
    is_draft: bool
    state: ChangeState = ChangeState.OPEN
    revision: int = 1
    merged_at: datetime | None = None
    commit: str | None = None
    closed_by: str | None = None
    comments: frozenset[str] = frozenset()

    def said(self) -> dict[str, str]:
        """Return what a record says of it."""
        return {
            "branch": self.branch, "base": self.base, "head": self.head, "title": self.title,
            "body": self.body, "key": self.key, "digest": self.digest,
            "labels": json.dumps(self.labels), "draft": "yes" if self.is_draft else "no",
        }  # fmt: skip


class Landed(NamedTuple):
    """A head that is in its base."""

    commit: str
    """By which it got there."""
    at: datetime


def proposed(number: int, author: str, head: str, proposal: ChangeProposal) -> Kept:
    """Return what a new change request is."""
    return Kept(
        number=number,
        author=author,
        branch=proposal.branch,
        base=proposal.base,
        head=head,
        title=proposal.title[:MAX_TITLE],
        body=fitting(proposal.body),
        key=proposal.key,
        digest=proposal.digest,
        labels=tuple(proposal.labels[:MAX_LABELS]),
        is_draft=proposal.is_draft,
    )


def fitting(text: str) -> str:
    """Cut a text that is longer than a record takes."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if len(clean) <= MAX_BODY and len(json.dumps(clean)) <= MAX_TEXT_BYTES:
        return clean
    clean = clean[: MAX_BODY - len(_CUT)]
    while len(json.dumps(clean)) > MAX_TEXT_BYTES - len(json.dumps(_CUT)):
        clean = clean[: len(clean) * 9 // 10]
    return clean + _CUT


def comment_key(key: str) -> str:
    """Return the key of the record of a comment."""
    return f"comment {hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def changes_of(facts: Iterable[Fact]) -> dict[int, Kept]:
    """Return the change requests by number, the oldest first.

    Args:
        facts: In the order of recording. Of those with the same number and key the first counts,
            and a merge, which can be seen in the base, before a closing.

    Raises:
        ValueError: What is recorded cannot be: somebody changed it.
    """
    found: dict[int, dict[str, Any]] = {}
    seen: set[tuple[int, str]] = set()
    for fact in facts:
        if (fact.number, fact.key) in seen:
            continue
        seen.add((fact.number, fact.key))
        if fact.act is Act.OPENED:
            found[fact.number] = {"number": fact.number, "author": fact.by, **_read(fact.said)}
        elif fact.number not in found:
            raise ValueError(f"change request {fact.number} was never opened")
        else:
            _apply(found[fact.number], fact)
    return {number: Kept(**found[number]) for number in sorted(found)}


def _apply(one: dict[str, Any], fact: Fact) -> None:
    said = fact.said
    if fact.act is Act.UPDATED:
        one |= _read(said) | {"revision": one.get("revision", 1) + 1}
    elif fact.act is Act.COMMENTED:
        one["comments"] = one.get("comments", frozenset()) | {fact.key}
    elif fact.act is Act.MERGED:
        commit = _oid(said, "commit")
        one |= {"state": ChangeState.MERGED, "merged_at": fact.at, "commit": commit,
                "head": _oid(said, "head"), "closed_by": None}  # fmt: skip
    elif one.get("state") is not ChangeState.MERGED:
        one |= {"state": ChangeState.CLOSED, "head": _oid(said, "head"),
                "closed_by": fact.by or None}  # fmt: skip


def _read(said: Mapping[str, str]) -> dict[str, Any]:
    """Read what a record says of a change request."""
    try:
        labels = json.loads(said["labels"])
        found = {name: said[name] for name in ("branch", "base", "title", "body", "key", "digest")}
        is_draft = said["draft"] == "yes"
    except (KeyError, RecursionError) as error:
        raise ValueError(f"a record lacks {error}") from None
    if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
        raise ValueError("the labels of a record are none")
    if not is_branch(found["branch"]) or not is_branch(found["base"]):
        raise ValueError("a record names no branch")
    return {**found, "head": _oid(said, "head"), "labels": tuple(labels), "is_draft": is_draft}


def _oid(said: Mapping[str, str], name: str) -> str:
    text = said.get(name, "")
    if not is_oid(text):
        raise ValueError(f"a record names no commit as its {name}")
    return text


def line_of(fact: Fact) -> str:
    """Write a fact as one line of JSON."""
    document = {
        "number": fact.number, "act": fact.act.value, "key": fact.key,
        "at": fact.at.astimezone(UTC).isoformat(), "by": fact.by, "said": dict(fact.said),
    }  # fmt: skip
    return json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n"


def fact_of(line: str) -> Fact:
    """Read a fact.

    Raises:
        ValueError: It is none.
    """
    try:
        document = json.loads(line)
    except RecursionError:
        raise ValueError("a record is nested too deeply") from None
    match document:
        case {
            "number": int(number), "act": str(act), "key": str(key), "at": str(at), "by": str(by),
            "said": dict(said),
        } if number > 0 and all(isinstance(one, str) for one in said.values()):  # fmt: skip
            moment = datetime.fromisoformat(at)
            if moment.tzinfo is None:
                raise ValueError("a record has an instant without a zone")
            return Fact(number=number, act=Act(act), key=key, at=moment, by=by, said=said)
    raise ValueError("a record has not the form of one")
