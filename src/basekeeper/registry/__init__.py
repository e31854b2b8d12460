"""Registries: OCI distribution, and what single registries add to it."""

from __future__ import annotations
