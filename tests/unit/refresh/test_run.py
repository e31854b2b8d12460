from __future__ import annotations

import gzip
import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper import wiring
from basekeeper.advisories.kept import EPSS_FILE, KEV_FILE
from basekeeper.advisories.opening import open_exploited, open_scores
from basekeeper.errors import InputError
from basekeeper.lifecycle.catalogue import CALENDARS, OFFICIAL, Catalogue
from basekeeper.lifecycle.fetched import FETCHED, read_fetches
from basekeeper.refresh import (
    DISTRO_INFO,
    END_OF_LIFE,
    EXPLOITED,
    OFFICIAL_IMAGES,
    SCORES,
    refresh,
)
from basekeeper.refresh.official import MAX_PACKED
from basekeeper.refresh.signals import MAX_EPSS_BYTES, MAX_KEV_BYTES
from basekeeper.values.finding import Truth
from basekeeper.values.reference import parse_reference
from tests.fakes.loopback import Answer, Loopback, serve
from tests.fakes.officiallist import archive, bundled
from tests.unit.refresh.test_signals import catalogue, scores

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from basekeeper.refresh import RefreshReport

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)
WHEN = NOW - timedelta(hours=3)
PATHS = {OFFICIAL_IMAGES: "/official.tar.gz", EXPLOITED: "/kev.json", SCORES: "/epss.csv.gz"}
FILES = {OFFICIAL_IMAGES: OFFICIAL, EXPLOITED: KEV_FILE, SCORES: EPSS_FILE}
DAILY = ("official", "kev", "epss")
LIST = archive(bundled() | {"brand-new": ["1.0 latest"]}, WHEN)
ETAG = {"ETag": '"one"', "Last-Modified": "Wed, 25 Nov 2026 21:00:00 GMT"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr("basekeeper.transport.client.FIRST_PAUSE", 0.001)
    with serve() as loopback:
        loopback.put(PATHS[OFFICIAL_IMAGES], Answer(LIST, headers=ETAG))
        loopback.put(PATHS[EXPLOITED], Answer(catalogue(), headers=ETAG))
        loopback.put(PATHS[SCORES], Answer(scores(), headers=ETAG))
        yield loopback


def run(
    server: Loopback, directory: Path, now: datetime = NOW, only: Collection[str] = DAILY
) -> RefreshReport:
    urls = {name: server.url + path for name, path in PATHS.items()}
    with wiring.open_fetch(list(urls.values())) as fetch:
        return refresh(directory, fetch, now, urls=urls, only=only)


def problems(report: RefreshReport) -> dict[str, str | None]:
    return {outcome.source: outcome.problem for outcome in report.outcomes}


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_takes_every_source_and_uses_it(server: Loopback, tmp_path: Path) -> None:
    report = run(server, tmp_path)
    told = [(one.source, one.updated, one.unit, one.problem) for one in report.outcomes]
    assert told == [
        (OFFICIAL_IMAGES, 145, "image", None),
        (EXPLOITED, 1405, "CVE", None),
        (SCORES, 100, "score", None),
    ]
    assert set(report.written) == {tmp_path / name for name in FILES.values()}
    assert set(contents(tmp_path)) == {*FILES.values(), FETCHED}
    facts = Catalogue.load(tmp_path)
    image = parse_reference("brand-new:1.0")
    assert facts.is_official(image).value is Truth.YES
    assert facts.is_official(image).as_of == NOW.date()
    tags = facts.tags_of(image)
    assert tags is not None
    assert "latest" in tags
    exploited = open_exploited(None, tmp_path, NOW)
    assert exploited.lookup(["CVE-2026-99999"]).answer.value is Truth.YES
    assert exploited.lookup(["CVE-2026-99998"]).answer.value is Truth.NO
    found = open_scores(None, tmp_path, NOW).lookup(["CVE-2020-10007"])
    assert found.score is not None
    assert found.score.probability == 0.00007


def test_asks_only_whether_anything_changed_the_second_time(
    server: Loopback, tmp_path: Path
) -> None:
    run(server, tmp_path)
    for path in PATHS.values():
        server.put(path, Answer(status=304))
    server.requests.clear()
    later = NOW + timedelta(days=2)
    report = run(server, tmp_path, later)
    for _, _, headers in server.requests:
        assert headers["if-none-match"] == '"one"'
        assert headers["if-modified-since"] == ETAG["Last-Modified"]
    assert report.is_complete
    assert all(one.is_unchanged for one in report.outcomes)
    assert [one.updated for one in report.outcomes] == [145, 1405, 100]
    assert Catalogue.load(tmp_path).is_official(parse_reference("brand-new")).as_of == later.date()
    # The catalogue is still that of the 25th, but it is known that nothing was added since.
    exploited = open_exploited(None, tmp_path, later + timedelta(days=3))
    assert exploited.lookup(["CVE-2026-99998"]).answer.value is Truth.NO
    assert {one.at for one in read_fetches(tmp_path).values()} == {later}
    assert report == run(server, tmp_path, later)


@pytest.mark.parametrize("name", list(FILES))
def test_asks_for_all_of_it_where_the_file_is_not_the_one_that_was_fetched(
    server: Loopback, tmp_path: Path, name: str
) -> None:
    run(server, tmp_path)
    file = tmp_path / FILES[name]
    data = file.read_bytes()
    if name != OFFICIAL_IMAGES:
        file.write_bytes(data[:-5])
    else:
        file.write_bytes(data + b"\n")
    server.requests.clear()
    report = run(server, tmp_path)
    assert problems(report) == dict.fromkeys(PATHS)
    asked = {path: "if-none-match" in headers for _, path, headers in server.requests}
    assert asked == {path: one != name for one, path in PATHS.items()}
    assert file.read_bytes() == data


def test_asks_for_all_of_it_from_another_address(server: Loopback, tmp_path: Path) -> None:
    run(server, tmp_path)
    server.requests.clear()
    urls = {name: f"{server.url}{path}?x" for name, path in PATHS.items()}
    with wiring.open_fetch(list(urls.values())) as fetch:
        refresh(tmp_path, fetch, NOW, urls=urls, only=DAILY)
    assert len(server.requests) == 3
    assert not any("if-none-match" in headers for _, _, headers in server.requests)


def test_a_server_that_was_not_asked_says_that_nothing_changed(
    server: Loopback, tmp_path: Path
) -> None:
    server.put(PATHS[EXPLOITED], Answer(status=304))
    assert problems(run(server, tmp_path))[EXPLOITED] == (
        f"{server.url}/kev.json answered with status 304"
    )


@pytest.mark.parametrize("etag", ["x" * 600, "\u00e9"])
def test_what_cannot_be_sent_back_is_not_kept(server: Loopback, tmp_path: Path, etag: str) -> None:
    server.put(PATHS[EXPLOITED], Answer(catalogue(), headers={"ETag": etag}))
    run(server, tmp_path, only=["kev"])
    assert not any(read_fetches(tmp_path)[EXPLOITED].validators)
    assert run(server, tmp_path, only=["kev"]).is_complete


PAGE = b"<!DOCTYPE html><title>Please sign in</title>" + b"x" * 2000
FAULTS: dict[str, tuple[Answer, list[str]]] = {
    "page": (Answer(PAGE), ["is no archive", "not valid JSON", "lacks the line with model"]),
    "empty": (Answer(b""), ["ends too early", "not valid JSON", "lacks the line with model"]),
    "missing": (Answer(PAGE, 404), ["answered with status 404"] * 3),
    "refused": (Answer(PAGE, 403), ["answered with status 403"] * 3),
    "busy": (Answer(b"", 503), ["answered with status 503"] * 3),
    "loop": (Answer(status=302, headers={"Location": ""}), ["redirect"] * 3),
    "downgraded": (
        Answer(status=302, headers={"Location": "http://evil.example/x"}),
        ["http is not allowed"] * 3,
    ),
    "inside": (
        Answer(status=302, headers={"Location": "https://169.254.169.254/latest/"}),
        ["169.254.169.254"] * 3,
    ),
    "cut off": (Answer(b"{", length=5000), ["peer closed connection"] * 3),
    "hung up": (Answer(hang_up=True), ["127.0.0.1"] * 3),
    "packed bomb": (
        Answer(gzip.compress(bytes(200_000_000)), headers={"Content-Encoding": "gzip"}),
        [
            f"larger than {MAX_PACKED} bytes",
            f"larger than {MAX_KEV_BYTES} bytes",
            f"larger than {MAX_EPSS_BYTES} bytes",
        ],
    ),
    "announced as huge": (Answer(b"x", length=10**12), ["larger than"] * 3),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_source_that_fails_leaves_what_it_owns_as_it_was(
    server: Loopback, tmp_path: Path, fault: str
) -> None:
    run(server, tmp_path)
    before = contents(tmp_path)
    answer, messages = FAULTS[fault]
    for path in PATHS.values():
        server.put(path, answer)
    report = run(server, tmp_path, NOW + timedelta(days=1))
    assert contents(tmp_path) == before
    assert report.written == ()
    assert not report.is_complete
    for outcome, message in zip(report.outcomes, messages, strict=True):
        assert message in (outcome.problem or "<none>"), outcome
        assert outcome.updated == 0


@pytest.mark.parametrize("broken", list(PATHS))
def test_one_source_that_fails_lets_the_others_through(
    server: Loopback, tmp_path: Path, broken: str
) -> None:
    server.put(PATHS[broken], Answer(PAGE))
    report = run(server, tmp_path)
    assert [one.source for one in report.outcomes if one.problem] == [broken]
    assert set(contents(tmp_path)) == {*FILES.values(), FETCHED} - {FILES[broken]}
    assert set(read_fetches(tmp_path)) == set(PATHS) - {broken}


@contextmanager
def killed(monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[None]:
    """End the program, as it were, at the n-th renaming."""
    count = 0
    rename = os.replace

    def replace(source: str, target: str) -> None:
        nonlocal count
        count += 1
        if count == at:
            raise KeyboardInterrupt
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", replace)
        with pytest.raises(KeyboardInterrupt):
            yield


@pytest.mark.parametrize("at", range(1, 7))
def test_a_run_that_ends_anywhere_leaves_every_file_whole(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    yesterday = NOW - timedelta(days=1)
    server.put(PATHS[OFFICIAL_IMAGES], Answer(archive(bundled(), yesterday)))
    server.put(PATHS[EXPLOITED], Answer(catalogue(yesterday)))
    server.put(PATHS[SCORES], Answer(scores(yesterday)))
    run(server, tmp_path, yesterday)
    old = contents(tmp_path)
    server.put(PATHS[OFFICIAL_IMAGES], Answer(LIST))
    server.put(PATHS[EXPLOITED], Answer(catalogue()))
    server.put(PATHS[SCORES], Answer(scores()))
    with killed(monkeypatch, at):
        run(server, tmp_path)
    found = contents(tmp_path)
    changed = {name for name in FILES.values() if found[name] != old[name]}
    assert changed == set(list(FILES.values())[: at // 2])
    assert set(found) == set(old)
    Catalogue.load(tmp_path)
    assert open_exploited(None, tmp_path, NOW).origin == "fetched"
    assert open_scores(None, tmp_path, NOW).origin == "fetched"
    # What is said of a file that was replaced since is not believed of it.
    assert run(server, tmp_path).is_complete
    assert set(read_fetches(tmp_path)) == set(PATHS)


def test_only_what_was_asked_for_is_fetched(server: Loopback, tmp_path: Path) -> None:
    report = run(server, tmp_path, only=["kev"])
    assert server.paths == [PATHS[EXPLOITED]]
    assert report.skipped == ()
    assert set(contents(tmp_path)) == {KEV_FILE, FETCHED}


def test_what_is_switched_off_or_kept_by_others_is_not_fetched(
    server: Loopback, tmp_path: Path
) -> None:
    urls = dict.fromkeys((END_OF_LIFE, DISTRO_INFO, OFFICIAL_IMAGES, SCORES), "")
    urls[EXPLOITED] = "/srv/kev.json"
    with wiring.open_fetch() as fetch:
        report = refresh(tmp_path / "new", fetch, NOW, urls=urls)
    assert (report.outcomes, report.written, server.requests) == ((), (), [])
    assert report.is_complete
    assert "kev: not fetched, as the settings name the file /srv/kev.json" in report.skipped
    assert "epss: switched off by the settings" in report.skipped
    assert not (tmp_path / "new").exists()


def test_a_list_of_todays_replaces_no_damaged_one_in_silence(
    server: Loopback, tmp_path: Path
) -> None:
    (tmp_path / OFFICIAL).write_text("{")
    with pytest.raises(InputError, match="not valid JSON") as caught:
        run(server, tmp_path)
    assert caught.value.hint == "delete the file and fetch it again with `basekeeper data update`"


def test_damaged_signals_are_replaced(server: Loopback, tmp_path: Path) -> None:
    (tmp_path / KEV_FILE).write_text("{")
    (tmp_path / EPSS_FILE).write_text("{")
    (tmp_path / FETCHED).write_text("{")
    assert run(server, tmp_path).is_complete
    assert open_exploited(None, tmp_path, NOW).is_current
    assert open_scores(None, tmp_path, NOW).is_current


def test_everything_is_readable_by_every_user(server: Loopback, tmp_path: Path) -> None:
    run(server, tmp_path)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o644}
    assert server.url not in json.dumps(contents(tmp_path)[FETCHED].decode())
    assert CALENDARS not in contents(tmp_path)
