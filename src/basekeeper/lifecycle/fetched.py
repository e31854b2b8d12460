"""What is known of the files of a data directory: from where each was fetched, and when.

Kept beside the files, in one of its own. It is believed of a file only as long as that file is,
byte for byte, the one that was fetched: whoever puts another one there, or a refresh that is killed
between the two writings, leaves nothing that is said of the wrong one.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.errors import InputError
from basekeeper.lifecycle.datafile import SCHEMA, read_data, read_table, read_text

if TYPE_CHECKING:
    from pathlib import Path

FETCHED: Final = "fetched.json"
"""Name of the file in the data directory."""

END_OF_LIFE: Final = "endoflife.date"
DISTRO_INFO: Final = "distro-info-data"
OFFICIAL_IMAGES: Final = "official-images"
EXPLOITED: Final = "kev"
SCORES: Final = "epss"

MIRRORED: Final = (END_OF_LIFE, DISTRO_INFO, OFFICIAL_IMAGES)
"""Sources of facts about images; other addresses for them are set in `[data.mirrors]`."""


class Validators(NamedTuple):
    """What a server said by which it can tell that nothing changed since (RFC 9110, 8.8)."""

    etag: str = ""
    modified: str = ""
    """`Last-Modified`, as it was sent."""


class Kept(NamedTuple):
    """How a file that is kept was fetched."""

    place: str
    """Digest of the address, which may hold a secret."""
    at: datetime
    """When its source was last asked and had this, or nothing newer. UTC."""
    digest: str
    """SHA-256 of the file, in hexadecimal."""
    validators: Validators = Validators()


def digest_of(data: bytes) -> str:
    """Return by which the content of a file is known."""
    return hashlib.sha256(data).hexdigest()


def read_fetches(directory: Path) -> dict[str, Kept]:
    """Read what is known, by source; nothing where there is no such file, or it is unusable.

    Nothing rests on it but ages and savings, so that it is never an error.
    """
    path = directory / FETCHED
    if not path.is_file():
        return {}
    found = {}
    try:
        table = read_table(read_data(path), "sources")
        for name in table:
            found[name] = _fetch(read_table(table, name))
    except (InputError, ValueError, OverflowError):
        return {}
    return found


def write_fetches(fetches: dict[str, Kept]) -> dict[str, Any]:
    """Return the content of the file."""
    sources = {
        name: {
            "place": fetch.place,
            "at": fetch.at.isoformat(),
            "digest": fetch.digest,
            "etag": fetch.validators.etag,
            "modified": fetch.validators.modified,
        }
        for name, fetch in sorted(fetches.items())
    }
    return {"schema": SCHEMA, "sources": sources}


def _fetch(row: dict[str, Any]) -> Kept:
    at = datetime.fromisoformat(read_text(row, "at"))
    if at.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return Kept(
        read_text(row, "place"),
        at.astimezone(UTC),
        read_text(row, "digest"),
        Validators(read_text(row, "etag"), read_text(row, "modified")),
    )
