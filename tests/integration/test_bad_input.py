"""What goes wrong around `scan --record` and the verbs that read what it recorded.

A clear message, the right exit code, and no event that is lost or there twice.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from basekeeper.ledger import engines
from tests.contract.ledger_places import LEDGERS, clone, git, text_of
from tests.fakes.postgres import postgres
from tests.fakes.registry import Simulator
from tests.integration.faulty import CRITICAL, HOUR, NOW, Bench, finding, package
from tests.integration.program import environment, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tests.fakes.postgres import Server
    from tests.integration.program import Outcome

__all__ = ["clone", "postgres"]


@pytest.fixture
def bench(request: pytest.FixtureRequest, clone: Path) -> Iterator[Bench]:
    kind = getattr(request, "param", "sqlite")
    with Simulator() as simulator:
        ledger = text_of(kind, request, clone.parent)
        yield Bench(clone, ledger, simulator.host("registry.test"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 300 KB, where this user may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may mount no disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


every_ledger = pytest.mark.parametrize("bench", LEDGERS, indirect=True)


def open_findings(bench: Bench, now: datetime) -> tuple[int, set[str]]:
    """Return the exit code of `deadlines` and which findings are open."""
    told = bench.run("deadlines", "-f", "json", now=now)
    return told.code, {one["vulnerability"] for one in told.json["deadlines"]}


def plain(told: Outcome) -> str:
    """Return all that was said, without the breaks of lines."""
    return " ".join(f"{told.out} {told.err}".split())


def is_sound(bench: Bench) -> bool:
    """Tell whether `ledger verify` finds nothing, and nothing is there twice."""
    twice = [one for one, count in Counter(fact[:3] for fact in bench.facts()).items() if count > 1]
    return not twice and run(bench.root, "ledger", "verify", **bench.environ).code == 0


STOP = "; sys.stdout.flush(); os._exit(0)"
RESULT = 'said["Results"][0]'
FOUND = f'{RESULT}["Vulnerabilities"][0]'


class TestScanner:
    """What the scanner says, does, or does not."""

    @pytest.mark.parametrize(
        ("matches", "words"),
        [
            ("sys.stdout.write(json.dumps(said)[:-20])" + STOP, "no whole JSON document"),
            ('[sys.stdout.write("x" * 2**20) for _ in range(300)]', "answered more than"),
            ('said["SchemaVersion"] = 3', "has schema 3, not 2"),
            ('sys.stdout.buffer.write(b"{\\xff}")' + STOP, "no whole JSON document"),
            ('sys.stdout.write("[" * 100_000)' + STOP, "no whole JSON document"),
            (f'{FOUND}.pop("PkgName")', "'PkgName' is missing"),
            (f'{FOUND}["VulnerabilityID"] = ""', "'VulnerabilityID' is missing"),
            (f'{FOUND}["PublishedDate"] = "-44-03-15"', "is no instant"),
            (f'{FOUND}["PublishedDate"] = "9999-12-31T23:59:59-23:59"', "is no instant"),
            (f'{FOUND}["VendorSeverity"] = {{"nvd": 99}}', "is none that Trivy knows"),
            ('said["ArtifactType"] = "container_image"', "took the SBOM for"),
            ("os._exit(0)", "it said nothing (exit status 0)"),
            ("os._exit(7)", "it said nothing (exit status 7)"),
            ("os.kill(os.getpid(), 9)", "it was ended by SIGKILL"),
        ],
    )
    def test_no_answer_is_unknown_and_records_nothing_of_the_image(
        self, bench: Bench, matches: str, words: str
    ) -> None:
        bench.say(matches=matches)
        told = bench.run("scan", "--record")
        assert (told.code, words in plain(told)) == (3, True), plain(told)
        assert {fact[0] for fact in bench.facts()} == {"first-seen", "based-on"}
        assert open_findings(bench, NOW) == (3, set())
        bench.say(matches="")
        assert bench.run("scan", "--record").code == 0
        assert open_findings(bench, NOW) == (0, {CRITICAL})

    @pytest.mark.parametrize(
        "matches",
        [
            f'{FOUND}["VulnerabilityID"] = "CVE-" + chr(0)',
            f'{FOUND}["VulnerabilityID"] = "CVE-" + chr(0xDC00) + "\\n#&%"',
            f'{FOUND}["VulnerabilityID"] = "CVE\\x1b[2J" + chr(0x202E)',
            f'{FOUND}["VulnerabilityID"] = "CVE-" + "9" * 60_000',
            f'{FOUND}["PkgName"] = "a\\x1b[31m\\r\\n" + chr(0x202E) + chr(0xD800)',
            f'{FOUND}["PkgIdentifier"] = {{"PURL": "pkg:deb/debian/" + "o" * 10_000 + "@1"}}',
            f'{FOUND}["FixedVersion"] = "1\\x1b]0;x\\x07," * 5_000',
            f'{FOUND}["PublishedDate"] = "9998-01-02T00:00:00Z"',
            f'{FOUND}["PublishedDate"] = "0002-01-02T00:00:00Z"',
            f'{RESULT}["Vulnerabilities"] *= 50',
            f'{RESULT}["Packages"] = [{{"Name": f"p{{n}}", "Version": "1"}} for n in range(50000)]',
            "print(json.dumps(said)); sys.stdout.flush(); os._exit(1)",
        ],
    )
    def test_whatever_it_finds_is_recorded_once_and_shown_harmlessly(
        self, bench: Bench, matches: str
    ) -> None:
        bench.say(matches=matches)
        told = bench.run("scan", "--record")
        assert told.code == 0, told.err
        before = bench.facts()
        assert bench.run("scan", "--record").code == 0
        assert bench.facts() == before
        code, found = open_findings(bench, NOW)
        assert (code, len(found)) == (0, 1)
        shown = [told, bench.run("deadlines"), bench.run("deadlines", "-f", "markdown")]
        shown.append(bench.run("check", "--online"))
        for one in shown:
            text = one.out + one.err
            assert all(letter >= " " or letter in "\n\t" for letter in text)
            assert not set("\x7f\u202e\x9b") & set(text)
        assert is_sound(bench)

    def test_a_report_by_another_version_proves_no_absence(self, bench: Bench) -> None:
        assert bench.run("scan", "--record").code == 0
        bench.say(found=[], matches='said["Trivy"] = {"Version": "0.1.0"}')
        told = bench.run("scan", "--record", now=NOW + HOUR)
        assert (told.code, "by version '0.1.0'" in plain(told)) == (3, True)
        assert open_findings(bench, NOW + HOUR) == (3, {CRITICAL})

    def test_packages_of_another_image_are_no_answer(self, bench: Bench) -> None:
        bench.say(lists='name["value"] = "sha256:" + "0" * 64')
        told = bench.run("scan", "--record")
        assert (told.code, "of another image" in plain(told)) == (3, True)

    def test_without_a_scanner_nothing_is_recorded(self, bench: Bench) -> None:
        bench.program.unlink()
        told = bench.run("scan", "--record")
        assert (told.code, "install Trivy" in told.err) == (2, True)

    def test_advisories_of_the_future_prove_nothing(self, bench: Bench) -> None:
        bench.say(found=[])
        bench.advisories(NOW + timedelta(days=30))
        told = bench.run("scan", "--record")
        assert (told.code, "is from the future" in plain(told)) == (3, True)
        told = bench.run("deadlines")
        assert (told.code, "from the future" in plain(told)) == (3, True)
        told = bench.run("check", "--online", "--rule", "unpatched-critical")
        assert (told.code, "from the future" in plain(told)) == (3, True)


class TestClockSteps:
    @every_ledger
    def test_a_reader_whose_clock_is_behind_says_so(self, bench: Bench) -> None:
        assert bench.run("scan", "--record").code == 0
        told = bench.run("deadlines", now=NOW - HOUR)
        assert (told.code, "later than now" in told.out) == (3, True), told.out

    @every_ledger
    def test_a_recorder_whose_clock_was_ahead_hides_nothing_from_the_next(
        self, bench: Bench
    ) -> None:
        far = NOW + timedelta(days=3650)
        bench.advisories(far)
        assert bench.run("scan", "--record", now=far).code == 0
        code, found = open_findings(bench, NOW)
        assert (code, found) == (3, set())

        bench.advisories(NOW)
        told = bench.run("scan", "--record", now=NOW)
        assert told.code == 0
        assert "the ledger holds events of 2036-11-20" in " ".join(told.out.split())
        assert open_findings(bench, NOW) == (0, {CRITICAL})
        (due,) = bench.run("deadlines", "-f", "json").json["deadlines"]
        assert due["due"] == "2026-11-25T08:00:00Z"
        before = bench.facts()
        assert bench.run("scan", "--record", now=NOW).code == 0
        assert bench.facts() == before, "the same again adds nothing"

    def test_a_product_that_has_gone_meanwhile_leaves_no_doubt(self, bench: Bench) -> None:
        far = NOW + timedelta(days=3650)
        bench.advisories(far)
        (bench.root / "other").mkdir()
        (bench.root / "Dockerfile").rename(bench.root / "other" / "Dockerfile")
        assert bench.run("scan", "--record", now=far).code == 0
        bench.advisories(NOW)
        (bench.root / "other" / "Dockerfile").rename(bench.root / "Dockerfile")
        assert bench.run("scan", "--record", now=NOW).code == 0
        assert open_findings(bench, NOW) == (0, {CRITICAL})

    def test_a_tag_that_a_clock_ahead_saw_moves_on(self, bench: Bench) -> None:
        far = NOW + timedelta(days=3650)
        bench.advisories(far)
        assert bench.run("scan", "--record", now=far).code == 0
        bench.push("base", "11-slim", seed="rebuilt")
        bench.say(packages=[package(version="3.0.15-1")], found=[])
        bench.advisories(NOW)
        assert bench.run("scan", "--record", now=NOW).code == 0
        assert open_findings(bench, NOW) == (0, set())
        told = bench.run("check", "--online", "-f", "json", "--rule", "unpatched-critical")
        assert (told.code, told.json["findings"]) == (0, []), told.out

    def test_a_clock_far_behind_tells_nothing_again(self, bench: Bench) -> None:
        assert bench.run("scan", "--record").code == 0
        before = [fact for fact in bench.facts() if fact[0] != "scanned"]
        told = bench.run("scan", "--record", now=NOW - timedelta(days=365))
        assert (told.code, "from the future" in " ".join(told.out.split())) == (3, True), told.out
        assert [fact for fact in bench.facts() if fact[0] != "scanned"] == before
        assert open_findings(bench, NOW) == (0, {CRITICAL})


def said_by_processes(text: bytes) -> set[bytes]:
    """Return the command lines of all processes that hold a text."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.add(place.read_bytes())
    return {line for line in found if text in line}


class TestSecrets:
    @pytest.mark.component("database")
    @pytest.mark.parametrize("bench", ["postgresql"], indirect=True)
    def test_the_password_of_the_ledger_is_shown_nowhere(self, bench: Bench) -> None:
        bench.say(matches="time.sleep(0.5)")
        with bench.start("scan", "--record") as process:
            lines: set[bytes] = set()
            while process.poll() is None:
                lines |= said_by_processes(b"s3cr3t")
                time.sleep(0.05)
            out, err = process.communicate()
        assert (process.returncode, lines, b"s3cr3t" in out + err) == (0, set(), False)
        for verb in (
            ("deadlines",),
            ("deadlines", "-f", "json"),
            ("report",),
            ("check", "--online"),
        ):
            assert "s3cr3t" not in plain(bench.run(*verb))
        for verb in (("ledger", "info"), ("ledger", "verify")):
            assert "s3cr3t" not in plain(run(bench.root, *verb, **bench.environ))
        assert "s3cr3t" not in repr(bench.facts())

    def test_the_scanner_sees_nothing_of_our_environment(self, bench: Bench) -> None:
        bench.environ["SOME_VARIABLE"] = "s3cr3t"
        seen = bench.place / "seen"
        bench.say(matches=f"open({str(seen)!r}, 'w').write(repr((sys.argv, dict(os.environ))))")
        assert bench.run("scan", "--record").code == 0
        text = seen.read_text("utf-8")
        assert not [one for one in ("s3cr3t", "BASEKEEPER", str(bench.root)) if one in text]

    @pytest.mark.parametrize(
        "url",
        [
            "https://user:s3cr3t@git.example/acme/shop.git",
            "https://s3cr3t@git.example/acme/shop?private_token=s3cr3t#s3cr3t",
            "ssh://s3cr3t@git.example:22/acme/shop",
            "https://a:s3cr3t@b@git.example/acme/shop",
            "https:user:s3cr3t@git.example/acme/shop",
            "git.example:s3cr3t@x/y",
        ],
    )
    def test_a_secret_in_the_address_of_the_remote_is_neither_shown_nor_recorded(
        self, bench: Bench, url: str
    ) -> None:
        bench.settings(repository=None)
        git(bench.root, "remote", "set-url", "origin", url)
        for verb in (("scan", "--record"), ("deadlines",), ("deadlines", "--all"), ("report",)):
            assert "s3cr3t" not in plain(bench.run(*verb))
        assert "s3cr3t" not in repr(bench.facts())


HOSTILE = ["a\nb", "x#y&product=z%41", "\u202eevil", "\x1b[31mred", "é" * 60, "q'\"`$(x)", "\udcff"]


class TestNames:
    def test_directories_of_any_name_are_products_of_their_own(self, bench: Bench) -> None:
        for name in HOSTILE:
            (bench.root / name).mkdir()
            shutil.copy(bench.root / "Dockerfile", bench.root / name / "Dockerfile")
        assert bench.run("scan", "--record").code == 0
        told = bench.run("deadlines", "-f", "json")
        products = {one["product"] for one in told.json["deadlines"]}
        assert (told.code, len(products)) == (0, len(HOSTILE) + 1)
        for verb in (("deadlines",), ("deadlines", "-f", "markdown"), ("check", "--online")):
            told = bench.run(*verb)
            assert all(letter >= " " or letter in "\n\t" for letter in told.out + told.err)
            assert "\u202e" not in told.out
        before = bench.facts()
        assert bench.run("scan", "--record").code == 0
        assert bench.facts() == before

    def test_the_longest_name_of_an_image_is_recorded_and_read(self, bench: Bench) -> None:
        name = "/".join(["n" * 58] * 4)
        bench.push(name, "11-slim")
        (bench.root / "Dockerfile").write_text(f"FROM {bench.host.address}/{name}:11-slim\n")
        assert bench.run("scan", "--record").code == 0
        assert open_findings(bench, NOW) == (0, {CRITICAL})
        told = bench.run("check", "--online", "-f", "json", "--rule", "unpatched-critical")
        (found,) = told.json["findings"]
        assert (told.code, CRITICAL in found["message"]) == (0, True)


KILLED = """
import os, signal, sys
from pathlib import Path
import basekeeper

home, point, count = str(Path(basekeeper.__file__).parent), int(sys.argv.pop(1)), 0

def look(frame, event, _):
    global count
    if event == "call" and frame.f_code.co_filename.startswith(WATCHED):
        count += 1
        if count == point:
            os.kill(os.getpid(), signal.SIGKILL)

WATCHED = tuple(f"{home}/{part}" for part in ("pipeline/", "ledger/", "recording/", "deadlines/"))
sys.setprofile(look)
from basekeeper.cli.main import main
code = main(sys.argv[1:])
print(count, file=sys.stderr)
sys.exit(code)
"""
"""Kills itself at one of its calls (0: at none), and says how many there were."""

POINTS = 7


def killed_at(bench: Bench, point: int, now: datetime) -> tuple[int, int]:
    """Scan in such a process; return its exit code, and the number of calls."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(point), "scan", "--record", "--now", now.isoformat()],
        cwd=bench.root,
        env=environment(bench.place, **bench.environ),
        capture_output=True,
        check=False,
        timeout=60,
    )
    last = done.stderr.split()[-1:] or [b"0"]
    return done.returncode, int(last[0]) if done.returncode == 0 else 0


class TestKilled:
    @pytest.mark.slow
    @every_ledger
    def test_a_scan_killed_anywhere_is_made_good_by_the_next(
        self, bench: Bench, request: pytest.FixtureRequest
    ) -> None:
        """First a flaw comes, then a fixed base: the second run is killed at points all over it."""
        old = bench.host.content.repository("base").tags["11-slim"]
        bench.push("base", "11-slim", seed="fixed")
        new = bench.host.content.repository("base").tags["11-slim"]
        kind = request.node.callspec.params["bench"]
        wanted, total = None, 0
        for turn in range(POINTS + 1):
            bench.move_ledger(f"{kind}-{turn}", request)
            bench.host.content.tag("base", "11-slim", old)
            bench.say(found=[finding()], packages=[package()])
            bench.advisories(NOW)
            assert bench.run("scan", "--record").code == 0
            bench.host.content.tag("base", "11-slim", new)
            bench.say(found=[finding("CVE-2026-0002")], packages=[package(version="3.0.15-1")])
            bench.advisories(NOW + HOUR)
            shutil.rmtree(bench.place / ".cache")
            if wanted is None:
                code, total = killed_at(bench, 0, NOW + HOUR)
                assert (code, total > POINTS) == (0, True)
                wanted = bench.facts()
                continue
            code, _ = killed_at(bench, total * turn // (POINTS + 1) + 1, NOW + HOUR)
            assert code == -signal.SIGKILL
            assert bench.run("scan", "--record", now=NOW + HOUR).code == 0
            assert bench.facts() == wanted
            assert is_sound(bench)


class TestTwoAtOnce:
    @every_ledger
    def test_the_same_repository_and_others_on_the_same_image(self, bench: Bench) -> None:
        bench.say(found=[finding(f"CVE-2026-{number}") for number in range(20)])
        places = [(bench.root, bench.place / "settings.toml")] * 2
        for number in range(2):
            other, settings = bench.place / f"other{number}", bench.place / f"other{number}.toml"
            shutil.copytree(bench.root, other)
            text = (bench.place / "settings.toml").read_text("utf-8")
            settings.write_text(text.replace("acme/shop", f"acme/other{number}"), "utf-8")
            places.append((other, settings))
        begun = [
            bench.start("scan", "--record", root=root, BASEKEEPER_SETTINGS=str(settings))
            for root, settings in places
        ]
        for process in begun:
            _, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
        kinds = Counter(fact[0] for fact in bench.facts())
        assert (kinds["detected"], kinds["scanned"], kinds["based-on"]) == (20, 1, 3)
        assert not [fact for fact in bench.facts() if "#" in fact[2]], "nothing is there again"
        assert is_sound(bench)


def change(bench: Bench) -> None:
    """Change what is recorded of the fix, as whoever owns the ledger can."""
    if bench.ledger.startswith("branch:"):
        work, remote = bench.place / "work", f"file://{bench.place}/remote.git"
        git(bench.place, "clone", "-q", "-b", "basekeeper-ledger", remote, str(work))
        for file in work.glob("chains/*/*.jsonl"):
            file.write_text(file.read_text("utf-8").replace('"3.0.15-1"', '"3.0.99-1"'), "utf-8")
        git(work, "commit", "-qam", "changed")
        git(work, "push", "-q")
        return
    late = "UPDATE basekeeper_event SET at = at + 864000000000 WHERE kind = 'detected'"
    if bench.ledger.startswith("postgresql:"):
        import psycopg

        with psycopg.connect(bench.ledger, autocommit=True) as server:
            server.execute("SET session_replication_role = replica")
            server.execute(late.encode())
        return
    path = bench.ledger.partition(":")[2]
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("DROP TRIGGER basekeeper_event_no_update")
        other.execute(late)
        other.commit()


def test_waivers_that_are_written_at_once_are_all_there_or_told_of(bench: Bench) -> None:
    named = (
        "--reason",
        "no fix",
        "--control",
        "a proxy",
        "--owner",
        "me@example.com",
        "--days",
        "9",
    )
    begun = [bench.start("waive", f"CVE-2026-{number}", *named) for number in range(4)]
    codes = []
    for process in begun:
        _, err = process.communicate(timeout=60)
        codes.append(process.returncode)
        assert process.returncode == 0 or b"run again" in err, err
    text = (bench.root / "basekeeper-waivers.toml").read_text("utf-8")
    assert text.count("[[waiver]]") == codes.count(0) > 0
    assert set(codes) <= {0, 2}


def test_a_broken_waiver_file_is_told_of_and_the_scan_recorded(bench: Bench) -> None:
    (bench.root / "basekeeper-waivers.toml").write_text("[[waiver]\nx=", "utf-8")
    told = bench.run("scan", "--record")
    assert (told.code, "\\x0a" in told.out) == (0, False)
    assert "waivers stay as they were recorded before" in plain(told)
    assert open_findings(bench, NOW) == (0, {CRITICAL})


class TestPlaces:
    """Where the ledger lies: full, locked, gone, refusing, changed."""

    def test_a_locked_file_is_waited_for_and_then_told_of(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert bench.run("scan", "--record").code == 0
        monkeypatch.setattr(engines, "WAIT_SECONDS", 1)
        bench.say(found=[finding(), finding("CVE-2026-0002")])
        path = bench.ledger.partition(":")[2]
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            told = bench.run("scan", "--record")
            assert (told.code, "database is locked" in told.err) == (3, True)
            assert "another program writes to it" in told.err
            assert "CVE-2026-0002" in told.out, "what was found is shown all the same"
            assert "nothing was recorded" in plain(told)
            told = bench.run("scan", "--record", "--fail-on", "critical", "-f", "json")
            assert (told.code, told.json["recorded"]) == (1, None)
            assert open_findings(bench, NOW) == (0, {CRITICAL}), "who reads does not wait"
        assert bench.run("scan", "--record").code == 0
        assert open_findings(bench, NOW) == (0, {CRITICAL, "CVE-2026-0002"})
        assert is_sound(bench)

    @pytest.mark.component("database")
    @pytest.mark.parametrize("bench", ["postgresql"], indirect=True)
    def test_a_server_on_which_another_writes_is_waited_for_and_then_told_of(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import psycopg

        assert bench.run("scan", "--record").code == 0
        monkeypatch.setattr(engines, "WAIT_SECONDS", 1)
        bench.say(found=[finding(), finding("CVE-2026-0002")])
        with psycopg.connect(bench.ledger) as other:
            other.execute(f"SELECT pg_advisory_xact_lock({engines.WRITERS_LOCK})".encode())
            told = bench.run("scan", "--record")
            assert (told.code, "another program writes to it" in told.err) == (3, True), told.err
            assert open_findings(bench, NOW) == (0, {CRITICAL})
        assert bench.run("scan", "--record").code == 0
        assert open_findings(bench, NOW) == (0, {CRITICAL, "CVE-2026-0002"})

    def test_a_full_disk_loses_nothing(self, bench: Bench) -> None:
        assert bench.run("scan", "--record").code == 0
        before = bench.facts()
        bench.say(found=[finding(f"CVE-2026-{number}") for number in range(300)])
        size = Path(bench.ledger.partition(":")[2]).stat().st_size
        # Python itself would write half a compiled module, and fail over it ever after.
        bench.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        for most in (0, size + 40_000):
            with bench.start("scan", "--record", largest_file=most) as process:
                _, err = process.communicate(timeout=60)
            assert (process.returncode, b"make room" in err) == (3, True), err
            assert bench.facts() == before
        assert bench.run("scan", "--record").code == 0
        assert len(open_findings(bench, NOW)[1]) == 300
        assert is_sound(bench)

    @pytest.mark.parametrize("bench", ["branch"], indirect=True)
    def test_a_disk_that_is_too_full_for_git_loses_nothing(
        self, bench: Bench, small_disk: Path
    ) -> None:
        assert bench.run("scan", "--record").code == 0
        before = bench.facts()
        bench.say(found=[finding(f"CVE-2026-{number}") for number in range(1_500)])
        with bench.start("scan", "--record", "-v", TMPDIR=str(small_disk)) as process:
            out, err = process.communicate(timeout=60)
        assert (process.returncode, b"make room" in err) == (3, True), err
        assert b"CVE-2026-1499" in out
        assert bench.facts() == before
        assert bench.run("scan", "--record").code == 0
        assert len(open_findings(bench, NOW)[1]) == 1_500
        assert is_sound(bench)

    def test_a_disk_without_room_for_more_events_still_tells_those_that_are_there(
        self, bench: Bench, small_disk: Path
    ) -> None:
        bench.ledger = bench.environ["BASEKEEPER_LEDGER"] = f"sqlite:{small_disk}/ledger.sqlite"
        assert bench.run("scan", "--record").code == 0
        bench.say(found=[finding(f"CVE-2026-{number:04}") for number in range(400)])
        told = bench.run("scan", "--record", "-v")
        assert (told.code, "is full" in told.err, "CVE-2026-0399" in told.out) == (3, True, True)
        assert "make room on the disk" in told.err
        assert open_findings(bench, NOW) == (0, {CRITICAL})
        assert is_sound(bench)
        with contextlib.suppress(OSError), (small_disk / "rest").open("wb", buffering=0) as rest:
            while rest.write(b"x" * 4_096):
                pass
        told = bench.run("report", "--output", str(small_disk / "report.html"))
        assert (told.code, "that has room" in told.err) == (2, True), told.err
        assert not (small_disk / "report.html").exists()

    @pytest.mark.component("database")
    @pytest.mark.parametrize("bench", ["postgresql"], indirect=True)
    def test_a_server_that_is_lost_during_the_scan_is_told_of(
        self, bench: Bench, postgres: Server
    ) -> None:
        import psycopg

        assert bench.run("scan", "--record").code == 0
        name = bench.ledger.partition("?")[0].rpartition("/")[2]
        begun = bench.place / "begun"
        bench.say(
            found=[finding(), finding("CVE-2026-0002")],
            matches=f"open({str(begun)!r}, 'w').close(); time.sleep(1)",
        )

        def allow(*, is_allowed: bool) -> None:
            with psycopg.connect(postgres.uri(), autocommit=True) as server:
                server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {is_allowed}'.encode())
                if not is_allowed:
                    server.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                        (name,),
                    )

        def cut() -> None:
            while not begun.exists():
                time.sleep(0.02)
            allow(is_allowed=False)

        other = threading.Thread(target=cut)
        other.start()
        told = bench.run("scan", "--record")
        other.join()
        assert (told.code, "s3cr3t" in plain(told)) == (3, False), plain(told)
        assert "check that the server runs" in told.err
        assert "CVE-2026-0002" in told.out
        for verb in (("deadlines",), ("check", "--online"), ("report",)):
            told = bench.run(*verb)
            assert (told.code, "s3cr3t" in plain(told)) == (3, False)
        allow(is_allowed=True)
        assert bench.run("scan", "--record").code == 0
        assert open_findings(bench, NOW) == (0, {CRITICAL, "CVE-2026-0002"})
        assert is_sound(bench)

    @pytest.mark.parametrize("bench", ["branch"], indirect=True)
    def test_a_push_that_is_refused_loses_nothing(self, bench: Bench) -> None:
        hook = bench.place / "remote.git" / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nprintf 'protected \\033[31mbranch\\n' >&2\nexit 1\n")
        hook.chmod(0o755)
        told = bench.run("scan", "--record")
        assert (told.code, "takes no events" in told.err, "\x1b" in told.err) == (3, True, False)
        assert "contents: write" in told.err
        assert CRITICAL in told.out
        hook.unlink()
        assert bench.run("scan", "--record").code == 0
        assert open_findings(bench, NOW) == (0, {CRITICAL})
        assert is_sound(bench)

    @every_ledger
    def test_a_changed_ledger_is_neither_read_nor_added_to(self, bench: Bench) -> None:
        assert bench.run("scan", "--record").code == 0
        change(bench)
        for verb in (("scan", "--record"), ("deadlines",), ("check", "--online"), ("report",)):
            told = bench.run(*verb)
            assert (told.code, "was changed after it was recorded" in told.err) == (3, True), verb
        assert run(bench.root, "ledger", "verify", **bench.environ).code == 1

    @pytest.mark.parametrize("bench", ["branch"], indirect=True)
    def test_heads_of_a_changed_branch_are_not_shown(self, bench: Bench) -> None:
        assert bench.run("scan", "--record").code == 0
        change(bench)
        told = run(bench.root, "ledger", "info", **bench.environ)
        assert (told.code, "was changed after it was recorded" in told.err) == (3, True)

    def test_a_ledger_of_a_later_program_is_left_alone(self, bench: Bench) -> None:
        assert bench.run("scan", "--record").code == 0
        path = bench.ledger.partition(":")[2]
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("UPDATE basekeeper_version SET version_num = '9999'")
            other.commit()
        for verb in (("scan", "--record"), ("deadlines",), ("check", "--online"), ("report",)):
            told = bench.run(*verb)
            assert (told.code, "newer than this program" in told.err) == (3, True), verb
