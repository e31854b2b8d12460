from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from basekeeper.errors import Failure
from basekeeper.render.layout import Style
from basekeeper.render.outdated_json import outdated_pieces
from basekeeper.render.outdated_pages import (
    outdated_github,
    outdated_junit,
    outdated_markdown,
    outdated_sarif,
)
from basekeeper.render.outdated_text import render_outdated_text
from basekeeper.render.outdated_view import (
    Status,
    age_words,
    counts,
    rows,
    summary,
    target,
    trouble_words,
)
from basekeeper.tags.updates import TagFacts, TagList
from basekeeper.values.change import Note, NoteKind, Standing
from basekeeper.values.image import Unknown
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Resolution, Trouble
from tests.unit.render.made import HOSTILE
from tests.unit.render.standings import (
    DIGEST,
    ENDED,
    choice,
    full_standings,
    standing,
    standings,
    unknown,
    updates,
)
from tests.unit.render.test_json import validator

OUTDATED = validator("outdated.schema.json")
NEWER = choice("minor", "22")


@pytest.mark.parametrize(
    ("made", "kinds", "status"),
    [
        (updates(), (), Status.CURRENT),
        (updates(minor=NEWER), (), Status.OUTDATED),
        (updates(minor=NEWER), ("minor", "patch"), Status.OUTDATED),
        (updates(minor=NEWER), ("patch",), Status.CURRENT),
        (updates(minor=unknown("minor")), (), Status.UNKNOWN),
        (updates(minor=unknown("minor")), ("patch",), Status.CURRENT),
        (updates(minor=unknown("minor"), patch=choice("patch", "20.1")), (), Status.OUTDATED),
        (updates(moves=(choice("os", "20-x", axis="os"),)), (), Status.OUTDATED),
        (updates(moves=(choice("os", "20-x", axis="os"),)), ("os",), Status.OUTDATED),
        (updates(moves=(choice("os", "20-x", axis="os"),)), ("patch",), Status.CURRENT),
        (Unknown("not told"), (), Status.UNKNOWN),
    ],
)
def test_status_counts_the_kinds_that_are_asked_for(
    made: object, kinds: tuple[str, ...], status: Status
) -> None:
    (row,) = rows(standings(standing(updates=made)), kinds)
    assert row.status is status


@pytest.mark.parametrize("part", ["pointer", "tags"])
def test_a_question_that_failed_is_never_up_to_date(part: str) -> None:
    one = standing()
    failed = replace(one.resolution, **{part: Unknown("refused", "log in")})  # type: ignore[arg-type]
    (row,) = rows(standings(replace(one, resolution=failed)))
    assert row.status is Status.UNKNOWN
    assert row.gaps == (Unknown("refused", "log in"),)


def test_a_list_with_gaps_is_never_up_to_date() -> None:
    one = standing()
    cut = replace(one.resolution, tags=TagList((TagFacts("20"),), problem="too many pages"))
    (row,) = rows(standings(replace(one, resolution=cut)))
    assert row.status is Status.UNKNOWN
    assert "too many pages" in row.gaps[0].reason


def test_totals_are_those_of_the_rows() -> None:
    shown = rows(full_standings())
    assert counts(shown) == {Status.OUTDATED: 1, Status.CURRENT: 1, Status.UNKNOWN: 2}
    assert summary(shown) == "4 images in 13 places: 1 outdated, 1 current, 2 unknown"
    assert summary([]) == "0 images in 0 places"


def test_support_is_that_of_the_first_end() -> None:
    (row,) = rows(standings(standing()))
    assert row.support.until == ENDED
    (unjudged,) = rows(standings(standing(), judgements={}))
    assert unjudged.support.until is None


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (choice("minor", "22"), "22"),
        (choice("digest", "20", digest=DIGEST), "sha256:0123456789ab…"),
        (choice("digest", "latest", digest=DIGEST), "sha256:0123456789ab…"),
        (choice("minor", "22", digest=DIGEST), "22"),
        (choice("name", "1", repository="ghcr.io/x/y"), "ghcr.io/x/y:1"),
        (choice("name", repository="ghcr.io/x/y"), "ghcr.io/x/y"),
    ],
)
def test_what_a_choice_moves_to_is_what_changes(made: object, shown: str) -> None:
    (row,) = rows(standings(standing(updates=updates(minor=made))))
    assert target(row.steps[0], row.standing.reference) == shown


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (None, ""),
        (timedelta(0), "0 h"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=2), "2 days"),
        (timedelta(days=89), "89 days"),
        (timedelta(days=90), "3 months"),
        (timedelta(days=729), "24 months"),
        (timedelta(days=800), "2 years"),
    ],
)
def test_ages_are_read_by_people(age: timedelta | None, words: str) -> None:
    assert age_words(age) == words


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("width", [40, 80, 120])
def test_text_keeps_its_width(width: int, verbose: bool) -> None:  # noqa: FBT001
    text = render_outdated_text(full_standings(), Style(width=width), verbose=verbose)
    assert max(map(len, text.splitlines())) <= width


def test_text_tells_each_thing_once() -> None:
    text = render_outdated_text(full_standings(), Style())
    assert "ghcr.io is not reachable" not in text
    assert text.count("ghcr.io: not reachable (1 image): connection refused") == 1
    assert "check the network" in text
    assert "20.19-slim" in text
    assert "26.1-slim: too young until 2026-11-25" in text
    assert "debian 12 → debian 13" in text
    assert "gcr.io/distroless/nodejs22-debian13:22" in text
    assert "services/service-2/Dockerfile:3 and 6 more places" in " ".join(text.split())
    assert "patch, minor, major: it names no version" in text
    assert "lying-pin: the digest is another version" in text
    assert "could not be read: broken/Dockerfile" in text
    assert "\x1b" not in text


def test_a_registry_that_did_not_answer_is_told_once_and_each_image_in_a_line() -> None:
    text = render_outdated_text(full_standings(), Style(width=60))
    _, _, after = text.partition("ghcr.io/acme/base:1")
    assert after.splitlines()[1].startswith("node:20.11-slim")
    assert "unknown  ghcr.io is not reachable" in render_outdated_text(
        full_standings(), Style(width=60), verbose=True
    )


def test_a_reason_is_told_as_far_as_the_step_does_not_show_it() -> None:
    step = choice("minor", "22", reason="22 is the newest minor above 20; no data on 22")
    found = standings(standing(updates=updates(minor=replace(step, remark="no data on 22"))))
    assert "newest" not in render_outdated_text(found, Style())
    assert "no data on 22" in render_outdated_text(found, Style())
    assert "newest" in render_outdated_text(found, Style(), verbose=True)
    plain = standings(standing(updates=updates(minor=replace(step, remark=""))))
    assert "no data" not in render_outdated_text(plain, Style())


def test_what_waits_without_an_age_is_told_in_a_line_with_a_remedy() -> None:
    made = updates(
        digest=unknown("digest", waiting="20"),
        minor=unknown("minor", waiting="20.2"),
        major=unknown("major", waiting="22"),
    )
    text = render_outdated_text(standings(standing("node:20", updates=made)), Style(width=100))
    assert "waiting  a newer digest, 20.2, 22: age not known\n" in text
    assert text.count("--any-age") == 1
    page = outdated_markdown(standings(standing("node:20", updates=made)))
    assert "waiting: <code>20.2</code> (age not known)" in page


def test_a_long_place_stays_in_one_line() -> None:
    path = "a/" * 40 + "Dockerfile"
    text = render_outdated_text(
        standings(standing("node:20", path, updates=updates(minor=NEWER))), Style()
    )
    (line,) = (line for line in text.splitlines() if "used in" in line)
    assert line.endswith("Dockerfile:3")
    assert len(line) < 80


def test_a_digest_in_a_remark_is_short() -> None:
    step = choice("digest", "20", digest=DIGEST, remark=f"node@{DIGEST}: the archive ends")
    text = render_outdated_text(standings(standing(updates=updates(digest=step))), Style())
    assert DIGEST not in text
    assert f"node@{DIGEST[:19]}…: the archive ends" in text


def test_what_helps_is_told_once_and_a_repository_that_is_missing_too() -> None:
    def gone(image: str) -> Standing:
        reference = parse_reference(image)
        pointer, tags = (
            Unknown(f"{name}: not found", "log in") for name in (str(reference), reference.name)
        )
        told = Resolution(reference=reference, pointer=pointer, tags=tags)
        return standing(image, updates=pointer, resolution=told)

    found = standings(gone("ghcr.io/a/b:1"), gone("ghcr.io/a/c:1"))
    text = render_outdated_text(found, Style())
    assert text.count("not found") == 2
    assert "unknown  ghcr.io/a/b: not found" in text
    assert text.count("→ log in (2 images)") == 1


def test_a_hint_that_several_registries_share_is_told_once() -> None:
    troubles = tuple(
        Trouble(name, Failure.UNREACHABLE, "refused", "look", 1) for name in ("a.test", "b.test")
    )
    text = render_outdated_text(standings(standing(), troubles=troubles), Style())
    assert "a.test: not reachable (1 image): refused\nb.test: not" in text
    assert text.count("→ look") == 1


def test_a_name_that_repeats_in_a_trouble_is_left_out() -> None:
    trouble = Trouble("ghcr.io", Failure.UNREACHABLE, "ghcr.io: connection refused", None, 2)
    assert trouble_words(trouble) == "ghcr.io: not reachable (2 images): connection refused"


def test_text_is_coloured_only_where_asked() -> None:
    assert "\x1b[" in render_outdated_text(full_standings(), Style(colour=True))


def test_text_says_that_there_is_nothing_to_ask() -> None:
    assert render_outdated_text(standings(), Style()) == (
        "nothing to ask: no file here names an image\n"
    )


def test_a_digest_refresh_says_nothing_of_lists_that_were_not_asked() -> None:
    one = standing(updates=updates(flags={"incomplete": "no tags known"}))
    alone = Resolution(reference=one.reference, pointer=one.resolution.pointer)
    text = render_outdated_text(standings(replace(one, resolution=alone)), Style(), verbose=True)
    assert "incomplete" not in text


def test_json_has_the_published_shape() -> None:
    OUTDATED.validate(json.loads("".join(outdated_pieces(full_standings()))))
    OUTDATED.validate(json.loads("".join(outdated_pieces(standings()))))


def test_junit_fails_what_is_outdated_and_errs_where_nothing_was_told() -> None:
    root = ET.fromstring(outdated_junit(full_standings()))  # noqa: S314  # our own text
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("13", "9", "2")


def test_sarif_has_a_note_for_each_place_and_a_warning_where_nothing_was_told() -> None:
    (run,) = json.loads(outdated_sarif(full_standings()))["runs"]
    levels = [result["level"] for result in run["results"]]
    assert (levels.count("note"), levels.count("warning")) == (9, 2)
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    assert not run["invocations"][0]["executionSuccessful"]


def test_github_annotates_each_place() -> None:
    lines = outdated_github(full_standings()).splitlines()
    assert sum(line.startswith("::notice ") for line in lines) == 9
    assert sum(line.startswith("::warning ") for line in lines) == 3
    assert lines[-1].startswith("basekeeper: 4 images")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_in_its_place(text: str) -> None:
    """Tags, reasons and answers of registries reach no reader as more than text."""
    one = standing(
        updates=updates(
            minor=choice("minor", "22", reason=text, os_change=text),
            major=choice("major", text),
            patch=unknown("patch", text),
            flags={"os_drift": text},
        ),
        notes=(Note(NoteKind.GHOST_TAG, text),),
    )
    failed = replace(one, resolution=replace(one.resolution, tags=Unknown(text, text)))
    made = standings(one, failed, notices=(text,))
    acting = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
    plain = render_outdated_text(made, Style(), verbose=True)
    pages = [plain, outdated_markdown(made), outdated_github(made), outdated_junit(made)]
    for page in pages:
        assert acting.search(page) is None
    assert "<script" not in pages[1]
    commands = [line for line in pages[2].splitlines() if line.startswith("::")]
    assert len(commands) == 2
    ET.fromstring(pages[3])  # noqa: S314  # our own text
    json.loads(outdated_sarif(made))
    OUTDATED.validate(json.loads("".join(outdated_pieces(made))))
