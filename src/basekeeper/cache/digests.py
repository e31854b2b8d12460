"""Checking content against the digest that names it (OCI image specification, descriptors)."""

from __future__ import annotations

import hashlib
from typing import Final

_ALGORITHMS: Final = ("sha256", "sha512")
"""Those that the specification registers and the standard library has everywhere."""


def matches(digest: str, data: bytes) -> bool:
    """Tell whether content has a digest; no content has one of an unknown algorithm."""
    algorithm, _, value = digest.partition(":")
    return algorithm in _ALGORITHMS and hashlib.new(algorithm, data).hexdigest() == value
