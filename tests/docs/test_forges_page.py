"""The page of forges, held to the program."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from basekeeper.config.document import read_document
from basekeeper.config.forging import DEFAULT_TOKEN, DEFAULT_URL, ForgeSettings, parse_forging
from basekeeper.config.table import Table
from basekeeper.forge.github.client import API_VERSION
from basekeeper.forge.pacing import Pace
from basekeeper.values.forge import PROPOSAL_TRAILER
from basekeeper.values.verdicts import GRACE

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "forges.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_are_settings() -> None:
    assert len(EXAMPLES) == 2
    for text in EXAMPLES:
        assert tomllib.loads(text)
        document = read_document(text.encode(), "x.toml")
        top = Table(document, document.data)
        assert parse_forging(top)
        assert top.problems == []


def test_every_key_is_explained() -> None:
    rows = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == set(ForgeSettings.__dataclass_fields__)


def test_the_numbers_are_those_of_the_program() -> None:
    pace = Pace()
    for text in (
        f"`{DEFAULT_URL}`", f"`{DEFAULT_TOKEN}`", f"`{API_VERSION}`", f"`{PROPOSAL_TRAILER}: NAME`",
        f"{GRACE.seconds // 60} minutes", f"{pace.content_a_minute} a minute",
        f"{pace.content_an_hour} an hour", f"{pace.points_a_minute} points a minute",
        f"{pace.question} for a question and {pace.change} for a change",
        f"{pace.places} questions at once", f"within {pace.longest:.0f} seconds",
    ):  # fmt: skip
        assert text in PAGE, text
