"""Which minimal image runs what a language's image builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.values.finding import AxisState

_JAVA: Final = ("distroless-java", "gcr.io/distroless/java{cycle}")

RUNTIMES: Final[Mapping[str, tuple[str, str]]] = {
    "amazon-corretto": _JAVA,
    "azul-zulu": _JAVA,
    "bellsoft-liberica": _JAVA,
    "eclipse-temurin": _JAVA,
    "go": ("distroless", "gcr.io/distroless/static"),
    "microsoft-build-of-openjdk": _JAVA,
    "nodejs": ("distroless-nodejs", "gcr.io/distroless/nodejs{cycle}"),
    "openjdk-builds-from-oracle": _JAVA,
    "oracle-jdk": _JAVA,
    "rust": ("distroless", "gcr.io/distroless/cc"),
}
"""Product → family of images and the repository in it, without generation. Left out is what holds
another version than the image that it would replace (Python: always that of Debian)."""


def runtime_of(axes: Iterable[AxisState], catalogue: Catalogue) -> str | None:
    """Return the repository of a minimal image for the same product and line, or None.

    Of the line that the image is on, else of the newest one; only what is built today.
    """
    for axis in axes:
        family, stem = RUNTIMES.get(axis.product, ("", ""))
        product = catalogue.product(family) if family else None
        if product is None:
            continue
        for cycle in (axis.cycle, axis.newest):
            name = f"{stem.format(cycle=cycle)}-{product.default_cycle}"
            if name in product.repositories:
                return name
    return None
