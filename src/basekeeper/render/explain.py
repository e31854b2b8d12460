"""What the policy says about one image, or about one rule, in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from basekeeper.render.encode import dump
from basekeeper.render.json import heading, judgement_object, reference_object
from basekeeper.render.layout import fit_image, pad, wrap
from basekeeper.render.safe import visible
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from basekeeper.policy.model import Step
    from basekeeper.render.layout import Style
    from basekeeper.render.view import RuleText
    from basekeeper.values.finding import Answer, AxisState, Judgement

_TRUTHS: Final = {Truth.YES: "good", Truth.NO: "error", Truth.UNKNOWN: "warning"}
CRITERION: Final = "known_vulnerabilities"
"""The criterion that a name alone says nothing about."""

NOT_ASKED: Final = "not asked: scan looks into images, and check reads what it recorded"

_LABEL: Final = 20
"""Columns of the labels on the left."""


def render_image_text(judgement: Judgement, trace: Sequence[Step], style: Style) -> str:
    """Write why an image falls in its category, its quality and its calendars."""
    category = judgement.category.value
    known = "" if judgement.category_known else " (its source could not be verified)"
    lines = [
        style.paint(fit_image(visible(judgement.text), style.width, style.ellipsis), "bold"),
        "",
        _labelled("category", style.paint(category, category) + known),
        *_wrapped("why", judgement.reason, style),
        _labelled("decided by", visible(judgement.clause)),
    ]
    if judgement.reference is not None:
        lines += _wrapped("full name", str(judgement.reference), style)
    if judgement.suggestion is not None:
        lines += _wrapped("use instead", judgement.suggestion, style)
    if judgement.next_reference is not None:
        lines += _wrapped("move to", judgement.next_reference, style)
    if judgement.minimal_alternative is not None:
        lines += _wrapped("smaller", judgement.minimal_alternative, style)
    lines += _section("Quality", style, _quality(judgement, style))
    lines += _section("Lifecycle", style, _axes(judgement.axes, style))
    lines += _section("Entries of the policy that were tried", style, _trace(trace, style))
    return "\n".join(lines) + "\n"


def render_image_json(judgement: Judgement, trace: Sequence[Step], now: datetime) -> str:
    """Write the judgement of an image with every entry of the policy that was tried."""
    value: dict[str, Any] = {
        **heading(now),
        "image": judgement.text,
        "reference": reference_object(judgement.reference),
        "judgement": judgement_object(judgement),
        "trace": [
            {
                "clause": step.clause.name,
                "origin": step.clause.origin,
                "category": step.clause.category.value,
                "matched": step.matched.value,
                "reason": step.reason,
            }
            for step in trace
        ],
    }
    return dump(value)


def render_rule_text(rule: RuleText, style: Style) -> str:
    """Write what a rule finds, why that matters, how it counts and where its page is."""
    severity = "off" if rule.severity is None else rule.severity.word
    role = "dim" if rule.severity is None else severity
    lines = [
        style.paint(rule.id, "bold"),
        "",
        *_wrapped("finds", rule.summary, style),
        _labelled("severity", style.paint(severity, role)),
        _labelled("page", rule.page),
    ]
    if rule.text:
        lines += ["", *_markdown(rule.text, style)]
    return "\n".join(lines) + "\n"


def render_rule_json(rule: RuleText, now: datetime) -> str:
    """Write what a rule says about itself."""
    return dump({**heading(now), **_rule_object(rule)})


def _rule_object(rule: RuleText) -> dict[str, Any]:
    """Write what a rule says about itself as plain values."""
    return {
        "rule": rule.id,
        "summary": rule.summary,
        "severity": None if rule.severity is None else rule.severity.word,
        "page": rule.page,
        "text": rule.text,
    }


def _labelled(label: str, value: str) -> str:
    """Write one line with its label."""
    return f"  {label:<{_LABEL - 2}}{value}"


def _wrapped(label: str, value: str, style: Style) -> list[str]:
    """Write a value over as many lines as it needs; the label stands on the first."""
    first, *rest = wrap(visible(value), style.width - _LABEL)
    return [_labelled(label, first), *(" " * _LABEL + line for line in rest)]


def _section(title: str, style: Style, lines: list[str]) -> list[str]:
    """Put a title above lines; nothing where there are none."""
    return ["", style.paint(title, "bold"), *lines] if lines else []


def _quality(judgement: Judgement, style: Style) -> list[str]:
    """Write each criterion with its answer and what it rests on."""
    lines: list[str] = []
    for name, answer in judgement.quality.items():
        label = name.replace("_", " ")
        lines += _answer(label, answer, style)
    if lines and CRITERION not in judgement.quality:
        lines += _wrapped("vulnerabilities", NOT_ASKED, style)
    return lines


def _answer(label: str, answer: Answer, style: Style) -> Iterator[str]:
    """Write one answer: label, yes or no, reason; source and day below."""
    value = answer.value.value
    margin = _LABEL + 9
    first, *rest = wrap(visible(_with_source(answer)), style.width - margin)
    head = f"  {label:<{_LABEL - 2}}{style.paint(pad(value, 9), _TRUTHS[answer.value])}"
    yield head + first
    yield from (" " * margin + line for line in rest)


def _with_source(answer: Answer) -> str:
    """Add to a reason where its fact is from, and of which day."""
    day = "" if answer.as_of is None else f"data of {answer.as_of}"
    rests_on = ", ".join(part for part in (answer.source or "", day) if part)
    return f"{answer.reason} ({rests_on})" if rests_on else answer.reason


def _axes(axes: Sequence[AxisState], style: Style) -> list[str]:
    """Write where each version of the image stands in its product's calendar."""
    lines: list[str] = []
    for axis in axes:
        title = f"{axis.title} {axis.cycle}"
        lines += _wrapped(axis.axis, title, style)
        lines += _wrapped("", f"end of life: {axis.end_of_life or 'not known'}", style)
        if axis.newest is not None:
            since = "" if axis.newest_since is None else f", since {axis.newest_since}"
            lines += _wrapped("", f"newest line: {axis.newest}{since}", style)
        for word, answer in (("supported", axis.supported), ("current", axis.current)):
            lines += _answer(f"  {word}", answer, style)
    return lines


def _trace(trace: Sequence[Step], style: Style) -> list[str]:
    """Write the entries that were tried, in their order, the deciding one last."""
    lines: list[str] = []
    for step in trace:
        sign = style.paint(pad(step.matched.value, 9), _TRUTHS[step.matched])
        name = style.paint(visible(step.clause.name), "bold")
        lines.append(f"  {sign}{name} {style.paint(f'({visible(step.clause.origin)})', 'dim')}")
        lines += (f"           {line}" for line in wrap(visible(step.reason), style.width - 11))
    return lines


def _markdown(text: str, style: Style) -> Iterator[str]:
    """Show the text of a rule's page: prose is wrapped, headings stand out, code stays."""
    fenced = False
    words: list[str] = []
    for line in [*text.split("\n"), ""]:
        starts = line.startswith(("```", "#", "|", "- ")) or not line.strip()
        if words and (fenced or starts):
            yield from _block(words, style)
            words = []
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield f"    {visible(line)}"
        elif line.startswith("#"):
            yield style.paint(visible(line.lstrip("# ")), "bold")
        elif line.startswith("|") or not line.strip():
            yield visible(line)
        else:
            words += visible(line).split()


def _block(words: list[str], style: Style) -> list[str]:
    """Wrap a paragraph, or one point of a list with its lines below each other."""
    if words[0] != "-":
        return wrap(" ".join(words), style.width)
    first, *rest = wrap(" ".join(words[1:]), style.width - 2)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def render_rules_text(rules: Sequence[RuleText], style: Style) -> str:
    """List rules with their severity and what they report."""
    width = max((len(rule.id) for rule in rules), default=0) + 2
    lines: list[str] = []
    for rule in rules:
        severity = "off" if rule.severity is None else rule.severity.word
        role = "dim" if rule.severity is None else severity
        first, *rest = wrap(rule.summary, style.width - width - 9)
        head = style.paint(pad(rule.id, width), "bold") + style.paint(pad(severity, 9), role)
        lines += [head + first, *(" " * (width + 9) + line for line in rest)]
    lines += ["", "basekeeper explain RULE tells more about one of them."]
    return "\n".join(lines) + "\n"


def render_rules_json(rules: Sequence[RuleText], now: datetime) -> str:
    """Write all rules as JSON."""
    return dump({**heading(now), "rules": [_rule_object(rule) for rule in rules]})
