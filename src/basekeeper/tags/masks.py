"""Tags without a prerelease word that stand for a prerelease.

Publishers give the newest prerelease of a line the line's own name too: `cassandra:6.0` is
`6.0-alpha2` until the first release, `haxe:5.0` a preview. The digests of the list tell; without
them, the publisher's list of the day on which the bundled data was made.
"""

from __future__ import annotations

import re
from dataclasses import field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.tags.slots import frame_of_tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from basekeeper.lifecycle.taglist import TagList
    from basekeeper.tags.candidates import History
    from basekeeper.tags.slots import Slot

_HINT: Final = re.compile(
    r"alpha|beta|rc|dev|preview|pre|snapshot|ea|cr|milestone|\d[ab]\d|[-.]m\d",
    re.ASCII | re.IGNORECASE,
)
"""What every prerelease has in its tag, and many others too."""


@lru_cache(maxsize=8192)  # one list is read for each tag of it in use
def _may_be_early(tag: str) -> bool:
    return _HINT.search(tag) is not None


@dataclass(frozen=True)
class Masks:
    """Finds the prerelease that a tag stands for."""

    path: str
    available: Mapping[str, History]
    listed: TagList | None
    _lines: dict[str, dict[tuple[int, ...], str]] = field(default_factory=dict)
    """Digest, or first prerelease of a group of the list → version or line → prerelease."""

    def behind(self, tag: str, slot: Slot) -> tuple[str, bool] | None:
        """Return the prerelease of this version that a tag stands for, and whether that is sure.

        None where it stands for none, as far as is known.
        """
        digest = next((one.digest for one in self.available[tag] if one.digest), None)
        names = self._by_list.get(tag) if digest is None else self._by_digest.get(digest)
        if not names:
            return None
        key = digest or names[0]
        if key not in self._lines:
            self._lines[key] = dict(self._lines_of(names))
        found = self._lines[key].get(slot.numbers)
        return None if found is None else (found, digest is not None)

    @cached_property
    def _by_digest(self) -> dict[str, list[str]]:
        """Digest → tags that may be prereleases, of those that stand for it now."""
        found: dict[str, list[str]] = {}
        for tag, history in self.available.items():
            digest = history[0].digest
            if digest is not None and _may_be_early(tag):
                found.setdefault(digest, []).append(tag)
        return found

    @cached_property
    def _by_list(self) -> dict[str, list[str]]:
        """Tag → tags of the same image that may be prereleases."""
        found: dict[str, list[str]] = {}
        for group in () if self.listed is None else self.listed.groups:
            early = [tag for tag in group if _may_be_early(tag)]
            for tag in group if early else ():
                found[tag] = early
        return found

    def _lines_of(self, names: Sequence[str]) -> Iterator[tuple[tuple[int, ...], str]]:
        """Yield each version and line that prereleases belong to, with the prerelease's tag."""
        for tag in sorted(names):
            frame = frame_of_tag(self.path, tag)
            main = None if frame.main is None else frame.slots[frame.main]
            if main is not None and main.is_prerelease:
                for count in range(1, len(main.numbers) + 1):
                    yield main.numbers[:count], tag
