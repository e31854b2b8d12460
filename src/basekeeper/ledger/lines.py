"""Events as lines of JSON: one file a chain, and one file that says where the chains end."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.errors import LedgerError
from basekeeper.ledger.chain import FIELDS, Link, chain_of
from basekeeper.values.event import Head

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEADS: Final = "heads.json"
"""The file that says where the chains end; without it a branch is no ledger."""

FOLDER: Final = "chains/"
"""Where the files of the chains are."""

FORMAT: Final = 1
"""Of the files. A program refuses a branch with a higher one."""


class Entry(NamedTuple):
    """An event with its place."""

    seq: int
    """Number in the order of recording, over all chains, from 1."""
    row: Mapping[str, Any]
    """The columns of the event, as a database has them."""
    link: Link

    @property
    def columns(self) -> dict[str, Any]:
        """All of it as one row."""
        return {**self.row, "seq": self.seq, "position": self.link.position, "hash": self.link.hash}


def path_of(chain: str) -> str:
    """Name the file of a chain: its hash, as chains have names that no file may have."""
    name = sha256(chain.encode()).hexdigest()[:40]
    return f"{FOLDER}{name[:2]}/{name}.jsonl"


def write_line(entry: Entry) -> bytes:
    """Write an event as a line; the same event is always the same line."""
    row, made = entry.row, entry.link
    value = {name: row[name] for name in FIELDS} | {
        "seq": entry.seq,
        "position": made.position,
        "id": row["id"].hex(),
        "previous": made.previous.hex(),
        "hash": made.hash.hex(),
        "evidence": json.loads(row["evidence"]),
    }
    filled = {name: part for name, part in value.items() if part != ""}
    return json.dumps(filled, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def read_line(line: bytes) -> Entry:
    """Read a line as it stands; what it says is judged by the chain.

    Raises:
        ValueError: It is no line of a ledger.
    """
    try:
        value = json.loads(line)
        row: dict[str, Any] = {name: value.get(name, "") for name in FIELDS}
        row["id"] = bytes.fromhex(row["id"])
        row["evidence"] = canonical(value["evidence"])
        numbers = (value["seq"], value["position"], row["at"], row["recorded"])
        texts = [row[name] for name in FIELDS if name not in ("id", "at", "recorded")]
        if not all(type(number) is int for number in numbers) or not all(
            isinstance(text, str) for text in texts
        ):
            raise ValueError("has a value of the wrong type")
        previous, own = bytes.fromhex(value["previous"]), bytes.fromhex(value["hash"])
        made = Link(chain_of(row["subject"]), value["position"], previous, own)
        return Entry(value["seq"], row, made)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("is no event") from error


def canonical(evidence: Mapping[str, str]) -> str:
    """Write evidence as the text that is hashed."""
    return json.dumps(dict(evidence), sort_keys=True, separators=(",", ":"))


def write_heads(heads: Iterable[Head]) -> bytes:
    """Write where the chains end."""
    ends = {head.chain: [head.position, head.hash] for head in heads}
    value = {"format": FORMAT, "heads": ends}
    return json.dumps(value, sort_keys=True, indent=0).encode() + b"\n"


def read_heads(data: bytes, name: str) -> dict[str, Head]:
    """Read where the chains end.

    Raises:
        LedgerError: That cannot be told, or the branch is newer than this program.
    """
    try:
        value = json.loads(data)
        number = value["format"]
        if type(number) is int and number > FORMAT:
            raise LedgerError(
                f"ledger branch:{name} has the format {number}, which is newer than this program",
                hint="use the newest version of basekeeper that writes to this ledger",
            )
        found = {}
        for chain, (position, hashed) in value["heads"].items():
            found[chain] = Head(chain, int(position), bytes.fromhex(hashed).hex())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LedgerError(
            f"ledger branch:{name}: its file {HEADS!r} cannot be read",
            hint="restore the branch from a commit before; nobody but basekeeper may write to it",
        ) from error
    return found
