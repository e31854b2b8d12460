"""The order of the steps; the only package that knows it. Verbs and jobs call nothing else.

1. discover   a tree → survey
2. waivers    the waiver file and the comments of the survey → waivers
3. ledger     what is known of vulnerabilities, and the deadlines of the repository → stored
4. resolve    what of the survey the registries could tell → resolutions; inspect → facts
5. check      survey, policy, facts, what is stored, waivers, what was there before → report

1. discover   a tree → survey
2. resolve    survey → resolutions
3. plan       resolutions, rules of updates, first sights → standings; standings → changes
4. edit       changes, bytes of files → edits, proven by discovering the edited tree
5. trees      edits → files

1. discover   a tree → survey
2. resolve    what builds stand on → digests and image ids; each distinct digest once
3. scan       digest, else packages listed before → what the scanner says

A run that records what it scans:

1. observe    the same, and what builds could become and products are published as → observation
2. recording  observation, what the ledger holds → new events; waivers of the file → events
3. deadlines  events → what is overdue → verdicts
4. ledger     all of them, in one transaction
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from basekeeper.check import exit_code
    from basekeeper.pipeline.judging import Comparison, LedgerAccess, NetworkAccess, judge
    from basekeeper.pipeline.keeping import Beside, keep
    from basekeeper.pipeline.looking import Scanning
    from basekeeper.pipeline.observing import observe
    from basekeeper.pipeline.recovering import recover
    from basekeeper.pipeline.run import Run, narrowed_settings, survey
    from basekeeper.pipeline.scanning import scan_named, scan_tree
    from basekeeper.pipeline.telling import ChannelTold, announce, tell
    from basekeeper.pipeline.texts import explain_image, rule_ids, rule_texts
    from basekeeper.pipeline.updating import (
        Planned,
        Wanted,
        edit_files,
        outdated,
        plan_updates,
        write,
    )

__all__ = [
    "Beside",
    "ChannelTold",
    "Comparison",
    "LedgerAccess",
    "NetworkAccess",
    "Planned",
    "Run",
    "Scanning",
    "Wanted",
    "announce",
    "edit_files",
    "exit_code",
    "explain_image",
    "judge",
    "keep",
    "narrowed_settings",
    "observe",
    "outdated",
    "plan_updates",
    "recover",
    "rule_ids",
    "rule_texts",
    "scan_named",
    "scan_tree",
    "survey",
    "tell",
    "write",
]

_HOMES: Final = {
    "Beside": "basekeeper.pipeline.keeping",
    "ChannelTold": "basekeeper.pipeline.telling",
    "Comparison": "basekeeper.pipeline.judging",
    "LedgerAccess": "basekeeper.pipeline.judging",
    "NetworkAccess": "basekeeper.pipeline.judging",
    "Planned": "basekeeper.pipeline.updating",
    "Run": "basekeeper.pipeline.run",
    "Scanning": "basekeeper.pipeline.looking",
    "Wanted": "basekeeper.pipeline.updating",
    "announce": "basekeeper.pipeline.telling",
    "edit_files": "basekeeper.pipeline.updating",
    "exit_code": "basekeeper.check",
    "explain_image": "basekeeper.pipeline.texts",
    "judge": "basekeeper.pipeline.judging",
    "keep": "basekeeper.pipeline.keeping",
    "narrowed_settings": "basekeeper.pipeline.run",
    "observe": "basekeeper.pipeline.observing",
    "outdated": "basekeeper.pipeline.updating",
    "plan_updates": "basekeeper.pipeline.updating",
    "recover": "basekeeper.pipeline.recovering",
    "rule_ids": "basekeeper.pipeline.texts",
    "rule_texts": "basekeeper.pipeline.texts",
    "scan_named": "basekeeper.pipeline.scanning",
    "scan_tree": "basekeeper.pipeline.scanning",
    "survey": "basekeeper.pipeline.run",
    "tell": "basekeeper.pipeline.telling",
    "write": "basekeeper.pipeline.updating",
}
"""Name → module that defines it; who updates loads no rules, who judges no edits."""


def __getattr__(name: str) -> object:
    """Load a name when it is first used (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # only here, once a name

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value
