"""One suite for every cache: what `ports.Cache` promises."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.cache.disk import DiskCache
from basekeeper.cache.memory import MemoryCache
from basekeeper.ports import Cache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPACE = 1024 * 1024


class Closable(Cache, Protocol):
    """A cache that a test opened."""

    def close(self) -> None: ...


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture(params=["disk", "memory"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Closable]:
    made: Closable = (
        DiskCache(tmp_path / "cache", max_bytes=SPACE)
        if request.param == "disk"
        else MemoryCache(max_bytes=SPACE)
    )
    yield made
    made.close()


def test_begins_empty(cache: Cache) -> None:
    assert cache.content(sha256(b"x")) is None
    assert cache.answer("x", now=NOW, max_age=HOUR) is None


@pytest.mark.parametrize("data", [b"", b"{}", bytes(range(256)) * 100])
def test_content_is_returned_by_its_digest(cache: Cache, data: bytes) -> None:
    cache.keep_content(sha256(data), data)
    assert cache.content(sha256(data)) == data


def test_content_of_the_longer_digest_is_kept_too(cache: Cache) -> None:
    digest = f"sha512:{hashlib.sha512(b'x').hexdigest()}"
    cache.keep_content(digest, b"x")
    assert cache.content(digest) == b"x"


@pytest.mark.parametrize(
    "digest",
    [sha256(b"y"), sha256(b"x").upper(), "sha256:", "sha256", "", "md5:" + "0" * 32, "../../x"],
)
def test_content_that_is_not_what_its_digest_says_is_not_kept(cache: Cache, digest: str) -> None:
    cache.keep_content(digest, b"x")
    assert cache.content(digest) is None


@pytest.mark.parametrize(
    ("age", "is_there"),
    [
        (timedelta(0), True),
        (HOUR, True),
        (HOUR + timedelta(microseconds=1), False),
        (timedelta(microseconds=-1), False),
        (timedelta(days=-400), False),
    ],
)
def test_answer_is_returned_up_to_an_age_and_never_from_the_future(
    cache: Cache, age: timedelta, *, is_there: bool
) -> None:
    cache.keep_answer("tags", b"[]", now=NOW)
    found = cache.answer("tags", now=NOW + age, max_age=HOUR)
    assert found == (b"[]" if is_there else None)


def test_later_answer_replaces_an_earlier_one(cache: Cache) -> None:
    cache.keep_answer("tags", b"old", now=NOW)
    cache.keep_answer("tags", b"new", now=NOW + HOUR)
    assert cache.answer("tags", now=NOW + HOUR, max_age=HOUR) == b"new"
    assert cache.answer("tags", now=NOW, max_age=HOUR) is None


def test_answers_and_content_do_not_mix(cache: Cache) -> None:
    digest = sha256(b"x")
    cache.keep_content(digest, b"x")
    assert cache.answer(digest, now=NOW, max_age=HOUR) is None
    cache.keep_answer(digest, b"y", now=NOW)
    assert cache.content(digest) == b"x"


@given(st.lists(st.text(), min_size=1, max_size=5, unique=True))
def test_any_text_is_a_key_of_its_own(keys: list[str]) -> None:
    cache = MemoryCache()
    for key in keys:
        cache.keep_answer(key, key.encode(), now=NOW)
    assert [cache.answer(key, now=NOW, max_age=HOUR) for key in keys] == [
        key.encode() for key in keys
    ]


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "a\0b", "x" * 100_000, "\udcff", "'; DROP TABLE"]
)
def test_hostile_key_is_only_a_key(cache: Cache, key: str) -> None:
    cache.keep_answer(key, b"kept", now=NOW)
    assert cache.answer(key, now=NOW, max_age=HOUR) == b"kept"
    assert cache.answer(key + "x", now=NOW, max_age=HOUR) is None


def test_space_is_limited_and_what_was_kept_last_stays(cache: Cache) -> None:
    data = b"." * (SPACE // 32)
    for index in range(200):
        cache.keep_answer(str(index), data, now=NOW)
    there = [i for i in range(200) if cache.answer(str(i), now=NOW, max_age=HOUR) is not None]
    assert there[-1] == 199
    assert 8 <= len(there) <= 32 + 9  # the size is looked at after every 256 KiB
    assert there == list(range(there[0], 200))


def test_what_alone_would_fill_the_cache_is_not_kept(cache: Cache) -> None:
    cache.keep_answer("small", b"x", now=NOW)
    cache.keep_answer("large", b"." * (SPACE + 1), now=NOW)
    assert cache.answer("large", now=NOW, max_age=HOUR) is None


def test_is_shared_between_threads(cache: Cache) -> None:
    def work(worker: int) -> int:
        wrong = 0
        for index in range(100):
            key = str(index % 10)
            cache.keep_answer(key, key.encode() * 50, now=NOW)
            cache.keep_content(sha256(b"%d" % index), b"%d" % index)
            wrong += cache.answer(key, now=NOW, max_age=HOUR) != key.encode() * 50
            wrong += cache.content(sha256(b"%d" % index)) != b"%d" % index
        return wrong

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 0


def test_closed_cache_is_empty(cache: Closable) -> None:
    cache.keep_answer("x", b"x", now=NOW)
    cache.close()
    assert cache.answer("x", now=NOW, max_age=HOUR) is None
