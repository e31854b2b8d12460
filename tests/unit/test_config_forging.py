from __future__ import annotations

import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from basekeeper.config.document import read_document
from basekeeper.config.forging import KINDS, ForgeSettings, parse_forging
from basekeeper.config.storage import StorageSettings, parse_storage
from basekeeper.config.table import Table

TEXT = json.loads((files("basekeeper.policy") / "schema.json").read_text(encoding="utf-8"))
SCHEMA = Draft202012Validator(TEXT)
APP = '[forge]\napp = "Iv1.x"\ninstallation = 42\nkey_file = "/run/secrets/key"\n'
SOME = '[forge]\nurl = "https://git.corp"\ntoken_env = "T"\n'


def read(text: str) -> tuple[ForgeSettings | None, list[str]]:
    document = read_document(text.encode(), "x.toml")
    top = Table(document, document.data)
    return parse_forging(top), [str(problem) for problem in top.problems]


def test_says_nothing_without_a_table() -> None:
    assert read("") == (None, [])


def test_reads_every_key() -> None:
    text = (
        APP + 'kind = "github"\nurl = "https://git.corp:8443/"\napi_version = "2026-03-10"\n'
        'changes_an_hour = 60\nhttp = true\nprivate = true\nca = "/etc/ssl/own.pem"\n'
    )
    wanted = ForgeSettings(
        url="https://git.corp:8443", app="Iv1.x", installation=42, key_file="/run/secrets/key",
        api_version="2026-03-10", changes_an_hour=60, http=True, private=True,
        ca="/etc/ssl/own.pem",
    )  # fmt: skip
    assert read(text) == (wanted, [])
    assert SCHEMA.is_valid(read_document(text.encode(), "x.toml").data)


def test_the_schema_knows_the_same_words() -> None:
    words = TEXT["$defs"]["forge"]["properties"]
    assert words["kind"]["enum"] == list(KINDS)
    assert set(words) == set(ForgeSettings.__dataclass_fields__)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[forge]\nkind = "svn"', "x.toml:2: forge.kind: expected one of github; got 'svn'"),
        ('[forge]\nurl = "https://github.com"', "x.toml:1: forge: names a forge but no token"),
        ('[forge]\nurl = "x"\ntoken_env = "T"', "x.toml:2: forge.url: "),
        ('[forge]\nurl = "https://h/x"\ntoken_env = "T"', "x.toml:2: forge.url: 'https://h/x' has"),
        ('[forge]\nurl = "https://u:s3cr3t@h"\ntoken_env = "T"', "x.toml:2: forge.url: "),
        ('[forge]\ntoken_env = "ghp s3cr3t"', "x.toml:2: forge.token_env: is no name of an env"),
        ('[forge]\ntoken = "s3cr3t"', "x.toml:2: forge.token: is a secret, which does not belong"),
        ('[forge]\nprivate_key = "s3cr3t"', "x.toml:2: forge.private_key: is a secret, which"),
        ('[forge]\ntoken_file = "t"', "x.toml:2: forge.token_file: 't' is no absolute path"),
        (SOME + 'token_file = "/t"', "x.toml:4: forge.token_file: names a second token"),
        (APP + 'token_env = "T"', "x.toml:1: forge: names both a token and an app"),
        ('[forge]\napp = "1"\nkey_env = "K"', "x.toml:1: forge: lacks 'installation'"),
        ('[forge]\ninstallation = 1\nkey_env = "K"', "x.toml:1: forge: lacks 'app'"),
        ('[forge]\napp = "1"\ninstallation = 1', "x.toml:1: forge: needs either key_env or key_f"),
        (APP + 'key_env = "K"', "x.toml:1: forge: needs either key_env or key_file"),
        ('[forge]\napp = "a b"\ninstallation = 1\nkey_env = "K"', "x.toml:2: forge.app: 'a b' is"),
        (SOME + 'api_version = "3"', "x.toml:4: forge.api_version: '3' is no version"),
        (SOME + "changes_an_hour = 501", "x.toml:4: forge.changes_an_hour: expected a number"),
        (SOME + "changes_an_hour = 0", "x.toml:4: forge.changes_an_hour: expected a number"),
        (SOME + 'owner = "acme"', "x.toml:4: forge.owner: is not known here"),
        ("forge = 1", "x.toml:1: forge: expected a table"),
    ],
)
def test_mistakes_are_told_of_without_secrets(text: str, problem: str) -> None:
    _, problems = read(text)
    assert [one for one in problems if one.startswith(problem)] == problems[:1]
    assert len(problems) == 1
    assert "s3cr3t" not in problems[0]


def test_the_operator_s_forge_counts_as_a_whole() -> None:
    def stored(text: str) -> StorageSettings:
        document = read_document(text.encode(), "x.toml")
        return parse_storage(Table(document, document.data))

    operator, user = stored(SOME), stored(APP + 'api_version = "2026-03-10"\n')

    assert operator.over(user).forge == operator.forge
    assert StorageSettings().over(user).forge == user.forge
    assert operator.given == ("forge",)
