"""Resolving: uses in, what the registries tell about each distinct image out."""

from __future__ import annotations

from basekeeper.resolve.questions import Want, questions
from basekeeper.resolve.resolver import resolve

__all__ = ["Want", "questions", "resolve"]
