"""A Grype that does not behave gives an unknown, and never learns more than it must."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from basekeeper.errors import InputError
from basekeeper.scanners import denied
from basekeeper.scanners.cyclonedx import MEDIA_TYPE
from basekeeper.scanners.grype import Grype
from basekeeper.values.image import Unknown
from basekeeper.values.scanning import ScannerSettings
from basekeeper.values.vulnerability import Sbom, Scan, ScannerIdentity, Subject, SubjectKind
from tests.unit.scanners.grype_programs import database, scanner, script
from tests.unit.scanners.grype_reports import (
    IMAGE_ID,
    component,
    descriptor,
    encoded_config,
    listing,
    report,
)
from tests.unit.scanners.programs import NOW, archive

WHOLE = json.dumps(report())
PRINT = f"sys.stdout.write({WHOLE!r})\n"
LANGUAGE = component(name="x", version="1", purl="pkg:pypi/x@1", properties=[])


def made(folder: Path, body: str, *, listed: Any = None, **settings: Any) -> Grype:
    return scanner(folder, script(folder, body, listing=listed or listing()), **settings)


def scan_with(folder: Path, body: str, **rest: Any) -> Scan | Unknown:
    return made(folder, body, **rest).scan(archive(folder), now=NOW)


def why(answer: object) -> str:
    assert isinstance(answer, Unknown), answer
    return answer.reason


def test_a_whole_report_is_an_answer(tmp_path: Path) -> None:
    scan = scan_with(tmp_path, PRINT)
    assert isinstance(scan, Scan)
    assert scan.complete
    assert (scan.subject.digest, scan.subject.platform) == (IMAGE_ID, "linux/amd64")
    assert scan.scanner.name == "grype"


@pytest.mark.parametrize("status", [1, 2, 9, 100, 125])
def test_the_exit_status_decides_nothing(tmp_path: Path, status: int) -> None:
    assert isinstance(scan_with(tmp_path, f"{PRINT}sys.exit({status})"), Scan)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "it said nothing (exit status 0)"),
        ("print()", "gave no answer"),
        ("print('garbage')", "no whole JSON"),
        (f"sys.stdout.write({WHOLE[:-1]!r})", "no whole JSON"),
        (f"sys.stdout.write({WHOLE!r} * 2)", "no whole JSON"),
        ("print('{}')", "none of Grype's"),
        ("os.kill(os.getpid(), 9)", "ended by SIGKILL"),
        ("sys.stderr.write('fatal error: runtime: out of memory')\nsys.exit(2)", "more memory"),
        ("sys.stderr.write('panic: oh\\n\\ngoroutine 1\\n')\nsys.exit(2)", "crashed: panic: oh"),
        (
            "sys.stderr.write('[0001] \\x1b[31mERROR\\x1b[0m no such image\\n')\nsys.exit(1)",
            "no such image (exit status 1)",
        ),
        ("sys.stdout.write('x' * 2_000_000)", "more than 1000000 bytes"),
        ("import time\ntime.sleep(60)", "within 1 seconds"),
    ],
)
def test_no_whole_report_is_unknown(tmp_path: Path, body: str, reason: str) -> None:
    answer = scan_with(tmp_path, body, timeout=1.0, max_output_bytes=1_000_000)
    assert reason in why(answer)


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ("{", "no whole JSON"),
        ("{}", "not in CycloneDX"),
        ("x" * 1_000_001, "more than 1000000 bytes"),
        (listing(components=[]), "found no packages"),
    ],
)
def test_no_whole_list_of_packages_leaves_it_open(
    tmp_path: Path, listed: object, reason: str
) -> None:
    answer = scan_with(tmp_path, PRINT, listed=listed, max_output_bytes=1_000_000)
    told = answer.problems[0].reason if isinstance(answer, Scan) else why(answer)
    assert reason in told


def test_a_list_that_was_not_written_is_unknown(tmp_path: Path) -> None:
    body = f"os.remove([w for w in arguments if '=' in w][0].partition('=')[2])\n{PRINT}"
    assert "listed no packages: No such file" in why(scan_with(tmp_path, body))


def source(**target: object) -> dict[str, object]:
    return {"type": "image", "target": {"imageID": IMAGE_ID, **target}}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": {"type": "directory", "target": "/"}}, "took the image for 'directory'"),
        ({"source": source(imageID="")}, "another image"),
        ({"source": source()}, "which platform"),
        ({"source": source(config=encoded_config(os="a", architecture="b"))}, "is for a/b, not"),
        (
            {
                "descriptor": descriptor(
                    db={"status": {"schemaVersion": "v6.1.0", "built": "2026-11-24T00:00:00Z"}}
                )
            },
            "another database",
        ),
    ],
)
def test_an_answer_to_another_question_is_unknown(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    text = json.dumps(report(**changes))
    assert reason in why(scan_with(tmp_path, f"sys.stdout.write({text!r})"))


@pytest.mark.parametrize(
    ("changes", "listed", "said", "problem"),
    [
        ({"distro": {}}, None, "", "could not tell which operating system"),
        ({"distro": {"name": "plan9", "version": "4"}}, None, "", "no advisories for plan9 4"),
        ({}, None, "[0000]  WARN Unable to determine the OS distribution of", "could not tell"),
        ({}, listing(LANGUAGE), "", "no packages of debian"),
        ({"descriptor": descriptor(version="0.99.0")}, None, "", "by version '0.99.0'"),
    ],
)
def test_what_makes_silence_doubtful_is_a_problem(
    tmp_path: Path, changes: dict[str, object], listed: object, said: str, problem: str
) -> None:
    text = json.dumps(report(matches=[], **changes))
    body = f"sys.stderr.write('{said}')\nsys.stdout.write({text!r})"
    scan = scan_with(tmp_path, body, listed=listed)
    assert isinstance(scan, Scan)
    assert not scan.complete
    assert problem in scan.problems[0].reason


def test_an_image_of_no_system_needs_no_advisories_for_one(tmp_path: Path) -> None:
    text = json.dumps(report(matches=[], distro={}))
    scan = scan_with(tmp_path, f"sys.stdout.write({text!r})", listed=listing(LANGUAGE))
    assert isinstance(scan, Scan)
    assert scan.complete


@pytest.mark.parametrize("version", ["[not provided]", "dev"])
def test_a_release_that_it_does_not_name_is_not_verified(tmp_path: Path, version: str) -> None:
    program = script(tmp_path, PRINT, version=version, listing=listing())
    identity = scanner(tmp_path, program).identity()
    assert isinstance(identity, ScannerIdentity)
    assert not identity.verified


def test_a_missing_program_is_unknown(tmp_path: Path) -> None:
    answer = scanner(tmp_path, str(tmp_path / "grype")).scan(archive(tmp_path), now=NOW)
    assert isinstance(answer, Unknown)
    assert answer.hint == "install Grype and put it on the search path"


@pytest.mark.parametrize(
    "stamp",
    [
        "mod\tgithub.com/anchore/grype\tv0.66.6\th1:x",
        "dep\tgithub.com/anchore/grype\tv0.66.6\th1:x",
        'build\t-ldflags="-w -s -X main.version=0.66.6"',
    ],
)
def test_a_denied_release_is_not_even_asked_for_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stamp: str
) -> None:
    entry = {"versions": ["0.66.6"], "digests": [], "reason": "bad"}
    monkeypatch.setattr(denied, "_entries", lambda: {"grype": [entry]})
    ran = tmp_path / "ran"
    path = Path(script(tmp_path, "", listing=listing()))
    text = path.read_text().replace("import os, sys", f"open({str(ran)!r}, 'w')\nimport os, sys")
    path.write_text(f"{text}\n# {stamp}\n", encoding="utf-8")
    answer = scanner(tmp_path, str(path)).identity()
    assert "scanner grype 0.66.6 is refused: bad" in why(answer)
    assert not ran.exists()


def test_an_order_of_severities_must_name_sources(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Grype("/x", ScannerSettings(cache_dir=tmp_path, severity_order=()))


def test_what_a_scanner_gets_to_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of somebody")
    seen = tmp_path / "seen.json"
    body = f"""
seen = {{
    "arguments": arguments, "environment": dict(os.environ), "work": os.listdir("."),
    "cwd": os.getcwd(), "home": os.listdir(os.environ["HOME"]), "config": config,
}}
open({str(seen)!r}, "w").write(json.dumps(seen))
{PRINT}"""
    here = made(tmp_path, body, environment={"HTTPS_PROXY": "http://proxy.test"})
    assert isinstance(here.scan(archive(tmp_path), now=NOW), Scan)
    told = json.loads(seen.read_text())
    assert (told["work"], told["home"]) == ([], [])
    environment = told["environment"]
    environment.pop("LC_CTYPE", None)  # Python's own doing
    assert sorted(environment) == ["DOCKER_CONFIG", "GOMEMLIMIT", "HOME", "PATH", "TMPDIR"]
    assert told["arguments"][-1].startswith("docker-archive:/")
    config = told["config"]
    assert config["check-for-app-update"] is False
    assert config["external-sources"] == {"enable": False}
    assert (config["db"]["auto-update"], config["db"]["validate-age"]) == (False, False)


def sbom_of(document: dict[str, Any]) -> Sbom:
    return Sbom(
        subject=Subject(kind=SubjectKind.SBOM, name="x"),
        media_type=MEDIA_TYPE,
        data=json.dumps(document).encode(),
    )


def test_a_list_is_matched_with_its_sources_named(tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    body = "text = open(arguments[-1].removeprefix('sbom:')).read()\n"
    body += f"open({str(seen)!r}, 'w').write(text)\n{PRINT}"
    told = [{"name": "aquasecurity:trivy:SrcName", "value": "openssl"}]
    purl = "pkg:deb/debian/libssl1.1@1"
    document = listing(component(purl=purl, properties=told))
    scan = made(tmp_path, body).rematch(sbom_of(document), now=NOW)
    assert isinstance(scan, Scan)
    assert scan.rematched
    assert json.loads(seen.read_text())["components"][0]["purl"] == f"{purl}?upstream=openssl"
    assert [one.purl for one in scan.packages] == [purl]


@pytest.mark.parametrize(
    ("looked_at", "problem"),
    [
        ([component(), component(name="b")], None),
        ([component()], "1 package of the SBOM was not looked at"),
        ([LANGUAGE], "2 packages of the SBOM were not looked at"),
    ],
)
def test_packages_that_are_passed_over_are_told(
    tmp_path: Path, looked_at: list[dict[str, Any]], problem: str | None
) -> None:
    here = made(tmp_path, PRINT, listed=listing(*looked_at))
    document = listing(component(), component(name="b", **{"bom-ref": "b"}))
    scan = here.rematch(sbom_of(document), now=NOW)
    assert isinstance(scan, Scan)
    assert [one.reason for one in scan.problems] == ([] if problem is None else [problem])


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_what_is_no_list_is_unknown(tmp_path: Path, data: bytes) -> None:
    sbom = replace(sbom_of({}), data=data)
    assert isinstance(made(tmp_path, PRINT).rematch(sbom, now=NOW), Unknown)


def test_a_database_that_changes_meanwhile_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "6" / "import.json"
    body = f"os.remove({str(file)!r})\n{PRINT}"
    assert "no vulnerability database" in why(scan_with(tmp_path, body))


def test_a_run_that_is_ended_ends_its_scanner(tmp_path: Path) -> None:
    ended = threading.Event()
    program = script(tmp_path, "import time\ntime.sleep(60)", listing=listing())
    here = Grype(program, ScannerSettings(cache_dir=database(tmp_path)), ended=ended)
    threading.Timer(0.3, ended.set).start()
    start = time.monotonic()
    assert "was ended" in why(here.scan(archive(tmp_path), now=NOW))
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "could not be asked: it said nothing"),
        ("print('{}')", "does not say whether there is a newer database"),
        ("print('{\"updateAvailable\": 1}')", "does not say whether"),
        (
            "print('{\"updateAvailable\": true}') if 'check' in arguments else sys.exit(1)",
            "could not be fetched: it said nothing (exit status 1)",
        ),
        ("print('{\"updateAvailable\": true}')", "no vulnerability database"),
    ],
)
def test_an_update_that_fails_leaves_what_is_there(tmp_path: Path, body: str, reason: str) -> None:
    here = made(tmp_path, body)
    assert reason in why(here.update_database(now=NOW))
    assert not isinstance(here.database(now=NOW), Unknown)
    names = {one.name for one in (tmp_path / "cache").iterdir()}
    assert names <= {"6", "basekeeper.lock"}


def test_where_an_update_is_from_and_who_may_be_asked(tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    body = (
        f"open({str(seen)!r}, 'w').write(json.dumps([arguments, config['db'], dict(os.environ)]))\n"
        "print('{\"updateAvailable\": false}')"
    )
    settings = ScannerSettings(
        cache_dir=database(tmp_path), environment={"HTTPS_PROXY": "http://proxy.test"}
    )
    program = script(tmp_path, body, listing=listing())
    for url in (None, "https://mirror.test/databases"):
        here = Grype(program, settings, database_url=url)
        assert not isinstance(here.update_database(now=NOW), Unknown)
        arguments, told, environment = json.loads(seen.read_text())
        assert arguments[:2] == ["db", "check"]
        assert told.get("update-url") == url
        assert environment["HTTPS_PROXY"] == "http://proxy.test"


def test_a_file_is_unpacked_without_asking_anybody(tmp_path: Path) -> None:
    body = "sys.exit('asked' if arguments[:2] != ['db', 'import'] else 'unpacked')"
    program = script(tmp_path, body, listing=listing())
    settings = ScannerSettings(cache_dir=database(tmp_path))
    here = Grype(program, settings, database_url="/srv/grype.tar.zst")
    assert "unpacked" in why(here.update_database(now=NOW))


def test_a_full_disk_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **rest: object) -> str:
        raise OSError(28, "No space left on device")

    here = made(tmp_path, PRINT)
    assert isinstance(here.identity(), ScannerIdentity)
    monkeypatch.setattr("tempfile.mkdtemp", full)
    assert "No space left" in why(here.scan(archive(tmp_path), now=NOW))
    assert "No space left" in why(here.update_database(now=NOW))
