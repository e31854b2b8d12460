"""Variables of Compose files: `.env` files and the interpolation of `${NAME:-default}`.

Sources: the Compose specification, 12-interpolation.md; Docker's page on the syntax of `.env`.
Values come from files and arguments only, never from the environment of this process.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_EXPANSION_DEPTH: Final = 16
"""Defaults inside defaults: `${A:-${B:-${C}}}`."""

MAX_ENV_BYTES: Final = 1024 * 1024
"""Largest `.env` file read; real ones have a few hundred bytes."""

MAX_GROWTH_CHARS: Final = 4096
"""How much longer than the text as written an expanded value may be."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR: Final = re.compile(r":?[-?+]")
_ASSIGNMENT: Final = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*[=:][ \t]*(.*)")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}


class Unresolved(Exception):  # noqa: N818  # a value that travels, not a failure of the program
    """A text needs a variable that no file and no argument sets; the message says which."""


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Expand the variables of a text as Compose does.

    Where Compose would put nothing for an unset variable, this refuses: the value comes from an
    environment that nobody here knows.

    Raises:
        Unresolved: A variable without default is not set, or the syntax is wrong.
    """
    if "$" not in text:
        return text
    value, _ = _expand(text, 0, variables, depth=0)
    return value


def _expand(text: str, at: int, variables: Mapping[str, str], *, depth: int) -> tuple[str, int]:
    """Expand up to the end, or inside braces up to the closing one; return where it stopped."""
    if depth > MAX_EXPANSION_DEPTH:
        raise Unresolved("variables are nested too deeply")
    out: list[str] = []
    size = 0
    while at < len(text):
        char = text[at]
        if depth and char == "}":
            break
        if char != "$":
            end = _plain_end(text, at, inside=depth > 0)
            piece, at = text[at:end], end
        else:
            piece, at = _variable(text, at + 1, variables, depth=depth)
        out.append(piece)
        size += len(piece)
        if size > len(text) + MAX_GROWTH_CHARS:
            raise Unresolved("the value grows too long when its variables are expanded")
    return "".join(out), at


def _plain_end(text: str, at: int, *, inside: bool) -> int:
    """Return where text without variables ends."""
    ends = [text.find("$", at)] + ([text.find("}", at)] if inside else [])
    return min((end for end in ends if end >= 0), default=len(text))


def _variable(text: str, at: int, variables: Mapping[str, str], *, depth: int) -> tuple[str, int]:
    """Expand what follows a dollar sign."""
    if text.startswith("$", at):
        return "$", at + 1
    braced = text.startswith("{", at)
    match = _NAME.match(text, at + braced)
    if match is None:
        raise Unresolved(f"{text[at - 1 : at + 20]!r} is no valid variable")
    name, at = match[0], match.end()
    if not braced:
        return _known(name, variables), at
    operator = _OPERATOR.match(text, at)
    if operator is None:
        if not text.startswith("}", at):
            raise Unresolved(f"the expansion of {name!r} has no valid operator or closing brace")
        return _known(name, variables), at + 1
    return _operated(text, operator, variables, name=name, depth=depth)


def _operated(
    text: str, operator: re.Match[str], variables: Mapping[str, str], *, name: str, depth: int
) -> tuple[str, int]:
    """Expand `NAME-word`, `NAME?word`, `NAME+word`; a colon makes empty count as unset."""
    value = variables.get(name)
    is_set = bool(value) if operator[0].startswith(":") else value is not None
    sign = operator[0][-1]
    # A word that is not used may name unset variables.
    used = is_set if sign == "+" else not is_set and sign == "-"
    word, end = _word(text, operator.end(), variables, depth=depth, used=used)
    if not text.startswith("}", end):
        raise Unresolved(f"the expansion of {name!r} has no closing brace")
    if sign == "?" and not is_set:
        raise Unresolved(f"variable {name!r} is required and not set")
    if sign == "+":
        return word if is_set else "", end + 1
    return (value or "") if is_set else word, end + 1


def _word(
    text: str, at: int, variables: Mapping[str, str], *, depth: int, used: bool
) -> tuple[str, int]:
    if used:
        return _expand(text, at, variables, depth=depth + 1)
    level = 1
    start = at
    while at < len(text):
        if text.startswith("${", at):
            level += 1
        elif text[at] == "}":
            level -= 1
            if level == 0:
                break
        at += 1
    return text[start:at], at


def _known(name: str, variables: Mapping[str, str]) -> str:
    value = variables.get(name)
    if value is None:
        raise Unresolved(f"variable {name!r} is not set in any file or argument")
    return value


def read_env_file(data: bytes) -> dict[str, str]:
    """Read a `.env` file: `NAME=value`, quotes, comments, earlier variables.

    Lines that are no assignment are passed over; so are values that need unknown variables, and
    files beyond 1 MiB.
    """
    found: dict[str, str] = {}
    if len(data) > MAX_ENV_BYTES:
        return found
    lines = data.decode("utf-8-sig", "replace").splitlines()
    for line in lines:
        match = _ASSIGNMENT.fullmatch(line.strip())
        if match is None:
            continue
        try:
            found[match[1]] = _env_value(match[2], found)
        except Unresolved:
            found.pop(match[1], None)
    return found


def _env_value(text: str, known: Mapping[str, str]) -> str:
    """Read the right side of an assignment."""
    if text.startswith("'"):
        return text[1 : text.find("'", 1)] if "'" in text[1:] else text[1:]
    if text.startswith('"'):
        match = re.match(r'"((?:[^"\\]|\\.)*)"', text)
        inner = match[1] if match else text[1:]
        inner = re.sub(r"\\(.)", lambda hit: _ESCAPES.get(hit[1], hit[1]), inner)
        return interpolate(inner, known)
    plain = re.split(r"[ \t]#", text, maxsplit=1)[0].rstrip()
    return interpolate("" if plain.startswith("#") else plain, known)
