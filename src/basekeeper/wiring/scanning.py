"""Opening the scanner."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from basekeeper.errors import RegistryError
from basekeeper.values.settings import DEFAULT_PLATFORM
from basekeeper.wiring.kept import cache_directory, storage

if TYPE_CHECKING:
    from threading import Event

    from basekeeper.config.scanning import ScanningSettings
    from basekeeper.config.settings import Settings
    from basekeeper.config.storage import StorageSettings
    from basekeeper.ports import Cache, Handing, Scanner
    from basekeeper.values.scanning import RegistryImage

DATABASE_DIRECTORY: Final = "trivy"
"""Where below the cache the scanner's database lies, where nobody says."""

PROXY_VARIABLES: Final = (
    "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy",
)  # fmt: skip
"""All that a scanner gets of our environment."""


def open_scanner(
    settings: Settings, *, cache: Cache, registry: Handing | None = None, ended: Event
) -> Scanner:
    """Open the scanner; it is run only when it is asked something.

    Args:
        settings: Of which only what the user and the operator say of the scanner counts.
        cache: Where lists of packages are kept.
        registry: Who logs in where the database is fetched from; None: nobody does.
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
    repository, source = _database_source(said, registry)
    timeout, mib, java = said.timeout, said.memory_mib, said.java
    given = replace(
        shipped,
        severity_order=said.severity_order or shipped.severity_order,
        max_database_age=shipped.max_database_age if said.max_age is None else said.max_age,
        timeout=shipped.timeout if timeout is None else timeout.total_seconds(),
        memory_bytes=shipped.memory_bytes if mib is None else mib * 1024 * 1024,
        database_repository=repository,
        database_login=None if source is None else source.login,
        database_http=source is not None and source.http,
        database_authority=None if source is None else source.authority,
        java_database=bool(java),
        java_repository=said.java_repository,
        environment={name: os.environ[name] for name in PROXY_VARIABLES if name in os.environ},
    )
    return Trivy(program, given, cache=cache, ended=ended)


def database_directory(places: StorageSettings) -> Path:
    """Return where the scanner's database lies: below the cache, where nobody named it."""
    if places.scanner.database is not None:
        return Path(places.scanner.database)
    from basekeeper.cache.place import Unusable, claim  # noqa: PLC0415  # only to scan

    directory = cache_directory(places)
    with suppress(Unusable, OSError):  # a directory with something in it is taken for no cache
        claim(directory)
    return directory / DATABASE_DIRECTORY


def _database_source(
    said: ScanningSettings, registry: Handing | None
) -> tuple[str | None, RegistryImage | None]:
    """Tell where the database is fetched from, and as whom; mirrors take the place of registries.

    Where nobody can log in, the scanner tries without, and says why it cannot fetch it.
    """
    text = said.database_repository
    if registry is None or text is None:
        return text, None
    from basekeeper.values.reference import parse_reference  # noqa: PLC0415  # seldom there

    image = parse_reference(text)
    try:
        source = registry.hand_over(image, DEFAULT_PLATFORM)
    except RegistryError:
        return text, None
    tag = f":{image.tag}" if image.tag else ""
    return (text if source.repository is None else source.repository + tag), source
