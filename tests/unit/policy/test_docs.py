"""What the reference says is what the loader takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from basekeeper.errors import ConfigError
from basekeeper.policy.load import SCHEMA_PATH, load_config, load_policy

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
PAGES = ("policy.md", "settings.md", "registries.md")
SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))


def _page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


EXAMPLES = [
    pytest.param(text, id=f"{page}-{number}")
    for page in PAGES
    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", _page(page), re.DOTALL))
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_a_valid_configuration(text: str) -> None:
    name = "pyproject.toml" if "[tool." in text else "basekeeper.toml"
    files = {name: text.encode(), "policies/company.toml": b""}
    assert load_config(files.get).source == name


def test_every_key_is_described() -> None:
    text = _page("policy.md") + _page("settings.md") + _page("registries.md")
    tables = [
        SCHEMA["$defs"][name] for name in ("policy", "discover", "entry", "rule", "registry_host")
    ]
    policy = SCHEMA["$defs"]["policy"]["properties"]
    tables += [policy["waivers"], policy["trusted"]["items"]]
    tables.append(policy["rules"]["properties"]["behind-current"])
    keys = {key for table in tables for key in table["properties"]}
    missing = {key for key in keys if f"`{key}`" not in text and f"[policy.{key}" not in text}
    assert missing == set()


def test_the_table_of_rules_is_the_shipped_one() -> None:
    rows = re.findall(r"\| `([a-z-]+)` \| (\w+) \| (\w+) \| (\w+) \|", _page("policy.md"))
    assert rows == [
        (
            rule.rule,
            "off" if rule.severity is None else rule.severity.word,
            rule.stages,
            "yes" if rule.non_production else "no",
        )
        for rule in load_policy().rules.values()
    ]


def test_the_shown_mistakes_are_the_reported_ones() -> None:
    shown = re.search(r"```text\n(.*?)\n```", _page("settings.md"), re.DOTALL)
    text = (
        "[[policy.permitted]]\nimage = 'debian'\nofficail = true\nlts = true\n\n"
        "[discover]\nexclude = 'x'\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_config({"basekeeper.toml": text.encode()}.get)
    assert shown is not None
    assert caught.value.message == shown[1]
