"""basekeeper keeps the base images of containers approved, current, minimal and patched."""

from __future__ import annotations
