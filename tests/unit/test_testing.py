"""Expectations of a built image; that commands really run is the contract's to show."""

from __future__ import annotations

from typing import Any

import pytest

from basekeeper.testing import check_command, check_config, check_files
from basekeeper.values.building import NO_LOG, ImageFile, Log, Ran
from basekeeper.values.image import ImageConfig, Unknown
from basekeeper.values.testing import (
    Checked,
    CommandWanted,
    FileWanted,
    ImageTest,
    Trial,
    Verdict,
)

CONFIG = ImageConfig(
    digest="", manifest="", platform="linux/amd64", user="7", entrypoint=("/bin/a", "b c"),
    ports=("80/tcp",), env={"A": "b", "EMPTY": ""}, labels={"l": "m"},
)  # fmt: skip
FILE = ImageFile("file", 0o640, 7, 8, 1)
P, F, U = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN


def verdicts(checks: Any) -> list[Verdict]:
    return [check.verdict for check in checks]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, []),
        ({"user": "7"}, [P]),
        ({"user": "root"}, [F]),
        ({"entrypoint": ("/bin/a", "b c")}, [P]),
        ({"entrypoint": ("/bin/a", "b", "c")}, [F]),
        ({"entrypoint": ()}, [F]),
        ({"command": ()}, [P]),
        ({"command": ("x",)}, [F]),
        ({"ports": ("80/tcp",)}, [P]),
        ({"ports": ()}, [F]),
        ({"env": {"A": "b", "EMPTY": ""}}, [P, P]),
        ({"env": {"B": ""}}, [F]),
        ({"labels": {"l": "m", "n": "o"}}, [P, F]),
    ],
)
def test_only_what_is_named_is_compared(wanted: dict[str, Any], expected: list[Verdict]) -> None:
    assert verdicts(check_config(ImageTest(name="t", **wanted), CONFIG)) == expected


def test_nobody_named_is_root() -> None:
    test = ImageTest(name="t", user="root")
    nobody = ImageConfig(digest="", manifest="", platform="linux/amd64")
    assert verdicts(check_config(test, nobody)) == [P]


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        ({}, FILE, [P]),
        ({}, None, [F]),
        ({"present": False}, None, [P]),
        ({"present": False}, FILE, [F]),
        ({"mode": 0o640, "user": 7, "group": 8}, FILE, [P] * 4),
        ({"mode": 0o644, "user": 0, "group": 0}, FILE, [P, F, F, F]),
        ({"mode": 0o644}, None, [F]),
    ],
)
def test_files(wanted: dict[str, Any], there: ImageFile | None, expected: list[Verdict]) -> None:
    assert verdicts(check_files([FileWanted(path="/a", **wanted)], {"/a": there})) == expected


@pytest.mark.parametrize(
    ("wanted", "ran", "expected"),
    [
        ({}, Ran(0, NO_LOG, b""), [P]),
        ({}, Ran(1, NO_LOG, b""), [F]),
        ({"status": 1}, Ran(1, NO_LOG, b""), [P]),
        ({}, Unknown("no"), [U]),
        ({"contains": ("a", "b"), "lacks": ("c",)}, Ran(0, NO_LOG, b"ad"), [P, P, F, P]),
        ({"lacks": ("a",)}, Ran(0, NO_LOG, b"a" + b"x" * 100_000), [P, F]),
    ],
)
def test_commands(wanted: dict[str, Any], ran: Ran | Unknown, expected: list[Verdict]) -> None:
    assert verdicts(check_command(1, CommandWanted(argv=("a",), **wanted), ran)) == expected


def test_a_command_comes_with_its_log() -> None:
    ran = Ran(1, Log("sha256:x", 3, "why"), b"why")
    (check,) = check_command(2, CommandWanted(argv=("a", "b")), ran)
    assert check == Checked(
        what="command 2: a b", expected="status 0", found="status 1", verdict=F,
        log_digest="sha256:x", log_tail="why",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("each", "whole"),
    [([P], P), ([P, F, U], F), ([P, U], U), ([], U), ([F], F)],
)
def test_a_test_passes_only_where_every_expectation_does(
    each: list[Verdict], whole: Verdict
) -> None:
    checks = tuple(Checked(what="", expected="", found="", verdict=one) for one in each)
    assert Trial(name="t", digest="", checks=checks).verdict is whole
