from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from basekeeper.config.document import read_document
from basekeeper.config.proposals import (
    AUTOMERGE_KINDS,
    ProposalRules,
    ProposalSettings,
    parse_proposals,
    parse_window,
    tightened_proposals,
)
from basekeeper.config.settings import Settings, own_settings, permitted_settings
from basekeeper.config.table import Table
from basekeeper.policy.load import load_config

ALL = """
[proposals]
mode = "open"
branch_prefix = "deps/base"
commit_prefix = "chore(deps)"
urgent_commit_prefix = "fix(docker)!"
signed_off_by = "Bot <bot@acme.example>"
labels = ["dependencies", "docker", "dependencies"]
reviewers = ["ann", "acme/platform"]
group_by = "repository"
schedule = ["mon-fri 06:00-18:00", "sat 22:00-04:00"]
max_open = 5
max_open_fleet = 100
max_per_hour = 2
max_per_run = 20
automerge = ["digest", "patch"]
on_unpinned = "rebuild"
rebuild_workflow = "build.yml"
"""
SCHEMA = Draft202012Validator(
    json.loads((files("basekeeper.policy") / "schema.json").read_text(encoding="utf-8"))
)


def read(text: str) -> tuple[ProposalSettings | None, list[str]]:
    document = read_document(text.encode(), "x.toml")
    top = Table(document, document.data)
    return parse_proposals(top), [str(problem) for problem in top.problems]


def said(text: str) -> ProposalSettings:
    found, problems = read(f"[proposals]\n{text}")
    assert problems == []
    assert found is not None
    return found


def test_reads_every_key() -> None:
    SCHEMA.validate(tomllib.loads(ALL))
    found, problems = read(ALL)
    assert problems == []
    assert found is not None
    assert set(found.said()) == set(ProposalSettings.__slots__)
    assert found.rules == ProposalRules(
        mode="open",
        branch_prefix="deps/base",
        commit_prefix="chore(deps)",
        urgent_commit_prefix="fix(docker)!",
        signed_off_by="Bot <bot@acme.example>",
        labels=("dependencies", "docker"),
        reviewers=("ann", "acme/platform"),
        group_by="repository",
        schedules=((parse_window("mon-fri 06:00-18:00"), parse_window("sat 22:00-04:00")),),
        max_open=5,
        max_open_fleet=100,
        max_per_hour=2,
        max_per_run=20,
        automerge=frozenset({"digest", "patch"}),
        on_unpinned="rebuild",
        rebuild_workflow="build.yml",
    )


def test_where_nobody_says_anything_nothing_is_made_and_nothing_merged() -> None:
    rules = said("").rules
    assert (rules.mode, rules.automerge, rules.on_unpinned) == ("report", frozenset(), "report")


def test_a_workflow_that_is_named_rebuilds_what_is_not_pinned() -> None:
    assert said('rebuild_workflow = "build.yml"').rules.on_unpinned == "rebuild"
    both = said('rebuild_workflow = "build.yml"\non_unpinned = "pin"')
    assert both.rules.on_unpinned == "pin"


WRONG = [
    ('mode = "on"', "proposals.mode"),
    ('branch_prefix = "a b"', "name of a branch"),
    ('branch_prefix = "a..b"', "name of a branch"),
    ('branch_prefix = "a/"', "name of a branch"),
    ('commit_prefix = "fix\\n"', "is no prefix"),
    ('commit_prefix = "@ann"', "is no prefix"),
    ('signed_off_by = "Bot"', "is nobody"),
    ('signed_off_by = "Bot <a@b>\\nX: y"', "is nobody"),
    ('labels = ["a,b"]', "is no label"),
    ('labels = [" a"]', "is no label"),
    ('reviewers = ["@ann"]', "is nobody"),
    ('reviewers = ["a/b/c"]', "is nobody"),
    (f"reviewers = {json.dumps([f'n{number}' for number in range(16)])}", "more than 15"),
    (f"labels = {json.dumps([f'n{number}' for number in range(51)])}", "more than 50"),
    ('group_by = "file"', "proposals.group_by"),
    ('schedule = ["weekend"]', "no part of a week"),
    ('schedule = ["mon 06:00-06:00"]', "lasts no time"),
    ('schedule = ["mon 24:00-06:00"]', "no day has"),
    ('schedule = ["mon 06:60-07:00"]', "no day has"),
    ('schedule = "mon 06:00-07:00"', "a list"),
    ("max_open = -1", "from 0 to"),
    ("max_open = true", "a whole number"),
    ("max_per_hour = 501", "from 0 to 500"),
    ('automerge = ["os"]', "expected one of"),
    ('on_unpinned = "merge"', "proposals.on_unpinned"),
    ('on_unpinned = "rebuild"', "names no workflow"),
    ('rebuild_workflow = "../build.yml"', "is no workflow"),
    ('rebuild_workflow = "build"', "is no workflow"),
    ("x = 1", "is not known here"),
]
ONLY_HERE = {
    'commit_prefix = "fix\\n"',  # Python's `$` matches before a last line feed
    'branch_prefix = "a..b"',  # git's own rules are no pattern
    'branch_prefix = "a/"',
    'schedule = ["mon 06:00-06:00"]',
}


@pytest.mark.parametrize(("text", "word"), WRONG, ids=[text for text, _ in WRONG])
def test_what_is_wrong_is_said_with_its_line(text: str, word: str) -> None:
    _, problems = read(f"[proposals]\n{text}")
    assert len(problems) == 1
    assert problems[0].startswith(("x.toml:2", "x.toml:1"))
    assert word in problems[0]
    if text not in ONLY_HERE:
        assert not SCHEMA.is_valid(tomllib.loads(f"[proposals]\n{text}"))


def test_a_week_has_few_windows() -> None:
    windows = [
        f"mon {hour:02}:{minute:02}-24:00" for hour in range(6) for minute in range(0, 60, 6)
    ]
    _, problems = read(f"[proposals]\nschedule = {json.dumps(windows)}")
    assert "more than 50" in problems[0]


def test_nothing_said_is_nothing() -> None:
    assert read("") == (None, [])
    assert tightened_proposals(None, None, "x") == (None, ())


def test_all_that_is_wrong_is_said_at_once() -> None:
    _, problems = read("""[proposals]\nmode = "x"\nmax_open = -1\ny = 2""")
    assert len(problems) == 3


def test_another_system_or_image_can_never_be_named_to_be_merged_unseen() -> None:
    assert {"os", "name"}.isdisjoint(AUTOMERGE_KINDS)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("mon-fri 06:00-18:00", ["25T06:00", "25T17:59"], ["25T18:00", "25T05:59", "28T12:00"]),
        ("sat 22:00-04:00", ["28T22:00", "29T03:59"], ["29T04:00", "29T22:00", "28T03:00"]),
        ("fri-mon 00:00-24:00", ["27T00:00", "30T23:59"], ["26T23:59"]),
        ("sun 23:00-24:00", ["29T23:59"], ["30T00:00"]),
    ],
)
def test_windows_are_parts_of_a_week(text: str, inside: list[str], outside: list[str]) -> None:
    window = parse_window(text)
    for part in (*inside, *outside):
        at = datetime.fromisoformat(f"2026-11-{part}:00+00:00")
        assert window.holds(at) is (part in inside), part


def test_windows_are_in_utc_and_the_next_one_is_found() -> None:
    rules = said('schedule = ["mon 06:00-07:00"]').rules
    tokyo = datetime.fromisoformat("2026-11-30T15:30:00+09:00")
    assert rules.is_scheduled(tokyo)
    assert rules.next_window(tokyo) == tokyo
    later = tokyo + timedelta(hours=1)
    assert rules.next_window(later) == datetime(2026, 12, 7, 6, tzinfo=UTC)


# below an operator's policy

OPERATOR = """mode = "open"
max_open = 5
automerge = ["digest", "patch"]
labels = ["bases"]
schedule = ["mon-fri 06:00-18:00"]
rebuild_workflow = "build.yml"
"""


@pytest.mark.parametrize(
    ("own", "name", "value", "ignored"),
    [
        ('mode = "report"', "mode", "report", False),
        ("max_open = 2", "max_open", 2, False),
        ("max_open = 9", "max_open", 5, True),
        ("max_per_hour = 400", "max_per_hour", 4, True),
        ('automerge = ["patch"]', "automerge", frozenset({"patch"}), False),
        ("automerge = []", "automerge", frozenset(), False),
        ('automerge = ["major"]', "automerge", frozenset(), True),
        ('on_unpinned = "report"', "on_unpinned", "report", False),
        ('on_unpinned = "pin"', "on_unpinned", "pin", False),
        ('rebuild_workflow = "evil.yml"', "rebuild_workflow", "build.yml", True),
        ('branch_prefix = "mine"', "branch_prefix", "basekeeper", True),
        ('commit_prefix = "build"', "commit_prefix", "build", False),
        ('labels = ["mine"]', "labels", ("bases", "mine"), False),
        ('reviewers = ["ann"]', "reviewers", ("ann",), False),
        ('group_by = "repository"', "group_by", "repository", False),
    ],
)
def test_a_repository_only_tightens(own: str, name: str, value: object, ignored: bool) -> None:  # noqa: FBT001
    found, notices = tightened_proposals(said(OPERATOR), said(own), "basekeeper.toml")
    assert found is not None
    assert getattr(found.rules, name) == value
    expected = f"proposals.{name} of basekeeper.toml is ignored: it is the operator's to set"
    assert notices == ((expected,) if ignored else ())


def test_both_schedules_must_hold() -> None:
    own = said('schedule = ["wed 00:00-24:00"]')
    found, notices = tightened_proposals(said(OPERATOR), own, "x")
    assert notices == ()
    assert found is not None
    assert found.rules.is_scheduled(datetime(2026, 11, 25, 12, tzinfo=UTC))
    assert not found.rules.is_scheduled(datetime(2026, 11, 25, 19, tzinfo=UTC))
    assert not found.rules.is_scheduled(datetime(2026, 11, 26, 12, tzinfo=UTC))


def test_where_the_operator_says_nothing_a_repository_opens_nothing() -> None:
    found, notices = tightened_proposals(None, said('mode = "open"'), "x")
    assert found is not None
    assert found.rules.mode == "report"
    assert notices == ("proposals.mode of x is ignored: it is the operator's to set",)


def test_settings_carry_them() -> None:
    operator, own = Settings(proposals=said(OPERATOR)), Settings(proposals=said("max_open = 1"))
    merged, notices = permitted_settings(operator, own, "x")
    assert merged.proposals is not None
    assert merged.proposals.rules.max_open == 1
    assert notices == ()
    assert permitted_settings(operator, Settings(), "x")[0].proposals == operator.proposals
    assert own_settings(own, "x")[0].proposals == own.proposals


def test_configuration_is_read_from_files(tmp_path: Path) -> None:
    config = load_config({"basekeeper.toml": ALL.encode()}.get)
    assert config.settings.proposals is not None
    assert config.settings.proposals.rules.mode == "open"
    assert load_config(lambda _path: None).settings.proposals is None
    policy = tmp_path / "operator.toml"
    policy.write_text("[proposals]\nmax_open = 3\n", encoding="utf-8")
    narrowed = load_config({"basekeeper.toml": ALL.encode()}.get, policy_path=policy)
    assert narrowed.settings.proposals is not None
    assert narrowed.settings.proposals.rules.mode == "report"
    assert "proposals.mode of basekeeper.toml" in " ".join(narrowed.notices)


def test_the_page_names_every_key() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/proposals.md").read_text(encoding="utf-8")
    table = json.loads((files("basekeeper.policy") / "schema.json").read_text(encoding="utf-8"))
    for key in table["$defs"]["proposals"]["properties"]:
        assert f"| `{key}` |" in page, key
    example = page.split("```toml\n", 1)[1].split("```", 1)[0]
    SCHEMA.validate(tomllib.loads(example))
    assert read(example)[1] == []
