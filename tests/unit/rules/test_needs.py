from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from basekeeper.policy.load import load_policy
from basekeeper.rules.needs import Need, needs
from basekeeper.values.use import Survey, Via
from tests.unit.render.made import use

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64


def need(text: str, **more: Any) -> Need | None:
    survey = Survey(root=".", files=(), uses=(use("Dockerfile", 1, text, **more),))
    found = list(needs([survey], load_policy(), now=NOW).values())
    return found[0] if found else None


PUBLISHER = Need(publisher=True, inside=False, gates=False)
INSIDE = Need(publisher=False, inside=True, gates=False)
GATING = Need(publisher=False, inside=True, gates=True)


@pytest.mark.parametrize(
    ("image", "asked"),
    [
        ("acme/tool:1", PUBLISHER),
        ("public.ecr.aws/acme/tool:1", PUBLISHER),
        ("neverheardof:1", PUBLISHER),
        (f"acme/tool:1@{DIGEST}", PUBLISHER),
        (f"node:24-bookworm-slim@{DIGEST}", INSIDE),
        ("node:mystery", GATING),
        (f"node@{DIGEST}", GATING),
    ],
)
def test_asks_what_may_change_the_judgement(image: str, asked: Need) -> None:
    assert need(image) == asked


@pytest.mark.parametrize(
    "image", ["node:24-bookworm-slim", "alpine:3.22", "ghcr.io/acme/tool:1", "node:16"]
)
def test_asks_nothing_where_the_name_decides(image: str) -> None:
    assert need(image) is None


def test_what_runs_as_the_builder_is_not_looked_into() -> None:
    assert need("node:mystery", via=Via.SYNTAX) is None


def test_one_use_that_waits_is_enough() -> None:
    uses = (
        use("tests/Dockerfile", 1, "node:mystery", production=False),
        use("Dockerfile", 1, "node:mystery"),
    )
    surveys = [Survey(root=".", files=(), uses=(one,)) for one in uses]
    (found,) = needs(surveys, load_policy(), now=NOW).values()
    assert found == GATING
