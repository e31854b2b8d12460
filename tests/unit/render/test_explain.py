from __future__ import annotations

import json

import pytest

from basekeeper.policy.model import Clause, Step
from basekeeper.policy.patterns import parse_pattern
from basekeeper.render.explain import (
    render_image_json,
    render_image_text,
    render_rule_json,
    render_rule_text,
    render_rules_json,
    render_rules_text,
)
from basekeeper.render.layout import Style, width_of
from basekeeper.render.view import RuleText
from basekeeper.values.finding import Category, Severity, Truth
from tests.unit.render.made import HOSTILE, NOW, judgement, use

PAGE = """# end-of-life

Something in the image
gets no updates any more.

- one point that is so long that it does not fit into eighty columns and so has to be wrapped
- another

```dockerfile
FROM node:18
```
"""
RULE = RuleText("end-of-life", "no support", Severity.ERROR, "docs/rules/end-of-life.md", PAGE)
OFF = RuleText("missing-digest", "not pinned", None, "docs/rules/missing-digest.md")


def step(matched: Truth, reason: str = "named by node") -> Step:
    clause = Clause(
        category=Category.RESTRICTED,
        pattern=parse_pattern("node"),
        name="policy.restricted[0]",
        origin="shipped default",
    )
    return Step(clause, matched, reason)


def test_image_to_move_to_is_named() -> None:
    judged = judgement(use(text="node:20"), next_reference="node:26-trixie")
    text = render_image_text(judged, (step(Truth.YES),), Style(80))
    assert "  move to           node:26-trixie\n" in text


def test_image_is_explained_in_full() -> None:
    image = use(text="node:20")
    judged = judgement(image, suggestion="node:26-slim", minimal_alternative="node:20-slim")
    text = render_image_text(judged, (step(Truth.NO), step(Truth.YES)), Style(80))
    assert text.splitlines()[:7] == [
        "node:20",
        "",
        "  category          restricted",
        "  why               an official image, but no minimal one",
        "  decided by        policy.restricted[0]",
        "  full name         docker.io/library/node:20",
        "  use instead       node:26-slim",
    ]
    assert "official source   yes" in text
    assert "move to" not in text
    assert "newest line: 26, since 2026-10-28" in text
    assert "end of life: 2026-04-30" in text
    assert text.index("no       policy.restricted") < text.index("yes      policy.restricted")
    assert max(map(width_of, text.splitlines())) <= 80


def test_unverified_source_says_so() -> None:
    judged = judgement(use(), Category.PROHIBITED, category_known=False, axes=())
    text = render_image_text(judged, (), Style(80))
    assert "prohibited (its source could not be verified)" in text
    assert "Lifecycle" not in text
    assert "tried" not in text


def test_image_as_json_holds_the_trace() -> None:
    value = json.loads(render_image_json(judgement(use()), (step(Truth.UNKNOWN),), NOW))
    assert value["trace"] == [
        {
            "clause": "policy.restricted[0]",
            "origin": "shipped default",
            "category": "restricted",
            "matched": "unknown",
            "reason": "named by node",
        }
    ]
    assert value["judgement"]["category"] == "restricted"


def test_page_of_a_rule_is_wrapped_and_code_stays() -> None:
    text = render_rule_text(RULE, Style(80))
    lines = text.splitlines()
    assert "  severity          error" in lines
    assert "Something in the image gets no updates any more." in lines
    assert (
        "- one point that is so long that it does not fit into eighty columns and so has" in lines
    )
    assert "  to be wrapped" in lines
    assert "    FROM node:18" in lines
    assert "# end-of-life" not in text


def test_rule_that_is_off_says_so() -> None:
    assert "  severity          off" in render_rule_text(OFF, Style(80))
    assert json.loads(render_rule_json(OFF, NOW))["severity"] is None


def test_rules_are_listed() -> None:
    lines = render_rules_text([RULE, OFF], Style(80)).splitlines()
    assert lines[0] == "end-of-life     error    no support"
    assert lines[1] == "missing-digest  off      not pinned"
    assert [rule["rule"] for rule in json.loads(render_rules_json([RULE], NOW))["rules"]] == [
        "end-of-life"
    ]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_cannot_act(hostile: str) -> None:
    judged = judgement(use(text=hostile), reason=hostile, suggestion=hostile)
    text = render_image_text(judged, (step(Truth.NO, hostile),), Style(80))
    assert "\x1b" not in text
    assert max(map(width_of, text.splitlines())) <= 80


def test_what_a_name_does_not_tell_is_said_not_to_be_asked() -> None:
    text = render_image_text(judgement(use(text="node:20")), (), Style(80))
    assert "  vulnerabilities   not asked: scan looks into images" in text
