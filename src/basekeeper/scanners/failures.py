"""Why a scanner gave no answer, in one line. Scanners are written in Go, whose words these are."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Final

from basekeeper.folders import prefix_of

if TYPE_CHECKING:
    from basekeeper.process import Completed

HEAP_SHARE: Final = 0.5
"""Of the address space, at which Go's collector begins to save; the database is mapped beside."""
MORE_MEMORY: Final = "raise `memory_mib` in [scanner] of your settings"
"""The remedy where memory was lacking."""
MAX_CAUSE: Final = 220
"""Most characters of a cause that are shown."""
_SPACE: Final = re.compile(r"\s+")
_NO_MEMORY: Final = re.compile(
    r"out of memory|cannot allocate memory|failed to reserve page summary|failed to create new OS"
)
"""How Go says that its address space is used up."""
_CRASH: Final = re.compile(r"^(?:panic|fatal error|unexpected fault)[^\n]{0,120}", re.MULTILINE)
_OWN_FOLDER: Final = re.compile(rf"/[^ :]*/{prefix_of('scan')}[^ :/]+/")


def lacked_memory(done: Completed) -> bool:
    """Tell whether a run ended for want of memory."""
    return _NO_MEMORY.search(done.stderr.decode("utf-8", "replace")) is not None


def why(done: Completed, worst: str | None) -> str:
    """Say in one line why a run gave no answer.

    Args:
        done: The run.
        worst: What it said itself; None: only its last line tells.
    """
    if lacked_memory(done):
        return "it needed more memory than it may use"
    if done.returncode < 0:
        return f"it was ended by {_signal_name(-done.returncode)}"
    text = done.stderr.decode("utf-8", "replace")
    crash = _CRASH.search(text)
    if crash is not None:
        return f"it crashed: {crash[0]}"
    lines = [line for line in text.splitlines() if line.strip()]
    cause = worst or (lines[-1] if lines else None)
    said = "it said nothing" if cause is None else _end_of(cause)
    return f"{said} (exit status {done.returncode})"


def _end_of(chain: str) -> str:
    """Return the end of a chain of errors, each of which wraps the next: there the cause stands."""
    last = chain.rpartition(" occurred:")[2].replace("* ", "; ")
    cause = _SPACE.sub(" ", _OWN_FOLDER.sub("", last)).strip(" ;").replace(" ; ", "; ")
    return cause if len(cause) <= MAX_CAUSE else f"… {cause[-MAX_CAUSE:]}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
