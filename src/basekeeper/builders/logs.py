"""What of a log is kept: its digest, size and end, secrets struck out before all of them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from basekeeper.values.building import NO_LOG, Log

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TAIL_LINES: Final = 60
MAX_TAIL_CHARS: Final = 8_000
MIN_SECRET_CHARS: Final = 4
"""Shorter values are found everywhere, and protect nothing."""
STRUCK_OUT: Final = "[secret]"

_SECRET: Final = re.compile(
    r"(?i:secret|token|passw(?:or)?d|passphrase|credential|auth|api_?key|private_?key|access_?key"
    r"|(?:^|_)(?:pw|pat|key)(?:_|$))",
    re.ASCII,
)
_UNPRINTABLE: Final = re.compile(r"[^\x09\x20-\x7e]")
_USER_INFO: Final = re.compile(r"//[^/\s@]*@")


def looks_secret(name: str) -> bool:
    """Tell whether the name of a build argument says that its value is secret."""
    return _SECRET.search(name) is not None


def secrets_among(args: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of build arguments whose names say that they are secret, longest first."""
    found = {
        value
        for name, value in args.items()
        if len(value) >= MIN_SECRET_CHARS and looks_secret(name)
    }
    return tuple(sorted(found, key=len, reverse=True))


def make_log(output: bytes, secrets: tuple[str, ...] = ()) -> Log:
    """Keep what matters of an output."""
    if not output:
        return NO_LOG
    for secret in secrets:
        output = output.replace(secret.encode(), STRUCK_OUT.encode())
    digest = f"sha256:{hashlib.sha256(output).hexdigest()}"
    return Log(digest, len(output), _tail(output))


def _tail(output: bytes) -> str:
    text = output[-4 * MAX_TAIL_CHARS :].decode("utf-8", "replace")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[-MAX_TAIL_LINES:]
    clean = (_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", line) for line in lines)
    return _USER_INFO.sub("//", "\n".join(clean))[-MAX_TAIL_CHARS:].strip("\n")
