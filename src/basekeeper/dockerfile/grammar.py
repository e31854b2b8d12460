"""The form of single instructions: what the builder refuses before it looks at the whole.

`shape_problem` is what its parser refuses, also inside ONBUILD; `form_problem` what it refuses
when it makes sense of an instruction.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.dockerfile.heredoc import heredoc_word
from basekeeper.dockerfile.instruction import JSON_FORM
from basekeeper.dockerfile.mounts import is_variable, mount_fields
from basekeeper.dockerfile.scan import KEYWORDS
from basekeeper.dockerfile.stages import STAGE_NAME
from basekeeper.dockerfile.text import readable
from basekeeper.dockerfile.words import read_json, split_quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from basekeeper.dockerfile.instruction import Instruction

_BOOLEAN: Final = "boolean"
_ONCE: Final = "once"
_REPEATED: Final = "repeated"
_COPY_FLAGS: Final = {"chown": _ONCE, "chmod": _ONCE, "link": _BOOLEAN, "exclude": _REPEATED}
_CHECK_FLAGS: Final = ("interval", "timeout", "start-period", "start-interval", "retries")
FLAGS: Final = {
    "FROM": {"platform": _ONCE},
    "COPY": _COPY_FLAGS | {"from": _ONCE, "parents": _BOOLEAN},
    "ADD": _COPY_FLAGS | {"keep-git-dir": _BOOLEAN, "checksum": _ONCE, "unpack": _BOOLEAN},
    "RUN": {"mount": _REPEATED, "network": _ONCE, "security": _ONCE, "device": _REPEATED},
    "HEALTHCHECK": dict.fromkeys(_CHECK_FLAGS, _ONCE),
}
"""Flags by instruction; every instruction that is not here has none."""
_FLAGS_UNREAD: Final = frozenset({"ARG", "STOPSIGNAL"})
"""Instructions whose flags the builder drops unread."""
_ONE_TEXT: Final = frozenset({"MAINTAINER", "WORKDIR", "USER", "STOPSIGNAL"})
_NETWORKS: Final = frozenset({"default", "none", "host"})
_SECURITY: Final = frozenset({"sandbox", "insecure"})
_DURATION = re.compile(
    r"[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\xb5s|\u03bcs|ms|s|m|h))+)", re.ASCII
)
_NO_TRIGGER: Final = frozenset({"ONBUILD", "MAINTAINER", "FROM"})
_FROM_WORDS: Final = 3
_COPY_WORDS: Final = 2
_MAX_KEYWORD: Final = 40
"""Characters of a misspelt keyword that are compared; no instruction has half as many."""


def shape_problem(instruction: Instruction) -> str | None:
    """Say why the builder's parser would refuse an instruction, or what its ONBUILD wraps."""
    name = instruction.name
    if name in {"ENV", "LABEL"}:
        return _pairs_problem(instruction)
    text = instruction.command.text
    if name == "HEALTHCHECK":
        text = text.partition(" ")[2].lstrip()
    if (name in JSON_FORM or name == "HEALTHCHECK") and read_json(text)[1]:
        return "an array of arguments may hold strings only"
    trigger = instruction.trigger
    return shape_problem(trigger) if trigger is not None else None


def _pairs_problem(instruction: Instruction) -> str | None:
    words = split_quoted(instruction.command, instruction.escape)
    if not words:
        return None
    if "=" not in words[0].text:
        alone = len(instruction.command.text.split(None, 1)) == 1
        return f"{instruction.name} takes a name and a value" if alone else None
    for word in words:
        if "=" not in word.text:
            return f"{readable(word.text)!r} is no name=value"
    return None


def form_problem(instruction: Instruction) -> str | None:
    """Say why the builder would refuse the form of an instruction, or None."""
    name = instruction.name
    if name not in KEYWORDS:
        shown = instruction.keyword or "''"
        return f"unknown instruction {shown}{_perhaps(name)}"
    problem = _CHECKS.get(name, _any_problem)(instruction)
    if problem is None and name not in _FLAGS_UNREAD:
        problem = _flags_problem(instruction)
    if problem is None and name == "RUN":
        problem = _run_problem(instruction)
    return problem


def _perhaps(name: str) -> str:
    """Name the instruction that a misspelt one is near to."""
    from difflib import get_close_matches  # noqa: PLC0415  # slow to import, only for messages

    near = get_close_matches(name[:_MAX_KEYWORD], KEYWORDS, n=1, cutoff=0.7)
    return f" (is {near[0]} meant?)" if near else ""


def _flags_problem(instruction: Instruction) -> str | None:
    name = instruction.name
    if name == "HEALTHCHECK" and instruction.text.upper() == "NONE":
        return None
    known = FLAGS.get(name, {})
    seen: set[str] = set()
    for piece in instruction.command.flags:
        flag, equals, value = piece.text[2:].partition("=")
        kind = known.get(flag)
        if kind is None:
            return f"{name} has no flag --{readable(flag)}"
        if flag in seen and kind != _REPEATED:
            return f"the flag --{flag} is given twice"
        seen.add(flag)
        if kind == _BOOLEAN:
            if (equals and not value) or value.lower() not in {"", "true", "false"}:
                return f"the flag --{flag} is true or false"
        elif not equals:
            return f"the flag --{flag} has no value"
    return None


def _any_problem(instruction: Instruction) -> str | None:
    if instruction.name in _ONE_TEXT and not instruction.command.text:
        return f"{instruction.name} takes one argument"
    return None


def _from_problem(instruction: Instruction) -> str | None:
    words = [readable(piece.text) for piece in instruction.pieces()]
    if len(words) == _FROM_WORDS and words[1].casefold() == "as":
        if STAGE_NAME.fullmatch(words[2].lower()) is None:
            return f"{words[2]!r} cannot name a stage"
    elif len(words) != 1:
        return "FROM takes an image, or an image, AS and a name"
    return None


def _copy_problem(instruction: Instruction) -> str | None:
    words = instruction.pieces()
    if len(words) < _COPY_WORDS:
        return f"{instruction.name} takes a source and a destination"
    if heredoc_word(words[-1].text) is not None:
        return f"a heredoc cannot be the destination of {instruction.name}"
    return None


def _names_problem(instruction: Instruction) -> str | None:
    words = split_quoted(instruction.command, instruction.escape)
    if not words:
        return f"{instruction.name} takes at least one argument"
    if instruction.name != "ARG" and "=" not in words[0].text:
        return None  # the old form: a name, and all the rest its value
    if any(word.text.startswith("=") for word in words):
        return f"a name of {instruction.name} is empty"
    return None


def _list_problem(instruction: Instruction) -> str | None:
    words = instruction.pieces()
    if not words:
        return f"{instruction.name} takes at least one argument"
    if instruction.name == "VOLUME" and not all(word.text.strip() for word in words):
        return "a volume's name is empty"
    return None


def _shell_problem(instruction: Instruction) -> str | None:
    if not read_json(instruction.command.text)[0]:
        return "SHELL takes a JSON array"
    return None


def _trigger_problem(instruction: Instruction) -> str | None:
    trigger = instruction.trigger
    if trigger is None:
        return "ONBUILD takes an instruction"
    if trigger.name in _NO_TRIGGER:
        return f"ONBUILD cannot wrap {trigger.name}"
    return None


def _run_problem(instruction: Instruction) -> str | None:
    for piece in instruction.command.flags:
        name, _, value = piece.text[2:].partition("=")
        if name == "network" and value not in _NETWORKS:
            return f"the network {readable(value)!r} is not known"
        if name == "security" and value not in _SECURITY:
            return f"the security mode {readable(value)!r} is not known"
        if name == "mount":
            fields = mount_fields(value)
            if fields is None:
                return "a quote stands in the wrong place in --mount"
            sources = [field.value or "" for field in fields if field.key == "from"]
            if any(map(is_variable, sources)):
                return "the builder expands no variables in the source of a mount"
    return None


def _healthcheck_problem(instruction: Instruction) -> str | None:
    kind, _, command = instruction.text.partition(" ")
    if not kind:
        return "HEALTHCHECK takes at least one argument"
    if kind.upper() == "NONE":
        return "HEALTHCHECK NONE takes no arguments" if command.strip() else None
    if kind.upper() != "CMD":
        return f"HEALTHCHECK takes CMD or NONE, not {kind!r}"
    if not command.strip() or read_json(command.strip())[0] == []:
        return "HEALTHCHECK CMD takes a command"
    for flag in instruction.flags:
        value = flag.value or ""
        if flag.name == "retries":
            if value and re.fullmatch(r"\+?[0-9]{1,10}", value) is None:
                return "--retries takes a number"
        elif value and (_DURATION.fullmatch(value) is None or value.startswith("-")):
            return f"--{flag.name} takes a duration"
    return None


_CHECKS: Final[dict[str, Callable[[Instruction], str | None]]] = {
    "FROM": _from_problem,
    "COPY": _copy_problem,
    "ADD": _copy_problem,
    "ARG": _names_problem,
    "ENV": _names_problem,
    "LABEL": _names_problem,
    "EXPOSE": _list_problem,
    "VOLUME": _list_problem,
    "SHELL": _shell_problem,
    "ONBUILD": _trigger_problem,
    "HEALTHCHECK": _healthcheck_problem,
}
