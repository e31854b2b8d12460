"""Whose ids stand behind those of a cell: nobody's, where this machine lets us choose.

Sources: user_namespaces(7), subuid(5), newuidmap(1); systemd's "Users, Groups, UIDs and GIDs" for
which numbers nobody hands out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

from basekeeper.builders.failing import NoImage
from basekeeper.values.building import Failure

COUNT: Final = 65_536
"""Ids that a cell has: what images are made of."""
FIRST: Final = 0x7FFF_0000
"""The first of those that root takes: neither people, nor containers, nor services are given any
so high."""

_HELPERS: Final = (Path("/usr/bin/newuidmap"), Path("/usr/bin/newgidmap"))
_MAX_BYTES: Final = 1024 * 1024

Rows = list[list[int]]


class Identities(NamedTuple):
    """How the ids of a cell are mapped."""

    users: Rows
    """Each: first id inside, first id outside, how many."""
    groups: Rows
    helped: bool
    """Whether newuidmap(1) must do it."""
    owner: int | None
    """Who must own what a cell may write; None: we do anyway."""


REMEDY: Final = (
    "install newuidmap (Debian, Ubuntu: uidmap), and give this user ids:"
    " usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER"
)


def choose_identities() -> Identities:
    """Choose for whoever runs this program.

    Raises:
        NoImage: There are not enough ids: with one alone, no builder runs a command.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        rows = _spare_rows(_rows(_text("/proc/self/uid_map")))
        if rows:
            return Identities(rows, rows, helped=False, owner=rows[0][1])
    elif all(helper.exists() for helper in _HELPERS):
        users = granted(_text("/etc/subuid"), _names(user))
        groups = granted(_text("/etc/subgid"), _names(user))
        if users and groups:
            return Identities(
                [[0, user, 1], [1, *users]], [[0, group, 1], [1, *groups]], helped=True, owner=None
            )
    raise NoImage(
        Failure.BUILDER, f"user {user} may not map {COUNT} user and group ids", hint=REMEDY
    )


def granted(text: str, names: tuple[str, ...]) -> list[int] | None:
    """Return the first range in subuid(5) that is large enough: its first id, and how many."""
    for line in text.splitlines():
        name, _, rest = line.strip().partition(":")
        first, _, count = rest.partition(":")
        if name in names and first.isdecimal() and count.isdecimal() and int(count) >= COUNT - 1:
            return [int(first), COUNT - 1]
    return None


def _spare_rows(present: Rows) -> Rows:
    """Choose ids that nobody uses among those that we have: in a container they may be few."""
    for inside, _, count in present:
        if inside <= FIRST and inside + count >= FIRST + COUNT:
            return [[0, FIRST, COUNT]]
    inside, _, count = max(present, key=lambda row: row[2], default=[0, 0, 0])
    if count <= COUNT // 2:
        return []
    size = min(COUNT, count - 1)
    return [[0, inside + count - size, size]]


def _rows(text: str) -> Rows:
    return [[int(word) for word in line.split()] for line in text.splitlines()]


def _names(user: int) -> tuple[str, ...]:
    """What subuid(5) may call a user."""
    from pwd import getpwuid  # noqa: PLC0415  # not on every platform

    try:
        return (getpwuid(user).pw_name, str(user))
    except KeyError:
        return (str(user),)


def _text(path: str) -> str:
    try:
        with Path(path).open("rb") as handle:
            return handle.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
