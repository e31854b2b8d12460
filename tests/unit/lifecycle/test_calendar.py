from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from basekeeper.lifecycle.calendar import Product, Release, newest_first
from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.values.finding import Truth

AS_OF = date(2026, 8, 22)
YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def release(cycle: str, **days: str | bool | None) -> Release:
    ended = days.pop("ended", False)
    codename = days.pop("codename", None)
    return Release(
        cycle=cycle,
        source="test",
        as_of=AS_OF,
        codename=codename if isinstance(codename, str) else None,
        ended=ended is True,
        **{key: day(value) for key, value in days.items() if not isinstance(value, bool)},  # type: ignore[arg-type]
    )


def product(*releases: Release, **settings: object) -> Product:
    return Product(
        name="app",
        title="App",
        source="test",
        as_of=AS_OF,
        axis="application",
        images=(),
        releases=newest_first(list(releases)),
        **settings,  # type: ignore[arg-type]
    )


def bundled(name: str) -> Product:
    found = Catalogue.bundled().product(name)
    assert found is not None
    return found


class TestSupport:
    @pytest.mark.parametrize(
        ("now", "supported"),
        [("2026-04-29", YES), ("2026-04-30", YES), ("2026-05-01", NO)],
    )
    def test_lasts_through_its_last_day(self, now: str, supported: Truth) -> None:
        line = release("20", released="2023-04-18", end_of_life="2026-04-30")
        assert line.supported(at(now)).value is supported

    def test_counts_the_distributions_own_long_term_support(self) -> None:
        line = release(
            "12", released="2023-06-10", end_of_life="2026-07-11", lts_until="2028-06-30"
        )
        answer = line.supported(at("2026-11-23"))
        assert answer.value is YES
        assert answer.reason == "in its own long-term support until 2028-06-30"
        assert line.supported_until == date(2028, 6, 30)

    def test_does_not_count_paid_extensions(self) -> None:
        line = release("20.04", end_of_life="2025-05-29", extended_until="2030-04-23")
        assert line.supported(at("2026-11-23")).value is NO

    def test_without_an_announced_end_is_support(self) -> None:
        answer = release("1", released="2020-01-01").supported(at("2026-11-23"))
        assert (answer.value, answer.reason) == (YES, "no end of support is announced")

    def test_an_end_on_an_unknown_day_is_an_end(self) -> None:
        assert release("1", ended=True).supported(at("2026-11-23")).value is NO

    def test_is_unknown_before_the_release(self) -> None:
        line = release("27", released="2027-04-20", end_of_life="2030-04-30")
        assert line.supported(at("2026-11-23")).value is UNKNOWN

    def test_long_term_support_alone_is_an_end_too(self) -> None:
        assert release("1", lts_until="2025-01-01").supported(at("2026-11-23")).value is NO

    def test_carries_its_source_and_day(self) -> None:
        answer = release("1").supported(at("2026-11-23"))
        assert (answer.source, answer.as_of) == ("test", AS_OF)


@pytest.mark.parametrize(
    ("name", "cycle", "now", "supported"),
    [
        ("nodejs", "20", "2026-11-23", NO),
        ("debian", "12", "2026-11-23", YES),
        ("debian", "11", "2026-08-31", YES),
        ("debian", "11", "2026-09-01", NO),
        ("alpine-linux", "3.21", "2026-11-01", YES),
        ("alpine-linux", "3.21", "2026-11-02", NO),
        ("dotnet", "8", "2026-11-11", NO),
        ("dotnet", "9", "2026-11-11", NO),
        ("python", "3.10", "2026-11-01", NO),
        ("postgresql", "14", "2026-11-13", NO),
        ("ubuntu", "25.10", "2026-11-23", NO),
        ("ubuntu", "22.04", "2026-11-23", YES),
        ("ubuntu", "26.10", "2026-10-14", UNKNOWN),
        ("distroless-nodejs", "debian12", "2026-02-01", NO),
        ("distroless", "debian12", "2026-09-30", YES),
        ("go", "1.25", "2026-11-23", NO),
        ("amazon-linux", "2", "2026-11-23", NO),
    ],
)
def test_bundled_dates(name: str, cycle: str, now: str, supported: Truth) -> None:
    line = bundled(name).line_of(cycle)
    assert line is not None
    assert line.supported(at(now)).value is supported


@pytest.mark.parametrize(
    ("name", "now", "cycle", "since"),
    [
        ("nodejs", "2026-10-27", "24", "2025-10-28"),
        ("nodejs", "2026-10-28", "26", "2026-10-28"),
        ("python", "2026-11-23", "3.14", "2025-10-07"),
        ("ubuntu", "2026-11-23", "26.04", "2026-04-23"),
        ("nginx", "2026-11-23", "1.30", "2026-04-14"),
        ("debian", "2026-11-23", "13", "2025-08-09"),
        ("eclipse-temurin", "2026-11-23", "25", "2025-09-22"),
        ("dotnet", "2026-11-23", "10", "2025-11-11"),
        ("composer", "2026-11-23", "2.10", "2026-05-28"),
        ("mysql", "2026-11-23", "9.7", "2026-04-21"),
        ("rhel", "2026-11-23", "10", "2025-05-20"),
    ],
)
def test_bundled_current_lines(name: str, now: str, cycle: str, since: str) -> None:
    line = bundled(name).current_line(at(now))
    assert line is not None
    assert line.cycle == cycle
    assert bundled(name).current_since(at(now)) == date.fromisoformat(since)


class TestCurrentLine:
    def test_is_the_newest_lts_line_where_there_are_such(self) -> None:
        app = product(
            release("24", released="2025-05-06", lts_since="2025-10-28"),
            release("25", released="2025-10-15"),
        )
        now = at("2026-01-01")
        assert app.is_current(app.releases[1], now).value is YES
        answer = app.is_current(app.releases[0], now)
        assert answer.value is NO
        assert answer.reason == "25 is no LTS line; the newest LTS line is 24"

    def test_an_older_lts_line_is_behind(self) -> None:
        app = product(
            release("24", released="2025-05-06", lts_since="2025-10-28"),
            release("22", released="2024-04-24", lts_since="2024-10-29"),
        )
        answer = app.is_current(app.releases[1], at("2026-01-01"))
        assert answer.reason == "the newest LTS line is 24"

    def test_falls_back_to_stable_lines_when_no_lts_line_lives(self) -> None:
        app = product(
            release("2.9", released="2026-06-25"),
            release("2.5", released="2025-09-10", lts_since="2025-11-01", end_of_life="2026-04-30"),
        )
        line = app.current_line(at("2026-11-23"))
        assert line is not None
        assert line.cycle == "2.9"

    def test_even_minors_can_be_the_stable_ones(self) -> None:
        app = product(
            release("1.31", released="2026-05-13"),
            release("1.30", released="2026-04-14"),
            release("2", released="2020-01-01", ended=True),
            even_minor_is_stable=True,
        )
        now = at("2026-11-23")
        assert app.is_current(app.releases[2], now).reason == "1.30 is the newest stable line"
        newer = app.is_current(app.releases[1], now)
        assert (newer.value, newer.reason) == (YES, "newer than the newest stable line 1.30")

    def test_a_product_without_a_living_line_has_none(self) -> None:
        app = product(release("7", end_of_life="2024-06-30"))
        now = at("2026-11-23")
        assert app.current_line(now) is None
        assert app.current_since(now) is None
        answer = app.is_current(app.releases[0], now)
        assert (answer.value, answer.reason) == (NO, "no line of App is supported any more")

    def test_ignores_lines_that_are_not_out_yet(self) -> None:
        app = product(release("2", released="2027-01-01"), release("1", released="2026-01-01"))
        line = app.current_line(at("2026-11-23"))
        assert line is not None
        assert line.cycle == "1"

    def test_the_newest_line_is_behind_when_it_is_dead(self) -> None:
        app = product(
            release("2", released="2025-01-01", end_of_life="2025-06-01"),
            release("1", released="2024-01-01"),
        )
        answer = app.is_current(app.releases[0], at("2026-11-23"))
        assert (answer.value, answer.reason) == (NO, "the newest stable line is 1")


@pytest.mark.parametrize(
    ("name", "version", "cycle"),
    [
        ("nodejs", "22", "22"),
        ("nodejs", "22.11.0", "22"),
        ("nodejs", "krypton", "24"),
        ("python", "3.12.4", "3.12"),
        ("python", "3", None),
        ("python", "3.99", None),
        ("php", "8.3.1", "8.3"),
        ("postgresql", "16.4", "16"),
        ("postgresql", "9.6.24", "9.6"),
        ("debian", "bookworm", "12"),
        ("debian", "12.5", "12"),
        ("ubuntu", "noble", "24.04"),
        ("ubuntu", "Noble Numbat", "24.04"),
        ("distroless", "debian12", "debian12"),
        ("dotnet", "8.0", "8"),
        ("dotnet", "3.1.32", "3.1"),
        ("redis", "7", None),
        ("eclipse-temurin", "21.0.5", "21"),
        ("go", "1.2", None),
        ("alpine-linux", "v3.20", "3.20"),
        ("alpine-linux", "edge", None),
    ],
)
def test_finds_the_line_of_a_version(name: str, version: str, cycle: str | None) -> None:
    line = bundled(name).line_of(version)
    assert (None if line is None else line.cycle) == cycle


@pytest.mark.parametrize(
    ("name", "version", "cycle"),
    [("python", "3", "3.14"), ("redis", "7", "7.4"), ("nodejs", "22", None), ("debian", "x", None)],
)
def test_finds_the_newest_line_within_a_short_version(
    name: str, version: str, cycle: str | None
) -> None:
    line = bundled(name).newest_within(version, at("2026-11-23"))
    assert (None if line is None else line.cycle) == cycle


@pytest.mark.parametrize(
    ("version", "newer"),
    [("1", "2"), ("2.5", "3"), ("4", None), ("5.5", None), ("7", None), ("edge", None)],
)
def test_what_is_older_than_a_dead_line_is_dead(version: str, newer: str | None) -> None:
    app = product(
        release("6", released="2026-01-01"),
        release("5", released="2025-01-01"),
        release("3", end_of_life="2020-01-01"),
        release("2", end_of_life="2019-01-01"),
    )
    found = app.outlived_by(version, at("2026-11-23"))
    assert (None if found is None else found.cycle) == newer


@pytest.mark.parametrize(
    ("name", "word", "cycle"),
    [
        ("nodejs", "lts", "26"),
        ("nodejs", "current", "26"),
        ("debian", "stable", "13"),
        ("debian", "oldstable", "12"),
        ("debian", "oldoldstable", "11"),
        ("ubuntu", "latest", "26.04"),
        ("ubuntu", "rolling", "26.10"),
        ("nginx", "mainline", "1.31"),
        ("python", "lts", None),
    ],
)
def test_resolves_documented_channels(name: str, word: str, cycle: str | None) -> None:
    line = bundled(name).channel(word, at("2026-11-23"))
    assert (None if line is None else line.cycle) == cycle


def test_a_channel_of_an_unknown_kind_or_place_names_nothing() -> None:
    app = product(release("1"), channels={"odd": "sideways", "old": "third"})
    assert app.channel("odd", at("2026-11-23")) is None
    assert app.channel("old", at("2026-11-23")) is None


def test_lines_are_ordered_by_version_not_by_day() -> None:
    lines = newest_first([release("3.9"), release("edge"), release("3.10"), release("2")])
    assert [line.cycle for line in lines] == ["3.10", "3.9", "2", "edge"]
