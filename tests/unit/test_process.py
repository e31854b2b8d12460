"""Child processes: limits hold, whole groups end, and errors say what to do."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from basekeeper.process import (
    MAX_STDERR_BYTES,
    Child,
    Limits,
    ProcessError,
    ProgramMissing,
    find_program,
    run,
)

PYTHON = sys.executable
SHORT = Limits(timeout=0.3)


def test_output_errors_and_status_are_returned() -> None:
    done = run([PYTHON, "-c", "import sys; print('out'); sys.stderr.write('err'); sys.exit(3)"])
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err")


def test_input_larger_than_a_pipe_arrives_whole() -> None:
    data = os.urandom(1_000_000)
    done = run(
        [PYTHON, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"], stdin=data
    )
    assert done.stdout == data


def test_a_child_that_reads_no_input_is_no_error() -> None:
    done = run([PYTHON, "-c", "print(1)"], stdin=b"x" * 1_000_000)
    assert done.stdout == b"1\n"


def test_the_environment_is_only_what_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "value")
    script = "import os; print(os.environ.get('SECRET'), os.environ.get('GIVEN'))"
    assert run([PYTHON, "-c", script], env={"GIVEN": "1"}).stdout == b"None 1\n"


def test_arguments_never_reach_a_shell(tmp_path: Path) -> None:
    done = run([PYTHON, "-c", "import sys; print(sys.argv[1])", "$(touch x); `id`"], cwd=tmp_path)
    assert done.stdout == b"$(touch x); `id`\n"
    assert list(tmp_path.iterdir()) == []


def test_a_slow_child_is_ended_with_everything_it_started(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)"
    )
    with pytest.raises(ProcessError, match="did not answer within 2 seconds"):
        run([PYTHON, "-c", script], limits=Limits(timeout=2))
    assert not _runs(int((tmp_path / "pid").read_text()))


def _runs(pid: int) -> bool:
    """Wait a little for a process to be gone; a zombie is."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.02)
    return True


def test_a_child_that_ignores_the_polite_signal_is_killed() -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(1, flush=True); time.sleep(60)"
    )
    with Child([PYTHON, "-c", script]) as child:
        assert child.read_until(b"\n") == b"1"
    assert child._process.returncode == -9


def test_too_much_output_is_refused() -> None:
    with pytest.raises(ProcessError, match="answered more than 1000 bytes"):
        run([PYTHON, "-c", "print('x' * 100000)"], limits=Limits(max_output_bytes=1000))


def test_only_the_start_of_standard_error_is_kept() -> None:
    done = run([PYTHON, "-c", "import sys; sys.stderr.write('x' * 300000)"])
    assert len(done.stderr) == MAX_STDERR_BYTES


def test_a_missing_program_is_told_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ProgramMissing, match="was not found") as caught:
        run([str(tmp_path / "nothing")])
    assert caught.value.hint


def test_a_missing_directory_is_told_apart_from_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="no such directory"):
        run([PYTHON], cwd=tmp_path / "gone")


def test_a_nul_byte_in_an_argument_is_an_error_of_ours() -> None:
    with pytest.raises(ProcessError, match="null byte"):
        run([PYTHON, "a\0b"])


def test_programs_are_found_on_absolute_entries_of_the_search_path_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".")
    with pytest.raises(ProgramMissing, match="'tool' was not found"):
        find_program("tool")
    monkeypatch.setenv("PATH", f".:{tmp_path}")
    assert find_program("tool") == str(program)


def test_a_missing_program_carries_the_hint_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ProgramMissing) as caught:
        find_program("git", hint="install git")
    assert caught.value.hint == "install git"


ECHO = "import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)"


def test_a_long_lived_child_answers_question_by_question() -> None:
    with Child([PYTHON, "-c", ECHO]) as child:
        for word in (b"one", b"two"):
            child.send(word + b"\n")
            assert child.read_until(b"\n") == word.upper()
        child.send(b"three\n", last=True)
        assert child.read_exactly(5) == b"THREE"
        assert child.wait() == 0


def test_records_are_split_across_chunks_and_the_last_may_be_open() -> None:
    script = "import sys; sys.stdout.write('\\0'.join(str(n) for n in range(30000)))"
    with Child([PYTHON, "-c", script]) as child:
        assert [int(record) for record in child.records(b"\0")] == list(range(30000))


def test_the_end_of_all_output_is_none() -> None:
    with Child([PYTHON, "-c", "print('a', end='')"]) as child:
        assert child.read_until(b"\n") == b"a"
        assert child.read_until(b"\n") is None


def test_an_answer_cut_short_is_an_error() -> None:
    with (
        Child([PYTHON, "-c", "print('abc')"]) as child,
        pytest.raises(ProcessError, match="in the middle of an answer"),
    ):
        child.read_exactly(10)


@pytest.mark.parametrize("ask", ["read_until", "records", "wait", "collect"])
def test_every_way_of_waiting_ends_in_time(ask: str) -> None:
    with Child([PYTHON, "-c", "import time; time.sleep(60)"], limits=SHORT) as child:
        waiting = {
            "read_until": lambda: child.read_until(b"\n"),
            "records": lambda: list(child.records(b"\n")),
            "wait": child.wait,
            "collect": child.collect,
        }
        with pytest.raises(ProcessError, match="did not answer within"):
            waiting[ask]()


@pytest.mark.parametrize("ask", ["wait", "collect"])
def test_a_child_that_closes_its_output_and_stays_is_ended(ask: str) -> None:
    script = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    with (
        Child([PYTHON, "-c", script], limits=Limits(timeout=1)) as child,
        pytest.raises(ProcessError, match="did not answer within"),
    ):
        getattr(child, ask)()


@pytest.mark.parametrize("script", ["", "import os; os.close(1); os.close(2)"])
def test_another_thread_can_end_a_child(script: str) -> None:
    ended = threading.Event()
    timer = threading.Timer(0.5, ended.set)
    timer.start()
    begin = time.monotonic()
    with pytest.raises(ProcessError, match="was ended, as the run was"):
        run([PYTHON, "-c", f"{script}\nimport time; time.sleep(60)"], ended=ended)
    assert time.monotonic() - begin < 5
    timer.join()


def test_closing_twice_is_fine() -> None:
    child = Child([PYTHON, "-c", "pass"])
    child.close()
    child.close()


def test_what_a_child_says_on_standard_error_is_kept() -> None:
    with Child([PYTHON, "-c", "import sys; sys.stderr.write('why')"]) as child:
        child.send(b"", last=True)
        assert child.wait() == 0
        assert child.stderr == b"why"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot limit another process")
@pytest.mark.parametrize(("megabytes", "works"), [(None, True), (1024, True), (200, False)])
def test_memory_over_the_limit_is_not_to_be_had(megabytes: int | None, *, works: bool) -> None:
    limits = Limits(memory_bytes=None if megabytes is None else megabytes * 1024**2)
    # Lets the parent set the limit first, which it does as soon as the program has begun.
    code = "import sys; sys.stdin.read(); len(bytearray(300 * 1024**2))"
    done = run([PYTHON, "-c", code], limits=limits)
    assert (done.returncode == 0) is works
    assert works or b"MemoryError" in done.stderr
