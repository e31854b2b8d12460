"""Editing: changes and bytes of files in, bytes that differ in references alone out. Pure."""

from __future__ import annotations

from basekeeper.edit.session import Ground, edit

__all__ = ["Ground", "edit"]
