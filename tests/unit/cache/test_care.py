from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.cache.care import cache_info, clear_cache
from basekeeper.cache.place import MARKER
from basekeeper.errors import InputError
from tests.unit.cache.test_disk import KEYS, SPACE, database, fill, opened, works

if TYPE_CHECKING:
    from pathlib import Path


def test_counts_entries_and_bytes(tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    info = cache_info(tmp_path / "cache", SPACE)
    assert (info.entries, info.problem) == (2 * len(KEYS), None)
    assert info.size == database(tmp_path / "cache").stat().st_size


@pytest.mark.parametrize("make", [False, True])
def test_new_place_is_an_empty_cache(tmp_path: Path, *, make: bool) -> None:
    if make:
        (tmp_path / "cache").mkdir(mode=0o700)
    info = cache_info(tmp_path / "cache", SPACE)
    assert (info.entries, info.size, info.problem) == (0, 0, None)
    assert clear_cache(tmp_path / "cache") == 0
    assert list(tmp_path.rglob("*")) == ([tmp_path / "cache"] if make else [])


def test_clearing_forgets_everything(tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    size = cache_info(tmp_path / "cache", SPACE).size
    assert size // 2 < clear_cache(tmp_path / "cache") < size
    assert cache_info(tmp_path / "cache", SPACE).entries == 0
    with opened(tmp_path / "cache") as cache:
        assert works(cache)


def test_clearing_harms_no_run_that_uses_it(tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    with opened(tmp_path / "cache") as cache:
        assert works(cache)
        clear_cache(tmp_path / "cache")
        with opened(tmp_path / "cache") as other:
            assert works(other)
        assert works(cache)
        assert cache.notices == ()
    with opened(tmp_path / "cache") as cache:
        assert works(cache)
        assert cache.notices == ()


def test_clearing_leaves_other_files_and_takes_those_of_other_versions(tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    names = ["note.txt", "answers.sqlite", "answers-0-7.sqlite", "answers-9-1.sqlite-wal"]
    for name in names:
        (tmp_path / "cache" / name).write_text("x")
    clear_cache(tmp_path / "cache")
    left = {path.name for path in (tmp_path / "cache").iterdir()}
    assert left == {MARKER, "note.txt", "answers.sqlite", "answers-1-1.sqlite"}


@pytest.mark.parametrize("mode", [0o700, 0o777])
def test_directory_that_is_no_cache_is_never_emptied(tmp_path: Path, mode: int) -> None:
    place = tmp_path / "thesis"
    place.mkdir()
    place.chmod(mode)
    (place / "answers-1-0.sqlite").write_text("mine")
    (place / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="cannot be emptied"):
        clear_cache(place)
    assert len(list(place.iterdir())) == 2
    assert cache_info(place, SPACE).problem is not None


def test_broken_file_counts_nothing_and_is_replaced(tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    database(tmp_path / "cache").write_bytes(b"no database at all" * 1000)
    assert cache_info(tmp_path / "cache", SPACE).entries == 0
