from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from basekeeper.refresh import GROUPS
from tests.fakes.loopback import Answer, Loopback, serve
from tests.fakes.officiallist import archive, bundled
from tests.fakes.registry.certificates import make_certificates
from tests.integration.program import Outcome, environment, run
from tests.unit.refresh.test_signals import catalogue, scores
from tests.unit.transport.test_trust import server_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)
AT = ("--now", "2026-11-26T06:00:00Z")
ONLY = ("--only", "official", "--only", "kev", "--only", "epss")
SCHEMA = Draft202012Validator(
    json.loads(
        (files("basekeeper.render") / "schemas" / "data.schema.json").read_text(encoding="utf-8")
    )
)
NEW = {
    name: [line for line in lines if "slim" not in line] if name == "python" else lines
    for name, lines in bundled().items()
} | {"brand-new": ["1.0 latest"]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory to run in, below the home of its user."""
    place = tmp_path / "work"
    place.mkdir()
    return place


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        loopback.put("/list.tar.gz", Answer(archive(NEW, NOW - timedelta(hours=1))))
        loopback.put("/kev.json", Answer(catalogue(), headers={"ETag": '"k1"'}))
        loopback.put("/epss.csv.gz", Answer(scores()))
        yield loopback


def settings(root: Path, server: Loopback) -> dict[str, str]:
    path = root.parent / "settings.toml"
    path.write_text(
        f'[advisories]\nkev = "{server.url}/kev.json"\nepss = "{server.url}/epss.csv.gz"\n'
        f'[data.mirrors]\nofficial-images = "{server.url}/list.tar.gz"\n'
    )
    return {"BASEKEEPER_SETTINGS": str(path)}


def rows(root: Path, **more: str) -> dict[str, dict[str, object]]:
    document = run(root, "data", "info", "-f", "json", *AT, **more).json
    assert list(SCHEMA.iter_errors(document)) == []
    return {row["source"]: row for row in document["sources"]}


def test_fetches_from_where_the_user_says_and_tells_what_came(root: Path, server: Loopback) -> None:
    more = settings(root, server)
    outcome = run(root, "data", "update", *ONLY, *AT, **more)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "updated  official-images: 145 images",
        "updated  kev: 1,405 CVEs",
        "updated  epss: 100 scores",
    ]
    assert set(server.paths) == {"/list.tar.gz", "/kev.json", "/epss.csv.gz"}
    found = rows(root, **more)
    for name, count, age in (
        ("docker-library/official-images", 145, 0),
        ("CISA KEV", 1405, 0),
        ("EPSS", 100, 1),
    ):
        row = found[name]
        assert (row["entries"], row["age_days"], row["origin"]) == (count, age, "fetched")
        assert (row["stale"], row["problem"]) == (False, None)
    text = run(root, "data", "info", *AT, **more).out
    assert "CISA KEV                        2026-11-26  0 days " in text


def test_the_fetched_list_decides_what_is_official(root: Path, server: Loopback) -> None:
    more = settings(root, server)

    def official(image: str) -> object:
        judged = run(root, "explain", image, "-f", "json", *AT, **more).json
        return judged["judgement"]["quality"]["official_source"]["value"]

    assert official("brand-new:1.0") == "no"
    run(root, "data", "update", *ONLY, *AT, **more)
    assert official("brand-new:1.0") == "yes"


def test_asks_only_whether_anything_changed(root: Path, server: Loopback) -> None:
    more = settings(root, server)
    run(root, "data", "update", "--only", "kev", *AT, **more)
    server.put("/kev.json", Answer(status=304))
    outcome = run(root, "data", "update", "--only", "kev", *AT, **more)
    assert (outcome.code, outcome.out) == (0, "current  kev: 1,405 CVEs\n")
    assert server.requests[-1][2]["if-none-match"] == '"k1"'


def test_one_that_failed_is_named_and_the_rest_is_taken(root: Path, server: Loopback) -> None:
    more = settings(root, server)
    server.put("/list.tar.gz", Answer(archive({"alpine": ["1"]}, NOW)))
    outcome = run(root, "data", "update", *ONLY, *AT, **more)
    assert outcome.code == 3
    assert "updated  kev: 1,405 CVEs" in outcome.out
    assert "failed   official-images: only 1 of 144 known official images are on the list" in (
        outcome.out
    )
    assert rows(root, **more)["docker-library/official-images"]["origin"] == "bundled"


def test_the_command_line_wins_over_the_settings(root: Path, server: Loopback) -> None:
    more = settings(root, server)
    server.put("/other.json", Answer(catalogue()))
    url = f"{server.url}/other.json"
    outcome = run(root, "data", "update", "--only", "kev", "--mirror", f"kev={url}", *AT, **more)
    assert (outcome.code, server.paths) == (0, ["/other.json"])


def test_the_operator_wins_over_the_user_and_a_repository_has_no_say(
    root: Path, server: Loopback
) -> None:
    more = settings(root, server)
    hostile = '[advisories]\nkev = "http://evil.example/"\n[data.mirrors]\nofficial-images = ""\n'
    (root / "basekeeper.toml").write_text(hostile)
    policy = root.parent / "policy.toml"
    policy.write_text(f'[advisories]\nkev = "{server.url}/operator.json"\nepss = ""\n')
    server.put("/operator.json", Answer(catalogue()))
    outcome = run(root, "data", "update", *ONLY, "--policy", str(policy), *AT, **more)
    assert outcome.code == 0
    assert server.paths == ["/list.tar.gz", "/operator.json"]
    assert "kept     epss: switched off by the settings" in outcome.out
    info = run(root, "data", "info", "--policy", str(policy), *AT, **more).out
    assert "EPSS                            -           switched off" in info


def test_a_file_of_ones_own_is_not_fetched_and_told_of_where_it_is_missing(root: Path) -> None:
    (root.parent / "settings.toml").write_text(
        '[advisories]\nkev = "~/kev.json"\nepss = ""\n[data.mirrors]\nofficial-images = ""\n'
    )
    more = {"BASEKEEPER_SETTINGS": str(root.parent / "settings.toml")}
    outcome = run(root, "data", "update", *ONLY, *AT, **more)
    assert outcome.code == 0
    said = "".join(outcome.out.split())  # a long path is broken where lines end
    assert f"settingsnamethefile{root.parent}/kev.json" in said
    text = "".join(run(root, "data", "info", *AT, **more).out.split())
    assert f"exploitedvulnerabilitiesisnotused:{root.parent}/kev.json:isnofile" in text
    assert rows(root, **more)["CISA KEV"]["stale"] is True
    (root.parent / "kev.json").write_bytes(catalogue())
    assert rows(root, **more)["CISA KEV"]["origin"] == "file"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('[advisories]\nkev = "kev.json"', "advisories.kev: 'kev.json' is neither a URL nor"),
        ('[data.mirrors]\nkev = "https://x/"', "data.mirrors.kev: is not known here"),
    ],
)
def test_wrong_settings_are_told_of(root: Path, line: str, problem: str) -> None:
    (root.parent / "settings.toml").write_text(line)
    more = {"BASEKEEPER_SETTINGS": str(root.parent / "settings.toml")}
    for verb in ("info", "update"):
        outcome = run(root, "data", verb, **more)
        assert outcome.code == 2
        assert problem in " ".join(outcome.err.split())


def killed_while_fetching(root: Path, server: Loopback, path: str, **more: str) -> None:
    """Run an update in a process of its own, and kill it while it waits for an answer."""
    asked, go_on = threading.Event(), threading.Event()

    def wait(asked_path: str, _: object) -> Answer | None:
        if asked_path == path:
            asked.set()
            go_on.wait(30)
        return None

    server.decide = wait
    command = [sys.executable, "-m", "basekeeper", "data", "update", *ONLY, *AT]
    env = environment(root.parent, **more)
    with subprocess.Popen(command, cwd=root, env=env, stdout=subprocess.DEVNULL) as process:
        try:
            assert asked.wait(30)
        finally:
            process.kill()
            go_on.set()
    server.decide = lambda _path, _headers: None


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/list.tar.gz", set()),
        ("/kev.json", {"official-images.json", "fetched.json"}),
        ("/epss.csv.gz", {"official-images.json", "known-exploited.json", "fetched.json"}),
    ],
)
def test_a_run_that_is_killed_between_downloads_leaves_nothing_half_written(
    root: Path, server: Loopback, path: str, written: set[str]
) -> None:
    more = settings(root, server)
    killed_while_fetching(root, server, path, **more)
    directory = root.parent / ".local" / "share" / "basekeeper"
    found = {one.name for one in directory.iterdir()} if directory.exists() else set()
    assert found == written
    assert "fetched" in {row["origin"] for row in rows(root, **more).values()} or not written
    outcome: Outcome = run(root, "data", "update", *ONLY, *AT, **more)
    assert outcome.code == 0


def test_a_mirror_may_have_an_authority_of_its_own(root: Path, tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with serve(server_context(certificates)) as secure:
        secure.put("/kev.json", Answer(catalogue()))
        host = f"localhost:{secure.port}"
        lines = f'[advisories]\nkev = "https://{host}/kev.json"\n'
        path = root.parent / "settings.toml"
        path.write_text(lines)
        more = {"BASEKEEPER_SETTINGS": str(path)}
        refused = run(root, "data", "update", "--only", "kev", *AT, **more)
        assert refused.code == 3
        assert "certificate" in refused.out
        path.write_text(f'{lines}[registry."{host}"]\nca = "{certificates.authority}"\n')
        outcome = run(root, "data", "update", "--only", "kev", *AT, **more)
        assert (outcome.code, outcome.out) == (0, "updated  kev: 1,405 CVEs\n")


def test_help_names_all_that_can_be_refreshed_by_itself(root: Path) -> None:
    assert f"--only [{'|'.join(GROUPS)}]" in run(root, "data", "update", "--help").out
