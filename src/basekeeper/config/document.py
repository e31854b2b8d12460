"""A TOML file in memory: its values, and the line of each key for messages."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from basekeeper.config.positions import KeyPath, key_lines
from basekeeper.errors import ConfigError, Problem
from basekeeper.values.nesting import is_deeper

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TOML_BYTES: Final = 262_144
"""Largest TOML file read: 256 KiB. The shipped policy, comments and all, has less than 10 KiB."""

MAX_DOTTED_PARTS: Final = 32
"""Most parts of a dotted key. The standard parser needs time quadratic in this number."""

MAX_NESTING: Final = 32
"""Deepest nesting of tables and arrays; the configuration itself needs six."""

MAX_SHOWN_KEY: Final = 80
"""Most characters that a message shows of one key."""

_TOO_MANY_PARTS: Final = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    f"{{{MAX_DOTTED_PARTS}}}"
)
_SYNTAX_HINT: Final = "write key = value, text in quotes, each key once: see https://toml.io"
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_KEYS: Final = re.compile(r"\('([^()]*)',?\)")
_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class Document:
    """The values of one TOML file. `path` is what messages call it."""

    def __init__(self, path: str, text: str, data: Mapping[str, Any]) -> None:
        """Keep the parsed values together with the text they came from."""
        self.path = path
        self.text = text
        self.data = data

    @cached_property
    def _lines(self) -> Mapping[KeyPath, int]:
        # Only messages ask for lines, so a file without problems never pays for them.
        return key_lines(self.text)

    def line(self, key: KeyPath) -> int | None:
        """Return the line, from 1, of a key or of the closest table around it."""
        for length in range(len(key), 0, -1):
            found = self._lines.get(key[:length])
            if found is not None:
                return found
        return None

    def problem(self, key: KeyPath, message: str, hint: str | None = None) -> Problem:
        """Describe something wrong with the value of a key."""
        return Problem(self.path, self.line(key), dotted(key), message, hint)


def dotted(key: KeyPath) -> str:
    """Write a path of keys as TOML would, with indexes in brackets: `policy.preferred[2].image`."""
    out: list[str] = []
    for part in key:
        if isinstance(part, int):
            out.append(f"[{part}]")
            continue
        shown = part[:MAX_SHOWN_KEY]
        shown = shown if _BARE.fullmatch(shown) else json.dumps(shown)
        out.append(f".{shown}" if out else shown)
    return "".join(out)


def read_document(data: bytes, path: str) -> Document:
    """Parse the bytes of a TOML file.

    Raises:
        ConfigError: The file is too large, no UTF-8, no TOML, or nested beyond all use.
    """
    if len(data) > MAX_TOML_BYTES:
        raise _unusable(path, None, f"is larger than {MAX_TOML_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unusable(
            path, line, "is not UTF-8 text", "save the file with the encoding UTF-8"
        ) from error
    too_long = _TOO_MANY_PARTS.search(text)
    if too_long is not None:
        line = text.count("\n", 0, too_long.start()) + 1
        raise _unusable(path, line, f"has a dotted key of more than {MAX_DOTTED_PARTS} parts")
    values = _parsed(text, path)
    if is_deeper(values, MAX_NESTING):
        raise _unusable(path, None, f"is nested more than {MAX_NESTING} levels deep")
    return Document(path, text, values)


def _parsed(text: str, path: str) -> dict[str, Any]:
    """Run the standard parser; every way in which it fails becomes a problem of the file."""
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and integers too long to convert
        message = str(error)
        place = _PLACE.search(message)
        if place is None:
            what = f"is not valid TOML: {message[:200]}"
            raise _unusable(path, None, what, _SYNTAX_HINT) from error
        line = int(place[1]) if place[1] else text.rstrip("\n").count("\n") + 1
        said = _KEYS.sub(_as_dotted, message[: place.start()])
        said = said[:1].lower() + said[1:200]
        column = f" (column {place[2]})" if place[2] else " (at the end of the file)"
        what = f"is not valid TOML: {said}{column}"
        raise _unusable(path, line, what, _SYNTAX_HINT) from error
    except RecursionError as error:
        raise _unusable(path, None, f"is nested more than {MAX_NESTING} levels deep") from error


def _as_dotted(keys: re.Match[str]) -> str:
    """Write a row of keys, which the parser shows as a Python tuple, as TOML would."""
    return dotted(tuple(keys[1].split("', '")))


def _unusable(path: str, line: int | None, message: str, hint: str | None = None) -> ConfigError:
    """Make the error for a file that cannot be read at all."""
    return ConfigError((Problem(path, line, "", message, hint),))
