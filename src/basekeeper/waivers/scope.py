"""Which findings a waiver covers: rules, files, images."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from basekeeper.errors import InvalidReference
from basekeeper.policy.patterns import SCRATCH, ImagePattern, parse_pattern
from basekeeper.values.finding import Truth
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from basekeeper.values.finding import Finding
    from basekeeper.values.waiver import Waiver

_Key = TypeVar("_Key")
_Lists = defaultdict[_Key, list["Waiver"]]


class WaiverIndex:
    """Finds the waivers that cover a finding, without asking each of them.

    Inline waivers are looked up by their place; globs are tried once for each path and rule.
    """

    def __init__(self, waivers: Iterable[Waiver]) -> None:
        """Sort waivers by rule and by how their scope is written; their order is kept."""
        self._inline: _Lists[tuple[str, str, int | None]] = defaultdict(list)
        self._wide: _Lists[str] = defaultdict(list)
        self._of_path: dict[tuple[str, str], list[Waiver]] = {}
        for waiver in waivers:
            for rule in dict.fromkeys(waiver.rules):
                if waiver.inline:
                    self._inline[rule, waiver.source, waiver.target_line].append(waiver)
                else:
                    self._wide[rule].append(waiver)

    def covering(self, finding: Finding) -> list[Waiver]:
        """Return the waivers whose scope includes a finding; their expiry is not looked at."""
        key = (finding.rule, finding.path)
        if key not in self._of_path:
            self._of_path[key] = [
                waiver
                for waiver in self._wide.get(finding.rule, ())
                if not waiver.paths
                or any(path_matches(glob, finding.path) for glob in waiver.paths)
            ]
        covering = [
            waiver
            for waiver in self._of_path[key]
            if not waiver.images or any(_image_matches(one, finding.image) for one in waiver.images)
        ]
        return covering + self._inline.get((*key, finding.line), [])


def _image_matches(pattern: str, image: str | None) -> bool:
    """Match the image of a finding; text that is no reference matches only itself."""
    if image is None:
        return False
    reading = _pattern(pattern)
    if reading.is_scratch or image in (pattern, SCRATCH):
        return image == pattern
    try:
        reference = parse_reference(image)
    except InvalidReference:
        return False
    return reading.matches(reference) is Truth.YES


@lru_cache(maxsize=1024)
def _pattern(text: str) -> ImagePattern:
    return parse_pattern(text)


def path_matches(pattern: str, path: str) -> bool:
    """Match a path against a glob.

    `*` and `?` stand within one part of the path, `**` for any number of whole parts; a pattern
    that ends with a slash covers everything below it. An inline document
    (`compose.yaml#services.web`) is matched as its file, too.
    """
    parts = (pattern + "**" if pattern.endswith("/") else pattern).split("/")
    outer, mark, _ = path.partition("#")
    return _fits(parts, path.split("/"), "**", _part_fits) or (
        bool(mark) and _fits(parts, outer.split("/"), "**", _part_fits)
    )


def _part_fits(pattern: str, part: str) -> bool:
    return pattern == part or _fits(pattern, part, "*", _letter_fits)


def _letter_fits(wanted: str, letter: str) -> bool:
    return wanted in ("?", letter)


def _fits(
    pattern: Sequence[str], items: Sequence[str], star: str, equal: Callable[[str, str], bool]
) -> bool:
    """Match items against a pattern in which `star` stands for any number of items.

    Only the last star is tried again: a match costs at most the product of both lengths.
    """
    at = item = 0
    star_at, star_item = -1, 0
    while item < len(items):
        if at < len(pattern) and pattern[at] == star:
            star_at, star_item = at, item
            at += 1
        elif at < len(pattern) and equal(pattern[at], items[item]):
            at, item = at + 1, item + 1
        elif star_at >= 0:
            star_item += 1
            at, item = star_at + 1, star_item
        else:
            return False
    return all(rest == star for rest in pattern[at:])
