"""The order of the steps; the only package that knows it. Verbs and jobs call nothing else.

1. discover   a tree → survey
2. waivers    the waiver file and the comments of the survey → waivers
3. resolve    what of the survey the registries could tell → resolutions; inspect → facts
4. check      survey, policy, facts, waivers, what was there before → report

1. discover   a tree → survey
2. resolve    survey → resolutions
3. plan       resolutions, rules of updates, first sights → standings; standings → changes
4. edit       changes, bytes of files → edits, proven by discovering the edited tree
5. trees      edits → files
"""

from __future__ import annotations

from basekeeper.check import exit_code as exit_code_of
from basekeeper.pipeline.judging import Comparison, NetworkAccess, judge
from basekeeper.pipeline.run import Run, narrowed_settings, survey
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
    "Comparison",
    "NetworkAccess",
    "Planned",
    "Run",
    "Wanted",
    "edit_files",
    "exit_code_of",
    "explain_image",
    "judge",
    "narrowed_settings",
    "outdated",
    "plan_updates",
    "rule_ids",
    "rule_texts",
    "survey",
    "write",
]
