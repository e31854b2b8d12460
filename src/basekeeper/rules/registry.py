"""All rules, in the order of the shipped policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules import (
    behind_current,
    broad_copy,
    build_tools,
    end_of_life,
    expired_waiver,
    floating_tag,
    invalid_waiver,
    missing_digest,
    near_stage_name,
    not_minimal,
    opaque_reference,
    prohibited_image,
    refused_dockerfile,
    restricted_image,
    sdk_final_stage,
    single_stage,
    stage_name_case,
    unofficial_source,
    unpatched_critical,
    unpatched_high,
    unpatched_low,
    unpatched_medium,
    unused_waiver,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.rules.rule import FileRule, Rule, UseRule

USE_RULES: Final[tuple[UseRule, ...]] = (
    prohibited_image.RULE,
    unofficial_source.RULE,
    opaque_reference.RULE,
    end_of_life.RULE,
    behind_current.RULE,
    unpatched_critical.RULE,
    unpatched_high.RULE,
    unpatched_medium.RULE,
    unpatched_low.RULE,
    restricted_image.RULE,
    not_minimal.RULE,
    floating_tag.RULE,
    missing_digest.RULE,
    near_stage_name.RULE,
)
"""Rules about one use."""

FILE_RULES: Final[tuple[FileRule, ...]] = (
    single_stage.RULE,
    build_tools.RULE,
    broad_copy.RULE,
    sdk_final_stage.RULE,
    stage_name_case.RULE,
    refused_dockerfile.RULE,
)
"""Rules about a file and its builds."""

WAIVER_RULES: Final[tuple[Rule, ...]] = (
    expired_waiver.RULE,
    invalid_waiver.RULE,
    unused_waiver.RULE,
)
"""Rules about waivers, which `check` feeds."""

RULES_BY_ID: Final[Mapping[str, Rule]] = {
    rule.id: rule for rule in (*USE_RULES, *FILE_RULES, *WAIVER_RULES)
}
"""Every rule by its id."""

STORED_RULES: Final = frozenset(rule.id for rule in RULES_BY_ID.values() if rule.is_stored)
"""Ids of those that rest on what the ledger holds."""
