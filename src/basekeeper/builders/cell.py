"""Runs programs in cells: namespaces of their own, see `confine.py`."""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.builders.failing import NoImage
from basekeeper.process import Child, Limits, ProcessError
from basekeeper.transport.redaction import shown_text
from basekeeper.values.building import BuildLimits, Failure, Isolation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from threading import Event

    from basekeeper.builders.identities import Identities

SCRIPT: Final = Path(__file__).with_name("confine.py")
LEAST_SECONDS: Final = 1.0
_FIND: Final = "/usr/bin/find"
REMOVAL_SECONDS: Final = 600.0
"""That emptying a folder may take."""

_PASSED: Final = {
    -signal.SIGUSR2: "memory: more than {limits.memory_bytes} bytes resident",
    -signal.SIGXFSZ: "disk: more than {limits.disk_bytes} bytes written, or less than"
    " {limits.spare_bytes} left free",
}
_NO_CELL: Final = -signal.SIGUSR1
_NO_NAMESPACES: Final = (
    "let this user make user namespaces (kernel.unprivileged_userns_clone,"
    " user.max_user_namespaces, AppArmor), or verify by the forge's CI"
)


class Ended(NamedTuple):
    """How a program ended."""

    status: int
    output: bytes
    """What it said, at most as much as is allowed."""
    passed: str | None = None
    """Which limit it passed."""


class Cells:
    """Makes cells in one folder, with one set of limits; their time is counted together."""

    def __init__(
        self,
        folder: Path,
        identities: Identities,
        limits: BuildLimits,
        *,
        program: str,
        ended: Event | None,
    ) -> None:
        """Run nothing yet.

        Args:
            folder: What programs see and may write; belongs to `identities.owner`.
            identities: Whose ids they have.
            limits: What they may use.
            program: Executable that they see beside `/usr`.
            ended: Once another thread sets it, they are ended.
        """
        self._folder, self._identities, self._limits = folder, identities, limits
        self._program, self._ended = program, ended
        self._until = time.monotonic() + limits.seconds

    def run(
        self, argv: Sequence[str], environment: Mapping[str, str], *, network: bool = False
    ) -> Ended:
        """Run a program to its end.

        Raises:
            NoImage: No cell can be made here.
            ProcessError: The whole run was ended.
        """
        left = self._until - time.monotonic()
        if left < LEAST_SECONDS:
            return Ended(-1, b"", self._time())
        limits = Limits(timeout=left, max_output_bytes=self._limits.output_bytes)
        command = [sys.executable, "-I", "-S", "-B", str(SCRIPT)]
        with Child(command, env={}, limits=limits, ended=self._ended) as child:
            child.send(self._spoken(argv, environment, network=network))
            return self._follow(child)

    def _follow(self, child: Child) -> Ended:
        output = bytearray()
        try:
            for piece in child.pieces():
                output += piece
                if len(output) > self._limits.output_bytes:
                    del output[self._limits.output_bytes :]
                    return Ended(
                        -1, bytes(output), f"output: more than {self._limits.output_bytes} bytes"
                    )
            status = child.wait()
        except ProcessError:
            if self._ended is not None and self._ended.is_set():
                raise
            return Ended(-1, bytes(output), self._time())
        if status == _NO_CELL or (status < 0 and status not in _PASSED):
            said = shown_text(child.stderr.decode("utf-8", "replace").strip())
            raise NoImage(
                Failure.BUILDER, said or f"it was ended by signal {-status}", hint=_NO_NAMESPACES
            )
        passed = _PASSED.get(status)
        return Ended(status, bytes(output), passed and passed.format(limits=self._limits))

    def _time(self) -> str:
        return f"time: more than {self._limits.seconds:g} seconds"

    def _spoken(
        self, argv: Sequence[str], environment: Mapping[str, str], *, network: bool
    ) -> bytes:
        limits, identities = self._limits, self._identities
        cell = {
            "argv": list(argv),
            "environment": dict(environment),
            "folder": str(self._folder),
            "users": identities.users,
            "groups": identities.groups,
            "helped": identities.helped,
            "network": network,
            "programs": [self._program],
            "processes": limits.processes,
            "memory_bytes": limits.memory_bytes,
            "disk_bytes": limits.disk_bytes,
            "spare_bytes": limits.spare_bytes,
        }
        return json.dumps(cell).encode() + b"\n"


def empty_folder(folder: Path, identities: Identities) -> None:
    """Remove everything in a folder that programs wrote, however deep, whoever owns it."""
    limits = BuildLimits(seconds=REMOVAL_SECONDS, disk_bytes=sys.maxsize, spare_bytes=0)
    cells = Cells(folder, identities, limits, program=_FIND, ended=None)
    with suppress(NoImage, ProcessError):
        cells.run([_FIND, ".", "-mindepth", "1", "-delete"], {})


def isolation_of(identities: Identities, *, network: bool) -> Isolation:
    """Say how cells are kept from everything else."""
    limits = ["chroot isolation is not a sandbox: the kernel is shared with this machine"]
    if identities.owner is None:
        limits.append("its root is the user who runs basekeeper")
    if network:
        limits.append("it reached what this machine reaches, this machine itself included")
    kind = "chroot in user, mount, process, IPC and host name namespaces of its own"
    return Isolation(kind if network else f"{kind}, no network", tuple(limits))
