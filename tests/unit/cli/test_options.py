from __future__ import annotations

from datetime import UTC, date, datetime

import click
import pytest

from basekeeper.cli.options import (
    complete_rules,
    read_build_args,
    read_day,
    read_instant,
    read_platforms,
    read_rules,
    suggestion,
    this_instant,
)
from basekeeper.errors import InputError

CONTEXT = click.Context(click.Command("x"))
OPTION = click.Option(["--x"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T08:00:00Z", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T08:00:00+02:00", datetime(2026, 11, 23, 6, tzinfo=UTC)),
        (None, None),
    ],
)
def test_instant_is_read_as_utc(text: str | None, expected: datetime | None) -> None:
    assert read_instant(CONTEXT, OPTION, text) == expected


def test_day_is_read() -> None:
    assert read_day(CONTEXT, OPTION, "2027-01-31") == date(2027, 1, 31)
    assert read_day(CONTEXT, OPTION, None) is None


def test_what_is_no_day_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="'soon' is no day"):
        read_day(CONTEXT, OPTION, "soon")
    with pytest.raises(click.BadParameter, match="'soon' is no day or instant"):
        read_instant(CONTEXT, OPTION, "soon")


def test_rules_must_exist() -> None:
    assert read_rules(CONTEXT, OPTION, ("end-of-life",)) == ("end-of-life",)
    assert read_rules(CONTEXT, OPTION, ()) == ()
    with pytest.raises(
        click.BadParameter, match=r"no rule 'end-of-live' .did you mean 'end-of-life'"
    ):
        read_rules(CONTEXT, OPTION, ("end-of-live",))


def test_rules_are_completed() -> None:
    assert complete_rules(CONTEXT, OPTION, "end-") == ["end-of-life"]


def test_words_far_from_all_get_no_suggestion() -> None:
    assert suggestion("zzz", ["check", "list"]) == ""


def test_build_arguments_are_read_and_the_last_wins() -> None:
    assert read_build_args(("A=1", "B=", "A=x=y")) == {"A": "x=y", "B": ""}


@pytest.mark.parametrize("text", ["A", "=1", "1A=2", "A B=1", ""])
def test_build_argument_needs_name_and_value(text: str) -> None:
    with pytest.raises(InputError, match="is not NAME=VALUE"):
        read_build_args((text,))


def test_platforms_are_checked() -> None:
    assert read_platforms(("linux/arm64", "linux/arm/v7")) == ("linux/arm64", "linux/arm/v7")
    with pytest.raises(InputError, match="'arm64' is not os/architecture"):
        read_platforms(("arm64",))


def test_clock_is_read_in_utc_to_the_second() -> None:
    now = this_instant()
    assert now.tzinfo is UTC
    assert now.microsecond == 0
