from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from basekeeper.config.forging import ForgeSettings
from basekeeper.config.settings import Settings
from basekeeper.config.storage import StorageSettings
from basekeeper.errors import ForgeError, ForgeFailure, InputError
from basekeeper.values.forge import RepositoryRef
from basekeeper.wiring.forging import MAX_SECRET_BYTES, open_forge
from tests.fakes.github import serving

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def settings(**said: object) -> Settings:
    forge = ForgeSettings(**said)  # type: ignore[arg-type]
    return Settings(storage=StorageSettings(forge=forge))


def test_the_forge_of_the_settings_is_asked_with_their_token(tmp_path: Path) -> None:
    with serving(tmp_path / "forge") as github:
        github.world.user("keeper", token="t0ken")  # noqa: S106  # of the simulator
        github.world.repository("acme/shop", {"a": b"a"})
        file = tmp_path / "token"
        file.write_text("t0ken\n", encoding="utf-8")
        for said, environ in (
            ({"token_env": "T"}, {"T": " t0ken "}), ({"token_file": str(file)}, {}),
            ({}, {"GITHUB_TOKEN": "t0ken"}),
        ):  # fmt: skip
            chosen = settings(url=github.url, **said)
            with open_forge(chosen, now=NOW, environ=environ) as forge:
                found = forge.repository(RepositoryRef("acme", "shop"))
            assert found.default_branch == "main"
            with pytest.raises(ForgeError) as caught:
                forge.repository(RepositoryRef("acme", "shop"))
            assert caught.value.failure in {ForgeFailure.TRANSIENT, ForgeFailure.REFUSED}


@pytest.mark.parametrize(
    ("said", "environ", "problem"),
    [
        ({}, {}, "environment variable GITHUB_TOKEN holds no token"),
        ({"token_env": "T"}, {"GITHUB_TOKEN": "x"}, "environment variable T holds no token"),
        ({"token_env": "T"}, {"T": "  "}, "environment variable T holds no token"),
        ({"token_env": "T"}, {"T": "s3cr3t\N{EURO SIGN}"}, "is no token or key"),
        ({"token_env": "T"}, {"T": "s3cr3t" * MAX_SECRET_BYTES}, "is no token or key"),
        ({"token_file": "/nowhere/at/all"}, {}, "cannot be read: No such file"),
        ({"app": "1", "installation": 2, "key_env": "K"}, {}, "variable K holds no token or key"),
    ],
)
def test_a_secret_that_is_missing_is_named_and_not_shown(
    said: dict[str, object], environ: dict[str, str], problem: str
) -> None:
    with (
        pytest.raises(InputError, match=problem) as caught,
        open_forge(settings(**said), now=NOW, environ=environ),
    ):
        pass
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.hint


def test_an_app_without_a_usable_key_is_told_when_it_is_asked() -> None:
    said = settings(app="1", installation=2, key_env="K", url="http://127.0.0.1:9")
    with (
        open_forge(said, now=NOW, environ={"K": "s3cr3t"}) as forge,
        pytest.raises(ForgeError, match="no private RSA key") as caught,
    ):
        forge.capabilities()
    assert "s3cr3t" not in str(caught.value)
