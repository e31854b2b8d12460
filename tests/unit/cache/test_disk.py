from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper.cache import store
from basekeeper.cache.disk import MAX_FAILURES, DiskCache
from basekeeper.cache.place import MARKER, MARKER_TEXT
from tests.contract.test_cache import sha256

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPACE = 16 * 1024 * 1024
KEYS = [f"answer {index}" for index in range(300)]


def opened(directory: Path, max_bytes: int = SPACE) -> contextlib.closing[DiskCache]:
    return contextlib.closing(DiskCache(directory, max_bytes=max_bytes))


def fill(directory: Path) -> None:
    with opened(directory) as cache:
        for key in KEYS:
            cache.keep_answer(key, key.encode() * 20, now=NOW)
            cache.keep_content(sha256(key.encode()), key.encode())


def is_sound(cache: DiskCache) -> bool:
    """Whether everything that is there is right."""
    for key in KEYS:
        if cache.answer(key, now=NOW, max_age=HOUR) not in (None, key.encode() * 20):
            return False
        if cache.content(sha256(key.encode())) not in (None, key.encode()):
            return False
    return True


def works(cache: DiskCache) -> bool:
    """Whether something new is kept."""
    cache.keep_answer("new", b"new", now=NOW)
    return cache.answer("new", now=NOW, max_age=HOUR) == b"new"


def database(directory: Path) -> Path:
    return max(directory.glob("answers-*.sqlite"))


def test_everything_is_there_in_the_next_run(tmp_path: Path) -> None:
    fill(tmp_path / "a" / "cache")
    with opened(tmp_path / "a" / "cache") as cache:
        assert all(cache.answer(key, now=NOW, max_age=HOUR) for key in KEYS)
        assert all(cache.content(sha256(key.encode())) for key in KEYS)
        assert cache.notices == ()


def test_nothing_is_made_before_it_is_used(tmp_path: Path) -> None:
    with opened(tmp_path / "cache"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        with opened(tmp_path / "cache") as cache:
            assert works(cache)
            modes = {
                path.name: stat.S_IMODE(path.stat().st_mode)
                for path in (tmp_path / "cache").iterdir()
            }
    finally:
        os.umask(old)
    assert set(modes.values()) == {0o600}
    assert len(modes) == 4  # the mark, the file, its log and the log's index
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def test_directory_is_marked_for_backup_programs(tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    assert (tmp_path / "cache" / MARKER).read_bytes() == MARKER_TEXT


def _occupied(place: Path) -> None:
    place.mkdir(mode=0o700)
    (place / "thesis.txt").write_text("mine")


def _writable_for_others(place: Path) -> None:
    place.mkdir()
    place.chmod(0o777)


def _writable_for_the_group(place: Path) -> None:
    place.mkdir()
    place.chmod(0o770)


def _linked(place: Path) -> None:
    (place.parent / "target").mkdir(mode=0o700)
    place.symlink_to(place.parent / "target")


def _below_a_file(place: Path) -> None:
    place.write_text("x")


def _linked_file(place: Path) -> None:
    fill(place)
    path = database(place)
    path.rename(place.parent / "elsewhere.sqlite")
    path.symlink_to(place.parent / "elsewhere.sqlite")


def _linked_mark(place: Path) -> None:
    _occupied(place)
    (place.parent / "mark").write_bytes(MARKER_TEXT)
    (place / MARKER).symlink_to(place.parent / "mark")


def _anothers(place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory to another user")
    place.mkdir(mode=0o700)
    os.chown(place, 65534, 65534)


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (_occupied, "holds files that are not of a cache"),
        (_writable_for_others, "other users may write"),
        (_writable_for_the_group, "other users may write"),
        (_linked, "is a link"),
        (_below_a_file, "is no directory"),
        (_linked_file, "is no file of ours"),
        (_linked_mark, "holds files that are not of a cache"),
        (_anothers, "belongs to another user"),
    ],
)
def test_unsafe_place_is_not_used_and_told_of_once(
    tmp_path: Path, prepare: object, reason: str
) -> None:
    assert callable(prepare)
    prepare(tmp_path / "cache")
    before = sorted(tmp_path.rglob("*"))
    with opened(tmp_path / "cache") as cache:
        assert not works(cache)
        assert not works(cache)
        (notice,) = cache.notices
    assert reason in notice
    assert "cache" in notice
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_impossible_name_of_a_directory_is_told_of(tmp_path: Path, name: str) -> None:
    with opened(tmp_path / name) as cache:
        assert not works(cache)
        assert len(cache.notices) == 1


def test_old_files_in_a_marked_directory_are_left_alone(tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    (tmp_path / "cache" / "note.txt").write_text("mine")
    with opened(tmp_path / "cache") as cache:
        assert works(cache)
    assert (tmp_path / "cache" / "note.txt").read_text() == "mine"


@pytest.mark.parametrize("kept", [0, 1, 16, 99, 100, 4096, 5000, 8192, 20_000, 60_000])
def test_truncated_file_gives_no_wrong_answer(tmp_path: Path, kept: int) -> None:
    fill(tmp_path / "cache")
    os.truncate(database(tmp_path / "cache"), kept)
    with opened(tmp_path / "cache") as cache:
        assert is_sound(cache)
        assert works(cache)
        assert cache.notices == ()
    with opened(tmp_path / "cache") as cache:
        assert cache.answer("new", now=NOW, max_age=HOUR) == b"new"
    assert len(list((tmp_path / "cache").glob("*.sqlite"))) == 1


@pytest.mark.parametrize("seed", range(40))
def test_tampered_file_gives_no_wrong_answer(tmp_path: Path, seed: int) -> None:
    fill(tmp_path / "cache")
    path = database(tmp_path / "cache")
    data = bytearray(path.read_bytes())
    for step in range(1 + seed * 5):
        place = (seed * 2_654_435_761 + step * 40_503 * 977) % len(data)
        data[place] ^= 1 + (seed + step) % 255
    path.write_bytes(data)
    with opened(tmp_path / "cache") as cache:
        assert is_sound(cache)
        assert works(cache) or cache.notices


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entry SET data = x'00'",
        "UPDATE entry SET data = 'text'",
        "UPDATE entry SET at = at + 1",
        "UPDATE entry SET at = 'yesterday'",
        "UPDATE entry SET seal = x''",
        "UPDATE entry SET used = 'x'",
        "DROP TABLE entry",
        "ALTER TABLE entry RENAME data TO other",
        "DELETE FROM entry",
    ],
)
def test_changed_rows_are_missing(tmp_path: Path, change: str) -> None:
    fill(tmp_path / "cache")
    with contextlib.closing(sqlite3.connect(database(tmp_path / "cache"))) as connection:
        connection.execute(change)
        connection.commit()
    with opened(tmp_path / "cache") as cache:
        assert is_sound(cache)
        assert works(cache)
        assert cache.notices == ()


def test_wrong_entry_is_removed(tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    with contextlib.closing(sqlite3.connect(database(tmp_path / "cache"))) as connection:
        connection.execute("UPDATE entry SET data = x'00'")
        connection.commit()
        with opened(tmp_path / "cache") as cache:
            assert cache.answer(KEYS[0], now=NOW, max_age=HOUR) is None
            assert cache.content(sha256(KEYS[0].encode())) is None
        (left,) = connection.execute("SELECT count(*) FROM entry").fetchone()
    assert left == 2 * len(KEYS) - 2


def test_answer_moved_to_another_key_is_missing(tmp_path: Path) -> None:
    with opened(tmp_path / "cache") as cache:
        cache.keep_answer("evil", b"evil", now=NOW)
        cache.keep_answer("good", b"good", now=NOW)
    with contextlib.closing(sqlite3.connect(database(tmp_path / "cache"))) as connection:
        rows = connection.execute("SELECT key, seal, data FROM entry ORDER BY rowid").fetchall()
        connection.execute(
            "UPDATE entry SET seal = ?, data = ? WHERE key = ?", (*rows[0][1:], rows[1][0])
        )
        connection.commit()
    with opened(tmp_path / "cache") as cache:
        assert cache.answer("good", now=NOW, max_age=HOUR) is None


def test_file_that_is_busy_for_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.01)
    fill(tmp_path / "cache")
    with contextlib.closing(
        sqlite3.connect(database(tmp_path / "cache"), isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        with opened(tmp_path / "cache") as cache:
            assert cache.answer(KEYS[0], now=NOW, max_age=HOUR) is not None
            for number in range(store.WAITING_ENTRIES + MAX_FAILURES):
                cache.keep_answer(f"x{number}", b"x", now=NOW)
            assert "locked" in cache.notices[0]
            assert len(cache.notices) == 1


def test_file_system_without_hard_links_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    with opened(tmp_path / "cache") as cache:
        assert works(cache)
        assert cache.notices == ()


FULL = """
import resource, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from basekeeper.cache.disk import DiskCache
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
now = datetime(2026, 11, 23, 8, tzinfo=UTC)
cache = DiskCache(Path(sys.argv[1]), max_bytes=1 << 24)
for index in range(int(sys.argv[3])):
    cache.keep_answer(str(index), b"." * 3000, now=now)
if len(sys.argv) > 4:
    cache.close()
wrong = [i for i in range(300) if cache.answer(str(i), now=now, max_age=timedelta(1)) is not None]
cache.close()
print(len(wrong), len(cache.notices), *cache.notices)
"""


@pytest.mark.parametrize("room", [0, 100, 5_000, 40_000, 200_000])
def test_file_that_cannot_grow_is_told_of_once(tmp_path: Path, room: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "cache"), str(room), "300"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.startswith("0 1 the cache ")
    with opened(tmp_path / "cache") as cache:
        assert works(cache)
        assert cache.notices == ()


def test_what_cannot_be_written_at_the_end_is_told_of_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "cache"), "40000", "20", "closed"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (done.stderr, done.stdout[:14]) == ("", "0 1 the cache ")


UNPRIVILEGED = """
import os, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from basekeeper.cache.disk import DiskCache
os.setuid(int(sys.argv[2]))
now = datetime(2026, 11, 23, 8, tzinfo=UTC)
cache = DiskCache(Path(sys.argv[1]), max_bytes=1 << 24)
cache.keep_answer("new", b"new", now=now)
print(cache.answer("new", now=now, max_age=timedelta(1)), *cache.notices)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")
@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_directory_without_permission_is_told_of(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.geteuid() and parent != parent.parent:
            parent.chmod(parent.stat().st_mode | 0o011)
    place = tmp_path / "closed"
    place.mkdir()
    os.chown(place, 65534, 65534)
    place.chmod(mode)
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(place), "65534"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("None the cache")
    assert "Permission denied" in done.stdout


def test_what_earlier_runs_used_last_stays_longest(tmp_path: Path) -> None:
    data = b"." * 50_000
    for names in (range(100), range(50), range(100, 150)):
        with opened(tmp_path / "cache") as cache:
            for name in names:
                if cache.answer(str(name), now=NOW, max_age=HOUR) is None:
                    cache.keep_answer(str(name), data, now=NOW)
    with opened(tmp_path / "cache", max_bytes=6_000_000) as cache:
        cache.keep_answer("more", data, now=NOW)
    with opened(tmp_path / "cache", max_bytes=6_000_000) as cache:
        there = {
            name for name in range(150) if cache.answer(str(name), now=NOW, max_age=HOUR) == data
        }
    assert set(range(100, 150)) <= there
    assert not there & set(range(50, 90))
    assert len(there & set(range(50))) > 30


def test_smaller_limit_shrinks_the_file(tmp_path: Path) -> None:
    with opened(tmp_path / "cache") as cache:
        for name in range(100):
            cache.keep_answer(str(name), b"." * 100_000, now=NOW)
    before = database(tmp_path / "cache").stat().st_size
    with opened(tmp_path / "cache", max_bytes=2_000_000) as cache:
        assert works(cache)
    after = database(tmp_path / "cache").stat().st_size
    assert before > 8_000_000
    assert after <= 2_000_000


WRITER = """
import hashlib, sys
from datetime import UTC, datetime
from pathlib import Path
from basekeeper.cache.disk import DiskCache
now = datetime(2026, 11, 23, 8, tzinfo=UTC)
cache = DiskCache(Path(sys.argv[1]), max_bytes=1 << 24)
print("ready", flush=True)
for index in range(int(sys.argv[2])):
    key = f"answer {index % 300}"
    cache.keep_answer(key, key.encode() * 20, now=now)
    cache.keep_content(f"sha256:{hashlib.sha256(key.encode()).hexdigest()}", key.encode())
cache.close()
print(*cache.notices)
"""


def writer(directory: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(directory), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_is_shared_between_processes(tmp_path: Path) -> None:
    writers = [writer(tmp_path / "cache", 600) for _ in range(4)]
    outputs = [process.communicate(timeout=60)[0] for process in writers]
    assert outputs == ["ready\n\n"] * 4
    with opened(tmp_path / "cache") as cache:
        assert is_sound(cache)
        assert all(cache.answer(key, now=NOW, max_age=HOUR) for key in KEYS)


def seen_by_another_run(directory: Path) -> int:
    with opened(directory) as cache:
        assert is_sound(cache)
        return sum(cache.answer(key, now=NOW, max_age=HOUR) is not None for key in KEYS)


def keep(cache: DiskCache, keys: list[str]) -> None:
    for key in keys:
        cache.keep_answer(key, key.encode() * 20, now=NOW)


def test_other_runs_see_what_waited_as_soon_as_it_is_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WAITING_SECONDS", 3600)
    with opened(tmp_path / "cache") as cache:
        keep(cache, KEYS[: store.WAITING_ENTRIES - 1])
        assert seen_by_another_run(tmp_path / "cache") == 0
        assert is_sound(cache)
        assert cache.answer(KEYS[0], now=NOW, max_age=HOUR) is not None
        keep(cache, KEYS[store.WAITING_ENTRIES - 1 :])
        assert seen_by_another_run(tmp_path / "cache") == store.WAITING_ENTRIES
    assert seen_by_another_run(tmp_path / "cache") == len(KEYS)


@pytest.mark.parametrize("again", ["look", "keep"])
def test_other_runs_see_what_waited_long_after_the_next_look_or_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    monkeypatch.setattr(store, "WAITING_SECONDS", 0.05)
    with opened(tmp_path / "cache") as cache:
        keep(cache, KEYS[:1])
        time.sleep(0.1)
        if again == "look":
            assert cache.answer("another", now=NOW, max_age=HOUR) is None
        else:
            cache.keep_answer("another", b"x", now=NOW)
        assert seen_by_another_run(tmp_path / "cache") == 1


def test_an_entry_that_waits_and_is_wrong_in_the_file_is_the_one_that_waits(tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    with contextlib.closing(sqlite3.connect(database(tmp_path / "cache"))) as connection:
        connection.execute("UPDATE entry SET data = x'00'")
        connection.commit()
    with opened(tmp_path / "cache") as cache:
        keep(cache, KEYS)
        assert all(cache.answer(key, now=NOW, max_age=HOUR) for key in KEYS)
    assert seen_by_another_run(tmp_path / "cache") == len(KEYS)


def test_what_waited_while_another_process_wrote_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(store, "WAITING_SECONDS", 0)
    fill(tmp_path / "cache")
    with (
        contextlib.closing(
            sqlite3.connect(database(tmp_path / "cache"), isolation_level=None)
        ) as other,
        opened(tmp_path / "cache") as cache,
    ):
        other.execute("DELETE FROM entry")
        other.execute("BEGIN IMMEDIATE")
        keep(cache, KEYS[:3])
        other.execute("ROLLBACK")
        keep(cache, KEYS[3:4])
        assert seen_by_another_run(tmp_path / "cache") == 4
        assert cache.notices == ()


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from basekeeper.cache import disk, store
store.WAITING_SECONDS = 3600
cache = disk.DiskCache(Path(sys.argv[1]), max_bytes=1 << 24)
for index in range(int(sys.argv[2])):
    key = f"answer {index}"
    cache.keep_answer(key, key.encode() * 20, now=datetime(2026, 11, 23, 8, tzinfo=UTC))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("kept", "left"), [(1, 0), (255, 0), (256, 256), (300, 256)])
def test_a_run_that_is_killed_loses_what_waited_and_nothing_else(
    tmp_path: Path, kept: int, left: int
) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "cache"), str(kept)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert seen_by_another_run(tmp_path / "cache") == left
    with contextlib.closing(sqlite3.connect(database(tmp_path / "cache"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_writer_killed_at_any_moment_leaves_a_working_cache(tmp_path: Path) -> None:
    for turn in range(40):
        process = writer(tmp_path / "cache", 1_000_000)
        assert process.stdout is not None
        with process.stdout:
            process.stdout.readline()
            time.sleep(turn * 0.003)
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=30)
        with opened(tmp_path / "cache") as cache:
            assert is_sound(cache)
            assert works(cache)
            assert cache.notices == ()
    assert len(list((tmp_path / "cache").glob("*.sqlite"))) == 1
    with contextlib.closing(sqlite3.connect(database(tmp_path / "cache"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_ten_thousand_answers_are_all_there(tmp_path: Path) -> None:
    with opened(tmp_path / "cache", max_bytes=1 << 30) as cache:
        for index in range(10_000):
            cache.keep_answer(str(index), b"." * 300, now=NOW)
        for index in range(10_000):
            assert cache.answer(str(index), now=NOW, max_age=HOUR)
