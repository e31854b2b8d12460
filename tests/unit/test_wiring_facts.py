from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper import wiring
from basekeeper.config.advisories import AdvisorySettings
from basekeeper.config.settings import Settings
from basekeeper.config.storage import StorageSettings
from basekeeper.values.finding import Truth
from basekeeper.values.settings import HostSettings, RegistrySettings
from tests.unit.advisories.test_opening import VEX, catalogue, scores

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of the user, and files that they name."""
    (tmp_path / "kev.json").write_bytes(catalogue(NOW - timedelta(days=5), "CVE-2026-1001"))
    (tmp_path / "epss.csv.gz").write_bytes(scores(timedelta(days=10)))
    (tmp_path / "vex.json").write_text(json.dumps(VEX))
    path = tmp_path / "settings.toml"
    path.write_text(
        f'[advisories]\nkev = "{tmp_path}/kev.json"\nepss = "{tmp_path}/epss.csv.gz"\n'
        f'vex = ["{tmp_path}/vex.json"]\nkev_max_age = "6 days"\nepss_max_age = "2 weeks"\n'
        '[data.mirrors]\n"official-images" = "https://mirror.example/list.tar.gz"\n'
        '[registry."mirror.example"]\nca = "/ca.pem"\n[registry."other.example"]\nprivate = true\n'
    )
    monkeypatch.setenv("BASEKEEPER_SETTINGS", str(path))
    return tmp_path


def operator(**said: object) -> Settings:
    return Settings(storage=StorageSettings(advisories=AdvisorySettings(**said)))  # type: ignore[arg-type]


def test_opens_what_the_user_names() -> None:
    exploited = wiring.open_exploited(Settings(), now=NOW)
    assert exploited.origin == "file"
    assert exploited.lookup(["CVE-2026-1001"]).answer.value is Truth.YES
    assert exploited.lookup(["CVE-2026-1002"]).answer.value is Truth.NO
    found = wiring.open_scores(Settings(), now=NOW, wanted=["CVE-2026-1002"])
    assert found.probabilities == {"CVE-2026-1002": 0.7}
    assert found.lookup(["CVE-2026-1009"]).answer.value is Truth.NO
    assert [one.id for one in wiring.open_statements(Settings())] == [VEX["@id"]]


def test_the_operator_wins_key_by_key() -> None:
    said = operator(kev="", epss_max_age=timedelta(days=1), vex=())
    assert wiring.open_exploited(said, now=NOW).origin == "off"
    found = wiring.open_scores(said, now=NOW)
    assert (found.origin, found.is_current) == ("file", False)
    assert wiring.open_statements(said) == ()


def test_names_what_is_fetched_from_elsewhere(user: Path) -> None:
    assert wiring.sources(operator(kev="https://kev.example/")) == {
        "official-images": "https://mirror.example/list.tar.gz",
        "kev": "https://kev.example/",
        "epss": f"{user}/epss.csv.gz",
    }


def test_trusts_whom_user_and_operator_name_for_a_host() -> None:
    assert wiring.authorities(Settings()) == {"mirror.example": "/ca.pem"}
    hosts = {"mirror.example": HostSettings(ca="/op.pem"), "x.example:8443": HostSettings(ca="/x")}
    said = Settings(registry=RegistrySettings(hosts))
    assert wiring.authorities(said) == {"mirror.example": "/op.pem", "x.example:8443": "/x"}
