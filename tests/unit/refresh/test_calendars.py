from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.errors import InputError, TransportError
from basekeeper.lifecycle.catalogue import CALENDARS, Catalogue
from basekeeper.refresh import DISTRO_INFO, END_OF_LIFE, Fetched, data_info, refresh
from basekeeper.refresh.model import NOTHING
from basekeeper.transport.client import Limits, Transport
from basekeeper.values.finding import Truth
from tests.fakes.loopback import Answer, Loopback, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from basekeeper.refresh import RefreshReport, Validators

NOW = datetime(2026, 11, 23, 21, tzinfo=UTC)
DEBIAN = "version,codename,series,created,release,eol,eol-lts,eol-elts\n"
UBUNTU = "version,codename,series,created,release,eol,eol-server,eol-esm,eol-legacy\n"


def as_api(name: str, **more: object) -> dict[str, Any]:
    """A bundled product as the API would give it."""
    product = Catalogue.bundled().raw_calendars()["products"][name]
    releases = [
        {
            "name": line["cycle"],
            "codename": None,
            "releaseDate": line.get("released"),
            "isLts": line.get("lts") is True,
            "ltsFrom": line["lts"] if isinstance(line.get("lts"), str) else None,
            "eoasFrom": line.get("active_support_until"),
            "isEol": line.get("end_of_life") is True,
            "eolFrom": line["end_of_life"] if isinstance(line.get("end_of_life"), str) else None,
            "eoesFrom": line.get("extended_until"),
            "latest": {"name": line.get("latest"), "date": line.get("latest_released")},
        }
        for line in product["releases"]
    ]
    return {"name": name, "label": product["title"], "releases": releases} | more


def dump(change: Callable[[list[dict[str, Any]]], object] = lambda _: None) -> bytes:
    """The whole API dump, changed by a test."""
    products = [as_api(name) for name in Catalogue.bundled().product_names]
    change(products)
    return json.dumps({"schema_version": "1.2.0", "result": products}).encode()


def debian_csv() -> bytes:
    rows = "".join(
        f"{line['cycle']},{line['codename']},x,2000-01-01,{line['released']},"
        f"{line.get('end_of_life', '')},{line.get('lts_until', '')},\n"
        for line in reversed(Catalogue.bundled().raw_calendars()["products"]["debian"]["releases"])
    )
    return (DEBIAN + rows + "14,Forky,forky,2025-08-09,2027-07-01\n,Sid,sid,1993-08-16\n").encode()


def ubuntu_csv() -> bytes:
    rows = "".join(
        f"{line['cycle']}{' LTS' if line.get('lts') else ''},{line['codename']},x,2000-01-01,"
        f"{line['released']},{line.get('end_of_life', '')},,{line.get('extended_until', '')},\n"
        for line in reversed(Catalogue.bundled().raw_calendars()["products"]["ubuntu"]["releases"])
    )
    return (UBUNTU + rows + "27.04 LTS,Testing Tapir,testing,x,2027-04-15,2028-01-15\n").encode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with serve() as loopback:
        loopback.put("/full", Answer(dump()))
        loopback.put("/distro/debian.csv", Answer(debian_csv()))
        loopback.put("/distro/ubuntu.csv", Answer(ubuntu_csv()))
        yield loopback


def run(server: Loopback, directory: Path, limits: Limits | None = None) -> RefreshReport:
    limits = limits or Limits(timeout=5, retries=1)
    with Transport(limits, allow_http=(server.host,), sleep=lambda _: None) as transport:

        def fetch(url: str, known: Validators = NOTHING, *, max_bytes: int = 0) -> Fetched:
            del known, max_bytes
            response = transport.get(url)
            if not response.is_success:
                raise TransportError(f"{url}: status {response.status}")
            return Fetched(response.body)

        urls = {END_OF_LIFE: f"{server.url}/full", DISTRO_INFO: f"{server.url}/distro"}
        return refresh(directory, fetch, NOW, urls=urls, only=["calendars"])


def problems(report: RefreshReport) -> dict[str, str | None]:
    return {outcome.source: outcome.problem for outcome in report.outcomes}


def test_a_refresh_of_unchanged_facts_only_moves_their_day(
    server: Loopback, tmp_path: Path
) -> None:
    report = run(server, tmp_path)
    assert report.is_complete, report.outcomes
    assert report.written == (tmp_path / CALENDARS,)
    fresh, old = Catalogue.load(tmp_path), Catalogue.bundled()
    assert fresh.as_of["endoflife.date"] == NOW.date()
    assert fresh.as_of["distro-info-data"] == NOW.date()
    assert fresh.as_of["distroless"] == old.as_of["distroless"]
    assert fresh.product_names == old.product_names
    for name in old.product_names:
        mine, theirs = fresh.product(name), old.product(name)
        assert mine is not None
        assert theirs is not None
        assert (mine.images, mine.channels) == (theirs.images, theirs.channels)
        known = [line.cycle for line in mine.releases]
        assert set(known) >= {line.cycle for line in theirs.releases}
        for line in theirs.releases:
            found = mine.line_of(line.cycle)
            assert found is not None
            assert found.supported(NOW).value is line.supported(NOW).value, (name, line.cycle)
            assert found.is_lts(NOW) is line.is_lts(NOW), (name, line.cycle)
            assert found.codename == line.codename


def test_new_lines_arrive(server: Loopback, tmp_path: Path) -> None:
    def add(products: list[dict[str, Any]]) -> None:
        python = next(one for one in products if one["name"] == "python")
        line = {"name": "3.15", "releaseDate": "2026-10-01", "eolFrom": "2031-10-31"}
        python["releases"].insert(0, line)

    server.put("/full", Answer(dump(add)))
    run(server, tmp_path)
    python, debian = (Catalogue.load(tmp_path).product(name) for name in ("python", "debian"))
    assert python is not None
    line = python.current_line(NOW)
    assert line is not None
    assert (line.cycle, line.as_of) == ("3.15", NOW.date())
    assert debian is not None
    forky = debian.line_of("forky")
    assert forky is not None
    assert forky.supported(NOW).value is Truth.UNKNOWN


def test_the_long_term_mark_of_ubuntu_is_read(server: Loopback, tmp_path: Path) -> None:
    run(server, tmp_path)
    ubuntu = Catalogue.load(tmp_path).product("ubuntu")
    assert ubuntu is not None
    line = ubuntu.line_of("27.04")
    assert line is not None
    assert line.lts_since == date(2027, 4, 15)
    assert line.end_of_life == date(2028, 1, 15)


def left_over(path: Path, at: datetime) -> Path:
    path.write_text("half")
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def test_removes_what_a_killed_refresh_left_a_day_ago(server: Loopback, tmp_path: Path) -> None:
    prefix = f".{CALENDARS}."
    left_over(tmp_path / f"{prefix}old", NOW - timedelta(days=1, seconds=1))
    running = left_over(tmp_path / f"{prefix}new", NOW - timedelta(hours=23))
    other = left_over(tmp_path / ".other.old", NOW - timedelta(days=30))
    folder = tmp_path / f"{prefix}folder"
    folder.mkdir()
    os.utime(folder, (0, 0))
    run(server, tmp_path)
    assert set(tmp_path.iterdir()) == {tmp_path / CALENDARS, running, other, folder}


def test_what_was_left_and_cannot_be_removed_does_no_harm(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = left_over(tmp_path / f".{CALENDARS}.old", NOW - timedelta(days=2))

    def refuse(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    assert run(server, tmp_path).written
    assert old.exists()


def test_a_second_refresh_builds_on_the_first(server: Loopback, tmp_path: Path) -> None:
    run(server, tmp_path)
    first = (tmp_path / CALENDARS).read_bytes()
    run(server, tmp_path)
    assert (tmp_path / CALENDARS).read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == [CALENDARS]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(b"<html>", 200), "the answer is not JSON"),
        (Answer(b"", 200), "the answer is not JSON"),
        (Answer(b"[]", 200), "the answer has no list of products"),
        (Answer(b'{"result": {}}', 200), "the answer has no list of products"),
        (Answer(b'{"result": []}', 200), "only 0 of 86 known products are in the answer"),
        (Answer(b'{"result": [{"name": {}}]}', 200), "only 0 of 86 known products are in the"),
        (Answer(b'{"result": [1, 2]}', 200), "only 0 of 86 known products are in the answer"),
        (Answer(b"gone", 410), "status 410"),
        (Answer(b"down", 503), "status 503"),
        (Answer(b'{"result": [', length=100_000), "peer closed connection"),
        (Answer(status=302, headers={"Location": "http://evil.example/"}), "http is not allowed"),
        (Answer(b"x" * 2_000_000), "larger than 1000000 bytes"),
        (
            Answer(dump(lambda all_: all_.__delitem__(slice(20, None)))),
            "only 20 of 86 known products are in the answer",
        ),
        (
            Answer(dump(lambda all_: [one.update(releases=[]) for one in all_])),
            "releases are left",
        ),
        (
            Answer(dump(lambda all_: [one.update(releases={}) for one in all_])),
            "expected a list of releases",
        ),
        (
            Answer(dump(lambda all_: all_[0]["releases"][0].update(eolFrom="soon"))),
            "almalinux 10: end_of_life: expected a day",
        ),
        (
            Answer(dump(lambda all_: all_[0]["releases"][0].update(name=None))),
            "almalinux: a release has no usable cycle",
        ),
        (
            Answer(dump(lambda all_: all_[0]["releases"][0].update(latest="1.0"))),
            None,
        ),
    ],
)
def test_a_bad_source_leaves_what_it_owns_and_lets_the_others_through(
    server: Loopback, tmp_path: Path, answer: Answer, problem: str | None
) -> None:
    server.put("/full", answer)
    report = run(server, tmp_path, Limits(timeout=5, retries=0, max_bytes=1_000_000))
    found = problems(report)
    assert found[DISTRO_INFO] is None
    fresh = Catalogue.load(tmp_path)
    assert fresh.as_of[DISTRO_INFO] == NOW.date()
    if problem is None:
        assert found[END_OF_LIFE] is None
        return
    assert problem in (found[END_OF_LIFE] or "")
    assert not report.is_complete
    assert fresh.as_of[END_OF_LIFE] == Catalogue.bundled().as_of[END_OF_LIFE]
    assert fresh.product("nodejs") == Catalogue.bundled().product("nodejs")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "debian: the answer has not the columns of distro-info-data"),
        (b"a,b\n1,2\n", "debian: the answer has not the columns of distro-info-data"),
        (b"\xff\xfe", "debian: the answer is not a table in UTF-8"),
        ((DEBIAN + "13,Trixie,trixie,x,soon,\n").encode(), "13: release: expected a day"),
        ((DEBIAN + "13,Trixie,trixie,x,2025-08-09,\n").encode(), "debian: only 1 of "),
        (DEBIAN.encode() + b"13," + b"x" * 200_000, "debian: the answer is not a table"),
    ],
)
def test_a_bad_table_leaves_the_distributions_as_they_were(
    server: Loopback, tmp_path: Path, body: bytes, problem: str
) -> None:
    server.put("/distro/debian.csv", Answer(body))
    found = problems(run(server, tmp_path))
    assert found[END_OF_LIFE] is None
    assert problem in (found[DISTRO_INFO] or "")
    assert Catalogue.load(tmp_path).product("debian") == Catalogue.bundled().product("debian")


def test_nothing_is_written_when_every_source_fails(server: Loopback, tmp_path: Path) -> None:
    server.answers.clear()
    report = run(server, tmp_path / "new")
    assert report.written == ()
    assert not (tmp_path / "new").exists()
    assert {outcome.updated for outcome in report.outcomes} == {0}


def test_a_directory_that_cannot_be_written_is_an_error(server: Loopback, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"Not a directory|File exists") as caught:
        run(server, tmp_path / "file" / "data")
    assert caught.value.hint is not None


def test_what_was_written_may_be_read_by_every_user(server: Loopback, tmp_path: Path) -> None:
    run(server, tmp_path)
    assert (tmp_path / CALENDARS).stat().st_mode & 0o777 == 0o644


def test_a_failed_write_leaves_no_trace(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(InputError, match="No space left on device"):
        run(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_tells_the_age_of_all_facts() -> None:
    infos = {info.source: info for info in data_info(Catalogue.bundled(), NOW)}
    calendars = infos["endoflife.date"]
    assert (calendars.licence, calendars.as_of) == ("MIT", date(2026, 8, 22))
    assert calendars.age == timedelta(days=93)
    assert calendars.is_stale
    assert calendars.count == 86
    assert infos["docker-library/official-images"].count == 144
