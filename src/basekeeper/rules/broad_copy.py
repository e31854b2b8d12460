"""`broad-copy`: a whole system directory or a cache is copied from another stage."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.rules.builds import chains, place_of_step
from basekeeper.rules.rule import Defect, FileRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.builds import Chain
    from basekeeper.rules.rule import FileView
    from basekeeper.rules.steps import Copy

SYSTEM: Final = frozenset(("/", "/usr", "/usr/local", "/root", "/home", "/go", "/var", "/lib"))
"""Directories that hold far more than a program needs, tools among it."""

_CACHE: Final = re.compile(
    r"/(?:root|home/[^/]+)/\.(?:cache|m2|npm|cargo|gradle|ivy2|nuget|rustup|yarn)"
    r"|/go/pkg(?:/mod)?|/usr/local/(?:cargo|rustup|go)|/var/cache(?:/.*)?"
)
"""What package managers and compilers leave behind."""


def _inspect(view: FileView, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for each copy into the final chain that takes too much."""
    for chain in chains(view):
        for step, copy in chain.copies:
            broad = [path for path in copy.paths if path in SYSTEM or _CACHE.fullmatch(path)]
            if not broad or copy.excludes or _is_all_of_a_built_root(chain, copy, broad):
                continue
            tools = chain.tools_of(copy.source)
            yield Defect(
                place=replace(
                    place_of_step(chain, step), subject=f"COPY {copy.source} {' '.join(broad)}"
                ),
                message=f"copies all of {' and '.join(broad)} from {copy.source}"
                + (f", which holds {tools}" if tools else ""),
                remedy="copy only the files that the program needs",
                confidence=_confidence(chain, copy, tools),
            )


def _confidence(chain: Chain, copy: Copy, tools: str | None) -> str:
    """Tell how surely the copy takes too much: an image may well hold nothing but one program."""
    if tools:
        return "high"
    return "low" if chain.is_untouched(copy.source) else "medium"


def _is_all_of_a_built_root(chain: Chain, copy: Copy, broad: list[str]) -> bool:
    """Tell whether `/` is copied from a stage that started empty: it holds nothing by accident."""
    return broad == ["/"] and chain.starts_empty(copy.source)


RULE: Final = FileRule(
    id="broad-copy",
    summary="a whole system directory or a cache is copied from another stage",
    inspect=_inspect,
)
