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
