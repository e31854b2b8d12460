"""Trivy's database of advisories: which one is there.

Source: trivy-db's `pkg/metadata` (`metadata.json`: Version, UpdatedAt, NextUpdate, DownloadedAt).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.scanners.databases import UPDATE
from basekeeper.scanners.fields import instant_of, number_of, read_json
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.vulnerability import Database

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA: Final = 2
"""Version of the format that the adapter knows."""
MAX_METADATA_BYTES: Final = 65_536


def read_database(cache_dir: Path) -> Database:
    """Tell which database is there.

    Raises:
        NotTold: None that can be used.
    """
    folder = cache_dir / "db"
    if not (folder / "trivy.db").is_file():
        raise NotTold(f"there is no vulnerability database in {str(folder)!r}", hint=UPDATE)
    try:
        with (folder / "metadata.json").open("rb") as handle:
            data = handle.read(MAX_METADATA_BYTES)
    except OSError as error:
        raise NotTold(
            f"the age of the vulnerability database is not known: {error.strerror}", hint=UPDATE
        ) from error
    metadata = read_json(data, "the metadata of the vulnerability database")
    schema, updated = number_of(metadata, "Version"), instant_of(metadata, "UpdatedAt")
    if schema != SCHEMA:
        raise NotTold(f"the vulnerability database has format {schema}, not {SCHEMA}", hint=UPDATE)
    if updated is None:
        raise NotTold("the age of the vulnerability database is not known", hint=UPDATE)
    return Database(
        schema=schema,
        updated=updated,
        next_update=instant_of(metadata, "NextUpdate"),
        downloaded=instant_of(metadata, "DownloadedAt"),
    )
