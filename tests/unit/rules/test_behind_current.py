from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from basekeeper.rules.behind_current import RULE
from basekeeper.values.finding import Severity
from basekeeper.values.use import Role
from tests.unit.rules.making import NO, YES, axis, found, judgement, subject


def behind(since: date | None) -> Any:
    return judgement(axes=(axis(YES, NO, newest_since=since),))


@pytest.mark.parametrize(
    ("since", "severity"),
    [
        (date(2026, 10, 28), Severity.NOTE),
        (date(2026, 8, 25), Severity.NOTE),  # the ninetieth day
        (date(2026, 8, 24), Severity.WARNING),
        (date(2024, 10, 29), Severity.WARNING),
        (None, Severity.NOTE),
    ],
)
def test_is_a_note_for_ninety_days_then_what_the_policy_says(
    since: date | None, severity: Severity
) -> None:
    (one,) = found(
        RULE, subject("node:22", judged=behind(since)), severity=Severity.WARNING, grace_days=90
    )
    assert one.severity is severity


def test_the_grace_time_is_an_option_and_ninety_days_without_it() -> None:
    judged = behind(date(2026, 11, 1))
    warned = {"severity": Severity.WARNING}
    (short,) = found(RULE, subject("node:22", judged=judged), **warned, grace_days=10)
    (usual,) = found(RULE, subject("node:22", judged=judged), **warned)
    assert (short.severity, usual.severity) == (Severity.WARNING, Severity.NOTE)


def test_names_the_line_to_move_to_and_since_when_it_is_there() -> None:
    (one,) = found(RULE, subject("node:22", judged=behind(date(2026, 10, 28))))
    assert one.message == "node:22 is behind: Node.js 22, it is not so"
    assert one.remedy == "move to Node.js 24"
    assert one.evidence[0].endswith("since 2026-10-28, a note until 2027-01-26")


def test_says_that_the_day_is_not_known() -> None:
    (one,) = found(RULE, subject("node:22", judged=behind(None)))
    assert one.evidence[0].endswith("since when is not known")


def test_one_late_axis_makes_it_late() -> None:
    young = axis(YES, NO, newest_since=date(2026, 11, 1))
    old = axis(YES, NO, title="Debian", cycle="12", newest="13", newest_since=date(2025, 8, 9))
    (one,) = found(RULE, subject("node:22", judged=judgement(axes=(young, old))))
    assert one.severity is Severity.ERROR
    assert one.remedy == "move to Node.js 24 on Debian 13"


def unnamed() -> Any:
    """Debian 12, long behind Debian 13, in an image whose tag does not say Debian 12."""
    since = date(2025, 8, 9)
    return axis(
        YES, NO, axis="os", title="Debian", cycle="12", newest="13", newest_since=since, named=False
    )


def test_a_system_that_the_tag_leaves_to_its_publisher_is_a_note() -> None:
    (one,) = found(RULE, subject("node:24-slim", judged=judgement(axes=(axis(), unnamed()))))
    assert one.severity is Severity.NOTE
    assert one.remedy == "keep the tag: its publisher picks the operating system and moves it"
    assert one.evidence[0].endswith("a note, for the publisher picks it and not the tag")


def test_a_system_that_the_tag_names_keeps_its_severity() -> None:
    named = replace(unnamed(), named=True)
    (one,) = found(RULE, subject("node:24-bookworm", judged=judgement(axes=(axis(), named))))
    assert one.severity is Severity.ERROR


def test_an_application_has_its_own_grace_whatever_the_system_below() -> None:
    young = axis(YES, NO, newest_since=date(2026, 11, 1))
    (one,) = found(RULE, subject("node:22", judged=judgement(axes=(young, unnamed()))))
    assert (one.severity, one.remedy) == (Severity.NOTE, "move to Node.js 24")
    old = axis(YES, NO, newest_since=date(2025, 11, 1))
    (one,) = found(RULE, subject("node:22", judged=judgement(axes=(old, unnamed()))))
    assert one.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("known", "remedy"),
    [
        ({"next_reference": "node:24-slim"}, "move to node:24-slim"),
        ({"suggestion": "company/node", "next_reference": "node:24"}, "use company/node instead"),
    ],
)
def test_names_the_image_to_move_to(known: dict[str, Any], remedy: str) -> None:
    (one,) = found(RULE, subject("node:22", judged=judgement(axes=(axis(YES, NO),), **known)))
    assert one.remedy == remedy


def test_finds_words_where_no_newest_line_is_named() -> None:
    judged = judgement(axes=(axis(YES, NO, newest=None),))
    (one,) = found(RULE, subject("node:22", judged=judged))
    assert one.remedy == "move to the newest line"


@pytest.mark.parametrize(
    "judged",
    [
        judgement(axes=(axis(),)),
        judgement(),
        judgement(axes=(axis(YES, NO), axis(NO, NO, axis="os"))),
    ],
)
def test_does_not_catch(judged: Any) -> None:
    assert found(RULE, subject("node:22", judged=judged)) == []


@pytest.mark.parametrize("role", [Role.BUILD, Role.FRONTEND, Role.UNUSED])
def test_does_not_look_at_build_stages_where_the_policy_says_final(role: Role) -> None:
    at = subject("node:22", judged=behind(date(2024, 1, 1)), role=role)
    assert found(RULE, at, stages="final") == []
