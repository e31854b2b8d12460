"""The `build` section of one Compose service, and how one is laid over another."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.readers.spec import Text
from basekeeper.readers.variables import Unresolved, interpolate
from basekeeper.readers.yamltree import Node, fields_of, items_of, place_of
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.readers.source import Source
    from basekeeper.readers.spec import Place

MAX_ENTRIES: Final = 512
"""Arguments or named contexts of one build."""

_FLOAT: Final = re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{1,15}")
_RESET: Final = "!reset"
_OVERRIDE: Final = "!override"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceBuild:
    """One `build` section, variables expanded; a Text with a problem could not be expanded."""

    place: Place
    directory: str
    """Directory, relative to the root, that the context is relative to."""
    context: Text | None
    dockerfile: Text | None
    inline: Text | None
    args: Mapping[str, Text]
    target: Text | None
    contexts: Mapping[str, Text]
    platforms: tuple[str, ...]
    inline_line: int = 1
    """Line on which the text of an inline Dockerfile begins."""
    replaces: bool = False
    """Whether it stands for itself, whatever is below it (`!override`)."""

    def over(self, below: ServiceBuild) -> ServiceBuild:
        """Lay this section over another: what this one says wins, lists by key are joined."""
        if self.replaces:
            return self
        # Paths stay relative to what the file that gave the context is relative to.
        directory = self.directory if self.context is not None else below.directory
        # One of the two ways to name a Dockerfile replaces the other.
        named = self.dockerfile is not None or self.inline is not None
        return replace(
            self,
            directory=directory,
            context=self.context or below.context,
            dockerfile=self.dockerfile if named else below.dockerfile,
            inline=self.inline if named else below.inline,
            inline_line=self.inline_line if named else below.inline_line,
            args={**below.args, **self.args},
            target=self.target or below.target,
            contexts={**below.contexts, **self.contexts},
            platforms=tuple(dict.fromkeys((*below.platforms, *self.platforms))),
        )


def read_service_build(
    source: Source, service: Node, variables: Mapping[str, str], directory: str
) -> ServiceBuild | None:
    """Read the `build` of a service; None where it has none."""
    fields = fields_of(service)
    build = fields.get("build")
    if build is None or build.is_null or build.tag == _RESET:
        return None
    reader = _Values(source, variables)
    inside = fields_of(build)
    platforms = tuple(reader.many(inside.get("platforms")))
    if not platforms:
        platforms = tuple(reader.many(fields.get("platform")))
    return ServiceBuild(
        place=place_of(source, build),
        directory=directory,
        context=reader.one(build if build.scalar is not None else inside.get("context")),
        dockerfile=reader.one(inside.get("dockerfile")),
        inline=reader.one(inside.get("dockerfile_inline")),
        args=reader.table(inside.get("args")),
        target=reader.one(inside.get("target")),
        contexts=reader.table(inside.get("additional_contexts")),
        platforms=platforms,
        inline_line=reader.first_line(inside.get("dockerfile_inline")),
        replaces=build.tag == _OVERRIDE,
    )


class _Values:
    """Expands the scalars of one file."""

    def __init__(self, source: Source, variables: Mapping[str, str]) -> None:
        self.source = source
        self.variables = variables

    def one(self, node: Node | None) -> Text | None:
        """Read one scalar; None for null and for everything else."""
        if node is None or node.scalar is None or node.is_null or node.tag == _RESET:
            return None
        return self.text(node, node.scalar)

    def text(self, node: Node, raw: str) -> Text:
        """Expand a value that stands in a node."""
        place = place_of(self.source, node)
        try:
            return Text(interpolate(raw, self.variables), place, raw=raw)
        except Unresolved as problem:
            return Text(raw, place, raw=raw, problem=str(problem))

    def first_line(self, node: Node | None) -> int:
        """Return the line on which the text of a scalar begins: below the mark of a block."""
        if node is None:
            return 1
        return self.source.line(node.start) + (1 if node.style in ("|", ">") else 0)

    def many(self, node: Node | None) -> list[str]:
        """Read one scalar or a list of them; those that cannot be expanded are left out."""
        nodes = items_of(node) if node is not None and node.items is not None else [node]
        texts = [self.one(each) for each in nodes[:MAX_ENTRIES]]
        return [text.value for text in texts if text is not None and text.problem is None]

    def table(self, node: Node | None) -> dict[str, Text]:
        """Read `key: value` pairs, or a list of `key=value`.

        A key without value takes it from a variable of that name; without one it is left out.
        """
        found: dict[str, Text] = {}
        for key, value in list(fields_of(node).items())[:MAX_ENTRIES]:
            if value.is_null:
                self._from_variable(found, key, value)
            elif value.scalar is not None and value.tag != _RESET:
                found[key] = self.text(value, _as_compose_prints(value))
        for item in items_of(node)[:MAX_ENTRIES]:
            key, equals, raw = (item.scalar or "").partition("=")
            if equals:
                found[key] = self._tail(item, raw)
            elif key:
                self._from_variable(found, key, item)
        return found

    def _from_variable(self, found: dict[str, Text], key: str, node: Node) -> None:
        value = self.variables.get(key)
        if value is not None:
            found[key] = Text(value, place_of(self.source, node), raw="")

    def _tail(self, node: Node, raw: str) -> Text:
        """Expand the value of `key=value`, with the bytes of the value alone where they show."""
        text = self.text(node, raw)
        span = text.place.span
        size = len(raw.encode("utf-8", "replace"))
        if span is None or self.source.data[span.end - size : span.end] != raw.encode(
            "utf-8", "replace"
        ):
            return text
        tail = span._replace(start=span.end - size)
        return replace(text, place=replace(text.place, span=tail))


def _as_compose_prints(node: Node) -> str:
    """Return a scalar as text; an unquoted `3.10` is the number 3.1 to Compose."""
    raw = node.scalar or ""
    if not node.style and _FLOAT.fullmatch(raw):
        return repr(float(raw)).removesuffix(".0")
    return raw
