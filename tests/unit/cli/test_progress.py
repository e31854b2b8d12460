from __future__ import annotations

import io
import sys
import time

import pytest

from basekeeper.cli import progress
from basekeeper.cli.progress import Progress


def make_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Make standard error say that it is a terminal; within the test, for capturing sets it too."""
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    return stream


def test_quick_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = make_terminal(monkeypatch)
    with Progress("working"):
        pass
    assert terminal.getvalue() == ""


def test_slow_work_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = make_terminal(monkeypatch)
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)
    end = time.monotonic() + 10
    with Progress("working"):
        while "working" not in terminal.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
    assert "working" in terminal.getvalue()


@pytest.mark.parametrize(
    ("files", "line"),
    [(0, "reading …"), (1, "reading … 1 file"), (12_345, "reading … 12,345 files")],
)
def test_line_counts_the_files(files: int, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = make_terminal(monkeypatch)
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)
    end = time.monotonic() + 10
    with Progress("reading") as shown:
        shown.count(files)
        while line not in terminal.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
    assert line in terminal.getvalue()


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        ((0, 40), "asking registries … 0 of 40 images"),
        ((12, 12_345), "asking registries … 12 of 12,345 images"),
        ((1, 1), "asking registries … 1 of 1 image"),
        ((0, 0), "reading … 7 files"),
    ],
)
def test_line_counts_the_images_that_were_asked_about(counts: tuple[int, int], line: str) -> None:
    shown = Progress("reading")
    shown.count(7)
    shown.asking(*counts)
    assert shown.__rich__() == line


def test_nothing_is_shown_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = make_terminal(monkeypatch)
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)
    with Progress("working", quiet=True):
        time.sleep(0.05)
    assert terminal.getvalue() == ""


def test_nothing_is_shown_where_no_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress("working"):
        time.sleep(0.05)
    assert stream.getvalue() == ""


def test_scans_are_counted_after_what_registries_were_asked() -> None:
    shown = Progress("reading")
    shown.asking(2, 2)
    shown.scanning(1, 3)
    assert shown.__rich__() == "scanning … 1 of 3 images"
