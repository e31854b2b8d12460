"""What `update` says below its diff, from values made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from basekeeper.discover import discover
from basekeeper.edit import Ground, edit
from basekeeper.errors import Failure
from basekeeper.render.layout import Style, width_of
from basekeeper.render.update_json import update_pieces
from basekeeper.render.update_text import (
    change_lines,
    render_update_markdown,
    render_update_text,
)
from basekeeper.values.change import Change, ChangePlan, LeftOut, Proposal, Withheld
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Standings, Trouble
from basekeeper.values.settings import DiscoverSettings
from tests.unit.editing import MemoryTree, change_to, tree_of

HOSTILE = "\x1b[2J`|<b>\u202e"
SCHEMA = json.loads(
    (files("basekeeper.render") / "schemas" / "update.schema.json").read_text("utf-8")
)


def proposal() -> Proposal:
    """Everything that can be told, with hostile words."""
    content = tree_of(
        {
            "Dockerfile": "ARG V=20\nFROM node:$V\nRUN $V\nFROM $NONE\n",
            "b/Dockerfile": "ARG V=20-x\nFROM node:${V%-x}\nFROM other:1\n",
            "compose.yaml": "a: [",
        }
    )
    survey = discover(MemoryTree(content), DiscoverSettings())
    again = lambda new: discover(MemoryTree({**content, **new}), DiscoverSettings())  # noqa: E731
    change = change_to(survey, "node:20", "node:22")
    change = replace(
        change, choice=replace(change.choice, os_change="debian 12 → debian 13", reason=HOSTILE)
    )
    other = change_to(survey, "other:1", "other:2")
    found = edit([change], Ground(survey=survey, read=content.get, again=again))
    stand = Standings(
        survey=survey,
        now=datetime(2026, 11, 23, tzinfo=UTC),
        standings=(change.standing, other.standing),
        judgements={},
        troubles=(
            Trouble("ghcr.io", Failure.UNREACHABLE, f"no answer {HOSTILE}", f"look {HOSTILE}", 2),
        ),
        notices=(f"facts are old {HOSTILE}",),
    )
    withheld = Withheld(other.standing, other.choice, f"too young {HOSTILE}", f"wait {HOSTILE}")
    opaque = next(use for use in survey.uses if use.reference is None)
    return Proposal(
        standings=stand,
        changes=ChangePlan((change,), (withheld,)),
        left_out=(LeftOut(opaque, "no value"),),
        edits=found,
    )


def test_text_tells_everything_and_nothing_acts() -> None:
    text = render_update_text(proposal(), Style(width=60), written=False)
    assert "node:20 → node:22  minor" in text
    assert "note: V is also used in line 3 of Dockerfile" in text
    assert "not edited:\n  b/Dockerfile:2  node:20 → node:22" in text
    assert "not taken:\n  other:1\n    too young" in text
    assert "not known:\n  ghcr.io: not reachable (2 images)" in text
    assert "not read: compose.yaml is not valid YAML" in text
    assert text.endswith("to update: 1 image in 1 place of 1 file\n")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(width_of(line) for line in text.splitlines()) <= 60


def test_no_line_can_be_taken_for_a_part_of_a_patch() -> None:
    text = render_update_text(proposal(), Style(), written=False)
    heads = ("--- ", "+++ ", "@@ ", "diff ", "Index:", "GIT ")
    assert not [line for line in text.splitlines() if line.startswith(heads)]


def test_text_names_an_image_that_is_held_back_once() -> None:
    base = proposal()
    (held,) = base.changes.withheld
    old = Withheld(held.standing, replace(held.choice, waiting="2"), "waits")
    tags = [replace(old, choice=replace(old.choice, waiting=tag)) for tag in ("3", "2", "1")]
    found = replace(base, changes=replace(base.changes, withheld=(held, *tags)))
    text = render_update_text(found, Style(), written=False)
    taken = text.partition("not taken:")[2].partition("not known:")[0]
    assert taken.count("\n  other:1\n") == 1
    assert "\n    3, 2, a newer digest: age not known\n" in taken


@pytest.mark.parametrize(
    ("width", "head"),
    [
        (80, "image:20 → image:22  major"),
        (25, "image:20 → 22  major"),
        (19, "image:20\n    → 22  major"),
    ],
)
def test_a_step_that_is_too_long_is_shortened_then_broken(width: int, head: str) -> None:
    (change,) = proposal().changes.changes
    old, new = (parse_reference(text) for text in ("image:20", "image:22"))
    moved = replace(change.choice, kind="major", tag="22", remark="", os_change=None)
    made = Change(replace(change.standing, reference=old), moved, new)
    assert "\n".join(change_lines(made, 1, Style(width=width))) == head


def test_plain_text_needs_no_unicode() -> None:
    found = proposal()
    found = replace(found, standings=replace(found.standings, notices=()))
    text = render_update_text(found, Style(unicode=False), written=True)
    assert "node:20 -> node:22" in text
    assert text.endswith("written: 1 image in 1 place of 1 file\n")


def test_markdown_is_safe() -> None:
    found = proposal()
    page = render_update_markdown(found, "-FROM `` a\n+FROM `` b\r\n", written=False)
    assert "```diff\n-FROM `` a\n+FROM `` b\n```" in page
    for title in ("Not edited:", "Not taken:", "Not known:", "Could not be read:"):
        assert title in page
    assert "<b>" not in page
    assert "\x1b" not in page


def test_json_fits_its_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    found = json.loads("".join(update_pieces(proposal(), written=True, prefix="a")))
    Draft202012Validator(SCHEMA).validate(found)
    assert set(found) == set(SCHEMA["required"])
    assert found["files"][0]["edits"] == [
        {"line": 1, "span": [6, 8], "old": "20", "new": "22", "image": "docker.io/library/node:22"}
    ]
    assert found["files"][0]["diff"].startswith("--- a/a/Dockerfile\n")
    assert found["withheld"][0]["hint"].startswith("wait")
    assert found["left_out"][0]["reason"] == "no value"
