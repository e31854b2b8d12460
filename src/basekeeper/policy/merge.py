"""Putting together what several layers say of rules and waivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.policy.model import (
    SCOPES,
    SEVERITIES,
    RuleChange,
    RuleSetting,
    WaiverChange,
    WaiverSettings,
)
from basekeeper.values.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from basekeeper.policy.model import Layer

_SEVERITY_OF: Final = {
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "note": Severity.NOTE,
    "off": None,
}


def merged_rules(layers: Sequence[Layer], shipped: Layer) -> dict[str, RuleSetting]:
    """Return how each rule counts: the first layer that says something of a field decides."""
    out = {}
    for rule in shipped.rules:
        change = _rule_change((*layers, shipped), rule)
        out[rule] = RuleSetting(
            rule=rule,
            severity=_SEVERITY_OF[change.severity or "off"],
            stages=change.stages or SCOPES[0],
            non_production=change.non_production is not False,
            options=change.options,
        )
    return out


def stricter_rules(
    rules: Mapping[str, RuleSetting], own: Sequence[Layer]
) -> dict[str, RuleSetting]:
    """Return rules with every field the stricter of the given one and what `own` says.

    Options are made so that the smaller number is the stricter.
    """
    out = {}
    for name, rule in rules.items():
        change = _rule_change(own, name)
        word = rule.severity.word if rule.severity is not None else "off"
        options = {
            key: min(value, change.options.get(key, value)) for key, value in rule.options.items()
        }
        out[name] = RuleSetting(
            rule=name,
            severity=_SEVERITY_OF[_stricter(SEVERITIES, word, change.severity)],
            stages=_stricter(SCOPES, rule.stages, change.stages),
            non_production=rule.non_production or change.non_production is True,
            options=options,
        )
    return out


def merged_waivers(layers: Sequence[Layer], shipped: Layer) -> WaiverSettings:
    """Return what waivers may do: the first layer that says something of a field decides."""
    change = _waiver_change((*layers, shipped))
    return WaiverSettings(
        file=change.file,
        inline=change.inline is True,
        max_days=change.max_days or 1,
        repository=change.repository is True,
        never=change.never or (),
    )


def stricter_waivers(waivers: WaiverSettings, own: Sequence[Layer]) -> WaiverSettings:
    """Return what a repository's waivers may do below an operator's policy."""
    change = _waiver_change(own)
    permitted = waivers.repository
    added = tuple(rule for rule in change.never or () if rule not in waivers.never)
    return WaiverSettings(
        file=waivers.file if permitted else None,
        inline=permitted and waivers.inline and change.inline is not False,
        max_days=min(waivers.max_days, change.max_days or waivers.max_days),
        repository=permitted,
        never=waivers.never + added,
    )


def _rule_change(layers: Sequence[Layer], rule: str) -> RuleChange:
    """Put together what layers, the first strongest, say of one rule."""
    severity = stages = non_production = None
    options: dict[str, int] = {}
    for layer in reversed(layers):
        change = layer.rules.get(rule, RuleChange())
        severity = severity if change.severity is None else change.severity
        stages = stages if change.stages is None else change.stages
        if change.non_production is not None:
            non_production = change.non_production
        options |= change.options
    return RuleChange(
        severity=severity, stages=stages, non_production=non_production, options=options
    )


def _waiver_change(layers: Sequence[Layer]) -> WaiverChange:
    """Put together what layers, the first strongest, say of waivers."""
    found: dict[str, object] = {}
    for layer in reversed(layers):
        for name in WaiverChange.__slots__:
            value = getattr(layer.waivers, name)
            if value is not None:
                found[name] = value
    return WaiverChange(**found)  # type: ignore[arg-type]  # values of the same class's fields


def _stricter(order: Sequence[str], first: str, second: str | None) -> str:
    """Return the word that comes first in an order, strictest first."""
    return first if second is None else min(first, second, key=order.index)
