"""What the configuration says of updates."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from basekeeper.errors import ConfigError
from basekeeper.policy.load import SCHEMA_PATH, load_config
from basekeeper.policy.updates import SHIPPED_RULES, UpdatePolicy
from basekeeper.tags.updates import TAKEN, UpdateRules
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from basekeeper.errors import Problem

SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "updates.md"
DIGEST = f"sha256:{'a' * 64}"


def policy(text: str, **others: str) -> UpdatePolicy:
    files = {"basekeeper.toml": text, **{name.replace("_", "."): it for name, it in others.items()}}
    return load_config({name: it.encode() for name, it in files.items()}.get).updates


def rules(text: str, image: str = "python:3.12") -> UpdateRules:
    return policy(text).rules_for(parse_reference(image))


def problems(text: str) -> tuple[Problem, ...]:
    try:
        policy(text)
    except ConfigError as error:
        return error.problems
    return ()


def test_without_configuration_ordinary_updates_wait_three_days() -> None:
    shipped = rules("")
    assert shipped == SHIPPED_RULES
    assert (shipped.minimum_age, shipped.settle) == (timedelta(days=3), timedelta(hours=6))
    assert (shipped.taken, shipped.channel, shipped.pinning) == (TAKEN, "lts", "tag")
    assert not shipped.allow_prerelease
    assert shipped.digest_change == "relevant-platform"


EVERYTHING = """
[updates]
allowed = ">=3.10,<3.14"
kinds = ["digest", "patch"]
minimum_age = "1 week"
pinning = "tag@digest"
ignore = ["3.13"]
channel = "stable"
allow_prerelease = true
settle = "90 minutes"
digest_change = "any"
group = "bases"
"""


def test_every_key_is_read() -> None:
    assert rules(EVERYTHING) == UpdateRules(
        allowed=">=3.10,<3.14",
        kinds=frozenset({"digest", "patch"}),
        taken=frozenset({"digest", "patch"}),
        minimum_age=timedelta(weeks=1),
        pinning="tag@digest",
        ignored=frozenset({"3.13"}),
        channel="stable",
        allow_prerelease=True,
        settle=timedelta(minutes=90),
        digest_change="any",
        group="bases",
    )


ENTRIES = """
[updates]
minimum_age = "7 days"
group = "all"

[[updates.image]]
match = ["python:3.9*", "node"]
minimum_age = "1 day"

[[updates.image]]
match = "python"
kinds = ["patch", "os"]

[[updates.image]]
match = "**"
channel = "stable"
"""


@pytest.mark.parametrize(
    ("image", "age", "channel", "taken"),
    [
        ("python:3.9-slim", 1, "lts", TAKEN),
        ("node", 1, "lts", TAKEN),
        ("python:3.12", 7, "lts", {"patch", "os"}),
        ("mirror.gcr.io/library/python:3.12", 7, "lts", {"patch", "os"}),
        # the tag behind a digest is not known, so the first entry cannot be meant
        (f"python@{DIGEST}", 7, "lts", {"patch", "os"}),
        ("quay.io/x/y:1", 7, "stable", TAKEN),
    ],
)
def test_the_first_entry_that_matches_decides(
    image: str, age: int, channel: str, taken: set[str]
) -> None:
    found = rules(ENTRIES, image)
    assert (found.minimum_age, found.channel) == (timedelta(days=age), channel)
    assert found.taken == frozenset(taken)
    assert found.group == "all"


def test_entries_of_the_extended_file_are_tried_last() -> None:
    parent = (
        '[updates]\nminimum_age = "9 days"\nsettle = "1 hour"\n'
        '[[updates.image]]\nmatch = "python"\nchannel = "stable"\n'
        '[[updates.image]]\nmatch = "node"\nchannel = "stable"\n'
    )
    child = (
        '[policy]\nextends = "base.toml"\n[updates]\nminimum_age = "2 days"\n'
        '[[updates.image]]\nmatch = "python"\npinning = "tag@digest"\n'
    )
    found = policy(child, base_toml=parent)
    python, node = (found.rules_for(parse_reference(name)) for name in ("python", "node"))
    assert (python.pinning, python.channel, node.channel) == ("tag@digest", "lts", "stable")
    assert (python.minimum_age, python.settle) == (timedelta(days=2), timedelta(hours=1))


def operated(tmp_path: Path, operator: str, own: str) -> tuple[UpdateRules, tuple[str, ...]]:
    path = tmp_path / "operator.toml"
    path.write_text(operator, encoding="utf-8")
    config = load_config({"basekeeper.toml": own.encode()}.get, policy_path=path)
    return config.updates.rules_for(parse_reference("python:3.12")), config.notices


def test_below_an_operator_a_repository_tightens(tmp_path: Path) -> None:
    found, notices = operated(
        tmp_path,
        '[updates]\nkinds = ["digest", "patch", "minor"]\nallowed = ">=3.10"\n'
        'ignore = ["3.11"]\nallow_prerelease = true\nchannel = "stable"\nminimum_age = "0 days"\n',
        '[updates]\nkinds = ["patch", "major"]\nallowed = "<3.14"\nignore = ["3.13"]\n'
        'allow_prerelease = false\nchannel = "lts"\nminimum_age = "5 days"\nsettle = "12 hours"\n'
        'pinning = "tag@digest"\ngroup = "ours"\n',
    )
    assert found == UpdateRules(
        kinds=frozenset({"patch"}),
        taken=frozenset({"patch"}),
        allowed=">=3.10,<3.14",
        ignored=frozenset({"3.11", "3.13"}),
        minimum_age=timedelta(days=5),
        settle=timedelta(hours=12),
        pinning="tag@digest",
        group="ours",
    )
    assert notices == ()


def test_below_an_operator_a_repository_cannot_loosen(tmp_path: Path) -> None:
    operator = (
        '[updates]\nallowed = "<3.13"\nminimum_age = "9 days"\nsettle = "9 hours"\ngroup = "all"\n'
        'pinning = "tag@digest"\nignore = ["3.11"]\n'
    )
    alone, _ = operated(tmp_path, operator, "")
    found, notices = operated(
        tmp_path,
        operator,
        '[updates]\nallowed = ">=3"\nminimum_age = "0 days"\nsettle = "0 days"\npinning = "tag"\n'
        'ignore = []\nallow_prerelease = true\nchannel = "stable"\ngroup = "x"\n'
        'kinds = ["digest", "patch", "minor", "major", "os", "runtime", "build", "name"]\n'
        'digest_change = "any"\n',
    )
    kinds = frozenset({"digest", "patch", "minor", "major", "os", "runtime", "build", "name"})
    assert (found.minimum_age, found.settle) == (alone.minimum_age, alone.settle)
    assert (found.pinning, found.channel, found.group) == ("tag@digest", "lts", "all")
    assert (found.ignored, found.allow_prerelease) == (frozenset({"3.11"}), False)
    assert (found.kinds, found.taken) == (kinds, TAKEN)
    assert found.digest_change == "relevant-platform"
    assert notices == (
        "updates.digest_change of basekeeper.toml is ignored: it is the operator's to set",
    )


def test_what_is_shipped_tightens_no_operator(tmp_path: Path) -> None:
    found, _ = operated(tmp_path, '[updates]\nminimum_age = "0 hours"\nsettle = "0 days"\n', "")
    assert (found.minimum_age, found.settle) == (timedelta(0), timedelta(0))


def test_by_hand_nothing_is_too_young() -> None:
    found = policy('[updates]\nminimum_age = "7 days"\npinning = "tag@digest"\n').at_any_age()
    python = found.rules_for(parse_reference("python"))
    assert (python.minimum_age, python.settle) == (timedelta(0), timedelta(0))
    assert python.pinning == "tag@digest"


@pytest.mark.parametrize(
    "text",
    [
        "",
        EVERYTHING,
        ENTRIES,
        '[[updates.image]]\nmatch = ["a", "b/*", "**/c:1*"]\nminimum_age = "1 day"\n',
    ],
)
def test_schema_and_loader_accept_what_is_right(text: str) -> None:
    VALIDATOR.validate(tomllib.loads(text))
    assert problems(text) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("updates = []", "expected a table"),
        ("[updates]\nminimum_age = 3", "expected text in quotes"),
        ("[updates]\nminimum_age = '3'", "is no duration"),
        ("[updates]\nminimum_age = '-3 days'", "is no duration"),
        ("[updates]\nsettle = 'soon'", "is no duration"),
        ("[updates]\nkinds = ['application']", "expected one of digest"),
        ("[updates]\nkinds = 'patch'", "expected a list"),
        ("[updates]\npinning = 'digest'", "expected one of tag, tag@digest"),
        ("[updates]\nchannel = 'edge'", "expected one of lts, stable"),
        ("[updates]\ndigest_change = 'none'", "expected one of any, relevant-platform"),
        ("[updates]\nallow_prerelease = 'no'", "expected true or false"),
        ("[updates]\nignore = ['']", "must not be empty"),
        ("[updates]\ngroup = '-'", "is no name of a group"),
        ("[updates]\nminimumage = '1 day'", "is not known here"),
        ("[[updates.image]]\nkinds = ['patch']", "lacks 'match'"),
        ("[[updates.image]]\nmatch = 'python'", "says nothing of the images"),
        ("[[updates.image]]\nmatch = []\ngroup = 'x'", "must not be empty"),
        ("[[updates.image]]\nmatch = [1]\ngroup = 'x'", "expected text in quotes"),
    ],
)
def test_schema_and_loader_refuse_what_is_wrong(text: str, message: str) -> None:
    assert list(VALIDATOR.iter_errors(tomllib.loads(text)))
    assert message in problems(text)[0].message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[updates]\nallowed = '~>3'", "is no range of versions"),
        ("[updates]\nallowed = '1,1,1,1,1,1,1,1,1'", "more than 8 bounds"),
        ("[updates]\nminimum_age = '9000 weeks'", "is more than 3650 days"),
        ("[[updates.image]]\nmatch = 'python@sha256:1'\ngroup = 'x'", "cannot ask for a digest"),
        ("[[updates.image]]\nmatch = ['*']\ngroup = 'x'", "starts with '*'"),
    ],
)
def test_loader_refuses_what_a_schema_cannot(text: str, message: str) -> None:
    assert message in problems(text)[0].message


def test_all_mistakes_are_told_at_once_with_line_and_key() -> None:
    text = (
        "[updates]\nminimum_age = 'x'\nchanel = 'lts'\n\n"
        "[[updates.image]]\nmatch = '*/x'\nkinds = ['huge']\n"
    )
    assert [(one.line, one.key) for one in problems(text)] == [
        (2, "updates.minimum_age"),
        (3, "updates.chanel"),
        (6, "updates.image[0].match"),
        (7, "updates.image[0].kinds[0]"),
    ]


def test_the_page_describes_every_key_and_its_examples_are_valid() -> None:
    page = PAGE.read_text(encoding="utf-8")
    keys = {*SCHEMA["$defs"]["update_entry"]["properties"], "image"}
    assert {key for key in keys if f"`{key}`" not in page and f"updates.{key}" not in page} == set()
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert examples
    for text in examples:
        assert problems(text) == ()
