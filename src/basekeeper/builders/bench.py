"""A workspace with a store for images, and the builder in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.builders.cell import Cells, Ended, empty_folder
from basekeeper.builders.failing import NoImage, not_served
from basekeeper.builders.identities import choose_identities
from basekeeper.builders.layouts import lay_in
from basekeeper.builders.workspace import Workspace
from basekeeper.transport.redaction import shown_text
from basekeeper.values.building import BuilderIdentity, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from threading import Event

    from basekeeper.builders.identities import Identities
    from basekeeper.values.building import BuildLimits
    from basekeeper.values.image import ImageConfig
    from basekeeper.values.scanning import LayoutImage

NAME: Final = "buildah"
SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_VERSION: Final = re.compile(rb"buildah version ([0-9]{1,6}(?:\.[0-9]{1,6}){1,3})")
_POLICY: Final = b'{"default":[{"type":"insecureAcceptAnything"}]}'
"""Signatures are judged where images are fetched; what is shown to the builder was verified."""
_REGISTRIES: Final = b'unqualified-search-registries = []\nshort-name-mode = "disabled"\n'
_LOOKED_AT_BYTES: Final = 65_536
_SHORTAGE: Final = re.compile(
    rb"no space left on device|file too large|disk quota exceeded|signal: killed", re.IGNORECASE
)


class Bench(Workspace):
    """A workspace with a store, and the builder in it."""

    def __init__(
        self, program: str, directory: Path, limits: BuildLimits, ended: Event | None
    ) -> None:
        """Make it, and what the builder reads.

        Raises:
            NoImage: There is no room for it.
        """
        self.identities: Identities = choose_identities()
        super().__init__(
            directory,
            lambda folder: empty_folder(folder, self.identities),
            owner=self.identities.owner,
        )
        self.program, self.limits = program, limits
        self.cells = Cells(self.open, self.identities, limits, program=program, ended=ended)
        try:
            for name in ("home", "tmp", "run", "store", "docker"):
                self.folder(name)
            self.write("auth.json", b"{}")
            self.write("policy.json", _POLICY)
            self.write("registries.conf", _REGISTRIES)
            self.write("empty.conf", b"")
        except OSError as error:
            self.__exit__(None, None, None)
            raise not_served(error) from error

    def environment(self, given: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the whole environment of the builder."""
        return {
            **(given or {}),
            "PATH": SEARCH_PATH,
            "HOME": str(self.open / "home"),
            "TMPDIR": str(self.open / "tmp"),
            "XDG_RUNTIME_DIR": str(self.open / "run"),
            "REGISTRY_AUTH_FILE": str(self.open / "auth.json"),
            "DOCKER_CONFIG": str(self.open / "docker"),
            "CONTAINERS_CONF": str(self.open / "empty.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self.open / "registries.conf"),
            "_CONTAINERS_USERNS_CONFIGURED": "done",  # the cell has made its user namespace
        }

    def call(
        self,
        words: Sequence[str],
        *,
        given: Mapping[str, str] | None = None,
        network: bool = False,
    ) -> Ended:
        """Run the builder."""
        options = ["--root", str(self.open / "store"), "--runroot", str(self.open / "run")]
        options += ["--storage-driver", "vfs"]
        argv = [self.program, *options, *words]
        return self.cells.run(argv, self.environment(given), network=network)

    def must(self, what: str, words: Sequence[str]) -> bytes:
        """Run the builder for something that cannot fail but for want of room or time."""
        done = self.call(words)
        check_limits(done)
        if done.status != 0:
            check_shortage(done)
            said = shown_text(done.output.decode("utf-8", "replace").strip()[-300:])
            raise NoImage(
                Failure.BUILDER, f"buildah failed at {what} with status {done.status}: {said}"
            )
        return done.output

    def identity(self) -> BuilderIdentity:
        """Ask for the version."""
        found = _VERSION.search(self.must("telling its version", ["--version"]))
        if found is None:
            raise NoImage(Failure.BUILDER, f"{self.program!r} does not say which buildah it is")
        return BuilderIdentity(NAME, found[1].decode("ascii"))

    def take(self, image: LayoutImage, name: str) -> tuple[str, ImageConfig]:
        """Put an image into the store; returns its name there, and its config."""
        folder, config = lay_in(image, name, self)
        self.must("taking an image", ["pull", "-q", *self.policy, f"dir:{folder}"])
        local = f"localhost/basekeeper/{name}:0"
        self.must("naming an image", ["tag", config.digest.partition(":")[2], local])
        return local, config

    @property
    def policy(self) -> tuple[str, str]:
        """What makes the builder ask for no signature."""
        return ("--signature-policy", str(self.open / "policy.json"))


def check_limits(done: Ended) -> None:
    """Tell of a limit that was passed.

    Raises:
        NoImage: One was.
    """
    if done.passed is not None:
        raise NoImage(
            Failure.LIMIT, done.passed, hint="raise the limit in [runner] of your own settings"
        )


def check_shortage(done: Ended) -> None:
    """Tell where a failure was one of this machine, between two looks at the limits.

    A build that only says so gains nothing: its failure is unknown instead of one of its base.

    Raises:
        NoImage: It was.
    """
    found = _SHORTAGE.search(done.output[-_LOOKED_AT_BYTES:])
    if found is not None:
        said = found[0].decode("ascii").lower()
        raise NoImage(
            Failure.LIMIT,
            f"memory or disk: {said}",
            hint="make room, or raise the limits in [runner]",
        )
