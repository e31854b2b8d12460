from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.answers import MAX_WARNING, failed, read_warnings
from basekeeper.registry.documents import (
    digest_of,
    is_digest,
    read_object,
    time_of,
    time_of_milliseconds,
    verify,
)
from basekeeper.transport.client import Response


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no valid JSON"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b"<html>", "no valid JSON"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b'{"a": {"b": 1, "b": 1}}', "stands twice"),
        (b'{"a": NaN}', "no JSON"),
        (b'{"a": -Infinity}', "no JSON"),
        (b'{"a": ' + b"9" * 21 + b"}", "too large"),
        (b'{"a": "\xff"}', "UTF-8"),
        ("{}".encode("utf-16"), "UTF-8"),
        (b'{"a": ' * 100_000, "nested too deeply"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"a": 1', "no valid JSON"),
    ],
)
def test_what_is_no_honest_json_object_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(RegistryError, match=reason) as caught:
        read_object(data, "thing")
    assert caught.value.failure is Failure.REFUSED
    assert caught.value.message.startswith("thing: ")
    assert len(caught.value.message) < 200


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        assert isinstance(read_object(data, "thing"), dict)
    except RegistryError as error:
        assert error.failure is Failure.REFUSED  # noqa: PT017  # reading may also succeed


@given(st.dictionaries(st.text(), st.integers(-(10**18), 10**18) | st.text() | st.booleans()))
def test_an_honest_object_is_read(found: dict[str, object]) -> None:
    assert read_object(json.dumps(found).encode(), "thing") == found


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-05T21:06:53Z", datetime(2026, 1, 5, 21, 6, 53, tzinfo=UTC)),
        ("2026-01-05T21:06:53.123456789Z", datetime(2026, 1, 5, 21, 6, 53, 123456, tzinfo=UTC)),
        ("2026-01-05T21:06:53.5+02:00", datetime(2026, 1, 5, 19, 6, 53, 500000, tzinfo=UTC)),
        ("2026-01-05T21:06:53", datetime(2026, 1, 5, 21, 6, 53, tzinfo=UTC)),
        ("2026-01-05", datetime(2026, 1, 5, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_times_are_read_in_utc(text: object, time: datetime | None) -> None:
    assert time_of(text) == time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1767225600000", datetime(2026, 1, 1, tzinfo=UTC)),
        (1767225600000, datetime(2026, 1, 1, tzinfo=UTC)),
        ("0", None),
        (0, None),
        (-1, None),
        (True, None),
        ("9" * 19, None),
        ("9" * 5000, None),
        ("soon", None),
        (None, None),
    ],
)
def test_milliseconds_are_read_as_text_or_number(text: object, time: datetime | None) -> None:
    assert time_of_milliseconds(text) == time


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("sha256:" + "0" * 64, True),
        ("sha512:" + "0" * 128, True),
        ("sha256:" + "A" * 64, False),
        ("sha256:" + "0" * 63, False),
        ("sha384:" + "0" * 96, False),
        ("sha256:" + "0" * 64 + "\n", False),
        ("md5:" + "0" * 32, False),
        (None, False),
        (7, False),
    ],
)
def test_digests_are_told(text: object, *, is_one: bool) -> None:
    assert is_digest(text) is is_one


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_content_is_compared_with_digest_and_size(algorithm: str) -> None:
    digest = digest_of(b"abc", f"{algorithm}:")
    assert is_digest(digest)
    verify(b"abc", digest, 3, "thing")
    verify(b"abc", digest, None, "thing")
    with pytest.raises(RegistryError, match="3 bytes where 4"):
        verify(b"abc", digest, 4, "thing")
    with pytest.raises(RegistryError, match="does not have the digest"):
        verify(b"abd", digest, 3, "thing")


@pytest.mark.parametrize(
    ("header", "texts"),
    [
        ('299 - "one"', ("one",)),
        ('299 - "one", 299 r.test "two"', ("one", "two")),
        ('199 - "no", 299 - "\\"yes\\""', ('"yes"',)),
        ('299 - "a\x1b[31m\r\nb"', ("a[31mb",)),
        ('299 - ""', ()),
        ('299 - "never closed', ()),
        ("299", ()),
        ('299 - "' + "x" * 5000 + '"', ()),
        ('299 - "first", 299 - "' + "é" * MAX_WARNING + '"', ("first",)),
    ],
)
def test_warnings_are_read_up_to_a_limit(header: str, texts: tuple[str, ...]) -> None:
    assert read_warnings(header) == texts


def test_a_refusal_for_a_limit_is_told_as_one() -> None:
    error = failed(Response(429, {}, b"", "https://r.test/"), "r.test/app:1")
    assert error.failure is Failure.LIMITED
