from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.transport.pauses import MAX_ASKED, retry_after

NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)
STAMP = int(NOW.timestamp())
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({}, b"", None),
        ({"retry-after": "0"}, b"", 0.0),
        ({"retry-after": " 3 "}, b"", 3.0),
        ({"retry-after": "3.7"}, b"", 3.0),
        ({"retry-after": "1000000000"}, b"", MAX_ASKED),
        ({"retry-after": "9" * 5000}, b"", MAX_ASKED),
        ({"retry-after": "-1"}, b"", None),
        ({"retry-after": "nan"}, b"", None),
        ({"retry-after": "inf"}, b"", None),
        ({"retry-after": "1e3"}, b"", None),
        ({"retry-after": "\N{ARABIC-INDIC DIGIT THREE}"}, b"", None),
        ({"retry-after": "soon"}, b"", None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, b"", 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, b"", 30.0),
        ({"retry-after": "Wednesday, 21-Oct-26 07:28:30 GMT", "date": DATE}, b"", 30.0),
        ({"retry-after": "Wed Oct 21 07:28:30 2026", "date": DATE}, b"", 30.0),
        (
            {
                "retry-after": "Fri, 01 Jan 1999 00:00:30 GMT",
                "date": "Fri, 01 Jan 1999 00:00:00 GMT",
            },
            b"",
            30.0,
        ),
        ({"retry-after": "Wed, 21 Oct 2020 07:28:30 GMT", "date": DATE}, b"", 0.0),
        ({"retry-after": "Wed, 21 Oct 2926 07:28:30 GMT", "date": DATE}, b"", MAX_ASKED),
        ({"retry-after": "Wed, 21 Oct 99999 07:28:30 GMT", "date": DATE}, b"", None),
        ({"retry-after": "Wed, 41 Oct 2026 07:28:30 GMT", "date": DATE}, b"", None),
        ({"x-retry-after": f"{STAMP + 12}"}, b"", 12.0),
        ({"x-retry-after": f"{STAMP + 12}", "date": DATE}, b"", 12.0),
        ({"x-retry-after": f"{STAMP - 12}"}, b"", 0.0),
        ({"x-retry-after": "12"}, b"", 12.0),
        ({"x-retry-after": "9" * 400}, b"", MAX_ASKED),
        ({"x-retry-after": "NaN"}, b"", None),
        ({"retry-after": "5", "x-retry-after": f"{STAMP + 12}"}, b"", 5.0),
        ({"retry-after": "soon", "x-retry-after": f"{STAMP + 12}"}, b"", 12.0),
        ({"x-ratelimit-reset": f"{STAMP + 40}"}, b"", 40.0),
        ({"x-ratelimit-reset": f"{STAMP + 40}", "x-ratelimit-remaining": "0"}, b"", 40.0),
        ({"x-ratelimit-reset": f"{STAMP + 40}", "x-ratelimit-remaining": "7"}, b"", None),
        ({"x-ratelimit-reset": f"{STAMP - 40}"}, b"", 0.0),
        ({"x-ratelimit-reset": "-5"}, b"", None),
        ({}, "retry-after: 23.722µs, allowed: 44000/minute".encode(), 23.722e-6),
        ({}, "retry-after: 23.722\N{GREEK SMALL LETTER MU}s".encode(), 23.722e-6),
        ({}, b"retry-after: 23.722us", 23.722e-6),
        ({}, b"Retry-After: 1.5s", 1.5),
        ({}, b"x retry-after:1m30s,", 90.0),
        ({}, b"retry-after: 1h0m0.5s", 3600.5),
        ({}, b"retry-after: 250ms", 0.25),
        ({}, b"retry-after: 7ns", 7e-9),
        ({}, b"retry-after: -5s", None),
        ({}, b"retry-after: 5", None),
        ({}, b"retry-after: 999999999999h", MAX_ASKED),
        ({}, b"retry-after: " + b"9" * 5000 + b"s", None),
        ({}, b"x" * 5000 + b"retry-after: 1s", None),
        ({}, b"\xff\xfe retry-after: 1s", 1.0),
        ({"retry-after": "2"}, b"retry-after: 9s", 2.0),
    ],
)
def test_reads_how_long_a_server_asks_to_wait(
    headers: dict[str, str], body: bytes, seconds: float | None
) -> None:
    found = retry_after(headers, body, NOW)
    assert found == (seconds if seconds is None else pytest.approx(seconds))


def test_without_any_clock_points_in_time_are_unreadable() -> None:
    assert retry_after({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, b"", None) is None
    assert retry_after({"x-retry-after": f"{STAMP}"}, b"", None) is None
    assert retry_after({"retry-after": "3"}, b"", None) == 3.0


@given(
    st.dictionaries(
        st.sampled_from(
            ("retry-after", "x-retry-after", "x-ratelimit-reset", "x-ratelimit-remaining", "date")
        ),
        st.text(max_size=40) | st.just(DATE) | st.integers().map(str),
    ),
    st.binary(max_size=60) | st.text(max_size=40).map(lambda text: f"retry-after: {text}".encode()),
)
def test_whatever_is_said_the_wait_is_none_or_within_bounds(
    headers: dict[str, str], body: bytes
) -> None:
    found = retry_after(headers, body, NOW)
    assert found is None or 0.0 <= found <= MAX_ASKED
