"""Which smaller variant of the same version exists, by a publisher's list of tags.

A smaller variant keeps version, runtimes and all other words, and adds one small-image word. One on
the same operating system is preferred; a move to another (Alpine) is offered only where there is
none, and says so. The choice is never made silently.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.tags.axes import PartKind, TagAxes, split_tag
from basekeeper.tags.version import parse_version
from basekeeper.tags.words import MINIMAL_WORDS

if TYPE_CHECKING:
    from basekeeper.lifecycle.taglist import TagList
    from basekeeper.tags.axes import OperatingSystem

_SMALL_SYSTEMS: Final = frozenset({"alpine-linux", "wolfi"})
_SMALL_NAME: Final = re.compile("|".join(sorted({*MINIMAL_WORDS, "wolfi", "nanoserver"})))
"""A cheap test that passes every tag of a small variant."""

_SAME_SYSTEM, _NAMED_SYSTEM, _OTHER_SYSTEM = range(3)
"""How far a variant is from the tag's operating system; smaller is preferred."""


@dataclass(frozen=True, slots=True)
class SmallerVariant:
    """A smaller image of the same version."""

    tag: str
    moves_to: str | None
    """The operating system that it moves to, as a product name; None: it stays."""
    listed: bool
    """True where the tag itself is on the list; False where it follows from its line's tags."""


def is_minimal_tag(axes: TagAxes) -> bool:
    """Tell whether a tag names a small variant: slim, alpine, chiseled, distroless and the like."""
    if axes.os is not None and (
        axes.os.product in _SMALL_SYSTEMS or axes.os.family == "nanoserver"
    ):
        return True
    return not MINIMAL_WORDS.isdisjoint(axes.variants)


def smaller_variant(tags: TagList, repository: str, tag: str) -> SmallerVariant | None:
    """Find the smaller variant of a tag; None where the list has none.

    A version that left the list is judged by its line (`3.12` for `3.12.1`), or by the listed tag
    of the same shape (`26` for `20`), since publishers keep their variants over versions.
    """
    axes = split_tag(repository, tag)
    for lookup in _lookups(tags, axes, repository):
        found = _best(tags, repository, split_tag(repository, lookup), own=axes)
        if found is not None:
            is_alias = lookup in tags.aliases(tag)
            text = str(found) if is_alias else _with_parts_of(found, axes)
            return SmallerVariant(
                text,
                _moves(found, axes.os or system_behind(tags, repository, lookup)),
                text in tags,
            )
    return None


def knows_variants(tags: TagList, repository: str, tag: str) -> bool:
    """Tell whether the list has the tag, or one that its variants can be judged by."""
    axes = split_tag(repository, tag)
    return any(lookup in tags for lookup in _lookups(tags, axes, repository))


def system_behind(tags: TagList, repository: str, tag: str) -> OperatingSystem | None:
    """The operating system behind a listed tag, by the other names of the same image."""
    for alias in tags.aliases(tag):
        system = split_tag(repository, alias).os
        if system is not None and system.release is not None:
            return system
    return None


def _lookups(tags: TagList, axes: TagAxes, repository: str) -> list[str]:
    """The tags to look a variant up by, best first: itself, other names, its line, its shape."""
    tag = str(axes)
    found = [tag, *(alias for alias in tags.aliases(tag) if alias != tag)]
    version = axes.application
    if version is None or tag in tags:
        return found
    numbers = version.plain.split(".")
    for count in range(len(numbers) - 1, 0, -1):
        shorter = _replaced(axes, PartKind.VERSION, ".".join(numbers[:count]))
        if shorter in tags:
            found.append(shorter)
    same_shape = _same_shape(tags, axes, repository)
    return found if same_shape is None else [*found, same_shape]


def _same_shape(tags: TagList, axes: TagAxes, repository: str) -> str | None:
    """The first listed tag that differs from a tag in the numbers of its version alone."""
    version = axes.application
    if version is None or version.is_prerelease:
        return None
    suffix = str(axes).partition(version.text)[2]
    for candidate in (one for line in tags.lines for one in line.split(" ")):
        if not candidate.endswith(suffix):
            continue
        other = split_tag(repository, candidate)
        if (
            other.application is not None
            and not other.application.is_prerelease
            and other.application.precision == version.precision
            and _replaced(other, PartKind.VERSION, version.text) == str(axes)
        ):
            return candidate
    return None


def _best(tags: TagList, repository: str, wanted: TagAxes, *, own: TagAxes) -> TagAxes | None:
    """The nearest of all listed tags that are a smaller variant of the wanted one.

    Where another line stands in for the tag's own, no variant with a system release that the own
    tag does not name is taken: whether it existed for that line is not known.
    """
    behind = system_behind(tags, repository, str(wanted))
    stands_in = str(own) not in tags and not _is_line_of(wanted, own)
    start = str(wanted)
    ranked: list[tuple[int, bool, int, str, TagAxes]] = []
    for candidate in (one for line in tags.lines for one in line.split(" ")):
        if not (_shares_version(candidate, wanted) and _SMALL_NAME.search(candidate)):
            continue
        axes = split_tag(repository, candidate)
        rank = _rank(axes, wanted, behind)
        if rank is not None and not (stands_in and _names_new_release(axes, own)):
            other_start = not candidate.startswith(start)
            ranked.append((rank, other_start, len(candidate), candidate, axes))
    return min(ranked, key=lambda entry: entry[:4])[4] if ranked else None


def _is_line_of(line: TagAxes, own: TagAxes) -> bool:
    """Tell whether a tag's version begins with the numbers of a shorter one."""
    if line.application is None or own.application is None:
        return line == own
    numbers = line.application.numbers
    return own.application.numbers[: len(numbers)] == numbers


def _names_new_release(found: TagAxes, own: TagAxes) -> bool:
    """Tell whether a tag names a release of a system that the own tag does not name."""
    if found.os is None or found.os.release is None:
        return False
    return own.os is None or own.os.release != found.os.release


def _shares_version(candidate: str, wanted: TagAxes) -> bool:
    """A cheap test before splitting: the version's text must begin the tag."""
    return wanted.application is None or candidate.startswith(wanted.application.text)


def _rank(axes: TagAxes, wanted: TagAxes, behind: OperatingSystem | None) -> int | None:
    """How far a candidate is from the wanted tag; None where it is no smaller variant of it."""
    if not is_minimal_tag(axes) or _fixed(axes) != _fixed(wanted):
        return None
    if len(MINIMAL_WORDS.intersection(axes.variants)) > 1:
        return None
    own, system = wanted.os, axes.os
    if own is not None:
        if system is None or system.product != own.product:
            return _OTHER_SYSTEM if system is not None else None
        return _SAME_SYSTEM if system.release == own.release else None
    if system is None:
        return _SAME_SYSTEM
    if behind is not None and (system.product, system.release) == (behind.product, behind.release):
        return _NAMED_SYSTEM
    is_small = system.product in _SMALL_SYSTEMS and not MINIMAL_WORDS.intersection(axes.variants)
    return _OTHER_SYSTEM if is_small else None


def _fixed(axes: TagAxes) -> tuple[object, ...]:
    """Everything that a smaller variant must keep."""
    return (
        None if axes.application is None else axes.application.text,
        axes.runtimes,
        axes.channel if axes.channel != "latest" else None,
        axes.arch,
        axes.date is None,
        tuple(word for word in axes.variants if word not in MINIMAL_WORDS),
    )


def _moves(found: TagAxes, own: OperatingSystem | None) -> str | None:
    """The product of the operating system that a variant moves to; None where it stays."""
    if found.os is None:
        return None
    return None if own is not None and own.product == found.os.product else found.os.product


def _with_parts_of(found: TagAxes, axes: TagAxes) -> str:
    """A found tag with the exact version and date of the tag in use."""
    text = str(found)
    version = axes.application
    if version is not None:
        text = _replaced(found, PartKind.VERSION, version.text)
    if axes.date is not None and found.date is not None:
        text = text.replace(found.date, axes.date, 1)
    return text


def _replaced(axes: TagAxes, kind: PartKind, text: str) -> str:
    """A tag with its first part of a kind replaced."""
    parts = list(axes.parts)
    at = next(index for index, part in enumerate(parts) if part.kind is kind)
    before = "".join(part.text for part in parts[:at])
    prefix = "v" if parts[at].text.startswith("v") and parse_version(text) is not None else ""
    after = "".join(part.text for part in parts[at + 1 :])
    return before + prefix + text.removeprefix("v") + after
