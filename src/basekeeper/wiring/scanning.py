"""Opening the scanner."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from basekeeper.wiring.kept import cache_directory, storage

if TYPE_CHECKING:
    from threading import Event

    from basekeeper.config.settings import Settings
    from basekeeper.config.storage import StorageSettings
    from basekeeper.ports import Cache, Pulling, Scanner

DATABASE_DIRECTORY: Final = "trivy"
"""Where below the cache the scanner's database lies, where nobody says."""


def open_scanner(
    settings: Settings, *, cache: Cache, registry: Pulling | None = None, ended: Event
) -> Scanner:
    """Open the scanner; it is run only when it is asked something.

    Args:
        settings: Of which only what the user and the operator say of the scanner counts.
        cache: Where lists of packages are kept.
        registry: Gives the database; None: it is never updated.
        ended: Once it is set, whatever the scanner does is ended.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
        ProgramMissing: There is no scanner.
    """
    from basekeeper.process import find_program  # noqa: PLC0415  # only to scan
    from basekeeper.scanners.trivy import Trivy  # noqa: PLC0415
    from basekeeper.values.scanning import ScannerSettings  # noqa: PLC0415

    places = storage(settings)
    said = places.scanner
    program = said.program or find_program(
        "trivy",
        hint="install Trivy (https://trivy.dev) and put it on the search path, or name it as"
        " `program` in [scanner] of your own settings",
    )
    shipped = ScannerSettings(cache_dir=database_directory(places))
    timeout, mib, java = said.timeout, said.memory_mib, said.java
    given = replace(
        shipped,
        severity_order=said.severity_order or shipped.severity_order,
        max_database_age=shipped.max_database_age if said.max_age is None else said.max_age,
        timeout=shipped.timeout if timeout is None else timeout.total_seconds(),
        memory_bytes=shipped.memory_bytes if mib is None else mib * 1024 * 1024,
        database_repository=said.database_repository,
        java_database=bool(java),
        java_repository=said.java_repository,
    )
    return Trivy(program, given, cache=cache, registry=registry, ended=ended)


def database_directory(places: StorageSettings) -> Path:
    """Return where the scanner's database lies: below the cache, where nobody named it."""
    if places.scanner.database is not None:
        return Path(places.scanner.database)
    from basekeeper.cache.place import Unusable, claim  # noqa: PLC0415  # only to scan

    directory = cache_directory(places)
    with suppress(Unusable, OSError):  # a directory with something in it is taken for no cache
        claim(directory)
    return directory / DATABASE_DIRECTORY
