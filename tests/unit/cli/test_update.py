"""The questions of `update --interactive`."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from basekeeper.cli.update import _asked
from basekeeper.discover import discover
from basekeeper.values.settings import DiscoverSettings
from tests.unit.editing import MemoryTree, change_to, tree_of

if TYPE_CHECKING:
    from basekeeper.values.change import Change


def changes() -> tuple[Change, ...]:
    files = tree_of({"Dockerfile": "FROM a:1\nFROM b:1\nFROM c:1\n"})
    survey = discover(MemoryTree(files), DiscoverSettings())
    return tuple(change_to(survey, f"{name}:1", f"{name}:2") for name in "abc")


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("y\nn\ny\n", "ac"),
        ("n\na\n", "bc"),
        ("y\nq\n", "a"),
        ("Y\n what\n?\ny\nn\n", "ab"),
        ("y\n", "a"),
        ("", ""),
    ],
)
def test_answers_choose_the_changes(
    typed: str, taken: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    found = [change.to.tag for change in _asked(changes(), {"color": "never"})]
    assert len(found) == len(taken)
    shown = capsys.readouterr().out
    assert "a:1 → a:2  minor" in shown
    assert "    Dockerfile:1\n" in shown
    assert ("leave it" in shown) is ("?" in typed)
