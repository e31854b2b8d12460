from __future__ import annotations

import re

import pytest

from basekeeper.render.markdown import MAX_BYTES, code, prose, render_markdown
from basekeeper.values.finding import Severity
from tests.unit.render.made import HOSTILE, finding, full_report, judgement, report, use


def test_report_has_totals_and_a_table_a_file() -> None:
    text = render_markdown(full_report())
    assert "**2 errors, 1 warning, 1 note** in 5 uses of 5 images in 3 files" in text
    assert text.count("| Line | Image | Category | Finding | What to do |") == 2
    assert "### Could not be read" in text
    assert "### Waived" in text


def test_notes_are_folded_away() -> None:
    text = render_markdown(report(findings=(finding(severity=Severity.NOTE),)))
    assert "<details>\n<summary>1 note</summary>\n\n| Where | Image | Note |" in text
    assert text.endswith("</details>\n")
    assert "###" not in text


def test_empty_report_is_one_line() -> None:
    assert render_markdown(report()) == (
        "## basekeeper\n\n**no findings** in 0 uses of 0 images in 0 files.\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words, 1.2-3", "plain words, 1.2-3"),
        ("a|b `c` *d*", "a&#124;b &#96;c&#96; &#42;d&#42;"),
        ("<b>&amp;", "&#60;b&#62;&#38;amp;"),
        ("@everyone", "@&#8203;everyone"),
        ("see #12", "see #&#8203;12"),
        ("https://x.invalid www.x.invalid", "https&#58;//x.invalid www&#46;x.invalid"),
        ("[t](u)", "&#91;t&#93;&#40;u&#41;"),
        ("a\nb", "a&#92;x0ab"),
    ],
)
def test_outside_text_stays_text(text: str, expected: str) -> None:
    assert prose(text) == expected


def test_digest_in_code_can_be_copied() -> None:
    assert code("node@sha256:ab") == "<code>node@sha256:ab</code>".replace("@", "&#64;")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_in_its_cell(hostile: str) -> None:
    image = use(hostile, 1, hostile)
    made = report(
        (image, judgement(image)), findings=(finding(image, message=hostile, remedy=hostile),)
    )
    rows = [line for line in render_markdown(made).splitlines() if line.startswith("| 1 |")]
    assert len(rows) == 1
    assert rows[0].count("|") == 6
    assert not re.search(r"@\w|[\x00-\x1f]|<(?!/?code>)", rows[0])


def test_page_is_bounded_and_says_what_is_left_out() -> None:
    findings = tuple(
        finding(use(line=number, text="x" * 400), message="y" * 400) for number in range(1, 2_000)
    )
    text = render_markdown(report(findings=findings))
    assert len(text.encode()) <= MAX_BYTES
    assert re.search(r"\d+ lines left out: this page may have 1,000,000 bytes\.", text)
