"""Where cache and ledger lie, and opening them."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from basekeeper.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from basekeeper.config.settings import Settings
    from basekeeper.config.storage import StorageSettings
    from basekeeper.ports import Cache, Ledger

T = TypeVar("T")

CACHE_VARIABLE: Final = "BASEKEEPER_CACHE_DIR"
"""Environment variable that names the directory of the cache."""

LEDGER_VARIABLE: Final = "BASEKEEPER_LEDGER"
"""Environment variable that names the ledger, as it may hold a password."""


class History(NamedTuple):
    """A ledger that is open to read."""

    ledger: Ledger
    place: str
    """Where it lies, for people; no password."""


@contextmanager
def open_cache(settings: Settings, *, use_cache: bool = True) -> Iterator[Cache]:
    """Open the cache on disk, or one in memory that ends with the run.

    Where the one on disk could not be used, standard error tells why at the end.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or a variable that names a place is wrong.
    """
    from basekeeper.cache.memory import MemoryCache  # noqa: PLC0415  # where registries are asked

    if not use_cache:
        yield MemoryCache()
        return
    from basekeeper.cache.disk import DiskCache  # noqa: PLC0415

    places = storage(settings)
    cache = DiskCache(cache_directory(places), max_bytes=places.cache_bytes)
    try:
        yield cache
    finally:
        cache.close()
        for notice in cache.notices:
            _tell(notice)


def storage(settings: Settings) -> StorageSettings:
    """Settle where cache and ledger lie: by environment, operator, and the user's own settings.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or a variable that names a place is wrong.
    """
    from basekeeper.config.registries import read_user_settings  # noqa: PLC0415  # as above

    _, users = read_user_settings(os.environ, Path.home())
    return _named_storage().over(settings.storage).over(users)


def _named_storage() -> StorageSettings:
    """Read what the environment says."""
    from basekeeper.config.places import absolute_path  # noqa: PLC0415  # as above
    from basekeeper.config.storage import StorageSettings  # noqa: PLC0415
    from basekeeper.ledger.location import read_location  # noqa: PLC0415

    return StorageSettings(
        cache_directory=_variable(CACHE_VARIABLE, absolute_path),
        ledger=_variable(LEDGER_VARIABLE, read_location),
    )


def _variable(name: str, parse: Callable[[str], T]) -> T | None:
    """Read an environment variable; None where it is not set, or empty."""
    text = os.environ.get(name)
    try:
        return parse(text) if text else None
    except ValueError as error:
        raise InputError(
            f"environment variable {name}: {error}", hint="correct the variable, or unset it"
        ) from error


def cache_directory(places: StorageSettings) -> Path:
    """Return where the cache lies (XDG base directory specification, where nobody named it)."""
    if places.cache_directory is not None:
        return Path(places.cache_directory)
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path.home() / ".cache"
    return base / "basekeeper"


def _tell(notice: str) -> None:
    """Tell a person what no report holds."""
    from basekeeper.render.safe import visible  # noqa: PLC0415  # seldom needed

    with suppress(OSError, ValueError):  # a reader that went away, or a closed stream
        sys.stderr.write(f"notice: {visible(notice)}\n")


@contextmanager
def open_sights(settings: Settings, *, start: Path | None = None) -> Iterator[Ledger | None]:
    """Open the ledger to read, and only that; None where none is configured.

    Args:
        settings: Of which only what the user and the operator say of the ledger counts.
        start: A directory in the clone of a branch; None: the current one.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or a variable that names a place is wrong.
        LedgerError: It is configured and cannot be reached.
    """
    location = storage(settings).ledger
    if location is None:
        yield None
        return
    from basekeeper.ledger.opening import open_ledger  # noqa: PLC0415  # seldom there

    ledger = open_ledger(location, clock=None, start=start)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def open_history(settings: Settings, *, start: Path) -> Iterator[History]:
    """Open the ledger that `scan` records to, to read: the configured one, else the user's own.

    Args:
        settings: Of which only what the user and the operator say of the ledger counts.
        start: A directory in the clone of a branch.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: There is none, or the settings cannot be read.
        LedgerError: It cannot be reached.
    """
    from basekeeper.ledger.opening import open_ledger  # noqa: PLC0415  # only to read it
    from basekeeper.wiring.recording import own_ledger  # noqa: PLC0415  # which needs this module

    configured = storage(settings).ledger
    location = configured or own_ledger()
    if configured is None and not Path(location.target).exists():
        raise InputError(
            "there is no ledger yet",
            hint="run basekeeper scan --record, which makes one; where it lies elsewhere, set"
            " BASEKEEPER_LEDGER, or ledger.url in your own settings",
        )
    ledger = open_ledger(location, clock=None, start=start)
    try:
        yield History(ledger, str(location))
    finally:
        ledger.close()


def reads_without_network(settings: Settings) -> bool:
    """Tell whether the ledger that is configured lies on this machine.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or a variable that names a place is wrong.
    """
    from basekeeper.ledger.location import Kind  # noqa: PLC0415  # where a ledger may be

    location = storage(settings).ledger
    return location is None or location.kind is Kind.SQLITE


def repository_name(settings: Settings, root: Path) -> str | None:
    """Name the repository at a place as the ledger does: as settings say, else by its remote.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or git is not installed.
        ProcessError: git does not answer.
    """
    said = storage(settings).repository
    if said is not None:
        return said
    from basekeeper.trees.origin import repository_name as by_remote  # noqa: PLC0415  # as above

    return by_remote(root)


def max_database_age(settings: Settings) -> timedelta:
    """Tell how old advisories may be for the absence of a finding to mean something.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or a variable that names a place is wrong.
    """
    from basekeeper.values.scanning import MAX_DATABASE_AGE  # noqa: PLC0415  # where a ledger is

    said = storage(settings).scanner.max_age
    return MAX_DATABASE_AGE if said is None else said
