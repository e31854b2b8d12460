"""Discovery: a tree in, every file that names images out, with each place where one is named."""

from __future__ import annotations

import hashlib
import posixpath
from collections import defaultdict
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from basekeeper.dockerfile.parser import parse_dockerfile
from basekeeper.dockerfile.templates import classify_template
from basekeeper.readers.plans import plan_builds
from basekeeper.readers.uses import Reader, UseTable, context_use, devcontainer_use
from basekeeper.records import dataclass
from basekeeper.trees.names import FileKind, kind_of
from basekeeper.trees.patterns import PathPatterns
from basekeeper.values.use import Kind, Skipped, SourceFile, Survey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from basekeeper.dockerfile.model import Dockerfile
    from basekeeper.readers.plans import Planned
    from basekeeper.readers.spec import BuildSpec, Reading
    from basekeeper.trees.tree import Tree
    from basekeeper.values.settings import DiscoverSettings
    from basekeeper.values.use import Use

DEFAULT_NAMES: Final = ("Dockerfile", "Containerfile", "dockerfile")
"""What builders look for in a context where no name is given."""

MAX_INLINE_CHARS: Final = 65_536
"""Longest Dockerfile inside another file; aliases let one text stand for a thousand."""

MAX_INCLUDED: Final = 256
"""Compose files that are read only because others include them."""


def discover(
    tree: Tree,
    settings: DiscoverSettings,
    *,
    progress: Callable[[int], None] | None = None,
) -> Survey:
    """Find every image that the builds of a tree stand on.

    What cannot be read becomes a `Skipped`; nothing in a file raises.

    Args:
        tree: Where to look.
        settings: What to look at, and the arguments and platforms of builds.
        progress: Called now and then with the number of files read so far.
    """
    return _Discovery(tree, settings, progress or _ignore).run()


def _ignore(_count: int) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class _Discovery:
    """One run."""

    tree: Tree
    settings: DiscoverSettings
    progress: Callable[[int], None]
    include: PathPatterns = field(init=False)
    exclude: PathPatterns = field(init=False)
    dockerfiles: PathPatterns = field(init=False)
    helpers: PathPatterns = field(init=False)
    found: dict[str, FileKind] = field(default_factory=dict)
    """Path → kind of every file to read."""
    real: dict[str, str] = field(default_factory=dict)
    """Real path → the path under which it is read."""
    specs: dict[str, list[BuildSpec]] = field(default_factory=lambda: defaultdict(list))
    """Path of a Dockerfile → builds that name it."""
    inline: list[BuildSpec] = field(default_factory=list)
    files: list[SourceFile] = field(default_factory=list)
    table: UseTable = field(default_factory=UseTable)
    skipped: list[Skipped] = field(default_factory=list)
    documents: dict[bytes, Dockerfile] = field(default_factory=dict)
    """Digest of the content → the document: identical files are parsed once."""
    count: int = 0

    def __post_init__(self) -> None:
        self.include = PathPatterns(self.settings.include)
        self.exclude = PathPatterns(self.settings.exclude)
        self.dockerfiles = PathPatterns(self.settings.dockerfiles)
        self.helpers = PathPatterns(self.settings.non_production)

    def run(self) -> Survey:
        """Walk, read what describes builds, then the Dockerfiles."""
        self.walk()
        for kind in (FileKind.COMPOSE, FileKind.BAKE, FileKind.DEVCONTAINER, FileKind.CI):
            for path in sorted(path for path, each in self.found.items() if each is kind):
                self.describe(path, kind)
        for path in sorted(self.found):
            if self.found[path] in (FileKind.DOCKERFILE, FileKind.PERHAPS_DOCKERFILE):
                self.dockerfile(path)
        for spec in self.inline:
            self.inline_dockerfile(spec)
        return Survey(
            self.tree.label,
            tuple(sorted(self.files, key=lambda file: (file.path, file.first_line))),
            tuple(sorted(self.table.uses(), key=_order)),
            tuple(sorted(set(self.skipped), key=lambda item: (item.path, item.line or 0))),
        )

    def walk(self) -> None:
        """Find the files to read; those behind links count once."""
        links: list[tuple[str, FileKind]] = []
        for path in self.tree.files():
            if isinstance(path, Skipped):
                if self.wanted(path.path):
                    self.skip(path)
                continue
            kind = self.kind(path)
            if kind is None or not self.tree.exists(path):
                continue
            real = self.tree.real_path(path)
            if real == path:
                self.found[path] = kind
                self.real[path] = path
            else:
                links.append((path, kind))
        for path, kind in sorted(links):
            real = self.tree.real_path(path)
            if isinstance(real, Skipped):
                self.skip(real)
            elif self.real.setdefault(real, path) == path:
                self.found[path] = kind

    def kind(self, path: str) -> FileKind | None:
        """Say how a file is read; None: not at all."""
        kind = kind_of(path)
        unsure = kind is None or kind is FileKind.PERHAPS_DOCKERFILE
        if unsure and self.dockerfiles and self.dockerfiles.match(path):
            kind = FileKind.DOCKERFILE
        return kind if kind is not None and self.wanted(path) else None

    def wanted(self, path: str) -> bool:
        """Tell whether the settings let a path be read."""
        if self.include and not self.include.match(path):
            return False
        return not self.exclude.match(path)

    def production(self, path: str) -> bool:
        """Tell whether images below a path are shipped."""
        return not self.helpers.match(path)

    def skip(self, item: Skipped) -> None:
        """Remember what could not be read; below a non-production path it is never fatal."""
        fatal = item.fatal and self.production(item.path)
        self.skipped.append(replace(item, fatal=fatal))

    def content(self, path: str) -> bytes | None:
        """Read a file; what keeps it from being read is remembered."""
        self.count += 1
        self.progress(self.count)
        data = self.tree.read(path)
        if isinstance(data, Skipped):
            self.skip(data)
            return None
        return data

    def lookup(self, path: str) -> bytes | None:
        """Read a file that another one stands on, if it is there."""
        data = self.tree.read(path) if self.tree.exists(path) else None
        return None if isinstance(data, Skipped) else data

    def describe(self, path: str, kind: FileKind) -> None:
        """Read a file that describes builds."""
        data = self.content(path)
        if data is None:
            return
        reading = _read(data, path, kind, self)
        for item in reading.skipped:
            self.skip(item)
        production = self.production(path)
        for image in reading.images:
            self.table.add(devcontainer_use(image, production=production))
        for spec in reading.builds:
            self.attach(spec)
        if reading.images or (reading.builds and kind is not FileKind.CI):
            self.files.append(SourceFile(path=path, kind=kind.value, production=production))
        for more in reading.more:
            self.follow(more, kind)

    def follow(self, path: str, kind: FileKind) -> None:
        """Read a file that another one includes, unless it is read anyway."""
        known = path in self.found or len(self.found) > MAX_INCLUDED + len(self.real)
        if not known and self.tree.exists(path) and not self.exclude.match(path):
            self.found[path] = kind
            self.describe(path, kind)

    def attach(self, spec: BuildSpec) -> None:
        """Put a build to the Dockerfile that it names."""
        if spec.dockerfile is None:
            self.inline.append(spec)
            return
        path = self.located(spec)
        if path is None:
            place = spec.place
            reason = f"names the Dockerfile {spec.dockerfile!r}, which does not exist"
            hint = "correct its path, or check out what it is part of"
            # A workflow may build what an earlier step made, and vendored copies are never whole.
            known = any(item.path == place.path and item.reason == reason for item in self.skipped)
            helps = kind_of(place.path) is not FileKind.CI and self.production(place.path)
            if helps and not known:
                self.skip(Skipped(place.path, place.line, reason, hint))
            return
        real = self.tree.real_path(path)
        path = path if isinstance(real, Skipped) else self.real.setdefault(real, path)
        if not self.exclude.match(path):
            self.found[path] = FileKind.DOCKERFILE
            self.specs[path].append(spec)

    def located(self, spec: BuildSpec) -> str | None:
        """Return the Dockerfile of a build as it is called in the tree."""
        path = spec.dockerfile or ""
        if self.tree.exists(path):
            return path
        directory = posixpath.dirname(path)
        names = () if spec.dockerfile_given else DEFAULT_NAMES
        choices = (posixpath.join(directory, name) for name in names)
        return next((choice for choice in choices if self.tree.exists(choice)), None)

    def parse(self, data: bytes) -> Dockerfile:
        """Parse a document, once for each content."""
        digest = hashlib.sha256(data).digest()
        document = self.documents.get(digest)
        if document is None:
            document = self.documents[digest] = parse_dockerfile(data)
        return document

    def dockerfile(self, path: str) -> None:
        """Read a Dockerfile."""
        data = self.content(path)
        if data is None:
            return
        document = self.parse(data)
        specs = self.specs.get(path, [])
        planned = self.plan(path, document, specs)
        first = planned[0].plan.build
        perhaps = self.found[path] is FileKind.PERHAPS_DOCKERFILE
        if perhaps and (first.rejected is not None or not first.stages):
            return
        file = SourceFile(
            path=path,
            kind="dockerfile",
            production=self.production(path),
            template=classify_template(path, document),
            document=document,
            plans=tuple(each.plan for each in planned),
        )
        self.add(file, data, planned)

    def inline_dockerfile(self, spec: BuildSpec) -> None:
        """Read a Dockerfile that stands inside another file."""
        outer = self.lookup(spec.place.path)
        if spec.inline is None or outer is None:
            return
        if len(spec.inline.value) > MAX_INLINE_CHARS:
            place = spec.inline.place
            reason = f"holds a Dockerfile of more than {MAX_INLINE_CHARS} characters"
            self.skip(Skipped(place.path, place.line, reason, "put it into a file of its own"))
            return
        data = spec.inline.value.encode("utf-8", "surrogateescape")
        document = self.parse(data)
        planned = self.plan(spec.place.path, document, [spec])
        file = SourceFile(
            path=spec.inline_key,
            kind="compose" if kind_of(spec.place.path) is FileKind.COMPOSE else "bake",
            production=self.production(spec.place.path),
            template=document.template,
            document=document,
            plans=tuple(each.plan for each in planned),
            first_line=spec.inline_line,
        )
        self.add(file, outer, planned)

    def plan(self, path: str, document: Dockerfile, specs: list[BuildSpec]) -> list[Planned]:
        """Find the ways of building a document, and report targets that it does not have."""
        # A test's own Compose file says how its Dockerfile is built, but not how others are.
        helps = not self.production(path)
        pairs = [(spec, helps or self.production(spec.place.path)) for spec in specs]
        planned = plan_builds(document, pairs, self.settings)
        used = {each.spec.name for each in planned if each.spec is not None}
        for spec in specs:
            if spec.name not in used and spec.target is not None:
                reason = f"builds the target {spec.target!r}, which its Dockerfile does not have"
                hint = "correct the target; it may be written in the Dockerfile with another name"
                place = spec.place
                self.skip(Skipped(place.path, place.line, reason, hint, fatal=False))
        return planned

    def add(self, file: SourceFile, data: bytes, planned: Sequence[Planned]) -> None:
        """Keep a file with its uses."""
        reader = Reader(file, data)
        self.files.append(file)
        for each in planned:
            args = each.spec.args if each.spec is not None else {}
            given = self.settings.build_args
            args = {name: text for name, text in args.items() if name not in given}
            for use in reader.read(each.plan, args):
                self.table.add(use)
            for context in each.spec.contexts if each.spec is not None else ():
                if context.image is not None:
                    production = self.production(context.value.place.path)
                    self.table.add(context_use(context, each.plan, production=production))


def _read(data: bytes, path: str, kind: FileKind, run: _Discovery) -> Reading:
    """Read a file with the reader of its kind, which is imported only where it is needed."""
    variables = run.settings.build_args
    if kind is FileKind.COMPOSE:
        from basekeeper.readers import compose  # noqa: PLC0415

        base = compose.base_of(path, run.tree.exists)
        return compose.read_compose(data, path, lookup=run.lookup, variables=variables, base=base)
    if kind is FileKind.BAKE:
        from basekeeper.readers import bake  # noqa: PLC0415

        below = bake.joined_with(path, run.tree.exists)
        return bake.read_bake(data, path, lookup=run.lookup, variables=variables, below=below)
    if kind is FileKind.DEVCONTAINER:
        from basekeeper.readers import devcontainer  # noqa: PLC0415

        return devcontainer.read_devcontainer(data, path, variables=variables)
    from basekeeper.readers import ci  # noqa: PLC0415

    return ci.read_ci(data, path)


def _order(use: Use) -> tuple[object, ...]:
    """Sort uses by path and line, then by what is left to tell them apart."""
    return (use.path, use.line, use.column, use.via.value, use.text, use.kind is Kind.OPAQUE)
