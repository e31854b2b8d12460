"""Lists of packages that a scanner made, kept so that no image is fetched again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from basekeeper.scanners.cyclonedx import MEDIA_TYPE, read_cyclonedx
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.vulnerability import Sbom, ScannerIdentity, SubjectKind

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.ports import Cache
    from basekeeper.values.vulnerability import Subject

SBOM_KEPT: Final = timedelta(days=3650)
"""How long a kept SBOM is taken: what a digest holds does not change, nor does what one release of
the scanner finds in it."""


class KeptSboms:
    """The lists that releases of scanners made of digests; nothing of archives is kept."""

    def __init__(self, cache: Cache | None) -> None:
        """Take where they are kept; None: nowhere."""
        self._cache = cache

    def find(self, subject: Subject, scanner: ScannerIdentity, *, now: datetime) -> Sbom | None:
        """Return the list that this release made of a digest before."""
        key = _key(subject, scanner)
        if self._cache is None or key is None:
            return None
        data = self._cache.answer(key, now=now, max_age=SBOM_KEPT)
        return None if data is None else _unpacked(data, subject, scanner.name)

    def keep(self, sbom: Sbom, scanner: ScannerIdentity, *, now: datetime) -> None:
        """Keep a list."""
        key = _key(sbom.subject, scanner)
        if self._cache is not None and key is not None:
            self._cache.keep_answer(key, _packed(sbom.data, scanner), now=now)


def _key(subject: Subject, scanner: ScannerIdentity) -> str | None:
    """Under which an SBOM is kept; None for what has no digest but the image's id.

    The number is that of the form: lists of the first one did not tell the order of layers.
    """
    if subject.kind is SubjectKind.ARCHIVE:
        return None
    return (
        f"sbom 2 {scanner.name} {scanner.version} {scanner.digest} {subject.digest}"
        f" {subject.platform}"
    )


def _packed(data: bytes, scanner: ScannerIdentity) -> bytes:
    head = {"version": scanner.version, "digest": scanner.digest, "verified": scanner.verified}
    return json.dumps(head).encode() + b"\n" + data


def _unpacked(data: bytes, subject: Subject, name: str) -> Sbom | None:
    """Take a kept SBOM apart; None where it is damaged, so that it is made again."""
    head, _, body = data.partition(b"\n")
    try:
        told: dict[str, Any] = json.loads(head)
        scanner = ScannerIdentity(
            name=name,
            version=str(told["version"]),
            digest=str(told["digest"]),
            verified=bool(told["verified"]),
        )
        read_cyclonedx(body)
    except (ValueError, KeyError, TypeError, NotTold):
        return None
    return Sbom(subject=subject, media_type=MEDIA_TYPE, data=body, scanner=scanner)
