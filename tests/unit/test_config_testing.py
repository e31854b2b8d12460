from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from basekeeper.config.settings import Settings, permitted_settings
from basekeeper.config.testing import MAX_TESTS
from basekeeper.errors import ConfigError
from basekeeper.policy.load import load_config
from basekeeper.values.testing import CommandWanted, FileWanted, ImageTest

ALL = """
[[test]]
name = "runs as nobody"
product = "shop"
user = "1000:1000"
entrypoint = ["/app/run"]
command = []
ports = ["8080", "53/udp"]
env = { MODE = "production" }
labels = { team = "shop" }
files = [
  { path = "/app/run", mode = "0755", user = 0, group = 0 },
  { path = "/bin/sh", present = false },
]
with_context = true
timeout = "5 minutes"

[[test.run]]
argv = ["/app/run", "--version"]
user = "nobody"
directory = "/app"
status = 3
contains = ["1."]
lacks = ["Traceback"]

[[test]]
name = "short"
user = "root"
"""
SCHEMA = Draft202012Validator(
    json.loads((files("basekeeper.policy") / "schema.json").read_text(encoding="utf-8"))
)


def read(text: str) -> Settings:
    return load_config({"basekeeper.toml": text.encode()}.get).settings


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [f"{one.key}: {one.message}" for one in caught.value.problems]


def test_reads_every_key() -> None:
    SCHEMA.validate(tomllib.loads(ALL))
    assert read(ALL).tests == (
        ImageTest(
            name="runs as nobody",
            product="shop",
            user="1000:1000",
            entrypoint=("/app/run",),
            command=(),
            ports=("8080/tcp", "53/udp"),
            env={"MODE": "production"},
            labels={"team": "shop"},
            files=(
                FileWanted(path="/app/run", mode=0o755, user=0, group=0),
                FileWanted(path="/bin/sh", present=False),
            ),
            run=(
                CommandWanted(
                    argv=("/app/run", "--version"), user="nobody", directory="/app", status=3,
                    contains=("1.",), lacks=("Traceback",),
                ),
            ),
            with_context=True,
            seconds=300,
        ),
        ImageTest(name="short", user="root"),
    )  # fmt: skip


def test_there_are_none_where_none_are_said() -> None:
    assert read("").tests == ()


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('user = "root"', "test[0]: lacks 'name'"),
        ('name = "a"', "test[0]: expects nothing"),
        ('name = "a"\nwith_context = true', "test[0]: expects nothing"),
        ('name = "a/b"\nuser = "root"', "test[0].name: 'a/b' is no name"),
        ('name = "a"\nuser = "-v /:/h"', "test[0].user: '-v /:/h' is no user"),
        ('name = "a"\nports = ["http"]', "test[0].ports[0]: 'http' is no port"),
        ('name = "a"\nfiles = [{ path = "b" }]', "test[0].files[0].path: 'b' is no absolute path"),
        ('name = "a"\nfiles = [{ path = "/../b" }]', "is no absolute path"),
        ('name = "a"\nfiles = [{ path = "/b", mode = "rwx" }]', "'rwx' is no mode"),
        ('name = "a"\nfiles = [{ mode = "0644" }]', "test[0].files[0]: lacks 'path'"),
        ('name = "a"\nrun = [{ argv = [] }]', "test[0].run[0].argv: names no program"),
        ('name = "a"\nrun = [{ argv = ["b"], status = 256 }]', "expected a number from 0 to 255"),
        ('name = "a"\nrun = [{ argv = "b" }]', "expected a list of texts"),
        ('name = "a"\nusr = "b"', "test[0].usr: is not known here"),
    ],
)
def test_tells_what_is_wrong(lines: str, problem: str) -> None:
    assert any(problem in found for found in problems(f"[[test]]\n{lines}\n"))


def test_a_name_is_given_once() -> None:
    text = '[[test]]\nname = "a"\nuser = "root"\n'
    assert problems(text * 2) == ["test[1].name: 'a' is the name of an earlier test"]


def test_there_is_an_end_to_tests() -> None:
    many = "".join(f'[[test]]\nname = "t{n}"\nuser = "root"\n' for n in range(MAX_TESTS + 1))
    assert any("one test more" in found for found in problems(many))


def test_a_repository_adds_tests_and_replaces_none_of_the_operators() -> None:
    theirs, own = ImageTest(name="a", user="x"), ImageTest(name="b", user="y")
    operator = Settings(tests=(theirs,))
    said = Settings(tests=(replace(theirs, user="z"), own))
    settings, notices = permitted_settings(operator, said, "basekeeper.toml")
    assert settings.tests == (theirs, own)
    assert notices == (
        "test 'a' of basekeeper.toml is ignored: the operator's of this name counts",
    )
