"""The JSON form of bake files: the same blocks and expressions as HCL.

Source: the HCL JSON syntax specification; texts are templates there as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.readers.hcl import Block, Expr, parse_template
from basekeeper.readers.jsonc import parse_json
from basekeeper.readers.yamltree import Node, fields_of

if TYPE_CHECKING:
    from basekeeper.readers.source import Source

_BLOCKS: Final = ("variable", "function", "group", "target")
_WORDS: Final = {"true": True, "false": False, "null": None}


def parse_hcl_json(source: Source) -> Block:
    """Parse a whole file.

    Raises:
        JsonError: It is no JSON.
        HclError: A text in it is no template.
    """
    body = Block()
    for kind, inside in fields_of(parse_json(source)).items():
        if kind not in _BLOCKS:
            body.attributes[kind] = _expression(inside)
            continue
        for label, node in fields_of(inside).items():
            for each in node.items if node.items is not None else [node]:
                attributes = {key: _expression(value) for key, value in fields_of(each).items()}
                body.blocks.append(Block(kind, (label,), each.start, attributes))
    return body


def _expression(node: Node) -> Expr:
    """Turn a JSON value into an expression."""
    if node.items is not None:
        return Expr("list", node.start, node.end, None, [_expression(item) for item in node.items])
    if node.pairs is not None:
        operands: list[Expr] = []
        for key, value in node.pairs:
            operands += (Expr("literal", key.start, key.end, key.scalar), _expression(value))
        return Expr("object", node.start, node.end, None, operands)
    text = node.scalar or ""
    if node.style:
        return parse_template(text, node.start + 1, node.end - 1)
    if text in _WORDS:
        return Expr("literal", node.start, node.end, _WORDS[text])
    try:
        return Expr("literal", node.start, node.end, float(text))
    except ValueError:
        return Expr("opaque", node.start, node.end, f"{text!r} is no value")
