"""What is in the cache, and what became of emptying it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from basekeeper.render.encode import dump
from basekeeper.render.json import heading
from basekeeper.render.layout import table
from basekeeper.render.safe import visible

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.render.layout import Style

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


class Info(Protocol):
    """How full the cache is; see `basekeeper.cache.care.CacheInfo`."""

    @property
    def directory(self) -> str:
        """Where it lies."""

    @property
    def entries(self) -> int:
        """How many it holds."""

    @property
    def size(self) -> int:
        """Bytes of its files."""

    @property
    def max_bytes(self) -> int:
        """What it may take."""

    @property
    def problem(self) -> str | None:
        """Why it is not used, or None."""


def render_cache_text(info: Info, style: Style) -> str:
    """Write directory, entries and size; a cache that is not used stands out."""
    rows: list[tuple[str, ...]] = [
        ("directory", visible(info.directory)),
        ("entries", f"{info.entries:,}"),
        ("size", f"{size_text(info.size)} of {size_text(info.max_bytes)}"),
    ]
    lines = table(rows)
    if info.problem is not None:
        lines.append(style.paint(f"not used: {visible(info.problem)}", "warning"))
    return "\n".join(lines) + "\n"


def render_cache_json(info: Info, now: datetime) -> str:
    """Write the same as JSON."""
    return dump(
        {
            **heading(now),
            "directory": info.directory,
            "entries": info.entries,
            "bytes": info.size,
            "max_bytes": info.max_bytes,
            "problem": info.problem,
        }
    )


def render_cleared_text(directory: str, freed: int) -> str:
    """Write what emptying the cache gave back."""
    return f"emptied {visible(directory)}: {size_text(freed)} freed\n"


def render_cleared_json(directory: str, freed: int, now: datetime) -> str:
    """Write the same as JSON."""
    return dump({**heading(now), "directory": directory, "freed_bytes": freed})


def size_text(size: float) -> str:
    """Write a number of bytes in the largest unit of which it has one."""
    unit = 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size /= _STEP
        unit += 1
    return f"{size:,.0f} {_UNITS[0]}" if unit == 0 else f"{size:,.1f} {_UNITS[unit]}"
