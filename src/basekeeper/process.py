"""Child processes with limits: no shell, an explicit environment, a deadline, bounded output.

A child leads its own process group, so that a timeout or an interrupt ends everything that it
started as well.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final, Self

from basekeeper.errors import EXIT_UNKNOWN, Error, InputError
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from threading import Event
    from types import TracebackType
    from typing import ClassVar

CHUNK_BYTES: Final = 65_536
"""Read and written at once; the usual capacity of a pipe."""

MAX_STDERR_BYTES: Final = 65_536
"""Kept of what a child says on standard error; the rest is read and dropped."""

GRACE_SECONDS: Final = 1.0
"""Between asking a group to end and killing it."""

_LOOK_SECONDS: Final = 0.2
"""How often a wait looks whether another thread wants the child ended."""


class ProcessError(Error):
    """A program that basekeeper started failed to answer: too slow, too much, or not at all."""

    exit_code: ClassVar[int] = EXIT_UNKNOWN


class ProgramMissing(InputError):  # noqa: N818  # says what is wrong, like its siblings
    """A program that is needed is not on the search path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use."""

    timeout: float = 60.0
    """Seconds: of a whole `run`, or of one answer of a `Child`."""
    max_output_bytes: int = 64 * 1024 * 1024
    """Bytes of standard output of a whole `run`, or of one answer of a `Child`."""
    memory_bytes: int | None = None
    """Address space of the child and of each process that it starts; None: as much as ours. Held
    on Linux alone."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a child ended."""

    returncode: int
    """Exit status; the negative number of the signal that ended it."""
    stdout: bytes
    stderr: bytes
    """The first 64 KiB."""


def find_program(name: str, *, hint: str | None = None) -> str:
    """Return the absolute path of a program on the search path.

    Raises:
        ProgramMissing: There is none. Relative entries of the search path do not count: they
            would let a scanned directory supply the program.
    """
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    search = os.pathsep.join(entry for entry in entries if os.path.isabs(entry))  # noqa: PTH117
    found = shutil.which(name, path=search) if search else None
    if found is None:
        raise ProgramMissing(
            f"program {name!r} was not found",
            hint=hint or f"install {name} and put it on the search path",
        )
    return found


class Child:
    """A running child; use it in a `with` block, which ends it and its group."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        ended: Event | None = None,
    ) -> None:
        """Start a program.

        Args:
            argv: Program and arguments; the program best as an absolute path.
            cwd: Directory to run in; None: the current one.
            env: The whole environment of the child; None: an empty one.
            limits: None: the default limits.
            ended: Once another thread sets it, every wait for the child fails.

        Raises:
            ProgramMissing: The program does not exist.
            ProcessError: It cannot be started.
        """
        self._name = os.path.basename(argv[0])  # noqa: PTH119
        self._limits = limits or Limits()
        self._ended = ended
        self._buffer = bytearray()
        self._unsent = memoryview(b"")
        self._stderr = bytearray()
        self._process = _start(argv, cwd, env)
        if self._limits.memory_bytes is not None:
            _limit_memory(self._process.pid, self._limits.memory_bytes)
        self._selector = selectors.DefaultSelector()
        for stream in (self._stdout_pipe, self._stderr_pipe):
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ)
        os.set_blocking(self._stdin_pipe.fileno(), False)
        self._closing_stdin = False

    @property
    def _stdin_pipe(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101  # opened as a pipe
        return self._process.stdin

    @property
    def _stdout_pipe(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101
        return self._process.stdout

    @property
    def _stderr_pipe(self) -> IO[bytes]:
        assert self._process.stderr is not None  # noqa: S101
        return self._process.stderr

    def __enter__(self) -> Self:
        """Return the child."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the child."""
        self.close()

    @property
    def stderr(self) -> bytes:
        """What it has said on standard error so far, at most 64 KiB."""
        return bytes(self._stderr)

    def send(self, data: bytes, *, last: bool = False) -> None:
        """Queue input; it is written while answers are read. `last` closes standard input."""
        self._unsent = memoryview(bytes(self._unsent) + data)
        self._closing_stdin = last
        if self._unsent:
            with suppress(KeyError):
                self._selector.unregister(self._stdin_pipe)
            self._selector.register(self._stdin_pipe, selectors.EVENT_WRITE)
        elif last:
            self._stdin_pipe.close()

    def read_until(self, end: bytes) -> bytes | None:
        """Return the output up to (without) the one-byte `end`; None at the end of all output.

        Raises:
            ProcessError: No answer in time, or a longer one than allowed.
        """
        deadline = time.monotonic() + self._limits.timeout
        searched = 0
        while True:
            found = self._buffer.find(end, searched)
            if found >= 0:
                return self._take(found, found + 1)
            searched = len(self._buffer)
            self._check_size(searched)
            if not self._fill(deadline):
                return self._take(searched, searched) if searched else None

    def read_exactly(self, count: int) -> bytes:
        """Return the next `count` bytes of output.

        Raises:
            ProcessError: It ended before, gave no answer in time, or `count` is over the limit.
        """
        self._check_size(count)
        deadline = time.monotonic() + self._limits.timeout
        while len(self._buffer) < count:
            if not self._fill(deadline):
                raise ProcessError(f"{self._name} ended in the middle of an answer")
        return self._take(count, count)

    def records(self, end: bytes) -> Iterator[bytes]:
        """Yield the records of the output, each without the one-byte `end` that closes it."""
        rest = b""
        deadline = time.monotonic() + self._limits.timeout
        while self._fill(deadline):
            pieces = (rest + self._take(len(self._buffer), len(self._buffer))).split(end)
            rest = pieces.pop()
            self._check_size(len(rest))
            yield from pieces
            deadline = time.monotonic() + self._limits.timeout
        if rest:
            yield rest

    def pieces(self) -> Iterator[bytes]:
        """Yield the output as it comes, until all is read; the timeout is that of the whole.

        Raises:
            ProcessError: It did not end its output in time.
        """
        deadline = time.monotonic() + self._limits.timeout
        while self._fill(deadline):
            yield self._take(len(self._buffer), len(self._buffer))
            if time.monotonic() >= deadline:
                raise self._too_slow()

    def wait(self) -> int:
        """Read the rest of the output, drop it, and return the exit status.

        Raises:
            ProcessError: It does not end in time.
        """
        deadline = time.monotonic() + self._limits.timeout
        while self._fill(deadline):
            self._buffer.clear()
        return self._status(deadline)

    def collect(self) -> Completed:
        """Read everything until the child ends.

        Raises:
            ProcessError: It is too slow, or says too much.
        """
        deadline = time.monotonic() + self._limits.timeout
        while self._fill(deadline):
            self._check_size(len(self._buffer))
        status = self._status(deadline)
        return Completed(status, self._take(len(self._buffer), len(self._buffer)), self.stderr)

    def close(self) -> None:
        """End the child and its group, politely first; safe to call twice."""
        self._selector.close()
        for stream in (self._stdin_pipe, self._stdout_pipe, self._stderr_pipe):
            with suppress(OSError):
                stream.close()
        # The group may outlive its leader, so it is signalled even after the leader ended.
        running = self._process.poll() is None
        self._signal(signal.SIGTERM)
        if running:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _take(self, count: int, drop: int) -> bytes:
        """Return the first `count` buffered bytes and forget the first `drop`."""
        data = bytes(self._buffer[:count])
        del self._buffer[:drop]
        return data

    def _fill(self, deadline: float) -> bool:
        """Wait for output, feeding input meanwhile; False at the end of all output."""
        before = len(self._buffer)
        while len(self._buffer) == before:
            if not any(
                key.fileobj in (self._stdout_pipe, self._stderr_pipe)
                for key in self._selector.get_map().values()
            ):
                return False
            ready = self._selector.select(self._turn(deadline))
            if not ready and time.monotonic() >= deadline:
                raise self._too_slow()
            for key, _ in ready:
                self._serve(key.fileobj)
        return True

    def _status(self, deadline: float) -> int:
        """Wait for the exit status of a child that says nothing more."""
        while True:
            try:
                return self._process.wait(self._turn(deadline))
            except subprocess.TimeoutExpired as error:
                if time.monotonic() >= deadline:
                    raise self._too_slow() from error

    def _turn(self, deadline: float) -> float:
        """Seconds that may be waited before the next look around."""
        rest = max(0.0, deadline - time.monotonic())
        if self._ended is None:
            return rest
        if self._ended.is_set():
            raise ProcessError(f"{self._name} was ended, as the run was")
        return min(rest, _LOOK_SECONDS)

    def _serve(self, stream: object) -> None:
        """Move the bytes that one pipe is ready for."""
        if stream is self._stdin_pipe:
            self._write()
            return
        pipe = self._stdout_pipe if stream is self._stdout_pipe else self._stderr_pipe
        data = os.read(pipe.fileno(), CHUNK_BYTES)
        if not data:
            self._selector.unregister(pipe)
        elif pipe is self._stdout_pipe:
            self._buffer += data
        else:
            self._stderr += data[: MAX_STDERR_BYTES - len(self._stderr)]

    def _write(self) -> None:
        """Write queued input; a child that reads no more is no error, its answer tells."""
        try:
            sent = os.write(self._stdin_pipe.fileno(), self._unsent[:CHUNK_BYTES])
            self._unsent = self._unsent[sent:]
        except BrokenPipeError:
            self._unsent = memoryview(b"")
        if not self._unsent:
            self._selector.unregister(self._stdin_pipe)
            if self._closing_stdin:
                with suppress(OSError):
                    self._stdin_pipe.close()

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_output_bytes:
            raise ProcessError(
                f"{self._name} answered more than {self._limits.max_output_bytes} bytes"
            )

    def _too_slow(self) -> ProcessError:
        return ProcessError(
            f"{self._name} did not answer within {self._limits.timeout:g} seconds",
            hint="try again; if it happens every time, run the program by hand to see why",
        )


def run(  # noqa: PLR0913  # each has a default that serves most callers
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    limits: Limits | None = None,
    ended: Event | None = None,
) -> Completed:
    """Run a program to its end, whatever its exit status.

    Args:
        argv: Program and arguments; never given to a shell.
        cwd: Directory to run in; None: the current one.
        env: The whole environment of the child; None: an empty one.
        stdin: What it reads on standard input.
        limits: None: the default limits.
        ended: Once another thread sets it, the program is ended.

    Raises:
        ProgramMissing: The program does not exist.
        ProcessError: It cannot be started, is too slow, says too much, or was ended.
    """
    with Child(argv, cwd=cwd, env=env, limits=limits, ended=ended) as child:
        child.send(stdin, last=True)
        return child.collect()


def _limit_memory(pid: int, most: int) -> None:
    """Limit the address space of a process that has just begun.

    From outside, as code between fork and exec is not safe in a program with threads.
    """
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415  # only for the programs that are limited

    with suppress(ProcessLookupError, PermissionError, ValueError):
        resource.prlimit(pid, resource.RLIMIT_AS, (most, most))


def _start(
    argv: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    """Start a program as the leader of its own session."""
    try:
        return subprocess.Popen(  # noqa: S603  # a list, never a shell
            list(argv),
            cwd=cwd,
            env=dict(env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise ProcessError(
                f"cannot run {argv[0]!r} in {str(cwd)!r}: no such directory"
            ) from error
        raise ProgramMissing(
            f"program {argv[0]!r} was not found", hint="install it, or correct its path"
        ) from error
    except (OSError, ValueError) as error:
        raise ProcessError(f"cannot run {argv[0]!r}: {error}") from error
