"""Where it is recorded what became of change requests: in the ledger, or beside the branches.

Both let one of two at the same time be first: the other is told, and looks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from basekeeper.errors import ForgeError, ForgeFailure, LedgerError
from basekeeper.forge.git.commits import read_tree, write_commit, write_tree
from basekeeper.forge.git.facts import Act, Fact, fact_of, line_of
from basekeeper.forge.git.failures import refused
from basekeeper.forge.git.mirror import PushRefused
from basekeeper.values.event import CHAIN_END, Event, EventKind, corrected
from basekeeper.values.forge import FileChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from basekeeper.forge.git.commits import Person
    from basekeeper.forge.git.mirror import Mirror, Refs
    from basekeeper.ports import Ledger

NOTES: Final = "refs/notes/basekeeper"
"""Ref of the remote that has the records where there is no ledger."""

MAX_BOOK_BYTES: Final = 64 * 1024 * 1024
"""Most that is read of all records of a repository."""

_PART: Final = f"{CHAIN_END}proposal="


class Book(Protocol):
    """The record of one repository, in the order of recording; nothing of it ever changes."""

    @property
    def asked(self) -> tuple[str, ...]:
        """Refs of the remote that have to be asked for before it is read."""
        ...

    def facts(self, refs: Refs) -> tuple[Fact, ...]:
        """Read it, as of what the remote said."""
        ...

    def add(self, refs: Refs, fact: Fact) -> bool:
        """Record something; False where something else was recorded first: to be read again."""
        ...


class LedgerBook:
    """The record as events of the ledger."""

    asked: tuple[str, ...] = ()

    def __init__(self, ledger: Ledger, chain: str) -> None:
        """Read nothing yet.

        Args:
            ledger: Whose `append` tells what was there already.
            chain: What the ledger calls the repository.
        """
        self._ledger = ledger
        self._chain = chain

    def facts(self, _refs: Refs) -> tuple[Fact, ...]:
        """Read the events of the repository."""
        try:
            events = self._ledger.events(chains=(self._chain,), kinds=(EventKind.PROPOSAL_NOTED,))
            return tuple(_fact_of_event(event) for event in corrected(events))
        except LedgerError as error:
            raise _unrecorded(error) from error
        except ValueError as error:
            raise refused(f"{self._chain}: the ledger has a change request that is none: {error}") \
                from None  # fmt: skip

    def add(self, _refs: Refs, fact: Fact) -> bool:
        """Record an event."""
        event = Event(
            kind=EventKind.PROPOSAL_NOTED,
            subject=f"{self._chain}{_PART}{fact.number}",
            key=fact.key,
            at=fact.at,
            source=fact.by or "git",
            evidence={**fact.said, "act": fact.act.value, "by": fact.by},
        )
        try:
            return self._ledger.append([event]) == 1
        except LedgerError as error:
            raise _unrecorded(error) from error


class NotesBook:
    """The record as files on a ref of the remote itself: one for each change request."""

    asked = (NOTES,)

    def __init__(self, mirror: Mirror, person: Person, clock: Callable[[], datetime]) -> None:
        """Read nothing yet.

        Args:
            mirror: The repository.
            person: Who makes commits.
            clock: Tells when.
        """
        self._mirror = mirror
        self._person = person
        self._clock = clock
        self._read: tuple[str | None, dict[str, bytes]] = (None, {})

    def facts(self, refs: Refs) -> tuple[Fact, ...]:
        """Read all files, in the order of the numbers."""
        found = []
        for path, data in sorted(self._files(refs).items()):
            try:
                found += [fact_of(line) for line in data.decode().splitlines()]
            except ValueError as error:
                raise refused(
                    f"{self._mirror.name}: {path!r:.80} of {NOTES} is no record: {error}",
                    f"repair it, or remove all records: git push --delete URL {NOTES}",
                ) from None
        return tuple(found)

    def add(self, refs: Refs, fact: Fact) -> bool:
        """Push one more commit, as the next one of what was read and no other."""
        tip, path = refs.oids.get(NOTES), f"changes/{fact.number:06}.jsonl"
        mirror = self._mirror
        known = self._files(refs).get(path, b"")
        changes = {path: FileChange(data=known + line_of(fact).encode())}
        tree = write_tree(mirror, tip, changes)
        text = f"change request {fact.number}: {fact.act.value}\n"
        above = () if tip is None else (tip,)
        made = write_commit(mirror, tree, above, text, (self._person, self._clock()))
        try:
            mirror.push(NOTES, made, tip)
        except PushRefused as error:
            if error.is_moved:
                return False
            raise error.error from error
        except ForgeError as error:
            if error.failure is not ForgeFailure.TRANSIENT:
                raise
            if mirror.refs(NOTES).oids.get(NOTES) != made:
                raise
        return True

    def _files(self, refs: Refs) -> dict[str, bytes]:
        tip = refs.oids.get(NOTES)
        if tip is None:
            return {}
        if tip != self._read[0]:
            self._mirror.need(tip, with_files=True)
            tree = read_tree(self._mirror, tip)
            paths = {one.oid: one.path for one in tree.entries if one.is_file}
            self._read = (tip, {paths[oid]: data for oid, data in self._contents(paths)})
        return self._read[1]

    def _contents(self, oids: dict[str, str]) -> Iterator[tuple[str, bytes]]:
        """Yield the contents of the files of our records."""
        wanted = sorted(oid for oid, path in oids.items() if path.startswith("changes/"))
        asked = "".join(f"{oid}\n" for oid in wanted).encode()
        data, at = self._mirror.told(["cat-file", "--batch"], stdin=asked), 0
        if len(data) > MAX_BOOK_BYTES:
            raise refused(f"{self._mirror.name}: {NOTES} has more than {MAX_BOOK_BYTES} bytes")
        while at < len(data):
            end = data.index(b"\n", at)
            oid, _, size = data[at:end].decode("ascii", "replace").partition(" blob ")
            if not size.isdecimal():
                raise refused(f"{self._mirror.name}: git misses a file of {NOTES}")
            yield oid, data[end + 1 : end + 1 + int(size)]
            at = end + 2 + int(size)


def _fact_of_event(event: Event) -> Fact:
    """Read a fact.

    Raises:
        ValueError: It is none.
    """
    number = event.subject.rpartition("=")[2]
    if not number.isdecimal() or len(number) > 9:  # noqa: PLR2004  # a billion
        raise ValueError(f"{event.subject!r:.80} names no change request")
    said = dict(event.evidence)
    act, by = Act(said.pop("act", "")), said.pop("by", "")
    return Fact(number=int(number), act=act, key=event.key, at=event.at, by=by, said=said)


def _unrecorded(error: LedgerError) -> ForgeError:
    """Say that the record cannot be read or written, as a failure of the forge."""
    return ForgeError(error.message, ForgeFailure.TRANSIENT, hint=error.hint)
