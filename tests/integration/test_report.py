"""`report` as a user runs it, over a ledger of some weeks."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from basekeeper.markers import read_marks
from basekeeper.values.event import Event, EventKind
from tests.fakes.history import BEGIN, SHOP, record, write_settings
from tests.integration.histories import NOW, Image, Past
from tests.integration.program import git, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.program import Outcome

SCHEMA = Draft202012Validator(
    json.loads(
        (files("basekeeper.render") / "schemas" / "evidence.schema.json").read_text("utf-8")
    ),
    format_checker=Draft202012Validator.FORMAT_CHECKER,
)
EARLY = BEGIN + timedelta(days=19, hours=7)
LATE = BEGIN + timedelta(days=33)


class Shop:
    """A clone of the shop, and its ledger."""

    def __init__(self, place: Path, until: datetime) -> None:
        self.root = place / "shop"
        write_settings(self.root)
        git(self.root, "init", "-q", "-b", "main")
        git(self.root, "remote", "add", "origin", f"https://{SHOP}.git")
        self.file = place / "ledger.sqlite"
        self.until = until
        record(self.ledger, until=until)

    @property
    def ledger(self) -> str:
        return f"sqlite:{self.file}"

    def report(self, *arguments: str, now: datetime | None = None) -> Outcome:
        given = arguments if "--as-of" in arguments else (
            *arguments, "--now", (now or self.until).isoformat()
        )  # fmt: skip
        return run(self.root, "report", *given, BASEKEEPER_LEDGER=self.ledger)

    def json(self, *arguments: str, now: datetime | None = None) -> Any:
        done = self.report("--format", "json", *arguments, now=now)
        assert done.code == 0, done.err
        told = done.json
        SCHEMA.validate(told)
        return told


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("report"), LATE)


def products(told: Any) -> dict[str, Any]:
    return {one["name"]: one for one in told["repositories"][0]["products"]}


def test_a_summary_tells_what_matters(shop: Shop) -> None:
    done = shop.report()
    assert done.code == 0
    assert done.out.startswith(f"Evidence: {SHOP}\n")
    assert "ended in time:" in done.out
    assert "compliant" not in done.out


def test_every_base_has_its_digest_its_place_and_what_the_policy_says(shop: Shop) -> None:
    told = products(shop.json())
    assert list(told) == ["api", "web", "worker"]
    (now, *_) = told["api"]["bases"]
    assert now["end"] is None
    assert now["reference"] == f"docker.io/library/python:3.13-slim@{now['digest']}"
    assert (now["path"], now["line"]) == ("services/api/Dockerfile", 3)
    assert now["identified"] == "the file names its digest"
    assert now["judgement"]["category"] == "restricted"
    assert now["judgement"]["clause"] == "policy.restricted[0]"
    assert now["judgement"]["quality"]["supported"]["as_of"]
    (scan,) = now["scans"]
    assert (scan["scanner"], scan["platform"]) == ("trivy 0.69.3", "linux/amd64")
    assert scan["database"] < scan["at"]
    assert told["web"]["bases"][0]["identified"].startswith("the file names its tag")
    assert told["worker"]["bases"][0]["judgement"]["category"] == "preferred"


def test_a_published_image_names_the_base_that_its_layers_prove(shop: Shop) -> None:
    told = products(shop.json())["api"]
    known = {one["digest"] for one in told["bases"]}
    proven = [one for one in told["published"] if one["base"] is not None]
    assert proven
    assert {one["base"] for one in proven} <= known
    assert {one["base_proven"] for one in proven} == {"its layers begin with those of the base"}


def test_a_finding_that_ended_has_all_its_instants_in_order(shop: Shop) -> None:
    told = [
        one
        for product in products(shop.json("--last", "40d")).values()
        for one in product["findings"]
        if one["state"].startswith("closed") and one["upstream"]["start"]
    ]
    assert len(told) > 5
    for one in told:
        assert one["opened"] <= one["action"]["start"] <= one["verified"] <= one["action"]["end"]
        assert one["merged"]
        assert one["clause"]["origin"] == "shipped default"
        assert (one["state"] == "closed-late") is (one["breached"] is not None)


def test_the_measures_agree_with_the_findings(shop: Shop) -> None:
    told = shop.json("--last", "40d")
    found = [one for product in products(told).values() for one in product["findings"]]
    for row in told["measures"]["by_urgency"]:
        own = [one for one in found if one["urgency"] == row["urgency"]]
        counted = (
            "in_time", "late", "overdue", "running", "waiting_for_fix", "excepted",
            "release_not_proven", "no_clock", "unknown",
        )  # fmt: skip
        assert sum(row[name] for name in counted) == len(own)
        assert row["late"] == sum(one["state"] == "closed-late" for one in own)
    points = told["measures"]["trend"]["points"]
    assert points[-1]["open"] == sum(one["action"]["end"] is None for one in found)
    assert {one["lineage"] for one in told["measures"]["upstream"]} <= {
        "docker.io/library/python:slim", "docker.io/library/node:slim", "docker.io/library/alpine",
    }  # fmt: skip


@pytest.mark.parametrize("form", ["html", "json", "csv"])
def test_as_of_gives_the_bytes_of_the_report_that_was_made_then(form: str, tmp_path: Path) -> None:
    then = Shop(tmp_path, EARLY).report("--format", form, now=EARLY)
    (tmp_path / "ledger.sqlite").unlink()
    record(f"sqlite:{tmp_path}/ledger.sqlite", until=EARLY + timedelta(days=6))
    arguments = ("report", "--format", form, "--as-of", EARLY.isoformat())
    later = run(tmp_path / "shop", *arguments, BASEKEEPER_LEDGER=f"sqlite:{tmp_path}/ledger.sqlite")
    assert then.out == later.out
    assert len(then.out) > 5_000


def test_a_release_is_told_as_of_when_it_was_recorded(shop: Shop) -> None:
    every = products(shop.json("--last", "60d"))["api"]["published"]
    assert len(every) > 2
    wanted, before = every[1], every[2]
    told = shop.json("--release", wanted["digest"][:30], "--product", "api")
    assert told["release"]["digest"] == wanted["digest"]
    assert told["now"] == told["period"]["end"] == wanted["recorded"]
    assert told["period"]["begin"] == before["at"]
    assert list(products(told)) == ["api"]
    newest = products(told)["api"]["published"][0]
    assert (newest["digest"], newest["end"]) == (wanted["digest"], None)
    assert not any(one["recorded"] > told["now"] for one in told["repositories"][0]["deeds"])


def test_a_release_that_several_products_have_must_be_named_with_its_product(shop: Shop) -> None:
    done = shop.report("--release", "stable")
    assert done.code == 2
    assert "is of more than one product" in done.err
    assert shop.json("--release", "stable", "--product", "web")["release"]["tag"] == "stable"
    assert shop.report("--release", "nothing").code == 2


def test_a_product_alone_is_measured_alone(shop: Shop) -> None:
    told = shop.json("--product", "worker")
    assert list(products(told)) == ["worker"]
    assert {one["lineage"] for one in told["measures"]["upstream"]} <= {"docker.io/library/alpine"}
    named = {one["product"] for one in told["repositories"][0]["deeds"]}
    assert named <= {"worker", None}


def test_a_period_holds_its_days(shop: Shop) -> None:
    told = shop.json("--from", "2026-06-01", "--until", "2026-06-07")
    assert told["period"] == {"begin": "2026-06-01T00:00:00Z", "end": "2026-06-08T00:00:00Z"}
    (week,) = told["measures"]["trend"]["points"]
    assert week["label"] == "2026-W23"
    for deed in told["repositories"][0]["deeds"]:
        assert "2026-06-01" <= deed["at"] < "2026-06-08"


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_lost_ledger_can_be_rebuilt_from_a_report(shop: Shop, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"report.{form}"
    assert shop.report("--format", form, "--output", str(file)).code == 0
    (mark,) = read_marks(file.read_text("utf-8")).marks
    assert mark.repository == SHOP
    assert {one.kind for one in mark.facts} >= {EventKind.BASED_ON, EventKind.DETECTED}
    (head,) = [one for one in shop.json()["heads"] if one["chain"] == SHOP]
    assert mark.head is not None
    assert (mark.head.position, mark.head.hash) == (head["position"], head["hash"])
    lost = f"sqlite:{tmp_path}/new.sqlite"
    done = run(tmp_path, "ledger", "recover", str(file), BASEKEEPER_LEDGER=lost)
    assert "provisional" in done.out


def test_a_file_is_written_and_told(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "findings.csv"
    done = shop.report("--format", "csv", "--output", str(file))
    assert done.code == 0
    assert done.out.endswith(f"written to {file}\n")
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode(), newline="")))
    assert rows
    assert {one["repository"] for one in rows} == {SHOP}


def test_an_event_that_cannot_be_read_is_told_and_is_no_success(tmp_path: Path) -> None:
    shop = Shop(tmp_path, BEGIN + timedelta(days=4))
    at = shop.until
    odd = Event(
        kind=EventKind.WAIVED, subject=f"{SHOP}#nonsense", key="w", at=at, source="x", evidence={}
    )
    ledger = open_ledger(read_location(shop.ledger), clock=lambda: at)
    ledger.append([odd])
    ledger.close()
    done = shop.report("--format", "html", "--output", str(tmp_path / "r.html"))
    assert done.code == 3
    assert "cannot be read" in done.out
    assert "an event cannot be read" in (tmp_path / "r.html").read_text("utf-8")


def test_what_was_never_recorded_is_told(shop: Shop) -> None:
    done = shop.report("--repository", "github.com/acme/other")
    assert done.code == 3
    assert "github.com/acme/other: nothing was recorded of it by then" in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "2026-06-01", "--last", "9d"),
        ("--release", "x", "--last", "9d"),
        ("--all", "--repository", "github.com/acme/shop"),
        ("--from", "2026-06-08", "--until", "2026-06-01"),
        ("--from", "2001-01-01"),
        ("--last", "9y"),
        ("--as-of", "2026-06-01", "--now", "2026-06-02"),
        ("--format", "pdf"),
    ],
)
def test_contradictions_are_refused(shop: Shop, arguments: tuple[str, ...]) -> None:
    done = run(shop.root, "report", *arguments, BASEKEEPER_LEDGER=shop.ledger)
    assert done.code == 2
    assert done.err.startswith("error: ")


def test_a_ledger_that_is_not_there_is_no_empty_one(shop: Shop, tmp_path: Path) -> None:
    done = run(shop.root, "report", BASEKEEPER_LEDGER=f"sqlite:{tmp_path}/none.sqlite")
    assert done.code == 3
    assert not done.out


def test_the_whole_ledger_may_be_told(shop: Shop) -> None:
    told = shop.json("--all")
    assert [one["name"] for one in told["repositories"]] == [SHOP]
    assert datetime.fromisoformat(told["now"]).astimezone(UTC) == shop.until


def test_each_product_is_told_what_its_own_file_says(tmp_path: Path) -> None:
    """Two names of one digest, in two files, seen by one run."""
    root = tmp_path / "shop"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    git(root, "remote", "add", "origin", "git@github.com:acme/shop.git")
    ledger = f"sqlite:{tmp_path}/ledger.sqlite"
    first, second = Image("debian:12-slim", "a"), Image("debian:bookworm-slim", "a")
    past = Past().stands("api", first, NOW).stands("web", second, NOW).scanned(first, NOW)
    past.record(ledger)
    told = run(root, "report", "-f", "json", "--now", NOW.isoformat(), BASEKEEPER_LEDGER=ledger)
    assert told.code == 0, told.err
    (repository,) = told.json["repositories"]
    named = {
        product["name"]: [base["reference"] for base in product["bases"]]
        for product in repository["products"]
    }
    assert named == {
        "api": ["docker.io/library/debian:12-slim"],
        "web": ["docker.io/library/debian:bookworm-slim"],
    }


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.html", "<!doctype html"),
        ("a.JSON", "{"),
        ("a.csv", "repository,"),
        ("a.txt", "Evidence"),
    ],
)
def test_the_name_of_the_file_tells_its_format(tmp_path: Path, name: str, begins: str) -> None:
    shop = Shop(tmp_path, EARLY)
    assert shop.report("--output", name).code == 0
    assert (shop.root / name).read_text("utf-8").lower().startswith(begins.lower())
