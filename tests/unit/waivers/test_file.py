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


CVE = """
[[waiver]]
id = "first"
vulnerabilities = ["cve-2026-1", "GHSA-jfhm-qcgv-xxrr", "RHSA-2026:12"]
images = ["debian", "ghcr.io/acme/**"]
packages = ["openssl", "pkg:deb/debian/zlib"]
products = ["api", "web/Dockerfile:prod"]
platforms = ["linux/arm64"]
severity = "high"
owner = "@team"
reason = "no fix"
control = "a proxy"
granted = 2026-11-20
until = 2027-01-31
approved_by = "@lead"
renews = "zeroth"
"""


def test_reads_a_waiver_of_vulnerabilities() -> None:
    assert load(CVE).accepted == (
        Waiver(
            id="first",
            vulnerabilities=("CVE-2026-1", "GHSA-JFHM-QCGV-XXRR", "RHSA-2026:12"),
            images=("debian", "ghcr.io/acme/**"),
            packages=("openssl", "pkg:deb/debian/zlib"),
            products=("api", "web/Dockerfile:prod"),
            platforms=("linux/arm64",),
            severity="high",
            owner="@team",
            reason="no fix",
            control="a proxy",
            granted=date(2026, 11, 20),
            until=date(2027, 1, 31),
            approved_by="@lead",
            renews="zeroth",
            source="w.toml",
            line=2,
        ),
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('control = "a proxy"', "", "w.toml:2: waiver[0]: lacks 'control'"),
        ("granted = 2026-11-20", "", "w.toml:2: waiver[0]: lacks 'granted'"),
        ("until = 2027-01-31", "", "w.toml:2: waiver[0]: lacks 'until'"),
        ('"cve-2026-1"', '"*"', "w.toml:4: waiver[0].vulnerabilities[0]: '*' is no name of a"),
        ('"cve-2026-1"', '"CVE-*"', "w.toml:4: waiver[0].vulnerabilities[0]: 'CVE-*' is no name"),
        ('["cve-2026-1", "GHSA-jfhm-qcgv-xxrr", "RHSA-2026:12"]', "[]", "at least one vulner"),
        ('["openssl", "pkg:deb/debian/zlib"]', "[]", "w.toml:6: waiver[0].packages: names nothing"),
        ('"openssl"', '"open*"', "waiver[0].packages[0]: 'open*' is no name: '*' stands for"),
        ("debian/zlib", "debian/zlib@1", "names more than the package"),
        ("debian/zlib", "debian/zlib?arch=amd64", "names more than the package"),
        ('"api"', '"a\\u0007"', "waiver[0].products[0]: 'a\\x07' has characters that no name"),
        ('"api"', f'"{"a" * 513}"', "waiver[0].products[0]: is longer than 512 characters"),
        ("linux/arm64", "arm64", "waiver[0].platforms[0]: 'arm64' is no platform"),
        ('"high"', '"urgent"', "waiver[0].severity: expected one of low, medium, high, critical"),
        ("2026-11-20", "2026-11-25", "waiver[0].granted: 2026-11-25 has not come yet"),
        ("2026-11-20", "2026-07-01", "2027-01-31 is more than 180 days after it was granted"),
        ("2027-01-31", "2026-11-19", "2026-11-19 is before 2026-11-20, when it was granted"),
        ("2027-01-31", "2027-06-01", "more than 180 days away"),
        ('"first"', '"-"', "waiver[0].id: '-' is no id"),
        ('"zeroth"', '"a b"', "waiver[0].renews: 'a b' is no id"),
        ('"no fix"', f'"{"a" * 4097}"', "waiver[0].reason: is longer than 4096 characters"),
        ("images =", 'rules = ["end-of-life"]\nimages =', "vulnerabilities: cannot stand beside"),
        ("images =", 'paths = ["**"]\nimages =', "waiver[0].paths: belongs to a waiver that names"),
        ("images =", "expires = 1\nimages =", "waiver[0].expires: is not known here"),
        ("renews =", 'ended_because = "x"\nrenews =', "ended_because: needs ended"),
    ],
)
def test_says_what_is_wrong_with_a_waiver_of_vulnerabilities(
    old: str, new: str, problem: str
) -> None:
    assert old in CVE
    assert any(problem in one for one in problems(CVE.replace(old, new, 1)))


@pytest.mark.parametrize("name", ["packages", "products", "platforms", "severity"])
def test_what_belongs_to_vulnerabilities_is_refused_beside_rules(name: str) -> None:
    text = GOOD + f'{name} = ["x"]\n'
    assert f"waiver[0].{name}: belongs to a waiver that names vuln" in problems(text)[0]


def test_an_id_stands_once() -> None:
    assert problems(CVE + CVE) == [
        "w.toml:19: waiver[1].id: 'first' is the id of an earlier waiver"
    ]


def test_a_waiver_stands_for_few_combinations() -> None:
    many = ", ".join(f'"CVE-2026-{number}"' for number in range(300))
    text = CVE.replace('"cve-2026-1"', many)
    assert "stands for 2,416 combinations with what else is listed" in problems(text)[0]


def test_what_has_ended_is_history_under_whatever_policy() -> None:
    over = 'ended = 2026-11-21\nended_because = "fixed"\n'
    text = CVE + over + GOOD.replace("end-of-life", "old-rule").replace("2027", "2039") + over
    found = load(text)
    assert found.accepted == ()
    assert [one.ended_because for one in found.ended] == ["fixed", "fixed"]


def test_a_decision_of_tomorrow_is_read_where_tomorrow_may_have_begun() -> None:
    assert load(CVE.replace("2026-11-20", "2026-11-24")).accepted


def test_all_mistakes_of_a_waiver_of_vulnerabilities_are_told_at_once() -> None:
    text = CVE.replace("a proxy", "-").replace("arm64", "*").replace("2027-01-31", "2030-01-01")
    assert [one.split(" ")[0] for one in problems(text)] == [
        "w.toml:8:",
        "w.toml:12:",
        "w.toml:14:",
    ]


def test_a_name_is_the_id_or_a_hash_of_the_decision_alone() -> None:
    (named,) = load(CVE).accepted
    (bare,) = load(CVE.replace('id = "first"', "")).accepted
    (moved,) = load("#\n" * 9 + CVE.replace('id = "first"', "")).accepted
    (other,) = load(CVE.replace('id = "first"', "").replace("no fix", "no fix yet")).accepted
    assert named.name == "first"
    assert (bare.name, bare.digest) == (moved.name, named.digest)
    assert other.name != bare.name
