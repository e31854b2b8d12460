"""The standard streams, whatever state the process got them in: closed, full, of any encoding."""

from __future__ import annotations

import os
import sys
from typing import Final

_STREAMS: Final = ("stdin", "stdout", "stderr")


def prepare() -> None:
    """Make the standard streams usable.

    A closed one is opened on nothing: else the next file that is opened would get its number, and
    a child process would write there. Writing to a closed output still fails, since a report that
    nobody gets must not look written; messages to a closed error output go nowhere.

    What the encoding of an output lacks is written as escapes, instead of failing (`LANG=C`).
    """
    for number, name in enumerate(_STREAMS):
        if getattr(sys, name) is None:
            # The lowest free number is this one: those below are open by now.
            mode = os.O_WRONLY if name == "stderr" else os.O_RDONLY
            if not _is_open(number):
                os.open(os.devnull, mode)
            if name != "stdin":
                setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def is_output_lost() -> bool:
    """Tell whether standard output takes nothing: it is closed, or its disk is full."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return True
    return False


def close_quietly() -> None:
    """Let the interpreter's last flush go nowhere: the reader of our output has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError, AttributeError):  # a stream of a test, or closed already
            continue
    os.close(nowhere)


def drop_output() -> None:
    """Let what standard output still holds go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _is_open(number: int) -> bool:
    """Tell whether a file descriptor is open."""
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
