"""Bake files: which builds they describe, HCL and JSON."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import pytest

from basekeeper.readers.bake import joined_with, read_bake

if TYPE_CHECKING:
    from basekeeper.readers.spec import BuildSpec, Reading


def read(text: str, path: str = "app/docker-bake.hcl", **given: str) -> Reading:
    return read_bake(
        textwrap.dedent(text).encode(), path, lookup=dict[str, bytes]().get, variables=given
    )


def by_name(reading: Reading) -> dict[str, BuildSpec]:
    return {spec.name.partition(": ")[2]: spec for spec in reading.builds}


def values(spec: BuildSpec) -> dict[str, str]:
    return {key: text.value for key, text in spec.args.items()}


FULL = """
variable "VERSION" { default = "3.22" }
variable "SECRET" {}
group "default" { targets = ["web"] }
target "_common" {
  args = { COMMON = "yes", GONE = "x" }
  platforms = ["linux/amd64"]
}
target "web" {
  inherits = ["_common"]
  context = "web"
  dockerfile = "docker/Dockerfile"
  target = "release"
  args = {
    BASE = "alpine:${VERSION}"
    DIRECT = VERSION
    NUMBER = 3
    FLAG = true
    GONE = null
    SECRET = SECRET
  }
  platforms = ["linux/arm64", "local"]
  contexts = { base = "docker-image://debian:12", other = "target:lib" }
}
target "lib" { dockerfile-inline = "FROM scratch" }
"""


def test_everything_that_a_target_can_say() -> None:
    found = by_name(read(FULL))
    assert set(found) == {"web", "lib"}
    web = found["web"]
    assert (web.dockerfile, web.target, web.platforms) == (
        "app/web/docker/Dockerfile",
        "release",
        ("linux/arm64",),
    )
    assert values(web) == {
        "COMMON": "yes", "BASE": "alpine:3.22", "DIRECT": "3.22", "NUMBER": "3", "FLAG": "true",
    }  # fmt: skip
    assert [(each.name, each.image) for each in web.contexts] == [
        ("base", "debian:12"),
        ("other", None),
    ]
    assert (web.place.path, web.place.line) == ("app/docker-bake.hcl", 9)
    lib = found["lib"]
    assert lib.inline is not None
    assert (lib.dockerfile, lib.inline.value) == (None, "FROM scratch")
    assert (lib.inline_key, lib.inline_line) == ("app/docker-bake.hcl#target.lib", 25)


def test_a_value_points_at_the_literal_that_decides_it() -> None:
    web = by_name(read(FULL))["web"]
    span = web.args["DIRECT"].place.span
    assert span is not None
    assert textwrap.dedent(FULL).encode()[slice(*span)] == b"3.22"
    assert web.args["DIRECT"].place.line == 2
    assert web.args["BASE"].place.span is None  # made of two parts


def test_what_the_user_gives_wins_over_defaults() -> None:
    web = by_name(read(FULL, VERSION="9", SECRET="s"))["web"]  # noqa: S106
    assert (values(web)["BASE"], values(web)["SECRET"]) == ("alpine:9", "s")
    assert web.args["DIRECT"].place.line != 2


def test_the_json_form_says_the_same() -> None:
    data = {
        "variable": {"V": {"default": "1"}, "W": {"default": None}},
        "group": {"default": {"targets": ["web"]}},
        "target": {
            "web": [{"dockerfile": "Dockerfile.${V}", "args": {"A": "${V}", "B": 2, "C": True}}],
            "bad": {"args": {"X": "plain"}},
        },
        "extra": "x",
    }
    found = by_name(read(json.dumps(data), "docker-bake.json"))
    assert found["web"].dockerfile == "Dockerfile.1"
    assert values(found["web"]) == {"A": "1", "B": "2", "C": "true"}
    assert found["bad"].dockerfile == "Dockerfile"


def test_a_json_value_that_is_none_is_opaque() -> None:
    found = read('{"target": {"web": {"args": {"A": nonsense}, "platforms": []}}}', "x.json")
    assert values(found.builds[0]) == {}


def test_later_parents_and_the_target_itself_win() -> None:
    text = """
        target "a" { args = { X = "a", Y = "a" } }
        target "b" {
          args = { X = "b" }
          target = "from-b"
        }
        target "c" {
          inherits = ["a", "b", "missing"]
          args = { Y = "c" }
        }
        """
    found = by_name(read(text))
    assert values(found["c"]) == {"X": "b", "Y": "c"}
    assert found["c"].target == "from-b"
    assert set(found) == {"b", "c"}  # nothing but inheritance needs `a`


def test_targets_that_inherit_in_a_circle_end() -> None:
    text = 'target "a" { inherits = ["b"]\n target = "x" }\ntarget "b" { inherits = ["a"] }'
    assert by_name(read(text))["a"].target == "x"


def test_a_matrix_makes_targets_that_others_can_inherit() -> None:
    text = """
        group "default" { targets = ["app"] }
        target "app" {
          name = "app-${replace(v, ".", "-")}"
          matrix = { v = ["1.1", "1.2"] }
          args = { V = v }
        }
        target "plain" {
          matrix = { os = ["a", "b"], n = [1] }
          args = { OS = os }
        }
        target "child" { inherits = ["app-1-2"] }
        """
    found = by_name(read(text))
    assert {name: values(spec) for name, spec in found.items()} == {
        "app-1-1": {"V": "1.1"}, "app-1-2": {"V": "1.2"}, "plain-a-1": {"OS": "a"},
        "plain-b-1": {"OS": "b"}, "child": {"V": "1.2"},
    }  # fmt: skip


@pytest.mark.parametrize("matrix", ["{ v = MISSING }", "MISSING", '"x"'])
def test_a_matrix_that_cannot_be_told_is_reported(matrix: str) -> None:
    reading = read(f'target "a" {{\n  matrix = {matrix}\n}}\ntarget "b" {{}}')
    assert set(by_name(reading)) == {"b"}
    (item,) = reading.skipped
    assert (item.line, item.reason) == (2, "the matrix of target 'a' cannot be worked out")


def test_an_endless_matrix_is_cut_off() -> None:
    axes = ", ".join(f'{name} = ["1","2","3","4","5","6","7","8","9","0"]' for name in "abcdef")
    reading = read(f'target "x" {{ matrix = {{ {axes} }} }}\ntarget "y" {{}}')
    assert len(reading.builds) == 1024
    assert reading.skipped[0].reason == "more than 1024 targets are not read"


def test_linting_is_no_build() -> None:
    text = """
        group "default" { targets = ["b"] }
        target "a" { call = "build" }
        target "b" { call = "check" }
        """
    assert set(by_name(read(text))) == {"a"}


def test_arguments_made_by_a_function_are_told_key_by_key() -> None:
    text = 'ARGS = { A = "1" }\ntarget "a" { args = ARGS }\ntarget "b" { args = merge(ARGS, {}) }'
    assert {name: values(spec) for name, spec in by_name(read(text)).items()} == {
        "a": {"A": "1"},
        "b": {},
    }


def test_keys_that_are_no_text_are_left_out() -> None:
    assert values(by_name(read('target "a" { args = { (MISSING) = "1", B = "2" } }'))["a"]) == {
        "B": "2"
    }


def test_override_files_are_laid_over_and_yield_what_they_touch() -> None:
    lower = (
        b'variable "V" { default = "1" }\n'
        b'target "a" { dockerfile = "A" }\ntarget "b" { dockerfile = "B" }'
    )
    upper = b'target "a" { args = { V = V } }'
    reading = read_bake(
        upper, "docker-bake.override.hcl",
        lookup={"docker-bake.hcl": lower}.get, below=("docker-bake.json", "docker-bake.hcl"),
    )  # fmt: skip
    (spec,) = reading.builds
    assert (spec.name, spec.dockerfile, values(spec)) == (
        "docker-bake.override.hcl: a",
        "A",
        {"V": "1"},
    )
    assert spec.args["V"].place.path == "docker-bake.hcl"


JOINED = [
    ("docker-bake.hcl", ()),
    ("docker-bake.override.hcl", ("docker-bake.hcl",)),
    ("a/docker-bake.override.json", ("a/docker-bake.hcl",)),
    ("other.hcl", ()),
]


@pytest.mark.parametrize(("path", "expected"), JOINED)
def test_joined_with(path: str, expected: tuple[str, ...]) -> None:
    assert joined_with(path, lambda name: name.endswith("docker-bake.hcl")) == expected


SKIPPED = [
    (
        'target "a" {\n  context = MISSING\n}',
        "its context is not known: variable 'MISSING' has no default",
        2,
        True,
    ),
    ('target "a" {\n  dockerfile = "../../D"\n}', "outside the tree", 1, True),
    ('target "a" { context = "https://x/y.git" }', "remote context", 1, False),
    ('target "a" {\n  dockerfile = [\n', "is not valid HCL: a value was expected", 3, True),
    ("#" * 1_100_000, "is larger than 1 MiB", None, True),
]


@pytest.mark.parametrize(
    ("text", "reason", "line", "fatal"), SKIPPED, ids=[str(n) for n in range(5)]
)
def test_what_cannot_be_followed_is_told(
    text: str,
    reason: str,
    line: int | None,
    fatal: bool,  # noqa: FBT001
) -> None:
    reading = read(text)
    (item,) = reading.skipped
    assert reading.builds == ()
    assert reason in item.reason
    assert (item.line, item.fatal) == (line, fatal)


@pytest.mark.parametrize(
    ("text", "line"), [('{"target":\n', 2), ('{"target": {"a": {"args": {"A": "${"}}}}', 1)]
)
def test_broken_json_is_told_with_its_line(text: str, line: int) -> None:
    (item,) = read(text, "docker-bake.json").skipped
    assert "is not valid" in item.reason
    assert item.line == line


def test_paths_of_the_callers_directory() -> None:
    text = 'target "a" { context = "cwd://sub" }'
    assert by_name(read(text))["a"].dockerfile == "app/sub/Dockerfile"


def test_groups_without_members_and_blocks_without_labels_do_no_harm() -> None:
    assert (
        by_name(read('group "g" {}\ntarget { dockerfile = "x" }\ngroup "h" { targets = "x" }'))
        == {}
    )
