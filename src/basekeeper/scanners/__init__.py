"""Programs that know which advisories match the packages of an image."""

from __future__ import annotations
