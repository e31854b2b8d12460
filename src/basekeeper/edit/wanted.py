"""From an image in use to the text of the one that replaces it, as small steps on that text."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.values.reference import HUB

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from basekeeper.values.reference import Reference

_TOKEN: Final = re.compile(r"[0-9]+|[A-Za-z]+|.", re.DOTALL)
_HUB_HOSTS: Final = (HUB, f"index.{HUB}")
_OFFICIAL: Final = "library/"


class Hunk(NamedTuple):
    """Characters of a text, and what stands in their place afterwards."""

    start: int
    end: int
    new: str


def wanted_text(text: str, old: Reference, new: Reference) -> str:
    """Write an image in the way in which another was written.

    Args:
        text: The reference as the builder sees it.
        old: What it names.
        new: What it shall name.
    """
    return _name(_split(text)[0], old, new) + _tail(":", new.tag) + _tail("@", new.digest)


def hunks(old: str, new: str) -> list[list[Hunk]]:
    """Tell which characters of a reference change: of name, tag and digest each by itself."""
    found: list[list[Hunk]] = []
    at = 0
    for before, after in zip(_split(old), _split(new), strict=True):
        steps = [Hunk(each.start + at, each.end + at, each.new) for each in _steps(before, after)]
        found += [steps] if steps else []
        at += len(before)
    return found


def joined(steps: Sequence[Hunk], old: str) -> Hunk:
    """Make one step of several in order, with what stays between them."""
    parts = [steps[0].new]
    for one, other in pairwise(steps):
        parts += (old[one.end : other.start], other.new)
    return Hunk(steps[0].start, steps[-1].end, "".join(parts))


def tightened(hunk: Hunk, old: str) -> Hunk:
    """Leave out what is equal at both ends of a hunk."""
    start, end, new = hunk
    while start < end and new and old[start] == new[0]:
        start, new = start + 1, new[1:]
    while start < end and new and old[end - 1] == new[-1]:
        end, new = end - 1, new[:-1]
    return Hunk(start, end, new)


def _tail(mark: str, text: str | None) -> str:
    return "" if text is None else mark + text


def _split(text: str) -> tuple[str, str, str]:
    """Cut a reference into name, `:tag` and `@digest`."""
    rest, at, digest = text.partition("@")
    head, slash, last = rest.rpartition("/")
    name, colon, tag = last.partition(":")
    return head + slash + name, colon + tag, at + digest


def _name(written: str, old: Reference, new: Reference) -> str:
    """Write registry and repository."""
    if new.name == old.name:
        return written
    if new.registry != HUB:
        return new.name
    host, slash, rest = written.partition("/")
    is_explicit = bool(slash) and host in _HUB_HOSTS
    path = rest if is_explicit else written
    short = new.repository.removeprefix(_OFFICIAL)
    shown = new.repository if "/" in short or path.startswith(_OFFICIAL) else short
    return f"{host}/{shown}" if is_explicit else shown


def _steps(old: str, new: str) -> Iterator[Hunk]:
    """Compare two texts by words and numbers."""
    if old == new:
        return
    one, other = _TOKEN.findall(old), _TOKEN.findall(new)
    if old.startswith("@") and new.startswith("@"):
        one, other = _digest_tokens(old), _digest_tokens(new)
    if len(one) == len(other) and all(map(_is_alike, one, other)):
        at = 0
        for before, after in zip(one, other, strict=True):
            if before != after:
                yield Hunk(at, at + len(before), after)
            at += len(before)
        return
    yield _middle(one, other)


def _digest_tokens(text: str) -> list[str]:
    algorithm, colon, value = text.partition(":")
    return [algorithm, colon, value]


def _is_alike(one: str, other: str) -> bool:
    """Tell whether two tokens may stand for each other: both words or numbers, or the same sign."""
    return one == other or (one.isalnum() and other.isalnum())


def _middle(one: list[str], other: list[str]) -> Hunk:
    """Leave out the tokens that are equal at both ends."""
    most = min(len(one), len(other))
    head = next((at for at in range(most) if one[at] != other[at]), most)
    most -= head
    tail = next((at for at in range(most) if one[-1 - at] != other[-1 - at]), most)
    start = len("".join(one[:head]))
    replaced = "".join(one[head : len(one) - tail])
    return Hunk(start, start + len(replaced), "".join(other[head : len(other) - tail]))
