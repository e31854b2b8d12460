"""JSON from a forge, taken apart with every type checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.values.forge import is_oid

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

MAX_DIGITS: Final = 19
"""Most digits of a number: what 64 bits hold."""


def refused(what: str, reason: str) -> ForgeError:
    """Build the error for an answer that breaks a rule of safety."""
    return ForgeError(f"{what}: {reason}", ForgeFailure.REFUSED, hint="tell whoever runs the forge")


def read_json(data: bytes, what: str) -> Any:
    """Read JSON in UTF-8, whose size the caller limited.

    Raises:
        ForgeError: It is none, names a key twice, nests too deeply, or holds numbers that no
            honest document holds.
    """
    try:
        return json.loads(
            data.decode(), object_pairs_hook=_distinct, parse_constant=_none, parse_int=_small
        )
    except RecursionError:
        raise refused(what, "the JSON is nested too deeply") from None
    except ValueError:  # whose text may show the content
        raise refused(what, "it is no valid JSON") from None


class Node:
    """An object of JSON that is read by key; what has another type than it must is refused."""

    __slots__ = ("value", "what")

    def __init__(self, value: object, what: str) -> None:
        """Take an object.

        Args:
            value: What was read.
            what: What it is, for messages.

        Raises:
            ForgeError: It is no object.
        """
        if not isinstance(value, dict):
            raise refused(what, "an object is missing")
        self.value: dict[str, Any] = value
        self.what = what

    def text(self, key: str) -> str:
        """Return a text that must be there."""
        return self._typed(key, str)

    def maybe_text(self, key: str) -> str | None:
        """Return a text; None where it is missing or null."""
        return None if self.value.get(key) is None else self._typed(key, str)

    def number(self, key: str) -> int:
        """Return a number that must be there."""
        return self._typed(key, int)

    def flag(self, key: str) -> bool:
        """Return true or false; false where it is missing or null."""
        return self.value.get(key) is not None and self._typed(key, bool)

    def maybe_flag(self, key: str) -> bool | None:
        """Return true or false; None where it is missing or null."""
        return None if self.value.get(key) is None else self._typed(key, bool)

    def oid(self, key: str) -> str:
        """Return the name of an object of git that must be there."""
        found = self.value.get(key)
        if not is_oid(found):
            raise refused(self.what, f"{key!r} names no object of git")
        return str(found)

    def instant(self, key: str) -> datetime | None:
        """Return an instant in UTC; None where it is missing or null."""
        text = self.maybe_text(key)
        if text is None:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise refused(self.what, f"{key!r} is no instant") from None
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)

    def node(self, key: str) -> Node:
        """Return an object that must be there."""
        return Node(self.value.get(key), f"{self.what}: {key}")

    def maybe_node(self, key: str) -> Node | None:
        """Return an object; None where it is missing or null."""
        return None if self.value.get(key) is None else self.node(key)

    def nodes(self, key: str) -> Iterator[Node]:
        """Return the objects of a list; none where it is missing or null."""
        return (Node(one, f"{self.what}: {key}") for one in self._list(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the texts of a list, leaving out what else is in it."""
        return tuple(one for one in self._list(key) if isinstance(one, str))

    def _list(self, key: str) -> list[Any]:
        found = self.value.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            raise refused(self.what, f"{key!r} is no list")
        return found

    def _typed(self, key: str, kind: type[T]) -> T:
        found = self.value.get(key)
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise refused(self.what, f"{key!r} is missing, or of another type")
        return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _none(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _small(digits: str) -> int:
    if len(digits) > MAX_DIGITS + 1:
        raise ValueError("a number is too large")
    return int(digits)
