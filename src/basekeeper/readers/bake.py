"""Reads which images a bake file builds, and with which arguments.

Source: Docker's bake file reference.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from contextlib import suppress
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.readers.hcl import Block, Expr, HclError, parse_hcl
from basekeeper.readers.hcljson import parse_hcl_json
from basekeeper.readers.hclvalue import Scope, Unknown, Value, as_text
from basekeeper.readers.jsonc import JsonError
from basekeeper.readers.paths import dockerfile_path
from basekeeper.readers.source import Source
from basekeeper.readers.spec import (
    MAX_BUILDS,
    MAX_READER_BYTES,
    BuildSpec,
    NamedContext,
    Place,
    Reading,
    Text,
)
from basekeeper.records import dataclass
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from basekeeper.readers.spec import Lookup

MAX_INHERITED: Final = 64
"""Targets that one target stands on, in all."""

DEFAULT_FILES: Final = (
    "docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl",
)  # fmt: skip
"""What bake reads together, the later over the earlier, when no file is named."""

_SAYS_WHAT: Final = ("target", "dockerfile", "dockerfile-inline", "context")
_NAME_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(slots=True)
class _Target:
    """A target, or one that a matrix makes; `layers` are its blocks, later over earlier."""

    name: str
    local: Mapping[str, Value]
    layers: list[tuple[Source, Block]] = field(default_factory=list)


class _BakeError(Exception):
    """One of the files is no bake file that can be used."""

    def __init__(self, skipped: Skipped) -> None:
        super().__init__(skipped.reason)
        self.skipped = skipped


def joined_with(path: str, exists: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the files that bake reads together with (and below) this one, in its order."""
    directory, name = posixpath.split(path)
    if name not in DEFAULT_FILES:
        return ()
    paths = [posixpath.join(directory, each) for each in DEFAULT_FILES]
    return tuple(each for each in paths[: paths.index(path)] if exists(each))


def read_bake(
    data: bytes,
    path: str,
    *,
    lookup: Lookup,
    variables: Mapping[str, str] | None = None,
    below: tuple[str, ...] = (),
) -> Reading:
    """Read the builds of a bake file, HCL or JSON by its name.

    Args:
        data: The file.
        path: Its path, relative to the root.
        lookup: Gives the files below it.
        variables: Values given by the user; they win over defaults.
        below: Files that this one is laid over (`joined_with`); then only targets that this one
            touches are returned.
    """
    try:
        own = _parse(data, path)
    except _BakeError as problem:
        return Reading(skipped=(problem.skipped,))
    files = []
    for each in below:
        found = lookup(each)
        # A broken file below is reported when it is read for itself.
        with suppress(_BakeError):
            files += [] if found is None else [_parse(found, each)]
    return _Reader([*files, own], variables or {}).read()


def _parse(data: bytes, path: str) -> tuple[Source, Block]:
    """Parse one file."""
    source = Source(data, path)
    hint = "correct the file, or exclude it from the survey"
    if len(data) > MAX_READER_BYTES:
        reason = f"is larger than {MAX_READER_BYTES // 1024 // 1024} MiB"
        raise _BakeError(Skipped(path, None, reason, hint))
    try:
        if path.lower().endswith(".json"):
            return source, parse_hcl_json(source)
        return source, parse_hcl(source.text)
    except HclError as error:
        reason = f"is not valid HCL: {error.reason}"
        raise _BakeError(Skipped(path, source.line(error.at), reason, hint)) from error
    except JsonError as error:
        raise _BakeError(Skipped(path, error.line, error.reason, hint)) from error


class _Reader:
    """Reads one file and those below it."""

    def __init__(self, files: list[tuple[Source, Block]], given: Mapping[str, str]) -> None:
        self.source = files[-1][0]
        self.origin: dict[int, Source] = {}
        variables: dict[str, Expr | None] = {}
        functions: dict[str, Block] = {}
        self.groups: list[Block] = []
        self.skipped: list[Skipped] = []
        self.targets: dict[str, _Target] = {}
        self.inherited: set[str] = set()
        for source, body in files:
            for name, expr in body.attributes.items():
                variables[name] = expr
                self.origin[id(expr)] = source
            for block in _labelled(body, "variable"):
                default = block.attributes.get("default")
                variables[block.labels[0]] = default
                self.origin[id(default)] = source
            functions |= {block.labels[0]: block for block in _labelled(body, "function")}
            self.groups += _labelled(body, "group")
        self.scope = Scope(variables, functions, given)
        for source, body in files:
            for block in _labelled(body, "target"):
                if not self.add(source, block):
                    reason = f"more than {MAX_BUILDS} targets are not read"
                    self.skip(source, block.start, reason)
                    break

    def add(self, source: Source, block: Block) -> bool:
        """Add a target block, of which a matrix makes several; False where there are too many."""
        for name, local in self.expanded(source, block):
            if len(self.targets) >= MAX_BUILDS:
                return False
            target = self.targets.setdefault(name, _Target(name, local))
            target.layers.append((source, block))
        return True

    def expanded(self, source: Source, block: Block) -> Iterator[tuple[str, Mapping[str, Value]]]:
        """Yield the names and variables that a matrix gives, or the block's own name."""
        label = block.labels[0]
        matrix = block.attributes.get("matrix")
        if matrix is None:
            yield label, {}
            return
        axes = self.scope.value(matrix)
        if not isinstance(axes, dict) or not all(isinstance(axis, list) for axis in axes.values()):
            reason = f"the matrix of target {label!r} cannot be worked out"
            self.skip(source, matrix.start, reason)
            return
        lists = [axis for axis in axes.values() if isinstance(axis, list)]
        for values in itertools.islice(itertools.product(*lists), MAX_BUILDS):
            local = dict(zip(axes, values, strict=True))
            given = block.attributes.get("name")
            name = as_text(self.scope.value(given, local)) if given is not None else None
            if not isinstance(name, str):
                name = "-".join([label, *(str(as_text(value)) for value in values)])
            yield _NAME_UNSAFE.sub("-", name), local

    def read(self) -> Reading:
        """Return the builds of the uppermost file."""
        grouped = self.grouped()
        for target in self.targets.values():
            self.inherited.update(self.parents(target))
        specs = []
        for target in self.targets.values():
            touched = any(source is self.source for source, _ in target.layers)
            if touched and self.is_built(target, grouped):
                spec = self.spec(target)
                if spec is not None:
                    specs.append(spec)
        return Reading(tuple(specs), skipped=tuple(self.skipped))

    def grouped(self) -> set[str]:
        """Return the names of all targets in groups."""
        found: set[str] = set()
        for group in self.groups:
            members = (
                self.scope.value(group.attributes["targets"])
                if ("targets" in group.attributes)
                else []
            )
            found.update(each for each in _list(members) if isinstance(each, str))
        return found

    def is_built(self, target: _Target, grouped: set[str]) -> bool:
        """Tell a target to build from one that only others inherit from."""
        labels = {target.name, *(block.labels[0] for _, block in target.layers)}
        if self.only_checks(target):
            return False
        if not labels.isdisjoint(grouped):
            return True
        if target.name.startswith("_"):
            return False
        says = any(key in block.attributes for _, block in target.layers for key in _SAYS_WHAT)
        return says or target.name not in self.inherited

    def only_checks(self, target: _Target) -> bool:
        """Tell a target that runs the builder's linter (`call = "check"`) from one that builds."""
        text = self.one(self.lineage(target), "call")
        return text is not None and text.problem is None and text.value != "build"

    def parents(self, target: _Target) -> list[str]:
        """Return the names that a target inherits from; the last layer that says so counts."""
        for _, block in reversed(target.layers):
            if "inherits" in block.attributes:
                value = self.scope.value(block.attributes["inherits"], target.local)
                return [each for each in _list(value) if isinstance(each, str)]
        return []

    def lineage(self, target: _Target) -> list[tuple[_Target, Source, Block]]:
        """Return all layers of a target, the one that wins last."""
        found: list[tuple[_Target, Source, Block]] = []
        seen: set[str] = set()

        def visit(each: _Target) -> None:
            if each.name in seen or len(seen) >= MAX_INHERITED:
                return
            seen.add(each.name)
            for name in self.parents(each):
                parent = self.targets.get(name)
                if parent is not None:
                    visit(parent)
            found.extend((each, source, block) for source, block in each.layers)

        visit(target)
        return found

    def spec(self, target: _Target) -> BuildSpec | None:
        """Turn a target into a BuildSpec."""
        layers = self.lineage(target)
        _, source, block = next(layer for layer in reversed(layers) if layer[1] is self.source)
        place = Place(source.path, source.line(block.start), source.column(block.start), None)
        what = f"target {target.name!r}"
        texts = {key: self.one(layers, key) for key in _SAYS_WHAT}
        for key, text in texts.items():
            if key != "target" and text is not None and text.problem is not None:
                reason = f"{what} cannot be followed: its {key} is not known: {text.problem}"
                self.skipped.append(Skipped(text.place.path, text.place.line, reason))
                return None
        path: str | None = None
        inline, given = texts["dockerfile-inline"], texts["dockerfile"]
        if inline is None:
            context = texts["context"].value if texts["context"] is not None else "."
            found = dockerfile_path(
                posixpath.dirname(source.path),
                context.removeprefix("cwd://"),
                given.value.removeprefix("cwd://") if given is not None else None,
                place=place,
                what=what,
            )
            if isinstance(found, Skipped):
                self.skipped.append(found)
                return None
            path = found
        aim = texts["target"]
        return BuildSpec(
            name=f"{self.source.path}: {target.name}",
            place=place,
            dockerfile=path,
            inline=inline,
            inline_line=inline.place.line if inline is not None else 1,
            inline_key=f"{source.path}#target.{target.name}",
            args=MappingProxyType(
                {key: text for key, text in self.table(layers, "args").items() if not text.problem}
            ),
            target=aim.value if aim is not None and aim.problem is None else None,
            platforms=self.platforms(layers),
            contexts=tuple(
                NamedContext(key, text) for key, text in self.table(layers, "contexts").items()
            ),
            dockerfile_given=given is not None,
        )

    def one(self, layers: list[tuple[_Target, Source, Block]], key: str) -> Text | None:
        """Return the text of an attribute from the last layer that gives it, null aside."""
        for target, source, block in reversed(layers):
            if key in block.attributes:
                expr = block.attributes[key]
                value = self.scope.value(expr, target.local)
                text = self.text(source, expr, target.local, value)
                if text is not None:
                    return text
        return None

    def table(self, layers: list[tuple[_Target, Source, Block]], key: str) -> dict[str, Text]:
        """Join the tables of an attribute, key by key; a null takes a key away."""
        found: dict[str, Text] = {}
        for target, source, block in layers:
            expr = block.attributes.get(key)
            if expr is None:
                continue
            for name, value, written in self.pairs(expr, target.local):
                text = self.text(source, written, target.local, value)
                found.pop(name, None)
                if text is not None:
                    found[name] = text
        return found

    def pairs(self, expr: Expr, local: Mapping[str, Value]) -> Iterator[tuple[str, Value, Expr]]:
        """Yield key, value and the expression closest to the value."""
        if expr.kind == "object":
            for key, value in zip(expr.operands[::2], expr.operands[1::2], strict=True):
                name = as_text(self.scope.value(key, local))
                if isinstance(name, str):
                    yield name, self.scope.value(value, local), value
            return
        table = self.scope.value(expr, local)
        if isinstance(table, dict):
            for name, inner in table.items():
                yield name, inner, expr

    def text(
        self,
        source: Source,
        expr: Expr,
        local: Mapping[str, Value],
        value: Value,
    ) -> Text | None:
        """Return a value as text that points at the literal which alone decides it."""
        known = as_text(value)
        if known is None:
            return None
        raw = source.text[expr.start : expr.end]
        written, origin = expr, source
        seen = 0
        while written.kind == "name" and str(written.value) not in local and seen < MAX_INHERITED:
            default = self.scope.default_of(str(written.value))
            if default is None:
                break
            written, origin, seen = default, self.origin[id(default)], seen + 1
        span = origin.span(written.start, written.end) if written.kind == "literal" else None
        place = Place(origin.path, origin.line(written.start), origin.column(written.start), span)
        if isinstance(known, Unknown):
            return Text(raw, place, raw=raw, problem=known.reason)
        return Text(known, place, raw=raw)

    def platforms(self, layers: list[tuple[_Target, Source, Block]]) -> tuple[str, ...]:
        """Return the platforms from the last layer that gives any."""
        for target, _, block in reversed(layers):
            expr = block.attributes.get("platforms")
            if expr is not None:
                values = _list(self.scope.value(expr, target.local))
                return tuple(each for each in values if isinstance(each, str) and each != "local")
        return ()

    def skip(self, source: Source, at: int, reason: str) -> None:
        """Remember something that cannot be followed."""
        self.skipped.append(Skipped(source.path, source.line(at), reason))


def _labelled(body: Block, kind: str) -> list[Block]:
    return [block for block in body.blocks if block.kind == kind and block.labels]


def _list(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []
