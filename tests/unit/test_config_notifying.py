from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from basekeeper.config.document import read_document
from basekeeper.config.notifying import KINDS, LEAST, ChannelSettings, parse_notifying
from basekeeper.config.storage import StorageSettings, parse_storage
from basekeeper.config.table import Table
from basekeeper.policy.load import load_config
from basekeeper.policy.windows import URGENCY_WORDS
from basekeeper.values.notifying import TOPICS, Audience

if TYPE_CHECKING:
    from pathlib import Path

TEXT = json.loads((files("basekeeper.policy") / "schema.json").read_text(encoding="utf-8"))
SCHEMA = Draft202012Validator(TEXT)
ALL = """
[[notify]]
name = "team"
kind = "slack"
url_env = "SLACK_URL"
products = ["api"]
min_severity = "high"
topics = ["found", "100%", "closed"]

[[notify]]
name = "hook"
kind = "webhook"
url_file = "/run/secrets/hook"
secret_env = ["HOOK_SECRET", "HOOK_SECRET_OLD"]
secret_file = ["/run/secrets/key"]
http = true
private = true
ca = "/etc/ssl/own.pem"
"""
SLACK = '[[notify]]\nname = "a"\nkind = "slack"\nurl_env = "A"\n'
HOOK = '[[notify]]\nname = "a"\nkind = "webhook"\nurl_env = "A"\n'


def read(text: str) -> tuple[tuple[ChannelSettings, ...], list[str]]:
    document = read_document(text.encode(), "x.toml")
    top = Table(document, document.data)
    return parse_notifying(top), [str(problem) for problem in top.problems]


def test_reads_every_key() -> None:
    team = ChannelSettings(
        audience=Audience(
            name="team", products=("api",), least="high", topics=("found", "100%", "closed")
        ),
        kind="slack",
        url_env="SLACK_URL",
    )
    hook = ChannelSettings(
        audience=Audience(name="hook"),
        kind="webhook",
        url_file="/run/secrets/hook",
        secret_env=("HOOK_SECRET", "HOOK_SECRET_OLD"),
        secret_file=("/run/secrets/key",),
        http=True,
        private=True,
        ca="/etc/ssl/own.pem",
    )
    assert read(ALL) == ((team, hook), [])
    assert SCHEMA.is_valid(read_document(ALL.encode(), "x.toml").data)


def test_says_nothing_without_a_table() -> None:
    assert read("") == ((), [])


def test_the_schema_knows_the_same_words() -> None:
    words = TEXT["$defs"]["notify"]["properties"]
    assert words["kind"]["enum"] == list(KINDS)
    assert words["min_severity"]["enum"] == list(LEAST) == list(URGENCY_WORDS)
    assert words["topics"]["items"]["enum"] == list(TOPICS)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[notify]]\nkind = "slack"\nurl_env = "A"', "x.toml:1: notify[0]: lacks 'name'"),
        ('[[notify]]\nname = "a"\nurl_env = "A"', "x.toml:1: notify[0]: lacks 'kind'"),
        (
            '[[notify]]\nname = "a/b"\nkind = "slack"\nurl_env = "A"',
            "x.toml:2: notify[0].name: 'a/b' is no name",
        ),
        (
            '[[notify]]\nname = "a"\nkind = "mail"\nurl_env = "A"',
            "x.toml:3: notify[0].kind: expected one of slack, webhook; got 'mail'",
        ),
        ('[[notify]]\nname = "a"\nkind = "slack"', "x.toml:1: notify[0]: needs either url_env or"),
        (SLACK + 'url_file = "/x"', "x.toml:1: notify[0]: needs either url_env or url_file"),
        (SLACK + 'secret_env = ["B"]', "x.toml:5: notify[0].secret_env: is of no use"),
        (HOOK, "x.toml:1: notify[0]: needs secret_env or secret_file"),
        (HOOK + 'secret_env = ["whsec_s3cr3t="]', "x.toml:5: notify[0].secret_env[0]: is no name"),
        (HOOK + 'secret_file = ["key"]', "x.toml:5: notify[0].secret_file[0]: 'key' is no abs"),
        (
            HOOK + 'secret_env = ["A", "B", "C", "D", "E"]',
            "x.toml:5: notify[0].secret_env: makes more than 4 keys",
        ),
        (SLACK + 'topics = ["90%"]', "x.toml:5: notify[0].topics[0]: expected one of found, 50%"),
        (SLACK + "topics = []", "x.toml:5: notify[0].topics: names nothing to tell"),
        (SLACK + 'min_severity = "bad"', "x.toml:5: notify[0].min_severity: expected one of low"),
        (SLACK + 'ca = "own.pem"', "x.toml:5: notify[0].ca: 'own.pem' is no absolute path"),
        (SLACK + 'channel = "#x"', "x.toml:5: notify[0].channel: is not known here"),
        (SLACK + 'url = "https://s3cr3t"', "x.toml:5: notify[0].url: is a secret, which does not"),
        (SLACK + SLACK, "x.toml:6: notify[1].name: 'a' is the name of an earlier channel"),
        ("[notify]\nname = 1", "x.toml:1: notify: expected tables written as [[notify]]"),
    ],
)
def test_mistakes_are_told_of_without_secrets(text: str, problem: str) -> None:
    _, problems = read(text)
    assert [one for one in problems if one.startswith(problem)] == problems[:1]
    assert len(problems) == 1
    assert "s3cr3t" not in problems[0]
    if text != SLACK + SLACK and '"A", "B"' not in text:
        assert not SCHEMA.is_valid(read_document(text.encode(), "x.toml").data)


def test_an_address_in_the_place_of_a_variable_is_not_shown() -> None:
    _, problems = read('[[notify]]\nname = "a"\nkind = "slack"\nurl_env = "https://h/s3cr3t"')
    assert problems == ["x.toml:4: notify[0].url_env: is no name of an environment variable"]


def test_all_mistakes_are_told_at_once() -> None:
    _, problems = read(SLACK + 'http = 1\ntopics = ["x"]\n' + HOOK + "private = 2\n")
    assert len(problems) == 5


def test_channels_add_up_and_the_operator_s_of_a_name_counts() -> None:
    operator, user = (
        parse_storage(Table(document, document.data))
        for document in (
            read_document(SLACK.encode(), "x"),
            read_document((HOOK + 'secret_env = ["S"]\n' + ALL).encode(), "y"),
        )
    )
    found = operator.over(user).notify
    assert [(one.name, one.kind) for one in found] == [
        ("a", "slack"),
        ("team", "slack"),
        ("hook", "webhook"),
    ]
    assert operator.over(StorageSettings()).notify == operator.notify
    assert operator.given == ('notify "a"',)


def test_repository_has_no_say(tmp_path: Path) -> None:
    (tmp_path / "basekeeper.toml").write_text(ALL)
    config = load_config(tmp_path)
    assert config.settings.storage.notify == ()
    assert config.notices == (
        'notify "team" of basekeeper.toml is ignored: it is to be set in your own settings',
        'notify "hook" of basekeeper.toml is ignored: it is to be set in your own settings',
    )


def test_operator_says_it_whatever_the_repository_says(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "basekeeper.toml").write_text(ALL)
    (tmp_path / "policy.toml").write_text(SLACK)
    config = load_config(tmp_path / "repo", policy_path=tmp_path / "policy.toml")
    assert [one.name for one in config.settings.storage.notify] == ["a"]
    notice = 'notify "team" of basekeeper.toml is ignored: it is the operator\'s to set'
    assert notice in config.notices
