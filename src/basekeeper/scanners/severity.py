"""Choosing one severity among those of several sources, by an order that the user pins.

Scanners choose too, but differently from release to release and from kind to kind of package, so
that their choice is not used: the same facts and the same order give the same severity here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InputError
from basekeeper.values.scanning import ADVISORY, HIGHEST
from basekeeper.values.vulnerability import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}", re.ASCII)


def check_order(order: tuple[str, ...]) -> tuple[str, ...]:
    """Return an order that can be used.

    Raises:
        InputError: It is empty, or holds what is no name of a source.
    """
    wrong = next((word for word in order if _SOURCE.fullmatch(word) is None), None)
    if not order or wrong is not None:
        raise InputError(
            f"severity order {order!r} names no source"
            if wrong is None
            else f"{wrong!r} is no source of severities",
            hint=f"name sources such as 'debian' or 'nvd', {ADVISORY!r} or {HIGHEST!r}",
        )
    return order


def choose_severity(
    severities: Mapping[str, Severity], publisher: str | None, order: tuple[str, ...]
) -> tuple[Severity, str | None]:
    """Choose a severity and name its source.

    A source that says nothing, or "unknown", is passed over.

    Args:
        severities: Source → what it says.
        publisher: Who published the advisory that matched.
        order: Sources, first to last; see `ScannerSettings.severity_order`.
    """
    said = {source: one for source, one in severities.items() if one is not Severity.UNKNOWN}
    for word in order:
        source = publisher if word == ADVISORY else word
        if word == HIGHEST and said:
            source = max(sorted(said), key=lambda name: said[name])
        if source is not None and source in said:
            return said[source], source
    return Severity.UNKNOWN, None
