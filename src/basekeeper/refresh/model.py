"""What a refresh is told, and what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from basekeeper.advisories.kept import DEFAULT_EPSS, DEFAULT_KEV
from basekeeper.lifecycle.fetched import (
    DISTRO_INFO,
    END_OF_LIFE,
    EXPLOITED,
    OFFICIAL_IMAGES,
    SCORES,
    Validators,
)
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_URLS: Final = {
    END_OF_LIFE: "https://endoflife.date/api/v1/products/full",
    DISTRO_INFO: "https://debian.pages.debian.net/distro-info-data",
    OFFICIAL_IMAGES: (
        "https://github.com/docker-library/official-images/archive/refs/heads/master.tar.gz"
    ),
    EXPLOITED: DEFAULT_KEV,
    SCORES: DEFAULT_EPSS,
}
"""Where each source is fetched, in the order in which that is done; a mirror may take the place."""

GROUPS: Final = {
    "calendars": (END_OF_LIFE, DISTRO_INFO),
    "official": (OFFICIAL_IMAGES,),
    "kev": (EXPLOITED,),
    "epss": (SCORES,),
}
"""What can be refreshed by itself → its sources."""

MAX_ANSWER: Final = 64 * 1024 * 1024
"""Largest answer of a calendar, in bytes. All products together have about 3 MiB."""

NOTHING: Final = Validators()


class Fetched(NamedTuple):
    """What a server answered."""

    body: bytes | None
    """None: nothing changed since the validators that were sent."""
    validators: Validators = NOTHING


class Fetch(Protocol):
    """Gives the body of a URL."""

    def __call__(
        self, url: str, known: Validators = NOTHING, *, max_bytes: int = MAX_ANSWER
    ) -> Fetched:
        """Ask.

        Args:
            url: What to fetch.
            known: What was said of the copy that is here, so that it need not come again.
            max_bytes: Largest body, unpacked.

        Raises:
            Error: There is no usable answer.
        """


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """What became of one source."""

    source: str
    updated: int
    """How many entries were taken."""
    problem: str | None = None
    """Why nothing was replaced, or None."""
    unit: str = "product"
    """What an entry is called."""
    is_unchanged: bool = False
    """The source was asked, and has nothing newer."""


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did."""

    outcomes: tuple[SourceOutcome, ...]
    written: tuple[Path, ...]
    """The files of facts that were written; none where nothing was."""
    skipped: tuple[str, ...] = ()
    """Data that is not refreshed this way, each with its reason."""

    @property
    def is_complete(self) -> bool:
        """Tell whether every source was read."""
        return all(outcome.problem is None for outcome in self.outcomes)
