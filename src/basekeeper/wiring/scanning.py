"""Opening the scanners."""

from __future__ import annotations

import os
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
GRYPE_DIRECTORY: Final = "grype"
"""Where below the cache the databases of the scanners lie, where nobody says."""

PROXY_VARIABLES: Final = (
    "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy",
)  # fmt: skip
"""All that Grype gets of our environment, to fetch its database."""


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


def open_second_scanner(settings: Settings, *, cache: Cache, ended: Event) -> Scanner | None:
    """Open the scanner that is asked beside the first; None where the settings name none.

    Args:
        settings: Of which only what the user and the operator say of scanners counts.
        cache: Where lists of packages are kept.
        ended: Once it is set, whatever the scanner does is ended.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
        ProgramMissing: There is no such scanner.
    """
    from basekeeper.config.scanning import ENGINES  # noqa: PLC0415  # only to scan

    places = storage(settings)
    said = places.scanner
    if ENGINES[1] not in (said.engines or ()):
        return None
    from basekeeper.process import find_program  # noqa: PLC0415  # only with a second scanner
    from basekeeper.scanners.grype import Grype  # noqa: PLC0415
    from basekeeper.scanners.grype_database import MAX_AGE  # noqa: PLC0415
    from basekeeper.values.scanning import ScannerSettings  # noqa: PLC0415

    program = said.grype_program or find_program(
        "grype",
        hint="install Grype (https://github.com/anchore/grype) and put it on the search path, or"
        " name it as `grype_program` in [scanner] of your own settings",
    )
    named = said.grype_database
    directory = _below_cache(places, GRYPE_DIRECTORY) if named is None else Path(named)
    shipped = ScannerSettings(cache_dir=directory)
    timeout, mib = said.timeout, said.memory_mib
    given = replace(
        shipped,
        severity_order=said.severity_order or shipped.severity_order,
        max_database_age=MAX_AGE if said.grype_max_age is None else said.grype_max_age,
        timeout=shipped.timeout if timeout is None else timeout.total_seconds(),
        memory_bytes=shipped.memory_bytes if mib is None else mib * 1024 * 1024,
        environment={name: os.environ[name] for name in PROXY_VARIABLES if name in os.environ},
    )
    return Grype(program, given, database_url=said.grype_database_url, cache=cache, ended=ended)


def database_directory(places: StorageSettings) -> Path:
    """Return where the first scanner's database lies: below the cache, where nobody named it."""
    if places.scanner.database is not None:
        return Path(places.scanner.database)
    return _below_cache(places, DATABASE_DIRECTORY)


def _below_cache(places: StorageSettings, name: str) -> Path:
    from basekeeper.cache.place import Unusable, claim  # noqa: PLC0415  # only to scan

    directory = cache_directory(places)
    with suppress(Unusable, OSError):  # a directory with something in it is taken for no cache
        claim(directory)
    return directory / name
