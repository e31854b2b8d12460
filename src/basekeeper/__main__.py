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

GRACE_SECONDS = 4
"""How long the program may take to end in good order after Ctrl-C."""


def run() -> NoReturn:
    """Run the program with the arguments of the process, and end the process.

    While modules are loaded Ctrl-C ends the process at once: there is nothing to clean up yet.
    Later it ends what goes on in good order. Where it is ignored (`nohup`, background jobs) it
    stays so.
    """
    heeded = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    if heeded:
        signal.signal(signal.SIGINT, _end)
    from basekeeper.cli.main import run as run_program  # noqa: PLC0415  # guarded by the line above

    if heeded:
        signal.signal(signal.SIGINT, _interrupt)
    run_program()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Interrupt the work; end the process if that does not help.

    An exception that is raised while Python runs a destructor is lost, so an alarm stands by. Who
    presses Ctrl-C again does not want to wait for it.
    """
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGALRM, _end)
    signal.alarm(GRACE_SECONDS)
    raise KeyboardInterrupt


def _end(_number: int, _frame: FrameType | None) -> None:
    """End the process at once, without a traceback."""
    os._exit(_EXIT_INTERRUPTED)


if __name__ == "__main__":
    run()
