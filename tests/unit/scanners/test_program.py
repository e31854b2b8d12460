"""Releases that an attacker published are told from inside, before they run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from basekeeper.scanners import denied
from basekeeper.scanners.denied import release_of, why_denied
from basekeeper.scanners.program import MAX_PROGRAM_BYTES
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import Scan, ScannerIdentity
from tests.unit.scanners.programs import NOW, archive, scanner, script
from tests.unit.scanners.reports import encoded, report


@pytest.mark.parametrize("version", ["0.69.4", "0.69.5", "0.69.6", "v0.69.4", "0.69.5-rc1"])
def test_a_release_that_is_denied_gives_no_answer(tmp_path: Path, version: str) -> None:
    ran = tmp_path / "ran"
    program = script(tmp_path, f"open({str(ran)!r}, 'w')", version=version)
    here = scanner(tmp_path, program)
    for answer in (
        here.identity(),
        here.scan(archive(tmp_path), now=NOW),
        here.sbom(archive(tmp_path), now=NOW),
        here.update_database(now=NOW),
    ):
        assert isinstance(answer, Unknown)
        assert "refused" in answer.reason
        assert "CVE-2026-33634" in answer.reason
    assert not ran.exists()


@pytest.mark.parametrize(
    "stamp",
    [
        'build\t-ldflags="-X=github.com/aquasecurity/trivy/pkg/version/app.ver=0.69.4"',
        "mod\tgithub.com/aquasecurity/trivy\tv0.69.5\t",
        "dep\tgithub.com/aquasecurity/trivy\tv0.69.6\th1:x",
    ],
)
@pytest.mark.parametrize("before", [0, 4 * 1024 * 1024 - 30])
def test_a_denied_release_is_not_even_asked_for_its_version(
    tmp_path: Path, stamp: str, before: int
) -> None:
    ran = tmp_path / "ran"
    path = Path(script(tmp_path, ""))
    text = path.read_text().replace("import os, sys", f"import os, sys\nopen({str(ran)!r}, 'w')")
    path.write_text(f"{text}\n# {'x' * before}{stamp}\n", encoding="utf-8")
    answer = scanner(tmp_path, str(path)).identity()
    assert isinstance(answer, Unknown)
    assert "refused" in answer.reason
    assert not ran.exists()


def test_a_digest_can_be_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = script(tmp_path, "")
    digest = f"sha256:{hashlib.sha256(Path(program).read_bytes()).hexdigest()}"
    entry = {"versions": [], "digests": [digest], "reason": "bad"}
    monkeypatch.setattr(denied, "_entries", lambda: {"trivy": [entry]})
    assert isinstance(scanner(tmp_path, program).identity(), Unknown)


def test_who_it_is_is_told_with_the_digest_of_the_file(tmp_path: Path) -> None:
    program = script(tmp_path, "")
    found = scanner(tmp_path, program).identity()
    assert isinstance(found, ScannerIdentity)
    assert (found.name, found.version, found.verified) == ("trivy", "0.69.3", True)
    data = Path(program).read_bytes()
    assert found.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_a_version_that_names_no_release_is_told_as_unverified(tmp_path: Path) -> None:
    text = encoded(report(Trivy={"Version": "dev"})).decode()
    program = script(tmp_path, f"sys.stdout.write({text!r})", version="dev")
    scan = scanner(tmp_path, program).scan(archive(tmp_path), now=NOW)
    assert isinstance(scan, Scan)
    assert not scan.scanner.verified
    assert any("'dev'" in notice for notice in scan.notices)


def test_a_program_that_was_exchanged_is_looked_at_again(tmp_path: Path) -> None:
    here = scanner(tmp_path, script(tmp_path, ""))
    assert isinstance(here.identity(), ScannerIdentity)
    script(tmp_path, "", version="0.69.4")
    assert isinstance(here.identity(), Unknown)


def test_what_cannot_be_a_program_is_unknown(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as handle:
        handle.truncate(MAX_PROGRAM_BYTES + 1)  # without taking room
    for path, word in ((huge, "bytes"), (tmp_path, "cannot be read")):
        answer = scanner(tmp_path, str(path)).identity()
        assert isinstance(answer, Unknown)
        assert word in answer.reason


@pytest.mark.parametrize("answer", ["", "[]", "{}", '{"Version": 3}', '{"Version": ""}'])
def test_a_program_that_tells_no_version_is_unknown(tmp_path: Path, answer: str) -> None:
    path = Path(script(tmp_path, ""))
    path.write_text(path.read_text().replace('{"Version": "0.69.3"}', answer), encoding="utf-8")
    assert isinstance(scanner(tmp_path, str(path)).identity(), Unknown)


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("0.69.3", "0.69.3"), ("v0.69.3", "0.69.3"), ("0.69.30", "0.69.30"),
        ("0.69.3-dev", "0.69.3"), ("dev", None), ("", None), ("1.2", None),
    ],
)  # fmt: skip
def test_the_release_behind_a_version(version: str, release: str | None) -> None:
    assert release_of(version) == release


@pytest.mark.parametrize("version", ["0.69.3", "0.69.7", "0.69.40", "0.70.0", None])
def test_other_releases_are_not_denied(version: str | None) -> None:
    assert why_denied("trivy", version=version, digest="sha256:x") is None
