"""A tree with other contents in some of its files: what it would be after an edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.trees.tree import Tree


class Overlay:
    """Another tree, edited. Implements `basekeeper.trees.tree.Tree`."""

    def __init__(self, below: Tree, files: Mapping[str, bytes]) -> None:
        """Lay contents over files of a tree, which stays as it is."""
        self._below = below
        self._files = {self._real(path): data for path, data in files.items()}

    @property
    def label(self) -> str:
        """The label of the tree below."""
        return self._below.label

    def files(self) -> Iterator[str | Skipped]:
        """Yield the files of the tree below."""
        return self._below.files()

    def read(self, path: str) -> bytes | Skipped:
        """Return the new content of a file, under whatever name, else that of the tree below."""
        data = self._files.get(self._real(path))
        return self._below.read(path) if data is None else data

    def exists(self, path: str) -> bool:
        """Tell whether the tree below has a file."""
        return self._below.exists(path)

    def real_path(self, path: str) -> str | Skipped:
        """Follow the links of the tree below."""
        return self._below.real_path(path)

    def _real(self, path: str) -> str:
        real = self._below.real_path(path)
        return path if isinstance(real, Skipped) else real
