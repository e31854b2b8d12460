"""Patterns of images, as the policy and waivers write them.

`alpine` is `docker.io/library/alpine`, `bitnami/*` is `docker.io/bitnami/*`. `*` stands for any
characters within one part of the path (within one label of the host name), `**` for any number of
whole parts. A part matches whole or not at all: `gcr.io/distroless` never matches
`gcr.io/distroless-evil`. A tag pattern may follow after a colon.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from basekeeper.values.reference import Reference

MAX_PATTERN_CHARS: Final = 512
"""Longest pattern, in characters: a host of 253, a path of 255 and little more."""

SCRATCH: Final = "scratch"
"""The empty base: a word of the builder, no image of any registry."""

_HUB: Final = "docker.io"
_HUB_ALIASES: Final = ("docker.io", "index.docker.io")
_PART: Final = re.compile(r"[a-z0-9._*-]+")
_HOST: Final = re.compile(r"[A-Za-z0-9.*-]+(?::[0-9*]+)?|\[[0-9A-Fa-f:]+\](?::[0-9*]+)?")
_TAG: Final = re.compile(r"[A-Za-z0-9_.*-]{1,128}")
_HOST_BORDERS: Final = re.compile(r"([.:])")


@dataclass(frozen=True, slots=True)
class ImagePattern:
    """One pattern, made by `parse_pattern`."""

    text: str
    """As written."""
    parts: tuple[str, ...]
    """Registry first, then the parts of the repository; just `scratch` for the empty base."""
    tag: str | None = None
    """The pattern of the tag; None: any tag and none."""

    @property
    def names_source(self) -> bool:
        """Whether it says on which registry the image lies, so that writing it is a decision."""
        return self.parts[0] != "**"

    @property
    def is_scratch(self) -> bool:
        """Whether it stands for the empty base, which nothing else matches."""
        return self.parts == (SCRATCH,)

    def matches(self, reference: Reference) -> Truth:
        """Say whether a reference matches; unknown where a digest hides the tag that is asked for.

        No tag and no digest means `latest`, as builders read it.
        """
        if not self.covers(reference.registry, reference.repository):
            return Truth.NO
        if self.tag is None:
            return Truth.YES
        if reference.tag is None and reference.digest is not None:
            return Truth.UNKNOWN
        fits = _matches(self.tag, reference.tag or "latest", "*", operator.eq)
        return Truth.YES if fits else Truth.NO

    def covers(self, registry: str, repository: str) -> bool:
        """Say whether the name of a repository matches, whatever the tag."""
        path = repository.split("/")
        if self.parts[0] == "**":
            return _matches(self.parts, path, "**", _part_matches)
        return _host_matches(self.parts[0], registry) and _matches(
            self.parts[1:], path, "**", _part_matches
        )


def parse_pattern(text: str) -> ImagePattern:
    """Read a pattern.

    Raises:
        ValueError: The text is no pattern; the message says why.
    """
    if len(text) > MAX_PATTERN_CHARS:
        raise ValueError(f"is longer than {MAX_PATTERN_CHARS} characters")
    if text == SCRATCH:
        return ImagePattern(text, (SCRATCH,))
    if "@" in text:
        raise ValueError("a pattern cannot ask for a digest")
    name, tag = _split_tag(text)
    parts = name.split("/")
    if "" in parts:
        raise ValueError("has an empty part between its slashes")
    if parts[0] == "**":
        _check_parts(parts)
    elif len(parts) > 1 and _is_host(parts[0]):
        _check_host(parts[0])
        _check_parts(parts[1:])
        parts = _hub_parts(parts[1:]) if parts[0] in _HUB_ALIASES else parts
    else:
        _check_first(parts)
        _check_parts(parts)
        parts = _hub_parts(parts)
    return ImagePattern(text, tuple(parts), tag)


def _split_tag(text: str) -> tuple[str, str | None]:
    """Cut at the colon after the last slash, which alone starts a tag."""
    head, slash, last = text.rpartition("/")
    name, colon, tag = last.partition(":")
    if not colon:
        return text, None
    if _TAG.fullmatch(tag) is None:
        raise ValueError(f"{tag!r} is no pattern of a tag: use letters, digits, '_', '.', '-', '*'")
    return head + slash + name, tag


def _is_host(part: str) -> bool:
    """Tell a host from the first part of a path on Docker Hub, as references do."""
    return part == "localhost" or "." in part or ":" in part or part != part.lower()


def _hub_parts(path: list[str]) -> list[str]:
    """Complete a path on Docker Hub: one part alone is an official image."""
    if len(path) == 1 and path[0] != "**":
        path = ["library", *path]
    return [_HUB, *path]


def _check_host(host: str) -> None:
    if _HOST.fullmatch(host) is None:
        raise ValueError(f"{host!r} is no host: use letters, digits, '-', '.', '*' and a port")
    if "**" in host:
        raise ValueError("'**' must be a whole part between slashes")


def _check_first(parts: list[str]) -> None:
    """Refuse what looks like one thing and would mean another."""
    first = parts[0]
    if first == "*":
        rest = "/".join(parts[1:]) or "**"
        raise ValueError(f"starts with '*': write '**' for any registry, or 'docker.io/{rest}'")
    if len(parts) == 1 and ("." in first or first == "localhost"):
        raise ValueError(f"names a registry and no repository: write '{first}/**'")


def _check_parts(parts: list[str]) -> None:
    for part in parts:
        if part == "**":
            continue
        if "**" in part:
            raise ValueError("'**' must be a whole part between slashes")
        if part != part.lower():
            raise ValueError(f"{part!r} has upper-case letters: repositories are lower case")
        if _PART.fullmatch(part) is None:
            raise ValueError(f"{part!r} is no part of a repository's name")


def _part_matches(pattern: str, part: str) -> bool:
    return pattern == part or ("*" in pattern and _matches(pattern, part, "*", operator.eq))


def _host_matches(pattern: str, host: str) -> bool:
    """Match a host, whose letters' case means nothing, label by label."""
    wanted, labels = _HOST_BORDERS.split(pattern.lower()), _HOST_BORDERS.split(host.lower())
    return len(wanted) == len(labels) and all(map(_part_matches, wanted, labels))


def _matches(
    pattern: Sequence[str], items: Sequence[str], star: str, equal: Callable[[str, str], bool]
) -> bool:
    """Match items against a pattern in which `star` stands for any number of items.

    Only the last star is ever tried again, so hostile patterns cost at most the product of the
    two lengths.
    """
    at = item = 0
    last_star, star_item = -1, 0
    while item < len(items):
        if at < len(pattern) and pattern[at] == star:
            last_star, star_item = at, item
            at += 1
        elif at < len(pattern) and equal(pattern[at], items[item]):
            at += 1
            item += 1
        elif last_star >= 0:
            star_item += 1
            at, item = last_star + 1, star_item
        else:
            return False
    return all(rest == star for rest in pattern[at:])
