from __future__ import annotations

import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from basekeeper.builders.contexts import (
    MAX_DEPTH,
    MAX_DOCKERFILE_BYTES,
    ContextCopy,
    checked_parts,
    read_below,
)
from basekeeper.builders.failing import NoImage
from basekeeper.values.building import BuildLimits
from tests.unit.builders.rooms import room

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIMITS = BuildLimits()


def copied(tmp_path: Path, replaced: Mapping[str, bytes] | None = None) -> dict[str, str]:
    """Copy `tree`, and list what came of it: path → content, `→ target`, or `/`."""
    with room(tmp_path) as space:
        target = ContextCopy(space, LIMITS).copy(tmp_path / "tree", "context", replaced or {})
        found = {}
        for folder, folders, files in os.walk(target):
            for name in [*folders, *files]:
                path = os.path.join(folder, name)  # noqa: PTH118
                shown = os.path.relpath(path, target)
                if os.path.islink(path):  # noqa: PTH114
                    found[shown] = f"→ {os.readlink(path)}"  # noqa: PTH115
                elif os.path.isdir(path):  # noqa: PTH112
                    found[shown] = "/"
                else:
                    with open(path, encoding="utf-8") as handle:  # noqa: PTH123
                        found[shown] = handle.read()
        return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "file").write_text("content")
    (folder / "out").symlink_to("/etc")
    (folder / "sub" / "up").symlink_to("../../..")
    return folder


def test_folders_files_and_links_are_copied_and_no_link_is_followed(
    tree: Path, tmp_path: Path
) -> None:
    (tree / ".git").mkdir()
    (tree / ".git" / "config").write_text("x")
    assert copied(tmp_path) == {
        "sub": "/", "sub/file": "content", "sub/up": "→ ../../..", "out": "→ /etc",
    }  # fmt: skip


def test_modes_and_times_are_kept(tree: Path, tmp_path: Path) -> None:
    (tree / "sub" / "file").chmod(0o751)
    os.utime(tree / "sub" / "file", ns=(5, 7_000_000_001))
    (tree / "sub").chmod(0o555)
    with room(tmp_path) as space:
        copy = ContextCopy(space, LIMITS).copy(tree, "context", {})
        found = (copy / "sub" / "file").stat()
        assert stat.S_IMODE(found.st_mode) == 0o751
        assert found.st_mtime_ns == 7_000_000_001
        assert stat.S_IMODE((copy / "sub").stat().st_mode) == 0o555
        (copy / "sub").chmod(0o755)
    (tree / "sub").chmod(0o755)


def test_content_is_replaced_and_added(tree: Path, tmp_path: Path) -> None:
    found = copied(tmp_path, {"sub/file": b"other", "new/deep/file": b"n", "out": b"no link"})
    assert found["sub/file"] == "other"
    assert found["new/deep/file"] == "n"
    assert found["out"] == "no link"
    assert (tree / "sub" / "file").read_text() == "content"


@pytest.mark.parametrize("path", ["out/file", "sub/up/file", "sub/file/x", "../x", "/x", "", "a\0"])
def test_nothing_is_replaced_through_links_or_outside(
    tree: Path, tmp_path: Path, path: str
) -> None:
    with pytest.raises(NoImage):
        copied(tmp_path, {path: b"x"})


def test_a_pipe_is_refused(tree: Path, tmp_path: Path) -> None:
    os.mkfifo(tree / "sub" / "pipe")
    with pytest.raises(NoImage, match="'sub/pipe' in the build context is no file"):
        copied(tmp_path)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (replace(LIMITS, context_files=3), "more than 3 files"),
        (replace(LIMITS, disk_bytes=6), "larger than 6 bytes"),
        (replace(LIMITS, disk_bytes=8), "more than 8 bytes"),
    ],
)
def test_there_is_an_end_to_what_is_copied(
    tree: Path, tmp_path: Path, limits: BuildLimits, reason: str
) -> None:
    (tree / "sub" / "second").write_text("content")
    with room(tmp_path) as space, pytest.raises(NoImage, match=reason):
        ContextCopy(space, limits).copy(tree, "context", {})


def test_folders_nested_without_end_are_refused(tree: Path, tmp_path: Path) -> None:
    deep = tree
    for _ in range(MAX_DEPTH + 2):
        deep /= "d"
    deep.mkdir(parents=True)
    with pytest.raises(NoImage, match="nested deeper"):
        copied(tmp_path)


def test_a_missing_folder_is_no_bug(tmp_path: Path) -> None:
    with pytest.raises(NoImage, match="cannot be copied"):
        copied(tmp_path)


@pytest.mark.parametrize(
    "path", ["missing", "sub", "out/passwd", "sub/up", "loop", "../tree/sub/file"]
)
def test_only_files_of_the_context_are_read(tree: Path, path: str) -> None:
    (tree / "loop").symlink_to("loop")
    with pytest.raises(NoImage):
        read_below(tree, path)


def test_a_link_inside_the_context_is_followed(tree: Path) -> None:
    (tree / "link").symlink_to("sub/file")
    assert read_below(tree, "link") == b"content"


def test_a_file_without_end_is_refused(tree: Path) -> None:
    (tree / "big").write_bytes(b"#" * (MAX_DOCKERFILE_BYTES + 1))
    with pytest.raises(NoImage, match="larger than"):
        read_below(tree, "big")


def test_parts_of_a_path() -> None:
    assert checked_parts("./a//b") == ("a", "b")
