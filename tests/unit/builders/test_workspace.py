from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from basekeeper.builders.failing import NoImage
from basekeeper.builders.identities import COUNT, FIRST, _spare_rows, choose_identities, granted
from basekeeper.builders.workspace import FOLDER_PREFIX, sweep
from tests.unit.builders.rooms import empty, room

if TYPE_CHECKING:
    from pathlib import Path


def test_a_workspace_is_private_and_removed(tmp_path: Path) -> None:
    with room(tmp_path) as space:
        space.write("file", b"x")
        (space.folder("folder") / "more").write_bytes(b"y")
        assert space.root.stat().st_mode & 0o777 == 0o700
        assert space.root.name.startswith(FOLDER_PREFIX)
    assert list(tmp_path.iterdir()) == []


def abandoned(directory: Path, name: str = "old", *, age: float = 1000) -> Path:
    folder = directory / f"{FOLDER_PREFIX}{name}"
    (folder / "open" / "store").mkdir(parents=True)
    (folder / "lock").touch()
    then = folder.stat().st_mtime - age
    os.utime(folder, (then, then))
    return folder


def test_what_a_dead_owner_left_is_removed_by_the_next(tmp_path: Path) -> None:
    folder = abandoned(tmp_path)
    with room(tmp_path):
        assert not folder.exists()


def test_what_is_young_or_held_or_of_others_stays(tmp_path: Path) -> None:
    young = abandoned(tmp_path, "young", age=1)
    held = abandoned(tmp_path, "held")
    (tmp_path / "other").mkdir()
    (tmp_path / f"{FOLDER_PREFIX}link").symlink_to(tmp_path / "other")
    (tmp_path / f"{FOLDER_PREFIX}file").touch()
    with (held / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sweep(tmp_path, empty)
    assert young.exists()
    assert held.exists()
    assert (tmp_path / "other").exists()


def test_a_workspace_in_use_is_never_swept(tmp_path: Path) -> None:
    with room(tmp_path) as space:
        os.utime(space.root, (1, 1))
        sweep(tmp_path, empty)
        assert space.open.exists()


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoImage, match="no private folder in"):
        room(tmp_path / "missing").__enter__()


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("me:100000:65536\n", [100000, COUNT - 1]),
        ("other:1:65536\nme:200000:65536\n", [200000, COUNT - 1]),
        ("1000:300000:70000\n", [300000, COUNT - 1]),
        ("me:100000:10\n", None),
        ("me:100000\n", None),
        ("me:x:y\n", None),
        ("", None),
    ],
)
def test_ids_are_those_that_were_granted(text: str, row: list[int] | None) -> None:
    assert granted(text, ("me", "1000")) == row


@pytest.mark.parametrize(
    ("present", "rows"),
    [
        ([[0, 0, 2**32 - 1]], [[0, FIRST, COUNT]]),
        ([[0, 100_000, 65_536]], [[0, 1, 65_535]]),
        ([[0, 1000, 1], [1, 100_000, 200_000]], [[0, 134_465, COUNT]]),
        ([[0, 1000, 1]], []),
        ([], []),
    ],
)
def test_root_takes_ids_that_nobody_else_has(
    present: list[list[int]], rows: list[list[int]]
) -> None:
    assert _spare_rows(present) == rows


def test_whoever_has_no_ids_to_give_is_told_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4_000_000_000)
    with pytest.raises(NoImage, match="may not map") as caught:
        choose_identities()
    assert "add-subuids" in (caught.value.hint or "")
