from __future__ import annotations

from datetime import date

import pytest

from basekeeper.errors import ConfigError
from basekeeper.values.waiver import Waiver
from basekeeper.waivers import Waivers, file, load_waivers
from tests.unit.waivers.making import limits

GOOD = """
[[waiver]]
rules = ["end-of-life"]
owner = "@team"
reason = "replaced in January"
until = 2027-01-31
paths = ["legacy/**"]
images = ["node"]
"""


def load(text: str) -> Waivers:
    return load_waivers(text.encode(), "w.toml", limits())


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return [str(problem) for problem in caught.value.problems]


def test_reads_a_waiver() -> None:
    assert load(GOOD) == Waivers(
        (
            Waiver(
                rules=("end-of-life",),
                owner="@team",
                reason="replaced in January",
                until=date(2027, 1, 31),
                paths=("legacy/**",),
                images=("node",),
                source="w.toml",
                line=2,
            ),
        )
    )


def test_a_day_may_be_written_in_quotes() -> None:
    assert load(GOOD.replace("2027-01-31", '"2027-01-31"')) == load(GOOD)


def test_an_empty_file_has_no_waivers() -> None:
    assert load("") == Waivers()


def test_an_expired_waiver_is_read() -> None:
    assert load(GOOD.replace("2027", "2020")).accepted[0].until == date(2020, 1, 31)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('rules = ["end-of-life"]', "", "w.toml:2: waiver[0]: lacks 'rules'"),
        ('owner = "@team"', "", "w.toml:2: waiver[0]: lacks 'owner'"),
        ('owner = "@team"', 'owner = " "', "w.toml:4: waiver[0].owner: must not be empty"),
        ('reason = "replaced in January"', "", "w.toml:2: waiver[0]: lacks 'reason'"),
        ("until = 2027-01-31", "", "w.toml:2: waiver[0]: lacks 'until'"),
        ("2027-01-31", "2027-01-31T10:00:00Z", "waiver[0].until: expected a day"),
        ("2027-01-31", '"soon"', "w.toml:6: waiver[0].until: expected a day"),
        ("2027-01-31", '"2027-W04-7"', "waiver[0].until: expected a day"),
        ("replaced in January", "\u200b", "waiver[0].reason: has neither a letter nor a digit"),
        ("2027-01-31", "12", "waiver[0].until: expected a day"),
        ("2027-01-31", "2027-06-01", "more than 180 days away, at most 2027-05-22"),
        ('["end-of-life"]', "[]", "w.toml:3: waiver[0].rules: must name at least one rule"),
        ('["end-of-life"]', '["end-of-live"]', "there is no rule 'end-of-live'"),
        ('["end-of-life"]', '["*"]', "there is no rule '*'"),
        ('["end-of-life"]', '["invalid-waiver"]', "lets nobody waive invalid-waiver"),
        ('["end-of-life"]', '"end-of-life"', "waiver[0].rules: expected a list"),
        ('"legacy/**"', '"/etc"', "'/etc' is not below the root"),
        ('"legacy/**"', '"a/../b"', "'a/../b' is not below the root"),
        ('"node"', '"No de"', "waiver[0].images"),
        ("[[waiver]]", "[waiver]", "w.toml:2: waiver: expected tables written as [[waiver]]"),
        ("[[waiver]]", "[[waver]]", "w.toml:2: waver"),
        ("owner =", "ower = 1\nowner =", "w.toml:4: waiver[0].ower: is not known here"),
        ("[[waiver]]", "[[waiver", "w.toml:2: is not valid TOML"),
    ],
)
def test_says_what_is_wrong_and_where(old: str, new: str, problem: str) -> None:
    assert any(problem in one for one in problems(GOOD.replace(old, new)))


def test_needs_paths_or_images() -> None:
    text = GOOD.replace('paths = ["legacy/**"]', "").replace('images = ["node"]', "")
    assert problems(text) == ["w.toml:2: waiver[0]: names neither paths nor images"]


def test_suggests_the_rule_that_was_meant() -> None:
    with pytest.raises(ConfigError, match="did you mean 'end-of-life'"):
        load(GOOD.replace("end-of-life", "end-of-live"))


def test_names_all_problems_at_once() -> None:
    text = GOOD.replace("@team", "") + GOOD.replace("2027", "2029")
    assert [line.split(" ")[0] for line in problems(text)] == ["w.toml:4:", "w.toml:14:"]


def test_reads_no_more_waivers_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "MAX_WAIVERS", 1)
    assert problems(GOOD + GOOD) == ["w.toml:2: waiver: has more than 1 entries"]


def test_waivers_of_two_sources_are_joined_in_order() -> None:
    first, second = load(GOOD), load(GOOD.replace("@team", "@other"))
    assert [one.owner for one in (first + second).accepted] == ["@team", "@other"]
