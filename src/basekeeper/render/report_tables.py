"""Tables of a report: heads that repeat on paper, and cards on narrow screens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from basekeeper.records import dataclass
from basekeeper.render.report_markup import Markup, element

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column: its name, and what stands in the row of an item."""

    name: str
    read: Callable[[T], str]
    is_number: bool = False


def table(
    title: str | None, columns: Sequence[Column[T]], rows: Iterable[T], *, class_: str = "cards"
) -> Markup:
    """Write a table.

    Args:
        title: What it is, above it; None: a heading says so.
        columns: From left to right.
        rows: From top to bottom.
        class_: `cards`: on a narrow screen each row becomes a card.
    """
    head = element("tr", [_head(one) for one in columns])
    return element(
        "table",
        None if title is None else element("caption", title),
        element("thead", head),
        element("tbody", [_row(columns, item) for item in rows]),
        class_=class_,
    )


def lines(*parts: str) -> Markup:
    """Write parts of a cell below each other; empty ones are left out."""
    return element("span", [element("span", one, class_="line") for one in parts if one])


def _head(column: Column[T]) -> Markup:
    return element("th", column.name, scope="col", class_="n" if column.is_number else None)


def _row(columns: Sequence[Column[T]], item: T) -> Markup:
    cells = (
        element(
            "td",
            column.read(item),
            class_="n" if column.is_number else None,
            data_label=column.name,
        )
        for column in columns
    )
    return element("tr", cells)
