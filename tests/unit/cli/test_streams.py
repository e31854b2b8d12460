from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from basekeeper.cli import main as program
from basekeeper.cli import streams
from basekeeper.cli.output import emit
from basekeeper.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


class Full:
    """A stream on a full disk."""

    def write(self, _text: str) -> int:
        return 0

    def flush(self) -> None:
        raise OSError(28, "No space left on device")

    def fileno(self) -> int:
        raise OSError(9, "Bad file descriptor")


def fill(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let standard output be on a full disk; within the test, for capturing sets it too."""
    stream = Full()
    number = os.open(tmp_path / "stdout", os.O_CREAT | os.O_WRONLY)
    monkeypatch.setattr(stream, "fileno", lambda: number)
    monkeypatch.setattr(sys, "stdout", stream)


def test_missing_streams_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    streams.prepare()
    stdout, stderr = sys.stdout, sys.stderr
    assert (stdout.fileno(), stderr.fileno()) == (1, 2)
    assert sys.stdin is None
    assert stdout.errors == stderr.errors == "backslashreplace"


def test_output_with_room_is_not_lost() -> None:
    assert not streams.is_output_lost()


def test_full_disk_is_told_by_the_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fill(monkeypatch, tmp_path)
    with pytest.raises(InputError, match="standard output: No space left on device"):
        emit("text", encoded=False)


def test_full_disk_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(program.cli, "main", main)
    fill(monkeypatch, tmp_path)
    assert program.main([]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: cannot write to standard output: No space left on device",
        "hint: give it a place with room, or name a file with --output",
    ]
