"""What only a process of its own shows: pipes, signals, encodings, terminals, start-up."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.program import NOW, copy_repo, environment, run, spawn

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = [sys.executable, "-m", "basekeeper"]
HEAVY = {
    "difflib", "h11", "hcl2", "importlib.metadata", "jinja2", "lark", "rich", "sqlalchemy", "ssl",
}  # fmt: skip


@pytest.mark.parametrize(
    ("repo", "arguments", "code"),
    [("clean", [], 0), ("mixed", [], 1), ("clean", ["none"], 2), ("mixed", ["-f", "sarif"], 0)],
)
def test_process_ends_with_the_code_of_the_run(
    repo: str, arguments: list[str], code: int, tmp_path: Path
) -> None:
    root = copy_repo(repo, tmp_path)
    assert spawn(root, "check", *arguments) == run(root, "check", *arguments)
    assert spawn(root, "check", *arguments).code == code


def in_shell(arguments: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Run the program from a shell, which can close streams."""
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -m basekeeper {arguments}', sys.executable],
        cwd=root,
        env=environment(root.parent),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_reader_that_goes_away_changes_no_verdict(tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*PROGRAM, "check", "--offline", "--now", NOW],
        cwd=root,
        env=environment(tmp_path),
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    "arguments", ["check", "check -f json", "list", "explain", "completion bash", "--help", "-V"]
)
@pytest.mark.parametrize("output", [">&-", ">/dev/full", "<&- >&-"])
def test_output_that_takes_nothing_is_told(output: str, arguments: str, tmp_path: Path) -> None:
    done = in_shell(f"{arguments} {output}", copy_repo("clean", tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot write to standard output: ")
    assert "bug" not in done.stderr
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("check none 2>&-", 2), ("check 2>&-", 1), ("check <&-", 1), ("check <&- >&- 2>&-", 2)],
)
def test_closed_streams_change_no_verdict(arguments: str, code: int, tmp_path: Path) -> None:
    done = in_shell(arguments, copy_repo("mixed", tmp_path))
    assert (done.returncode, done.stderr) == (code, "")


def test_interrupt_ends_with_130(tmp_path: Path) -> None:
    root = tmp_path / "waits"
    root.mkdir()
    os.mkfifo(tmp_path / "policy.toml")
    process = subprocess.Popen(
        [*PROGRAM, "check", "--offline", "--baseline", "../policy.toml"],
        cwd=root,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # The other end opens only once the program reads: then it is inside the verb.
    with (tmp_path / "policy.toml").open("wb"):
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert error.decode().strip().endswith("interrupted")
    assert b"Traceback" not in error


INTERRUPTED_WHILE_LOADING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
if sys.argv.pop() == "ignored":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
from basekeeper.__main__ import run
run()
"""


@pytest.mark.parametrize(("usual", "code"), [("heeded", 130), ("ignored", 0)])
def test_interrupt_while_loading_leaves_no_traceback(usual: str, code: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_LOADING, "--version", usual],
        env=environment(tmp_path),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (code, b"")


INTERRUPTED_IN_VAIN = """
import os, signal, time, basekeeper.__main__ as program, basekeeper.cli.main

class Swallows:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

def work(arguments):
    Swallows()
    if arguments == ["twice"]:
        Swallows()
    time.sleep(60)

basekeeper.cli.main.main = work
program.GRACE_SECONDS = 1
program.run()
"""


@pytest.mark.parametrize("times", ["once", "twice"])
def test_interrupt_that_python_loses_still_ends_the_program(times: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IN_VAIN, times],
        env=environment(tmp_path),
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 130


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_without_unicode_gets_escapes(encoding: str, tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    (root / "größe").mkdir()
    (root / "größe" / "Dockerfile").write_text("FROM 名前/x\n", encoding="utf-8")
    done = subprocess.run(
        [*PROGRAM, "check", "--offline", "--now", NOW],
        cwd=root,
        env=environment(tmp_path, PYTHONIOENCODING=encoding),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.decode(encoding).splitlines()[-1].startswith("failed")


def test_posix_locale_works(tmp_path: Path) -> None:
    outcome = spawn(copy_repo("mixed", tmp_path), "list", LANG="C", LC_ALL="POSIX")
    assert outcome.code == 0


def test_terminal_gets_colours(tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    parent, child = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, "check", "--offline", "--now", NOW],
        cwd=root,
        env=environment(tmp_path, TERM="xterm"),
        stdout=child,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(child)
        output = b""
        while True:
            try:
                piece = os.read(parent, 65_536)
            except OSError:  # the terminal closed
                break
            if not piece:
                break
            output += piece
    os.close(parent)
    assert process.returncode == 1
    assert b"\x1b[1;31m" in output


def test_checking_loads_no_heavy_library(tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    code = (
        "import sys; from basekeeper.cli.main import main; main(['check', '--offline']);"
        "print('loaded', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert not HEAVY & set(done.stdout.rpartition("loaded ")[2].split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_for_its_shell(shell: str, tmp_path: Path) -> None:
    outcome = run(tmp_path, "completion", shell)
    assert outcome.code == 0
    assert f"_BASEKEEPER_COMPLETE={shell}_complete" in outcome.out
    found = shutil.which(shell)
    if found is not None:
        subprocess.run([found, "-n"], input=outcome.out.encode(), check=True, timeout=30)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("basekeeper ch", "check"),
        ("basekeeper out", "outdated"),
        ("basekeeper outdated --kind pa", "patch"),
        ("basekeeper check --format ", "sarif"),
        ("basekeeper check --rule end", "end-of-life"),
        ("basekeeper explain near", "near-stage-name"),
        ("basekeeper check --fail", "--fail-on"),
        ("basekeeper data ", "update"),
    ],
)
def test_words_are_completed(words: str, expected: str, tmp_path: Path) -> None:
    outcome = run(
        tmp_path,
        _BASEKEEPER_COMPLETE="bash_complete",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split(" ")) - 1),
    )
    assert outcome.code == 0
    assert f"plain,{expected}" in outcome.out.splitlines()
