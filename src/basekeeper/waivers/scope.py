"""Which findings a waiver covers: rules, files, images."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from basekeeper.errors import InvalidReference
from basekeeper.policy.patterns import SCRATCH, ImagePattern, parse_pattern
from basekeeper.values.finding import Truth
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from basekeeper.values.finding import Finding
    from basekeeper.values.waiver import Waiver


def covers(waiver: Waiver, finding: Finding) -> bool:
    """Say whether a waiver's scope includes a finding; its expiry is not looked at."""
    if finding.rule not in waiver.rules:
        return False
    if waiver.inline:
        return (finding.path, finding.line) == (waiver.source, waiver.target_line)
    if waiver.paths and not any(path_matches(glob, finding.path) for glob in waiver.paths):
        return False
    return not waiver.images or any(_image_matches(one, finding.image) for one in waiver.images)


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
