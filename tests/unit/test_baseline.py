from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from basekeeper.baseline import (
    MAX_BASELINE_BYTES,
    Baseline,
    load_baseline,
    split,
    split_since,
    write_baseline,
)
from basekeeper.errors import ConfigError
from basekeeper.values.finding import Finding, Severity

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = date(2026, 12, 31)


def finding(letter: str, *, path: str = "Dockerfile", line: int = 1, rule: str = "r") -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.ERROR,
        message=f"wrong {letter}",
        remedy="fix it",
        path=path,
        line=line,
        end_line=line,
        image="node:18",
        fingerprint=letter * 64,
    )


def baseline(*findings: Finding, expires: date = DAY) -> Baseline:
    written = write_baseline(findings, "@team", expires, datetime(2026, 1, 1, tzinfo=UTC))
    return load_baseline(written, "b.json")


def test_what_is_written_is_read_again() -> None:
    (entry,) = baseline(finding("a")).entries
    assert (entry.fingerprint, entry.rule, entry.path) == ("a" * 64, "r", "Dockerfile")
    assert (entry.image, entry.message) == ("node:18", "wrong a")
    assert (entry.owner, entry.expires) == ("@team", DAY)


def test_the_order_of_findings_does_not_change_the_bytes() -> None:
    findings = [finding("b", path="b"), finding("a", path="a"), finding("c", path="b", rule="a")]
    forwards = write_baseline(findings, "@team", DAY, NOW)
    assert forwards == write_baseline(findings[::-1], "@team", DAY, NOW)
    assert [entry["path"] for entry in json.loads(forwards)["entries"]] == ["a", "b", "b"]


@pytest.mark.parametrize(
    ("owner", "expires", "key", "hint"),
    [
        ("", DAY, "owner", "name who answers for it, for example @team"),
        ("  ", DAY, "owner", "name who answers for it, for example @team"),
        ("x" * 201, DAY, "owner", "name who answers for it, for example @team"),
        ("@team", date(2026, 11, 22), "expires", "name a day from 2026-11-23 on"),
    ],
)
def test_refuses_to_write_entries_without_owner_or_future(
    owner: str, expires: date, key: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match="1 problem in the new baseline\n") as caught:
        write_baseline([finding("a")], owner, expires, NOW)
    (problem,) = caught.value.problems
    assert (problem.key, problem.hint) == (key, hint)


def test_may_expire_today() -> None:
    assert write_baseline([finding("a")], "@team", NOW.date(), NOW)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "schema_version 1"),
        (b'{"schema_version": 2, "entries": []}', "schema_version 1"),
        (b'{"schema_version": 1}', "entries: expected a list"),
        (b" " * (MAX_BASELINE_BYTES + 1), "larger than 16 MiB"),
    ],
)
def test_says_why_a_file_is_no_baseline(data: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_baseline(data, "b.json")
    assert caught.value.message.startswith("1 problem in b.json\n")
    assert caught.value.problems[0].hint is not None


def test_says_once_what_to_do_about_wrong_entries() -> None:
    with pytest.raises(ConfigError) as caught:
        load("text", entry(owner=" "))
    assert [problem.hint for problem in caught.value.problems] == [
        None,
        "write it again with `basekeeper check --write-baseline`",
    ]


def entry(**changes: Any) -> dict[str, Any]:
    good = {
        "fingerprint": "a" * 64,
        "rule": "r",
        "path": "Dockerfile",
        "image": None,
        "message": "wrong",
        "owner": "@team",
        "expires": "2026-12-31",
    }
    return {**good, **changes}


def load(*entries: Any) -> Baseline:
    content = {"schema_version": 1, "entries": list(entries)}
    return load_baseline(json.dumps(content).encode(), "b.json")


def test_names_all_problems_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load(
            entry(owner=" "),
            "text",
            entry(fingerprint="A", expires="tomorrow"),
            entry(image=1, extra=True),
            entry(expires=None),
        )
    assert [problem.key for problem in caught.value.problems] == [
        "entries[0].owner",
        "entries[1]",
        "entries[2].fingerprint",
        "entries[2].expires",
        "entries[3].extra",
        "entries[3].image",
        "entries[4].expires",
    ]


def test_reads_a_good_entry() -> None:
    assert load(entry()).entries[0].image is None


def test_tells_new_from_known_and_names_what_is_gone() -> None:
    result = split(
        [finding("a"), finding("c")], baseline(finding("a"), finding("b")), NOW
    )  # fmt: skip
    assert [one.message for one in result.new] == ["wrong c"]
    assert [one.message for one in result.known] == ["wrong a"]
    assert [one.fingerprint[0] for one in result.stale] == ["b"]
    assert result.expired == ()


def test_one_entry_stands_for_one_finding() -> None:
    result = split([finding("a", line=1), finding("a", line=2)], baseline(finding("a")), NOW)
    assert [one.line for one in result.known] == [1]
    assert [one.line for one in result.new] == [2]
    twice = split([finding("a")], baseline(finding("a"), finding("a")), NOW)
    assert len(twice.stale) == 1


@pytest.mark.parametrize(
    ("expires", "hides"), [(date(2026, 11, 23), True), (date(2026, 11, 22), False)]
)
def test_an_entry_hides_through_its_last_day(expires: date, *, hides: bool) -> None:
    result = split([finding("a")], baseline(finding("a"), expires=expires), NOW)
    assert bool(result.known) is hides
    assert bool(result.new) is not hides
    assert bool(result.expired) is not hides


def test_an_expired_entry_without_a_finding_is_stale() -> None:
    result = split([], baseline(finding("a"), expires=date(2026, 2, 1)), NOW)
    assert (len(result.stale), result.expired) == (1, ())


def test_compares_with_another_revision_as_often_as_a_finding_was_there() -> None:
    before = [finding("a"), finding("b")]
    result = split_since([finding("a", line=9), finding("a", line=10), finding("c")], before)
    assert [one.line for one in result.known] == [9]
    assert [one.message for one in result.new] == ["wrong a", "wrong c"]
