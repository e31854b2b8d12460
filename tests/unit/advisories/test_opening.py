from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper.advisories.exploited import MAX_SILENCE
from basekeeper.advisories.kept import EPSS_FILE, KEV_FILE
from basekeeper.advisories.opening import open_exploited, open_scores, open_statements
from basekeeper.errors import InputError
from basekeeper.lifecycle.fetched import (
    EXPLOITED,
    FETCHED,
    Kept,
    digest_of,
    write_fetches,
)
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)
RENEW = "`basekeeper data update` renews it"
LOG4J, NOT_THERE = "CVE-2021-44228", "CVE-2026-4242"


def catalogue(released: datetime, *numbers: str) -> bytes:
    rows = [
        {
            "cveID": name,
            "dateAdded": f"2026-11-{day:02}",
            "dueDate": "2026-12-09",
            "knownRansomwareCampaignUse": "Known",
        }
        for day, name in enumerate(numbers, 1)
    ]
    content = {"catalogVersion": "1", "dateReleased": released.isoformat(), "vulnerabilities": rows}
    return json.dumps(content).encode()


def keep(
    directory: Path, age: timedelta, asked: timedelta | None = None, digest: str | None = None
) -> None:
    """Put a catalogue of some age there, and when its source was asked."""
    data = catalogue(NOW - age, "CVE-2026-1002", "CVE-2026-1001", "CVE-2026-10001")
    (directory / KEV_FILE).write_bytes(data)
    if asked is not None:
        kept = Kept("x", NOW - asked, digest or digest_of(data))
        (directory / FETCHED).write_text(json.dumps(write_fetches({EXPLOITED: kept})))


def test_what_the_package_brings_along_knows_who_is_exploited_but_not_who_is_not(
    tmp_path: Path,
) -> None:
    found = open_exploited(None, tmp_path, NOW)
    assert (found.origin, found.is_current, found.as_of) == ("bundled", False, date(2025, 8, 25))
    yes = found.lookup(["GHSA-jfh8-c2jp-5v3q", LOG4J.lower()])
    assert yes.answer.value is Truth.YES
    assert yes.entry is not None
    assert yes.entry.since == datetime(2021, 12, 10, tzinfo=UTC)
    assert yes.entry.due == date(2021, 12, 24)
    no = found.lookup([NOT_THERE])
    assert (no.answer.value, no.entry) == (Truth.UNKNOWN, None)
    assert "which is too old to tell" in no.answer.reason
    (notice,) = found.notices
    means = "so that no absence from it means anything"
    assert notice == f"CISA KEV (bundled) is of {found.as_of}, {means}: {RENEW}"


@pytest.mark.parametrize(
    ("age", "asked", "value"),
    [
        (3, None, Truth.NO),
        (4, None, Truth.UNKNOWN),
        (4, 0, Truth.NO),
        (4, 3, Truth.NO),
        (10, 4, Truth.UNKNOWN),
        (MAX_SILENCE.days, 0, Truth.NO),
        (MAX_SILENCE.days + 1, 0, Truth.UNKNOWN),
        (2, -1, Truth.UNKNOWN),
        (-1, 0, Truth.UNKNOWN),
    ],
)
def test_an_absence_means_something_only_where_the_source_was_asked_lately(
    tmp_path: Path, age: int, asked: int | None, value: Truth
) -> None:
    keep(tmp_path, timedelta(days=age), None if asked is None else timedelta(days=asked))
    found = open_exploited(None, tmp_path, NOW)
    assert found.origin == "fetched"
    assert found.lookup([NOT_THERE]).answer.value is value
    assert found.is_current is (value is Truth.NO)
    assert bool(found.notices) is not found.is_current
    assert found.lookup(["CVE-2026-1001"]).answer.value is Truth.YES


def test_what_was_asked_of_another_file_tells_nothing_of_this_one(tmp_path: Path) -> None:
    keep(tmp_path, timedelta(days=5), timedelta(0), digest_of(b"another"))
    assert not open_exploited(None, tmp_path, NOW).is_current


def test_how_old_it_may_be_is_settable(tmp_path: Path) -> None:
    keep(tmp_path, timedelta(days=9))
    found = open_exploited(None, tmp_path, NOW, max_age=timedelta(days=10))
    assert found.lookup([NOT_THERE]).answer.value is Truth.NO


def test_of_several_names_the_earliest_entry_counts(tmp_path: Path) -> None:
    keep(tmp_path, timedelta(days=1))
    found = open_exploited(None, tmp_path, NOW).lookup(["CVE-2026-10001", "CVE-2026-1001", "X"])
    assert found.entry is not None
    assert (found.entry.vulnerability, found.entry.added) == ("CVE-2026-1001", date(2026, 11, 2))
    assert found.answer.as_of == date(2026, 11, 25)


@pytest.mark.parametrize("names", [[], ["GHSA-jfh8-c2jp-5v3q"], ["TEMP-1"]])
def test_who_has_no_cve_cannot_be_told_of(tmp_path: Path, names: list[str]) -> None:
    keep(tmp_path, timedelta(days=1))
    answer = open_exploited(None, tmp_path, NOW).lookup(names).answer
    assert (answer.value, answer.reason) == (Truth.UNKNOWN, "CISA KEV knows CVE numbers alone")


def test_another_name_beside_the_cve_does_no_harm(tmp_path: Path) -> None:
    keep(tmp_path, timedelta(days=1))
    names = ["ALAS-2026-1", NOT_THERE, "GHSA-xxxx"]
    assert open_exploited(None, tmp_path, NOW).lookup(names).answer.value is Truth.NO


def test_a_newer_package_takes_the_place_of_an_older_download(tmp_path: Path) -> None:
    keep(tmp_path, NOW - datetime(2025, 8, 24, tzinfo=UTC), timedelta(0))
    found = open_exploited(None, tmp_path, NOW)
    assert found.origin == "bundled"
    assert found.lookup([LOG4J]).answer.value is Truth.YES


def test_a_damaged_download_is_replaced_by_the_bundled_one_and_told_of(tmp_path: Path) -> None:
    (tmp_path / KEV_FILE).write_text("{")
    found = open_exploited(None, tmp_path, NOW)
    assert found.lookup([LOG4J]).answer.value is Truth.YES
    problem = "the catalogue of exploited vulnerabilities is not used: CISA KEV: not valid JSON"
    assert found.notices[0] == problem
    no = found.lookup([NOT_THERE]).answer
    assert no.value is Truth.UNKNOWN
    assert no.reason.endswith(problem)


def test_a_file_of_ones_own_is_used_alone(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_bytes(catalogue(NOW - timedelta(days=1), NOT_THERE))
    found = open_exploited(str(own), tmp_path, NOW)
    assert found.origin == "file"
    assert found.lookup([NOT_THERE]).answer.source == f"CISA KEV ({own})"
    assert found.lookup([LOG4J]).answer.value is Truth.NO
    assert found.notices == ()


def test_a_file_of_ones_own_that_is_missing_is_told_of(tmp_path: Path) -> None:
    found = open_exploited(str(tmp_path / "gone.json"), tmp_path, NOW)
    assert found.origin == "bundled"
    assert "gone.json: is no file" in found.notices[0]
    assert found.lookup([NOT_THERE]).answer.value is Truth.UNKNOWN


def test_switched_off_it_is_unknown_who_is_exploited(tmp_path: Path) -> None:
    found = open_exploited("", tmp_path, NOW)
    answer = found.lookup([LOG4J]).answer
    assert (found.origin, found.as_of, found.notices) == ("off", None, ())
    assert answer.value is Truth.UNKNOWN
    assert answer.reason == "exploited vulnerabilities are switched off by the settings"


def scores(age: timedelta) -> bytes:
    day = NOW - age
    head = f"#model_version:v1,score_date:{day:%Y-%m-%dT%H:%M:%SZ}\ncve,epss,percentile\n"
    return gzip.compress((head + "CVE-2026-1001,0.5,0.9\nCVE-2026-1002,0.7,0.8\n").encode())


def test_the_highest_of_several_scores_counts(tmp_path: Path) -> None:
    (tmp_path / EPSS_FILE).write_bytes(scores(timedelta(days=1)))
    found = open_scores(None, tmp_path, NOW)
    best = found.lookup(["cve-2026-1001", "CVE-2026-1002", "GHSA-1"])
    assert best.score is not None
    assert (best.answer.value, best.score.probability) == (Truth.YES, 0.7)
    assert best.answer.reason == "scored by EPSS on 2026-11-25"
    assert found.probabilities == {"CVE-2026-1001": 0.5, "CVE-2026-1002": 0.7}
    assert (found.origin, found.as_of, found.notices) == ("fetched", date(2026, 11, 25), ())


@pytest.mark.parametrize(
    ("age", "names", "value"),
    [
        (7, [NOT_THERE], Truth.NO),
        (7, ["GHSA-1"], Truth.UNKNOWN),
        (8, [NOT_THERE], Truth.UNKNOWN),
        (-2, [NOT_THERE], Truth.UNKNOWN),
        (8, ["CVE-2026-1001"], Truth.YES),
    ],
)
def test_no_score_means_something_only_in_a_young_list(
    tmp_path: Path, age: int, names: list[str], value: Truth
) -> None:
    (tmp_path / EPSS_FILE).write_bytes(scores(timedelta(days=age)))
    found = open_scores(None, tmp_path, NOW)
    assert found.lookup(names).answer.value is value
    assert bool(found.notices) is not found.is_current


def test_only_what_is_wanted_is_held(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_bytes(gzip.decompress(scores(timedelta(0))))
    found = open_scores(str(own), tmp_path, NOW, wanted=["cve-2026-1002"])
    assert (found.origin, found.probabilities) == ("file", {"CVE-2026-1002": 0.7})
    assert found.scores is not None
    assert found.scores.count == 2


@pytest.mark.parametrize(
    ("source", "content", "origin", "reason"),
    [
        (None, None, "missing", "EPSS was never fetched"),
        ("", None, "off", "EPSS is switched off by the settings"),
        (None, b"x", "missing", "EPSS is not used: EPSS: lacks the line with model and date"),
        ("/nowhere/x", None, "missing", "EPSS is not used: /nowhere/x: is no file"),
    ],
)
def test_without_scores_the_answer_says_why(
    tmp_path: Path, source: str | None, content: bytes | None, origin: str, reason: str
) -> None:
    if content is not None:
        (tmp_path / EPSS_FILE).write_bytes(content)
    found = open_scores(source, tmp_path, NOW)
    answer = found.lookup(["CVE-2026-1001"]).answer
    assert (found.origin, answer.value, answer.reason) == (origin, Truth.UNKNOWN, reason)
    assert (found.probabilities, found.as_of, found.is_current) == ({}, None, False)
    assert bool(found.notices) is reason.startswith("EPSS is not used")


VEX = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://vex.example/1",
    "author": "A",
    "timestamp": "2026-11-25T00:00:00Z",
    "statements": [],
}


def test_opens_documents_in_their_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).write_text(json.dumps(VEX | {"@id": name}))
    found = open_statements([str(tmp_path / "b"), str(tmp_path / "a")])
    assert [one.id for one in found] == ["b", "a"]
    assert open_statements([]) == ()


@pytest.mark.parametrize("content", [None, "{}", "x" * 40_000_000])
def test_a_document_that_cannot_be_read_is_an_error(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "vex.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"vex\.json"):
        open_statements([str(path)])


def test_a_name_that_no_file_can_have_is_an_error() -> None:
    with pytest.raises(InputError, match="File name too long"):
        open_statements([f"/{'x' * 300}"])


def test_nothing_is_read_from_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no file"):
        open_statements(["/dev/zero"])
    with pytest.raises(InputError, match="is no file"):
        open_statements([str(tmp_path)])
