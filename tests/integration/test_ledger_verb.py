from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from basekeeper.markers import Mark, write_mark
from basekeeper.values.event import EventKind, Head
from tests.contract.ledger_places import LATER, NODE, NOW, make_clone, sight
from tests.integration.program import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A clone to run in, below the home of its user."""
    return make_clone(tmp_path)


@pytest.fixture(params=["sqlite", "branch"])
def text(request: pytest.FixtureRequest, root: Path) -> str:
    """A ledger with three events."""
    where = {"sqlite": f"sqlite:{root.parent}/ledger.sqlite", "branch": "branch:state/ledger"}
    written: str = where[request.param]
    with contextlib.closing(
        open_ledger(read_location(written), clock=lambda: LATER, start=root)
    ) as ledger:
        ledger.append([sight(1), sight(2), sight(subject="ghcr.io/acme/base")])
    return written


def test_info_shows_heads_that_verify_takes(root: Path, text: str) -> None:
    told = run(root, "ledger", "info", BASEKEEPER_LEDGER=text)
    assert (told.code, told.err) == (0, "")
    lines = told.out.splitlines()
    assert lines[0] == f"ledger  {text}"
    assert lines[1:3] == ["events  3", "chains  2"]
    heads = [line.removeprefix("head    ") for line in lines[3:]]
    assert heads[0].startswith(f"{NODE}@2:")
    arguments = [part for head in heads for part in ("--head", head)]
    sound = run(root, "ledger", "verify", *arguments, BASEKEEPER_LEDGER=text)
    assert (sound.code, sound.err) == (0, "")
    assert sound.out == f"sound: {text}: 3 events in 2 chains as recorded\n"


def test_json_has_the_same(root: Path, text: str) -> None:
    options = ("-f", "json", "--now", NOW.isoformat())
    told = run(root, "ledger", "info", *options, BASEKEEPER_LEDGER=text).json
    sound = run(root, "ledger", "verify", *options, BASEKEEPER_LEDGER=text).json
    assert (told["ledger"], told["events"]) == (text, 3)
    assert [head["position"] for head in told["heads"]] == [2, 1]
    assert (sound["sound"], sound["breaks"], sound["heads"]) == (True, [], told["heads"])


def test_changed_event_is_named_with_exit_code_1(root: Path) -> None:
    text = f"sqlite:{root.parent}/ledger.sqlite"
    with contextlib.closing(open_ledger(read_location(text), clock=lambda: LATER)) as ledger:
        ledger.append([sight(1), sight(2)])
    with contextlib.closing(sqlite3.connect(root.parent / "ledger.sqlite")) as connection:
        connection.execute("DROP TRIGGER basekeeper_event_no_update")
        connection.execute("UPDATE basekeeper_event SET at = at - 86400000000 WHERE seq = 2")
        connection.commit()
    told = run(root, "ledger", "verify", BASEKEEPER_LEDGER=text)
    assert told.code == 1
    assert f"  {NODE}: event 2 was changed after it was recorded\n" in told.out
    value = run(root, "ledger", "verify", "-f", "json", BASEKEEPER_LEDGER=text).json
    assert (value["sound"], value["breaks"][0]["position"]) == (False, 2)


def test_head_that_is_not_there_any_more_is_told_with_exit_code_1(root: Path, text: str) -> None:
    head = f"{NODE}@2:{'0' * 64}"
    told = run(root, "ledger", "verify", "--head", head, BASEKEEPER_LEDGER=text)
    assert told.code == 1
    assert "event 2 is another than was noted" in told.out


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "message"),
    [
        (("info",), {}, 2, "there is no ledger yet"),
        (("verify",), {}, 2, "there is no ledger yet"),
        (("verify", "--head", "x"), {}, 2, "is not CHAIN@POSITION:HASH"),
        (("info",), {"BASEKEEPER_LEDGER": "sqlite:/none/x"}, 3, "cannot be opened"),
        (("verify",), {"BASEKEEPER_LEDGER": "branch:none"}, 3, "is not on the remote"),
    ],
)
def test_what_cannot_be_read_is_told_of(
    root: Path, arguments: tuple[str, ...], variables: dict[str, str], code: int, message: str
) -> None:
    told = run(root, "ledger", *arguments, **variables)
    assert told.code == code
    assert message in told.err


def test_lost_ledger_is_rebuilt_from_the_marks_of_texts(root: Path) -> None:
    text = f"sqlite:{root.parent}/new.sqlite"
    facts = (sight(1), sight(2), sight(3, kind=EventKind.WAIVED))
    mark = write_mark(Mark(repository=NODE, head=Head(NODE, 7, "a" * 64), facts=facts))
    (root / "pull.md").write_text(f"# Update node\n\n{mark}\n", "utf-8")
    options = ("ledger", "recover", "pull.md", "--now", LATER.isoformat())
    dry = run(root, *options, "--dry-run", BASEKEEPER_LEDGER=text)
    assert dry.code == 1
    assert "2 of 2 facts in 1 mark would be added" in dry.out
    assert f"the ledger ends before {NODE}@7:" in dry.out
    told = run(root, *options, "-f", "json", BASEKEEPER_LEDGER=text)
    assert (told.code, len(told.json["added"])) == (1, 2)
    again = run(root, *options, BASEKEEPER_LEDGER=text)
    assert "0 of 2 facts" in again.out
    with contextlib.closing(open_ledger(read_location(text), clock=None)) as ledger:
        events = list(ledger.events())
    assert [event.id for event in events] == [sight(1).id, sight(2).id]
    assert {event.evidence["provisional"] for event in events} == {"yes"}


def test_earlier_instant_of_a_mark_is_told_and_recorded(root: Path) -> None:
    text = f"sqlite:{root.parent}/ledger.sqlite"
    with contextlib.closing(open_ledger(read_location(text), clock=lambda: LATER)) as ledger:
        ledger.append([sight(1, at=LATER)])
    mark = write_mark(Mark(repository=NODE, head=None, facts=(sight(1, at=NOW),)))
    (root / "summary.md").write_text(mark, "utf-8")
    options = ("ledger", "recover", "summary.md", "--now", LATER.isoformat())
    told = run(root, *options, BASEKEEPER_LEDGER=text)
    assert (told.code, "contradiction" in told.out) == (1, True)
    with contextlib.closing(open_ledger(read_location(text), clock=None)) as ledger:
        assert [event.kind for event in ledger.events()] == [
            EventKind.FIRST_SEEN,
            EventKind.CONTRADICTED,
        ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("nothing.md", b"# no marks \xff", "there are no marks"),
        ("missing.md", None, "cannot be read"),
    ],
)
def test_text_to_recover_from_must_hold_marks(
    root: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (root / name).write_bytes(content)
    text = f"sqlite:{root.parent}/ledger.sqlite"
    told = run(root, "ledger", "recover", name, BASEKEEPER_LEDGER=text)
    assert told.code == 2
    assert words in told.err


def test_file_in_a_job_of_ci_is_no_place_to_recover_into(root: Path) -> None:
    (root / "a.md").write_text(write_mark(Mark(repository=NODE, head=None, facts=(sight(1),))))
    text = f"sqlite:{root.parent}/ledger.sqlite"
    refused = run(root, "ledger", "recover", "a.md", BASEKEEPER_LEDGER=text, CI="true")
    assert (refused.code, "--ephemeral" in refused.err) == (3, True)
    taken = run(root, "ledger", "recover", "a.md", "--ephemeral", BASEKEEPER_LEDGER=text, CI="true")
    assert taken.code == 0
