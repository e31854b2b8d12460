from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.trees.overlay import Overlay
from basekeeper.trees.working import WorkingTree
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from pathlib import Path


def test_an_overlay_is_the_tree_with_other_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "b").write_bytes(b"other")
    (tmp_path / "link").symlink_to("a")
    with WorkingTree(tmp_path) as tree:
        over = Overlay(tree, {"link": b"new"})
        assert over.label == tree.label
        assert sorted(map(str, over.files())) == sorted(map(str, tree.files()))
        assert [over.read(path) for path in ("a", "b", "link")] == [b"new", b"other", b"new"]
        assert (over.exists("a"), over.exists("c")) == (True, False)
        assert over.real_path("link") == "a"
        assert isinstance(over.read("c"), Skipped)
        assert tree.read("a") == b"old"
