"""Where cache and ledger lie: tables `[cache]` and `[ledger]`, which are never a repository's.

A scanned repository that chose the ledger could hide what it did, or have events written to a
place of its own; one that chose the cache could have answers put into it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from basekeeper.ledger.location import Location, read_location
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from basekeeper.config.table import Table

DEFAULT_CACHE_MIB: Final = 1024
"""What the cache on disk may take where nobody says: 1 GiB."""

MAX_CACHE_MIB: Final = 1024 * 1024
"""The most that can be asked for: 1 TiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """Where cache and ledger lie; None: not said."""

    cache_directory: str | None = None
    """Absolute."""
    cache_mib: int | None = None
    """What the cache may take, in MiB."""
    ledger: Location | None = None

    def over(self, other: StorageSettings) -> StorageSettings:
        """Put these on top of others, which count where these say nothing."""
        return StorageSettings(
            cache_directory=self.cache_directory or other.cache_directory,
            cache_mib=self.cache_mib or other.cache_mib,
            ledger=self.ledger or other.ledger,
        )

    @property
    def cache_bytes(self) -> int:
        """What the cache may take, in bytes."""
        return (self.cache_mib or DEFAULT_CACHE_MIB) * 1024 * 1024

    @property
    def given(self) -> tuple[str, ...]:
        """The keys that were said, as the file has them."""
        said = {
            "cache.directory": self.cache_directory,
            "cache.max_mib": self.cache_mib,
            "ledger.url": self.ledger,
        }
        return tuple(name for name, value in said.items() if value is not None)


def parse_storage(top: Table) -> StorageSettings:
    """Read `[cache]` and `[ledger]`; what is wrong is noted in the table's `problems`."""
    directory, mib, ledger = None, None, None
    cache = top.table("cache")
    if cache is not None:
        directory = cache.parsed("directory", absolute_directory)
        mib = cache.number("max_mib", least=1, most=MAX_CACHE_MIB)
        cache.finish()
    section = top.table("ledger")
    if section is not None:
        ledger = section.parsed("url", _absolute_location)
        section.finish()
    return StorageSettings(cache_directory=directory, cache_mib=mib, ledger=ledger)


def absolute_directory(text: str) -> str:
    """Read an absolute path; `~/` begins one in the user's home.

    Raises:
        ValueError: It is relative: then it would depend on where the program is started.
    """
    path = Path(text).expanduser() if text.startswith("~/") else Path(text)
    if not path.is_absolute() or "\0" in text:
        raise ValueError(f"{text!r:.200} is no absolute path")
    return str(path)


def _absolute_location(text: str) -> Location:
    """Read where a ledger lies, independent of where the program is started."""
    location = read_location(text)
    if location.is_relative:
        raise ValueError(f"{str(location)!r:.200} is no absolute path")
    return location
