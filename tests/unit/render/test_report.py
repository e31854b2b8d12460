from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from basekeeper.policy.windows import Urgency
from basekeeper.render.layout import Style
from basekeeper.render.report_csv import COLUMNS, cell, report_csv
from basekeeper.render.report_html import MAX_DOUBTS, report_html
from basekeeper.render.report_json import report_pieces
from basekeeper.render.report_markup import Markup, element, joined, text
from basekeeper.render.report_parts import MAX_FINDINGS
from basekeeper.render.report_style import STYLE
from basekeeper.render.report_text import report_text
from basekeeper.render.report_view import STATEMENT, percent, share_words
from basekeeper.values.evidence import Share
from tests.unit.evidence.made import finding
from tests.unit.render.reports import report

EVIL = "<script>alert(1)</script>\"'&]]>--><img src=x onerror=alert(1)>\u202e\x00\x1b[31m=1+1"
HARMLESS = {
    "a", "b", "body", "caption", "code", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "head",
    "header", "html", "li", "line", "meta", "nav", "ol", "p", "rect", "section", "span", "strong",
    "style", "svg", "table", "tbody", "td", "th", "thead", "title", "tr", "ul",
}  # fmt: skip
SCHEMA = Draft202012Validator(
    json.loads(
        (files("basekeeper.render") / "schemas" / "evidence.schema.json").read_text("utf-8")
    ),
    format_checker=Draft202012Validator.FORMAT_CHECKER,
)
LIMIT = 5_000_000


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.comments: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    def of(self, name: str) -> list[str | None]:
        return [value for key, value in self.attributes if key == name]


def page(**given: Any) -> Page:
    return Page("".join(report_html(report(**given))))


def document(**given: Any) -> Any:
    return json.loads("".join(report_pieces(report(**given))))


def rows(**given: Any) -> list[dict[str, str]]:
    written = "".join(report_csv(report(**given)))
    return list(csv.DictReader(io.StringIO(written, newline=""), strict=True))


def test_the_page_is_well_formed_and_says_that_it_is_evidence() -> None:
    shown = page()
    assert not shown.open
    assert set(shown.tags) <= HARMLESS
    words = "".join(shown.words)
    assert STATEMENT in words
    assert "compliant" not in words.lower()
    assert shown.comments == [" basekeeper:1:AAAA "]


def test_the_page_needs_nothing_and_may_fetch_nothing() -> None:
    shown = page()
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    (rules,) = [one for one in shown.of("content") if one and "default-src" in one]
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in rules
    assert not {"src", "srcset", "style", "action"} & {key for key, _ in shown.attributes}
    assert all(one and one.startswith("#") for one in shown.of("href"))
    assert not re.search(r"url\(|@import|expression", STYLE)


def test_hostile_names_stay_text_on_the_page() -> None:
    source = "".join(report_html(report(word=EVIL, repository=EVIL)))
    shown = Page(source)
    assert set(shown.tags) <= HARMLESS
    assert not [key for key, _ in shown.attributes if key.startswith("on")]
    assert len(shown.comments) == 1
    assert not set("\u202e\x00\x1b") & set(source)
    assert "<script>alert(1)</script>" in "".join(shown.words)
    assert r"\u202e\x00\x1b[31m" in "".join(shown.words)


def test_hostile_names_stay_text_in_a_summary() -> None:
    told = report_text(report(word=EVIL, repository=EVIL), Style(), file=EVIL)
    assert not set("\u202e\x00\x1b") & set(told)


def test_hostile_names_stay_text_in_json() -> None:
    told = document(word=EVIL, repository=EVIL)
    SCHEMA.validate(told)
    assert told["repositories"][0]["waivers"][0]["reason"] == EVIL


def test_the_json_is_of_the_published_shape() -> None:
    Draft202012Validator.check_schema(SCHEMA.schema)
    told = document()
    SCHEMA.validate(told)
    assert told.keys() == SCHEMA.schema["properties"].keys()  # type: ignore[index]
    assert told["complete"] is False
    assert len(told["repositories"][0]["products"][0]["findings"]) == 12


def test_the_csv_has_a_row_for_each_episode_as_rfc_4180_wants() -> None:
    written = "".join(report_csv(report()))
    assert written.count("\r\n") == written.count("\n") == 13
    told = rows()
    assert list(told[0]) == list(COLUMNS)
    assert {one["repository"] for one in told} == {"github.com/acme/shop"}
    assert told[9]["state"] == "breached"
    assert told[1]["hours_to_patch"] == "12.00"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " ", "'", "\uff1d"])
def test_a_cell_is_no_formula(start: str) -> None:
    (told,) = rows(found=[finding(name=f"{start}HYPERLINK(1)", package='x,"y"\nz')])
    assert told["vulnerability"][0] not in "=+-@\t\r\n \uff1d"
    assert told["vulnerability"].endswith("HYPERLINK(1)")
    assert told["name"] == r'x,"y"\x0az'


@given(st.text())
def test_no_text_is_a_formula_or_acts(value: str) -> None:
    shown = cell(value)
    assert not shown.startswith(("=", "+", "-", "@"))
    assert shown.isprintable() or not shown.isascii()


@given(st.text())
def test_no_text_becomes_markup(value: str) -> None:
    shown = Page(element("p", value, title=value))
    assert shown.tags == ["p"]
    assert [key for key, _ in shown.attributes] == ["title"]
    assert "".join(shown.words) == shown.of("title")[0]


def test_markup_stays_markup() -> None:
    inner = element("b", "<")
    assert element("p", inner, None, ["&", Markup("<br>")]) == "<p><b>&lt;</b>&amp;<br></p>"
    assert joined(("<", inner), "&") == "&lt;&amp;<b>&lt;</b>"
    assert text(inner) is inner
    assert element("td", class_="n", data_label="<") == '<td class="n" data-label="&lt;"></td>'


def test_many_findings_make_no_huge_page() -> None:
    found = [finding(number % 29, name=f"CVE-2026-{number}") for number in range(10_000)]
    source = "".join(report_html(report(found)))
    assert len(source) < LIMIT
    assert source.count("<strong>CVE-2026-") == MAX_FINDINGS
    assert f"The first {MAX_FINDINGS:,} of 10,000 findings" in source
    assert len(rows(found=found)) == 10_000
    assert len(document(found=found)["repositories"][0]["products"][0]["findings"]) == 10_000


def test_much_that_is_not_known_is_counted() -> None:
    one = report()
    many = [one.doubts[0]] * (MAX_DOUBTS + 10)
    told = "".join(report_html(replace(one, doubts=tuple(many))))
    assert "and 11 more, which the JSON names" in told


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(0, "0 %"), (0.005, "0 %"), (0.5, "50 %"), (0.994, "99 %"), (0.9999, "99 %"), (1, "100 %")],
)
def test_what_is_not_all_is_never_a_hundred_percent(ratio: float, words: str) -> None:
    assert percent(ratio) == words


def test_a_share_of_nothing_is_no_percentage() -> None:
    assert share_words(Share(0, 0, None)) == "none"
    assert share_words(Share(2, 3, None)) == "2 of 3"
    assert share_words(Share(3, 4, 0.75)) == "75 % (3 of 4)"


def test_charts_tell_their_numbers_without_being_seen() -> None:
    told = [one for one in page().of("aria-label") if one]
    assert any(one.startswith("critical: 9 in time, 0 late, 1 overdue") for one in told)
    assert any("found and" in one for one in told)


def test_a_report_of_nothing_says_so() -> None:
    words = "".join(page(found=[]).words)
    assert "No finding was known within the period." in words
    assert "nothing was due" in words


def test_too_few_are_told_as_numbers() -> None:
    words = "".join(page(found=[finding(end=1), finding(end=1, urgency=Urgency.HIGH)]).words)
    assert "1 of 1 in time; not enough data for a percentage" in words
    assert "not enough data, window 2 days, n = 1" in words
