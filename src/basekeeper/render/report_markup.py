"""Makes HTML and SVG in which text stays text.

What is no `Markup` is made visible and escaped when it becomes part of an element, so that nothing
from outside is ever markup by mistake. Names of elements and attributes are our own.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, TypeAlias

from basekeeper.render.safe import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID: Final = frozenset({"br", "meta"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[str] | None"
"""What may stand in an element; nothing stands for None."""

EMPTY: Final = Markup("")


def text(value: str) -> Markup:
    """Write text; markup stays as it is."""
    return value if isinstance(value, Markup) else Markup(escape(visible(value), quote=True))


def joined(parts: Iterable[str], between: str = "") -> Markup:
    """Write several texts one after the other, with a text between each two."""
    return Markup(text(between).join(text(part) for part in parts))


def element(name: str, /, *children: Child, **attributes: str | None) -> Markup:
    """Write an element.

    Args:
        name: Of the element.
        children: What stands in it.
        attributes: By name: `class_` is `class`, `data_label` is `data-label`; None: not there.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{said}>")
    inner = "".join(_inner(child) for child in children)
    return Markup(f"<{name}{said}>{inner}</{name}>")


def _inner(child: Child) -> str:
    if child is None:
        return ""
    return text(child) if isinstance(child, str) else joined(child)
