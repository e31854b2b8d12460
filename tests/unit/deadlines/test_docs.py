"""The page says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from basekeeper.deadlines.model import MomentKind, State
from basekeeper.errors import ConfigError
from basekeeper.policy.load import SCHEMA_PATH, load_config, load_policy
from basekeeper.policy.windows import Start

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "deadlines.md").read_text("utf-8")
SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))["$defs"]


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_every_example_is_a_valid_configuration(text: str) -> None:
    assert load_config({"basekeeper.toml": text.encode()}.get).source == "basekeeper.toml"


def test_the_first_example_is_what_is_shipped() -> None:
    text = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
    found = load_config({"basekeeper.toml": text.encode()}.get).policy.deadlines
    shipped = load_policy().deadlines
    assert (found.windows, found.low_at_release) == (shipped.windows, shipped.low_at_release)
    assert (found.unknown, found.starts) == (shipped.unknown, shipped.starts)


def test_every_key_kind_and_state_is_described() -> None:
    release = SCHEMA["product"]["properties"]["release"]["properties"]
    words = [
        *SCHEMA["policy"]["properties"]["deadlines"]["properties"],
        *(name for name in SCHEMA["product"]["properties"] if name != "release"),
        *(f"release.{name}" for name in release),
        *Start,
        *State,
        *MomentKind,
    ]
    assert [word for word in words if f"`{word}`" not in PAGE] == []


PRODUCT = "[[product]]\nname = 'a'\ndockerfile = 'd'\nimage = 'i:1'\n"


@pytest.mark.parametrize(
    ("table", "node"),
    [
        ("[policy.deadlines]\n", SCHEMA["policy"]["properties"]["deadlines"]),
        (
            "[policy.deadlines.start]\n",
            SCHEMA["policy"]["properties"]["deadlines"]["properties"]["start"],
        ),
        (PRODUCT, SCHEMA["product"]),
        (f"{PRODUCT}[product.release]\n", SCHEMA["product"]["properties"]["release"]),
    ],
)
def test_schema_and_loader_know_the_same_keys(table: str, node: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"basekeeper.toml": f"{table}0 = 0\n".encode()}.get)
    (problem,) = caught.value.problems
    hint = (problem.hint or "").removeprefix("the keys here are ")
    assert set(hint.split(", ")) == set(node["properties"])  # type: ignore[call-overload]
