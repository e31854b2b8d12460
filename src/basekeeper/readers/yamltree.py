"""YAML as a tree with exact positions, safe on hostile input.

Built from the parser's events: the composer of the C library recurses for every level and
crashes the process on a file of nested brackets. Aliases share nodes instead of copying them.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from basekeeper.readers.spec import MAX_READER_BYTES, Place, Text
from basekeeper.records import dataclass
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.readers.source import Source

MAX_DEPTH: Final = 64
"""Deepest nesting of mappings and sequences; Compose and CI files need about ten."""

MAX_NODES: Final = 200_000
"""Nodes of one file, which bounds time and memory."""

MAX_MERGES: Final = 10_000
"""Keys taken over by `<<` in one mapping."""

_MERGE: Final = "<<"
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True, eq=False)
class Node:
    """A scalar, mapping or sequence."""

    start: int
    """In characters."""
    end: int
    tag: str | None = None
    scalar: str | None = None
    """The value of a scalar; None for the others."""
    style: str | None = None
    """How a scalar is quoted: `'`, `"`, `|`, `>`; empty or None for a plain one."""
    pairs: list[tuple[Node, Node]] | None = None
    items: list[Node] | None = None
    fields: dict[str, Node] = field(default_factory=dict)
    """Filled by `fields_of`."""

    @property
    def is_null(self) -> bool:
        """Whether it is an empty or null scalar."""
        return self.scalar in _NULLS and not self.style


class YamlError(Exception):
    """The text is no YAML that can be used."""

    def __init__(self, reason: str, line: int | None) -> None:
        """Say why, and on which line."""
        super().__init__(reason)
        self.reason = reason
        self.line = line


def parse_yaml(source: Source) -> Node | None:
    """Read the first document of a file; None for an empty one.

    Raises:
        YamlError: The text is no YAML, or beyond a limit.
    """
    import yaml  # noqa: PLC0415  # 50 ms, paid only where there is YAML to read

    if len(source.data) > MAX_READER_BYTES:
        raise YamlError(f"is larger than {MAX_READER_BYTES // 1024 // 1024} MiB", None)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Builder().build(yaml.parse(source.text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # At the end of a file the parser points at a line below the last.
        last = source.line(len(source.text.rstrip()))
        line = min(mark.line + 1, last) if mark is not None else None
        raise YamlError(f"is not valid YAML: {error.problem or error.context}", line) from error
    except yaml.YAMLError as error:
        position = getattr(error, "position", None)
        line = source.line(position) if isinstance(position, int) else None
        raise YamlError("is not valid YAML: it holds characters that are not allowed", line) from (
            error
        )


class _Builder:
    """Makes nodes of events."""

    def __init__(self) -> None:
        self.anchors: dict[str, Node] = {}
        self.open: list[tuple[Node, list[Node]]] = []
        self.root: Node | None = None
        self.count = 0

    def build(self, events: Iterator[Any]) -> Node | None:
        """Consume the events of the first document."""
        for event in events:
            kind = type(event).__name__
            if kind == "DocumentEndEvent":
                break
            if kind in ("MappingStartEvent", "SequenceStartEvent"):
                self.begin(event, is_mapping=kind == "MappingStartEvent")
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                self.finish(event)
            elif kind == "ScalarEvent":
                self.scalar(event)
            elif kind == "AliasEvent":
                self.alias(event)
        return self.root

    def begin(self, event: Any, *, is_mapping: bool) -> None:
        node = self.node(event)
        if is_mapping:
            node.pairs = []
        else:
            node.items = []
        if len(self.open) >= MAX_DEPTH:
            line = event.start_mark.line + 1
            raise YamlError(f"is nested more than {MAX_DEPTH} levels deep", line)
        self.add(node)
        self.open.append((node, []))

    def finish(self, event: Any) -> None:
        node, children = self.open.pop()
        node.end = event.end_mark.index
        if node.pairs is not None:
            node.pairs.extend(zip(children[::2], children[1::2], strict=False))
        else:
            node.items = children

    def scalar(self, event: Any) -> None:
        node = self.node(event)
        node.scalar, node.style = event.value, event.style
        self.add(node)

    def alias(self, event: Any) -> None:
        target = self.anchors.get(event.anchor)
        line = event.start_mark.line + 1
        if target is None:
            raise YamlError(f"is not valid YAML: alias {event.anchor!r} has no anchor", line)
        if any(target is node for node, _ in self.open):
            raise YamlError(f"is not valid YAML: alias {event.anchor!r} contains itself", line)
        self.add(target)

    def node(self, event: Any) -> Node:
        self.count += 1
        if self.count > MAX_NODES:
            raise YamlError(f"has more than {MAX_NODES} values", event.start_mark.line + 1)
        node = Node(event.start_mark.index, event.end_mark.index, event.tag)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def add(self, node: Node) -> None:
        if self.open:
            self.open[-1][1].append(node)
        else:
            self.root = node


def fields_of(node: Node | None, *, depth: int = 0) -> dict[str, Node]:
    """Return the keys of a mapping, merge keys (`<<`) applied; empty for everything else.

    `depth` counts mappings merged into mappings; beyond `MAX_DEPTH` they are left out.
    """
    if node is None or node.pairs is None or depth > MAX_DEPTH:
        return {}
    if not node.fields:
        merged: dict[str, Node] = {}
        own: dict[str, Node] = {}
        for key, value in node.pairs:
            if key.scalar == _MERGE and not key.style:
                for source in value.items if value.items is not None else [value]:
                    for name, inner in fields_of(source, depth=depth + 1).items():
                        merged.setdefault(name, inner)
                    if len(merged) > MAX_MERGES:
                        break
            elif key.scalar is not None:
                own[key.scalar] = value
        node.fields = merged | own
    return node.fields


def items_of(node: Node | None) -> list[Node]:
    """Return the items of a sequence; empty for everything else."""
    return node.items if node is not None and node.items is not None else []


def place_of(source: Source, node: Node) -> Place:
    """Return where the value of a node stands, without its quotes."""
    start, end = node.start, node.end
    if node.style in ("'", '"'):
        start, end = start + 1, end - 1
    span = source.span(start, end) if node.scalar is not None else None
    return Place(source.path, source.line(node.start), source.column(node.start), span)


def text_of(source: Source, node: Node | None) -> Text | None:
    """Return a scalar with its place; None for null and everything else."""
    if node is None or node.scalar is None or node.is_null:
        return None
    return Text(node.scalar, place_of(source, node), raw=node.scalar)


def unusable(source: Source, error: YamlError) -> Skipped:
    """Describe a YAML file that cannot be read."""
    return Skipped(
        source.path, error.line, error.reason, "correct the file, or exclude it from the survey"
    )
