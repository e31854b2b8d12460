"""`waive` as a user meets it: a real repository, real files, a real terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.config.document import MAX_TOML_BYTES
from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from basekeeper.values.event import Event, EventKind
from tests.contract.ledger_places import LATER
from tests.contract.ledger_places import NOW as SEEN
from tests.integration.program import NOW, Outcome, commit, environment, git, run

if TYPE_CHECKING:
    from pathlib import Path

FILE = "basekeeper-waivers.toml"
CVE = ("CVE-2026-1234", "--reason", "no fix yet", "--control", "a proxy")
RULE = ("end-of-life", "--path", "**", "--reason", "replaced soon")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository on an image past its end of life, by somebody whom git knows."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM node:16\n")
    commit(root, "first")
    git(root, "config", "user.email", "dev@example.com")
    return root


def waive(root: Path, *arguments: str, now: str = NOW, **more: str) -> Outcome:
    return run(root, "waive", *arguments, "--now", now, **more)


def listed(root: Path, *, now: str = NOW) -> list[dict[str, Any]]:
    told = waive(root, "--list", "-f", "json", now=now)
    assert (told.code, told.err) == (0, "")
    found: list[dict[str, Any]] = told.json["waivers"]
    return found


def names_of(root: Path, *, now: str = NOW) -> list[str]:
    return [one["id"] for one in listed(root, now=now) if one["state"] != "ended"]


def test_a_waiver_is_written_and_counts_once_it_is_there(root: Path) -> None:
    assert run(root, "check").code == 1
    told = waive(root, *RULE, "--days", "30")
    assert told.code == 0
    assert "notice: the owner is git's user.email, dev@example.com\n" in told.err
    assert "its merged review is the approval" in told.err
    text = (root / FILE).read_text()
    assert text.startswith('[[waiver]]\nid = "20261123-')
    assert 'rules = ["end-of-life"]\npaths = ["**"]\nowner = "dev@example.com"\n' in text
    assert text.endswith("granted = 2026-11-23\nuntil = 2026-12-23\n")
    assert told.out == "--- /dev/null\n+++ b/basekeeper-waivers.toml\n@@ -0,0 +1,8 @@\n" + "".join(
        f"+{line}\n" for line in text.splitlines()
    )
    checked = run(root, "check", "-f", "json")
    assert checked.code == 0
    assert [one["state"] for one in checked.json["waivers"]] == ["used"]


def test_a_pull_request_does_not_waive_its_own_findings(root: Path) -> None:
    git(root, "checkout", "-q", "-b", "work")
    (root / "new").mkdir()
    (root / "new/Dockerfile").write_text("FROM node:14\n")
    waive(root, *RULE, "--days", "30")
    commit(root, "second")
    told = run(root, "check", "--since", "main")
    assert told.code == 1
    assert f"{FILE} differs from the revision compared with" in told.out


def test_a_waiver_of_a_vulnerability_stands_in_the_report_and_is_told_when_it_is_over(
    root: Path,
) -> None:
    assert waive(root, *CVE, "--image", "node", "--days", "9").code == 0
    told = run(root, "check", "-f", "json")
    (waiver,) = told.json["waivers"]
    assert (waiver["state"], waiver["vulnerabilities"]) == ("standing", ["CVE-2026-1234"])
    over = run(root, "check", "-f", "json", "--now", "2026-12-03").json
    assert over["waivers"][0]["state"] == "expired"
    (message,) = (one["message"] for one in over["findings"] if one["rule"] == "expired-waiver")
    assert message == "the waiver of CVE-2026-1234 by dev@example.com ended on 2026-12-02"


def test_a_renewal_ends_the_old_one_and_names_it(root: Path) -> None:
    waive(root, *CVE, "--image", "node", "--days", "9", "--owner", "@a")
    (old,) = names_of(root)
    later = "2026-12-10"
    told = waive(root, "--renew", old, "--days", "9", "--reason", "still none", now=later)
    assert told.code == 0, told.err
    one, other = listed(root, now=later)
    assert (one["id"], one["state"], one["ended"]) == (old, "ended", "2026-12-10")
    assert one["ended_because"] == f"renewed as {other['id']}"
    assert (other["renews"], other["reason"], other["owner"]) == (
        old,
        "still none",
        "dev@example.com",
    )
    assert (other["granted"], other["until"]) == ("2026-12-10", "2026-12-19")
    same = ("vulnerabilities", "images", "control")
    assert [one[name] for name in same] == [other[name] for name in same]
    assert run(root, "check", "-f", "json", "--now", later).json["waivers"][0]["line"] > 1


def test_a_revoked_waiver_is_history_and_covers_nothing(root: Path) -> None:
    waive(root, *RULE, "--days", "30")
    (old,) = names_of(root)
    before = (root / FILE).read_text()
    told = waive(root, "--revoke", old, "--reason", "node 24 is in")
    assert told.code == 0
    lines = before.splitlines(keepends=True)
    lines[1:1] = ["ended = 2026-11-23\n", 'ended_because = "node 24 is in"\n']
    assert (root / FILE).read_text() == "".join(lines)
    assert run(root, "check").code == 1
    again = waive(root, "--revoke", old, "--reason", "x")
    assert (again.code, "has ended" in again.err) == (2, True)


def test_the_patch_is_what_git_sees(root: Path) -> None:
    (root / FILE).write_bytes(b"# ours \r\n\r\n# kept")
    commit(root, "file")
    told = waive(root, *CVE, "--days", "3")
    seen = subprocess.run(
        ["git", "diff", "--no-color"], cwd=root, env=environment(root.parent), check=True,
        capture_output=True,
    ).stdout  # fmt: skip
    hunk = seen[seen.index(b"\n@@") :].decode()
    assert told.out[told.out.index("\n@@") :] == hunk


def test_a_dry_run_writes_nothing(root: Path) -> None:
    told = waive(root, *CVE, "--days", "3", "--dry-run")
    assert (told.code, told.out.startswith("--- /dev/null")) == (0, True)
    assert "nothing is written" in told.err
    assert not (root / FILE).exists()


def test_lists_days_left_and_what_is_over(root: Path) -> None:
    (root / "Dockerfile").write_text(
        '# basekeeper: ignore[end-of-life] owner=@t until=2026-12-01 reason="soon"\nFROM node:16\n'
    )
    waive(root, *CVE, "--days", "2", "--owner", "@a")
    shown = waive(root, "--list", now="2026-11-24T10:00:00Z")
    assert shown.code == 0
    assert "until 2026-11-25, 1 day left\n" in shown.out
    assert "  Dockerfile:1\n" in shown.out
    assert shown.out.endswith("2 waivers, 2 ends soon\n")
    over = waive(root, "--list", now="2026-11-27")
    assert "ended on 2026-11-25, 2 days ago" in over.out
    assert [one["warning"] for one in listed(root)] == [7, 14]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name rules or vulnerabilities to waive, or give --list"),
        (("end-of-live", "--days", "3"), "is neither a rule nor a vulnerability (did you mean"),
        (("*", "--days", "3"), "'*' is neither a rule nor a vulnerability"),
        (("CVE-*", "--days", "3"), "'CVE-*' is neither a rule nor a vulnerability"),
        (("CVE-2026-1", "end-of-life", "--days", "3"), "not both: these are two decisions"),
        (("CVE-2026-1",), "give --reason, --control, --until or --days too: there is no terminal"),
        (("--list", "--renew", "x"), "--renew and --list do not go together"),
        (("--list", "CVE-2026-1"), "--list takes no a rule or vulnerability"),
        (("--renew", "x", "--image", "node"), "takes no --image; another scope is another waiver"),
        (("--renew", "x", "--days", "1", "--reason", "y"), f"{FILE} has no waiver 'x'"),
        ((*CVE, "--days", "3", "--until", "2026-12-01"), "--until and --days say the same"),
        ((*CVE, "--days", "181"), "until: 2027-05-23 is more than 180 days away"),
        ((*CVE, "--until", "2026-11-22"), "until: 2026-11-22 is before 2026-11-23"),
        ((*CVE, "--days", "3", "--path", "**"), "paths: belongs to a waiver that names rules"),
        ((*CVE, "--days", "3", "--image", "*"), "starts with '*'"),
        ((*CVE, "--days", "3", "--package", "*"), "packages[0]: '*' is no name"),
        (("end-of-life", "--reason", "x", "--days", "3"), "names neither paths nor images"),
        ((*RULE, "--days", "3", "--product", "x"), "belongs to a waiver that names vulner"),
        (("invalid-waiver", "--path", "**", "--reason", "x", "--days", "3"), "lets nobody waive"),
        ((*CVE[:2], "-", "--control", "\x1b", "--days", "900"), "3 problems in this waiver"),
    ],
)
def test_says_what_is_wrong_and_writes_nothing(
    root: Path, arguments: tuple[str, ...], message: str
) -> None:
    told = waive(root, *arguments)
    assert (told.code, told.out) == (2, "")
    assert message in told.err
    assert not (root / FILE).exists()


def test_the_policy_bounds_the_days(root: Path) -> None:
    (root / "basekeeper.toml").write_text("[policy.waivers]\nmax_days = 7\n")
    assert "is more than 7 days away" in waive(root, *CVE, "--days", "8").err
    assert waive(root, *CVE, "--days", "7").code == 0


def test_without_git_the_owner_must_be_named(root: Path) -> None:
    git(root, "config", "--unset", "user.email")
    told = waive(root, *CVE, "--days", "3")
    assert (told.code, "give --owner too" in told.err) == (2, True)
    assert waive(root, *CVE, "--days", "3", "--owner", "@a").code == 0


def test_a_waiver_of_nothing_is_written_with_a_warning(root: Path) -> None:
    told = waive(root, *RULE[:2], "other/**", *RULE[3:], "--days", "3")
    assert told.code == 0
    assert "notice: it covers nothing that `check --offline` finds now\n" in told.err
    assert "covers nothing" not in waive(root, *RULE, "--days", "3").err
    stored = waive(root, "unpatched-critical", *RULE[1:], "--days", "3")
    assert (stored.code, "covers nothing" in stored.err) == (0, False), "nobody asked the ledger"


def test_the_ledger_tells_whether_a_vulnerability_was_found(root: Path) -> None:
    text = f"sqlite:{root.parent}/ledger.sqlite"
    subject = (
        "docker.io/library/node#lineage=docker.io/library/node&vulnerability=CVE-2026-1234"
        "&package=pkg:deb/debian/openssl&platform=linux/amd64"
    )
    with contextlib.closing(open_ledger(read_location(text), clock=lambda: LATER)) as ledger:
        evidence = {"digest": f"sha256:{'0' * 64}", "aliases": "GHSA-aaaa-bbbb-cccc"}
        ledger.append([
            Event(
                kind=EventKind.DETECTED, subject=subject, key="x", at=SEEN, source="trivy",
                evidence=evidence,
            )
        ])  # fmt: skip
    for names, is_found in (
        (CVE, True),
        (("GHSA-AAAA-BBBB-CCCC", *CVE[1:], "--image", "node:16"), True),
        ((*CVE, "--image", "debian"), False),
        ((*CVE, "--package", "zlib"), False),
        (("CVE-2026-9", *CVE[1:]), False),
    ):
        told = waive(root, *names, "--days", "3", "--dry-run", BASEKEEPER_LEDGER=text)
        assert told.code == 0
        assert ("it covers nothing that scans recorded" not in told.err) is is_found
    gone = f"sqlite:{root.parent}/none/ledger.sqlite"
    told = waive(root, *CVE, "--days", "3", BASEKEEPER_LEDGER=gone)
    assert (told.code, "whether it covers anything is not known" in told.err) == (0, True)


def test_the_same_waiver_is_not_granted_twice(root: Path) -> None:
    assert waive(root, *CVE, "--days", "3").code == 0
    again = waive(root, *CVE, "--days", "3")
    assert (again.code, "holds this very waiver as '20261123-" in again.err) == (2, True)
    other = waive(root, *CVE, "--days", "4")
    assert (other.code, "covers the same until 2026-11-26: --renew" in other.err) == (0, True)


def test_under_an_operators_policy_its_word_counts(root: Path) -> None:
    policy = root.parent / "policy.toml"
    policy.write_text(f'[policy.waivers]\nfile = "{FILE}"\n')
    told = waive(root, *CVE, "--days", "3", "--policy", str(policy))
    assert told.code == 2
    assert "the operator's policy does not count the waivers of repositories" in told.err
    policy.write_text(f'[policy.waivers]\nfile = "{FILE}"\nrepository = true\nmax_days = 3\n')
    assert waive(root, *CVE, "--days", "3", "--policy", str(policy)).code == 0
    assert "more than 3 days" in waive(root, *CVE, "--days", "4", "--policy", str(policy)).err


def test_hostile_words_are_text_and_nothing_else(root: Path) -> None:
    evil = 'x"\n[[waiver]]\nrules = ["end-of-life"]\n# \x1b[2J\u202e\x07'
    told = waive(root, *CVE[:2], evil, *CVE[3:], "--owner", evil, "--days", "3")
    assert told.code == 0
    (one,) = listed(root)
    assert (one["reason"], one["owner"]) == (evil, evil)
    text = (root / FILE).read_bytes()
    assert (text.count(b"\n[[waiver]]"), b"\x1b" in text, b"\xe2\x80\xae" in text) == (
        0, False, False,
    )  # fmt: skip
    assert "\x1b" not in told.err + told.out + waive(root, "--list").out


class TestFilesThatCannotBeWritten:
    """Nothing is changed, nothing is left behind, and the way out is named."""

    @pytest.fixture
    def before(self, root: Path) -> bytes:
        waive(root, *RULE, "--days", "3")
        return (root / FILE).read_bytes()

    def refused(self, root: Path, *arguments: str) -> str:
        told = waive(root, *(arguments or (*CVE, "--days", "3")))
        assert told.code == 2
        assert not list(root.rglob(".basekeeper-*"))
        return told.err

    def test_a_read_only_file(self, root: Path, before: bytes) -> None:
        (root / FILE).chmod(0o444)
        assert "it is read-only\nhint: give yourself the right" in self.refused(root)
        assert (root / FILE).read_bytes() == before

    def test_a_link_out_of_the_tree(self, root: Path, before: bytes) -> None:
        outside = root.parent / "outside.toml"
        (root / FILE).rename(outside)
        (root / FILE).symlink_to(outside)
        assert "leads out of the tree" in self.refused(root)
        assert outside.read_bytes() == before

    def test_a_link_to_nothing(self, root: Path) -> None:
        (root / FILE).symlink_to(root.parent / "none")
        assert "is a link to nothing" in self.refused(root)
        assert not (root.parent / "none").exists()

    def test_a_link_within_the_tree_stays_one(self, root: Path, before: bytes) -> None:
        (root / FILE).rename(root / "real.toml")
        (root / FILE).symlink_to("real.toml")
        assert waive(root, *CVE, "--days", "3").code == 0
        assert (root / FILE).is_symlink()
        assert (root / "real.toml").read_bytes().startswith(before)

    def test_a_directory(self, root: Path) -> None:
        (root / FILE).mkdir()
        assert "File exists" in self.refused(root)

    def test_a_directory_that_is_not_there(self, root: Path) -> None:
        (root / "basekeeper.toml").write_text('[policy.waivers]\nfile = "no/w.toml"\n')
        assert "hint: make the directory first" in self.refused(root)

    def test_a_wrong_file(self, root: Path, before: bytes) -> None:
        (root / FILE).write_bytes(before + b"owner = 1\nx\n")
        assert "is not valid TOML" in self.refused(root)

    def test_a_full_file(self, root: Path, before: bytes) -> None:
        full = before + b"#" * (MAX_TOML_BYTES - len(before) - 1) + b"\n"
        (root / FILE).write_bytes(full)
        assert "would be larger than 256 KiB" in self.refused(root)
        (root / FILE).write_bytes(full + full)
        assert "is larger than 256 KiB" in self.refused(root)


def test_a_large_file_is_edited_in_place(root: Path) -> None:
    table = (
        '\n[[waiver]]\nid = "w{}"\nrules = ["end-of-life"]\npaths = ["a/**"]\nowner = "@t"\n'
        'reason = "r"\nuntil = 2026-12-31\n'
    )
    text = "".join(table.format(number) for number in range(2_000))
    (root / FILE).write_text(text)
    told = waive(root, "--revoke", "w1000", "--reason", "fixed")
    assert told.code == 0
    ending = 'ended = 2026-11-23\nended_because = "fixed"\n'
    assert (root / FILE).read_text() == text.replace('id = "w1000"', f'{ending}id = "w1000"')


def test_what_is_missing_is_asked_for_on_a_terminal(root: Path) -> None:
    parent, child = pty.openpty()
    answers = b"no fix yet\na proxy\n9\n"
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "basekeeper", "waive", "CVE-2026-1", "--now", NOW],
            cwd=root, env=environment(root.parent, TERM="dumb"),
            stdin=child, stdout=child, stderr=child,
        ) as process:  # fmt: skip
            os.close(child)
            os.write(parent, answers)
            shown = b""
            while True:
                try:
                    shown += os.read(parent, 4096)
                except OSError:  # the terminal closed
                    break
            assert process.wait(timeout=30) == 0, shown
    finally:
        os.close(parent)
    assert b"why is it acceptable" in shown
    assert b"for how many days (at most 180)" in shown
    (one,) = listed(root)
    assert (one["owner"], one["reason"], one["control"], one["days_left"]) == (
        "dev@example.com", "no fix yet", "a proxy", 9,
    )  # fmt: skip


def test_the_list_is_valid_json_with_a_version(root: Path) -> None:
    waive(root, *CVE, "--days", "3")
    value = json.loads(waive(root, "--list", "-f", "json").out)
    assert value["schema_version"] == 1
    assert value["now"].startswith("2026-11-23T08:00:00")


def test_another_directory_is_a_repository_too(root: Path) -> None:
    told = waive(root.parent, *CVE, "--days", "3", "--owner", "@a", "-C", root.name)
    assert told.code == 0
    assert (root / FILE).is_file()
