from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.integration.program import SNAPSHOTS, Outcome, commit, copy_repo, git, run

RULES_OF_MIXED = {"end-of-life", "unofficial-source", "opaque-reference", "floating-tag"}


def rules(outcome: Outcome, standing: str = "findings") -> set[str]:
    """Name the rules of a JSON report."""
    return {finding["rule"] for finding in outcome.json[standing]}


def test_clean_repository_passes(tmp_path: Path) -> None:
    outcome = run(copy_repo("clean", tmp_path), "check")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1].startswith("✓ passed")


def test_findings_fail_and_are_shown_at_80_columns(tmp_path: Path) -> None:
    outcome = run(copy_repo("mixed", tmp_path), "check")
    assert (outcome.code, outcome.err) == (1, "")
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert outcome.out == (SNAPSHOTS / "mixed.txt").read_text(encoding="utf-8")


def test_json_holds_every_use_and_finding(tmp_path: Path) -> None:
    outcome = run(copy_repo("mixed", tmp_path), "check", "--format", "json")
    assert outcome.code == 1
    assert rules(outcome) >= RULES_OF_MIXED
    assert str(tmp_path) not in outcome.out
    assert {use["path"] for use in outcome.json["uses"]} == {
        "api/Dockerfile",
        "deploy/Dockerfile",
        "tests/e2e/Dockerfile",
        "web/Dockerfile",
    }


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first = copy_repo("mixed", tmp_path / "a")
    second = copy_repo("mixed", tmp_path / "b")
    for written in ("json", "sarif", "junit", "markdown", "github", "text"):
        assert run(first, "check", "-f", written) == run(second, "check", "-f", written)


def test_sarif_is_written_with_code_0(tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    outcome = run(root, "check", "-f", "sarif", "-o", "out.sarif")
    assert (outcome.code, outcome.out) == (0, "")
    run_object = json.loads((root / "out.sarif").read_bytes())["runs"][0]
    assert {result["ruleId"] for result in run_object["results"]} >= RULES_OF_MIXED
    described = {rule["id"]: rule for rule in run_object["tool"]["driver"]["rules"]}
    assert "## Why" in described["end-of-life"]["help"]["markdown"]


@pytest.mark.parametrize(("fail_on", "code"), [("error", 1), ("warning", 1), ("never", 0)])
def test_threshold_decides_the_code(fail_on: str, code: int, tmp_path: Path) -> None:
    assert run(copy_repo("mixed", tmp_path), "check", "--fail-on", fail_on).code == code


def test_only_named_rules_apply(tmp_path: Path) -> None:
    outcome = run(copy_repo("mixed", tmp_path), "check", "-f", "json", "--rule", "floating-tag")
    assert rules(outcome) == {"floating-tag"}
    assert outcome.code == 0


def test_build_argument_resolves_a_name(tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    outcome = run(root, "check", "web", "-f", "json", "--build-arg", "REGISTRY=ghcr.io/acme")
    assert [use["text"] for use in outcome.json["uses"]] == ["ghcr.io/acme/web-base:1.0"]


def test_environment_never_supplies_a_build_argument(tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    outcome = run(root, "check", "web", "-f", "json", REGISTRY="docker.io/library")
    assert rules(outcome) == {"opaque-reference"}


def test_directory_is_the_root_of_what_is_checked(tmp_path: Path) -> None:
    outcome = run(copy_repo("mixed", tmp_path), "check", "api", "-f", "json")
    assert {use["path"] for use in outcome.json["uses"]} == {"Dockerfile"}


def test_several_paths_are_named_from_the_current_directory(tmp_path: Path) -> None:
    outcome = run(copy_repo("mixed", tmp_path), "check", "api/Dockerfile", "web", "-f", "json")
    assert {use["path"] for use in outcome.json["uses"]} == {"api/Dockerfile", "web/Dockerfile"}


def test_named_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    root = copy_repo("clean", tmp_path)
    (root / "[odd] name").write_text("FROM nginx\n")
    outcome = run(root, "check", "[odd] name", "-f", "json")
    assert [use["text"] for use in outcome.json["uses"]] == ["nginx"]


def test_named_file_that_git_ignores_is_told_of(tmp_path: Path) -> None:
    root = copy_repo("clean", tmp_path)
    (root / ".gitignore").write_text("app/\n")
    git(root, "init", "-q")
    outcome = run(root, "check", "app/Dockerfile", "Dockerfile")
    assert outcome.code == 3
    assert "app/Dockerfile" in outcome.out
    assert "was not read" in outcome.out


def test_excluded_files_are_not_read(tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    outcome = run(root, "check", "-f", "json", "--exclude", "tests", "--include", "**/Dockerfile")
    assert "tests/e2e/Dockerfile" not in {use["path"] for use in outcome.json["uses"]}


def test_waivers_accept_and_are_listed(tmp_path: Path) -> None:
    root = copy_repo("waived", tmp_path)
    outcome = run(root, "check", "-f", "json")
    assert outcome.code == 0
    assert rules(outcome) == {"expired-waiver", "restricted-image"} & rules(outcome)
    assert {item["finding"]["rule"] for item in outcome.json["waived"]} == {
        "end-of-life",
        "unofficial-source",
    }
    assert [item["state"] for item in outcome.json["waivers"]] == ["used", "expired", "used"]
    assert "until 2027-01-31, @web: moves with release 4" in run(root, "check").out


def test_waiver_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    root = copy_repo("clean", tmp_path)
    (root / "basekeeper-waivers.toml").write_bytes(b"\0")
    outcome = run(root, "check")
    assert outcome.code == 2
    assert "basekeeper-waivers.toml: is a binary file" in outcome.err


def test_comment_counts_only_directly_above_an_instruction(tmp_path: Path) -> None:
    waiver = '# basekeeper: ignore[floating-tag] owner=@me until=2027-01-31 reason="x"\n'
    (tmp_path / "Dockerfile").write_text(
        f"# basekeeper\n\n{waiver}\nFROM nginx\n{waiver}RUN true\n"
    )
    found = run(tmp_path, "check", "-f", "json").json
    places = {(finding["rule"], finding["line"]) for finding in found["findings"]}
    assert places >= {("floating-tag", 5), ("invalid-waiver", 3), ("unused-waiver", 6)}


def test_policy_may_forbid_comments_that_waive(tmp_path: Path) -> None:
    root = copy_repo("waived", tmp_path)
    (root / "basekeeper.toml").write_text("[policy.waivers]\ninline = false\n")
    assert "unofficial-source" in rules(run(root, "check", "-f", "json"))


def test_baseline_holds_old_findings_and_expires(tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    given = ("--owner", "@team", "--expires", "2026-12-31")
    written = run(root, "check", "--write-baseline", "base.json", *given)
    assert written.code == 0
    assert "written to base.json" in written.out
    known = run(root, "check", "--baseline", "base.json", "-f", "json")
    assert (known.code, known.json["findings"]) == (0, [])
    (root / "new.Dockerfile").write_text("FROM ghcr.io/stranger/x:1\n")
    assert rules(run(root, "check", "--baseline", "base.json", "-f", "json")) == {
        "unofficial-source"
    }
    later = ("--now", "2027-01-01")
    assert run(root, "check", "--baseline", "base.json", *later).code == 1


LOOSENED = {
    "waives inline": {
        "Dockerfile": "# basekeeper: ignore[unofficial-source] owner=@me until=2027-01-31"
        ' reason="mine"\nFROM acme/new:2\n'
    },
    "switches the rule off": {
        "basekeeper.toml": '[policy.rules.unofficial-source]\nseverity = "off"\n'
    },
    "approves the image": {
        "basekeeper.toml": '[[policy.restricted]]\nimage = "docker.io/acme/new"\nrationale = "r"\n'
    },
    "excludes the file": {"basekeeper.toml": '[discover]\nexclude = ["Dockerfile"]\n'},
    "configures elsewhere": {
        ".github/basekeeper.toml": '[discover]\nexclude = ["Dockerfile"]\n',
        "basekeeper.toml": None,
    },
    "deletes the policy": {"basekeeper.toml": None},
    "adds a waiver file": {
        "basekeeper-waivers.toml": '[[waiver]]\nrules = ["unofficial-source"]\nowner = "@me"\n'
        'reason = "mine"\nuntil = 2027-01-31\npaths = ["**"]\n'
    },
    "breaks the policy": {"basekeeper.toml": "[policy\n"},
}


@pytest.mark.parametrize("files", LOOSENED.values(), ids=LOOSENED)
def test_change_cannot_excuse_itself(files: dict[str, str | None], tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM alpine:3.24\n")
    (tmp_path / "basekeeper.toml").write_text('[policy.rules.end-of-life]\nseverity = "error"\n')
    commit(tmp_path, "before")
    git(tmp_path, "checkout", "-q", "-b", "change")
    (tmp_path / "Dockerfile").write_text("FROM acme/new:2\n")
    for path, text in files.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        if text is None:
            file.unlink()
        else:
            file.write_text(text)
    commit(tmp_path, "change")
    outcome = run(tmp_path, "check", "--since", "main", "-f", "json")
    assert outcome.code == 1
    assert "unofficial-source" in rules(outcome)
    notices = " ".join(outcome.json["notices"])
    assert "policy and waivers are those of main" in notices
    assert "does not count yet" in notices
    for path in set(files) - {"Dockerfile"}:
        assert f"{path} differs from the revision compared with" in notices


def test_only_what_is_new_since_a_revision_counts(tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    commit(root, "first")
    assert run(root, "check", "--since", "main").code == 0
    with (root / "api" / "Dockerfile").open("a") as file:
        file.write("COPY --from=ghcr.io/stranger/x:1 /x /x\n")
    outcome = run(root, "check", "--since", "main", "-f", "json")
    assert outcome.code == 1
    assert [finding["image"] for finding in outcome.json["findings"]] == ["ghcr.io/stranger/x:1"]


def test_proposal_cannot_loosen_the_policy_that_judges_it(tmp_path: Path) -> None:
    root = copy_repo("clean", tmp_path)
    commit(root, "first")
    (root / "Dockerfile").write_text(
        '# basekeeper: ignore[unofficial-source] owner=@me until=2027-01-31 reason="mine"\n'
        "FROM ghcr.io/stranger/x:1\n"
    )
    (root / "basekeeper.toml").write_text('[policy.rules.unofficial-source]\nseverity = "off"\n')
    assert run(root, "check").code == 0
    outcome = run(root, "check", "--since", "main", "-f", "json")
    assert outcome.code == 1
    assert "unofficial-source" in rules(outcome)
    assert any("policy and waivers are those of main" in note for note in outcome.json["notices"])


def test_operators_policy_stands_above_the_repositorys(tmp_path: Path) -> None:
    root = copy_repo("waived", tmp_path)
    (tmp_path / "operator.toml").write_text("[policy.waivers]\nrepository = false\n")
    outcome = run(root, "check", "--policy", "../operator.toml", "-f", "json")
    assert outcome.code == 1
    assert rules(outcome) >= {"end-of-life", "unofficial-source"}


@pytest.mark.parametrize(
    ("repo", "arguments", "message"),
    [
        ("clean", ["missing"], "error: path 'missing' cannot be read: No such file or directory"),
        ("clean", ["--since", "main"], "is in no git repository"),
        ("clean", ["--policy", "none.toml"], "error: policy 'none.toml' cannot be read"),
        ("clean", ["--baseline", "none.json"], "error: baseline 'none.json' cannot be read"),
        ("clean", ["--build-arg", "A"], "error: build argument 'A' is not NAME=VALUE"),
        ("clean", ["--platform", "arm64"], "error: platform 'arm64' is not os/architecture"),
        ("clean", ["-o", "none/out"], "error: cannot write 'none/out'"),
        ("clean", ["-q", "-v"], "error: --quiet and --verbose exclude each other"),
        ("clean", ["--write-baseline", "b"], "error: --write-baseline needs --owner and --expires"),
        ("clean", ["--owner", "@me"], "error: --owner and --expires belong to --write-baseline"),
        ("clean", ["--now", "soon"], "'soon' is no day or instant"),
        ("clean", ["--rule", "end-of-live"], "did you mean 'end-of-life'"),
        ("clean", ["..", "Dockerfile"], "must all lie below the current directory"),
        ("bad-config", [], "basekeeper.toml:4"),
        ("bad-config", [], "basekeeper.toml:2"),
        ("bad-waivers", [], "basekeeper-waivers.toml:1"),
    ],
)
def test_wrong_input_is_named_with_its_remedy(
    repo: str, arguments: list[str], message: str, tmp_path: Path
) -> None:
    outcome = run(copy_repo(repo, tmp_path), "check", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.out == ""
    assert "Traceback" not in outcome.err


def test_bad_files_are_named_and_the_others_judged(tmp_path: Path) -> None:
    root = copy_repo("clean", tmp_path)
    (root / "binary").mkdir()
    (root / "binary" / "Dockerfile").write_bytes(b"FROM x\0\0")
    (root / "latin").mkdir()
    (root / "latin" / "Dockerfile").write_bytes(b"# gr\xfc\xdfe\nFROM alpine:3.24\n")
    (root / "huge").mkdir()
    with (root / "huge" / "Dockerfile").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    (root / "loop").symlink_to(root)
    (root / "gone").mkdir()
    (root / "gone" / "Dockerfile").symlink_to("nowhere")
    outcome = run(root, "check", "-f", "json")
    assert outcome.code == 3
    reasons = {item["path"]: item["reason"] for item in outcome.json["skipped"] if item["fatal"]}
    assert "binary" in reasons["binary/Dockerfile"]
    assert "larger than" in reasons["huge/Dockerfile"]
    assert {use["path"] for use in outcome.json["uses"]} == {
        "Dockerfile",
        "app/Dockerfile",
        "latin/Dockerfile",
    }
    assert run(root, "check", "--allow-unknown").code == 0


def test_hostile_names_cannot_act(tmp_path: Path) -> None:
    root = tmp_path / "hostile"
    for name in (b"a\x1b[2J", b"b\n::error::x", b"c\xff\xfe", "d\u202e".encode()):
        directory = os.path.join(os.fsencode(root), name)  # noqa: PTH118  # bytes
        os.makedirs(directory)  # noqa: PTH103
        path = Path(os.fsdecode(directory)) / "Dockerfile"
        path.write_bytes(b"FROM evil\x1b]0;x\x07\xe2\x80\xae/x\nFROM n\x7fginx\n")
    for written in ("text", "github", "markdown", "json", "junit", "sarif"):
        out = run(root, "check", "-f", written).out
        assert not any(char in out for char in "\x1b\x07\x7f\u202e")
    lines = run(root, "check", "-f", "github").out.splitlines()
    assert all(line.startswith(("::", "basekeeper: ")) for line in lines)
    assert not any(line.startswith("::error::x") for line in lines)


def test_nothing_is_written(tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    before = sorted(tmp_path.rglob("*"))
    run(root, "check", "--since", "HEAD")
    run(root, "check")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_the_target_branch_mended_meanwhile_does_not_count_as_new(tmp_path: Path) -> None:
    root = copy_repo("clean", tmp_path)
    (root / "old").mkdir()
    (root / "old" / "Dockerfile").write_text("FROM ghcr.io/stranger/x:1\n")
    commit(root, "first")
    git(root, "checkout", "-q", "-b", "change")
    (root / "README").write_text("a change\n")
    commit(root, "change")
    git(root, "checkout", "-q", "main")
    (root / "old" / "Dockerfile").unlink()
    commit(root, "mend")
    git(root, "checkout", "-q", "change")
    outcome = run(root, "check", "--since", "main", "-f", "json")
    assert outcome.code == 0
    assert [finding["rule"] for finding in outcome.json["known"]] == ["unofficial-source"]


def test_a_clone_too_shallow_to_tell_the_fork_is_compared_with_the_revision_itself(
    tmp_path: Path,
) -> None:
    root = copy_repo("clean", tmp_path)
    commit(root, "first")
    git(root, "checkout", "-q", "--orphan", "unrelated")
    commit(root, "unrelated")
    outcome = run(root, "check", "--since", "main", "-f", "json")
    assert outcome.code == 0
    assert any("fetch more history" in note for note in outcome.json["notices"])
