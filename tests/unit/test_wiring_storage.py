from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper import wiring
from basekeeper.config.scanning import ScanningSettings
from basekeeper.config.settings import Settings
from basekeeper.config.storage import StorageSettings
from basekeeper.errors import InputError, LedgerError
from basekeeper.ledger.location import read_location
from basekeeper.ledger.sql import open_ledger
from tests.contract.ledger_places import NODE, sight

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home, with nothing in it."""
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "BASEKEEPER_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    for name in (wiring.CACHE_VARIABLE, wiring.LEDGER_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def record(path: Path) -> str:
    text = f"sqlite:{path}"
    ledger = open_ledger(read_location(text), clock=lambda: NOW)
    ledger.append([sight()])
    ledger.close()
    return text


def test_without_a_ledger_there_are_no_sights() -> None:
    with wiring.open_sights(Settings()) as ledger:
        assert ledger is None


@pytest.mark.parametrize("by", ["environment", "operator", "user"])
def test_sights_are_read_from_the_ledger_that_was_named(
    by: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, settings = record(home / "ledger"), Settings()
    if by == "environment":
        monkeypatch.setenv(wiring.LEDGER_VARIABLE, text)
    elif by == "operator":
        settings = Settings(storage=StorageSettings(ledger=read_location(text)))
    else:
        (home / ".config" / "basekeeper").mkdir(parents=True)
        (home / ".config" / "basekeeper" / "settings.toml").write_text(
            f'[ledger]\nurl = "{text}"\n', encoding="utf-8"
        )
    with wiring.open_sights(settings) as ledger:
        assert ledger is not None
        assert len(ledger.first_seen([NODE])[NODE]) == 1


def test_ledger_that_is_missing_is_no_empty_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(wiring.LEDGER_VARIABLE, f"sqlite:{home}/none")
    with pytest.raises(LedgerError, match="No such file"), wiring.open_sights(Settings()):
        pass


def test_history_is_that_of_the_user_where_none_is_named(home: Path) -> None:
    with (
        pytest.raises(InputError, match="there is no ledger yet"),
        wiring.open_history(Settings(), start=home),
    ):
        pass
    path = home / ".local" / "state" / "basekeeper" / "ledger.sqlite"
    path.parent.mkdir(parents=True)
    text = record(path)
    with wiring.open_history(Settings(), start=home) as history:
        assert history.place == text
        assert len(list(history.ledger.events())) == 1


def test_history_is_the_named_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(wiring.LEDGER_VARIABLE, record(home / "named"))
    with wiring.open_history(Settings(), start=home) as history:
        assert history.place.endswith("/named")


@pytest.mark.parametrize(
    ("text", "near"),
    [("sqlite:/x", True), ("postgresql://h/d", False), ("branch:x", False), (None, True)],
)
def test_only_a_file_is_read_without_network(text: str | None, *, near: bool) -> None:
    ledger = None if text is None else read_location(text)
    settings = Settings(storage=StorageSettings(ledger=ledger))
    assert wiring.reads_without_network(settings) is near


def test_settings_name_the_repository_before_its_remote(home: Path) -> None:
    assert wiring.repository_name(Settings(), home) is None
    named = Settings(storage=StorageSettings(repository="a.example/b"))
    assert wiring.repository_name(named, home) == "a.example/b"


@pytest.mark.usefixtures("home")
def test_age_of_advisories_is_the_scanners() -> None:
    assert wiring.max_database_age(Settings()) == timedelta(hours=24)
    scanner = ScanningSettings(max_age=timedelta(hours=3))
    settings = Settings(storage=StorageSettings(scanner=scanner))
    assert wiring.max_database_age(settings) == timedelta(hours=3)


def test_cache_on_disk_is_where_the_environment_says(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(wiring.CACHE_VARIABLE, str(home / "here"))
    with wiring.open_cache(Settings()) as cache:
        cache.keep_answer("x", b"x", now=NOW)
    assert (home / "here" / "CACHEDIR.TAG").is_file()


def test_no_cache_writes_nothing(home: Path) -> None:
    with wiring.open_cache(Settings(), use_cache=False) as cache:
        cache.keep_answer("x", b"x", now=NOW)
    assert list(home.iterdir()) == []


def test_cache_that_cannot_be_used_is_told_of_at_the_end(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "there").mkdir()
    (home / "there" / "file").touch()
    monkeypatch.setenv(wiring.CACHE_VARIABLE, str(home / "there"))
    with wiring.open_cache(Settings()) as cache:
        cache.keep_answer("x", b"x", now=NOW)
        assert capsys.readouterr().err == ""
    err = capsys.readouterr().err
    assert err.startswith("notice: the cache ")
    assert err.count("\n") == 1


def test_relative_place_of_the_cache_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(wiring.CACHE_VARIABLE, "here")
    with pytest.raises(InputError, match="BASEKEEPER_CACHE_DIR"), wiring.open_cache(Settings()):
        pass
