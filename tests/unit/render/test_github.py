from __future__ import annotations

import re
from dataclasses import replace

import pytest

from basekeeper.render.github import MAX_MESSAGE_CHARS, render_github
from basekeeper.values.use import Skipped, SourceFile
from tests.unit.render.made import HOSTILE, finding, full_report, report, use

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def test_worst_comes_first_and_the_last_line_counts() -> None:
    lines = render_github(full_report()).splitlines()
    kinds = [match[1] for match in map(COMMAND.fullmatch, lines) if match]
    assert kinds == ["error", "error", "warning", "notice", "notice", "warning"]
    assert lines[-1] == "basekeeper: 2 errors, 1 warning, 1 note"


def test_annotation_names_place_rule_and_remedy() -> None:
    line = render_github(report(findings=(finding(),))).splitlines()[0]
    assert line == (
        "::error file=Dockerfile,line=3,col=6,title=end-of-life::node:20 is past its end of life: "
        "Node.js 20, ended on 2026-04-30%0Amove to Node.js 26"
    )


def test_image_is_named_where_the_message_leaves_it_out() -> None:
    line = render_github(report(findings=(finding(message="is old", remedy=""),))).splitlines()[0]
    assert line.endswith("::node:20: is old")


def test_properties_cannot_end_early() -> None:
    image = use("a,b:c%\n::x", 1)
    line = render_github(report(findings=(finding(image),))).splitlines()[0]
    assert line.startswith("::error file=a%2Cb%3Ac%25\\x0a\\x3a%3Ax,line=1,")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_one_command(hostile: str) -> None:
    image = use(hostile, 1, hostile)
    text = render_github(
        report(
            findings=(finding(image, rule=hostile, message=hostile, remedy=hostile),),
            skipped=(Skipped(hostile, None, hostile, hostile),),
        )
    )
    lines = text.splitlines()
    assert len(lines) == 3
    assert all(COMMAND.fullmatch(line) for line in lines[:2])
    assert len(lines[0]) < 2 * 5000 + 3 * MAX_MESSAGE_CHARS


def test_inline_document_is_annotated_in_its_file() -> None:
    outer, inline = "a#b/compose.yaml", "a#b/compose.yaml#services.web"
    made = report(findings=(finding(use(inline, 6)),))
    files = tuple(
        SourceFile(path=path, kind="compose", production=True) for path in (outer, inline)
    )
    made = replace(made, survey=replace(made.survey, files=files))
    assert render_github(made).startswith("::error file=a#b/compose.yaml,line=6,")
