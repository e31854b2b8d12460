"""What the paths of a command line mean, and the trees and facts that lie there.

One directory is the root of what is looked at. Files, or several paths, are looked at from the
current directory, which then is the root, so that reports name them as the user did.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from basekeeper.config.sources import CONFIG_PATHS
from basekeeper.errors import InputError
from basekeeper.records import dataclass
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.trees.revision import GitTree
    from basekeeper.trees.tree import Tree
    from basekeeper.trees.working import WorkingTree
    from basekeeper.values.settings import DiscoverSettings

    Reader = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Location:
    """What the paths of a command line mean."""

    root: Path
    """The directory that paths of the report are relative to."""
    only: tuple[str, ...] = ()
    """Files and directories below the root to report; empty: everything."""
    files: tuple[str, ...] = ()
    """Those of `only` that are files."""
    notices: tuple[str, ...] = ()


def locate(paths: Sequence[str]) -> Location:
    """Tell root and selection from the paths that a user named; none means the current directory.

    Raises:
        InputError: A path does not exist, or several have no root in common.
    """
    for path in paths:
        _check_exists(path)
    first = Path(paths[0]) if paths else Path()
    if len(paths) <= 1 and first.is_dir():
        return Location(first, notices=_unread_config(first))
    here = Path.cwd()
    root = here if all(_is_below(path, here) for path in paths) else None
    if root is None and len(paths) == 1:
        return Location(first.parent, (first.name,), (first.name,))
    if root is None:
        raise InputError(
            "several paths must all lie below the current directory",
            hint="change to a directory above them, or check them one by one",
        )
    only = [_absolute(path).relative_to(here).as_posix() for path in paths]
    if "." in only:
        return Location(Path())
    names = tuple(dict.fromkeys(only))
    return Location(Path(), names, tuple(name for name in names if not Path(name).is_dir()))


def open_tree(root: Path, settings: DiscoverSettings) -> WorkingTree:
    """Open a directory as it lies there.

    Raises:
        InputError: It cannot be read.
    """
    from basekeeper.trees.working import WorkingTree  # noqa: PLC0415  # only verbs that read trees

    return WorkingTree(
        root,
        respect_gitignore=settings.respect_gitignore,
        follow_submodules=settings.follow_submodules,
    )


def open_revision(root: Path, ref: str) -> GitTree:
    """Open a directory as a revision of its repository has it.

    Raises:
        InputError: There is no such repository or revision, or no git.
    """
    from basekeeper.trees.revision import GitTree  # noqa: PLC0415  # only with `--since`

    return GitTree(root, ref)


def reader_of(tree: Tree) -> Reader:
    """Return a reader of configuration files from a tree.

    The reader raises InputError where a file is there and cannot be read.
    """

    def read(path: str) -> bytes | None:
        if not tree.exists(path):
            return None
        data = tree.read(path)
        if isinstance(data, Skipped):
            raise InputError(f"{tree.label}: {data.path!r} {data.reason}", hint=data.hint)
        return data

    return read


def data_directory() -> Path:
    """Return where refreshed lifecycle data lies (XDG base directory specification)."""
    named = os.environ.get("XDG_DATA_HOME", "")
    base = Path(named) if named.startswith("/") else Path.home() / ".local" / "share"
    return base / "basekeeper"


def open_catalogue() -> Catalogue:
    """Open the facts about images: the bundled ones, or refreshed ones where these are newer.

    Raises:
        InputError: The refreshed data is unusable.
    """
    from basekeeper.lifecycle.catalogue import Catalogue  # noqa: PLC0415  # not for every verb

    directory = data_directory()
    return Catalogue.load(directory) if directory.is_dir() else Catalogue.bundled()


def _check_exists(path: str) -> None:
    """Refuse a path that names nothing."""
    try:
        Path(path).stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"path {path!r} cannot be read: {reason}",
            hint="name a directory or a file that exists and that you may read",
        ) from error


def _is_below(path: str, directory: Path) -> bool:
    """Tell whether a path lies below a directory, or is it, by name."""
    return _absolute(path).is_relative_to(directory)


def _absolute(path: str) -> Path:
    """Make a path absolute by its name alone: a link below the root stays below it."""
    return Path(os.path.abspath(path))  # noqa: PTH100  # `resolve` would follow links


def _unread_config(root: Path) -> tuple[str, ...]:
    """Tell of a configuration that applies to the repository around, but not to this root."""
    top = root.resolve()
    for above in top.parents:
        if (top / ".git").exists():
            return ()
        found = next((name for name in CONFIG_PATHS if (above / name).is_file()), None)
        if found is not None:
            notice = f"{found} of a directory above is not read; to apply it, check from there"
            return (notice,)
        top = above
    return ()
