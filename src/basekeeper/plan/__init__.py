"""Planning: what each image can be moved to, and which change is wanted. Pure.

The order of a run: `standings` of what the registries told; `candidates` names the tags that it
would move to; those are resolved too and added to the resolutions; `standings` again, which now
knows their digests and operating systems; `changes`.
"""

from __future__ import annotations

from basekeeper.plan.changes import candidates, changes
from basekeeper.plan.standings import left_out, standings

__all__ = ["candidates", "changes", "left_out", "standings"]
