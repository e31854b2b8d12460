from __future__ import annotations

import sys

import pytest

from basekeeper.process import Child, Limits, ProcessError

SLOW = "import time\nfor n in range(4): print(n, flush=True); time.sleep(0.05)"
ENDLESS = "import time\nwhile True: print(1, flush=True); time.sleep(0.05)"


def test_output_comes_as_it_is_said() -> None:
    with Child([sys.executable, "-c", SLOW]) as child:
        pieces = list(child.pieces())
        assert child.wait() == 0
    assert b"".join(pieces) == b"0\n1\n2\n3\n"
    assert len(pieces) > 1


def test_the_timeout_is_that_of_all_pieces() -> None:
    limits = Limits(timeout=0.5)
    with (
        Child([sys.executable, "-c", ENDLESS], limits=limits) as child,
        pytest.raises(ProcessError, match="within"),
    ):
        for _ in child.pieces():
            pass
