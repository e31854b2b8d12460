"""Fetching Trivy's databases as any other content of a registry: Trivy itself asks nobody.

Sources: Trivy's `pkg/db/db.go`, `pkg/javadb/client.go`, `pkg/flag/db_flags.go`. A database is an
OCI artifact with one layer, a packed archive of the database and its metadata.
"""

from __future__ import annotations

import gzip
import json
import tarfile
import zlib
from datetime import UTC
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from basekeeper.errors import Error
from basekeeper.scanners.fields import read_json
from basekeeper.scanners.nottold import NotTold
from basekeeper.scanners.trivy_database import MAX_METADATA_BYTES
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from basekeeper.ports import Pulling

MAX_UNPACKED_BYTES: Final = 16 * 1024**3
"""Largest archive, unpacked: ten times what the databases have today."""
METADATA: Final = "metadata.json"
_PIECE_BYTES: Final = 1024 * 1024
_BLOCK: Final = 512
"""Bytes that everything in an archive is padded to."""


class Kind(NamedTuple):
    """One of the databases."""

    what: str
    folder: str
    """Where Trivy looks for it below its cache directory."""
    file: str
    media_type: str
    tag: str
    """Version of its format, under which it is published."""
    repositories: tuple[str, ...]
    """Where it is published; each next one is asked where those before fail."""


ADVISORIES: Final = Kind(
    "vulnerability database",
    "db",
    "trivy.db",
    "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip",
    "2",
    ("mirror.gcr.io/aquasec/trivy-db", "ghcr.io/aquasecurity/trivy-db"),
)
JAVA: Final = Kind(
    "list of Java archives",
    "java-db",
    "trivy-java.db",
    "application/vnd.aquasec.trivy.javadb.layer.v1.tar+gzip",
    "1",
    ("mirror.gcr.io/aquasec/trivy-java-db", "ghcr.io/aquasecurity/trivy-java-db"),
)


def download(  # noqa: PLR0913  # what, from where, to where, when
    registry: Pulling,
    kind: Kind,
    repository: str | None,
    cache_dir: Path,
    *,
    now: datetime,
    check: Callable[[], None],
) -> None:
    """Fetch a database to where Trivy looks for it.

    Args:
        registry: Gives it.
        kind: Which one.
        repository: `host[:port]/path[:tag]`; None: where it is published.
        cache_dir: A cache directory of Trivy that has none yet.
        now: When it is fetched.
        check: Called now and then; raises where the run was ended.

    Raises:
        NotTold: It cannot be had, or is none.
        OSError: It cannot be written.
    """
    archive = cache_dir / f"{kind.folder}.tar.gz"
    _fetch(registry, kind, repository, archive)
    folder = cache_dir / kind.folder
    folder.mkdir()
    try:
        with gzip.open(archive, "rb") as stream:
            _unpack(stream, folder, kind, check)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise _broken(kind, "it is no whole archive") from error
    archive.unlink()
    _stamp(folder / METADATA, kind, now)


def _fetch(registry: Pulling, kind: Kind, repository: str | None, target: Path) -> None:
    """Fetch the packed archive from the first repository that gives it."""
    failures: list[Error] = []
    for name in kind.repositories if repository is None else (repository,):
        image = parse_reference(name)
        if image.tag is None:
            image = parse_reference(f"{name}:{kind.tag}")
        try:
            digest = registry.point(image).digest
            registry.artifact(image.with_digest(digest), kind.media_type, target)
        except Error as failed:
            failures.append(failed)
        else:
            return
    reasons = "; ".join(dict.fromkeys(failed.message for failed in failures))
    raise NotTold(f"the {kind.what} could not be fetched: {reasons}", hint=failures[0].hint)


def _unpack(stream: gzip.GzipFile, folder: Path, kind: Kind, check: Callable[[], None]) -> None:
    """Write the two files of an archive; whatever else is in it is passed over.

    The headers are read one by one, as what stands between them may be of any size.
    """
    limits = {kind.file: MAX_UNPACKED_BYTES, METADATA: MAX_METADATA_BYTES}
    left = MAX_UNPACKED_BYTES
    while limits:
        header = stream.read(_BLOCK)
        if not header.strip(b"\0"):
            raise _broken(kind, f"there is no {min(limits)} in it")
        entry = tarfile.TarInfo.frombuf(header, "utf-8", "replace")
        name = entry.name.removeprefix("./")
        limit = limits.pop(name, None) if entry.isreg() else None
        left -= entry.size
        if left < 0 or (limit is not None and entry.size > limit):
            raise _broken(kind, "it is too large")
        if limit is None:
            _copy(stream, None, entry.size, check)
        else:
            with (folder / name).open("xb") as target:
                _copy(stream, target, entry.size, check)
        _copy(stream, None, -entry.size % _BLOCK, check)


def _copy(
    stream: gzip.GzipFile, target: BinaryIO | None, size: int, check: Callable[[], None]
) -> None:
    """Pass so many bytes on, or over."""
    while size:
        check()
        piece = stream.read(min(size, _PIECE_BYTES))
        if not piece:
            raise EOFError
        if target is not None:
            target.write(piece)
        size -= len(piece)


def _stamp(path: Path, kind: Kind, now: datetime) -> None:
    """Write down when it was fetched, as Trivy does."""
    metadata = read_json(path.read_bytes(), f"the metadata of the {kind.what}")
    metadata["DownloadedAt"] = now.astimezone(UTC).isoformat().replace("+00:00", "Z")
    path.write_text(json.dumps(metadata), encoding="utf-8")


def _broken(kind: Kind, reason: str) -> NotTold:
    return NotTold(
        f"the {kind.what} that was fetched cannot be used: {reason}",
        hint="check where it comes from",
    )
