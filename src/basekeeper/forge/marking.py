"""Hidden marks of ours in change requests and comments: what they are, and what we wrote last.

A mark is a comment of HTML whose content is Base64, so that no text of others can end it. Of
several the last one counts: ours is written behind all foreign text.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Final, NamedTuple

MAX_KEY_CHARS: Final = 500

_MARK: Final = re.compile(r"<!-- basekeeper-(proposal|comment):1:([A-Za-z0-9+/]{2,4000}={0,2}) -->")
_CUT: Final = "\n\n(the rest was left out, as it is longer than the forge takes)"


class Mark(NamedTuple):
    """What a mark says."""

    key: str
    digest: str
    """Of what was written; empty in a comment."""


def marked(text: str, kind: str, mark: Mark, most: int) -> str:
    """Return a text with a mark at its end; what is too long for the forge is cut before it.

    Args:
        text: What people read.
        kind: `proposal` or `comment`.
        mark: What is hidden.
        most: Characters that the forge takes.

    Raises:
        ValueError: The key is too long.
    """
    if not 0 < len(mark.key) <= MAX_KEY_CHARS:
        raise ValueError(f"a key has 1 to {MAX_KEY_CHARS} characters, this one {len(mark.key)}")
    plain = json.dumps(mark._asdict(), sort_keys=True).encode()
    hidden = f"\n\n<!-- basekeeper-{kind}:1:{base64.b64encode(plain).decode('ascii')} -->"
    room = most - len(hidden)
    if len(text) > room:
        text = text[: room - len(_CUT)] + _CUT
    return text + hidden


def mark_of(text: str, kind: str) -> Mark | None:
    """Read the last mark of a kind; None where there is none that can be read."""
    for found, packed in reversed(_MARK.findall(text)):
        if found == kind:
            return _read(packed)
    return None


def _read(packed: str) -> Mark | None:
    try:
        said = json.loads(base64.b64decode(packed, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    match said:
        case {"key": str(key), "digest": str(digest)} if 0 < len(key) <= MAX_KEY_CHARS:
            return Mark(key, digest)
    return None
