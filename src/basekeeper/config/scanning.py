"""How the scanner is run: table `[scanner]`, which is never a repository's.

A scanned repository that named the program would have it run; one that named the database, its age
or whose severity counts could hide what is found.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from basekeeper.config.advisories import read_place
from basekeeper.config.durations import parse_duration
from basekeeper.config.places import absolute_path
from basekeeper.errors import InputError
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from datetime import timedelta

    from basekeeper.config.table import Table
    from basekeeper.values.scanning import PullLimits

ENGINES: Final = ("trivy", "grype")
"""The scanners that there are, in the order in which they are asked."""
MAX_TIMEOUT_MINUTES: Final = 24 * 60
MIN_MEMORY_MIB: Final = 256
"""The least that any scanner starts in."""
MAX_MEMORY_MIB: Final = 1024 * 1024
MAX_IMAGE_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanningSettings:
    """How the scanner is run; None: not said."""

    engines: tuple[str, ...] | None = None
    """Which scanners look, of `ENGINES`; the first lists the packages."""
    program: str | None = None
    """Absolute path of its executable."""
    database: str | None = None
    """Directory that its database lies in, absolute."""
    database_repository: str | None = None
    """`host[:port]/path[:tag]` that an update fetches it from."""
    java: bool | None = None
    """Whether an update also fetches the list of Java archives."""
    java_repository: str | None = None
    max_age: timedelta | None = None
    """How old the database may be."""
    severity_order: tuple[str, ...] | None = None
    timeout: timedelta | None = None
    """That one look at one image may take."""
    memory_mib: int | None = None
    """Address space of one scanner."""
    image_mib: int | None = None
    """Most that is fetched of one image."""
    grype_program: str | None = None
    """Absolute path of Grype's executable."""
    grype_database: str | None = None
    """Directory that its database lies in, absolute."""
    grype_database_url: str | None = None
    """Where an update of it is from: the URL of a listing, or the absolute path of an archive."""
    grype_max_age: timedelta | None = None
    """How old its database may be."""

    def over(self, other: ScanningSettings) -> ScanningSettings:
        """Put these on top of others, which count where these say nothing."""
        return ScanningSettings(
            **{
                name: getattr(other if getattr(self, name) is None else self, name)
                for name in _NAMES
            }
        )

    @property
    def pull_limits(self) -> PullLimits:
        """How much is fetched of one image."""
        from basekeeper.values.scanning import PullLimits  # noqa: PLC0415  # only to scan

        if self.image_mib is None:
            return PullLimits()
        most = self.image_mib * 1024 * 1024
        return PullLimits(layer_bytes=most, image_bytes=most)

    @property
    def given(self) -> tuple[str, ...]:
        """The keys that were said, as the file has them."""
        return tuple(f"scanner.{name}" for name in _NAMES if getattr(self, name) is not None)


_NAMES: Final = tuple(field.name for field in fields(ScanningSettings))


def parse_scanning(top: Table) -> ScanningSettings:
    """Read `[scanner]`; what is wrong is noted in the table's `problems`."""
    section = top.table("scanner")
    if section is None:
        return ScanningSettings()
    found = ScanningSettings(
        engines=_engines(section),
        program=section.parsed("program", absolute_path),
        database=section.parsed("database", absolute_path),
        database_repository=section.parsed("database_repository", _repository),
        java=section.flag("java"),
        java_repository=section.parsed("java_repository", _repository),
        max_age=section.parsed("max_age", parse_duration),
        severity_order=_order(section),
        timeout=section.parsed("timeout", _timeout),
        memory_mib=section.number("memory_mib", least=MIN_MEMORY_MIB, most=MAX_MEMORY_MIB),
        image_mib=section.number("image_mib", least=1, most=MAX_IMAGE_MIB),
        grype_program=section.parsed("grype_program", absolute_path),
        grype_database=section.parsed("grype_database", absolute_path),
        grype_database_url=section.parsed("grype_database_url", read_place),
        grype_max_age=section.parsed("grype_max_age", parse_duration),
    )
    section.finish()
    return found


def _engines(section: Table) -> tuple[str, ...] | None:
    """Read which scanners look."""
    found = section.texts("engines", ENGINES)
    if found is None or found == ENGINES[: len(found)] != ():
        return found
    section.wrong(
        "engines",
        f"expected {ENGINES[0]!r}, which lists the packages, then perhaps {ENGINES[1]!r}",
    )
    return None


def _order(section: Table) -> tuple[str, ...] | None:
    """Read whose severity counts, first to last."""
    order = section.texts("severity_order")
    if order is None:
        return None
    from basekeeper.scanners.severity import check_order  # noqa: PLC0415  # seldom there

    try:
        return check_order(order)
    except InputError as error:
        section.wrong("severity_order", error.message, error.hint)
        return None


def _repository(text: str) -> str:
    """Read where a database comes from; it must name its host, as there is no other default."""
    from basekeeper.values.reference import parse_reference  # noqa: PLC0415  # seldom there

    try:
        reference = parse_reference(text)
    except InputError as error:
        raise ValueError(error.message) from error
    if reference.digest is not None or text.partition("/")[0] != reference.registry:
        raise ValueError(f"{text!r:.200} is not host/path or host/path:tag")
    return text


def _timeout(text: str) -> timedelta:
    """Read how long one look may take."""
    found = parse_duration(text)
    if not 0 < found.total_seconds() <= MAX_TIMEOUT_MINUTES * 60:
        raise ValueError(f"{text!r:.80} is not between 1 minute and {MAX_TIMEOUT_MINUTES // 60} h")
    return found
