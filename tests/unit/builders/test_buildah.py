from __future__ import annotations

import errno

import pytest

from basekeeper.builders.bench import check_limits, check_shortage
from basekeeper.builders.buildah import NOT_STARTED, _ran, _why
from basekeeper.builders.cell import Ended, isolation_of
from basekeeper.builders.failing import NoImage, refused
from basekeeper.builders.identities import Identities
from basekeeper.errors import InputError
from basekeeper.process import ProcessError
from basekeeper.values.building import Failure


@pytest.mark.parametrize(
    ("said", "status", "output"),
    [
        (b"done\n", 0, b"done\n"),
        (b"x\n" + 2 * b"subprocess exited with status 3\n" + b"Error: exit status 3\n", 3, b"x\n"),
        (b"Error: exit status 3\nx\n", 3, b"Error: exit status 3\nx\n"),
        (b"Error: while running runtime: exit status 1\n", 1, b""),
    ],
)
def test_what_the_builder_says_after_a_command_is_left_out(
    said: bytes, status: int, output: bytes
) -> None:
    ran = _ran(Ended(status, said))
    assert (ran.status, ran.output) == (status, output)


def test_a_command_that_is_not_there_has_the_status_of_shells() -> None:
    said = b"process failed to start with error: fork/exec /x: no such file or directory"
    assert _ran(Ended(1, said)).status == NOT_STARTED
    assert _ran(Ended(0, said)).status == 0, "a command may say so itself"


@pytest.mark.parametrize(
    "said",
    [b"write /x: no space left on device", b"dd: File too large", b"make: signal: killed"],
)
def test_a_machine_that_runs_short_is_not_taken_for_a_broken_build(said: bytes) -> None:
    with pytest.raises(NoImage) as caught:
        check_shortage(Ended(1, b"x" * 1000 + said))
    assert caught.value.failure is Failure.LIMIT


def test_other_failures_are_none_of_the_machine() -> None:
    check_shortage(Ended(1, b"make: *** error"))
    check_limits(Ended(1, b""))
    with pytest.raises(NoImage, match="time"):
        check_limits(Ended(-1, b"", "time: more"))


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (refused("x"), Failure.INPUT),
        (InputError("x"), Failure.INPUT),
        (ProcessError("x"), Failure.BUILDER),
        (OSError(errno.ENOSPC, "full"), Failure.LIMIT),
        (OSError(errno.EDQUOT, "full"), Failure.LIMIT),
        (OSError(errno.EIO, "broken"), Failure.BUILDER),
    ],
)
def test_why_there_is_no_image(error: NoImage | InputError | OSError, failure: Failure) -> None:
    assert _why(error).failure is failure


def test_what_is_not_held_back_is_said() -> None:
    nobody = Identities([[0, 5, 10]], [[0, 5, 10]], helped=False, owner=5)
    us = nobody._replace(owner=None)
    assert isolation_of(nobody, network=False).kind.endswith("no network")
    assert len(isolation_of(nobody, network=False).limits) == 1
    assert len(isolation_of(us, network=False).limits) == 2
    said = isolation_of(us, network=True)
    assert "no network" not in said.kind
    assert "this machine itself included" in said.limits[-1]
