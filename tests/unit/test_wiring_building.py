from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from basekeeper.builders.buildah import Buildah
from basekeeper.config.building import RunnerSettings
from basekeeper.config.settings import Settings
from basekeeper.config.storage import StorageSettings
from basekeeper.process import ProgramMissing
from basekeeper.wiring.building import open_builder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))


def settings(runner: RunnerSettings) -> Settings:
    return Settings(storage=StorageSettings(runner=runner))


def test_nothing_builds_unless_somebody_turned_it_on() -> None:
    assert open_builder(Settings(), ended=Event()) is None
    assert open_builder(settings(RunnerSettings(program="/x")), ended=Event()) is None


def test_a_builder_that_is_missing_is_told_with_the_remedy() -> None:
    with pytest.raises(ProgramMissing, match="'buildah' was not found") as caught:
        open_builder(settings(RunnerSettings(builder="buildah")), ended=Event())
    assert "apt-get install buildah" in (caught.value.hint or "")


def test_the_user_turns_it_on(tmp_path: Path) -> None:
    (tmp_path / "basekeeper").mkdir()
    text = '[runner]\nbuilder = "buildah"\nprogram = "/opt/buildah"\n'
    (tmp_path / "basekeeper" / "settings.toml").write_text(text, encoding="utf-8")
    assert isinstance(open_builder(Settings(), ended=Event()), Buildah)
