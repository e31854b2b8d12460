"""One module a revision, never changed once released; there is no way back."""

from __future__ import annotations
