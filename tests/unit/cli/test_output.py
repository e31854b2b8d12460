from __future__ import annotations

import io
import os
import pty
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from basekeeper.cli.output import emit, style_for, write_file
from basekeeper.errors import InputError


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.TextIOWrapper:
    """A stream that says it is a terminal, without a width."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(stream, "isatty", lambda: True)
    return stream


@pytest.mark.parametrize(
    ("colour", "environment", "coloured"),
    [
        ("auto", {}, True),
        ("auto", {"NO_COLOR": "1"}, False),
        ("auto", {"NO_COLOR": ""}, True),
        ("auto", {"TERM": "dumb"}, False),
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {}, False),
    ],
)
def test_colour_on_a_terminal(
    colour: str,
    environment: dict[str, str],
    *,
    coloured: bool,
    terminal: io.TextIOWrapper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert style_for(terminal, colour).colour is coloured


def test_pipe_has_80_columns_and_no_colour() -> None:
    style = style_for(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), "auto")
    assert (style.width, style.colour, style.unicode) == (80, False, True)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_encoding_without_signs_gets_ascii(encoding: str) -> None:
    assert not style_for(io.TextIOWrapper(io.BytesIO(), encoding=encoding), "auto").unicode


def test_terminal_without_a_width_has_80_columns(terminal: io.TextIOWrapper) -> None:
    assert style_for(terminal, "auto").width == 80


@pytest.mark.parametrize(("columns", "width"), [(100, 100), (500, 120), (0, 80)])
def test_width_is_the_terminals(columns: int, width: int) -> None:
    import fcntl
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(child, "w") as stream:
        assert style_for(stream, "auto").width == width
    os.close(parent)


@pytest.mark.parametrize("encoded", [True, False])
def test_text_reaches_standard_output(*, encoded: bool, capfdbinary: Any) -> None:
    emit("größe\n", encoded=encoded)
    assert capfdbinary.readouterr().out == "größe\n".encode()


@pytest.mark.parametrize("encoded", [True, False])
def test_pieces_reach_standard_output_in_order(*, encoded: bool, capfdbinary: Any) -> None:
    emit(iter(["grö", "", "ße\n"]), encoded=encoded)
    assert capfdbinary.readouterr().out == "größe\n".encode()


@pytest.mark.parametrize(
    ("data", "content"),
    [(b"\xff", b"\xff"), ("ß\udcff", b"\xc3\x9f\\udcff"), (iter(["ß", "x"]), b"\xc3\x9fx")],
)
def test_file_gets_text_as_utf_8(tmp_path: Path, data: Any, content: bytes) -> None:
    write_file(str(tmp_path / "report"), data)
    assert (tmp_path / "report").read_bytes() == content


def test_nothing_is_left_behind_where_a_piece_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_file(str(tmp_path / "report"), (str(1 // number) for number in (1, 0)))
    assert list(tmp_path.iterdir()) == []


def test_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_bytes(b"old")
    write_file(str(target), b"new")
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_new_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(str(tmp_path / "x"), b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


def test_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write '.*report': No such file or directory"):
        write_file(str(tmp_path / "none" / "report"), b"")


def test_nothing_is_left_behind_where_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        write_file(str(tmp_path / "report"), b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_nothing_is_left_behind_where_moving_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(_: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(InputError, match="No space left on device"):
        write_file(str(tmp_path / "report"), b"x")
    assert list(tmp_path.iterdir()) == []


def test_device_is_written_to_not_replaced() -> None:
    write_file(os.devnull, b"x")
    assert Path(os.devnull).is_char_device()


def test_reader_that_went_away_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        emit("x" * 100_000, encoded=False)
        emit("x" * 100_000, encoded=True)
