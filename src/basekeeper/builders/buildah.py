"""Buildah as a builder, in a cell, on a store of its own that lives as long as one build.

Source: buildah-build(1), buildah-run(1), containers-transports(5).
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final, TypeVar

from basekeeper.builders.arguments import argument_words, check_context_names
from basekeeper.builders.bench import Bench, check_limits, check_shortage
from basekeeper.builders.cell import isolation_of
from basekeeper.builders.contents import look_for
from basekeeper.builders.contexts import ContextCopy, read_below
from basekeeper.builders.failing import NoImage, not_served
from basekeeper.builders.layouts import lay_out
from basekeeper.builders.logs import make_log, secrets_among
from basekeeper.builders.replacing import Way, needed_images, replace_images
from basekeeper.errors import Error
from basekeeper.process import ProcessError
from basekeeper.transport.redaction import shown_text
from basekeeper.values.building import (
    CONTEXT_DIRECTORY,
    NO_LOG,
    BuildLimits,
    Built,
    Failure,
    NotBuilt,
    Ran,
    RunResult,
)
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path
    from threading import Event

    from basekeeper.builders.cell import Ended
    from basekeeper.values.building import (
        BuilderIdentity,
        BuildOutcome,
        BuildRequest,
        Command,
        ImageFile,
        Log,
        RunRequest,
    )
    from basekeeper.values.image import ImageConfig
    from basekeeper.values.scanning import LayoutImage

_T = TypeVar("_T")

VERSION_SECONDS: Final = 20.0
"""That asking for the version may take."""

_RESULT: Final = "localhost/basekeeper/result:0"
_CONTAINER: Final = "basekeeper"
_CONFINED: Final = ("--isolation", "chroot", "--cap-drop", "CAP_SYS_CHROOT")
"""The cell does the most of it; without that capability nobody climbs out of the chroot."""


NOT_STARTED: Final = 127
"""Status of a command that is not there, as shells have it."""
_NOT_STARTED: Final = re.compile(rb"process failed to start with error: .*\Z", re.DOTALL)
_LAST_WORDS: Final = re.compile(
    rb"(?:subprocess exited with status [0-9]{1,3}\n|Error: (?:while running runtime: )?exit status"
    rb" [0-9]{1,3}\n){1,4}\Z"
)


class Buildah:
    """The builder of the containers project; see `ports.Builder`. Safe to share between threads."""

    def __init__(self, program: str, directory: Path, *, ended: Event | None = None) -> None:
        """Run nothing yet.

        Args:
            program: Absolute path of the executable.
            directory: Where private folders are made; images are unpacked there.
            ended: Once another thread sets it, whatever runs is ended.
        """
        self._program, self._directory, self._ended = program, directory, ended

    def identity(self) -> BuilderIdentity | Unknown:
        """Tell which program builds."""
        limits = BuildLimits(seconds=VERSION_SECONDS)
        return self._told(limits, lambda bench: bench.identity())

    def run(self, request: RunRequest) -> RunResult | Unknown:
        """Run commands in an image."""
        return self._told(request.limits, lambda bench: _Running(bench, request).result())

    def files(self, image: LayoutImage, paths: Collection[str]) -> Mapping[str, ImageFile | None]:
        """Look for files in an image."""
        return look_for(image, paths)

    def build(self, request: BuildRequest) -> BuildOutcome:
        """Build an image into a layout of its own."""
        begun, said = time.monotonic(), _Said(secrets_among(request.args))
        try:
            with self._bench(request.limits) as bench:
                return _Building(bench, request, said).build()
        except (NoImage, Error, OSError) as error:
            failed = _why(error)
        return NotBuilt(
            failure=failed.failure,
            reason=failed.reason,
            hint=failed.hint,
            log=said.log,
            builder=said.builder,
            seconds=time.monotonic() - begun,
        )

    def _told(self, limits: BuildLimits, ask: Callable[[Bench], _T]) -> _T | Unknown:
        try:
            with self._bench(limits) as bench:
                return ask(bench)
        except (NoImage, Error, OSError) as error:
            failed = _why(error)
            return Unknown(f"{failed.failure}: {failed.reason}", failed.hint)

    def _bench(self, limits: BuildLimits) -> Bench:
        return Bench(self._program, self._directory, limits, self._ended)


def _why(error: NoImage | Error | OSError) -> NoImage:
    """Say why there is no image."""
    if isinstance(error, NoImage):
        return error
    if isinstance(error, Error):
        failure = Failure.BUILDER if isinstance(error, ProcessError) else Failure.INPUT
        return NoImage(failure, shown_text(error.message), hint=error.hint)
    return not_served(error)


class _Said:
    """What is known of a build before it ends."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self.secrets = secrets
        self.log: Log = NO_LOG
        self.builder: BuilderIdentity | None = None

    def note(self, output: bytes) -> None:
        self.log = make_log(output, self.secrets)


class _Building:
    """One build."""

    def __init__(self, bench: Bench, request: BuildRequest, said: _Said) -> None:
        self._bench, self._request, self._said = bench, request, said
        self._begun = time.monotonic()

    def build(self) -> Built:
        """Build, and keep what was built.

        Raises:
            NoImage, Error, OSError: There is none.
        """
        bench, request = self._bench, self._request
        builder = self._said.builder = bench.identity()
        copy = ContextCopy(bench, request.limits)
        context = copy.copy(request.context, "context", request.replaced)
        check_context_names(request.contexts)
        others = {
            name: copy.copy(path, f"context-{index}", {})
            for index, (name, path) in enumerate(sorted(request.contexts.items()))
        }
        bases = self._lay_file(context)
        self._run(context, others)
        image, config = self._keep()
        return Built(
            image=image,
            config=config,
            bases=bases,
            builder=builder,
            isolation=isolation_of(bench.identities, network=request.network),
            log=self._said.log,
            seconds=time.monotonic() - self._begun,
        )

    def _lay_file(self, context: Path) -> dict[str, tuple[str, ...]]:
        """Write the file that is built, and put the images that it needs into the store."""
        request = self._request
        data = read_below(context, request.dockerfile)
        way = Way(request.args, request.target, request.platform, tuple(request.contexts))
        names, bases = {}, {}
        for index, reference in enumerate(needed_images(data, way)):
            image = request.images.get(reference)
            if image is not None:  # else `replace_images` says which line needs it
                names[reference], config = self._bench.take(image, f"base-{index}")
                bases[reference] = config.diff_ids
        self._bench.write("Dockerfile", replace_images(data, way, names))
        return bases

    def _run(self, context: Path, others: Mapping[str, Path]) -> None:
        """Run the build itself.

        Raises:
            NoImage: It failed, or passed a limit.
            ProcessError: The whole run was ended.
        """
        arguments, given = argument_words(self._request.args)
        words = [*self._words(), *arguments, *self._ignoring(context)]
        for name, path in others.items():
            words += ["--build-context", f"{name}={path}"]
        network = self._request.network
        done = self._bench.call([*words, str(context)], given=given, network=network)
        self._said.note(done.output)
        check_limits(done)
        if done.status != 0:
            check_shortage(done)
            raise NoImage(Failure.BUILD, f"it ended with status {done.status}")

    def _words(self) -> list[str]:
        """Return the command without what depends on the context."""
        request, limits = self._request, self._request.limits
        words = ["build", *self._bench.policy, *_CONFINED, "--pull=never", "--no-cache"]
        words += ["--layers=false", "--format", "oci", "--ulimit"]
        words += [f"nproc={limits.processes}:{limits.processes}", "--platform", request.platform]
        words += ["--file", str(self._bench.open / "Dockerfile"), "--tag", _RESULT]
        return words if request.target is None else [*words, "--target", request.target]

    def _ignoring(self, context: Path) -> list[str]:
        """Say which file tells what is left out, where the Dockerfile has one of its own."""
        own = f"{self._request.dockerfile}.dockerignore"
        try:
            data = read_below(context, own)
        except NoImage:
            return []
        return ["--ignorefile", str(self._bench.write("dockerignore", data))]

    def _keep(self) -> tuple[LayoutImage, ImageConfig]:
        """Take the image out of the store."""
        result = self._bench.folder("result")
        words = ["push", "-q", "--disable-compression", "--format", "oci", *self._bench.policy]
        self._bench.must("giving the image", [*words, _RESULT, f"dir:{result}"])
        return lay_out(result, self._request.output)


class _Running:
    """Commands in one container of an image."""

    def __init__(self, bench: Bench, request: RunRequest) -> None:
        self._bench, self._request = bench, request

    def result(self) -> RunResult:
        """Run them.

        Raises:
            NoImage, Error, OSError: None could be run.
        """
        bench, request = self._bench, self._request
        builder = bench.identity()
        name, _ = bench.take(request.image, "image")
        bench.must("making a container", ["from", "--pull-never", "--name", _CONTAINER, name])
        mounted: list[str] = []
        if request.context is not None:
            copy = ContextCopy(bench, request.limits)
            folder = copy.copy(request.context, "context", request.replaced)
            mounted = ["--volume", f"{folder}:{CONTEXT_DIRECTORY}"]
        ran: list[Ran | Unknown] = []
        for command in request.commands:
            ran.append(self._run(command, mounted) if _goes_on(ran) else _NOT_RUN)
        isolation = isolation_of(bench.identities, network=False)
        return RunResult(ran=tuple(ran), builder=builder, isolation=isolation)

    def _run(self, command: Command, mounted: list[str]) -> Ran | Unknown:
        words = ["run", *_CONFINED, *mounted]
        directory = command.directory or (CONTEXT_DIRECTORY if mounted else None)
        if command.user is not None:
            words += ["--user", command.user]
        if directory is not None:
            words += ["--workingdir", directory]
        done = self._bench.call([*words, "--", _CONTAINER, *command.argv])
        if done.passed is not None:
            return Unknown(f"{Failure.LIMIT}: {done.passed}")
        return _ran(done)


def _ran(done: Ended) -> Ran:
    """Leave out what the builder says after the command."""
    output = _LAST_WORDS.sub(b"", done.output)
    status = NOT_STARTED if _NOT_STARTED.search(done.output) and done.status else done.status
    return Ran(status, make_log(output), output)


_NOT_RUN: Final = Unknown("not run: an earlier command passed a limit")


def _goes_on(ran: list[Ran | Unknown]) -> bool:
    """Tell whether the container is still as the image and the commands left it."""
    return not ran or isinstance(ran[-1], Ran)
