"""Writing edited files: whole old or whole new, nothing lost, nothing left behind."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import InputError
from basekeeper.trees import write
from basekeeper.trees.working import WorkingTree
from basekeeper.trees.write import create_file, sweep, write_files
from basekeeper.values.change import FileEdit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.trees.conftest import Powerless

OLD, NEW = b"FROM node:20\r\n", b"FROM node:22\r\n"


def edits(*paths: str, before: bytes = OLD) -> list[FileEdit]:
    return [FileEdit(path, before, NEW, ()) for path in paths]


def save(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(OLD)


def write_to(root: Path, *paths: str) -> None:
    with WorkingTree(root) as tree:
        write_files(tree, edits(*paths))


def litter(root: Path) -> list[str]:
    return [path.name for path in root.rglob(".basekeeper-*")]


def test_files_are_written_with_their_mode(tmp_path: Path) -> None:
    save(tmp_path, "Dockerfile", "a/b/Dockerfile")
    (tmp_path / "Dockerfile").chmod(0o754)
    write_to(tmp_path, "Dockerfile", "a/b/Dockerfile")
    assert (tmp_path / "Dockerfile").read_bytes() == NEW
    assert (tmp_path / "a/b/Dockerfile").read_bytes() == NEW
    assert (tmp_path / "Dockerfile").stat().st_mode & 0o7777 == 0o754
    assert not litter(tmp_path)


@pytest.fixture
def few_files() -> Iterator[tuple[int, int]]:
    """Permit a process hardly more open files than it has."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = (len(os.listdir("/dev/fd")) + 20, before[1])  # noqa: PTH208  # only counted
    resource.setrlimit(resource.RLIMIT_NOFILE, few)
    yield few
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_more_files_are_written_than_may_be_open(
    tmp_path: Path, few_files: tuple[int, int]
) -> None:
    paths = [f"{number}/Dockerfile" for number in range(100)]
    save(tmp_path, *paths)
    write_to(tmp_path, *paths)
    assert all((tmp_path / path).read_bytes() == NEW for path in paths)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == few_files


def test_where_no_more_files_may_be_open_nothing_is_written(
    tmp_path: Path, few_files: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [f"{number}/Dockerfile" for number in range(100)]
    save(tmp_path, *paths)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (few_files[0], few_files[0]))
    with pytest.raises(InputError, match="Too many open files") as caught:
        write_to(tmp_path, *paths)
    monkeypatch.undo()
    assert "ulimit" in str(caught.value.hint)
    assert all((tmp_path / path).read_bytes() == OLD for path in paths)
    assert not litter(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    save(tmp_path, "Dockerfile")
    os.chown(tmp_path / "Dockerfile", 1234, 2345)
    write_to(tmp_path, "Dockerfile")
    status = (tmp_path / "Dockerfile").stat()
    assert (status.st_uid, status.st_gid) == (1234, 2345)


def test_attributes_stay(tmp_path: Path) -> None:
    save(tmp_path, "Dockerfile")
    try:
        os.setxattr(tmp_path / "Dockerfile", "user.note", b"mine")
    except (OSError, AttributeError):
        pytest.skip("this file system has no attributes")
    write_to(tmp_path, "Dockerfile")
    assert os.getxattr(tmp_path / "Dockerfile", "user.note") == b"mine"


def test_a_link_stays_one_and_its_target_is_written(tmp_path: Path) -> None:
    save(tmp_path, "real/Dockerfile")
    (tmp_path / "Dockerfile").symlink_to("real/Dockerfile")
    (tmp_path / "dir").symlink_to("real")
    write_to(tmp_path, "Dockerfile")
    assert (tmp_path / "Dockerfile").is_symlink()
    assert (tmp_path / "real/Dockerfile").read_bytes() == NEW


def test_nothing_outside_the_root_is_written(tmp_path: Path) -> None:
    save(tmp_path, "outside", "root/other")
    (tmp_path / "root/Dockerfile").symlink_to("../outside")
    with pytest.raises(InputError, match="leads out of the tree"):
        write_to(tmp_path / "root", "other", "Dockerfile")
    with pytest.raises(InputError, match="cannot write"):
        write_to(tmp_path / "root", "../outside")
    assert (tmp_path / "outside").read_bytes() == OLD
    assert (tmp_path / "root/other").read_bytes() == OLD


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(b"FROM other\n"), "changed since it was read"),
        (lambda path: path.write_bytes(OLD + b"x"), "changed since it was read"),
        (lambda path: path.chmod(0o444), "read-only"),
        (lambda path: (path.parent / "second").hardlink_to(path), "several names"),
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: (path.unlink(), path.mkdir()), "not a regular file"),
    ],
)
def test_what_must_not_be_written_keeps_all_from_it(tmp_path: Path, spoil, words: str) -> None:  # type: ignore[no-untyped-def]
    save(tmp_path, "a", "b")
    spoil(tmp_path / "b")
    with pytest.raises(InputError, match=words) as caught:
        write_to(tmp_path, "a", "b")
    assert "'b'" in str(caught.value)
    assert (tmp_path / "a").read_bytes() == OLD
    assert not litter(tmp_path)


def test_a_read_only_directory_is_told(open_directory: Path, powerless: Powerless) -> None:
    save(open_directory, "a/b")
    (open_directory / "a" / "b").chmod(0o666)
    (open_directory / "a").chmod(0o555)
    with powerless(), pytest.raises(InputError, match="Permission denied") as caught:
        write_to(open_directory, "a/b")
    assert "its directory" in (caught.value.hint or "")
    assert (open_directory / "a" / "b").read_bytes() == OLD


def test_a_change_while_the_others_are_prepared_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, "a", "b")
    fill = write._fill

    def meddling(file: int, target: write._Target) -> None:
        fill(file, target)
        (tmp_path / "a").write_bytes(b"FROM mine\n")

    monkeypatch.setattr(write, "_fill", meddling)
    with pytest.raises(InputError, match="'a': it changed since"):
        write_to(tmp_path, "a", "b")
    assert (tmp_path / "a").read_bytes() == b"FROM mine\n"
    assert (tmp_path / "b").read_bytes() == OLD
    assert not litter(tmp_path)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_while_preparing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    save(tmp_path, "a", "b")
    calls = []

    def failing(file: int) -> None:
        calls.append(file)
        if len(calls) == 2:
            raise failure

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises((InputError, KeyboardInterrupt)):
        write_to(tmp_path, "a", "b")
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [OLD, OLD]
    assert not litter(tmp_path)


def test_a_failure_midway_tells_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, "a", "b", "c")
    replace = os.replace

    def failing(one: str, other: str, **more: int) -> None:
        if other == "b":
            raise OSError(5, "Input/output error")
        replace(one, other, **more)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(InputError, match="'b': Input/output error; written before: a"):
        write_to(tmp_path, "a", "b", "c")
    assert [(tmp_path / name).read_bytes() for name in "abc"] == [NEW, OLD, OLD]
    assert not litter(tmp_path)


def test_only_what_is_abandoned_is_swept(tmp_path: Path) -> None:
    import fcntl

    save(tmp_path, "a/Dockerfile")
    gone, held = (tmp_path / f"a/.basekeeper-{letter * 16}.tmp" for letter in "ab")
    other = tmp_path / "a/.basekeeper-notes.tmp"
    for path in (gone, held, other):
        path.write_bytes(b"")
    with held.open("rb") as file, WorkingTree(tmp_path) as tree:
        fcntl.flock(file, fcntl.LOCK_EX)
        sweep(tree, ["a/Dockerfile", "missing/Dockerfile", "../x/y"])
    assert (gone.exists(), held.exists(), other.exists()) == (False, True, True)


WRITER = """
import sys
from basekeeper.trees.working import WorkingTree
from basekeeper.trees.write import create_file, sweep, write_files
from basekeeper.values.change import FileEdit
root, count = sys.argv[1], int(sys.argv[2])
old, new = b"old\\n" * 20000, b"new!\\n" * 20000
paths = [f"d{at % 3}/f{at}" for at in range(count)]
with WorkingTree(root) as tree:
    sweep(tree, paths)
    print("go", flush=True)
    while True:
        for before, after in ((old, new), (new, old)):
            held = [tree.read(path) for path in paths]
            write_files(tree, [FileEdit(path, data, after, ()) for path, data in zip(paths, held)])
"""


@pytest.mark.slow
def test_a_kill_at_any_time_leaves_whole_files_and_the_next_run_tidies_up(tmp_path: Path) -> None:
    old, new = b"old\n" * 20000, b"new!\n" * 20000
    paths = [tmp_path / f"d{at % 3}/f{at}" for at in range(6)]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(old)
    patience = random.Random(3)  # noqa: S311
    littered = 0
    for _ in range(40):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), "6"], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"go\n"
            time.sleep(patience.random() * 0.03)
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        assert all(path.read_bytes() in (old, new) for path in paths)
        littered += bool(litter(tmp_path))
        with WorkingTree(tmp_path) as tree:
            sweep(tree, [path.relative_to(tmp_path).as_posix() for path in paths])
        assert not litter(tmp_path)
    assert littered  # otherwise the kills came at no interesting time


def create(root: Path, path: str, data: bytes = NEW) -> None:
    with WorkingTree(root) as tree:
        create_file(tree, path, data)


def test_a_new_file_is_whole_with_the_rights_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    mask = os.umask(0o027)
    try:
        create(tmp_path, "a/w.toml", b"x" * 3_000_000)
    finally:
        os.umask(mask)
    assert (tmp_path / "a/w.toml").stat().st_size == 3_000_000
    assert (tmp_path / "a/w.toml").stat().st_mode & 0o7777 == 0o640
    assert not litter(tmp_path)


def test_what_is_there_is_never_replaced(tmp_path: Path) -> None:
    save(tmp_path, "w.toml")
    (tmp_path / "link").symlink_to("/nowhere")
    for name in ("w.toml", "link"):
        with pytest.raises(InputError, match="File exists") as caught:
            create(tmp_path, name)
        assert caught.value.hint is not None
    assert (tmp_path / "w.toml").read_bytes() == OLD
    assert not litter(tmp_path)


@pytest.mark.parametrize("path", ["away/w.toml", "none/w.toml", "../w.toml"])
def test_a_new_file_lies_in_a_directory_of_the_tree(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "away").symlink_to(tmp_path)
    with pytest.raises(InputError, match="cannot write"):
        create(root, path)
    assert [each.name for each in tmp_path.iterdir()] == ["root"]


def test_a_directory_without_rights_takes_no_new_file(
    open_directory: Path, powerless: Powerless
) -> None:
    (open_directory / "a").mkdir(mode=0o555)
    with powerless(), pytest.raises(InputError, match="Permission denied") as caught:
        create(open_directory, "a/w.toml")
    assert caught.value.hint == "give yourself the right to write in its directory"
