"""The program's entry: `basekeeper`, and `python -m basekeeper`.

Loads next to nothing itself, so that Ctrl-C ends the program in good order from its first moment.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

_EXIT_INTERRUPTED = 130
"""As `errors.EXIT_INTERRUPTED`, which is not loaded yet."""


def run() -> NoReturn:
    """Run the program with the arguments of the process, and end the process.

    While modules are loaded Ctrl-C ends the process at once: there is nothing to clean up yet.
    Where it is ignored (`nohup`, background jobs) it stays so.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _end)
    from basekeeper.cli.main import run as run_program  # noqa: PLC0415  # guarded by the line above

    signal.signal(signal.SIGINT, usual)
    run_program()


def _end(_number: int, _frame: FrameType | None) -> None:
    """End the process, without the traceback of a half loaded module."""
    os._exit(_EXIT_INTERRUPTED)


if __name__ == "__main__":
    run()
