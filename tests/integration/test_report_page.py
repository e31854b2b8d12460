"""The page of `report` in a real browser: on screens, in the dark, and on paper."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from basekeeper.deadlines.model import State
from basekeeper.policy.windows import Urgency
from basekeeper.render.report_html import report_html
from tests.fakes.browser import browsing
from tests.fakes.provisioned import provisioned
from tests.unit.evidence.made import finding
from tests.unit.render.reports import report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.browser import Browser

pytestmark = [pytest.mark.component("browser"), pytest.mark.slow]

LONG = "x" * 300
ROWS = 120
PICTURES = "[...document.querySelectorAll('svg[role=img]')]"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    place = tmp_path_factory.mktemp("browser")
    with browsing(provisioned("driver"), provisioned("browser"), place) as opened:
        yield opened


@pytest.fixture
def page(tmp_path: Path, window: Browser) -> Browser:
    found = [
        *(
            finding(number % 20, end=number % 20 + 1 + number % 3, name=f"CVE-2026-{number}",
                    breached=number % 20 + 2 if number % 3 == 2 else None,
                    urgency=list(Urgency)[number % 5], upstream=(number % 20, number % 20 + 1))
            for number in range(ROWS)
        ),
        finding(9, start=9, breached=11, state=State.BREACHED, package=LONG),
    ]  # fmt: skip
    file = tmp_path / "report.html"
    file.write_text("".join(report_html(report(found, word=LONG))), encoding="utf-8")
    window.log("performance")
    window.log("browser")
    window.prefer("light")
    window.resize(1280)
    window.open(file)
    return window


def test_nothing_is_fetched_and_nothing_is_wrong(page: Browser, tmp_path: Path) -> None:
    page.resize(700)
    page.prefer("dark")
    assert page.requested() == [(tmp_path / "report.html").as_uri()]
    assert page.log("browser") == []
    assert page.run("return document.styleSheets.length") == 1


def test_a_script_would_not_run(window: Browser, tmp_path: Path) -> None:
    source = "".join(report_html(report()))
    file = tmp_path / "attacked.html"
    file.write_text(
        source.replace("</body>", "<script>document.title = 'taken'</script></body>"), "utf-8"
    )
    window.open(file)
    assert window.run("return document.title").startswith("Patch evidence")
    assert any("Content Security Policy" in one["message"] for one in window.log("browser"))


def test_charts_are_seen(page: Browser) -> None:
    sizes = page.run(
        f"return {PICTURES}.map(one => one.getBoundingClientRect())"
        ".map(one => [one.width, one.height])"
    )
    assert len(sizes) >= 8
    assert all(width > 200 and height >= 18 for width, height in sizes)
    fills = page.run(
        f"return [...new Set({PICTURES}.flatMap(one => [...one.querySelectorAll('rect')])"
        ".map(one => getComputedStyle(one).fill))]"
    )
    assert len(fills) >= 4
    assert "rgb(0, 0, 0)" not in fills
    names = page.run(f"return {PICTURES}.map(one => one.getAttribute('aria-label'))")
    assert all(names)


def test_the_dark_is_dark_and_can_be_read(page: Browser) -> None:
    colours = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
    light = page.run(colours)
    page.prefer("dark")
    dark = page.run(colours)
    assert [luminance(one) > 0.5 for one in light] == [True, False]
    assert [luminance(one) > 0.5 for one in dark] == [False, True]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(page: Browser, scheme: str) -> None:
    """WCAG 2.2 asks for a contrast of 4.5 of small texts."""
    page.prefer(scheme)
    told = page.run(
        "const ground = one => { for (; one; one = one.parentElement) {"
        " const c = getComputedStyle(one).backgroundColor;"
        " if (c !== 'rgba(0, 0, 0, 0)') return c; } };"
        "const texts = [...document.querySelectorAll('body *')].filter(one =>"
        " [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()));"
        "return [...new Set(texts.map(one =>"
        " getComputedStyle(one).color + '|' + ground(one)))]"
    )
    poor = [one for one in told if contrast(*one.split("|")) < 4.5]
    assert not poor


@pytest.mark.parametrize("width", [320, 400, 800, 930, 1000, 1190, 1280])
def test_no_screen_has_to_be_moved_sideways(page: Browser, width: int) -> None:
    page.resize(width)
    over = page.run(
        "return [...document.querySelectorAll('body *')].filter(one =>"
        " one.getBoundingClientRect().right > innerWidth + 1)"
        ".map(one => one.outerHTML.slice(0, 90))"
    )
    assert over == []
    assert page.run("return document.documentElement.scrollWidth") <= width


def test_heads_repeat_on_every_printed_page(page: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(page.printed())
    reader = provisioned("paper")
    done = subprocess.run(
        [reader, "-layout", file, "-"], check=True, capture_output=True, text=True, timeout=60
    )
    pages = done.stdout.split("\f")[:-1]
    assert len(pages) > 3
    tables = [one for one in pages if one.count("CVE-2026-") > 2]
    assert len(tables) > 1
    assert all("Action clock" in one and "Exposure" in one for one in tables)
    for number, one in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in one


def luminance(colour: str) -> float:
    """The relative luminance of a colour, as WCAG 2.2 defines it."""
    parts = colour.partition("(")[2].rstrip(")").split(",")[:3]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (float(one) / 255 for one in parts)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)
