"""Reads which images a Compose file builds, and with which arguments.

Sources: the Compose specification, build.md, 13-merge.md, 14-include.md and `extends` in
05-services.md.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.readers.composebuild import ServiceBuild, read_service_build
from basekeeper.readers.paths import dockerfile_path, is_remote
from basekeeper.readers.source import Source
from basekeeper.readers.spec import MAX_BUILDS, BuildSpec, NamedContext, Reading
from basekeeper.readers.variables import Unresolved, interpolate, read_env_file
from basekeeper.readers.yamltree import (
    Node,
    YamlError,
    fields_of,
    items_of,
    parse_yaml,
    place_of,
    unusable,
)
from basekeeper.records import dataclass
from basekeeper.trees.tree import join
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from basekeeper.readers.spec import Lookup

MAX_EXTENDS: Final = 16
"""Services that extend services that extend services."""

PRIMARY_NAMES: Final = (
    "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml",
)  # fmt: skip
"""What Compose looks for, in this order."""

_VARIANT: Final = re.compile(r"(docker-compose|compose)[._-].+\.ya?ml")


@dataclass(slots=True)
class _File:
    """One Compose file, parsed."""

    source: Source
    services: dict[str, Node]
    variables: Mapping[str, str]
    top: dict[str, Node] = field(default_factory=dict)

    @property
    def directory(self) -> str:
        return posixpath.dirname(self.source.path)


def base_of(path: str, exists: Callable[[str], bool]) -> str | None:
    """Return the file that a variant such as `compose.prod.yaml` is laid over, or None.

    Both stand in the same directory. A variant by itself is often no whole project.
    """
    directory, name = posixpath.split(path)
    match = _VARIANT.fullmatch(name.lower())
    if match is None:
        return None
    names = sorted(PRIMARY_NAMES, key=lambda each: not each.startswith(match[1]))
    for each in names:
        candidate = posixpath.join(directory, each)
        if exists(candidate):
            return candidate
    return None


def read_compose(
    data: bytes,
    path: str,
    *,
    lookup: Lookup,
    variables: Mapping[str, str] | None = None,
    base: str | None = None,
) -> Reading:
    """Read the builds of a Compose file.

    Args:
        data: The file.
        path: Its path, relative to the root.
        lookup: Gives the files that it names, and the `.env` beside it.
        variables: Values given by the user; they win over `.env`.
        base: A file that this one is laid over; then only builds that this one touches are
            returned.
    """
    try:
        return _Reader(lookup, variables or {}, data, path).read(base)
    except YamlError as error:
        return Reading(skipped=(unusable(Source(b"", path), error),))


class _Reader:
    """Reads one file and those that it stands on."""

    def __init__(
        self, lookup: Lookup, variables: Mapping[str, str], data: bytes, path: str
    ) -> None:
        self.lookup = lookup
        self.given = variables
        self.skipped: list[Skipped] = []
        self.cache: dict[str, _File | None] = {}
        self.file = self.parse(data, path)

    def parse(self, data: bytes, path: str) -> _File:
        """Parse a file; raises YamlError."""
        source = Source(data, path)
        top = fields_of(parse_yaml(source))
        env = self.lookup(posixpath.join(posixpath.dirname(path), ".env"))
        variables = {**(read_env_file(env) if env is not None else {}), **self.given}
        return _File(source, fields_of(top.get("services")), variables, top)

    def other(self, path: str) -> _File | None:
        """Parse another file, once; None where it cannot be read (it is reported by itself)."""
        if path not in self.cache:
            data = self.lookup(path)
            try:
                self.cache[path] = None if data is None else self.parse(data, path)
            except YamlError:
                self.cache[path] = None
        return self.cache[path]

    def read(self, base: str | None) -> Reading:
        """Return what the file says."""
        below = self.other(base) if base is not None else None
        specs: list[BuildSpec] = []
        for name, node in self.file.services.items():
            if len(specs) >= MAX_BUILDS:
                self.skip(node, f"has more than {MAX_BUILDS} builds; the rest is not read")
                break
            build = self.resolved(self.file, name, 0)
            if below is not None and name in below.services and build is not None:
                under = self.resolved(below, name, 0)
                build = build.over(under) if under is not None else build
            spec = self.spec(name, build) if build is not None else None
            if spec is not None:
                specs.append(spec)
        more = tuple(self.included())
        return Reading(tuple(specs), skipped=tuple(self.skipped), more=more)

    def resolved(self, file: _File, name: str, depth: int) -> ServiceBuild | None:
        """Return the build of a service with what it extends below it."""
        node = file.services.get(name)
        if node is None or depth > MAX_EXTENDS:
            return None
        own = read_service_build(file.source, node, file.variables, file.directory)
        extends = fields_of(node).get("extends")
        if extends is None:
            return own
        target, service = file, extends.scalar or ""
        if extends.scalar is None:
            fields = fields_of(extends)
            service_node, file_node = fields.get("service"), fields.get("file")
            service = (service_node.scalar if service_node else None) or ""
            if file_node is not None and file_node.scalar:
                found = self.extended(file, file_node)
                if found is None:
                    return own
                target = found
        below = self.resolved(target, service, depth + 1)
        if own is None or below is None:
            return own or below
        return own.over(below)

    def extended(self, file: _File, node: Node) -> _File | None:
        """Return the file that a service extends from."""
        try:
            name = interpolate(node.scalar or "", file.variables)
        except Unresolved as problem:
            self.skip(node, f"extends a file whose name cannot be told: {problem}", file)
            return None
        path = join(file.directory, name)
        found = self.other(path) if path else None
        if found is None:
            self.skip(node, f"extends {name!r}, which cannot be read in this tree", file)
        return found

    def spec(self, name: str, build: ServiceBuild) -> BuildSpec | None:
        """Turn the merged build of a service into a BuildSpec."""
        what = f"service {name!r}"
        for text in (build.context, build.dockerfile, build.inline):
            if text is not None and text.problem is not None:
                self.skipped.append(
                    Skipped(
                        text.place.path,
                        text.place.line,
                        f"{what} cannot be followed: {text.problem}",
                        "set the variable in a .env file beside the Compose file",
                    )
                )
                return None
        path: str | None = None
        if build.inline is None:
            context = build.context.value if build.context else "."
            given = build.dockerfile.value if build.dockerfile else None
            found = dockerfile_path(build.directory, context, given, place=build.place, what=what)
            if isinstance(found, Skipped):
                self.skipped.append(found)
                return None
            path = found
        target = build.target
        return BuildSpec(
            name=f"{self.file.source.path}: {name}",
            place=build.place,
            dockerfile=path,
            inline=build.inline,
            inline_line=build.inline_line,
            inline_key=f"{build.place.path}#services.{name}",
            args=MappingProxyType(
                {key: text for key, text in build.args.items() if text.problem is None}
            ),
            target=target.value if target is not None and target.problem is None else None,
            platforms=build.platforms,
            contexts=tuple(NamedContext(key, text) for key, text in build.contexts.items()),
            dockerfile_given=build.dockerfile is not None,
        )

    def included(self) -> list[str]:
        """Return the files that `include` names."""
        found: list[str] = []
        for item in items_of(self.file.top.get("include")):
            paths = [item] if item.scalar else _listed(fields_of(item).get("path"))
            for node in paths:
                try:
                    name = interpolate(node.scalar or "", self.file.variables)
                except Unresolved as problem:
                    self.skip(node, f"includes a file whose name cannot be told: {problem}")
                    continue
                path = join(self.file.directory, name)
                if is_remote(name) or name.startswith("oci:"):
                    self.skip(node, f"includes {name!r}, which is not fetched", fatal=False)
                elif not path:
                    self.skip(node, f"includes {name!r}, which lies outside the tree")
                else:
                    found.append(path)
        return found

    def skip(
        self, node: Node, reason: str, file: _File | None = None, *, fatal: bool = True
    ) -> None:
        """Remember something that cannot be followed."""
        place = place_of((file or self.file).source, node)
        self.skipped.append(Skipped(place.path, place.line, reason, fatal=fatal))


def _listed(node: Node | None) -> list[Node]:
    """Return the scalars of one or of a list."""
    if node is None:
        return []
    return [node] if node.scalar is not None else [item for item in items_of(node) if item.scalar]
