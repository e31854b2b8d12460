"""`deadlines`, run as a user would, on real ledgers with a past."""

from __future__ import annotations

import json
from base64 import b64encode
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tests.contract.ledger_places import make_clone
from tests.fakes.loopback import Answer, Loopback, serve
from tests.fakes.postgres import postgres
from tests.integration.histories import HOUR, NOW, SHOP, Image, Past
from tests.integration.program import SNAPSHOTS, git, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.postgres import Server
    from tests.integration.program import Outcome

__all__ = ["postgres"]

SCHEMA = Draft202012Validator(
    json.loads(
        (files("basekeeper.render") / "schemas" / "deadlines.schema.json").read_text("utf-8")
    )
)
BASE = Image("debian:12.1-slim", "a")
NODE = Image("node:24-bookworm-slim", "e")
API = Image("ghcr.io/acme/api:stable", "c", base=BASE)
FIXED = Image("ghcr.io/acme/api:stable", "d", base=BASE)
PRODUCTS = (
    '[[product]]\nname = "api"\ndockerfile = "Dockerfile"\nimage = "ghcr.io/acme/api:stable"\n'
)


class Bench:
    """A clone that ships two things, and a ledger."""

    def __init__(self, place: Path) -> None:
        self.root = place / "shop"
        self.root.mkdir()
        (self.root / "basekeeper.toml").write_text(PRODUCTS, encoding="utf-8")
        git(self.root, "init", "-q", "-b", "main")
        git(self.root, "remote", "add", "origin", "git@github.com:acme/shop.git")
        self.ledger = f"sqlite:{place}/ledger.sqlite"
        self.more: dict[str, str] = {}

    def run(self, *arguments: str) -> Outcome:
        given = () if {"--now", "--as-of"} & set(arguments) else ("--now", NOW.isoformat())
        return run(
            self.root, "deadlines", *arguments, *given, BASEKEEPER_LEDGER=self.ledger, **self.more
        )

    def told(self, *arguments: str) -> Any:
        found = self.run("--format", "json", *arguments).json
        SCHEMA.validate(found)
        return found

    def states(self, *arguments: str) -> list[tuple[str, str, str]]:
        return [
            (one["product"], one["vulnerability"], one["state"])
            for one in self.told(*arguments)["deadlines"]
        ]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def busy() -> Past:
    """A repository with something in every state that a person meets daily."""
    past = Past().stands("api", BASE, NOW - 100 * HOUR).stands("web/Dockerfile", NODE, NOW - HOUR)
    past.found(BASE, "CVE-2026-1001", NOW - 90 * HOUR)
    past.found(BASE, "CVE-2026-1001", NOW - 90 * HOUR, package="libssl3")
    past.found(BASE, "CVE-2026-1002", NOW - 20 * HOUR, severity="high")
    past.found(BASE, "CVE-2026-1003", NOW - 80 * HOUR, fixed="")
    past.found(BASE, "CVE-2026-1004", NOW - 60 * HOUR, severity="low")
    past.found(BASE, "CVE-2026-1005", NOW - 30 * HOUR, severity="medium")
    past.found(NODE, "CVE-2026-2001", NOW - 3 * HOUR, package="zlib1g", severity="low")
    past.exploited("CVE-2026-2001", NOW - 2 * HOUR)
    past.excused(BASE, "CVE-2026-1005", NOW - 29 * HOUR)
    return past.scanned(BASE, NOW - HOUR).scanned(NODE, NOW - HOUR)


def test_text_at_80_columns(bench: Bench) -> None:
    busy().record(bench.ledger)
    told = bench.run()
    assert (told.code, told.err) == (1, "")
    assert max(map(len, told.out.splitlines())) <= 80
    lines = told.out.replace(f"{bench.root.parent}", "/state").splitlines()
    shown = [line for line in lines if not line.startswith(("head ", "ledger "))]
    assert "\n".join(shown) + "\n" == (SNAPSHOTS / "deadlines.txt").read_text(encoding="utf-8")


def test_verbose_text_names_every_finding_with_its_clocks(bench: Bench) -> None:
    busy().record(bench.ledger)
    out = bench.run("--verbose").out
    assert max(map(len, out.splitlines())) <= 80
    for word in ("exposure", "action", "upstream", "pkg:deb/debian/libssl3", "reached 50 %"):
        assert word in out


def test_markdown_has_a_row_for_each_vulnerability(bench: Bench) -> None:
    busy().record(bench.ledger)
    out = bench.run("--format", "markdown").out
    rows = [line for line in out.splitlines() if line.startswith("| <code>")]
    assert len(rows) == 6
    assert "**overdue by 1 day 18 h, since 2026-11-21 14:00 UTC**" in rows[0]


def test_json_is_as_published_and_the_worst_comes_first(bench: Bench) -> None:
    busy().record(bench.ledger)
    told = bench.told()
    assert [one["vulnerability"] for one in told["deadlines"]] == [
        "CVE-2026-1001",
        "CVE-2026-1001",
        "CVE-2026-2001",
        "CVE-2026-1002",
        "CVE-2026-1005",
        "CVE-2026-1003",
        "CVE-2026-1004",
    ]
    first = told["deadlines"][0]
    assert (first["due"], first["overdue_seconds"]) == ("2026-11-21T14:00:00Z", 42 * 3600)
    assert first["clause"] == {
        "name": "policy.deadlines.critical",
        "value": "48 hours",
        "origin": "shipped default",
    }
    assert told["summary"]["overdue"] == 2
    assert told["complete"] is True
    assert told["repositories"] == [SHOP]
    assert [head["chain"] for head in told["heads"]] == [SHOP]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--product", "web/Dockerfile"), {"CVE-2026-2001"}),
        (("--severity", "critical"), {"CVE-2026-1001", "CVE-2026-1003"}),
        (("--severity", "low", "--severity", "exploited"), {"CVE-2026-1004", "CVE-2026-2001"}),
        (("--state", "excepted"), {"CVE-2026-1005"}),
        (("--state", "breached"), {"CVE-2026-1001"}),
        (("--product", "none"), set()),
    ],
)
def test_selects(options: tuple[str, ...], expected: set[str], bench: Bench) -> None:
    busy().record(bench.ledger)
    found = bench.told(*options)["deadlines"]
    assert {one["vulnerability"] for one in found} == expected
    overdue = any(one["overdue_seconds"] for one in found)
    assert bench.run(*options).code == int(overdue)


def test_the_policy_sets_the_windows(bench: Bench) -> None:
    (bench.root / "basekeeper.toml").write_text(
        PRODUCTS + '[policy.deadlines]\ncritical = "12 days"\nexploited = "30 minutes"\n'
    )
    busy().record(bench.ledger)
    found = bench.told("--state", "breached")["deadlines"]
    assert [one["vulnerability"] for one in found] == ["CVE-2026-2001"]
    assert found[0]["clause"]["origin"] == "basekeeper.toml"


def test_what_has_ended_is_counted_and_shown_on_demand(bench: Bench) -> None:
    past = Past().stands("api", BASE, NOW - 100 * HOUR).found(BASE, "CVE-2026-1", NOW - 90 * HOUR)
    past.found(API, "CVE-2026-1", NOW - 89 * HOUR).published("api", API, NOW - 88 * HOUR)
    past.published("api", FIXED, NOW - 70 * HOUR).scanned(BASE, NOW - HOUR).record(bench.ledger)
    assert bench.states() == []
    assert bench.told()["summary"]["ended_not_listed"] == 1
    assert "1 ended (--closed shows them)" in bench.run().out
    assert bench.states("--closed") == [("api", "CVE-2026-1", "closed-in-time")]
    assert "ended in time, 2026-11-20 10:00 UTC" in bench.run("--closed").out
    assert bench.run("--closed").code == 0


def test_what_was_known_at_an_earlier_instant(bench: Bench) -> None:
    busy().record(bench.ledger)
    told = bench.told("--as-of", (NOW - 85 * HOUR).isoformat())
    assert told["now"] == told["as_of"] == "2026-11-19T19:00:00Z"
    assert {one["vulnerability"] for one in told["deadlines"]} == {"CVE-2026-1001"}
    assert told["summary"]["overdue"] == 0
    assert told["heads"][0]["position"] < bench.told()["heads"][0]["position"]
    late = bench.told("--as-of", (NOW - 85 * HOUR).isoformat(), "--now", NOW.isoformat())
    assert late["summary"]["overdue"] == 2


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (busy().scanned(BASE, NOW, database=NOW - 25 * HOUR), "knew advisories of 2026-11-22"),
        (busy().scanned(BASE, NOW, problems="a layer is missing"), "is not whole: a layer is"),
        (Past().stands("api", BASE, NOW - HOUR), "it was never scanned"),
    ],
)
def test_what_is_not_known_is_told_with_exit_code_3(past: Past, words: str, bench: Bench) -> None:
    past.record(bench.ledger)
    selected = ("--severity", "medium")
    told = bench.run(*selected)
    assert told.code == 3
    assert words in " ".join(told.out.split())
    assert "→ run basekeeper scan" in told.out
    assert bench.told(*selected)["complete"] is False
    assert words in " ".join(bench.run("--format", "markdown", *selected).out.split())


def test_a_repository_of_which_nothing_is_recorded_is_not_known(bench: Bench) -> None:
    Past("github.com/acme/other").stands("x", BASE, NOW - HOUR).scanned(BASE, NOW - HOUR).record(
        bench.ledger
    )
    told = bench.run()
    assert told.code == 3
    assert f"{SHOP}: nothing was ever recorded of it" in told.out
    assert "run basekeeper scan there" in told.out


def test_nothing_due_is_told_as_such(bench: Bench) -> None:
    Past().stands("api", BASE, NOW - HOUR).scanned(BASE, NOW - HOUR).record(bench.ledger)
    told = bench.run()
    assert told.code == 0
    assert told.out.endswith("0 findings\n✓ nothing is overdue\n")


def test_several_repositories_share_what_is_known_of_an_image(bench: Bench) -> None:
    busy().record(bench.ledger)
    other = Past("gitlab.example/a/b")
    other.stands("Dockerfile", BASE, NOW - HOUR).record(bench.ledger)
    told = bench.told("--all")
    assert told["repositories"] == [SHOP, "gitlab.example/a/b"]
    shared = [
        (one["repository"], one["state"])
        for one in told["deadlines"]
        if one["vulnerability"] == "CVE-2026-1001" and one["package"].endswith("openssl")
    ]
    assert shared == [(SHOP, "breached"), ("gitlab.example/a/b", "waiting-for-base")]
    named = bench.told("--repository", "https://x@gitlab.example/a/b.git")
    assert {one["repository"] for one in named["deadlines"]} == {"gitlab.example/a/b"}


def test_probabilities_order_what_is_equally_due(bench: Bench) -> None:
    past = Past().stands("api", BASE, NOW - 10 * HOUR).scanned(BASE, NOW - HOUR)
    for number in (1, 2, 3):
        past.found(BASE, f"CVE-2026-{number:04}", NOW - 9 * HOUR)
    past.record(bench.ledger)
    scores = bench.root.parent / "epss.csv"
    scores.write_text(
        "#model_version:v2026.1,score_date:2026-11-23\ncve,epss,percentile\n"
        "CVE-2026-0002,0.9,0.99\nCVE-2026-0003,0.5,0.9\n"
    )
    settings = bench.root.parent / "settings.toml"
    settings.write_text(f'[advisories]\nepss = "{scores}"\n')
    bench.more = {"BASEKEEPER_SETTINGS": str(settings)}
    found = bench.told()
    assert [(one["vulnerability"], one["probability"]) for one in found["deadlines"]] == [
        ("CVE-2026-0002", 0.9),
        ("CVE-2026-0003", 0.5),
        ("CVE-2026-0001", None),
    ]
    assert found["epss"] == "2026-11-23"
    assert len({one["due"] for one in found["deadlines"]}) == 1


def test_nothing_is_written(bench: Bench) -> None:
    busy().record(bench.ledger)
    before = bench.told("--all")["heads"]
    file = bench.root.parent / "ledger.sqlite"
    size = file.stat().st_size
    bench.run()
    assert bench.told("--all")["heads"] == before
    assert file.stat().st_size == size


def test_output_goes_to_a_file(bench: Bench) -> None:
    busy().record(bench.ledger)
    told = bench.run("--format", "json", "--output", "due.json")
    assert (told.code, told.out) == (1, "")
    SCHEMA.validate(json.loads((bench.root / "due.json").read_bytes()))


def test_the_users_own_ledger_is_read_where_none_is_named(bench: Bench) -> None:
    state = bench.root.parent / "state"
    (state / "basekeeper").mkdir(parents=True)
    busy().record(f"sqlite:{state}/basekeeper/ledger.sqlite")
    named = {"XDG_STATE_HOME": str(state)}
    told = run(bench.root, "deadlines", "--now", NOW.isoformat(), **named)
    assert told.code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--all", "--repository", "a.example/b"), 2, "--all tells of every repository"),
        (("--repository", "nothing"), 2, "'nothing' is no name of a repository"),
        (("--state", "late"), 2, "late"),
        (("nowhere",), 2, "path 'nowhere' cannot be read"),
        ((), 3, "ledger sqlite:"),
    ],
)
def test_wrong_use_is_told(arguments: tuple[str, ...], code: int, words: str, bench: Bench) -> None:
    told = bench.run(*arguments)
    assert told.code == code
    assert words in told.err


def test_no_ledger_at_all_is_told_with_what_makes_one(bench: Bench) -> None:
    told = run(bench.root, "deadlines")
    assert told.code == 2
    assert "there is no ledger yet" in told.err
    assert "run basekeeper scan" in told.err


def test_a_clone_without_a_remote_must_be_named(bench: Bench) -> None:
    busy().record(bench.ledger)
    git(bench.root, "remote", "remove", "origin")
    told = bench.run()
    assert told.code == 2
    assert "name it with --repository" in told.err
    assert bench.run("--repository", SHOP).code == 1


def test_hostile_names_stay_harmless(bench: Bench) -> None:
    past = Past().stands("a\x1b[31m|<b>/Dockerfile", BASE, NOW - 90 * HOUR)
    past.found(BASE, "CVE-2026-1", NOW - 80 * HOUR, package="x|`y`").scanned(BASE, NOW - HOUR)
    past.record(bench.ledger)
    assert "\x1b" not in bench.run("--verbose").out
    told = bench.run("--format", "markdown").out
    assert "\x1b" not in told
    assert "<b>" not in told


@pytest.mark.component("database")
def test_on_postgresql(bench: Bench, postgres: Server) -> None:
    bench.ledger = postgres.create()
    busy().record(bench.ledger)
    assert bench.told()["summary"]["overdue"] == 2
    assert "s3cr3t" not in bench.run().out
    assert bench.told("--as-of", (NOW - 85 * HOUR).isoformat())["summary"]["overdue"] == 0


def test_on_a_branch(tmp_path: Path) -> None:
    root = make_clone(tmp_path)
    location = "branch:state/ledger"
    busy().record(location, start=root)
    told = run(
        root, "deadlines", "--repository", SHOP, "--now", NOW.isoformat(), "--format", "json",
        BASEKEEPER_LEDGER=location,
    )  # fmt: skip
    assert (told.code, told.err) == (1, "")
    assert told.json["summary"]["overdue"] == 2
    gate = run(root, "check", "--format", "json", BASEKEEPER_LEDGER=location)
    assert "known vulnerabilities" in gate.json["unconfigured"]  # a branch is across the network


@pytest.fixture
def receivers(bench: Bench) -> Iterator[Loopback]:
    """A receiver that the user's own settings name as two channels."""
    settings = bench.root.parent / "settings.toml"
    settings.write_text(
        '[[notify]]\nname = "team"\nkind = "slack"\nurl_env = "TEAM"\n'
        '[[notify]]\nname = "tickets"\nkind = "webhook"\nurl_env = "TICKETS"\n'
        'secret_env = ["KEY"]\ntopics = ["found", "closed"]\n',
        encoding="utf-8",
    )
    with serve() as loopback:
        loopback.put("/team", Answer())
        loopback.put("/tickets", Answer())
        key = "whsec_" + b64encode(b"a key of the tests, thirty-two b").decode()
        bench.more = {
            "BASEKEEPER_SETTINGS": str(settings),
            "TEAM": f"{loopback.url}/team",
            "TICKETS": f"{loopback.url}/tickets",
            "KEY": key,
        }
        yield loopback


def test_channels_are_told_what_is_new_and_each_step_once(
    bench: Bench, receivers: Loopback
) -> None:
    busy().record(bench.ledger)
    first = bench.run("--notify")
    assert first.code == 1
    assert "notified team of github.com/acme/shop:" in first.out.replace("\n      ", " ")
    asked = list(receivers.paths)
    assert set(asked) == {"/team", "/tickets"}
    bodies = b"".join(receivers.bodies)
    assert b"CVE-2026-1001" in bodies
    again = bench.run("--notify", "-f", "json")
    assert receivers.paths == asked, "nothing is told twice"
    assert any(line.endswith(": 0 sent") for line in again.json["notices"])


def test_a_channel_that_fails_is_told_later(bench: Bench, receivers: Loopback) -> None:
    receivers.put("/team", Answer(status=500), Answer(status=500), Answer())
    busy().record(bench.ledger)
    told = bench.told("--notify")
    assert any("team" in line and "not yet" in line for line in told["notices"])
    before = len(receivers.paths)
    later = (NOW + 5 * HOUR).isoformat()
    bench.run("--notify", "--now", later)
    assert receivers.paths[before:].count("/team") >= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--notify",), "no channel is configured"),
        (("--notify", "--as-of", "2026-11-01"), "leave out --as-of"),
    ],
)
def test_notifying_needs_a_channel_and_the_present(
    bench: Bench, arguments: tuple[str, ...], words: str
) -> None:
    busy().record(bench.ledger)
    told = bench.run(*arguments)
    assert told.code == 2
    assert words in told.err
