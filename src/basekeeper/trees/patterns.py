"""Globs on paths, as a `.gitignore` has them, matched in time linear in pattern times path.

No regular expression is built: a hostile pattern costs at most the product of the two lengths.
Source of the language: gitignore(5).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MAX_PATTERN_CHARS: Final = 1024
"""Longest pattern, in characters."""

_TOKEN: Final = re.compile(r"\\(.)|\[(!|\^)?(\]?[^\]]*)\]|(.)", re.DOTALL)
_MAGIC: Final = re.compile(r"[*?\[\\]")


class PathPatterns:
    """Patterns that together say which paths match; the last one that fits decides."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Read the patterns.

        Raises:
            ValueError: A pattern is longer than 1,024 characters.
        """
        self._globs = tuple(_parse(pattern) for pattern in patterns if pattern.strip("/! "))
        self._negates = any(glob.negated for glob in self._globs)
        # Most patterns say `**/name/**`; one look at the directories of a path answers them all.
        self._names = frozenset(
            glob.parts[1]
            for glob in self._globs
            if len(glob.parts) == 3  # noqa: PLR2004
            and glob.parts[0] == glob.parts[2] == "**"
            and not _MAGIC.search(glob.parts[1])
        )
        self._others = tuple(
            glob
            for glob in self._globs
            if not (len(glob.parts) == 3 and glob.parts[1] in self._names)  # noqa: PLR2004
        )

    def __bool__(self) -> bool:
        """Tell whether there is any pattern."""
        return bool(self._globs)

    def match(self, path: str) -> bool:
        """Tell whether a path (POSIX, relative) or a directory above it matches."""
        parts = path.split("/")
        if self._negates:
            result = False
            for glob in self._globs:
                if glob.negated == result and glob.match(parts):
                    result = not glob.negated
            return result
        if not self._names.isdisjoint(parts[:-1]):
            return True
        return any(glob.match(parts) for glob in self._others)


@dataclass(frozen=True, slots=True)
class _Glob:
    """One pattern; `parts` always starts where paths start."""

    parts: tuple[str, ...]
    negated: bool
    directories_only: bool

    def match(self, path: Sequence[str]) -> bool:
        """Match the path itself, then each directory above it."""
        if self.parts[-1] == "**":
            # What `x/**` covers lies below x: more parts than the pattern has without its end.
            return _matches(self.parts[:-1], path[:-1], prefix=True)
        end = len(path) - 1 if self.directories_only else len(path)
        return _matches(self.parts, path[:end], prefix=True)


def _parse(pattern: str) -> _Glob:
    """Read one pattern; one without a slash, except at its end, means any depth."""
    if len(pattern) > MAX_PATTERN_CHARS:
        raise ValueError(f"pattern is longer than {MAX_PATTERN_CHARS} characters")
    negated = pattern.startswith("!")
    body = pattern[1:] if negated else pattern
    directories_only = body.endswith("/")
    body = body.removeprefix("./").rstrip("/")
    anchored = "/" in body
    parts = [part for part in body.split("/") if part and part != "."]
    if not anchored:
        parts.insert(0, "**")
    # `**/**` says no more than `**`.
    kept = [part for at, part in enumerate(parts) if part != "**" or parts[at - 1 : at] != ["**"]]
    if kept == ["**"]:
        kept.append("*")
    return _Glob(tuple(kept), negated, directories_only)


def _matches(pattern: Sequence[str], path: Sequence[str], *, prefix: bool) -> bool:
    """Match parts of a path; with `prefix`, matching the first of them is enough.

    A pattern of parts ends either at the end of the path or at a directory above it.
    """
    if not pattern:
        return bool(path)
    at = item = 0
    last_star, star_item = -1, 0
    while True:
        if at == len(pattern):
            if prefix or item == len(path):
                return True
        elif pattern[at] == "**":
            last_star, star_item = at, item
            at += 1
            continue
        elif item < len(path) and _part_matches(pattern[at], path[item]):
            at += 1
            item += 1
            continue
        if last_star < 0 or star_item >= len(path):
            return False
        star_item += 1
        at, item = last_star + 1, star_item


def _part_matches(pattern: str, part: str) -> bool:
    """Match one part, which holds no slash."""
    if not _MAGIC.search(pattern):
        return pattern == part
    tokens = [_token(match) for match in _TOKEN.finditer(pattern)]
    at = item = 0
    last_star, star_item = -1, 0
    while item < len(part):
        token = tokens[at] if at < len(tokens) else _nothing
        if token is None:
            last_star, star_item = at, item
            at += 1
        elif token(part[item]):
            at += 1
            item += 1
        elif last_star >= 0:
            star_item += 1
            at, item = last_star + 1, star_item
        else:
            return False
    return all(token is None for token in tokens[at:])


def _token(match: re.Match[str]) -> Callable[[str], bool] | None:
    """Return the test of one character; None for `*`."""
    escaped, negation, members, plain = match.groups()
    if members is not None:
        return _class(members, negated=negation is not None)
    if plain == "*":
        return None
    if plain == "?":
        return _anything
    return (escaped or plain).__eq__


def _class(members: str, *, negated: bool) -> Callable[[str], bool]:
    """Read the inside of `[a-z]`."""
    ranges: list[tuple[str, str]] = []
    at = 0
    while at < len(members):
        if members[at + 1 : at + 2] == "-" and at + 2 < len(members):
            ranges.append((members[at], members[at + 2]))
            at += 3
        else:
            ranges.append((members[at], members[at]))
            at += 1
    return lambda char: any(low <= char <= high for low, high in ranges) != negated


def _anything(_char: str) -> bool:
    return True


def _nothing(_char: str) -> bool:
    return False
