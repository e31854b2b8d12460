"""What every run shares, and the first step of each: finding the uses of images in a tree."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from basekeeper.discover import discover
from basekeeper.records import dataclass
from basekeeper.trees.names import kind_of
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.policy.load import Config
    from basekeeper.trees.tree import Tree
    from basekeeper.values.settings import DiscoverSettings
    from basekeeper.values.use import Survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What all steps of one run share."""

    config: Config
    catalogue: Catalogue
    now: datetime
    """The one reading of the clock, UTC."""
    only: tuple[str, ...] = ()
    """Files and directories below the root to report; empty: everything."""
    files: tuple[str, ...] = ()
    """Those of `only` that are files; each is read whatever its name."""
    rules: tuple[str, ...] = ()
    """Rules to apply; empty: all."""
    has_operator: bool = False
    """Whether the policy is an operator's, not the repository's own."""


def survey(tree: Tree, run: Run, *, progress: Callable[[int], None] | None = None) -> Survey:
    """Find every use of an image in a tree, within the selection of the run.

    `progress` is called now and then with the number of files read so far.
    """
    return within_selection(discover(tree, discover_settings(run), progress=progress), run)


def narrowed_settings(config: Config, extra: DiscoverSettings) -> Config:
    """Add what the command line says about discovery to a configuration."""
    given = config.settings.discover
    settings = replace(
        given,
        include=(*given.include, *extra.include),
        exclude=(*given.exclude, *extra.exclude),
        build_args={**given.build_args, **extra.build_args},
        platforms=extra.platforms or given.platforms,
    )
    return replace(config, settings=replace(config.settings, discover=settings))


def discover_settings(run: Run) -> DiscoverSettings:
    """Return the settings of discovery; files that the user named are read whatever their name."""
    settings = run.config.settings.discover
    named = tuple(_literal(path) for path in run.files if kind_of(path) is None)
    return replace(settings, dockerfiles=(*settings.dockerfiles, *named))


def _literal(path: str) -> str:
    """Write a path as a pattern that matches it alone."""
    return "/" + re.sub(r"([\\*?\[\]!#])", r"\\\1", path)


def within_selection(found: Survey, run: Run) -> Survey:
    """Keep what lies within the selection; a named file that was not read is told of."""
    if not run.only:
        return found
    read = {file.path for file in found.files} | {item.path for item in found.skipped}
    missing = tuple(
        Skipped(path, None, "was not read", "git ignores it, or `exclude` covers it")
        for path in run.files
        if path not in read
    )
    return replace(
        found,
        files=tuple(file for file in found.files if is_in(file.path, run)),
        uses=tuple(use for use in found.uses if is_in(use.path, run)),
        skipped=(*(item for item in found.skipped if is_in(item.path, run)), *missing),
    )


def is_in(path: str, run: Run) -> bool:
    """Tell whether a file is within the selection of the run."""
    if not run.only:
        return True
    outer = path.partition("#")[0]
    return any(
        name in run.only
        for whole in (path, outer)
        for name in (whole, *(parent.as_posix() for parent in PurePosixPath(whole).parents))
    )


def content(tree: Tree, path: str) -> bytes | None:
    """Return the content of a file; None where there is none, or none that can be read."""
    data = tree.read(path) if tree.exists(path) else None
    return data if isinstance(data, bytes) else None
