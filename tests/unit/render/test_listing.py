from __future__ import annotations

import json

import pytest

from basekeeper.render.layout import Style, width_of
from basekeeper.render.listing import (
    images,
    list_pieces,
    render_list_markdown,
    render_list_text,
)
from basekeeper.values.use import Kind
from tests.unit.render.made import HOSTILE, full_report, judgement, report, use


def test_image_lists_every_place_that_names_it() -> None:
    first, second = use("a/Dockerfile", 1), use("b/Dockerfile", 4)
    other = use("b/Dockerfile", 9, "alpine:3.24")
    made = report(*((one, judgement(one)) for one in (first, second, other)))
    found = images(made)
    assert [(image.name, len(image.uses)) for image in found] == [
        ("alpine:3.24", 1),
        ("node:20", 2),
    ]


def test_unresolved_names_come_last_with_their_problem() -> None:
    opaque = use(text="${A}", kind=Kind.OPAQUE, problem="A has no value")
    node = use(line=9)
    text = render_list_text(report((opaque, judgement(opaque)), (node, judgement(node))), Style(80))
    assert text.index("node:20") < text.index("${A}") < text.index("A has no value")


def test_text_counts_and_names_what_could_not_be_read() -> None:
    lines = render_list_text(full_report(), Style(80)).splitlines()
    assert lines[-1] == "5 images, 5 uses in 3 files"
    assert "could not be read: broken/Dockerfile: is no text" in lines
    assert max(map(width_of, lines)) <= 80


def test_empty_list_says_zero() -> None:
    assert render_list_text(report(), Style(80)) == "0 images, 0 uses in 0 files\n"


def test_json_holds_uses_with_judgement() -> None:
    value = json.loads("".join(list_pieces(full_report())))
    assert [item["image"] for item in value["images"]][-1] == "${BASE}"
    assert value["images"][0]["judgement"]["category"] == "restricted"
    assert value["images"][0]["uses"][0]["line"] == 14


def test_place_below_a_non_production_path_says_so() -> None:
    image = use("tests/Dockerfile", production=False)
    assert "final, not production" in render_list_text(report((image, judgement(image))), Style(80))


def test_markdown_is_one_table() -> None:
    text = render_list_markdown(full_report())
    assert text.count("\n| <code>") == 5
    assert "- <code>broken/Dockerfile</code>: is no text" in text
    assert "Could not" not in render_list_markdown(report())


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_stay_on_their_lines(hostile: str) -> None:
    image = use(hostile, 1, hostile)
    made = report((image, judgement(image)))
    assert "\x1b" not in render_list_text(made, Style(80))
    assert len(render_list_markdown(made).splitlines()) == 3
