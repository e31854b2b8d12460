"""Telling quickly which tags of a long list can be compared with the one in use.

Most tags of a repository are of another variant. One regular expression, made of the tag in use,
leaves them out; what it lets through is taken apart for certain. Versions of plain numbers, which
are most of the rest, are taken apart by the expression itself.
"""

from __future__ import annotations

import re
from typing import Final

from basekeeper.tags.slots import Axis, Frame, Slot, frame_of_tag
from basekeeper.tags.version import parse_version
from basekeeper.tags.words import DEBIAN_CODENAMES, NODE_CODENAMES, UBUNTU_CODENAMES

_PLAIN: Final = re.compile(r"[vV]?[0-9]{1,6}(?:\.[0-9]{1,6})*")
"""Numbers that can be nothing but a version; longer ones may be dates."""

_ARCHITECTURE: Final = "386"
"""The one number that can be an architecture."""

_WORDS: Final = r"(?i:-(?:alpha|beta|rc|m|milestone|preview|pre|ea|dev|snapshot|b)[0-9.]*)?"
_VERSION: Final = (
    rf"[vV]?[0-9][0-9A-Za-z._]*{_WORDS}(?:-[rR]?[0-9]+(?:\.[0-9]+)*)*(?i:-security-[0-9]+)?"
)
_BUILD: Final = (
    r"[A-Za-z]{0,3}[0-9][0-9A-Za-z._]*(?:-[rR]?[0-9][0-9.]*)*"
    r"|(?:[A-Za-z]+\.)?[0-9]{4}-[0-9]{2}-[0-9]{2}[tT][0-9-]+[zZ]"
)
_FORMS: Final = {
    "@debian": "|".join(DEBIAN_CODENAMES),
    "@ubuntu": "|".join(UBUNTU_CODENAMES),
    "@line": "|".join(NODE_CODENAMES),
    "@windows": r"ltsc[0-9]{4}|1607|1809",
}
_OPEN: Final = re.compile(r"#+|@[a-z]+")


class Likeness:
    """Takes tags apart that can be compared with one."""

    def __init__(self, own: Frame, path: str) -> None:
        """Make the expression.

        Args:
            own: The tag in use.
            path: The repository without its registry.
        """
        self._own = own
        self._path = path
        pieces = [re.escape(own.fixed[0])]
        for slot, text in zip(own.slots, own.fixed[1:], strict=True):
            pieces += (f"({_expression(slot, own)})", re.escape(text))
        self._match = re.compile("".join(pieces), re.ASCII).fullmatch
        self._texts = tuple(slot.text for slot in own.slots)
        self._at = _plain_slot(own)

    def frame(self, tag: str) -> Frame | None:
        """Take a tag apart; None where it can surely not be compared."""
        match = self._match(tag)
        if match is None:
            return None
        at = self._at
        if at is not None:
            texts = match.groups()
            text = texts[at]
            if (
                _PLAIN.fullmatch(text) is not None
                and text != _ARCHITECTURE
                and texts[:at] == self._texts[:at]
                and texts[at + 1 :] == self._texts[at + 1 :]
            ):
                return self._quick(at, text)
        return frame_of_tag(self._path, tag)

    def _quick(self, at: int, text: str) -> Frame:
        """The frame of the tag in use with another version of plain numbers in it."""
        own = self._own
        version = text.lstrip("vV")
        numbers = tuple(map(int, version.split(".")))
        prefix = text[: len(text) - len(version)]
        slot = Slot(Axis.APPLICATION, text, f"{prefix}{len(numbers)}", numbers, version=version)
        return Frame(own.fixed, (*own.slots[:at], slot, *own.slots[at + 1 :]), own.main)


def _plain_slot(own: Frame) -> int | None:
    """Where the version of plain numbers stands; None: there is none."""
    at = own.main
    if at is None or own.slots[at].axis is not Axis.APPLICATION:
        return None
    text = own.slots[at].text
    return at if _PLAIN.fullmatch(text) is not None and text != _ARCHITECTURE else None


def _expression(slot: Slot, own: Frame) -> str:
    """What can stand in the place of a version; rather too much than too little."""
    if slot.axis is Axis.BUILD:
        return _BUILD
    if "@" in slot.form:
        return f"(?i:{_of_form(slot.form)})"
    if slot.axis is Axis.APPLICATION or parse_version(slot.text) is not None:
        has_system = any(one.axis is Axis.OS for one in own.slots)
        return _VERSION if has_system else _of_precision(slot)
    return f"(?i:{_of_form(slot.form)})"


def _of_precision(slot: Slot) -> str:
    """A version with as many numbers; only those with a system are also compared across counts."""
    if _PLAIN.fullmatch(slot.text) is None:
        return _VERSION
    more = len(slot.numbers) - 1
    update = r"[0-9]+u[0-9]+|"
    return rf"(?=[vV]?(?:{update}[0-9]+(?:\.[0-9]+){{{more}}})(?![0-9]|\.[0-9])){_VERSION}"


def _of_form(form: str) -> str:
    """The expression of a form: a row of `#` stands for as many numbers."""
    pieces, end = [], 0
    for found in _OPEN.finditer(form):
        pieces.append(re.escape(form[end : found.start()]))
        mark, end = found[0], found.end()
        more = len(mark) - 1
        open_ = rf"[0-9]+(?:\.[0-9]+){{{more}}}" if mark[0] == "#" else _FORMS.get(mark, r"[^-]+")
        pieces.append(f"(?:{open_})")
    return "".join(pieces) + re.escape(form[end:])
