"""From a scan to the gate: the real scanner records, `check` and `deadlines` read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.realregistry.fixtures import image_layout, real_registries
from tests.fakes.trivydb import CRITICAL, HIGH
from tests.integration.program import commit, git, run
from tests.integration.test_scan import NOW, Bench, bench, databases

__all__ = ["bench", "databases", "image_layout", "real_registries"]

pytestmark = pytest.mark.component("scanner")

LATER = "2026-11-27T13:00:00Z"
"""More than 48 hours after `NOW`."""


def test_what_a_scan_found_gates_when_its_time_is_up(bench: Bench) -> None:
    bench.file("Dockerfile", "FROM debian:11.11-slim")
    commit(bench.root, "first")
    git(bench.root, "remote", "add", "origin", "https://git.example/acme/shop.git")
    bench.environ["BASEKEEPER_LEDGER"] = f"sqlite:{bench.place}/ledger.sqlite"

    def told(verb: str, *arguments: str, now: str = NOW) -> tuple[int, Any]:
        outcome = run(bench.root, verb, "-f", "json", "--now", now, *arguments, **bench.environ)
        return outcome.code, outcome.json

    assert bench.scan().code == 0
    code, report = told("check")
    (finding,) = [one for one in report["findings"] if one["rule"] == "unpatched-critical"]
    assert (code, finding["severity"]) == (1, "warning")  # 1: Debian 11 is past its end of life
    assert CRITICAL in finding["message"]
    assert "due 2026-11-27 12:00 UTC" in finding["message"]
    code, due = told("deadlines")
    assert code == 0
    assert {(one["product"], one["vulnerability"], one["state"]) for one in due["deadlines"]} >= {
        ("Dockerfile", CRITICAL, "waiting-for-base"),
        ("Dockerfile", HIGH, "waiting-for-fix"),
    }

    _, report = told("check", now=LATER)
    (finding,) = [one for one in report["findings"] if one["rule"] == "unpatched-critical"]
    assert finding["severity"] == "error"
    assert "known vulnerabilities" in {one["fact"] for one in report["missing"]}  # old advisories
    code, due = told("deadlines", now=LATER)
    assert code == 1
    assert due["complete"] is False
    assert due["summary"]["overdue"] >= 1
