"""Content and answers kept on disk; owns nothing, may be deleted at any time."""

from __future__ import annotations
