from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.config.notifying import ChannelSettings
from basekeeper.config.settings import Settings
from basekeeper.config.storage import StorageSettings
from basekeeper.ledger.location import read_location
from basekeeper.values.event import Notice
from basekeeper.values.notifying import Audience, Later, Sent
from basekeeper.wiring.notifying import audiences, open_channels, open_outbox, ticking
from tests.fakes.loopback import Answer, Loopback, serve
from tests.unit.notify.making import NOW, message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from basekeeper.values.notifying import Delivery

KEY = "whsec_" + b64encode(b"s3cr3t" * 5).decode()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home, with nothing in it."""
    for name in ("XDG_CONFIG_HOME", "BASEKEEPER_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def receiver() -> Iterator[Loopback]:
    with serve() as loopback:
        loopback.put("/hook", Answer())
        yield loopback


def configured(**said: Any) -> Settings:
    channel = ChannelSettings(
        **{"audience": Audience(name="team"), "kind": "slack", "url_env": "URL", **said}
    )
    return Settings(storage=StorageSettings(notify=(channel,)))


def sent(settings: Settings, **environ: str) -> Delivery:
    with open_channels(settings, environ) as (channel,):
        assert channel.name == "team"
        found = channel.send(message(), now=NOW)
        assert "s3cr3t" not in f"{found!r} {channel!r}"
        return found


def test_without_settings_there_are_no_channels() -> None:
    assert audiences(Settings()) == ()
    with open_channels(Settings(), {}) as channels:
        assert channels == ()


def test_the_user_s_own_settings_count(home: Path, receiver: Loopback) -> None:
    (home / ".config" / "basekeeper").mkdir(parents=True)
    (home / ".config" / "basekeeper" / "settings.toml").write_text(
        '[[notify]]\nname = "team"\nkind = "slack"\nurl_env = "URL"\n', encoding="utf-8"
    )
    assert audiences(Settings()) == (Audience(name="team"),)
    assert sent(Settings(), URL=f" {receiver.url}/hook\n") == Sent()


def test_secrets_are_read_from_files(tmp_path: Path, receiver: Loopback) -> None:
    for name, text in (("url", f"{receiver.url}/hook\n"), ("key", KEY)):
        (tmp_path / name).write_text(text)
    settings = configured(
        kind="webhook", url_env=None, url_file=str(tmp_path / "url"),
        secret_file=(str(tmp_path / "key"),), secret_env=("KEY",),
    )  # fmt: skip
    assert sent(settings, KEY=KEY) == Sent()
    ((_, _, headers),) = receiver.requests
    assert headers["webhook-signature"].count("v1,") == 2
    assert headers["user-agent"].startswith("basekeeper/")


@pytest.mark.parametrize(
    ("said", "environ", "reason"),
    [
        ({}, {}, "environment variable URL is not set"),
        ({}, {"URL": " "}, "environment variable URL is not set"),
        ({}, {"URL": "hooks/s3cr3t"}, "URL holds no usable address"),
        ({}, {"URL": "https://u:s3cr3t@h/x"}, "URL holds no usable address"),
        ({}, {"URL": "ftp://h/s3cr3t"}, "URL holds no usable address"),
        ({}, {"URL": "http://hooks.example/s3cr3t"}, "URL holds an address without TLS"),
        ({"url_env": None, "url_file": "/none/x"}, {}, "/none/x cannot be read: No such file"),
        (
            {"kind": "webhook", "secret_env": ("KEY",)},
            {"URL": "https://h/x"},
            "environment variable KEY is not set",
        ),
        (
            {"kind": "webhook", "secret_env": ("KEY",)},
            {"URL": "https://h/x", "KEY": "s3cr3t"},
            "the key in KEY does not begin with whsec_",
        ),
    ],
)
def test_a_channel_without_its_secrets_says_why(
    said: dict[str, Any], environ: dict[str, str], reason: str
) -> None:
    found = sent(configured(**said), **environ)
    assert isinstance(found, Later)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize("data", [b"", b" \n", b"\xff\xfe"])
def test_a_file_without_a_secret_says_so(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "url").write_bytes(data)
    found = sent(configured(url_env=None, url_file=str(tmp_path / "url")))
    assert isinstance(found, Later)
    assert found.reason.startswith(str(tmp_path / "url"))


def test_a_private_network_is_spoken_to_only_where_that_is_said() -> None:
    found = sent(configured(), URL="https://10.255.255.1/s3cr3t")
    assert isinstance(found, Later)
    assert "10.255.255.1" in found.reason


def test_a_clock_goes_on_from_the_instant_of_the_run() -> None:
    clock = ticking(NOW)
    first, second = clock(), clock()
    assert NOW <= first <= second < NOW + timedelta(minutes=1)


def test_the_outbox_is_in_the_ledger_that_is_configured(tmp_path: Path) -> None:
    location = read_location(f"sqlite:{tmp_path / 'ledger'}")
    settings = Settings(storage=StorageSettings(ledger=location))
    notice = Notice(id="1", subject="acme/shop", channel="team", body="x")
    with open_outbox(settings, clock=ticking(NOW), ephemeral=True) as ledger:
        ledger.append([], [notice])
        assert [one.notice for one in ledger.claim(limit=1, lease=timedelta(0))] == [notice]
