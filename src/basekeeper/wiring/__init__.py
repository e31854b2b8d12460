"""Builds adapters from settings and what the user named; the only package that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from basekeeper.wiring.facts import (
        authorities,
        open_exploited,
        open_scores,
        open_statements,
        sources,
    )
    from basekeeper.wiring.kept import (
        CACHE_VARIABLE,
        LEDGER_VARIABLE,
        cache_directory,
        max_database_age,
        open_cache,
        open_history,
        open_sights,
        reads_without_network,
        repository_name,
        storage,
    )
    from basekeeper.wiring.network import (
        HURRY_SECONDS,
        NoRequests,
        open_fetch,
        open_registry,
        with_registries,
    )
    from basekeeper.wiring.notifying import audiences, open_channels, open_outbox, ticking
    from basekeeper.wiring.places import (
        Location,
        data_directory,
        locate,
        open_catalogue,
        open_revision,
        open_tree,
        reader_of,
    )
    from basekeeper.wiring.recording import Recording, is_proposal, open_recording, own_ledger
    from basekeeper.wiring.scanning import (
        database_directory,
        open_scanner,
        open_second_scanner,
    )

__all__ = [
    "CACHE_VARIABLE",
    "HURRY_SECONDS",
    "LEDGER_VARIABLE",
    "Location",
    "NoRequests",
    "Recording",
    "audiences",
    "authorities",
    "cache_directory",
    "data_directory",
    "database_directory",
    "is_proposal",
    "locate",
    "max_database_age",
    "open_cache",
    "open_catalogue",
    "open_channels",
    "open_exploited",
    "open_fetch",
    "open_history",
    "open_outbox",
    "open_recording",
    "open_registry",
    "open_revision",
    "open_scanner",
    "open_scores",
    "open_second_scanner",
    "open_sights",
    "open_statements",
    "open_tree",
    "own_ledger",
    "reader_of",
    "reads_without_network",
    "repository_name",
    "sources",
    "storage",
    "ticking",
    "with_registries",
]

_HOMES: Final = {
    "CACHE_VARIABLE": "basekeeper.wiring.kept",
    "HURRY_SECONDS": "basekeeper.wiring.network",
    "LEDGER_VARIABLE": "basekeeper.wiring.kept",
    "Location": "basekeeper.wiring.places",
    "NoRequests": "basekeeper.wiring.network",
    "Recording": "basekeeper.wiring.recording",
    "audiences": "basekeeper.wiring.notifying",
    "authorities": "basekeeper.wiring.facts",
    "cache_directory": "basekeeper.wiring.kept",
    "data_directory": "basekeeper.wiring.places",
    "database_directory": "basekeeper.wiring.scanning",
    "is_proposal": "basekeeper.wiring.recording",
    "locate": "basekeeper.wiring.places",
    "max_database_age": "basekeeper.wiring.kept",
    "open_cache": "basekeeper.wiring.kept",
    "open_catalogue": "basekeeper.wiring.places",
    "open_channels": "basekeeper.wiring.notifying",
    "open_exploited": "basekeeper.wiring.facts",
    "open_fetch": "basekeeper.wiring.network",
    "open_history": "basekeeper.wiring.kept",
    "open_outbox": "basekeeper.wiring.notifying",
    "open_recording": "basekeeper.wiring.recording",
    "open_registry": "basekeeper.wiring.network",
    "open_revision": "basekeeper.wiring.places",
    "open_scanner": "basekeeper.wiring.scanning",
    "open_second_scanner": "basekeeper.wiring.scanning",
    "open_scores": "basekeeper.wiring.facts",
    "open_sights": "basekeeper.wiring.kept",
    "open_statements": "basekeeper.wiring.facts",
    "open_tree": "basekeeper.wiring.places",
    "reader_of": "basekeeper.wiring.places",
    "reads_without_network": "basekeeper.wiring.kept",
    "repository_name": "basekeeper.wiring.kept",
    "sources": "basekeeper.wiring.facts",
    "storage": "basekeeper.wiring.kept",
    "ticking": "basekeeper.wiring.notifying",
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
