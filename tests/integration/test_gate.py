"""`check` with a ledger: known vulnerabilities gate, from stored facts alone."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from basekeeper.values.event import EventKind
from tests.integration.histories import AMD64, HOUR, NOW, SHOP, Image, Past
from tests.integration.program import commit, environment, git, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.program import Outcome

REPORT = Draft202012Validator(
    json.loads(
        (files("basekeeper.render") / "schemas" / "report.schema.json").read_text(encoding="utf-8")
    )
)
BASE = Image("debian:12.1-slim", "a")
OTHER = Image("debian:12.14-slim", "b")
CVE = "CVE-2026-1001"
UNPATCHED = "unpatched-critical"


class Bench:
    """A clone with one Dockerfile, and a ledger."""

    def __init__(self, place: Path) -> None:
        self.root = place / "shop"
        self.root.mkdir()
        self.write("FROM debian:12.1-slim\n")
        git(self.root, "init", "-q", "-b", "main")
        git(self.root, "remote", "add", "origin", f"https://{SHOP}.git")
        commit(self.root, "first")
        self.ledger = f"sqlite:{place}/ledger.sqlite"

    def write(self, text: str, path: str = "Dockerfile") -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def check(self, *arguments: str) -> Outcome:
        return run(self.root, "check", *arguments, BASEKEEPER_LEDGER=self.ledger)

    def report(self, *arguments: str) -> Any:
        told = self.check("--format", "json", *arguments).json
        REPORT.validate(told)
        return told

    def unpatched(self, *arguments: str) -> list[dict[str, Any]]:
        found = self.report(*arguments)["findings"]
        return [one for one in found if one["rule"].startswith("unpatched-")]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def scanned(*images: Image, at: float = 1) -> Past:
    past = Past()
    for image in images:
        past.scanned(image, NOW - at * HOUR)
    return past


def test_an_existing_critical_is_a_warning_until_it_is_overdue(bench: Bench) -> None:
    scanned(BASE).found(BASE, CVE, NOW - 47 * HOUR).record(bench.ledger)
    (one,) = bench.unpatched()
    assert (one["rule"], one["severity"]) == (UNPATCHED, "warning")
    assert "due 2026-11-23 09:00 UTC" in one["message"]
    assert bench.check().code == 0
    later = ("--now", (NOW + 2 * HOUR).isoformat())
    (one,) = bench.unpatched(*later)
    assert one["severity"] == "error"
    assert "overdue since 2026-11-23 09:00 UTC" in one["message"]
    assert bench.check(*later).code == 1


def test_the_deadline_of_what_is_built_there_counts(bench: Bench) -> None:
    past = scanned(BASE).found(BASE, CVE, NOW - 90 * HOUR)
    past.stands("Dockerfile", BASE, NOW - 10 * HOUR).record(bench.ledger)
    (one,) = bench.unpatched()
    assert "due 2026-11-24 22:00 UTC" in one["message"]
    assert one["evidence"][-1].endswith("for Dockerfile")


def test_a_deadline_of_another_repository_does_not_count(bench: Bench) -> None:
    past = Past("github.com/acme/other").scanned(BASE, NOW - HOUR).found(BASE, CVE, NOW - HOUR)
    past.stands("Dockerfile", BASE, NOW - 999 * HOUR).record(bench.ledger)
    (one,) = bench.unpatched()
    assert "due 2026-11-25 07:00 UTC" in one["message"]


def test_a_product_whose_published_image_has_the_fix_took_it(bench: Bench) -> None:
    bench.write(
        '[[product]]\nname = "api"\ndockerfile = "Dockerfile"\nimage = "ghcr.io/acme/api:1"\n',
        "basekeeper.toml",
    )
    shipped = Image("ghcr.io/acme/api:1", "c", base=BASE)
    past = scanned(BASE).found(BASE, CVE, NOW - 90 * HOUR)
    past.stands("api", BASE, NOW - 90 * HOUR)
    past.published("api", shipped, NOW - 50 * HOUR).record(bench.ledger)
    report = bench.report()
    assert not [one for one in report["findings"] if one["rule"] == UNPATCHED]
    (use,) = report["uses"]
    assert use["judgement"]["quality"]["known_vulnerabilities"]["value"] == "yes"


def test_an_exception_is_shown_and_does_not_gate(bench: Bench) -> None:
    past = scanned(BASE).found(BASE, CVE, NOW - 90 * HOUR)
    past.stands("Dockerfile", BASE, NOW - 90 * HOUR)
    past.excused(BASE, CVE, NOW - 89 * HOUR).record(bench.ledger)
    (one,) = bench.unpatched()
    assert one["severity"] == "note"
    assert "excepted: vulnerable_code_not_present" in one["message"]
    assert bench.check().code == 0


def test_what_has_no_fix_is_shown_and_does_not_gate(bench: Bench) -> None:
    scanned(BASE).found(BASE, CVE, NOW - 999 * HOUR, fixed="").record(bench.ledger)
    (one,) = bench.unpatched()
    assert (one["severity"], one["remedy"]) == ("note", "")
    answer = bench.report()["uses"][0]["judgement"]["quality"]["known_vulnerabilities"]
    assert answer == {
        "value": "yes",
        "reason": "no critical or exploited one has a fix that was not taken; 1 critical without"
        " a fix, or excepted",
        "source": "trivy 0.69.3",
        "as_of": "2026-11-23",
    }


@pytest.mark.parametrize(
    ("severity", "hours", "rules"),
    [
        ("high", 7 * 24 - 1, []),
        ("high", 7 * 24 + 1, ["unpatched-high"]),
        ("medium", 30 * 24 - 1, []),
        ("medium", 30 * 24 + 1, ["unpatched-medium"]),
        ("unknown", 30 * 24 + 1, ["unpatched-medium"]),
        ("low", 9_999, []),
    ],
)
def test_less_severe_ones_are_reported_when_their_time_is_up(
    severity: str, hours: int, rules: list[str], bench: Bench
) -> None:
    scanned(BASE).found(BASE, CVE, NOW - hours * HOUR, severity=severity).record(bench.ledger)
    assert [one["rule"] for one in bench.unpatched()] == rules
    assert bench.check().code == (1 if rules else 0)


def test_what_is_exploited_is_due_within_a_day_whatever_its_severity(bench: Bench) -> None:
    past = scanned(BASE).found(BASE, CVE, NOW - 25 * HOUR, severity="low")
    past.exploited(CVE, NOW - 25 * HOUR).record(bench.ledger)
    (one,) = bench.unpatched()
    assert (one["rule"], one["severity"]) == (UNPATCHED, "error")


def test_an_image_that_only_builds_is_one_step_lower(bench: Bench) -> None:
    bench.write("FROM debian:12.1-slim AS build\nFROM scratch\nCOPY --from=build /a /a\n")
    scanned(BASE).found(BASE, CVE, NOW - 90 * HOUR).record(bench.ledger)
    (one,) = bench.unpatched()
    assert one["severity"] == "warning"


@pytest.mark.parametrize(
    ("past", "reason"),
    [
        (Past().scanned(OTHER, NOW - HOUR), "it was never seen"),
        (
            Past().scanned(BASE, NOW - HOUR, database=NOW - 25 * HOUR),
            "its last scan for linux/amd64 knew advisories of 2026-11-22 07:00 UTC alone",
        ),
        (
            Past().scanned(BASE, NOW - HOUR, problems="a layer cannot be read"),
            "its last scan for linux/amd64 is not whole: a layer cannot be read",
        ),
        (
            Past().scanned(Image("debian:12.1-slim", "a", "linux/arm64"), NOW - HOUR),
            "it was never scanned for linux/amd64",
        ),
    ],
    ids=["not scanned", "stale", "incomplete", "other platform"],
)
def test_what_the_ledger_does_not_tell_is_unknown(past: Past, reason: str, bench: Bench) -> None:
    past.record(bench.ledger)
    report = bench.report()
    assert report["missing"] == [
        {
            "image": "docker.io/library/debian:12.1-slim",
            "fact": "known vulnerabilities",
            "reason": reason,
            "hint": "run basekeeper scan",
            "gates": True,
        }
    ]
    answer = report["uses"][0]["judgement"]["quality"]["known_vulnerabilities"]
    assert (answer["value"], answer["reason"]) == ("unknown", reason)
    told = bench.check()
    assert told.code == 3
    assert "what is known of vulnerabilities in 1 image was not told" in told.out
    assert "run basekeeper scan" in told.out
    assert bench.check("--allow-unknown").code == 0


def test_what_is_found_counts_though_more_may_be_there(bench: Bench) -> None:
    past = Past().scanned(BASE, NOW - HOUR, problems="a layer cannot be read")
    past.found(BASE, CVE, NOW - 90 * HOUR).record(bench.ledger)
    assert bench.check().code == 1
    assert len(bench.unpatched()) == 1


def test_an_unknown_build_image_does_not_gate(bench: Bench) -> None:
    bench.write("FROM debian:12.14-slim AS build\nFROM debian:12.1-slim\nCOPY --from=build /a /a\n")
    scanned(BASE).record(bench.ledger)
    assert [one["gates"] for one in bench.report()["missing"]] == [False]
    assert bench.check().code == 0


def test_nothing_is_asked_of_tests_and_examples(bench: Bench) -> None:
    bench.write("FROM debian:12.14-slim\n", "tests/Dockerfile")
    scanned(BASE).record(bench.ledger)
    assert bench.report()["missing"] == []


def test_a_base_that_a_change_brings_is_an_error_at_once(bench: Bench) -> None:
    past = scanned(BASE, OTHER).found(BASE, CVE, NOW - HOUR).found(OTHER, CVE, NOW - HOUR)
    past.record(bench.ledger)
    assert bench.unpatched("--since", "main") == []
    bench.write("FROM debian:12.14-slim\n")
    (changed,) = bench.unpatched("--since", "main")
    assert changed["severity"] == "error"
    assert changed["message"].startswith("debian:12.14-slim brings 1 critical vulnerability")
    assert bench.check("--since", "main").code == 1
    bench.write("FROM debian:12.1-slim\n")
    bench.write("FROM debian:12.1-slim\n", "web/Dockerfile")
    (introduced,) = bench.unpatched("--since", "main")
    assert (introduced["path"], introduced["severity"]) == ("web/Dockerfile", "error")


def test_what_was_there_before_a_change_is_shown_and_does_not_gate(bench: Bench) -> None:
    scanned(BASE).found(BASE, CVE, NOW - 90 * HOUR).record(bench.ledger)
    bench.write("FROM debian:12.1-slim\nRUN true\n")
    report = bench.report("--since", "main")
    assert [one["rule"] for one in report["known"] if one["rule"] == UNPATCHED] == [UNPATCHED]
    assert bench.check("--since", "main").code == 0


def test_an_image_that_a_change_brings_must_be_scanned(bench: Bench) -> None:
    Past().scanned(OTHER, NOW - HOUR).record(bench.ledger)
    assert bench.check("--since", "main").code == 0
    bench.write("FROM debian:12-slim\n")
    assert bench.check("--since", "main").code == 3


def test_a_baseline_holds_over_rebuilds_and_further_vulnerabilities(bench: Bench) -> None:
    scanned(BASE).found(BASE, CVE, NOW - 90 * HOUR).record(bench.ledger)
    written = ("--write-baseline", "old.json", "--owner", "@me", "--expires", "2026-12-24")
    assert bench.check(*written).code == 0
    rebuilt = Image("debian:12.1-slim", "d")
    past = Past().scanned(rebuilt, NOW - HOUR / 2).found(rebuilt, CVE, NOW - HOUR / 2)
    past.found(rebuilt, "CVE-2026-2", NOW - HOUR / 2).record(bench.ledger)
    assert "known" in bench.check("--baseline", "old.json").out
    assert bench.check("--baseline", "old.json").code == 0
    without = run(bench.root, "check", "--baseline", "old.json")
    assert "match no finding any more" not in without.out


def test_a_waiver_covers_it_and_is_not_unused_where_nobody_asked(bench: Bench) -> None:
    bench.write(
        '# basekeeper: ignore[unpatched-critical] owner=@me until=2026-12-24 reason="later"\n'
        "FROM debian:12.1-slim\n"
    )
    scanned(BASE).found(BASE, CVE, NOW - 90 * HOUR).record(bench.ledger)
    report = bench.report()
    assert [one["finding"]["rule"] for one in report["waived"]] == [UNPATCHED]
    without = run(bench.root, "check", "--format", "json").json
    assert "unused-waiver" not in {one["rule"] for one in without["findings"]}


WAIVER = """
[[waiver]]
vulnerabilities = ["CVE-2026-1001"]
owner = "@me"
reason = "not reachable"
control = "a filter in front"
until = 2026-12-24
granted = 2026-11-23
"""


def test_a_waiver_of_a_vulnerability_counts_before_a_scan_mirrors_it(bench: Bench) -> None:
    past = scanned(BASE).found(BASE, CVE, NOW - 90 * HOUR).found(BASE, "CVE-2026-2", NOW - HOUR)
    past.stands("Dockerfile", BASE, NOW - 90 * HOUR).record(bench.ledger)
    assert bench.check().code == 1
    bench.write(WAIVER, "basekeeper-waivers.toml")
    (one,) = bench.unpatched()
    assert one["severity"] == "warning"
    assert one["message"].startswith("debian:12.1-slim has 1 critical vulnerability with a fix: ")
    assert "CVE-2026-2 in openssl" in one["message"]
    assert any("excepted: not reachable" in fact for fact in one["evidence"])
    assert bench.check().code == 0


def test_a_change_cannot_waive_its_own_vulnerabilities(bench: Bench) -> None:
    past = scanned(BASE).found(BASE, CVE, NOW - HOUR)
    past.stands("Dockerfile", BASE, NOW - HOUR).record(bench.ledger)
    bench.write("FROM debian:12.1-slim\n", "web/Dockerfile")
    bench.write(WAIVER, "basekeeper-waivers.toml")
    (one,) = bench.unpatched("--since", "main")
    assert (one["path"], one["severity"]) == ("web/Dockerfile", "error")


def test_without_a_ledger_nothing_is_asked_and_nothing_of_databases_is_loaded(bench: Bench) -> None:
    told = run(bench.root, "check", "--format", "json").json
    assert "known vulnerabilities" in told["unconfigured"]
    assert told["missing"] == []
    assert "known_vulnerabilities" not in told["uses"][0]["judgement"]["quality"]
    code = (
        "import sys; from basekeeper.cli.main import main; main(['check', '--offline']);"
        "print('loaded', *(name for name in sys.modules if name.startswith("
        "('sqlalchemy', 'basekeeper.recording', 'basekeeper.ledger.sql'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=bench.root,
        env=environment(bench.root.parent),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.rpartition("loaded")[2].strip() == ""


def test_with_a_ledger_the_fact_is_configured(bench: Bench) -> None:
    scanned(BASE).record(bench.ledger)
    assert "known vulnerabilities" not in bench.report()["unconfigured"]


def test_a_ledger_that_is_not_there_exits_with_3_and_says_so(bench: Bench) -> None:
    told = bench.check()
    assert told.code == 3
    assert told.err.startswith("error: ledger sqlite:")


def test_a_ledger_across_the_network_is_not_asked_offline(bench: Bench) -> None:
    bench.ledger = "postgresql://nobody@127.0.0.1:1/none"
    assert "known vulnerabilities" in bench.report()["unconfigured"]


def test_a_ledger_across_the_network_that_cannot_be_reached_exits_with_3(bench: Bench) -> None:
    bench.ledger = "postgresql://nobody@127.0.0.1:1/none"
    told = bench.check("--online")
    assert told.code == 3
    assert told.err.startswith("error: ledger postgresql://127.0.0.1:1/none: ")


def test_switched_off_rules_open_no_ledger(bench: Bench) -> None:
    rules = "".join(
        f'[policy.rules.unpatched-{word}]\nseverity = "off"\n'
        for word in ("critical", "high", "medium", "low")
    )
    bench.write(rules, "basekeeper.toml")
    assert bench.check().code == 0


def test_settings_may_name_the_repository(bench: Bench) -> None:
    settings = bench.root.parent / "settings.toml"
    settings.write_text('[ledger]\nrepository = "git.example/a/b"\n')
    past = Past("git.example/a/b").scanned(BASE, NOW - HOUR).found(BASE, CVE, NOW - 90 * HOUR)
    past.stands("Dockerfile", BASE, NOW - HOUR).record(bench.ledger)
    told = run(
        bench.root, "check", "--format", "json",
        BASEKEEPER_LEDGER=bench.ledger, BASEKEEPER_SETTINGS=str(settings),
    ).json  # fmt: skip
    (one,) = [one for one in told["findings"] if one["rule"] == UNPATCHED]
    assert "due 2026-11-25 07:00 UTC" in one["message"]


@pytest.mark.parametrize("written", ["sarif", "junit", "markdown", "github", "text"])
def test_every_format_tells_it(written: str, bench: Bench) -> None:
    scanned(BASE).found(BASE, CVE, NOW - 90 * HOUR).record(bench.ledger)
    told = bench.check("--format", written)
    assert UNPATCHED in told.out
    assert CVE in told.out
    assert told.code == (0 if written == "sarif" else 1)


@pytest.mark.parametrize("written", ["junit", "markdown", "github", "text"])
def test_every_format_tells_what_is_not_known(written: str, bench: Bench) -> None:
    scanned(OTHER).record(bench.ledger)
    told = bench.check("--format", written)
    assert "known vulnerabilities" in told.out
    assert told.code == 3


def test_sarif_scores_it_as_critical(bench: Bench) -> None:
    scanned(BASE).record(bench.ledger)
    (ran,) = bench.check("--format", "sarif").json["runs"]
    scores = {
        rule["id"]: rule["properties"]["security-severity"]
        for rule in ran["tool"]["driver"]["rules"]
        if rule["id"].startswith("unpatched-")
    }
    assert scores == {
        "unpatched-critical": "9.5",
        "unpatched-high": "8.0",
        "unpatched-medium": "5.5",
        "unpatched-low": "2.0",
    }


def test_a_retracted_scan_is_none(bench: Bench) -> None:
    past = scanned(BASE).found(BASE, CVE, NOW - 90 * HOUR)
    past.retracted(EventKind.DETECTED).record(bench.ledger)
    assert bench.unpatched() == []


def test_platforms_that_are_built_are_asked_for(bench: Bench) -> None:
    scanned(BASE, Image("debian:12.1-slim", "a", "linux/arm64")).record(bench.ledger)
    both = ("--platform", AMD64, "--platform", "linux/arm64/v8")
    assert bench.report(*both)["missing"] == []
    assert bench.report("--platform", "linux/s390x")["missing"] != []
