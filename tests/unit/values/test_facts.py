from __future__ import annotations

import pytest

from basekeeper.errors import InputError
from basekeeper.values.facts import MAX_OS_RELEASE_CHARS, NO_FACTS, Facts, read_os_release

FILE = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME='Debian GNU/Linux'
VERSION_ID="12"
# a comment
not an assignment
ID=debian
EMPTY=
"""


def test_nothing_is_known_without_facts() -> None:
    assert Facts.of({}) == NO_FACTS
    assert Facts.of(NO_FACTS) is NO_FACTS


def test_reads_a_mapping() -> None:
    facts = Facts.of(
        {"stage": "build", "official": True, "os_release": {"ID": "alpine"}, "labels": {"a": "b"}}
    )
    assert facts == Facts(
        stage="build", official=True, os_release={"ID": "alpine"}, labels={"a": "b"}
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FILE, {"ID": "debian", "VERSION_ID": "12"}),
        ("ID=alpine\r\nVERSION_ID=3.22.1\r\n", {"ID": "alpine", "VERSION_ID": "3.22.1"}),
        ("Debian 12", {"ID": "debian", "VERSION_ID": "12"}),
        ("ubuntu:24.04", {"ID": "ubuntu", "VERSION_ID": "24.04"}),
        ("wolfi", {"ID": "wolfi"}),
    ],
)
def test_reads_an_operating_system_from_text(text: str, expected: dict[str, str]) -> None:
    release = Facts.of({"os_release": text}).os_release
    assert release is not None
    assert {key: release[key] for key in expected} == expected


def test_an_empty_value_is_read() -> None:
    assert read_os_release(FILE)["EMPTY"] == ""
    assert read_os_release(FILE)["NAME"] == "Debian GNU/Linux"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"stages": "final"}, "unknown fact 'stages'"),
        ({"stage": "last"}, "fact 'stage': expected 'final' or 'build', got 'last'"),
        ({"official": "yes"}, "fact 'official': expected true, false or nothing, got 'yes'"),
        ({"verified_publisher": 1}, "fact 'verified_publisher': expected true, false"),
        ({"resolved_version": 22}, "fact 'resolved_version': expected text, got 22"),
        ({"labels": {"a": 1}}, "fact 'labels': expected a table of text"),
        ({"labels": []}, "fact 'labels': expected a table of text"),
        ({"os_release": 12}, "fact 'os_release': expected a table of text, got 12"),
        ({"os_release": "NAME=x\n"}, "fact 'os_release': expected the text of an os-release file"),
        ({"os_release": "ID=x\n" * MAX_OS_RELEASE_CHARS}, "os_release is longer than"),
    ],
)
def test_refuses_what_is_no_fact(facts: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Facts.of(facts)
