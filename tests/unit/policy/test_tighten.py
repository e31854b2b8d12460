from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from basekeeper.policy.load import load_config
from basekeeper.values.finding import Category, Severity
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from basekeeper.policy.policy import Policy

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def _policy(text: str, name: str = "basekeeper.toml") -> Policy:
    return load_config({name: text.encode()}.get).policy


def _tightened(operator: str, own: str) -> Policy:
    return _policy(operator, ".github/basekeeper.toml").tightened_by(_policy(own))


@pytest.mark.parametrize(
    ("operator", "own", "image", "category"),
    [
        ("", '[[policy.prohibited]]\nimage = "alpine"', "alpine", "prohibited"),
        ("", '[[policy.restricted]]\nimage = "alpine"', "alpine", "restricted"),
        ("", '[[policy.preferred]]\nimage = "node"', "node:24", "restricted"),
        ("", '[[policy.permitted]]\nimage = "quay.io/x"', "quay.io/x", "prohibited"),
        ("", "[policy]\nextends = false", "alpine", "prohibited"),
        ("", "[policy]\nextends = false", "scratch", "prohibited"),
        ("", '[[policy.restricted]]\nimage = "scratch"', "scratch", "restricted"),
        (
            "",
            '[policy]\nextends = false\n[[policy.permitted]]\nimage = "alpine"',
            "alpine",
            "permitted",
        ),
        ('[[policy.permitted]]\nimage = "quay.io/x"', "", "quay.io/x", "permitted"),
        (
            '[[policy.permitted]]\nimage = "quay.io/x"',
            '[[policy.restricted]]\nimage = "quay.io/*"',
            "quay.io/x",
            "restricted",
        ),
        (
            '[[policy.permitted]]\nimage = "r.example/a/x"',
            '[[policy.trusted]]\nnamespace = "r.example/a"\ncategory = "restricted"',
            "r.example/a/x",
            "permitted",
        ),
        ("", '[policy.mirrors]\n"r.example" = "docker.io"', "r.example/alpine", "prohibited"),
        ('[policy.mirrors]\n"r.example" = "docker.io"', "", "r.example/alpine", "preferred"),
    ],
)
def test_the_stricter_category_counts(operator: str, own: str, image: str, category: str) -> None:
    judgement = _tightened(operator, own).judge(image, now=NOW)
    assert judgement.category == Category(category)


def test_says_that_the_repository_is_the_stricter() -> None:
    policy = _tightened(
        "", '[[policy.prohibited]]\nimage = "alpine"\nrationale = "no"\nreplacement = "debian:13"\n'
    )
    judgement = policy.judge("alpine", now=NOW)
    assert judgement.reason == "the repository's own policy is stricter: no"
    assert judgement.clause == "policy.prohibited[0]"
    assert judgement.clause_origin == "basekeeper.toml"
    assert judgement.suggestion == "debian:13"
    assert judgement.explicit
    assert judgement.quality["official_source"].value == "yes"
    explanation = policy.explain("alpine", now=NOW)
    assert [step.clause.name for step in explanation.own_steps] == ["policy.prohibited[0]"]


def test_what_a_closed_policy_could_not_tell_is_unknown() -> None:
    own = '[policy]\nextends = false\n[[policy.permitted]]\nimage = "debian"\nvariant = ["slim"]\n'
    judgement = _tightened("", own).judge("debian@sha256:" + "0" * 64, now=NOW)
    assert judgement.category is Category.PROHIBITED
    assert not judgement.category_known
    assert judgement.clause == "default"


def test_a_prohibition_of_a_repository_that_might_match_counts() -> None:
    own = '[[policy.prohibited]]\nimage = "node"\nvariant = ["buster"]\n'
    judgement = _tightened("", own).judge("node@sha256:" + "0" * 64, now=NOW)
    assert judgement.category is Category.PROHIBITED
    assert not judgement.category_known
    assert "could not verify: a digest without a tag does not tell" in judgement.reason


OPERATOR_RULES = """
[policy.rules.missing-digest]
severity = "warning"
[policy.rules.floating-tag]
severity = "off"
[policy.rules.behind-current]
grace_days = 30
"""


@pytest.mark.parametrize(
    ("own", "rule", "expected"),
    [
        ("", "floating-tag", (None, "all", True)),
        ("severity = 'off'", "missing-digest", (Severity.WARNING, "all", True)),
        ("severity = 'error'", "missing-digest", (Severity.ERROR, "all", True)),
        ("severity = 'note'", "floating-tag", (Severity.NOTE, "all", True)),
        ("stages = 'final'", "end-of-life", (Severity.ERROR, "all", True)),
        ("stages = 'all'", "not-minimal", (Severity.WARNING, "all", False)),
        ("non_production = true", "not-minimal", (Severity.WARNING, "final", True)),
        ("non_production = false", "end-of-life", (Severity.ERROR, "all", True)),
    ],
)
def test_the_stricter_setting_of_a_rule_counts(own: str, rule: str, expected: object) -> None:
    text = f"[policy.rules.{rule}]\n{own}\n" if own else ""
    setting = _tightened(OPERATOR_RULES, text).rule(rule)
    assert (setting.severity, setting.stages, setting.non_production) == expected


@pytest.mark.parametrize(("own", "days"), [(10, 10), (60, 30)])
def test_the_smaller_number_of_a_rule_is_the_stricter(own: int, days: int) -> None:
    policy = _tightened(OPERATOR_RULES, f"[policy.rules.behind-current]\ngrace_days = {own}\n")
    assert policy.rule("behind-current").options == {"grace_days": days}


def test_what_widens_trust_is_ignored_and_said() -> None:
    own = """
[policy]
frontends = ["evil/frontend"]
[policy.waivers]
max_days = 9
[policy.mirrors]
"r.example" = "docker.io"
[[policy.trusted]]
namespace = "r.example/a"
"""
    policy = _tightened("", own)
    assert policy.notices == tuple(
        f"policy.{what} of basekeeper.toml is ignored: .github/basekeeper.toml does not permit it"
        for what in ("trusted", "mirrors", "frontends", "waivers")
    )
    assert not policy.trusts_frontend(parse_reference("evil/frontend"))
    assert policy.waivers.file is None


def test_the_digest_tells_both_policies() -> None:
    plain = _tightened("", "")
    tightened = _tightened("", '[[policy.prohibited]]\nimage = "alpine"\n')
    assert plain.digest != tightened.digest
    assert tightened.name == ".github/basekeeper.toml"
