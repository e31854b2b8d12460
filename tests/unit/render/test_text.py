from __future__ import annotations

import re
from pathlib import Path

import pytest

from basekeeper.render.layout import Style, width_of
from basekeeper.render.text import MAX_PLACES, render_text
from basekeeper.values.finding import Severity
from basekeeper.values.use import Skipped
from tests.unit.render.made import HOSTILE, finding, full_report, judgement, report, use

SNAPSHOTS = Path(__file__).parents[2] / "data" / "snapshots"


def test_whole_report_at_80_columns() -> None:
    expected = (SNAPSHOTS / "report-80.txt").read_text(encoding="utf-8")
    assert render_text(full_report(), Style(80), exit_code=1) == expected


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = render_text(full_report(), Style(width), exit_code=1, verbose=True)
    assert max(width_of(line) for line in text.splitlines()) <= max(width, 76)


def test_colour_changes_nothing_but_colour() -> None:
    plain = render_text(full_report(), Style(80), exit_code=1)
    painted = render_text(full_report(), Style(80, colour=True), exit_code=1)
    assert "\x1b[1;31m" in painted
    bare = re.sub(r"\x1b\[[0-9;]*m", "", painted)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


def test_ascii_terminal_gets_ascii() -> None:
    assert render_text(full_report(), Style(80, unicode=False), exit_code=1).isascii()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_cannot_act(hostile: str) -> None:
    image = use(hostile, 1, hostile)
    shown = render_text(
        report(
            (image, judgement(image, reason=hostile)),
            findings=(finding(image, message=hostile, remedy=hostile, stage=hostile),),
            skipped=(Skipped(hostile, 1, hostile, hostile),),
            notices=(hostile,),
        ),
        Style(80),
        exit_code=1,
        verbose=True,
    )
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown
    )
    assert not any(line.startswith("::") for line in shown.splitlines())


def test_waived_findings_and_what_was_left_out_appear_when_asked_for() -> None:
    brief = render_text(full_report(), Style(80), exit_code=1)
    verbose = render_text(full_report(), Style(80), exit_code=1, verbose=True)
    assert "waived until 2027-01-31 by @team" not in brief
    assert "floating-tag (waived until 2027-01-31 by @team)" in verbose
    assert "vendor/big" in verbose
    assert "vendor/big" not in brief


def test_quiet_shows_only_what_counts() -> None:
    text = render_text(full_report(), Style(80), exit_code=1, quiet=True)
    assert "(known)" not in text
    assert "Waivers" not in text
    assert text.endswith("failed: 2 errors, 1 warning, 1 note\n")


@pytest.mark.parametrize(
    ("exit_code", "ending"),
    [
        (0, "✓ passed: no findings\n"),
        (1, "✗ failed: no findings\n"),
        (3, "? not decided: no findings, a fact that was asked for is missing\n"),
    ],
)
def test_last_line_says_how_the_run_ends(exit_code: int, ending: str) -> None:
    image = use()
    text = render_text(report((image, judgement(image))), Style(80), exit_code=exit_code)
    assert text.endswith(ending)


def test_unreadable_items_are_the_reason_for_no_decision() -> None:
    text = render_text(
        report(skipped=(Skipped("Dockerfile", None, "no permission"),)), Style(80), exit_code=3
    )
    assert text.endswith("not decided: no findings, 1 item could not be read\n")


def test_tree_without_images_says_so() -> None:
    text = render_text(report(), Style(80), exit_code=0)
    assert text.endswith("nothing to check: no file here names an image\n")


def test_endless_reports_are_cut_and_say_so() -> None:
    findings = tuple(finding(use(line=number)) for number in range(1, MAX_PLACES + 6))
    skipped = tuple(Skipped(f"f{number}", None, "bad") for number in range(MAX_PLACES + 2))
    text = render_text(report(findings=findings, skipped=skipped), Style(80), exit_code=1)
    assert "5 more places with findings; --format json lists all." in text
    assert "and 2 more; --format json lists all." in text


def test_message_does_not_repeat_the_name_above_it() -> None:
    image = use(text="node:20@sha256:" + "0123456789abcdef" * 4)
    for name in (image.text, "node:20@sha256:0123456789ab…"):
        made = report(
            (image, judgement(image)), findings=(finding(image, message=f"{name} is old"),)
        )
        assert "               is old\n" in render_text(made, Style(80), exit_code=1)


def test_notes_are_folded_into_one_line_a_rule() -> None:
    notes = tuple(
        finding(use(line=line, text=text), severity=Severity.NOTE, remedy="do this")
        for line, text in ((1, "docker.io/library/node:20"), (2, "b:1"), (3, "b:1"))
    )
    brief = render_text(report(findings=notes), Style(80), exit_code=0)
    assert "Notes (--verbose tells more)\n  end-of-life  3  node:20, b:1\n" in brief
    assert "do this" not in brief
    verbose = render_text(report(findings=notes), Style(80), exit_code=0, verbose=True)
    assert verbose.count("do this") == 3
    assert "Notes (" not in verbose


def test_notes_without_an_image_are_named_by_their_place() -> None:
    note = finding(severity=Severity.NOTE, image=None)
    text = render_text(report(findings=(note,)), Style(80), exit_code=0)
    assert "  end-of-life  1  Dockerfile:3\n" in text


def test_many_notes_stay_on_their_line() -> None:
    notes = tuple(
        finding(use(line=line, text=f"image:{line}"), severity=Severity.NOTE)
        for line in range(1, 60)
    )
    text = render_text(report(findings=notes), Style(60), exit_code=0)
    assert re.search(r"^  end-of-life  59  image:1, image:2, .*…$", text, re.MULTILINE)


def test_what_was_told_of_the_same_image_is_only_named() -> None:
    errors = tuple(finding(use(path, 1), remedy="do this") for path in ("a", "b"))
    brief = render_text(report(findings=errors), Style(80), exit_code=1)
    assert brief.count("do this") == 1
    assert "error    end-of-life (see a:1)\n" in brief
    verbose = render_text(report(findings=errors), Style(80), exit_code=1, verbose=True)
    assert verbose.count("do this") == 2


def test_other_images_are_told_in_full() -> None:
    errors = tuple(finding(use(line=line, text=f"a:{line}"), remedy="do this") for line in (1, 2))
    assert render_text(report(findings=errors), Style(80), exit_code=1).count("do this") == 2


def test_known_findings_take_one_line() -> None:
    made = report(known=(finding(remedy="do this"),))
    assert "do this" not in render_text(made, Style(80), exit_code=0)
    assert "do this" in render_text(made, Style(80), exit_code=0, verbose=True)
