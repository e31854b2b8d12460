"""Builds adapters from settings and what the user named; the only package that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from basekeeper.wiring.kept import (
        CACHE_VARIABLE,
        LEDGER_VARIABLE,
        cache_directory,
        max_database_age,
        open_cache,
        open_sights,
        reads_without_network,
        repository_name,
        storage,
    )
    from basekeeper.wiring.network import (
        HURRY_SECONDS,
        MAX_REFRESH_BYTES,
        NoRequests,
        open_fetch,
        open_registry,
        with_registries,
    )
    from basekeeper.wiring.places import (
        Location,
        data_directory,
        locate,
        open_catalogue,
        open_revision,
        open_tree,
        reader_of,
    )
    from basekeeper.wiring.recording import Recording, open_recording, own_ledger
    from basekeeper.wiring.scanning import database_directory, open_scanner

__all__ = [
    "CACHE_VARIABLE",
    "HURRY_SECONDS",
    "LEDGER_VARIABLE",
    "MAX_REFRESH_BYTES",
    "Location",
    "NoRequests",
    "Recording",
    "cache_directory",
    "data_directory",
    "database_directory",
    "locate",
    "max_database_age",
    "open_cache",
    "open_catalogue",
    "open_fetch",
    "open_recording",
    "open_registry",
    "open_revision",
    "open_scanner",
    "open_sights",
    "open_tree",
    "own_ledger",
    "reader_of",
    "reads_without_network",
    "repository_name",
    "storage",
    "with_registries",
]

_HOMES: Final = {
    "CACHE_VARIABLE": "basekeeper.wiring.kept",
    "HURRY_SECONDS": "basekeeper.wiring.network",
    "LEDGER_VARIABLE": "basekeeper.wiring.kept",
    "Location": "basekeeper.wiring.places",
    "MAX_REFRESH_BYTES": "basekeeper.wiring.network",
    "NoRequests": "basekeeper.wiring.network",
    "Recording": "basekeeper.wiring.recording",
    "cache_directory": "basekeeper.wiring.kept",
    "data_directory": "basekeeper.wiring.places",
    "database_directory": "basekeeper.wiring.scanning",
    "locate": "basekeeper.wiring.places",
    "max_database_age": "basekeeper.wiring.kept",
    "open_cache": "basekeeper.wiring.kept",
    "open_catalogue": "basekeeper.wiring.places",
    "open_fetch": "basekeeper.wiring.network",
    "open_recording": "basekeeper.wiring.recording",
    "open_registry": "basekeeper.wiring.network",
    "open_revision": "basekeeper.wiring.places",
    "open_scanner": "basekeeper.wiring.scanning",
    "open_sights": "basekeeper.wiring.kept",
    "open_tree": "basekeeper.wiring.places",
    "reader_of": "basekeeper.wiring.places",
    "reads_without_network": "basekeeper.wiring.kept",
    "repository_name": "basekeeper.wiring.kept",
    "storage": "basekeeper.wiring.kept",
    "with_registries": "basekeeper.wiring.network",
}
"""Name → module that defines it; who asks nobody loads nothing of the network."""


def __getattr__(name: str) -> object:
    """Load a name when it is first used (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # only here, once a name

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value
