"""Runs one program in namespaces of its own; started as a script, never imported by the program.

The first line of standard input says what, as JSON (`Cell`). What runs inside is root only there:
its user ids mean nobody outside. It sees the folder that it was given, `/usr` to read, a few
devices and its own processes; no network but a loopback of its own, unless asked for. When standard
input ends, or this script does, the kernel ends everything inside, and its mounts with it.

It ends with the exit status of the program (128 + number, where a signal ended that), or by one of
the signals in `ENDINGS`, which a program inside cannot bring about; standard error then says why.
What the program says, on either output, comes on standard output.

Only the standard library, and no package of ours: it is run isolated (`python -I -S`). Whatever it
needs is imported at the start, as Python itself may be out of reach later. Sources:
namespaces(7), user_namespaces(7), pivot_root(2), keyctl(2), netdevice(7), and Linux's `mount.h`.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

_NEW_MOUNTS: Final = 0x00020000
_NEW_NAMES: Final = 0x04000000
_NEW_IPC: Final = 0x08000000
_NEW_USERS: Final = 0x10000000
_NEW_PIDS: Final = 0x20000000
_NEW_NET: Final = 0x40000000

_READ_ONLY: Final = 0x1
_REMOUNT: Final = 0x20
_BIND: Final = 0x1000
_RECURSIVE: Final = 0x4000
_PRIVATE: Final = 0x40000
_KEPT: Final = {0x2: 0x2, 0x4: 0x4, 0x8: 0x8, 0x400: 0x400, 0x800: 0x800, 0x1000: 0x200000}
"""Flags as statvfs(3) tells them → as mount(2) takes them; a remount must not drop any."""
_DETACH: Final = 2
_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41, "ppc64le": 203, "s390x": 217, "riscv64": 41}
_KEYCTL: Final = {"x86_64": 250, "aarch64": 219, "ppc64le": 271, "s390x": 280, "riscv64": 219}
_JOIN_SESSION: Final = 1
_UP: Final = 0x1
_SET_FLAGS: Final = 0x8914

_ROOT: Final = Path("/tmp")  # noqa: S108  # a mount point that every system has, covered at once
_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_FOR_NETWORK: Final = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf")
_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS: Final = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_FOLDERS: Final = ("etc", "run", "sys", "var/tmp", "dev/shm", "proc", ".old")
_USERS: Final = b"root:x:0:0:root:/:/bin/sh\n"
_GROUPS: Final = b"root:x:0:\n"

_LOOK_SECONDS: Final = 0.1
_MEASURED_EVERY: Final = 20
"""Measuring takes at most one part of so many of the time."""
_BLOCK_BYTES: Final = 512
_PAGE_BYTES: Final = resource.getpagesize()
_BAD: Final = 1

ENDINGS: Final = {
    b"": signal.SIGUSR1,
    b"memory": signal.SIGUSR2,
    b"disk": signal.SIGXFSZ,
    b"left": signal.SIGHUP,
}
"""Why this script ends by which signal: no cell could be made, a limit was passed, nobody waits."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


class Cell:
    """What is asked of this script."""

    def __init__(self, said: dict[str, Any]) -> None:
        """Read what was said; everything must be."""
        self.argv: list[str] = said["argv"]
        self.environment: dict[str, str] = said["environment"]
        self.folder: str = said["folder"]
        """Absolute; seen inside under the same name, and the only place to write."""
        self.users: list[list[int]] = said["users"]
        """Each: first id inside, first id outside, how many."""
        self.groups: list[list[int]] = said["groups"]
        self.helped: bool = said["helped"]
        """Whether newuidmap(1) and newgidmap(1) map the ids, as we may not."""
        self.network: bool = said["network"]
        self.programs: list[str] = said["programs"]
        """Files that can be read beside `/usr`."""
        self.processes: int = said["processes"]
        self.memory_bytes: int = said["memory_bytes"]
        """That all processes may have resident, together."""
        self.disk_bytes: int = said["disk_bytes"]
        """That the folder may hold."""
        self.spare_bytes: int = said["spare_bytes"]
        """That must stay free on its file system."""


def main() -> None:
    """Make the cell, run the program in it, and end as it ended."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the end of standard input is what ends us
    cell = Cell(json.loads(_first_line()))
    try:
        status, why = _run(cell)
    except (OSError, subprocess.SubprocessError) as error:
        _say(f"no cell could be made: {error}")
        status, why = _BAD, b""
    if why is not None:
        _end_by(ENDINGS.get(why, signal.SIGUSR1))
    os._exit(status)


def _first_line() -> bytes:
    """Read the line that is there before standard input goes silent."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 65_536)
        if not piece:
            break
        line += piece
    return line


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _end_by(number: signal.Signals) -> NoReturn:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(_BAD)


def _run(cell: Cell) -> tuple[int, bytes | None]:
    """Return the exit status, and why it was ended, if it was."""
    _forget_keys()
    os.chdir(cell.folder)  # so that no folder above it must be open to whom we become
    _become_nobody(cell)
    wanted = _NEW_MOUNTS | _NEW_PIDS | _NEW_IPC | _NEW_NAMES
    _check(_libc.unshare(wanted if cell.network else wanted | _NEW_NET), "namespaces")
    told, tells = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(told)
        _inside(cell, tells)
    os.close(tells)
    status = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
    said = os.read(told, 64)
    if said == b"done":
        return status, None
    return _BAD, said


def _forget_keys() -> None:
    """Take a new session keyring: the one that is inherited may hold what we can unlock."""
    number = _KEYCTL.get(os.uname().machine)
    if number is not None:  # else, or in a kernel without keys, `_leave_ours` or nobody objects
        _libc.syscall(ctypes.c_long(number), _JOIN_SESSION, None)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


# --- users


def _become_nobody(cell: Cell) -> None:
    """Enter a user namespace whose ids mean nobody outside."""
    us, (start, started) = os.getpid(), os.pipe()
    mapper = os.fork()
    if mapper == 0:
        os.close(started)
        os._exit(_map(cell, us) if os.read(start, 1) else _BAD)
    made = _libc.unshare(_NEW_USERS)
    if made == 0:
        os.write(started, b"x")
    os.close(started)
    os.close(start)
    mapped = os.waitstatus_to_exitcode(os.waitpid(mapper, 0)[1])
    _check(made, "user namespaces")
    if mapped != 0:
        raise OSError("user ids cannot be mapped")
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def _map(cell: Cell, pid: int) -> int:
    """Map the ids of another process, from outside of its namespace."""
    try:
        for kind, rows in (("uid", cell.users), ("gid", cell.groups)):
            if cell.helped:
                words = [str(number) for row in rows for number in row]
                subprocess.run([f"/usr/bin/new{kind}map", str(pid), *words], check=True)  # noqa: S603
                continue
            lines = "\n".join(" ".join(map(str, row)) for row in rows)
            Path(f"/proc/{pid}/{kind}_map").write_bytes(lines.encode())
    except (OSError, subprocess.SubprocessError) as error:
        _say(f"user ids cannot be mapped: {error}")
        return _BAD
    return 0


# --- inside


def _inside(cell: Cell, tells: int) -> NoReturn:
    """Be the first process of the cell, on which all others depend."""
    try:
        _set_up_files(cell)
        if not cell.network:
            _set_up_loopback()
        socket.sethostname("cell")
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_bytes(b"1000")
        program = _start(cell)
        status, why = _watch(cell, program)
        os.write(tells, b"done" if why is None else why)
        os._exit(status)
    except BaseException as error:  # noqa: BLE001  # it may not return into what made the cell
        _say(f"no cell could be made: {error}")
        os._exit(_BAD)


def _start(cell: Cell) -> int:
    """Start the program; returns its process id."""
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        nothing = os.open("/dev/null", os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(1, 2)
        os.closerange(3, 256)
        for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)  # what is ignored would be so for all inside
        os.nice(5)
        resource.setrlimit(resource.RLIMIT_NPROC, (cell.processes, cell.processes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (cell.disk_bytes, cell.disk_bytes))
        os.execve(cell.argv[0], cell.argv, cell.environment)  # noqa: S606  # no shell is the point
    except (OSError, ValueError) as error:
        _say(f"cannot run {cell.argv[0]!r}: {error}")
    os._exit(127)


def _watch(cell: Cell, program: int) -> tuple[int, bytes | None]:
    """Wait for the program, and see that limits are kept."""
    memory, disk = _Measure(_memory, 0.0), _Measure(lambda: _disk(cell.folder), 1.0)
    while True:
        status = _reap(program)
        if status is not None:
            return status if status >= 0 else 128 - status, None
        if select.select([0], [], [], _LOOK_SECONDS)[0] and not os.read(0, 1):
            return _BAD, b"left"
        if memory.now() > cell.memory_bytes:
            return _BAD, b"memory"
        if disk.now() > cell.disk_bytes or _free(cell.folder) < cell.spare_bytes:
            return _BAD, b"disk"


def _reap(program: int) -> int | None:
    """Bury who ended; returns the exit status of the program once it has one."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return None
        if pid == program:
            return os.waitstatus_to_exitcode(status)


class _Measure:
    """Something that is measured again the later, the longer it took."""

    def __init__(self, look: Any, every: float) -> None:
        self._look, self._every = look, every
        self._value, self._next = 0, time.monotonic() + every

    def now(self) -> int:
        """Return what was measured last."""
        begun = time.monotonic()
        if begun >= self._next:
            self._value = self._look()
            ended = time.monotonic()
            self._next = ended + max(self._every, (ended - begun) * _MEASURED_EVERY)
        return self._value


def _memory() -> int:
    """Bytes that all processes of the cell have resident."""
    pages = 0
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with suppress(OSError, IndexError, ValueError):
                pages += int((process / "statm").read_bytes().split()[1])
    return pages * _PAGE_BYTES


def _disk(folder: str) -> int:
    """Bytes that the files below a folder take."""
    total, folders = 0, [folder]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
    return total


def _free(folder: str) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


# --- what can be seen


def _set_up_files(cell: Cell) -> None:
    """Make a file system of its own that holds what the program needs, and leave ours."""
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", _ROOT, "tmpfs", 0, "mode=0755,size=4m")
    for folder in _FOLDERS:
        _below(folder).mkdir(parents=True, exist_ok=True)
    for name in _SYSTEM:
        _show_system(Path(name))
    for name in (*cell.programs, *(_FOR_NETWORK if cell.network else ())):
        _show(Path(name).resolve(), _below(name))
    _below("etc/passwd").write_bytes(_USERS)
    _below("etc/group").write_bytes(_GROUPS)
    _set_up_devices()
    _mount("proc", _below("proc"), "proc", 0)
    target = _below(cell.folder)
    target.mkdir(parents=True, exist_ok=True)
    _mount(".", target, None, _BIND)
    _below("tmp").mkdir(exist_ok=True)
    _leave_ours()
    os.chdir(cell.folder)


def _below(path: str) -> Path:
    return _ROOT / path.lstrip("/")


def _mount(
    source: str | Path | None, target: str | Path, kind: str | None, flags: int, data: str = ""
) -> None:
    words = [None if one is None else os.fsencode(one) for one in (source, target, kind, data)]
    result = _libc.mount(*words[:3], ctypes.c_ulong(flags), words[3])
    _check(result, f"mounting {target}")


def _show_system(path: Path) -> None:
    """Show a folder of the system, or the link that stands in its place."""
    if path.is_symlink():
        _below(str(path)).symlink_to(path.readlink())
    elif path.is_dir():
        _show(path, _below(str(path)))


def _show(path: Path, target: Path) -> None:
    """Show a folder or file, to read; nothing where there is none."""
    if not path.exists() or target.exists():
        return
    if path.is_dir():
        target.mkdir(parents=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(path, target, None, _BIND | _RECURSIVE)
    has = os.statvfs(target).f_flag
    kept = sum(flag for told, flag in _KEPT.items() if has & told)
    _mount(None, target, None, _REMOUNT | _BIND | _READ_ONLY | kept)


def _set_up_devices() -> None:
    for name in _DEVICES:
        if Path("/dev", name).exists():
            target = _below(f"dev/{name}")
            target.touch()
            _mount(f"/dev/{name}", target, None, _BIND)
    for name, place in _LINKS.items():
        _below(f"dev/{name}").symlink_to(place)
    _mount("tmpfs", _below("dev/shm"), "tmpfs", 0, "mode=1777,size=64m")


def _leave_ours() -> None:
    """Make the new file system the root, and let go of the old one."""
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"machines of the kind {os.uname().machine!r} are not known")
    old = _ROOT / ".old"
    arguments = (os.fsencode(_ROOT), os.fsencode(old))
    _check(_libc.syscall(ctypes.c_long(number), *arguments), "pivot_root")
    os.chdir("/")
    _check(_libc.umount2(b"/.old", _DETACH), "leaving the old root")
    Path("/.old").rmdir()
    Path("/tmp").chmod(0o1777)  # noqa: S108  # as everywhere; in the cell


def _set_up_loopback() -> None:
    request = b"lo".ljust(16, b"\0") + _UP.to_bytes(2, sys.byteorder) + bytes(22)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, _SET_FLAGS, request)


if __name__ == "__main__":
    main()
