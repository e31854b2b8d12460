"""Waivers as a list and as a patch."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.render.layout import Style
from basekeeper.render.waivers import (
    painted_waiver_diff,
    render_waivers_json,
    render_waivers_text,
    state_of,
    waiver_diff,
    warning_of,
)
from basekeeper.waivers import load_waivers
from basekeeper.waivers.writing import Ending, edited, waiver_table
from tests.unit.waivers.making import TODAY, limits, of_cve, waiver

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "state", "warning"),
    [
        (date(2026, 12, 7), "holds", None),
        (date(2026, 12, 6), "ends soon", 14),
        (date(2026, 11, 30), "ends soon", 14),
        (date(2026, 11, 29), "ends soon", 7),
        (date(2026, 11, 24), "ends soon", 7),
        (date(2026, 11, 23), "ends soon", 1),
        (date(2026, 11, 22), "expired", None),
    ],
)
def test_the_end_is_warned_of_14_7_and_1_days_before(
    until: date, state: str, warning: int | None
) -> None:
    one = of_cve(until=until)
    assert (state_of(one, NOW), warning_of(one, NOW)) == (state, warning)


def test_what_has_ended_is_not_warned_of() -> None:
    one = of_cve(until=TODAY, ended=TODAY)
    assert (state_of(one, NOW), warning_of(one, NOW)) == ("ended", None)


def test_lists_what_ends_first_before_the_rest_and_hides_nothing() -> None:
    evil = of_cve(
        id="evil", until=date(2026, 11, 22), owner="\x1b[2J", reason="\u202e", images=("debian",)
    )
    late = waiver(paths=("a/**",), line=7)
    text = render_waivers_text([late, evil], [of_cve(ended=TODAY)], NOW, Style())
    assert text == (
        "expired  evil  ended on 2026-11-22, 1 day ago\n"
        "  CVE-2026-1; images debian\n"
        "  \\x1b[2J: \\u202e\n"
        "  meanwhile: a proxy\n"
        "  w.toml:1\n"
        "\n"
        f"holds  {late.name}  until 2027-01-31, 69 days left\n"
        "  end-of-life; paths a/**\n"
        "  @team: soon\n"
        "  w.toml:7\n"
        "\n"
        "2 waivers, 1 holds, 1 expired, 1 ended before\n"
    )


def test_an_empty_list_says_so() -> None:
    assert render_waivers_text([], [], NOW, Style()) == "0 waivers\n"


def test_json_has_every_waiver_with_all_that_is_known() -> None:
    ended = of_cve(id="old", line=3, ended=TODAY, ended_because="fixed")
    (one, other) = json.loads(render_waivers_json([waiver(line=9)], [ended], NOW))["waivers"]
    assert (one["id"], one["state"], one["ended_because"]) == ("old", "ended", "fixed")
    assert (other["days_left"], other["warning"], other["severity"]) == (69, None, None)
    assert one.keys() == other.keys()


ONE = waiver_table(of_cve(id="a"))
FILES = {
    "empty": b"",
    "no line break at the end": b"# x\n# y",
    "windows": b"# x\r\n\r\n" + ONE.replace("\n", "\r\n").encode(),
    "windows, no line break at the end": ONE.replace("\n", "\r\n").encode().rstrip(),
    "many": "\n".join(waiver_table(of_cve(id=f"w{at}")) for at in range(9)).encode(),
    "one, no line break at the end": ONE.encode().rstrip(),
}


def edits(data: bytes | None) -> list[Any]:
    """Grant, and for every waiver revoke and renew."""
    added = of_cve(id="new", renews="a")
    found = load_waivers(data or b"", "w.toml", limits()).accepted
    wanted: list[dict[str, Any]] = [{"added": added}]
    for old in found:
        ending = Ending(old, TODAY, "fixed")
        wanted += [{"ending": ending}, {"ending": ending, "added": added}]
    return [edited(data, "w.toml", limits(), **one) for one in wanted]


@pytest.mark.parametrize("name", [*FILES, None])
@pytest.mark.parametrize("program", [("git", "apply", "-"), ("patch", "-p1", "--binary")])
def test_git_and_patch_take_the_diff(
    tmp_path: Path, name: str | None, program: tuple[str, ...]
) -> None:
    data = None if name is None else FILES[name]
    for edit in edits(data):
        target = tmp_path / "w.toml"
        target.unlink(missing_ok=True)
        if data is not None:
            target.write_bytes(data)
        patch = waiver_diff(edit)
        done = subprocess.run(program, cwd=tmp_path, input=patch, capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout, done.stderr, patch)
        assert target.read_bytes() == edit.after


def test_a_terminal_gets_colours_and_nothing_that_acts() -> None:
    data = b"# \x7f\xff"[:3] + b"\n"
    (edit,) = edits(data.replace(b"\x7f", "\u202e".encode()))
    shown = "".join(painted_waiver_diff(edit, Style(colour=True)))
    assert "\u202e" not in shown
    assert "\\u202e" in shown
    assert "\x1b[32m+[[waiver]]\x1b[0m\n" in shown
