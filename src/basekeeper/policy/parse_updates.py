"""From the `[updates]` table of a file to a layer; notes every problem and goes on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.config.durations import parse_duration
from basekeeper.errors import InputError
from basekeeper.policy.patterns import parse_pattern
from basekeeper.policy.updates import UpdateChange, UpdateEntry, UpdateLayer
from basekeeper.tags.ranges import VersionRange
from basekeeper.tags.updates import CHANNELS, DIGEST_CHANGES, KINDS, PINNINGS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from basekeeper.config.table import Table
    from basekeeper.policy.patterns import ImagePattern

MAX_ENTRIES: Final = 1_000
"""Most entries of one file; every image is tried against all of them."""

MAX_RANGE_BOUNDS: Final = 8
"""Most bounds of one range: an operator's and a repository's together stay readable."""

UPDATE_KINDS: Final = (*KINDS, "os", "runtime", "build", "name")
"""Words that `kinds` takes: sizes on the main axis, and moves on the others."""

_GROUP: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")


def parse_updates(table: Table | None) -> UpdateLayer:
    """Read an `[updates]` table; what is wrong is noted in its `problems`."""
    if table is None:
        return UpdateLayer()
    defaults = _change(table)
    entries = tuple(_entries(table))
    table.finish()
    return UpdateLayer(defaults, entries)


def _entries(table: Table) -> Iterator[UpdateEntry]:
    """Yield the entries in the order in which they are tried."""
    for index, entry in table.tables("image"):
        if index == MAX_ENTRIES:
            table.wrong(("image", index), f"is one entry more than {MAX_ENTRIES}")
            return
        patterns = tuple(_patterns(entry))
        entry.require("match")
        change = _change(entry)
        entry.finish()
        if not change.said() and patterns:
            entry.wrong(None, "says nothing of the images that it matches")
        yield UpdateEntry(patterns, change)


def _patterns(entry: Table) -> Iterator[ImagePattern]:
    """Read `match`: one pattern or a list of them."""
    if isinstance(entry.raw("match"), str):
        pattern = entry.parsed("match", parse_pattern)
        if pattern is not None:
            yield pattern
        return
    empty = True
    for index, text in entry.indexed_texts("match"):
        empty = False
        try:
            yield parse_pattern(text)
        except ValueError as error:
            entry.wrong(("match", index), str(error))
    if empty and entry.raw("match") == []:
        entry.wrong("match", "must not be empty")


def _change(table: Table) -> UpdateChange:
    """Read what defaults and entries have in common."""
    kinds = table.texts("kinds", UPDATE_KINDS)
    ignored = table.texts("ignore")
    return UpdateChange(
        allowed=table.parsed("allowed", _range),
        kinds=None if kinds is None else frozenset(kinds),
        minimum_age=_duration(table, "minimum_age"),
        pinning=table.choice("pinning", PINNINGS),
        ignored=None if ignored is None else frozenset(ignored),
        channel=table.choice("channel", CHANNELS),
        allow_prerelease=table.flag("allow_prerelease"),
        settle=_duration(table, "settle"),
        digest_change=table.choice("digest_change", DIGEST_CHANGES),
        group=table.parsed("group", _group),
    )


def _duration(table: Table, name: str) -> timedelta | None:
    found: timedelta | None = table.parsed(name, parse_duration)
    return found


def _range(text: str) -> str:
    try:
        bounds = VersionRange.parse(text).bounds
    except InputError as error:
        message = f"{text!r:.80} is no range of versions: {error.hint}"
        raise ValueError(message) from error
    if len(bounds) > MAX_RANGE_BOUNDS:
        raise ValueError(f"has more than {MAX_RANGE_BOUNDS} bounds")
    return text


def _group(text: str) -> str:
    if _GROUP.fullmatch(text) is None:
        raise ValueError(
            f"{text!r:.80} is no name of a group: use letters, digits, spaces, '.', '_' and '-'"
        )
    return text
