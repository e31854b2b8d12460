"""Reading a working tree: never outside it, never for ever, and always with a reason."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import InputError
from basekeeper.trees.tree import MAX_FILE_BYTES
from basekeeper.trees.working import WorkingTree
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.trees.conftest import Powerless, Write


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[WorkingTree]:
    (tmp_path / "root").mkdir()
    with WorkingTree(tmp_path / "root") as found:
        yield found


def reason(found: bytes | str | Skipped) -> str:
    assert isinstance(found, Skipped)
    return found.reason


def test_a_text_file_is_read_byte_by_byte(tree: WorkingTree, write: Write) -> None:
    data = b"\xef\xbb\xbfFROM alpine\r\n# caf\xe9\r\n"
    write("root/a/b/Dockerfile", data)
    assert tree.read("a/b/Dockerfile") == data
    assert tree.exists("a/b/Dockerfile")
    assert tree.real_path("a/b/Dockerfile") == "a/b/Dockerfile"


def test_a_missing_root_is_told_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file or directory") as caught:
        WorkingTree(tmp_path / "gone")
    assert caught.value.hint is not None


def test_a_root_with_a_nul_byte_is_an_error_of_ours() -> None:
    with pytest.raises(InputError, match="null"):
        WorkingTree("a\0b")


def test_a_root_that_links_to_itself_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="cannot be read"):
        WorkingTree(tmp_path / "loop")


def test_a_single_file_is_a_tree_of_one(write: Write) -> None:
    path = write("root/Dockerfile")
    write("root/other/Dockerfile")
    with WorkingTree(path) as tree:
        assert list(tree.files()) == ["Dockerfile"]
        assert tree.only == "Dockerfile"
        assert tree.read("Dockerfile") == b"FROM alpine\n"
        assert tree.label == str(path)


def test_what_is_not_there_is_told(tree: WorkingTree) -> None:
    assert reason(tree.read("gone")) == "does not exist"
    assert reason(tree.read("gone/Dockerfile")) == "does not exist"
    assert reason(tree.real_path("gone/Dockerfile")) == "does not exist"
    assert reason(tree.real_path("gone")) == "does not exist"
    assert not tree.exists("gone")
    assert not tree.exists("a\0b")
    assert "embedded null" in reason(tree.read("a\0b"))


def test_a_directory_is_no_file(tree: WorkingTree, write: Write) -> None:
    write("root/Dockerfile/inner")
    assert reason(tree.read("Dockerfile")) == "is not a regular file"
    assert not tree.exists("Dockerfile")


def test_a_fifo_never_hangs(tree: WorkingTree, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "root/Dockerfile")
    assert reason(tree.read("Dockerfile")) == "is not a regular file"


def test_a_device_is_not_read(tree: WorkingTree, tmp_path: Path) -> None:
    (tmp_path / "root/Dockerfile").symlink_to("/dev/zero")
    assert reason(tree.read("Dockerfile")).startswith("leads out of the tree")


def test_a_binary_file_is_told(tree: WorkingTree, write: Write) -> None:
    write("root/Dockerfile", b"\x7fELF\0\0")
    assert reason(tree.read("Dockerfile")) == "is a binary file, not text"


def test_ten_megabytes_are_read_and_a_hundred_are_not(tree: WorkingTree, write: Write) -> None:
    write("root/Dockerfile", b"FROM alpine\n" + b"#" * 10_000_000)
    data = tree.read("Dockerfile")
    assert isinstance(data, bytes)
    assert len(data) == 10_000_012
    path = write("root/Dockerfile.huge", b"")
    os.truncate(path, 100 * 1024 * 1024)
    found = tree.read("Dockerfile.huge")
    assert reason(found) == "is larger than 16 MiB (100 MiB)"
    assert isinstance(found, Skipped)
    assert found.hint is not None


def test_a_file_of_the_largest_size_is_read(tree: WorkingTree, write: Write) -> None:
    write("root/Dockerfile", b"#" * MAX_FILE_BYTES)
    assert isinstance(tree.read("Dockerfile"), bytes)
    write("root/Dockerfile", b"#" * (MAX_FILE_BYTES + 1))
    assert isinstance(tree.read("Dockerfile"), Skipped)


def test_links_within_the_root_are_followed(
    tree: WorkingTree, write: Write, tmp_path: Path
) -> None:
    write("root/real/Dockerfile")
    (tmp_path / "root/Dockerfile").symlink_to("real/Dockerfile")
    (tmp_path / "root/alias").symlink_to("real")
    for path in ("Dockerfile", "alias/Dockerfile"):
        assert tree.read(path) == b"FROM alpine\n"
        assert tree.real_path(path) == "real/Dockerfile"
        assert tree.exists(path)


def test_links_that_leave_the_root_are_not(tree: WorkingTree, write: Write, tmp_path: Path) -> None:
    write("outside/Dockerfile")
    (tmp_path / "root/Dockerfile").symlink_to("../outside/Dockerfile")
    (tmp_path / "root/alias").symlink_to(tmp_path / "outside")
    for path in ("Dockerfile", "alias/Dockerfile"):
        assert reason(tree.read(path)).startswith("leads out of the tree, to ")
        assert isinstance(tree.real_path(path), Skipped)
    assert not tree.exists("alias/Dockerfile")


@pytest.mark.parametrize(
    "path", ["../outside/Dockerfile", "a/../../outside/Dockerfile", "/etc/passwd", "", ".."]
)
def test_paths_that_leave_the_root_are_not_read(tree: WorkingTree, write: Write, path: str) -> None:
    write("outside/Dockerfile")
    write("root/a/x")
    assert isinstance(tree.read(path), Skipped)


def test_links_in_a_circle_and_to_nothing_are_told(tree: WorkingTree, tmp_path: Path) -> None:
    (tmp_path / "root/a").symlink_to("b")
    (tmp_path / "root/b").symlink_to("a")
    (tmp_path / "root/c").symlink_to("nothing")
    assert reason(tree.read("a")) == "is a link that leads in a circle"
    assert reason(tree.real_path("a/x")) == "is a link that leads in a circle"
    assert reason(tree.read("c")) == "is a link to nothing"


def test_a_file_without_permission_is_told(open_directory: Path, powerless: Powerless) -> None:
    path = open_directory / "Dockerfile"
    path.write_text("FROM alpine\n")
    path.chmod(0o000)
    with WorkingTree(open_directory) as tree, powerless():
        found = tree.read("Dockerfile")
    assert reason(found) == "cannot be read: Permission denied"
    assert isinstance(found, Skipped)
    assert found.hint == "give this user the right to read it, or exclude it"


def test_a_link_put_in_the_way_while_reading_is_not_followed(
    tree: WorkingTree, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("outside/Dockerfile")
    (tmp_path / "root/Dockerfile").symlink_to("../outside/Dockerfile")
    monkeypatch.setattr(tree, "_resolved", lambda _path: "Dockerfile")  # looked harmless just now
    assert reason(tree.read("Dockerfile")).startswith("is a link that leads in a circle")


def test_files_are_those_of_the_listing(tree: WorkingTree, write: Write) -> None:
    write("root/Dockerfile")
    assert list(tree.files()) == ["Dockerfile"]


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    tree = WorkingTree(tmp_path)
    tree.close()
    tree.close()
