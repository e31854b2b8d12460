"""A scanner that does not behave gives an unknown, and never learns more than it must."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from basekeeper.cache.memory import MemoryCache
from basekeeper.errors import InputError
from basekeeper.scanners.cyclonedx import MEDIA_TYPE, bring_sbom
from basekeeper.scanners.trivy import Trivy
from basekeeper.values.image import Unknown
from basekeeper.values.scanning import LayoutImage, ScannerSettings
from basekeeper.values.vulnerability import Sbom, Scan, ScannerIdentity, Subject, SubjectKind
from tests.fakes.realregistry.small import make_small_layout
from tests.unit.scanners.programs import NOW, archive, database, scanner, script
from tests.unit.scanners.reports import IMAGE_ID, encoded, package, report, result
from tools import images

WHOLE = encoded(report()).decode()
PRINT = f"sys.stdout.write({WHOLE!r})\n"


def scan_with(folder: Path, body: str, **settings: object) -> Scan | Unknown:
    return scanner(folder, script(folder, body), **settings).scan(archive(folder), now=NOW)


def why(answer: object) -> str:
    assert isinstance(answer, Unknown), answer
    return answer.reason


def test_a_whole_report_is_an_answer(tmp_path: Path) -> None:
    scan = scan_with(tmp_path, PRINT)
    assert isinstance(scan, Scan)
    assert scan.complete
    assert scan.subject.digest == IMAGE_ID
    assert any("past its end of life" in notice for notice in scan.notices)


@pytest.mark.parametrize("status", [1, 2, 9, 125])
def test_the_exit_status_decides_nothing(tmp_path: Path, status: int) -> None:
    scan = scan_with(tmp_path, f"{PRINT}sys.exit({status})")
    assert isinstance(scan, Scan)
    assert scan.complete


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "it said nothing (exit status 0)"),
        ("sys.exit(1)", "it said nothing (exit status 1)"),
        ("print()", "gave no answer"),
        ("print('garbage')", "no whole JSON"),
        (f"sys.stdout.write({WHOLE[:-1]!r})", "no whole JSON"),
        (f"sys.stdout.write({WHOLE!r} * 2)", "no whole JSON"),
        ("print('{}')", "schema None"),
        ("os.kill(os.getpid(), 9)", "ended by SIGKILL"),
        (f"{PRINT}sys.stdout.flush()\nos.kill(os.getpid(), 11)", "ended by SIGSEGV"),
        ("sys.stderr.write('fatal error: runtime: out of memory')\nsys.exit(2)", "more memory"),
        ("sys.stderr.write('panic: oh\\n\\ngoroutine 1\\n')\nsys.exit(2)", "crashed: panic: oh"),
        (
            "sys.stderr.write('x\\tFATAL\\tFatal error\\ta: 1 error occurred:\\n\\t* b: c\\n')",
            "b: c",
        ),
        ("sys.stderr.write('x\\tERROR\\toops\\n\\x1b[2Jlast')", "\N{REPLACEMENT CHARACTER}[2Jlast"),
        ("sys.stdout.write('x' * 2_000_000)", "more than 1000000 bytes"),
        ("import time\ntime.sleep(60)", "within 1 seconds"),
    ],
)
def test_no_whole_report_is_unknown(tmp_path: Path, body: str, reason: str) -> None:
    answer = scan_with(tmp_path, body, timeout=1.0, max_output_bytes=1_000_000)
    assert reason in why(answer)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ArtifactType": "filesystem"}, "took the image for 'filesystem'"),
        ({"Metadata": {"ImageConfig": {"os": "linux", "architecture": "amd64"}}}, "another image"),
        ({"Metadata": {"ImageID": IMAGE_ID}}, "which platform"),
        (
            {"Metadata": {"ImageID": IMAGE_ID, "ImageConfig": {"os": "a", "architecture": "b"}}},
            "is for a/b, not for linux/amd64",
        ),
    ],
)
def test_an_answer_to_another_question_is_unknown(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    text = encoded(report(**changes)).decode()
    assert reason in why(scan_with(tmp_path, f"sys.stdout.write({text!r})"))


@pytest.mark.parametrize(
    ("changes", "said", "problem"),
    [
        ({"Results": []}, "", "found no packages"),
        ({"Results": None}, "", "found no packages"),
        (
            {"Results": [result(Class="lang-pkgs", Packages=[package()])]},
            "",
            "no packages of debian",
        ),
        ({"Trivy": {"Version": "0.70.0"}}, "", "by version '0.70.0'"),
        ({}, "x\\tWARN\\tUnsupported os\\tfamily=x\\n", "no advisories for this operating system"),
        ({}, "x\\tWARN\\tThis OS version is not on the EOL list\\n", "does not know this release"),
    ],
)
def test_what_makes_silence_doubtful_is_a_problem(
    tmp_path: Path, changes: dict[str, object], said: str, problem: str
) -> None:
    text = encoded(report(**changes)).decode()
    scan = scan_with(tmp_path, f"sys.stderr.write('{said}')\nsys.stdout.write({text!r})")
    assert isinstance(scan, Scan)
    assert not scan.complete
    assert problem in scan.problems[0].reason


def test_a_missing_program_is_unknown(tmp_path: Path) -> None:
    answer = scanner(tmp_path, str(tmp_path / "trivy")).scan(archive(tmp_path), now=NOW)
    assert "No such file" in why(answer)
    assert isinstance(answer, Unknown)
    assert answer.hint is not None


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("unknown flag: --disable-telemetry", "newer release"),
        ("'--skip-java-db-update' cannot be specified on the first run", "java = true"),
        ("cannot allocate memory", "memory_mib"),
        ("something else", None),
    ],
)
def test_the_remedy_for_a_refusal_is_told(tmp_path: Path, said: str, hint: str | None) -> None:
    answer = scan_with(tmp_path, f"sys.stderr.write({said!r})\nsys.exit(1)")
    assert isinstance(answer, Unknown)
    assert answer.hint == hint or (hint is not None and hint in (answer.hint or ""))


def test_a_signal_without_a_name_is_told_by_number(tmp_path: Path) -> None:
    assert "ended by signal 40" in why(scan_with(tmp_path, "os.kill(os.getpid(), 40)"))


def test_an_archive_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    here = scanner(tmp_path, script(tmp_path, PRINT))
    image = replace(archive(tmp_path), path=tmp_path / "gone.tar")
    assert "no archive" in why(here.scan(image, now=NOW))


def test_an_archive_for_whatever_platform_is_taken_as_it_is(tmp_path: Path) -> None:
    here = scanner(tmp_path, script(tmp_path, PRINT))
    scan = here.scan(replace(archive(tmp_path), platform=None), now=NOW)
    assert isinstance(scan, Scan)
    assert scan.subject.platform == "linux/amd64"


def test_an_update_is_not_begun_after_the_end_of_the_run(tmp_path: Path) -> None:
    ended = threading.Event()
    ended.set()
    here = Trivy(script(tmp_path, ""), ScannerSettings(cache_dir=tmp_path / "c"), ended=ended)
    assert "was ended" in why(here.update_database(now=NOW))


def test_an_sbom_that_is_taken_for_something_else_is_unknown(tmp_path: Path) -> None:
    here = scanner(tmp_path, script(tmp_path, PRINT))
    assert "took the SBOM for 'container_image'" in why(
        here.rematch(sbom_of(json.dumps(BOM).encode()), now=NOW)
    )


def test_a_program_that_cannot_be_run_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "trivy"
    path.write_text("no program", encoding="utf-8")
    path.chmod(0o755)
    assert "cannot run" in why(scanner(tmp_path, str(path)).scan(archive(tmp_path), now=NOW))


def test_what_a_scanner_gets_to_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of somebody")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test")
    seen = tmp_path / "seen.json"
    body = f"""
import json
folder = os.environ["DOCKER_CONFIG"]
seen = {{
    "argv": sys.argv, "environment": dict(os.environ), "work": os.listdir("."),
    "cwd": os.getcwd(), "home": os.listdir(os.environ["HOME"]), "docker": os.listdir(folder),
    "root": os.stat(folder + "/..").st_mode,
}}
open({str(seen)!r}, "w").write(json.dumps(seen))
{PRINT}"""
    here = scanner(tmp_path, script(tmp_path, body))
    assert isinstance(here.scan(archive(tmp_path), now=NOW), Scan)
    told = json.loads(seen.read_text())
    assert (told["work"], told["home"], told["docker"]) == ([], [], [])
    assert stat.S_IMODE(told["root"]) == 0o700
    environment = told["environment"]
    environment.pop("LC_CTYPE", None)  # Python's own doing
    assert sorted(environment) == ["DOCKER_CONFIG", "GOMEMLIMIT", "HOME", "PATH", "TMPDIR"]
    assert environment["PATH"] == told["cwd"]
    asks_nobody = {"--offline-scan", "--skip-db-update", "--skip-java-db-update"}
    assert asks_nobody <= set(told["argv"])
    assert not Path(told["cwd"]).exists()


def test_a_database_that_changes_meanwhile_is_unknown(tmp_path: Path) -> None:
    place = database(tmp_path) / "db" / "metadata.json"
    body = f"path = {str(place)!r}\ntext = open(path).read()\n"
    body += f"open(path, 'w').write(text.replace('2026-11-25', '2026-11-24'))\n{PRINT}"
    answer = scanner(tmp_path, script(tmp_path, body)).scan(archive(tmp_path), now=NOW)
    assert "changed meanwhile" in why(answer)


def test_a_run_that_is_ended_ends_its_scanner(tmp_path: Path) -> None:
    ended = threading.Event()
    program = script(tmp_path, "import time\ntime.sleep(60)")
    settings = ScannerSettings(cache_dir=database(tmp_path))
    here = Trivy(program, settings, ended=ended)
    threading.Timer(0.3, ended.set).start()
    start = time.monotonic()
    assert "was ended" in why(here.scan(archive(tmp_path), now=NOW))
    assert time.monotonic() - start < 5


def test_a_full_disk_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **rest: object) -> str:
        raise OSError(28, "No space left on device")

    here = scanner(tmp_path, script(tmp_path, PRINT))
    assert isinstance(here.identity(), ScannerIdentity)
    monkeypatch.setattr("tempfile.mkdtemp", full)
    assert "No space left" in why(here.scan(archive(tmp_path), now=NOW))
    assert "No space left" in why(here.update_database(now=NOW))


def test_without_a_registry_the_database_stays(tmp_path: Path) -> None:
    here = scanner(tmp_path, script(tmp_path, ""))
    assert "not fetched by this run" in why(here.update_database(now=NOW))
    assert not isinstance(here.database(now=NOW), Unknown)
    assert [one.name for one in (tmp_path / "cache").iterdir()] == ["db"]


def test_what_a_killed_update_left_is_cleared_away_after_a_day(tmp_path: Path) -> None:
    here = scanner(tmp_path, script(tmp_path, "sys.exit(1)"))
    fresh, old = (tmp_path / "cache" / f".update-{name}" for name in ("fresh", "old"))
    for folder, age in ((fresh, 3600), (old, 90_000)):
        folder.mkdir()
        then = NOW.timestamp() - age
        os.utime(folder, (then, then))
    here.update_database(now=NOW)
    assert fresh.exists()
    assert not old.exists()


BOM = {
    "bomFormat": "CycloneDX",
    "metadata": {
        "component": {"properties": [{"name": "aquasecurity:trivy:ImageID", "value": IMAGE_ID}]}
    },
    "components": [{"purl": "pkg:deb/debian/libssl1.1@1.1.1w?arch=amd64"}],
}


def sbom_of(data: bytes) -> Sbom:
    subject = Subject(kind=SubjectKind.SBOM, name="app.json")
    return Sbom(subject=subject, media_type=MEDIA_TYPE, data=data)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b'{"bomFormat":"CycloneDX"', b'{"spdxVersion":"2.3"}']
)
def test_what_is_no_cyclonedx_is_refused_before_the_scanner_sees_it(
    tmp_path: Path, data: bytes
) -> None:
    here = scanner(tmp_path, str(tmp_path / "there is no scanner"))
    assert "SBOM" in why(here.rematch(sbom_of(data), now=NOW))
    assert isinstance(bring_sbom(data, "app.json"), Unknown)


def test_a_damaged_sbom_in_the_cache_is_made_again(tmp_path: Path) -> None:
    class Damaged(MemoryCache):
        def keep_answer(self, key: str, data: bytes, **rest: object) -> None:
            super().keep_answer(key, data[:-5], now=NOW)

    layout = make_small_layout(tmp_path / "layout")
    digest = images.named(layout)["debian-11"]["digest"]
    manifest = json.loads(layout.joinpath("blobs", *digest.split(":")).read_bytes())
    text = json.dumps(BOM).replace(IMAGE_ID, manifest["config"]["digest"])
    count = tmp_path / "count"
    body = f"open({str(count)!r}, 'a').write('x')\nsys.stdout.write({text!r})"
    settings = ScannerSettings(cache_dir=tmp_path)
    image = LayoutImage(path=layout, digest=digest, platform="linux/amd64")
    for cache, asked in ((Damaged(), "xx"), (MemoryCache(), "x")):
        here = Trivy(script(tmp_path, body), settings, cache=cache)
        count.write_text("")
        for _ in range(2):
            assert isinstance(here.sbom(image, now=NOW), Sbom)
        assert count.read_text() == asked


def test_an_sbom_of_an_unknown_image_is_refused(tmp_path: Path) -> None:
    text = json.dumps({**BOM, "metadata": {}})
    here = scanner(tmp_path, script(tmp_path, f"sys.stdout.write({text!r})"))
    assert "another image" in why(here.sbom(archive(tmp_path), now=NOW))


def test_packages_of_an_sbom_that_are_passed_over_are_counted(tmp_path: Path) -> None:
    more = [{"purl": "pkg:apk/alpine/musl@1"}, {"purl": "pkg:pypi/x@1"}, {"name": "y"}]
    data = json.dumps({**BOM, "components": [*BOM["components"], *more]}).encode()
    text = encoded(report(ArtifactType="cyclonedx")).decode()
    here = scanner(tmp_path, script(tmp_path, f"sys.stdout.write({text!r})"))
    scan = here.rematch(sbom_of(data), now=NOW)
    assert isinstance(scan, Scan)
    assert [one.reason for one in scan.problems] == ["1 package of the SBOM was not looked at"]


def test_settings_that_cannot_work_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Trivy("trivy", ScannerSettings(cache_dir=tmp_path, severity_order=()))
