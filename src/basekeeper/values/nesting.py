"""How deep a document that was read goes."""

from __future__ import annotations

from typing import Any


def is_deeper(values: dict[str, Any], limit: int) -> bool:
    """Tell whether tables and lists lie deeper than the limit, without recursion."""
    level: list[Any] = [values]
    for _ in range(limit):
        level = [
            child
            for value in level
            for child in (value.values() if isinstance(value, dict) else value)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
