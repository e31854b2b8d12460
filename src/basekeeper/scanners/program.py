"""Which program a scanner is: its digest and release, told before it may see anything.

The digest is taken and the release is read from the executable itself before it is run for the
first time, as a release that an attacker published must not even be asked for its version.
"""

from __future__ import annotations

import hashlib
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.scanners.denied import release_of, why_denied
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.vulnerability import ScannerIdentity

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE_BYTES: Final = 4 * 1024 * 1024
_OVERLAP_BYTES: Final = 512
MAX_PROGRAM_BYTES: Final = 1024**3
"""Executables larger than this are refused."""
VERSION_SECONDS: Final = 20.0
"""That asking for a version may take."""


class Make(NamedTuple):
    """What is particular to the executable of one scanner."""

    name: str
    """As in `data/denied.json`."""
    title: str
    """As its makers write it."""
    stamps: re.Pattern[bytes]
    """Where Go's build information names the release: a stamp of the linker, or the module itself;
    the release is the first group."""


_RELEASE: Final = rb"([0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6})"
TRIVY: Final = Make(
    "trivy",
    "Trivy",
    re.compile(rb"github\.com/aquasecurity/trivy(?:/pkg/version/app\.ver=|\tv)" + _RELEASE),
)
GRYPE: Final = Make(
    "grype",
    "Grype",
    re.compile(rb"(?:-X main\.version=|github\.com/anchore/grype\tv)" + _RELEASE),
)


class _State(NamedTuple):
    """What tells whether a file is still the same."""

    device: int
    inode: int
    size: int
    changed: int


class Program:
    """A scanner's executable; safe to share between threads."""

    def __init__(self, path: str, make: Make) -> None:
        """Look at nothing yet.

        Args:
            path: Absolute path of the executable.
            make: Which scanner it is said to be.
        """
        self.path = path
        self._make = make
        self._lock = threading.Lock()
        self._known: tuple[_State, ScannerIdentity] | None = None

    def identify(self, ask_version: Callable[[], str]) -> ScannerIdentity:
        """Tell which program it is; read again where the file has changed.

        Args:
            ask_version: Runs it for its version, once nothing is known against it.

        Raises:
            NotTold: It is not there, is denied, or gives no version.
        """
        with self._lock:
            state = self._state()
            if self._known is None or self._known[0] != state:
                self._known = (state, self._identity(ask_version))
            return self._known[1]

    def _state(self) -> _State:
        try:
            found = Path(self.path).stat()
        except OSError as error:
            raise NotTold(
                f"scanner {self.path!r} cannot be read: {error.strerror}",
                hint=f"install {self._make.title} and put it on the search path",
            ) from error
        if found.st_size > MAX_PROGRAM_BYTES:
            raise NotTold(f"scanner {self.path!r} has {found.st_size} bytes: no scanner has")
        return _State(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    def _identity(self, ask_version: Callable[[], str]) -> ScannerIdentity:
        digest, stamps = self._look_inside()
        for stamp in (None, *sorted(stamps)):
            self._refuse_denied(stamp, digest)
        version = ask_version()
        self._refuse_denied(version, digest)
        return ScannerIdentity(
            name=self._make.name,
            version=version,
            digest=digest,
            verified=release_of(version) is not None,
        )

    def _look_inside(self) -> tuple[str, set[str]]:
        """Return digest and the releases that the build information names."""
        stamps: set[str] = set()
        digest, tail = hashlib.sha256(), b""
        try:
            with Path(self.path).open("rb") as handle:
                while piece := handle.read(_PIECE_BYTES):
                    digest.update(piece)
                    stamps.update(one.decode() for one in self._make.stamps.findall(tail + piece))
                    tail = piece[-_OVERLAP_BYTES:]
        except OSError as error:
            raise NotTold(f"scanner {self.path!r} cannot be read: {error.strerror}") from error
        return f"sha256:{digest.hexdigest()}", stamps

    def _refuse_denied(self, version: str | None, digest: str) -> None:
        name, title = self._make.name, self._make.title
        why = why_denied(name, version=version, digest=digest)
        if why is not None:
            raise NotTold(
                f"scanner {name} {version or digest} is refused: {why}",
                hint=f"install another release of {title}, and change what the denied one could"
                " read",
            )
