"""`scan`, run as a user would, with the real Trivy, a real registry and a small real database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tests.fakes import grypedb, trivydb
from tests.fakes.provisioned import provisioned
from tests.fakes.realregistry.fixtures import image_layout, real_registries
from tests.fakes.trivydb import CRITICAL, HIGH, LATER, LOW, MEDIUM
from tests.integration.program import SNAPSHOTS, environment, run
from tools import images

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.realregistry.running import RealRegistries
    from tests.integration.program import Outcome

__all__ = ["image_layout", "real_registries"]

pytestmark = pytest.mark.component("scanner")

NOW = "2026-11-25T12:00:00Z"
STALE = "2026-11-27T12:00:00Z"
SCHEMA = json.loads(
    (files("basekeeper.render") / "schemas" / "scan.schema.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two databases of advisories, the later of which knows one more."""
    writer = provisioned("advisories")
    folder = tmp_path_factory.mktemp("databases")
    return {
        name: trivydb.write_database(
            writer, folder / name, trivydb.advisories(later=name == "later")
        )
        for name in ("first", "later")
    }


class Bench:
    """A repository, the user's own settings, and a registry that stands for Docker Hub."""

    def __init__(self, program: Path, registries: RealRegistries, database: Path, place: Path):
        """Write the settings."""
        self.program, self.registries, self.place = program, registries, place
        self.root = place / "repository"
        self.root.mkdir()
        self.settings = place / "settings.toml"
        self.database = place / "database"
        shutil.copytree(database, self.database)
        self.environ: dict[str, str] = {"BASEKEEPER_SETTINGS": str(self.settings)}
        self.write()

    def write(self, setup: str = "anonymous", *more: str, scanner: tuple[str, ...] = ()) -> None:
        """Write settings that reach Docker Hub's images in a real registry."""
        registry = self.registries.start(setup)
        http = "true" if registry.authority is None else "false"
        lines = ['[registry."docker.io"]', f'mirror = "{registry.url}"']
        lines += [f'[registry."{registry.address}"]', "private = true", f"http = {http}"]
        if registry.tokens is not None:
            lines.append(f'token_hosts = ["{registry.tokens.url.split("/")[2]}"]')
        if registry.authority is not None:
            lines.append(f'ca = "{registry.authority}"')
        lines += [*more, "[scanner]", f'program = "{self.program}"']
        lines += [f'database = "{self.database}"', *scanner]
        self.settings.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def file(self, path: str, *lines: str) -> None:
        """Write a file of the repository."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def scan(self, *arguments: str, now: str = NOW) -> Outcome:
        """Run the program."""
        return run(self.root, "scan", "--now", now, *arguments, **self.environ)

    def told(self, *arguments: str, code: int = 0, now: str = NOW) -> dict[str, Any]:
        """Run it for JSON that must fit its schema."""
        outcome = self.scan("-f", "json", *arguments, now=now)
        assert outcome.code == code, outcome.err + outcome.out
        found: dict[str, Any] = outcome.json
        Draft202012Validator(SCHEMA).validate(found)
        return found

    def asked(self, setup: str = "anonymous") -> list[str]:
        """What the registry was asked for layers so far."""
        text = self.registries.start(setup).log.read_text(encoding="utf-8", errors="replace")
        return [line for line in text.splitlines() if "/blobs/" in line]


@pytest.fixture
def bench(
    component: Path, real_registries: RealRegistries, databases: dict[str, Path], tmp_path: Path
) -> Bench:
    return Bench(component, real_registries, databases["first"], tmp_path)


def names(image: dict[str, Any]) -> set[str]:
    return {one["vulnerability"] for one in image["matches"]}


def two_images(bench: Bench) -> None:
    bench.file("Dockerfile", "FROM debian:12-slim AS build", "FROM debian:11.11-slim")
    bench.file("api/Dockerfile", "FROM debian:11.11-slim", "COPY --from=debian:13-slim /x /x")


def test_every_image_that_builds_stand_on_is_scanned_final_chains_first(bench: Bench) -> None:
    two_images(bench)
    bench.file("other.Dockerfile", "FROM debian:12-slim AS a", "COPY --from=a / /", "FROM scratch")
    found = bench.told()
    assert [one["image"] for one in found["images"]] == ["debian:11.11-slim", "debian:13-slim"]
    first = found["images"][0]
    assert names(first) == {CRITICAL, HIGH, LOW}
    assert first["counts"]["critical"] == {"fixable": 2, "unfixed": 0}
    assert first["counts"]["high"] == {"fixable": 0, "unfixed": 1}
    assert [(use["path"], use["line"]) for use in first["uses"]] == [
        ("Dockerfile", 2),
        ("api/Dockerfile", 1),
    ]
    assert (first["role"], first["how"], first["complete"]) == ("final", "scanned", True)
    assert found["scanner"]["name"] == "trivy"
    assert found["database"]["age_seconds"] == 12 * 3600
    assert found["severity_order"] == ["advisory", "nvd", "highest"]


def test_text_says_what_was_found_and_what_it_rests_on(bench: Bench) -> None:
    two_images(bench)
    outcome = bench.scan()
    assert outcome.code == 0, outcome.err
    version = bench.told()["scanner"]["version"]
    text = outcome.out.replace(f"trivy {version}", "trivy VERSION")
    assert text == (SNAPSHOTS / "scan.txt").read_text(encoding="utf-8")
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_markdown_holds_the_same(bench: Bench) -> None:
    two_images(bench)
    text = bench.scan("-f", "markdown").out
    assert "| <code>debian:11.11-slim</code> | 2/0 | 0/1 | 0 | 0/1 | 0 | scanned |" in text
    assert CRITICAL in text
    assert "libssl1.1, openssl" in text


def test_images_are_fetched_once_and_matched_again_when_the_database_moved(
    bench: Bench, databases: dict[str, Path]
) -> None:
    bench.file("Dockerfile", "FROM debian:13-slim")
    first = bench.told()["images"][0]
    asked = bench.asked()
    shutil.rmtree(bench.database)
    shutil.copytree(databases["later"], bench.database)
    again = bench.told()["images"][0]
    assert (first["how"], again["how"]) == ("scanned", "rematched")
    assert names(again) - names(first) == {LATER}
    assert bench.asked() == asked
    assert "not fetched again" in bench.scan().out
    offline = bench.told("--offline")["images"][0]
    assert (offline["how"], names(offline)) == ("rematched", names(again))


def test_offline_what_was_never_listed_is_unknown(bench: Bench) -> None:
    bench.file("Dockerfile", "FROM debian:13-slim")
    image = bench.told("--offline", code=3)["images"][0]
    assert (image["how"], image["counts"], image["matches"]) == ("unknown", None, None)
    assert "no answer about debian:13-slim" in bench.scan("--offline").out


@pytest.mark.parametrize(
    ("threshold", "code"), [("critical", 1), ("low", 1), ("never", 0), (None, 0)]
)
def test_what_has_a_fix_fails_the_run_where_that_is_wanted(
    bench: Bench, threshold: str | None, code: int
) -> None:
    bench.file("Dockerfile", "FROM debian:11.11-slim")
    assert bench.scan(*(["--fail-on", threshold] if threshold else [])).code == code


def test_what_nobody_has_fixed_fails_no_run(bench: Bench) -> None:
    bench.file("Dockerfile", "FROM debian:11-slim")
    assert HIGH in names(bench.told("--fail-on", "low")["images"][0])


def test_each_platform_that_is_built_is_scanned(bench: Bench) -> None:
    bench.file("Dockerfile", "FROM debian:12-slim")
    more = ("--platform", "linux/amd64", "--platform", "linux/arm64", "--platform", "linux/s390x")
    found = bench.told(*more, code=3)["images"]
    assert [(one["platform"], one["how"]) for one in found] == [
        ("linux/amd64", "scanned"),
        ("linux/arm64", "scanned"),
        ("linux/s390x", "unknown"),
    ]
    assert found[0]["digest"] == found[1]["digest"]
    assert found[0]["image_id"] != found[1]["image_id"]


def test_two_tags_of_one_digest_are_fetched_once(bench: Bench) -> None:
    bench.file("Dockerfile", "FROM debian:bookworm-slim", "COPY --from=debian:12-slim / /")
    before = len(bench.asked())
    found = bench.told()["images"]
    assert len({one["digest"] for one in found}) == 1
    assert [one["role"] for one in found] == ["final", "build"]
    assert found[0]["matches"] == found[1]["matches"]
    assert (
        sum("GET" in line for line in bench.asked()[before:]) <= 3
    )  # config and layer, and a challenge


def test_images_in_the_older_format_of_docker_are_scanned(bench: Bench) -> None:
    assert bench.told("--reference", "docker/debian:12")["images"][0]["how"] == "scanned"


def test_images_can_be_chosen_and_a_name_that_fits_none_is_told(bench: Bench) -> None:
    two_images(bench)
    found = bench.told("--image", "debian:13*", "--image", "debain", code=3)
    assert [one["image"] for one in found["images"]] == ["debian:13-slim"]
    assert found["unmatched"] == ["debain"]


def test_what_no_file_names_and_what_no_registry_has_is_unknown(bench: Bench) -> None:
    bench.file("Dockerfile", "ARG BASE", "FROM $BASE")
    bench.file("a/Dockerfile", "FROM debian:nope")
    found = bench.told(code=3)
    assert {one["how"] for one in found["images"]} == {"unknown"}
    assert len(found["images"]) == 2
    assert not found["complete"]
    out = bench.scan().out
    assert "no answer about debian:nope" in out
    assert "2 images, 2 unknown" in out


def saved(layout: Path, name: str, target: Path) -> None:
    """Save an image as `docker save` does."""

    def blob(digest: str) -> Path:
        return layout.joinpath("blobs", *digest.split(":"))

    manifest = json.loads(blob(images.named(layout)[name]["digest"]).read_bytes())
    layer = manifest["layers"][0]["digest"]
    described = [{"Config": "config.json", "RepoTags": None, "Layers": ["layer.tar.gz"]}]
    index = target.with_suffix(".index")
    index.write_text(json.dumps(described), encoding="utf-8")
    with tarfile.open(target, "w") as tar:
        tar.add(index, arcname="manifest.json")
        tar.add(blob(manifest["config"]["digest"]), arcname="config.json")
        tar.add(blob(layer), arcname="layer.tar.gz")


def test_images_are_scanned_by_name_from_a_layout_an_archive_and_an_sbom(
    bench: Bench, image_layout: Path, tmp_path: Path
) -> None:
    digest = images.named(image_layout)["debian-11-old"]["digest"]
    archive, sbom = tmp_path / "image.tar", tmp_path / "app.cdx.json"
    saved(image_layout, "debian-11-old", archive)
    command = [str(bench.program), "image", "--input", str(archive), "--format", "cyclonedx"]
    cache = ["--skip-db-update", "--cache-dir", str(tmp_path / "trivy"), "--output", str(sbom)]
    subprocess.run([*command, *cache], check=True, capture_output=True, timeout=120)
    given = ["debian:11.11-slim", f"oci:{image_layout}@{digest}", f"archive:{archive}"]
    found = bench.told(*(f"--reference={one}" for one in (*given, f"sbom:{sbom}")))["images"]
    assert [one["how"] for one in found] == ["scanned", "scanned", "scanned", "brought"]
    assert [names(one) for one in found] == [{CRITICAL, HIGH, LOW}] * 4


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("oci:nowhere", "'nowhere' is no directory"),
        ("oci:.", "cannot be read"),
        ("archive:nothing.tar", "'nothing.tar' is no file"),
        ("sbom:", "names no file"),
        ("Debian:!", "Debian"),
    ],
)
def test_what_names_nothing_is_wrong_usage(bench: Bench, reference: str, message: str) -> None:
    outcome = bench.scan("--reference", reference)
    assert outcome.code == 2
    assert message in outcome.err


def test_a_layout_with_several_images_wants_one_of_them_named(
    bench: Bench, image_layout: Path
) -> None:
    outcome = bench.scan("--reference", f"oci:{image_layout}")
    assert outcome.code == 2
    assert "choose one: oci:" in outcome.err
    assert bench.scan("--reference", f"oci:{image_layout}:debian-11").code == 0


def test_an_sbom_that_is_none_is_unknown(bench: Bench) -> None:
    bench.file("x.json", "{")
    assert bench.told("--reference", "sbom:x.json", code=3)["images"][0]["how"] == "unknown"


@pytest.mark.parametrize("setup", ["basic", "token", "tls"])
def test_registries_are_asked_as_the_settings_say(bench: Bench, setup: str) -> None:
    registry = bench.registries.start(setup)
    bench.write(setup)
    if registry.login is not None:
        entry = {"username": registry.login[0], "password": registry.login[1]}
        bench.environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {registry.address: entry}})
    bench.file("Dockerfile", "FROM debian:11.11-slim")
    found = bench.told()
    assert names(found["images"][0]) == {CRITICAL, HIGH, LOW}


def test_the_scanner_gets_a_private_image_but_no_credential_and_needs_no_network(
    bench: Bench,
) -> None:
    registry = bench.registries.start("token")
    assert registry.login is not None
    bench.write("token")
    bench.file("Dockerfile", f"FROM {registry.address}/private/hello:1.0.0")
    assert bench.told(code=3)["images"][0]["how"] == "unknown"
    entry = {"username": registry.login[0], "password": registry.login[1]}
    bench.environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {registry.address: entry}})
    spy, seen = bench.place / "spy", bench.place / "seen"
    spy.write_text(
        f"#!{sys.executable} -IS\nimport os, sys\nwith open({str(seen)!r}, 'a') as seen:\n"
        "    print(sys.argv, os.environ, os.listdir(os.environ['DOCKER_CONFIG']), file=seen)\n"
        f"os.execv({without_network()[0]!r}, {without_network()!r}"
        f" + [{str(bench.program)!r}] + sys.argv[1:])\n",
        encoding="utf-8",
    )
    spy.chmod(0o755)
    text = bench.settings.read_text(encoding="utf-8")
    bench.settings.write_text(text.replace(str(bench.program), str(spy)), encoding="utf-8")
    found = bench.told()
    assert names(found["images"][0]) == {HIGH, LOW, MEDIUM}
    told = seen.read_text(encoding="utf-8")
    assert "--input" in told
    for secret in (*registry.login, "AUTH", "token", "config.json"):
        assert secret not in told


def without_network() -> list[str]:
    """Return how a program is run that no network leads to, where this machine permits it."""
    unshare = shutil.which("unshare")
    if unshare is not None:
        words = [unshare, "--net"]
        if subprocess.run([*words, "true"], check=False, capture_output=True).returncode == 0:
            return words
    return [str(shutil.which("env"))]


def test_packages_of_another_image_are_no_answer(
    bench: Bench, image_layout: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    digest = images.named(image_layout)["debian-11"]["digest"]
    layout = ["--input", f"{image_layout}@{digest}", "--format", "cyclonedx", "--skip-db-update"]
    subprocess.run(
        [bench.program, "image", *layout, "--cache-dir", tmp_path / "t", "--output", other],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    liar = bench.place / "liar"
    liar.write_text(
        f'#!/bin/sh\ncase "$*" in *cyclonedx*) exec {shutil.which("cat")} {other};; esac\n'
        f'exec {bench.program} "$@"\n',
        encoding="utf-8",
    )
    liar.chmod(0o755)
    text = bench.settings.read_text(encoding="utf-8")
    bench.settings.write_text(text.replace(str(bench.program), str(liar)), encoding="utf-8")
    bench.file("Dockerfile", "FROM debian:11.11-slim")
    image = bench.told(code=3)["images"][0]
    assert image["how"] == "unknown"
    assert "another image" in image["unknown"][0]["reason"]
    assert bench.told("--offline", code=3)["images"][0]["how"] == "unknown"


def test_without_a_scanner_the_remedy_is_told(bench: Bench) -> None:
    bench.file("Dockerfile", "FROM debian:13-slim")
    bench.settings.write_text("", encoding="utf-8")
    bench.environ["PATH"] = str(bench.place)
    outcome = bench.scan()
    assert outcome.code == 2
    assert "'trivy' was not found" in outcome.err
    assert "hint: install Trivy" in outcome.err
    bench.write(scanner=())
    text = bench.settings.read_text(encoding="utf-8")
    bench.settings.write_text(text.replace(str(bench.program), "/nowhere/trivy"), encoding="utf-8")
    outcome = bench.scan()
    assert outcome.code == 2
    assert "/nowhere/trivy" in outcome.err


def test_a_stale_database_proves_nothing(bench: Bench) -> None:
    bench.file("Dockerfile", "FROM debian:11.11-slim")
    found = bench.told(code=3, now=STALE)
    image = found["images"][0]
    assert names(image) == {CRITICAL, HIGH, LOW}
    assert not image["complete"]
    assert "60 h old" in found["database"]["problem"]["reason"]
    out = bench.scan(now=STALE).out
    assert "more may be in debian:11.11-slim" in out
    assert "partly" in out
    bench.write(scanner=('max_age = "3 days"',))
    assert bench.told(now=STALE)["complete"]


def test_without_a_database_nothing_is_fetched_in_vain_twice(bench: Bench) -> None:
    two_images(bench)
    bench.file("more/Dockerfile", "FROM debian:11-slim", "COPY --from=acme/hello:1.0.0 / /")
    shutil.rmtree(bench.database)
    asked = len(bench.asked())
    found = bench.told(code=3)
    assert {one["how"] for one in found["images"]} == {"unknown"}
    assert found["database"]["updated"] is None
    assert "no vulnerability database" in found["database"]["problem"]["reason"]
    assert len(bench.asked()) > asked
    outcome = bench.scan()
    assert outcome.code == 3
    assert "--update-database" in outcome.out


def test_the_database_is_fetched_where_it_is_wanted(
    bench: Bench, databases: dict[str, Path]
) -> None:
    pushed = trivydb.push_database(
        bench.registries.pusher, databases["first"], f"aquasec/{bench.place.name.lower()}"
    )
    shutil.rmtree(bench.database)
    bench.write(scanner=(f'database_repository = "{pushed}"',))
    bench.file("Dockerfile", "FROM debian:11.11-slim")
    assert names(bench.told("--update-database")["images"][0]) == {CRITICAL, HIGH, LOW}
    bench.write(scanner=(f'database_repository = "{pushed}-gone"',))
    found = bench.told("--update-database", now="2026-11-25T13:00:00Z")
    assert any("was not updated" in one for one in found["notices"])


@pytest.mark.parametrize("setup", ["basic", "token", "tls"])
def test_the_database_is_fetched_as_the_settings_say_and_lies_below_the_cache(
    bench: Bench, databases: dict[str, Path], setup: str
) -> None:
    name = f"library/db{setup}"
    trivydb.push_database(bench.registries.pusher, databases["first"], name)
    bench.write(setup, scanner=(f'database_repository = "docker.io/{name}:2"',))
    text = bench.settings.read_text(encoding="utf-8")
    bench.settings.write_text(text.replace("database =", "# database ="), encoding="utf-8")
    registry = bench.registries.start(setup)
    if registry.login is not None:
        entry = {"username": registry.login[0], "password": registry.login[1]}
        bench.environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {registry.address: entry}})
    bench.file("Dockerfile", "FROM debian:11.11-slim")
    first = bench.told("--update-database")
    assert first["notices"][1:] == []
    assert (bench.place / ".cache" / "basekeeper" / "trivy" / "db" / "trivy.db").is_file()
    assert bench.told()["images"][0]["how"] == "rematched"


def test_a_repository_has_no_say_in_how_the_scanner_is_run(bench: Bench) -> None:
    evil = bench.root / "evil"
    evil.write_text("#!/bin/sh\ntouch /tmp/never\n", encoding="utf-8")
    evil.chmod(0o755)
    bench.file("Dockerfile", "FROM debian:11.11-slim")
    bench.file(
        "basekeeper.toml", "[scanner]", f'program = "{evil}"', f'database = "{bench.root}"',
        'max_age = "900 days"', 'severity_order = ["nobody"]', "memory_mib = 256",
    )  # fmt: skip
    bench.file("trivy.yaml", "severity: [LOW]")
    bench.file(".trivyignore", CRITICAL)
    found = bench.told()
    assert names(found["images"][0]) == {CRITICAL, HIGH, LOW}
    assert found["severity_order"] == ["advisory", "nvd", "highest"]
    assert sum("is ignored: it is to be set in your own settings" in one
               for one in found["notices"]) == 5  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [("--reference", "debian", "."), ("--offline", "--update-database")]
)
def test_options_that_contradict_each_other_are_refused(
    bench: Bench, arguments: tuple[str, ...]
) -> None:
    assert bench.scan(*arguments).code == 2


def test_interrupted_it_ends_soon_and_leaves_no_scanner_behind(bench: Bench) -> None:
    slow = bench.place / "slow"
    slow.write_text(
        f'#!/bin/sh\ncase "$1" in version) exec {bench.program} "$@";; esac\n'
        f"echo $$ >{bench.place}/pid\nexec {shutil.which('sleep')} 60\n",
        encoding="utf-8",
    )
    slow.chmod(0o755)
    text = bench.settings.read_text(encoding="utf-8")
    bench.settings.write_text(text.replace(str(bench.program), str(slow)), encoding="utf-8")
    bench.file("Dockerfile", "FROM debian:11.11-slim")
    temporary = bench.place / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "basekeeper", "scan", "--now", NOW],
        cwd=bench.root,
        env=environment(bench.place, TMPDIR=str(temporary), **bench.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    pid, end = bench.place / "pid", time.monotonic() + 30
    while not (pid.exists() and pid.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert (process.returncode, said) == (130, b"\ninterrupted\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert list(temporary.iterdir()) == []


@pytest.mark.component("grype")
def test_two_scanners_are_asked_about_the_same_packages_and_disagreements_shown(
    real_registries: RealRegistries, databases: dict[str, Path], tmp_path: Path
) -> None:
    scanner = provisioned("scanner")
    bench = Bench(scanner, real_registries, databases["first"], tmp_path)
    own = tmp_path / "grype"
    content = grypedb.advisories(later=True)  # knows one more than Trivy's
    grypedb.write_database(provisioned("grypedb"), own, content)
    bench.write(
        scanner=(
            'engines = ["trivy", "grype"]',
            f'grype_program = "{provisioned("grype")}"',
            f'grype_database = "{own}"',
        )
    )
    bench.file("Dockerfile", "FROM debian:11.11-slim")
    found = bench.told()
    assert found["second"]["name"] == "grype"
    (image,) = found["images"]
    findings = {one["vulnerability"]: one for one in image["quorum"]["findings"]}
    assert findings[CRITICAL]["agreement"] == "agreed"
    assert findings[LATER]["agreement"] == "second_only"
    assert LATER not in names(image), "what one scanner alone tells stays its own"
    text = bench.scan().out
    assert "second" in text
    assert f"{LATER} tar" in text
    assert "only grype: fixed in 99" in text
    assert LATER in bench.scan("-f", "markdown").out
    assert bench.scan("--fail-on", "high").code == 1, "any scanner's finding counts"
    again = bench.told()
    assert again["images"][0]["how"] == "rematched"
