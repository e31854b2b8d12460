"""What is never a repository's to say: cache, ledger, scanner, channels, forge, sources of facts.

A scanned repository that chose the ledger could hide what it did, or have events written to a
place of its own; one that chose the cache could have answers put into it.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from basekeeper.config.advisories import AdvisorySettings, parse_advisories
from basekeeper.config.places import absolute_path
from basekeeper.config.scanning import ScanningSettings, parse_scanning
from basekeeper.ledger.location import Location, read_location
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from basekeeper.config.building import RunnerSettings
    from basekeeper.config.forging import ForgeSettings
    from basekeeper.config.notifying import ChannelSettings
    from basekeeper.config.table import Table

DEFAULT_CACHE_MIB: Final = 1024
"""What the cache on disk may take where nobody says: 1 GiB."""

MAX_CACHE_MIB: Final = 1024 * 1024
"""The most that can be asked for: 1 TiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """Where cache, ledger and facts lie, and how the scanner is run; None: not said."""

    cache_directory: str | None = None
    """Absolute."""
    cache_mib: int | None = None
    """What the cache may take, in MiB."""
    ledger: Location | None = None
    repository: str | None = None
    """What the repository is called in the ledger, as `host/path`."""
    scanner: ScanningSettings = field(default_factory=ScanningSettings)
    advisories: AdvisorySettings = field(default_factory=AdvisorySettings)
    notify: tuple[ChannelSettings, ...] = ()
    """Who is told of deadlines; names are unique."""
    forge: ForgeSettings | None = None
    """Where change requests are made; counts as a whole."""
    runner: RunnerSettings | None = None
    """How images are built here."""

    def over(self, other: StorageSettings) -> StorageSettings:
        """Put these on top of others, which count where these say nothing."""
        return StorageSettings(
            cache_directory=self.cache_directory or other.cache_directory,
            cache_mib=self.cache_mib or other.cache_mib,
            ledger=self.ledger or other.ledger,
            repository=self.repository or other.repository,
            scanner=self.scanner.over(other.scanner),
            advisories=self.advisories.over(other.advisories),
            notify=_joined_channels(self.notify, other.notify),
            forge=self.forge or other.forge,
            runner=self.runner.over(other.runner)
            if self.runner is not None and other.runner is not None
            else self.runner or other.runner,
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
            "ledger.repository": self.repository,
        }
        names = tuple(name for name, value in said.items() if value is not None)
        channels = tuple(f'notify "{one.name}"' for one in self.notify)
        if self.forge is not None:
            names += ("forge",)
        if self.runner is not None:
            names += self.runner.given
        return names + self.scanner.given + self.advisories.given + channels


def parse_storage(top: Table) -> StorageSettings:
    """Read all of these tables; what is wrong is noted in the table's `problems`."""
    directory, mib, ledger, repository = None, None, None, None
    cache = top.table("cache")
    if cache is not None:
        directory = cache.parsed("directory", absolute_path)
        mib = cache.number("max_mib", least=1, most=MAX_CACHE_MIB)
        cache.finish()
    section = top.table("ledger")
    if section is not None:
        ledger = section.parsed("url", _absolute_location)
        repository = section.parsed("repository", _repository)
        section.finish()
    return StorageSettings(
        cache_directory=directory,
        cache_mib=mib,
        ledger=ledger,
        repository=repository,
        scanner=parse_scanning(top),
        advisories=parse_advisories(top),
        notify=_channels(top),
        forge=_forge(top),
        runner=_runner(top),
    )


def _channels(top: Table) -> tuple[ChannelSettings, ...]:
    """Read who is told."""
    if "notify" not in top:
        top.raw("notify")
        return ()
    from basekeeper.config.notifying import parse_notifying  # noqa: PLC0415  # seldom there

    return parse_notifying(top)


def _forge(top: Table) -> ForgeSettings | None:
    """Read where change requests are made."""
    if "forge" not in top:
        top.raw("forge")
        return None
    from basekeeper.config.forging import parse_forging  # noqa: PLC0415  # seldom there

    return parse_forging(top)


def _runner(top: Table) -> RunnerSettings | None:
    """Read how images are built here."""
    if "runner" not in top:
        top.raw("runner")
        return None
    from basekeeper.config.building import parse_building  # noqa: PLC0415  # seldom there

    return parse_building(top)


def _joined_channels(
    first: tuple[ChannelSettings, ...], second: tuple[ChannelSettings, ...]
) -> tuple[ChannelSettings, ...]:
    if not first or not second:
        return first or second
    from basekeeper.config.notifying import joined_channels  # noqa: PLC0415  # as above

    return joined_channels(first, second)


def _absolute_location(text: str) -> Location:
    """Read where a ledger lies, independent of where the program is started."""
    location = read_location(text)
    if location.is_relative:
        raise ValueError(f"{str(location)!r:.200} is no absolute path")
    return location


def _repository(text: str) -> str:
    """Read what a repository is called."""
    from basekeeper.trees.origin import read_name  # noqa: PLC0415  # seldom there

    return read_name(text)
