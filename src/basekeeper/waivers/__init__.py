"""Waivers: read from the waiver file and from comments above instructions, and applied.

Rules kept here: owner, reason, scope and last day are never missing; the policy's limits (`inline`,
`max_days`, `never`) hold; nothing that looks like a waiver is silently ignored. Which findings a
waiver covers is decided here, what follows from expiry and disuse in `check`.
"""

from __future__ import annotations

from basekeeper.waivers.file import load_waivers
from basekeeper.waivers.inline import comment_blocks, read_inline, restrict_inline
from basekeeper.waivers.model import InvalidWaiver, WaiverLimits, Waivers
from basekeeper.waivers.scope import WaiverIndex, path_matches

__all__ = [
    "InvalidWaiver",
    "WaiverIndex",
    "WaiverLimits",
    "Waivers",
    "comment_blocks",
    "load_waivers",
    "path_matches",
    "read_inline",
    "restrict_inline",
]
