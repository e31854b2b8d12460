"""The lineage of an image: its repository and variant words, without anything that a release moves.

`python:3.12-slim-bookworm`, `python:3.13-slim` and `python:slim-trixie` are one lineage,
`docker.io/library/python:slim`; `python:3.12-alpine` is another. Releases of Debian and Ubuntu are
left out with their names, as most tags do not name them: the package URLs of the two differ anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.tags.axes import split_tag
from basekeeper.tags.slots import is_system
from basekeeper.tags.words import NODE_CODENAMES, OS_NEEDS_VERSION

if TYPE_CHECKING:
    from basekeeper.tags.axes import OperatingSystem, TagAxes

_UNNAMED_SYSTEMS: Final = frozenset({"debian", "ubuntu"})
"""What images stand on where their tags name no system, or only a codename."""

_MIN_HASH_CHARS: Final = 7
_HEXADECIMAL: Final = frozenset("abcdef")


def lineage(name: str, tag: str | None) -> str:
    """Return the lineage of an image; never fails.

    Args:
        name: `registry/path` of its repository.
        tag: None where it is named by its digest alone: then no variant is known.
    """
    if tag is None:
        return name
    path = name.partition("/")[2]
    axes = split_tag(path, tag)
    words = sorted(_words(axes, path))
    return f"{name}:{'-'.join(words)}" if words else name


def _words(axes: TagAxes, path: str) -> set[str]:
    codenames = NODE_CODENAMES if path.rpartition("/")[2] == "node" else ()
    found = {word for word in axes.variants if _is_lasting(word) and word not in codenames}
    found |= {runtime.name for runtime in axes.runtimes}
    if axes.os is not None and not is_system(path):
        found |= _system(axes.os)
    return found


def _system(system: OperatingSystem) -> set[str]:
    if system.product in _UNNAMED_SYSTEMS:
        return set()
    return {system.product if system.family in OS_NEEDS_VERSION else system.family}


def _is_lasting(word: str) -> bool:
    """Tell whether a word may stay over releases: no number in it, and no hash."""
    is_hash = len(word) >= _MIN_HASH_CHARS and _HEXADECIMAL.issuperset(word)
    return not is_hash and not any(letter.isdigit() for letter in word)
