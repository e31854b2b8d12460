"""What a branch holds, in memory: read once, checked whole, grown by what is appended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from basekeeper.errors import LedgerError
from basekeeper.ledger.chain import Checker, End, Link, chain_of, link
from basekeeper.ledger.lines import (
    FOLDER,
    HEADS,
    Entry,
    path_of,
    read_heads,
    read_line,
    write_heads,
    write_line,
)
from basekeeper.values.event import Break, Head, Verification

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import Any


class File(NamedTuple):
    """The file of one chain."""

    data: bytes
    entries: tuple[Entry, ...]
    broken: int = 0
    """The first line, from 1, that could not be read; 0: none."""

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read the lines up to the first that cannot be read."""
        entries: list[Entry] = []
        *lines, rest = data.split(b"\n")
        for line in lines:
            try:
                entries.append(read_line(line))
            except ValueError:
                return cls(data, tuple(entries), len(entries) + 1)
        return cls(data, tuple(entries), len(entries) + 1 if rest else 0)

    def plus(self, entries: Iterable[Entry]) -> File:
        """Return the file with more at its end."""
        added = tuple(entries)
        return File(self.data + b"".join(map(write_line, added)), (*self.entries, *added))


class Grown(NamedTuple):
    """What appending makes of a state."""

    state: State
    added: tuple[Entry, ...]
    changed: dict[str, bytes]
    """Path → content, of the files that are another now."""


class State:
    """All events of a branch at one commit."""

    def __init__(
        self, commit: str | None, files: Mapping[str, File], heads: Mapping[str, Head]
    ) -> None:
        """Sort the events into the order of recording."""
        self.commit = commit
        self.files = files
        self.heads = heads
        every = [entry for file in files.values() for entry in file.entries]
        self.entries = sorted(every, key=lambda entry: (entry.seq, entry.link.chain))
        self.ids = {entry.row["id"] for entry in every}

    @classmethod
    def read(cls, commit: str, contents: Mapping[str, bytes], before: State, name: str) -> State:
        """Read a commit; files that are as before are not read again.

        Raises:
            LedgerError: It is no ledger, or a newer one.
        """
        if HEADS not in contents:
            raise LedgerError(
                f"ledger branch:{name} is a branch of something else",
                hint="name a branch that nothing else uses: branch:basekeeper-ledger",
            )
        files = {}
        for path, data in contents.items():
            if path.startswith(FOLDER):
                old = before.files.get(path)
                files[path] = old if old and old.data == data else File.read(data)
        return cls(commit, files, read_heads(contents[HEADS], name))

    def check(self, noted: Collection[Head] = ()) -> Verification:
        """Look at every event in its place."""
        checker = Checker(noted)
        names = {path_of(chain): chain for chain in self.heads}
        for path, file in sorted(self.files.items()):
            chain = names.get(path) or (file.entries[0].link.chain if file.entries else path)
            for entry in file.entries:
                checker.see(Link(chain, *entry.link[1:]), entry.row, entry.seq)
            if file.broken:
                checker.note(Break(chain, file.broken, "cannot be read"))
        return checker.finish(self.heads.values())

    def grow(self, rows: Iterable[dict[str, Any]]) -> Grown:
        """Add the events that are not there yet, each at the end of its chain."""
        ids, seq = set(self.ids), self.entries[-1].seq if self.entries else 0
        ends: dict[str, End] = {}
        added: list[Entry] = []
        for row in rows:
            if row["id"] in ids:
                continue
            ids.add(row["id"])
            chain = chain_of(row["subject"])
            made = link(row, ends.get(chain) or self._end(chain))
            ends[chain] = End(made.position, made.hash, row["recorded"])
            added.append(Entry(seq + len(added) + 1, row, made))
        return self._with(tuple(added), ends)

    def _with(self, added: tuple[Entry, ...], ends: Mapping[str, End]) -> Grown:
        files, heads = dict(self.files), dict(self.heads)
        grown: dict[str, list[Entry]] = {chain: [] for chain in ends}
        for entry in added:
            grown[entry.link.chain].append(entry)
        for chain, entries in grown.items():
            path, end = path_of(chain), ends[chain]
            files[path] = files.get(path, File(b"", ())).plus(entries)
            heads[chain] = Head(chain, end.position, end.hash.hex())
        changed = {path_of(chain): files[path_of(chain)].data for chain in ends}
        changed[HEADS] = write_heads(heads.values())
        return Grown(State(None, files, heads), added, changed)

    def _end(self, chain: str) -> End:
        """Tell where a chain ends."""
        file = self.files.get(path_of(chain))
        if file is None or not file.entries:
            return End()
        last = file.entries[-1]
        return End(last.link.position, last.link.hash, last.row["recorded"])
