"""Releases of scanners that must not be run, as dated data (`data/denied.json`)."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any, Final

_RELEASE: Final = re.compile(r"v?([0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6})(?![0-9])", re.ASCII)


def release_of(version: str) -> str | None:
    """Return the plain release of a version, `0.69.3` of `v0.69.3-rc1`; None: it names none."""
    found = _RELEASE.match(version)
    return None if found is None else found[1]


def why_denied(
    scanner: str, *, version: str | None = None, digest: str | None = None
) -> str | None:
    """Say why a release must not be run; None: nothing is known against it.

    Args:
        scanner: `trivy`.
        version: What it calls itself; suffixes of a release do not save it.
        digest: Digest of its executable.
    """
    release = None if version is None else release_of(version)
    for entry in _entries().get(scanner, ()):
        if release in entry["versions"] or digest in entry["digests"]:
            return str(entry["reason"])
    return None


@cache
def _entries() -> dict[str, Any]:
    text = files("basekeeper.scanners").joinpath("data", "denied.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
