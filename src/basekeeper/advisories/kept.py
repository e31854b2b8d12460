"""The files that hold what others publish: fetched ones of the data directory, or named by a user.

Nothing here reaches the network; `data update` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.advisories.documents import MAX_DOCUMENT_BYTES
from basekeeper.errors import InputError
from basekeeper.lifecycle.fetched import digest_of, read_fetches

if TYPE_CHECKING:
    from pathlib import Path

    from basekeeper.lifecycle.fetched import Kept

KEV_FILE: Final = "known-exploited.json"
EPSS_FILE: Final = "epss.csv.gz"

DEFAULT_KEV: Final = (
    "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
)
"""Source: https://www.cisa.gov/known-exploited-vulnerabilities-catalog."""

DEFAULT_EPSS: Final = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
"""Source: https://www.first.org/epss/data_stats; epss.cyentia.com leads there."""


def is_address(source: str) -> bool:
    """Tell whether a source is fetched, and not a file that somebody else keeps current."""
    return source.startswith(("https://", "http://"))


def read_kept(directory: Path, file: str, name: str) -> tuple[bytes, Kept | None] | None:
    """Read a file of the data directory, and how it was fetched, where that is known.

    Returns:
        None where there is no such file.

    Raises:
        InputError: It cannot be read.
    """
    path = directory / file
    if not path.is_file():
        return None
    data = read_bytes(path)
    how = read_fetches(directory).get(name)
    return data, how if how is not None and how.digest == digest_of(data) else None


def read_bytes(path: Path) -> bytes:
    """Read a file whole.

    Raises:
        InputError: It cannot be read, or is too large.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path}: is no file")
        with path.open("rb") as stream:
            data = stream.read(MAX_DOCUMENT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: {reason}") from error
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InputError(f"{path}: larger than {MAX_DOCUMENT_BYTES} bytes")
    return data
