from __future__ import annotations

import os
import tempfile
import time
from typing import TYPE_CHECKING

import pytest

from basekeeper.folders import YOUNG_SECONDS, PrivateFolder, sweep

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def left_behind(folder: Path) -> Path:
    """Make a folder as old as one that nobody comes back for."""
    folder.mkdir(exist_ok=True)
    old = time.time() - 2 * YOUNG_SECONDS
    os.utime(folder, (old, old))
    return folder


def test_a_folder_is_private_and_goes_with_its_block(tmp_path: Path) -> None:
    with PrivateFolder("scan") as folder:
        assert folder.path.parent == tmp_path
        assert folder.path.stat().st_mode & 0o777 == 0o700
        (folder.path / "below").mkdir()
        (folder.path / "below" / "file").touch()
    assert list(tmp_path.iterdir()) == []
    folder.close()


def test_a_link_in_it_is_removed_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    with PrivateFolder("git") as folder:
        (folder.path / "objects").symlink_to(kept)
    assert list(tmp_path.iterdir()) == [kept]


def test_what_a_killed_run_left_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    left = left_behind(tmp_path / "basekeeper-image-abcd1234")
    with PrivateFolder("ledger"):
        assert not left.exists()


def test_a_folder_in_use_stays_however_old(tmp_path: Path) -> None:
    with PrivateFolder("image") as folder:
        left_behind(folder.path)
        sweep(tmp_path)
        assert folder.path.is_dir()


@pytest.mark.parametrize(
    "name", ["basekeeper-other-abcd", "basekeeper-scan", "xbasekeeper-scan-ab", "scan-abcd"]
)
def test_what_has_another_name_is_nobodys_business(tmp_path: Path, name: str) -> None:
    other = left_behind(tmp_path / name)
    sweep(tmp_path)
    assert other.exists()


def test_a_young_folder_a_file_and_a_link_stay(tmp_path: Path) -> None:
    young = tmp_path / "basekeeper-git-young"
    young.mkdir()
    file = tmp_path / "basekeeper-git-file"
    file.touch()
    link = tmp_path / "basekeeper-git-link"
    link.symlink_to(left_behind(tmp_path / "elsewhere"))
    old = time.time() - 2 * YOUNG_SECONDS
    os.utime(file, (old, old))
    sweep(tmp_path)
    assert young.is_dir()
    assert file.is_file()
    assert link.is_dir()


def test_a_directory_that_is_not_there_is_no_matter(tmp_path: Path) -> None:
    sweep(tmp_path / "none")
