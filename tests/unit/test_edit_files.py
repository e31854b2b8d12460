"""Edits of references that other files give: Compose, bake, development containers, `.env`."""

from __future__ import annotations

import pytest

from basekeeper.values.settings import DiscoverSettings
from tests.unit.editing import DIGEST, edited, reasons

N20, N22 = "node:20", "node:22"
DOCKERFILE = "ARG V=18\nFROM node:$V\n"

INLINE = """\
services:
  web:
    build:
      dockerfile_inline: |
        ARG V=20
        # caf\u00e9
        FROM node:20 AS a
        FROM alpine:3.18
"""

CASES = [
    ("compose.yaml", ("services:\n  a:\n    build:\n      context: .\n      args:\n"
     '        V: "20"  # why\n'), 'V: "22"'),
    ("compose.yaml", "services: {a: {build: {context: ., args: {V: 20}}}}\n", "V: 22"),
    ("compose.yaml", ("services:\r\n  a:\r\n    build:\r\n      context: .\r\n      args:\r\n"
     "        - V=20\r\n"), "- V=22"),
    ("compose.yaml", 'services: {a: {build: {context: ., args: ["V=20"]}}}\n', '"V=22"'),
    ("compose.yaml", "services: {a: {build: {context: ., args: {V: '${X:-20}'}}}}\n",
     "${X:-22}"),
    ("docker-bake.hcl", 'target "a" {\n  args = { V = "20" }\n}\n', 'V = "22"'),
    ("docker-bake.hcl", 'variable "N" {\n  default = "20"\n}\ntarget "a" { args = { V = N } }\n',
     'default = "22"'),
    ("docker-bake.hcl", ('target "b" {\n args = { V = "20" }\n}\ntarget "a" {\n inherits = ["b"]\n'
     ' context = "."\n}\n'), 'V = "22"'),
    ("docker-bake.json", '{"target": {"a": {"args": {"V": "20"}}}}\n', '"V": "22"'),
    (".devcontainer/devcontainer.json",
     '{ // c\n "build": {"dockerfile": "../Dockerfile", "args": {"V": "20"},}\n}\n', '"V": "22"'),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "after"), CASES)
def test_arguments_are_edited_where_they_are_given(path: str, text: str, after: str) -> None:
    dockerfile = "ARG V\nFROM node:$V\n"
    plan = edited({"Dockerfile": dockerfile.encode(), path: text.encode()}, (N20, N22))
    assert not plan.refused, reasons(plan)
    (file,) = plan.files
    assert file.path == path
    assert file.after == text.replace("20", "22").encode()
    assert after.encode() in file.after


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".devcontainer/devcontainer.json", '{\n  // c\n  "image": "node:20",\n}\n'),
        ("compose.yaml", ("services:\n  a:\n    build:\n      context: .\n"
         "      additional_contexts:\n        base: docker-image://node:20\n")),
        ("compose.yaml", ("services:\n  a:\n    build:\n      context: .\n"
         "      additional_contexts:\n        - base=docker-image://node:20\n")),
        ("docker-bake.hcl", 'target "a" { contexts = { base = "docker-image://node:20" } }\n'),
    ],
)  # fmt: skip
def test_images_outside_dockerfiles_are_edited(path: str, text: str) -> None:
    files: dict[str, str | bytes] = {"Dockerfile": "FROM base\n", path: text}
    plan = edited(files, (N20, N22))
    assert not plan.refused, reasons(plan)
    assert [file.after for file in plan.files] == [text.replace("20", "22").encode()]
    pinned = edited(files, (N20, f"{N20}@{DIGEST}"))
    assert pinned.files[0].after == text.replace(":20", f":20@{DIGEST}").encode()


@pytest.mark.parametrize(
    ("env", "after"),
    [
        ("# c\nV=20\n", "# c\nV=22\n"),
        ("export V = '20' # c\r\n", "export V = '22' # c\r\n"),
        ('V=19\nV="20"\n', 'V=19\nV="22"\n'),
        ("N=20\nV=$N\n", "N=22\nV=$N\n"),
        ("V=20 # c\n", "V=22 # c\n"),
    ],
)
@pytest.mark.parametrize("args", ["{V: '$V'}", "{V: '${V:-1}'}", "{V: }", "[V]"])
def test_a_value_of_the_env_file_is_edited_there(env: str, after: str, args: str) -> None:
    compose = f"services:\n  a:\n    build:\n      context: .\n      args: {args}\n"
    files = {
        "Dockerfile": DOCKERFILE.encode(),
        "compose.yaml": compose.encode(),
        ".env": env.encode(),
    }
    plan = edited(files, (N20, N22))
    assert not plan.refused, reasons(plan)
    assert [(file.path, file.after) for file in plan.files] == [(".env", after.encode())]


def test_inline_dockerfiles_are_edited_in_their_file() -> None:
    plan = edited({"compose.yaml": INLINE}, (N20, N22), ("alpine:3.18", "alpine:3.19"))
    assert not plan.refused, reasons(plan)
    assert plan.files[0].path == "compose.yaml"
    after = INLINE.replace("node:20", "node:22").replace("3.18", "3.19")
    assert plan.files[0].after == after.encode()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("compose.yaml", INLINE.replace("node:20", "node:$${V}")),
        ("compose.yaml", INLINE.replace("node:20", "node:$$V").replace("\n", "\r\n")),
        ("compose.yaml", INLINE.replace("node:20", "no\\\n        de:$$V")),
        (
            "docker-bake.hcl",
            'target "a" {\n  dockerfile-inline = <<E\nARG V=20\nFROM node:$V\nE\n}\n',
        ),
        (
            "docker-bake.hcl",
            'target "a" {\n  dockerfile-inline = <<-E\n  ARG V=20\n  FROM node:$${V}\n  E\n}\n',
        ),
    ],
)
def test_an_arg_of_an_inline_dockerfile_is_edited(path: str, text: str) -> None:
    plan = edited({path: text.encode()}, (N20, N22))
    assert not plan.refused, reasons(plan)
    assert [file.after for file in plan.files] == [text.replace("V=20", "V=22").encode()]


def test_a_reference_beside_doubled_dollars_is_edited() -> None:
    text = INLINE.replace("node:20", "$${R:-ghcr.io}/node:20")
    plan = edited({"compose.yaml": text}, ("ghcr.io/node:20", "ghcr.io/node:22"))
    assert not plan.refused, reasons(plan)
    assert plan.files[0].after == text.replace("node:20", "node:22").encode()


@pytest.mark.parametrize(
    "text",
    [
        'services: {a: {build: {dockerfile_inline: "FROM node:\\x320"}}}\n',
        'services: {a: {build: {dockerfile_inline: "RUN x\\nFROM node:20\\nFROM node:20"}}}\n',
        (
            "services:\n  a:\n    build:\n      dockerfile_inline: >\n        FROM\n"
            "        node:20\n        AS a\n\n        FROM node:20\n"
        ),
    ],
)
def test_inline_text_in_a_style_without_lines_is_refused_or_right(text: str) -> None:
    plan = edited({"compose.yaml": text}, (N20, N22))
    for file in plan.files:
        assert file.after == text.replace("node:20", "node:22").encode()
    assert plan.files or all("node:20" in each.use.text for each in plan.refused)


def test_an_anchor_moves_all_that_stand_on_it_or_nothing() -> None:
    compose = (
        "x-args: &args {V: '20'}\nservices:\n"
        "  a: {build: {context: a, args: *args}}\n  b: {build: {context: b, args: *args}}\n"
    )
    both = {"a/Dockerfile": DOCKERFILE, "b/Dockerfile": DOCKERFILE, "compose.yaml": compose}
    plan = edited(both, (N20, N22))
    assert not plan.refused
    assert [file.after for file in plan.files] == [compose.replace("20", "22").encode()]
    other = {**both, "b/Dockerfile": DOCKERFILE.replace("node", "go")}
    plan = edited(other, (N20, N22))
    assert not plan.files
    assert "b/Dockerfile" in reasons(plan)[0]


def test_every_build_that_gives_the_value_is_edited() -> None:
    files = {
        "Dockerfile": "ARG V=20\nFROM node:$V\n",
        "compose.yaml": "services:\n  a: {build: {context: ., args: {V: '20'}}}\n"
                        "  b: {build: {context: ., args: {V: '20'}}}\n"
                        "  c: {build: {context: .}}\n",
    }  # fmt: skip
    plan = edited(files, (N20, N22))
    assert not plan.refused, reasons(plan)
    assert [(each.path, each.after) for each in plan.files] == [
        (path, text.replace("20", "22").encode()) for path, text in files.items()
    ]


def test_a_build_that_cannot_be_edited_keeps_the_others_from_it() -> None:
    files = {
        "Dockerfile": "ARG V=20\nFROM node:$V\n",
        "docker-bake.hcl": 'target "a" { context = "." }\n'
                           'target "b" { args = { V = "${1 + 19}" } }\n',
    }  # fmt: skip
    plan = edited(files, (N20, N22))
    assert not plan.files
    assert "an expression in docker-bake.hcl" in reasons(plan)[0]


def test_a_number_that_yaml_would_shorten_is_refused() -> None:
    files = {
        "Dockerfile": "ARG V\nFROM python:$V\n",
        "compose.yaml": "services: {a: {build: {context: ., args: {V: 3.9}}}}\n",
    }
    assert not edited(files, ("python:3.9", "python:3.11")).refused
    plan = edited(files, ("python:3.9", "python:3.10"))
    assert not plan.files
    assert "python:3.1'" in reasons(plan)[0]


def test_an_argument_of_the_user_hides_the_file() -> None:
    files = {"Dockerfile": "ARG V\nFROM node:$V\n",
             "compose.yaml": "services: {a: {build: {context: ., args: {V: '$X'}}}}\n",
             ".env": "X=20\n"}  # fmt: skip
    plan = edited(files, (N20, N22), settings=DiscoverSettings(build_args={"X": "20"}))
    assert not plan.files
    assert plan.refused
