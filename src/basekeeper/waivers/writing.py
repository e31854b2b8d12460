"""Edits of the waiver file: whole lines are put in, and every other byte stays as it is.

What was edited is read again, and must differ from what was there in the waivers meant and in
nothing else.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.config.document import MAX_TOML_BYTES, read_document
from basekeeper.errors import ConfigError, InputError, Problem
from basekeeper.records import dataclass
from basekeeper.waivers.file import load_waivers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from basekeeper.values.waiver import Waiver
    from basekeeper.waivers.model import WaiverLimits

MAX_LINE_CHARS: Final = 100
"""Longest line of a list; a longer list has a line for each element."""

KEYS: Final = (
    "id",
    "rules",
    "vulnerabilities",
    "images",
    "packages",
    "products",
    "platforms",
    "severity",
    "paths",
    "owner",
    "reason",
    "control",
    "granted",
    "until",
    "approved_by",
    "renews",
    "ended",
    "ended_because",
)
"""In the order in which they are written."""

_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


class Insertion(NamedTuple):
    """Lines that are put into a file."""

    at: int
    """Before which line, from 0; the number of lines: at the end."""
    lines: tuple[bytes, ...]
    """Each with its line break."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A waiver of the file that is over."""

    waiver: Waiver
    day: date
    because: str


@dataclass(frozen=True, slots=True)
class WaiverEdit:
    """A waiver file before and after."""

    path: str
    before: bytes | None
    """None: there was none."""
    after: bytes
    insertions: tuple[Insertion, ...]
    """In the order of their places; where the last line had no line break, it got one."""


def waiver_table(waiver: Waiver) -> str:
    """Write a waiver as a `[[waiver]]` table: the keys that say something, in a fixed order.

    Raises:
        InputError: A text cannot be written, as it is no Unicode text.
    """
    values: dict[str, Any] = {name: getattr(waiver, name) for name in KEYS}
    lines = [f"{name} = {_value(name, value)}" for name, value in values.items() if value]
    return "\n".join(["[[waiver]]", *lines]) + "\n"


def check_new(waiver: Waiver, limits: WaiverLimits) -> Waiver:
    """Read a waiver as the file would have it, alone, by the same rules.

    Raises:
        ConfigError: It is wrong; holds every problem.
        InputError: A text cannot be written.
    """
    name = "this waiver"
    try:
        read = load_waivers(waiver_table(waiver).encode(), name, limits)
    except ConfigError as error:
        problems = (
            Problem(name, None, one.key.partition(".")[2], one.message, one.hint)
            for one in error.problems
        )
        raise ConfigError(tuple(problems)) from error
    return read.accepted[0]


def edited(
    data: bytes | None,
    path: str,
    limits: WaiverLimits,
    *,
    added: Waiver | None = None,
    ending: Ending | None = None,
) -> WaiverEdit:
    """Add a waiver to a waiver file, mark one as ended, or both.

    Args:
        data: The file; None: there is none.
        path: What messages call it.
        limits: What a waiver may say.
        added: To be put at the end.
        ending: Of a waiver as it was read from `data`.

    Raises:
        ConfigError: The file is wrong, before or after.
        InputError: It cannot be edited without changing something else.
    """
    before = data or b""
    lines = file_lines(before)
    end_of_line = _line_break(before)
    insertions = []
    if ending is not None:
        insertions.append(_marking(ending, lines, path, end_of_line))
    if added is not None:
        is_apart = not lines or not lines[-1].strip()
        text = ("" if is_apart else "\n") + waiver_table(added)
        insertions.append(Insertion(len(lines), _encoded(text, end_of_line)))
    after = _inserted(lines, insertions, end_of_line)
    _prove(before, after, path, limits, added=added, ending=ending)
    return WaiverEdit(path, data, after, tuple(insertions))


def _value(name: str, value: object) -> str:
    if isinstance(value, tuple):
        texts = [_text(one) for one in value]
        line = f"[{', '.join(texts)}]"
        if len(name) + len(" = ") + len(line) <= MAX_LINE_CHARS:
            return line
        return "".join(["[\n", *(f"    {text},\n" for text in texts), "]"])
    return _text(value) if isinstance(value, str) else str(value)


def _text(text: str) -> str:
    """Write a basic string on one line; what does not show is written as an escape."""
    out = []
    for letter in text:
        if letter in _ESCAPES:
            out.append(_ESCAPES[letter])
        elif letter.isprintable():
            out.append(letter)
        elif "\ud800" <= letter <= "\udfff":
            raise InputError(
                f"{text!r:.200} is no text of Unicode, which a waiver file needs",
                hint="write it in UTF-8",
            )
        else:
            code = ord(letter)
            out.append(f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")  # noqa: PLR2004
    return f'"{"".join(out)}"'


def file_lines(data: bytes) -> list[bytes]:
    """Cut a file after each line feed."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _line_break(data: bytes) -> bytes:
    """Return how the last line ends that has an end."""
    at = data.rfind(b"\n")
    return b"\r\n" if at > 0 and data[at - 1 : at] == b"\r" else b"\n"


def _encoded(text: str, end_of_line: bytes) -> tuple[bytes, ...]:
    return tuple(line.encode() + end_of_line for line in text.split("\n")[:-1])


def _marking(ending: Ending, lines: Sequence[bytes], path: str, end_of_line: bytes) -> Insertion:
    """Put the end of a waiver directly below its header, where no other value can be hit."""
    header = ending.waiver.line
    line = lines[header - 1] if header <= len(lines) else b""
    if not line.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[["):
        raise InputError(
            f"{path}:{header}: waiver {ending.waiver.name!r} is not written as [[waiver]]",
            hint="edit it by hand: write ended = YYYY-MM-DD and ended_because into it",
        )
    text = f"ended = {ending.day}\nended_because = {_text(ending.because)}\n"
    return Insertion(header, _encoded(text, end_of_line))


def _inserted(lines: Sequence[bytes], insertions: Iterable[Insertion], end_of_line: bytes) -> bytes:
    out: list[bytes] = []
    at = 0
    for insertion in insertions:
        out += lines[at : insertion.at]
        at = insertion.at
        if out and not out[-1].endswith(b"\n"):
            out.append(end_of_line)
        out += insertion.lines
    return b"".join([*out, *lines[at:]])


def _prove(  # noqa: PLR0913  # before, after, and what was meant
    before: bytes,
    after: bytes,
    path: str,
    limits: WaiverLimits,
    *,
    added: Waiver | None,
    ending: Ending | None,
) -> None:
    """Read the edited file, and refuse it where anything else differs."""
    expected = dict(read_document(before, path).data)
    waivers = [dict(one) for one in expected.get("waiver", [])]
    old = load_waivers(before, path, limits)
    if ending is not None:
        every = sorted((*old.accepted, *old.ended), key=lambda one: one.line)
        index = every.index(ending.waiver)
        waivers[index] |= {"ended": ending.day, "ended_because": ending.because}
    if added is not None:
        waivers += tomllib.loads(waiver_table(added))["waiver"]
    expected["waiver"] = waivers
    if len(after) > MAX_TOML_BYTES:
        raise InputError(
            f"{path} would be larger than {MAX_TOML_BYTES // 1024} KiB",
            hint="remove waivers that are over from it; git keeps them",
        )
    try:
        is_as_meant = read_document(after, path).data == expected
    except ConfigError:
        is_as_meant = False
    if not is_as_meant:
        raise InputError(
            f"{path} cannot be edited without changing something else",
            hint="write each waiver as a table of its own, [[waiver]], and try again",
        )
    load_waivers(after, path, limits)
