from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from basekeeper.advisories.epss import Score, parse_scores
from basekeeper.errors import InputError

HEAD = "#model_version:v2025.03.14,score_date:2026-03-02T00:00:00+0000\ncve,epss,percentile\n"
FILE = HEAD + "CVE-1999-0001,0.01141,0.77734\nCVE-2023-4911,0.7,0.98\n"


@pytest.mark.parametrize(
    "data",
    [
        FILE.encode(),
        FILE.replace("\n", "\r\n").encode(),
        gzip.compress(FILE.encode()),
        FILE.replace("T00:00:00+0000", "").encode(),
    ],
    ids=["plain", "Windows", "gzip", "day"],
)
def test_reads_the_scores_of_a_day(data: bytes) -> None:
    found = parse_scores(data)
    assert (found.model, found.scored) == ("v2025.03.14", datetime(2026, 3, 2, tzinfo=UTC))
    assert found.scores["CVE-1999-0001"] == Score(0.01141, 0.77734)
    assert found.probabilities == {"CVE-1999-0001": 0.01141, "CVE-2023-4911": 0.7}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "lacks the line with model and date"),
        (b"cve,epss,percentile\n", "lacks the line with model and date"),
        (HEAD.replace("percentile", "rank").encode(), "expected the columns"),
        (HEAD.encode(), "has no scores"),
        (HEAD.replace("2026-03-02T", "soonT").encode() + b"CVE-2023-4911,0,0", "score_date"),
        ((HEAD + "CVE-2023-4911,1.1,0\n").encode(), "EPSS:3: expected a CVE number"),
        ((HEAD + "CVE-2023-4911,-0.1,0\n").encode(), "expected a CVE number"),
        ((HEAD + "CVE-2023-4911,1e999,0\n").encode(), "expected a CVE number"),
        ((HEAD + "CVE-2023-4911,..,0\n").encode(), "expected a CVE number"),
        ((HEAD + "CVE-2023-4911,nan,0\n").encode(), "expected a CVE number"),
        ((HEAD + "GHSA-1,0,0\n").encode(), "got 'GHSA-1,0,0'"),
        ((HEAD + "é,0,0\n").encode(), "no plain text"),
        (b"\x1f\x8bxx", "cannot be unpacked"),
        (gzip.compress(FILE.encode())[:-4], "does not end where it should"),
        (gzip.compress(FILE.encode()) + b"x", "does not end where it should"),
    ],
)
def test_refuses_what_is_no_file_of_scores(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_scores(data)
    assert message in caught.value.message


def test_unpacks_no_more_than_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("basekeeper.advisories.epss.MAX_CSV_BYTES", 1000)
    bomb = gzip.compress(HEAD.encode() + b"\n" * 10_000_000)
    for data in (bomb, HEAD.encode() + b"\n" * 1000):
        with pytest.raises(InputError, match="larger than 1000 bytes"):
            parse_scores(data)


def test_refuses_more_scores_than_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("basekeeper.advisories.epss.MAX_SCORES", 1)
    with pytest.raises(InputError, match="more than 1 lines"):
        parse_scores(FILE.encode())
