from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from typing import TYPE_CHECKING

import jsonschema
import pytest

from basekeeper.errors import ConfigError
from basekeeper.policy.load import SCHEMA_PATH, load_config, load_policy
from basekeeper.policy.windows import Start, Urgency, duration_words

if TYPE_CHECKING:
    from basekeeper.policy.policy import Policy

SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
HOUR = timedelta(hours=1)
ACTIONABLE = frozenset({Start.ACTIONABLE})


def policy(text: str, name: str = "basekeeper.toml") -> Policy:
    return load_config({name: text.encode()}.get).policy


def tightened(operator: str, own: str) -> Policy:
    return policy(operator, ".github/basekeeper.toml").tightened_by(policy(own))


def test_ships_the_windows_of_the_policy() -> None:
    windows = load_policy().deadlines
    assert windows.windows == {
        Urgency.EXPLOITED: 24 * HOUR,
        Urgency.CRITICAL: 48 * HOUR,
        Urgency.HIGH: 7 * 24 * HOUR,
        Urgency.MEDIUM: 30 * 24 * HOUR,
    }
    assert windows.low_at_release
    assert windows.unknown is Urgency.MEDIUM
    assert not windows.under_investigation_pauses
    assert windows.starts == dict.fromkeys(Urgency, ACTIONABLE)


@pytest.mark.parametrize(
    ("urgency", "clause"),
    [
        (Urgency.EXPLOITED, "policy.deadlines.exploited = '24 hours' (shipped default)"),
        (Urgency.CRITICAL, "policy.deadlines.critical = '48 hours' (shipped default)"),
        (Urgency.HIGH, "policy.deadlines.high = '7 days' (shipped default)"),
        (Urgency.MEDIUM, "policy.deadlines.medium = '30 days' (shipped default)"),
        (Urgency.LOW, "policy.deadlines.low = 'next release' (shipped default)"),
    ],
)
def test_names_the_line_that_sets_a_window(urgency: Urgency, clause: str) -> None:
    assert str(load_policy().deadlines.clause(urgency)) == clause


@pytest.mark.parametrize(
    ("hours", "words"),
    [(24, "24 hours"), (48, "48 hours"), (72, "3 days"), (1, "1 hour"), (100, "100 hours")],
)
def test_windows_are_written_as_in_a_policy(hours: int, words: str) -> None:
    assert duration_words(hours * HOUR) == words


def test_minutes_are_written_where_hours_do_not_fit() -> None:
    assert duration_words(HOUR / 60) == "1 minute"
    assert duration_words(HOUR * 1.5) == "90 minutes"


EVERYTHING = """\
[policy.deadlines]
exploited = "12 hours"
critical = "1 day"
high = "72 hours"
medium = "2 weeks"
low = "90 days"
unknown = "critical"
under_investigation_pauses = true
[policy.deadlines.start]
exploited = "published"
critical = "detected"
high = "fix-available"
medium = "base-available"
low = "actionable"
"""


def test_a_file_may_say_all_of_it() -> None:
    VALIDATOR.validate(tomllib.loads(EVERYTHING))
    windows = policy(EVERYTHING).deadlines
    assert windows.windows[Urgency.LOW] == 90 * 24 * HOUR
    assert not windows.low_at_release
    assert windows.unknown is Urgency.CRITICAL
    assert windows.under_investigation_pauses
    assert [min(windows.starts[one]).value for one in Urgency] == [
        "actionable",
        "base-available",
        "fix-available",
        "detected",
        "published",
    ]
    assert str(windows.clause(Urgency.HIGH)) == (
        "policy.deadlines.high = '3 days' (basekeeper.toml)"
    )


def test_what_a_file_does_not_say_the_next_layer_does() -> None:
    windows = policy('[policy.deadlines]\nhigh = "3 days"\n').deadlines
    assert windows.windows[Urgency.HIGH] == 72 * HOUR
    assert windows.windows[Urgency.CRITICAL] == 48 * HOUR
    closed = policy("[policy]\nextends = false\n").deadlines
    assert closed == load_policy().deadlines


@pytest.mark.parametrize(
    ("operator", "own", "hours"),
    [
        ("", 'high = "14 days"', 168),
        ("", 'high = "3 days"', 72),
        ('high = "2 days"', 'high = "3 days"', 48),
        ('high = "20 days"', "", 480),
        ('high = "20 days"', 'critical = "1 hour"', 480),
    ],
)
def test_the_shorter_window_counts_below_an_operator(operator: str, own: str, hours: int) -> None:
    windows = tightened(f"[policy.deadlines]\n{operator}", f"[policy.deadlines]\n{own}").deadlines
    assert windows.windows[Urgency.HIGH] == hours * HOUR


def test_a_low_must_meet_both() -> None:
    dated, eventual = '[policy.deadlines]\nlow = "60 days"\n', "[policy.deadlines]\nlow = '{}'\n"
    both = tightened(dated, eventual.format("next release")).deadlines
    assert (both.windows[Urgency.LOW], both.low_at_release) == (60 * 24 * HOUR, True)
    assert both.clause(Urgency.LOW).origin == ".github/basekeeper.toml"
    assert both.clause(Urgency.LOW, at_release=True).origin == "basekeeper.toml"
    turned = tightened("", dated).deadlines
    assert (turned.windows[Urgency.LOW], turned.low_at_release) == (60 * 24 * HOUR, True)
    assert tightened("", "").deadlines.windows.get(Urgency.LOW) is None


def test_a_repository_adds_starts_and_takes_none_away() -> None:
    own = '[policy.deadlines.start]\nhigh = "base-available"\nlow = "detected"\n'
    windows = tightened("", own).deadlines
    assert windows.starts[Urgency.HIGH] == {Start.ACTIONABLE, Start.BASE_AVAILABLE}
    assert windows.starts[Urgency.LOW] == {Start.ACTIONABLE, Start.DETECTED}
    assert windows.starts[Urgency.CRITICAL] == ACTIONABLE


@pytest.mark.parametrize(
    ("operator", "own", "unknown"),
    [("high", "low", "high"), ("low", "critical", "critical"), ("medium", "medium", "medium")],
)
def test_an_unknown_severity_counts_as_the_higher(operator: str, own: str, unknown: str) -> None:
    text = "[policy.deadlines]\nunknown = '{}'\n"
    found = tightened(text.format(operator), text.format(own)).deadlines.unknown
    assert found.word == unknown


@pytest.mark.parametrize(
    ("operator", "own", "pauses"),
    [("true", "false", False), ("true", "true", True), ("false", "true", False)],
)
def test_an_investigation_pauses_only_where_both_say_so(
    operator: str, own: str, pauses: object
) -> None:
    text = "[policy.deadlines]\nunder_investigation_pauses = {}\n"
    windows = tightened(text.format(operator), text.format(own)).deadlines
    assert windows.under_investigation_pauses is pauses


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("high = 7", "expected text in quotes"),
        ("high = '7'", "is no duration"),
        ("high = '0 days'", "leaves no time at all"),
        ("high = 'next release'", "is no duration"),
        ("high = '9000 weeks'", "is more than 3650 days"),
        ("low = 'soon'", "is no duration"),
        ("unknown = 'exploited'", "expected one of low, medium, high, critical"),
        ("under_investigation_pauses = 'no'", "expected true or false"),
        ("negligible = '1 day'", "is not known here"),
        ("start = 'detected'", "expected a table"),
        ("start = {high = 'merged'}", "expected one of actionable, detected"),
        ("start = {unknown = 'detected'}", "is not known here"),
    ],
)
def test_loader_and_schema_refuse_what_is_wrong(text: str, message: str) -> None:
    whole = f"[policy.deadlines]\n{text}\n"
    with pytest.raises(ConfigError) as caught:
        policy(whole)
    assert message in caught.value.problems[0].message
    if "3650" not in message:  # a schema cannot reckon
        assert list(VALIDATOR.iter_errors(tomllib.loads(whole)))


def test_the_digest_of_a_policy_tells_its_windows() -> None:
    assert policy(EVERYTHING).digest != load_policy().digest
    assert policy('[policy.deadlines]\nhigh = "7 days"\n').deadlines.windows == (
        load_policy().deadlines.windows
    )
