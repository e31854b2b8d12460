"""The schema for editors and the loader accept the same files."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from basekeeper.errors import ConfigError
from basekeeper.policy.load import SCHEMA_PATH, SHIPPED_PATH, load_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.errors import Problem

    Node = dict[str, Any]

SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def _problems(text: str) -> tuple[Problem, ...]:
    try:
        load_config({"basekeeper.toml": text.encode()}.get)
    except ConfigError as error:
        return error.problems
    return ()


EXAMPLES = [
    "",
    "[policy]\nextends = false\n",
    '[policy]\nfrontends = ["docker/dockerfile"]\n',
    (
        '[[policy.prohibited]]\nimage = "node"\nvariant = ["buster"]\nrationale = "x"\n'
        'replacement = "node:24-slim"\n'
    ),
    (
        '[[policy.preferred]]\nimage = "a"\nlts = false\nofficial = true\n'
        'publisher = ["official", "verified"]\n'
    ),
    (
        '[[policy.trusted]]\nnamespace = "r.example/base"\ncategory = "preferred"\n'
        'upstream = "docker.io/library"\nrationale = "ours"\n'
    ),
    '[policy.mirrors]\n"r.example/hub" = "docker.io"\n',
    (
        '[policy.rules.behind-current]\nseverity = "off"\nstages = "all"\nnon_production = true\n'
        "grace_days = 0\n"
    ),
    '[policy.rules.unpatched-high]\nseverity = "warning"\noverdue_only = 0\n',
    '[ledger]\nrepository = "git.example/acme/shop"\n',
    (
        '[policy.waivers]\nfile = "w.toml"\ninline = false\nmax_days = 3650\nrepository = true\n'
        'never = ["end-of-life"]\n'
    ),
    (
        '[discover]\ninclude = ["a"]\nexclude = []\ndockerfiles = ["b"]\nnon_production = ["c"]\n'
        'build_args = {A = ""}\nplatforms = ["linux/arm64/v8"]\nfollow_submodules = true\n'
        "respect_gitignore = false\n"
    ),
    (
        '[registry."r.example:5000"]\nhttp = true\nca = "x.pem"\nprivate = true\n'
        'token_hosts = ["a.example", "b.example:1"]\nusername_env = "U"\npassword_env = "P"\n'
        "concurrency = 64\n"
    ),
    '[registry.localhost]\ntoken_env = "T"\n',
    '[cache]\ndirectory = "/var/cache/x"\nmax_mib = 1048576\n[ledger]\nurl = "sqlite:/x"\n',
    '[cache]\ndirectory = "~/x"\n[ledger]\nurl = "postgresql://u@h/d?sslmode=require"\n',
    '[ledger]\nurl = " sqlite:~/x "\n',
    '[ledger]\nurl = "branch:basekeeper-ledger"\n',
    '[registry."docker.io"]\nmirror = "HTTP://M.example:1/a/b/"\nhub_api = "http://h.example/x"\n',
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_both_accept_what_is_right(text: str) -> None:
    VALIDATOR.validate(tomllib.loads(text))
    assert _problems(text) == ()


def test_the_schema_accepts_the_shipped_policy() -> None:
    VALIDATOR.validate(tomllib.loads(SHIPPED_PATH.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "text",
    [
        "polcy = {}",
        "policy = 1",
        "[policy]\nextends = true",
        "[policy]\nextends = 3",
        "[policy]\nextends = 'https://x.example/y'",
        "[policy]\nextends = 'forge:a/b'",
        "[policy]\nextends = ' '",
        "[policy]\nfrontends = [1]",
        "[policy]\npreferred = {}",
        "[[policy.preferred]]",
        "[[policy.preferred]]\nimage = ''",
        "[[policy.preferred]]\nimage = 'a'\nlts = 1",
        "[[policy.preferred]]\nimage = 'a'\nvariant = []",
        "[[policy.preferred]]\nimage = 'a'\nvariant = 'slim'",
        "[[policy.preferred]]\nimage = 'a'\npublisher = ['x']",
        "[[policy.preferred]]\nimage = 'a'\npublisher = []",
        "[[policy.preferred]]\nimage = 'a'\nx = 1",
        "[[policy.trusted]]",
        "[[policy.trusted]]\nnamespace = 'r.example/a'\ncategory = 'prohibited'",
        "[[policy.trusted]]\nnamespace = 'r.example/a'\nimage = 'x'",
        "[policy.rules.nothing]",
        "[policy.rules.end-of-life]\nseverity = 'fatal'",
        "[policy.rules.end-of-life]\nstages = 'some'",
        "[policy.rules.end-of-life]\nnon_production = 'no'",
        "[policy.rules.end-of-life]\ngrace_days = 1",
        "[policy.rules.behind-current]\ngrace_days = -1",
        "[policy.rules.behind-current]\ngrace_days = 36501",
        "[policy.rules.behind-current]\ngrace_days = true",
        "[policy.waivers]\nmax_days = 0",
        "[policy.waivers]\nmax_days = 3651",
        "[policy.waivers]\nnever = ['x']",
        "[policy.waivers]\nfile = ''",
        "[policy.waivers]\nx = 1",
        "[policy.mirrors]\n'r.example' = 1",
        "discover = []",
        "[discover]\nexclude = 'x'",
        "[discover]\nexclude = ['']",
        "[discover]\nplatforms = ['linux']",
        "[discover]\nbuild_args = {'1A' = ''}",
        "[discover]\nbuild_args = {A = 1}",
        "[discover]\nx = 1",
        "registry = []",
        "[registry]\nx = 1",
        "[registry.'https://r.example']",
        "[registry.'r.example']\nhttp = 1",
        "[registry.'r.example']\nmirror = 'ftp://x.example'",
        "[registry.'r.example']\nmirror = 'x.example/A'",
        "[registry.'r.example']\nmirror = 'u:p@x.example'",
        "[registry.'r.example']\nmirror = 'x.example'\nprivate = true",
        "[registry.'r.example']\nca = ''",
        "[registry.'r.example']\ntoken_hosts = ['https://x.example']",
        "[registry.'r.example']\ntoken_hosts = 'x.example'",
        "[registry.'r.example']\nusername_env = 'U'",
        "[registry.'r.example']\npassword_env = 'P'",
        "[registry.'r.example']\nusername_env = 'U'\npassword_env = 'P'\ntoken_env = 'T'",
        "[registry.'r.example']\ntoken_env = '$T'",
        "[registry.'r.example']\nconcurrency = 0",
        "[registry.'r.example']\nconcurrency = 65",
        "[registry.'docker.io']\nhub_api = 'hub.example'",
        "[registry.'r.example']\npassword = 'x'",
        "[cache]\ndirectory = 'x'",
        "[cache]\ndirectory = ''",
        "[cache]\nmax_mib = 0",
        "[cache]\nmax_mib = 1048577",
        "[cache]\nx = 1",
        "[ledger]\nurl = 'sqlite:x'",
        "[ledger]\nurl = 'sqlite://x'",
        "[ledger]\nurl = 'sqlite:'",
        "[ledger]\nurl = 'mysql://x'",
        "[ledger]\nurl = 'postgresql:x'",
        "[ledger]\nurl = 'branch:a b'",
        "[ledger]\nurl = 1",
        "[ledger]\nx = 1",
    ],
)
def test_both_refuse_what_is_wrong(text: str) -> None:
    assert list(VALIDATOR.iter_errors(tomllib.loads(text)))
    assert _problems(text)


def _keys(*path: str) -> set[str]:
    node = SCHEMA
    for part in path:
        node = node[part]
    return set(node["properties"])


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        ("", _keys()),
        ("[policy]", _keys("$defs", "policy")),
        ("[policy.rules]", _keys("$defs", "policy", "properties", "rules")),
        ("[policy.rules.end-of-life]", _keys("$defs", "rule")),
        (
            "[policy.rules.behind-current]",
            _keys("$defs", "policy", "properties", "rules", "properties", "behind-current"),
        ),
        ("[policy.waivers]", _keys("$defs", "policy", "properties", "waivers")),
        ("[discover]", _keys("$defs", "discover")),
        ("[registry.'docker.io']", _keys("$defs", "registry_host")),
        ("[cache]", _keys("$defs", "cache")),
        ("[ledger]", _keys("$defs", "ledger")),
        ("[updates]", _keys("$defs", "updates")),
        ("[[updates.image]]\nmatch = 'a'\ngroup = 'x'", _keys("$defs", "update_entry")),
        ("[[policy.preferred]]\nimage = 'a'", _keys("$defs", "entry")),
        (
            "[[policy.trusted]]\nnamespace = 'r.example/a'",
            _keys("$defs", "policy", "properties", "trusted", "items"),
        ),
    ],
)
def test_both_know_the_same_keys(table: str, keys: set[str]) -> None:
    (problem,) = _problems(f"{table}\n0 = 0\n")
    assert problem.hint is not None
    assert set(problem.hint.removeprefix("the keys here are ").split(", ")) == keys


def test_describes_every_key() -> None:
    def visit(node: Node) -> Iterator[tuple[Node, Node]]:
        for child in node.get("properties", {}).values():
            target = child
            if "$ref" in child:
                target = SCHEMA["$defs"][child["$ref"].rsplit("/", 1)[1]]
            yield child, target
            yield from visit(target)
            yield from visit(target.get("items", {}))

    undescribed = [
        target
        for child, target in visit(SCHEMA)
        if "description" not in target and not _is_rule(target)
    ]
    assert undescribed == []


def _is_rule(node: Node) -> bool:
    return "severity" in node.get("properties", {})


def test_is_a_valid_schema_of_its_draft() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
