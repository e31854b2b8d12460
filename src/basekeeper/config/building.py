"""Our own runner: table `[runner]`, which is never a repository's.

It runs what repositories say, so that only whoever runs basekeeper can turn it on.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from basekeeper.config.durations import parse_duration
from basekeeper.config.places import absolute_path
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from datetime import timedelta

    from basekeeper.config.table import Table
    from basekeeper.values.building import BuildLimits

BUILDERS: Final = ("buildah",)
"""The builders that there are."""
MAX_TIMEOUT_HOURS: Final = 24
MIN_MEMORY_MIB: Final = 128
MAX_MIB: Final = 16 * 1024 * 1024
MAX_PROCESSES: Final = 1_000_000
MAX_CONTEXT_FILES: Final = 10_000_000

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """How images are built here; None: not said."""

    builder: str | None = None
    """Of `BUILDERS`; None: nothing is built here."""
    program: str | None = None
    """Absolute path of its executable."""
    directory: str | None = None
    """Where images are unpacked meanwhile, absolute."""
    network: bool | None = None
    """Whether builds reach the network."""
    timeout: timedelta | None = None
    """That one build may take."""
    memory_mib: int | None = None
    disk_mib: int | None = None
    processes: int | None = None
    context_files: int | None = None

    def over(self, other: RunnerSettings) -> RunnerSettings:
        """Put these on top of others, which count where these say nothing."""
        return RunnerSettings(
            **{
                name: getattr(other if getattr(self, name) is None else self, name)
                for name in _NAMES
            }
        )

    @property
    def limits(self) -> BuildLimits:
        """What one build may use."""
        from basekeeper.values.building import BuildLimits  # noqa: PLC0415  # only to build

        given = {
            "seconds": None if self.timeout is None else self.timeout.total_seconds(),
            "memory_bytes": None if self.memory_mib is None else self.memory_mib * _MIB,
            "disk_bytes": None if self.disk_mib is None else self.disk_mib * _MIB,
            "processes": self.processes,
            "context_files": self.context_files,
        }
        said = {name: value for name, value in given.items() if value is not None}
        return BuildLimits(**said)  # type: ignore[arg-type]  # each of the kind of its name

    @property
    def given(self) -> tuple[str, ...]:
        """The keys that were said, as the file has them."""
        return tuple(f"runner.{name}" for name in _NAMES if getattr(self, name) is not None)


_NAMES: Final = tuple(field.name for field in fields(RunnerSettings))


def parse_building(top: Table) -> RunnerSettings:
    """Read `[runner]`; what is wrong is noted in the table's `problems`."""
    section = top.table("runner")
    if section is None:
        return RunnerSettings()
    found = RunnerSettings(
        builder=section.choice("builder", BUILDERS),
        program=section.parsed("program", absolute_path),
        directory=section.parsed("directory", absolute_path),
        network=section.flag("network"),
        timeout=section.parsed("timeout", parse_timeout),
        memory_mib=section.number("memory_mib", least=MIN_MEMORY_MIB, most=MAX_MIB),
        disk_mib=section.number("disk_mib", least=1, most=MAX_MIB),
        processes=section.number("processes", least=16, most=MAX_PROCESSES),
        context_files=section.number("context_files", least=1, most=MAX_CONTEXT_FILES),
    )
    section.finish()
    return found


def parse_timeout(text: str) -> timedelta:
    """Read how long something may take.

    Raises:
        ValueError: It is no duration, none at all, or more than a day.
    """
    found = parse_duration(text)
    if not 0 < found.total_seconds() <= MAX_TIMEOUT_HOURS * 3600:
        raise ValueError(f"{text!r:.80} is not between 1 minute and {MAX_TIMEOUT_HOURS} hours")
    return found
