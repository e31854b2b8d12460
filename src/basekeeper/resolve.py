"""Resolving: uses in, what the registries tell about each distinct image out."""

from __future__ import annotations
