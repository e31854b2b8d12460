"""Opening the ledger to record."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.wiring.kept import storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from basekeeper.config.settings import Settings
    from basekeeper.ledger.location import Location
    from basekeeper.ports import Ledger

FILE_NAME: Final = "ledger.sqlite"
"""Name of the ledger below the user's state, where nobody names one."""


_PROPOSALS: Final = frozenset({"pull_request", "pull_request_target", "merge_group"})
"""What starts a job of GitHub for something that is not merged."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A ledger that is open to record."""

    ledger: Ledger
    place: str
    """Where it lies, for people; no password."""
    notices: tuple[str, ...]
    """What the user should know before anything is recorded."""


def is_proposal(environ: Mapping[str, str]) -> bool:
    """Tell whether a job of CI looks at what somebody proposes, not at what is merged."""
    return (
        environ.get("GITHUB_EVENT_NAME", "") in _PROPOSALS
        or bool(environ.get("CI_MERGE_REQUEST_IID"))
        or bool(environ.get("CHANGE_ID"))  # Jenkins
        or environ.get("BITBUCKET_PR_ID", "") != ""
        or environ.get("SYSTEM_PULLREQUEST_PULLREQUESTID", "") != ""  # Azure Pipelines
    )


def own_ledger() -> Location:
    """Return where the ledger lies on a machine that stays (XDG base directory specification)."""
    from basekeeper.ledger.location import read_location  # noqa: PLC0415  # seldom needed

    named = os.environ.get("XDG_STATE_HOME", "")
    base = Path(named) if named.startswith("/") else Path.home() / ".local" / "state"
    return read_location(f"sqlite:{base / 'basekeeper' / FILE_NAME}")


@contextmanager
def open_recording(
    settings: Settings, *, now: datetime, ephemeral: bool = False, start: Path | None = None
) -> Iterator[Recording]:
    """Open the configured ledger to record, else the user's own; it is made where it is not there.

    Args:
        settings: Of which only what the user and the operator say of the ledger counts.
        now: The instant of the run, at which everything is recorded.
        ephemeral: Whether a file that is lost with a job of CI will do.
        start: A directory in the clone of a branch; None: the current one.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or a variable that names a place is wrong.
        LedgerError: It cannot be reached or is no ledger, or is a file in a job of CI.
    """
    from basekeeper.ledger.opening import (  # noqa: PLC0415  # only to record
        check_lasting,
        exposure,
        open_ledger,
    )

    configured = storage(settings).ledger
    location = configured or own_ledger()
    check_lasting(location, os.environ, ephemeral=ephemeral)
    if configured is None:
        Path(location.target).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    notice = exposure(location, os.environ)
    ledger = open_ledger(location, clock=lambda: now, start=start)
    try:
        yield Recording(ledger, str(location), () if notice is None else (notice,))
    finally:
        ledger.close()
