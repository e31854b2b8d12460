"""What is shipped, and what it stands on: builds as files describe them, products as users do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from basekeeper.config.products import Product
from basekeeper.discover import discover
from basekeeper.shipped import shipped
from basekeeper.trees.working import WorkingTree
from basekeeper.values.reference import parse_reference
from basekeeper.values.settings import DiscoverSettings

if TYPE_CHECKING:
    from pathlib import Path

    from basekeeper.shipped import Shipped

STAGES = """\
FROM golang:1.24 AS build
FROM debian:12-slim AS runtime
FROM runtime AS prod
COPY --from=build /x /x
FROM alpine:3.22 AS debug
"""


def product(name: str, dockerfile: str = "Dockerfile", target: str | None = None) -> Product:
    image = parse_reference(f"ghcr.io/acme/{name}:stable")
    return Product(name=name, dockerfile=dockerfile, target=target, image=image)


def found(root: Path, files: dict[str, str], *products: Product) -> Shipped:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(textwrap.dedent(text), "utf-8")
    with WorkingTree(root) as tree:
        survey = discover(tree, DiscoverSettings())
    return shipped(survey, products, ("linux/amd64",))


def told(shown: Shipped) -> list[tuple[str, bool, str]]:
    return [(one.product, one.mapped is not None, one.use.text) for one in shown.stands_on]


def test_a_build_that_nobody_named_is_known_by_its_place(tmp_path: Path) -> None:
    shown = found(tmp_path, {"api/Dockerfile": STAGES})
    assert told(shown) == [("api/Dockerfile", False, "alpine:3.22")]
    assert shown.stands_on[0].platforms == ("linux/amd64",)


def test_a_product_stands_on_the_base_of_the_stage_that_it_builds(tmp_path: Path) -> None:
    shown = found(tmp_path, {"Dockerfile": STAGES}, product("shop", target="prod"))
    assert told(shown) == [("shop", True, "debian:12-slim"), ("Dockerfile", False, "alpine:3.22")]


def test_a_product_takes_the_place_of_the_build_that_it_names(tmp_path: Path) -> None:
    shown = found(tmp_path, {"Dockerfile": STAGES}, product("shop"))
    assert told(shown) == [("shop", True, "alpine:3.22")]


def test_a_target_that_a_compose_file_builds_is_part_of_the_place(tmp_path: Path) -> None:
    compose = """\
        services:
          web:
            build:
              context: .
              target: prod
              platforms: [linux/arm64, linux/amd64]
    """
    shown = found(tmp_path, {"Dockerfile": STAGES, "compose.yaml": compose})
    assert told(shown) == [("Dockerfile:prod", False, "debian:12-slim")]
    assert shown.stands_on[0].platforms == ("linux/arm64", "linux/amd64")


def test_an_image_given_as_a_context_is_what_the_build_stands_on(tmp_path: Path) -> None:
    compose = """\
        services:
          web:
            build:
              context: .
              additional_contexts:
                runtime: docker-image://ubuntu:24.04
              target: prod
    """
    shown = found(tmp_path, {"Dockerfile": STAGES, "compose.yaml": compose})
    assert told(shown) == [("Dockerfile:prod", False, "ubuntu:24.04")]


def test_two_builds_with_different_bases_are_one_place_on_two_images(tmp_path: Path) -> None:
    dockerfile = "ARG BASE=debian:12\nFROM $BASE\n"
    compose = """\
        services:
          a:
            build: {context: .}
          b:
            build: {context: ., args: {BASE: "debian:13"}}
    """
    shown = found(tmp_path, {"Dockerfile": dockerfile, "compose.yaml": compose})
    assert told(shown) == [
        ("Dockerfile", False, "debian:12"),
        ("Dockerfile", False, "debian:13"),
    ]


def test_what_stands_on_nothing_or_on_nobody_knows_what_is_left_out(tmp_path: Path) -> None:
    files = {"a/Dockerfile": "FROM scratch\n", "b/Dockerfile": "ARG B\nFROM $B\n"}
    assert told(found(tmp_path, files)) == []


def test_examples_and_tests_ship_nothing_unless_a_product_says_so(tmp_path: Path) -> None:
    files = {"examples/Dockerfile": "FROM debian:12\n"}
    assert told(found(tmp_path, files)) == []
    named = product("demo", "examples/Dockerfile")
    assert told(found(tmp_path, files, named)) == [("demo", True, "debian:12")]


def test_a_product_without_a_dockerfile_is_told_of(tmp_path: Path) -> None:
    shown = found(tmp_path, {"Dockerfile": STAGES}, product("gone", "old/Dockerfile"))
    assert shown.notices == (
        "product 'gone': there is no Dockerfile 'old/Dockerfile' in what was read",
    )


def test_a_product_whose_target_is_missing_stands_on_nothing(tmp_path: Path) -> None:
    shown = found(tmp_path, {"Dockerfile": STAGES}, product("shop", target="nope"))
    assert told(shown) == [("Dockerfile", False, "alpine:3.22")]
