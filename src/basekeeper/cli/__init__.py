"""The command line: a client of `pipeline` and `render`, with no logic of its own."""

from __future__ import annotations
