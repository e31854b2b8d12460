"""What goes wrong around `scan --record` and the verbs that read what it recorded.

A clear message, the right exit code, and no event that is lost or there twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.contract.ledger_places import LEDGERS, clone, text_of
from tests.fakes.postgres import postgres
from tests.fakes.registry import Simulator
from tests.integration.faulty import CRITICAL, HOUR, NOW, Bench, package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

__all__ = ["clone", "postgres"]


@pytest.fixture
def bench(request: pytest.FixtureRequest, clone: Path) -> Iterator[Bench]:
    kind = getattr(request, "param", "sqlite")
    with Simulator() as simulator:
        ledger = text_of(kind, request, clone.parent)
        yield Bench(clone, ledger, simulator.host("registry.test"))


every_ledger = pytest.mark.parametrize("bench", LEDGERS, indirect=True)


def open_findings(bench: Bench, now: datetime) -> tuple[int, set[str]]:
    """Return the exit code of `deadlines` and which findings are open."""
    told = bench.run("deadlines", "-f", "json", now=now)
    return told.code, {one["vulnerability"] for one in told.json["deadlines"]}


class TestClockSteps:
    @every_ledger
    def test_a_reader_whose_clock_is_behind_says_so(self, bench: Bench) -> None:
        assert bench.run("scan", "--record").code == 0
        told = bench.run("deadlines", now=NOW - HOUR)
        assert (told.code, "later than now" in told.out) == (3, True), told.out

    @every_ledger
    def test_a_recorder_whose_clock_was_ahead_hides_nothing_from_the_next(
        self, bench: Bench
    ) -> None:
        far = NOW + timedelta(days=3650)
        bench.advisories(far)
        assert bench.run("scan", "--record", now=far).code == 0
        code, found = open_findings(bench, NOW)
        assert (code, found) == (3, set())

        bench.advisories(NOW)
        told = bench.run("scan", "--record", now=NOW)
        assert told.code == 0
        assert "the ledger holds events of 2036-11-20" in " ".join(told.out.split())
        assert open_findings(bench, NOW) == (0, {CRITICAL})
        (due,) = bench.run("deadlines", "-f", "json").json["deadlines"]
        assert due["due"] == "2026-11-25T08:00:00Z"
        before = bench.facts()
        assert bench.run("scan", "--record", now=NOW).code == 0
        assert bench.facts() == before, "the same again adds nothing"

    def test_a_product_that_has_gone_meanwhile_leaves_no_doubt(self, bench: Bench) -> None:
        far = NOW + timedelta(days=3650)
        bench.advisories(far)
        (bench.root / "other").mkdir()
        (bench.root / "Dockerfile").rename(bench.root / "other" / "Dockerfile")
        assert bench.run("scan", "--record", now=far).code == 0
        bench.advisories(NOW)
        (bench.root / "other" / "Dockerfile").rename(bench.root / "Dockerfile")
        assert bench.run("scan", "--record", now=NOW).code == 0
        assert open_findings(bench, NOW) == (0, {CRITICAL})

    def test_a_tag_that_a_clock_ahead_saw_moves_on(self, bench: Bench) -> None:
        far = NOW + timedelta(days=3650)
        bench.advisories(far)
        assert bench.run("scan", "--record", now=far).code == 0
        bench.push("base", "11-slim", seed="rebuilt")
        bench.say(packages=[package(version="3.0.15-1")], found=[])
        bench.advisories(NOW)
        assert bench.run("scan", "--record", now=NOW).code == 0
        assert open_findings(bench, NOW) == (0, set())
        told = bench.run("check", "--online", "-f", "json", "--rule", "unpatched-critical")
        assert (told.code, told.json["findings"]) == (0, []), told.out

    def test_a_clock_far_behind_tells_nothing_again(self, bench: Bench) -> None:
        assert bench.run("scan", "--record").code == 0
        before = [fact for fact in bench.facts() if fact[0] != "scanned"]
        told = bench.run("scan", "--record", now=NOW - timedelta(days=365))
        assert (told.code, "from the future" in " ".join(told.out.split())) == (3, True), told.out
        assert [fact for fact in bench.facts() if fact[0] != "scanned"] == before
        assert open_findings(bench, NOW) == (0, {CRITICAL})


class TestNames:
    def test_the_longest_name_of_an_image_is_recorded_and_read(self, bench: Bench) -> None:
        name = "/".join(["n" * 58] * 4)
        bench.push(name, "11-slim")
        (bench.root / "Dockerfile").write_text(f"FROM {bench.host.address}/{name}:11-slim\n")
        assert bench.run("scan", "--record").code == 0
        assert open_findings(bench, NOW) == (0, {CRITICAL})
        told = bench.run("check", "--online", "-f", "json", "--rule", "unpatched-critical")
        (found,) = told.json["findings"]
        assert (told.code, CRITICAL in found["message"]) == (0, True)
