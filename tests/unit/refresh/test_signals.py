from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from basekeeper.advisories.epss import parse_scores
from basekeeper.advisories.exploited import bundled_exploited, parse_exploited, write_exploited
from basekeeper.errors import InputError
from basekeeper.refresh.signals import read_likelihoods, read_signals

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)
KNOWN = bundled_exploited()


def catalogue(
    released: datetime = NOW - timedelta(hours=9), *, drop: int = 0, **more: Any
) -> bytes:
    """The bundled entries as CISA publishes them, with keys that nobody reads, and a new one."""
    rows = write_exploited(KNOWN)["vulnerabilities"][drop:]
    rows = [row | {"vendorProject": "x", "notes": "y"} for row in rows]
    rows.append(
        {"cveID": "CVE-2026-99999", "dateAdded": "2026-11-25", "dueDate": "2026-12-16"}
        | {"knownRansomwareCampaignUse": "Known"}
    )
    content = {
        "title": "CISA Catalog of Known Exploited Vulnerabilities",
        "catalogVersion": "2026.11.25",
        "dateReleased": released.isoformat().replace("+00:00", "Z"),
        "count": len(rows),
        "vulnerabilities": rows,
    }
    return json.dumps(content | more).encode()


def scores(
    day: datetime = NOW - timedelta(hours=18), count: int = 100, *, packed: bool = True
) -> bytes:
    head = f"#model_version:v2025.03.14,score_date:{day:%Y-%m-%dT%H:%M:%SZ}\n"
    rows = "".join(f"CVE-2020-{10_000 + row},0.{row:05},0.5\n" for row in range(count))
    text = f"{head}cve,epss,percentile\n{rows}".encode()
    return gzip.compress(text) if packed else text


def test_what_is_kept_of_a_catalogue_reads_back_as_it() -> None:
    new, data = read_signals(catalogue(), KNOWN, NOW)
    again = parse_exploited(data, source="the answer")
    assert again == new
    assert again.entries["CVE-2026-99999"].added == date(2026, 11, 25)
    assert len(again.entries) == len(KNOWN.entries) + 1
    assert b"vendorProject" not in data


def test_the_same_catalogue_may_come_again() -> None:
    new, _ = read_signals(catalogue(), KNOWN, NOW)
    assert read_signals(catalogue(), new, NOW)[0] == new


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>busy</html>", "the answer: not valid JSON"),
        (b"", "the answer: not valid JSON"),
        (b"[]", "the answer: expected an object"),
        (catalogue()[:-200], "the answer: not valid JSON"),
        (catalogue(count=7), "does not have the number of entries that it says"),
        (catalogue(vulnerabilities=[], count=0), "the answer: has no entries"),
        (catalogue(drop=200, count=1_205), "only 1204 of 1404 known entries are in the catalogue"),
        (catalogue(NOW + timedelta(hours=2)), "of 2026-11-26, which is in the future"),
        (catalogue(KNOWN.released - timedelta(days=1)), "older than that of 2025-08-25 in use"),
        (catalogue(NOW - timedelta(days=31)), "says nothing new for 30 days"),
    ],
)
def test_a_catalogue_that_is_not_to_be_believed_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_signals(body, KNOWN, NOW)
    assert message in caught.value.message


@pytest.mark.parametrize("packed", [True, False])
def test_scores_are_kept_packed(packed: bool) -> None:  # noqa: FBT001
    told, data = read_likelihoods(scores(packed=packed), None, NOW)
    assert (told.count, told.scores) == (100, {})
    assert data.startswith(b"\x1f\x8b")
    assert parse_scores(data).probabilities["CVE-2020-10007"] == 0.00007


def test_far_fewer_scores_than_before_are_refused() -> None:
    known = parse_scores(scores(count=100))
    assert read_likelihoods(scores(count=50), known, NOW)[0].count == 50
    with pytest.raises(InputError, match="only 49 vulnerabilities are scored, of 100 before"):
        read_likelihoods(scores(count=49), known, NOW)


def test_scores_that_nobody_renewed_are_not_taken() -> None:
    with pytest.raises(InputError, match="of 2026-10-26, more than 30 days ago"):
        read_likelihoods(scores(NOW - timedelta(days=31)), None, NOW)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "the answer: lacks the line with model and date"),
        (scores()[:-9], "the answer: does not end where it should"),
        (scores(NOW + timedelta(days=1, seconds=1)), "of 2026-11-27, which is in the future"),
        (scores(NOW - timedelta(days=2)), "of 2026-11-24, older than those of 2026-11-25"),
        (gzip.compress(bytes(70_000_000)), "the answer: larger than"),
    ],
    ids=["page", "cut off", "future", "older", "bomb"],
)
def test_scores_that_are_not_to_be_believed_are_refused(body: bytes, message: str) -> None:
    known = replace(parse_scores(scores()), count=1)
    with pytest.raises(InputError) as caught:
        read_likelihoods(body, known, NOW)
    assert message in caught.value.message
