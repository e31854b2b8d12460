"""The hidden mark of a proposal: its identity, what it proposes, and what was written last.

A comment of HTML whose content is Base64, so that no text of others ends it. Of several the last
one counts: ours is written behind all foreign text. It holds hashes of what was proposed, by which
a run sees whether there is something to do, without reading the branch.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from basekeeper.values.proposal import HASH_CHARS, ProposalMark

SCHEMA: Final = 1
"""Version of what a mark holds."""

MAX_MARK_CHARS: Final = 8_000
"""Longest mark; images that find no room are left out, and counted."""

MAX_NAME_CHARS: Final = 1_000
"""Longest key, branch or name of an image that is read."""

_MARK: Final = re.compile(r"<!-- basekeeper-target:([A-Za-z0-9+/]{2,12000}={0,2}) -->", re.ASCII)
_HASH: Final = re.compile(rf"[0-9a-f]{{{HASH_CHARS}}}", re.ASCII)


def write_proposal_mark(mark: ProposalMark, *, most: int = MAX_MARK_CHARS) -> str:
    """Write a mark of at most so many characters; images are left out from the end."""
    images = sorted(mark.images.items())
    low, high = 0, len(images)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(mark, images[:middle], most) else (low, middle - 1)
    return _written(mark, images[:low])


def read_proposal_mark(text: str) -> ProposalMark | None:
    """Read the last mark of a text; None where there is none that can be read."""
    for packed in reversed(_MARK.findall(text)):
        found = _read(packed)
        if found is not None:
            return found
    return None


def without_marks(text: str) -> str:
    """Return a text as people see it."""
    return _MARK.sub("", text)


def _fits(mark: ProposalMark, images: list[tuple[str, str]], most: int) -> bool:
    return len(_written(mark, images)) <= most


def _written(mark: ProposalMark, images: list[tuple[str, str]]) -> str:
    said = {
        "tool": "basekeeper",
        "schema": SCHEMA,
        "key": mark.key,
        "base": mark.base,
        "target": mark.target,
        "edits": mark.edits,
        "text": mark.text,
        "images": dict(images),
        "left_out": mark.left_out + len(mark.images) - len(images),
    }
    told = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    return f"<!-- basekeeper-target:{base64.b64encode(told).decode('ascii')} -->"


def _read(packed: str) -> ProposalMark | None:
    try:
        said = json.loads(base64.b64decode(packed, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    match said:
        case {
            "tool": "basekeeper",
            "schema": 1,
            "key": str(key),
            "base": str(base),
            "images": dict(images),
            "left_out": int(left),
        } if _is_sound(said):
            mark = ProposalMark(
                key=key,
                base=base,
                target=said["target"],
                edits=said["edits"],
                text=said["text"],
                left_out=max(left, 0),
            )
            return replace(mark, images=MappingProxyType(dict(sorted(images.items()))))
    return None


def _is_sound(said: dict[str, Any]) -> bool:
    hashes = (said.get(name) for name in ("target", "edits", "text"))
    names = (said["key"], said["base"], *said["images"], *said["images"].values())
    return all(isinstance(one, str) and _HASH.fullmatch(one) for one in hashes) and all(
        isinstance(one, str) and len(one) <= MAX_NAME_CHARS for one in names
    )
