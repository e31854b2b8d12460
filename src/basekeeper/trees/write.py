"""Writes edited files: each is whole the old or whole the new one, whatever happens meanwhile.

All new contents are written beside their files first, under names that say whose they are; only
then each is moved over its file. What a killed run left behind is removed by the next one: the
temporary files of a run that lives are locked.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import resource
import secrets
import signal
import stat
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InputError
from basekeeper.records import dataclass
from basekeeper.values.change import FileEdit
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from basekeeper.trees.working import WorkingTree

MAX_TRIES: Final = 8
"""Names that are tried for a temporary file."""

FILES_EACH: Final = 2
"""Open files for each file that is written: its directory, and its new content, which is locked."""

SPARE_FILES: Final = 256
"""Open files that everything else in the process may need."""

_TEMPORARY: Final = re.compile(r"\.basekeeper-[0-9a-f]{16}\.tmp")
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ANY_WRITE: Final = 0o222
_PIECE_BYTES: Final = 1 << 20
_ATTRIBUTES: Final = ("user.", "system.posix_acl_access", "security.selinux")


@dataclass(slots=True)
class _Target:
    """One file on its way from old to new."""

    edit: FileEdit
    directory: int
    """The open directory that holds it, links followed."""
    name: str
    status: os.stat_result
    temporary: str = ""
    """Name of the new content until it is moved over the file; empty before and after."""


def write_files(tree: WorkingTree, edits: Sequence[FileEdit]) -> None:
    """Write edits; either every file is checked and prepared, or none is changed.

    Mode, owner and extended attributes stay. A symbolic link stays one: what it leads to is
    written, where that lies in the tree.

    Raises:
        InputError: A file cannot be written, or is no longer what was edited.
    """
    with ExitStack() as stack:
        stack.enter_context(_room_for(len(edits)))
        targets = [_target(tree, edit, stack) for edit in edits]
        try:
            for target in targets:
                stack.enter_context(_prepared(target))
            with _undisturbed():
                _move(targets)
        finally:
            for target in targets:
                _discard(target)
        for directory in {target.directory for target in targets}:
            with suppress(OSError):  # some file systems cannot; the files are whole all the same
                os.fsync(directory)


def create_file(tree: WorkingTree, path: str, data: bytes) -> None:
    """Write a file that is not there yet, whole or not at all, into a directory of the tree.

    Raises:
        InputError: It cannot be written, or something of that name is there.
    """
    edit = FileEdit(path, b"", data, ())
    parent, _, name = path.rpartition("/")
    real = tree.real_path(parent) if parent else ""
    if isinstance(real, Skipped):
        raise _refused(edit, f"its directory {real.reason}", "make the directory first")
    with ExitStack() as stack:
        try:
            directory = _open_directory(tree, real, stack)
            target = _Target(edit, directory, name, os.fstat(directory))
            _put(target)
        except OSError as error:
            raise _failed(edit, error) from error
        with suppress(OSError):  # as above
            os.fsync(directory)


def _put(target: _Target) -> None:
    """Write content under a temporary name, and link it to its own, which must be free."""
    file = -1
    try:
        file = _create(target)
        _write(file, target.edit.after)
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(file, 0o666 & ~mask)
        os.fsync(file)
        here = target.directory
        os.link(target.temporary, target.name, src_dir_fd=here, dst_dir_fd=here)
    finally:
        _discard(target)
        if file >= 0:
            os.close(file)


@contextmanager
def _room_for(count: int) -> Iterator[None]:
    """Let so many files be written at the same time, as far as the system permits.

    Most systems permit a process 256 or 1,024 open files, and far more where it asks.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count * FILES_EACH + SPARE_FILES
    most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft == resource.RLIM_INFINITY or most <= soft:
        yield
        return
    with suppress(OSError, ValueError):  # then writing fails, and says so
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def sweep(tree: WorkingTree, paths: Iterable[str]) -> None:
    """Remove what killed runs left beside files; never what a living run is writing."""
    directories = {path.rpartition("/")[0] for path in paths}
    for path in sorted(directories):
        with suppress(OSError), ExitStack() as stack:
            directory = _open_directory(tree, path, stack)
            for name in os.listdir(directory):  # noqa: PTH208  # it takes an open directory
                if _TEMPORARY.fullmatch(name) is not None:
                    _remove_abandoned(directory, name)


def _target(tree: WorkingTree, edit: FileEdit, stack: ExitStack) -> _Target:
    """Open what is to be written, and refuse what must not be."""
    real = tree.real_path(edit.path)
    if isinstance(real, Skipped):
        raise _refused(edit, real.reason, real.hint)
    parent, _, name = real.rpartition("/")
    try:
        directory = _open_directory(tree, parent, stack)
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        raise _failed(edit, error) from error
    target = _Target(edit, directory, name, status)
    _check_kind(target)
    _check_unchanged(target)
    return target


def _open_directory(tree: WorkingTree, path: str, stack: ExitStack) -> int:
    """Open a directory part by part, so that none on the way can be a link."""
    here = os.open(tree.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in path.split("/") if path else ():
        if part in ("", ".", ".."):
            os.close(here)
            raise OSError(errno.EINVAL, "not a path below the root")
        try:
            inner = os.open(part, _DIRECTORY, dir_fd=here)
        finally:
            os.close(here)
        here = inner
    stack.callback(os.close, here)
    return here


def _check_kind(target: _Target) -> None:
    """Refuse files whose replacement would lose something."""
    status = target.status
    if not stat.S_ISREG(status.st_mode):
        raise _refused(target.edit, "it is not a regular file", None)
    # The owner of a directory could replace it all the same, and so could root.
    if not status.st_mode & _ANY_WRITE or not os.access(
        target.name, os.W_OK, dir_fd=target.directory, effective_ids=True, follow_symlinks=False
    ):
        raise _refused(target.edit, "it is read-only", "give yourself the right to write it")
    if status.st_nlink > 1:
        reason = "it has several names (hard links), of which only one would change"
        raise _refused(target.edit, reason, "edit it by hand, or make it a file of its own")


def _check_unchanged(target: _Target) -> None:
    """Refuse a file that is no longer what was edited."""
    try:
        file = os.open(target.name, _READ, dir_fd=target.directory)
        try:
            same = _holds(file, target.edit.before)
        finally:
            os.close(file)
    except OSError as error:
        raise _failed(target.edit, error) from error
    if not same:
        raise _refused(target.edit, "it changed since it was read", "run again")


def _holds(file: int, data: bytes) -> bool:
    """Tell whether an open file holds exactly these bytes."""
    at = 0
    while piece := os.read(file, _PIECE_BYTES):
        if data[at : at + len(piece)] != piece:
            return False
        at += len(piece)
    return at == len(data)


@contextmanager
def _prepared(target: _Target) -> Iterator[None]:
    """Write the new content beside its file; it stays locked until the end."""
    file = -1
    try:
        file = _create(target)
        _fill(file, target)
        yield
    except OSError as error:
        raise _failed(target.edit, error) from error
    finally:
        if file >= 0:
            os.close(file)


def _create(target: _Target) -> int:
    """Create a locked temporary file."""
    for _ in range(MAX_TRIES):
        name = f".basekeeper-{secrets.token_hex(8)}.tmp"
        target.temporary = name
        file = os.open(name, _CREATE, 0o600, dir_fd=target.directory)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_nlink:
            return file
        os.close(file)  # another run took it for an abandoned one before it was locked
    raise OSError(errno.EEXIST, "no temporary file could be kept")


def _fill(file: int, target: _Target) -> None:
    """Write content, owner, attributes and mode, and let the disk have them."""
    _write(file, target.edit.after)
    own, old = os.fstat(file), target.status
    if (own.st_uid, own.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(file, old.st_uid, old.st_gid)
    _copy_attributes(file, target)
    os.fchmod(file, stat.S_IMODE(old.st_mode))
    os.fsync(file)


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _copy_attributes(file: int, target: _Target) -> None:
    """Copy extended attributes as far as the system lets us; not all systems have them."""
    if not hasattr(os, "listxattr"):
        return
    with suppress(OSError):
        old = os.open(target.name, _READ, dir_fd=target.directory)
        try:
            for name in os.listxattr(old):
                if name.startswith(_ATTRIBUTES):
                    with suppress(OSError):
                        os.setxattr(file, name, os.getxattr(old, name))
        finally:
            os.close(old)


def _move(targets: Sequence[_Target]) -> None:
    """Move every new content over its file; what is written is told where that fails midway."""
    for target in targets:
        _check_unchanged(target)
    done: list[str] = []
    for target in targets:
        try:
            os.replace(
                target.temporary,
                target.name,
                src_dir_fd=target.directory,
                dst_dir_fd=target.directory,
            )
        except OSError as error:
            written = f"; written before: {', '.join(done)}" if done else ""
            raise _failed(target.edit, error, more=written) from error
        target.temporary = ""
        done.append(target.edit.path)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let Ctrl-C wait for the short time of the moves, so that all files go together."""
    old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def _discard(target: _Target) -> None:
    """Remove the temporary file of a run that failed."""
    if target.temporary:
        with suppress(OSError):
            os.unlink(target.temporary, dir_fd=target.directory)


def _remove_abandoned(directory: int, name: str) -> None:
    """Remove a temporary file that no living run holds."""
    with suppress(OSError):
        file = os.open(name, _READ, dir_fd=directory)
        try:
            if stat.S_ISREG(os.fstat(file).st_mode):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=directory)
        finally:
            os.close(file)


def _refused(edit: FileEdit, reason: str, hint: str | None) -> InputError:
    return InputError(f"cannot write {edit.path!r}: {reason}", hint=hint)


def _failed(edit: FileEdit, error: OSError, *, more: str = "") -> InputError:
    """Say in the user's words why a file cannot be written."""
    hints = {
        errno.EACCES: "give yourself the right to write in its directory",
        errno.EPERM: "the file belongs to another user; run as its owner",
        errno.EROFS: "the file system is read-only",
        errno.ENOSPC: "make room on the disk",
        errno.EMFILE: "raise the limit of open files with `ulimit -n`, or name fewer directories",
        errno.ENOENT: "it was moved or deleted meanwhile; run again",
        errno.EEXIST: "something of that name came into being meanwhile; run again",
    }
    reason = error.strerror or str(error)
    return InputError(
        f"cannot write {edit.path!r}: {reason}{more}", hint=hints.get(error.errno or 0)
    )
