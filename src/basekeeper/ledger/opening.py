"""Opening a ledger of any form, and whether its place outlives the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.errors import LedgerError
from basekeeper.ledger.location import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from basekeeper.ledger.branch import BranchLedger
    from basekeeper.ledger.location import Location
    from basekeeper.ledger.sql import SqlLedger

CI_VARIABLES: Final = (
    "CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "DRONE", "JENKINS_URL",
    "TEAMCITY_VERSION", "TF_BUILD", "BITBUCKET_BUILD_NUMBER", "CODEBUILD_BUILD_ID",
)  # fmt: skip
"""Variables that CI systems set in every job."""

MAX_EVENT_BYTES: Final = 25 * 1024 * 1024
"""Most that is read of the description of what started a job; GitHub sends no larger one."""

_NO: Final = frozenset({"", "0", "false", "no"})


def open_ledger(
    location: Location, *, clock: Callable[[], datetime] | None, start: Path | None = None
) -> SqlLedger | BranchLedger:
    """Open a ledger, see `ports.Ledger`; to write, it is created or migrated first.

    Args:
        location: Where it lies.
        clock: Tells when something is recorded. None: to read alone, which never creates or
            migrates, and refuses to append.
        start: A directory in the clone of a branch; None: the current one.

    Raises:
        LedgerError: It cannot be reached, is no ledger, is newer than this program, or, for
            reading, is not there.
    """
    if location.kind is Kind.BRANCH:
        from basekeeper.ledger.branch import open_branch  # noqa: PLC0415  # one form of three

        return open_branch(location, clock=clock, start=start)
    from basekeeper.ledger.sql import open_ledger as open_sql  # noqa: PLC0415  # slow to load

    return open_sql(location, clock=clock)


def check_lasting(location: Location, environ: Mapping[str, str], *, ephemeral: bool) -> None:
    """Refuse to record where the disk is lost with the job: every clock would start anew.

    Args:
        location: Where the ledger lies.
        environ: The environment, which tells whether this is a job of CI.
        ephemeral: The user knows, and wants it so (`--ephemeral`).

    Raises:
        LedgerError: It is a file, in CI, and the user did not say so.
    """
    if ephemeral or location.kind is not Kind.SQLITE:
        return
    named = [name for name in CI_VARIABLES if environ.get(name, "").lower() not in _NO]
    if named:
        raise LedgerError(
            f"ledger {location} is a file in a CI job ({named[0]} is set), whose disk is lost:"
            " deadlines would start anew with each job",
            hint="use branch:basekeeper-ledger or postgresql://…; where the disk does stay, or"
            " this is a trial, add --ephemeral",
        )


def exposure(location: Location, environ: Mapping[str, str]) -> str | None:
    """Say that everybody will see what is recorded; None: no such sign.

    Only a job of GitHub or GitLab tells whether its repository is public. A branch of another
    repository (`branch:NAME@URL`) is not spoken of.

    Args:
        location: Where the ledger lies.
        environ: The environment of the job.
    """
    if location.kind is not Kind.BRANCH or location.remote is not None:
        return None
    if environ.get("CI_PROJECT_VISIBILITY") != "public" and not _is_public(environ):
        return None
    return (
        f"this repository is public, so everybody can read open findings in ledger {location}; a"
        " private repository can keep them: branch:basekeeper-ledger@URL"
    )


def _is_public(environ: Mapping[str, str]) -> bool:
    """Read from the description of a GitHub job whether its repository is public."""
    path = environ.get("GITHUB_EVENT_PATH")
    if not path:
        return False
    import json  # noqa: PLC0415  # only in such jobs

    try:
        with open(path, "rb") as file:  # noqa: PTH123  # may be no path at all
            event = json.loads(file.read(MAX_EVENT_BYTES))
    except (OSError, ValueError):
        return False
    repository = event.get("repository") if isinstance(event, dict) else None
    return isinstance(repository, dict) and repository.get("private") is False
