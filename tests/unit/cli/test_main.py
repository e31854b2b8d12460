from __future__ import annotations

import io
import runpy
import sys
from typing import Any

import click
import pytest

from basekeeper import __version__
from basekeeper.cli import main as program
from basekeeper.errors import ConfigError, Error, InputError, Problem, TransportError


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program's only group raise as if a verb had."""

    def main(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(program.cli, "main", main)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("no x", hint="name y"), 2, "error: no x\nhint: name y\n"),
        (Error("no x"), 2, "error: no x\n"),
        (TransportError("host: refused"), 3, "error: host: refused\n"),
        (InputError("a\x1b[2Jb"), 2, "error: a\\x1b[2Jb\n"),
        (click.Abort(), 130, "interrupted\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (click.FileError("f", "gone"), 2, "error: Could not open file 'f': gone\n"),
    ],
)
def test_errors_have_message_and_code(
    error: BaseException,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    raising(error, monkeypatch)
    assert program.main([]) == code
    assert capsys.readouterr().err == message


def test_a_file_that_ends_too_early_is_no_interrupt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = click.Abort()
    error.__cause__ = EOFError("marshal data too short")
    raising(error, monkeypatch)
    assert program.main([]) == 70
    assert "marshal data too short" in capsys.readouterr().err


def test_every_problem_of_a_file_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problems = (Problem("p.toml", 3, "a", "is wrong", "write b"), Problem("p.toml", 5, "c", "too"))
    raising(ConfigError(problems), monkeypatch)
    assert program.main([]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: 2 problems in p.toml",
        "  p.toml:3: a: is wrong",
        "    write b",
        "  p.toml:5: c: too",
    ]


def test_bug_writes_a_report_to_paste(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(ZeroDivisionError("x\x1b"), monkeypatch)
    monkeypatch.setattr(sys, "argv", ["basekeeper", "check", "."])
    assert program.main([]) == 70
    text = capsys.readouterr().err
    assert "this is a bug in basekeeper" in text
    assert f"basekeeper {__version__}, Python 3." in text
    assert "command: basekeeper check ." in text
    assert "ZeroDivisionError: x\\x1b" in text


def test_reader_that_went_away_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(BrokenPipeError(), monkeypatch)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert program.main([]) == 0


def test_error_output_that_went_away_is_no_second_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(_: str) -> int:
        raise BrokenPipeError

    gone = io.StringIO()
    monkeypatch.setattr(gone, "write", write)
    raising(InputError("x"), monkeypatch)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", gone)
    assert program.main([]) == 2


def test_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--version"]) == 0
    assert capsys.readouterr().out == f"basekeeper {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chekc"], "no such command 'chekc' (did you mean 'check'?)"),
        (["zzz"], "no such command 'zzz'"),
        (["check", "--fromat", "x"], "no such option '--fromat'. Did you mean '--format'?"),
        (["check", "-f", "yaml"], "invalid value for '-f' / '--format': 'yaml' is not one of"),
        (["--bad"], "no such option '--bad'"),
    ],
)
def test_wrong_usage_suggests_what_was_meant(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}")
    assert "hint: see `basekeeper" in error


@pytest.mark.parametrize("arguments", [[], ["data"]])
def test_without_a_verb_help_is_shown_and_the_usage_is_wrong(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("Usage: basekeeper")
    assert "Commands:" in error


def test_overview_says_what_each_verb_says_of_itself() -> None:
    context = click.Context(program.cli)
    for name, (_, line) in program._VERBS.items():
        command = program.cli.get_command(context, name)
        assert command is not None
        assert (command.name, command.short_help) == (name, line)
    assert list(program._VERBS) == sorted(program._VERBS)


def commands(command: click.Command, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Name a command and all below it."""
    found = [path]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found += commands(below, (*path, name))
    return found


@pytest.mark.parametrize("path", commands(program.cli, ()), ids=" ".join)
def test_every_help_has_examples_and_fits_80_columns(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main([*path, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.strip() in {"Examples:", "Set it up once:"} for line in lines)
    assert max(map(len, lines)) <= 80


def test_unknown_verb_is_none() -> None:
    assert program.cli.get_command(click.Context(program.cli), "none") is None


def test_process_ends_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["basekeeper", "--version"])
    with pytest.raises(SystemExit, match="0"):
        program.run()
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("basekeeper", run_name="__main__")


def test_interrupt_before_any_verb_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def main(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "main", main)
    with pytest.raises(SystemExit, match="130"):
        program.run()
