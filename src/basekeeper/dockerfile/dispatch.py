"""What the builder refuses only in stages that it builds.

That is words that cannot be expanded, ports, signals and mounts.

The environment of a stage is followed as far as the file tells. What an image from outside sets is
not known, so a variable that must be set (`${x:?}`) is not held against it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.dockerfile.instruction import Instruction
from basekeeper.dockerfile.lexer import (
    Budget,
    Expansion,
    LexError,
    LimitError,
    MustBeSetError,
    expand,
)
from basekeeper.dockerfile.mounts import TYPES, mount_fields
from basekeeper.dockerfile.text import readable
from basekeeper.dockerfile.words import split_quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from basekeeper.dockerfile.resolution import Resolution

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_EXPANDED_FLAGS: Final = {"COPY": ("chown", "chmod"), "ADD": ("chown", "chmod", "checksum")}
_PORT = re.compile(
    r"(?:(?P<ip>.*):)?(?:(?P<host>[^:]*):)?(?P<port>[0-9]+(?:-[0-9]+)?)(?:/(?:tcp|udp|sctp)?)?",
    re.IGNORECASE | re.ASCII,
)
_UNREAD: Final = r"(?:CMD|ENTRYPOINT|SHELL|HEALTHCHECK|MAINTAINER|ONBUILD)(?=[ \t])"
# A possessive group ends in `(?!)`, so that a pass that fails moves nothing (Python below 3.11.5).
_HARMLESS: Final = (
    r"(?:[^'\"$\\`\x80-\xff]++|\"(?:[^\"$\\`]++|\$\w++|\$\{\w++\}|(?!))*+\"|'[^']*+'"
    r"|\$[A-Za-z_]\w*+|\$\{\w++\}|\\[ \t]*+\r?\n|(?!))*+"
)
_SAFE = re.compile(
    rf"{_UNREAD}|RUN[ \t]++(?:\\\r?\n[ \t]*+)?[^\s\\`\#-]"
    rf"|(?:ENV|LABEL|ARG|COPY|ADD|WORKDIR|USER|VOLUME)[ \t]++{_HARMLESS}\Z"
    r"|EXPOSE(?:[ \t]++[0-9]{1,4}(?>/tcp|/udp|)|(?!))++[ \t]*+\r?\n?\Z",
    re.IGNORECASE | re.ASCII,
)
"""Instructions that no builder refuses for their words; a stage of these alone is not followed."""
_MAX_PORT: Final = 65_535
_SIGNAL_NUMBER = re.compile(r"[+]?[0-9]{1,9}", re.ASCII)
_SIGNALS: Final = (
    frozenset(
        [
            "ABRT",
            "ALRM",
            "BUS",
            "CHLD",
            "CLD",
            "CONT",
            "FPE",
            "HUP",
            "ILL",
            "INT",
            "IO",
            "IOT",
            "KILL",
            "PIPE",
            "POLL",
            "PROF",
            "PWR",
            "QUIT",
            "SEGV",
            "STKFLT",
            "STOP",
            "SYS",
            "TERM",
            "TRAP",
            "TSTP",
            "TTIN",
            "TTOU",
            "URG",
            "USR1",
            "USR2",
            "VTALRM",
            "WINCH",
            "XCPU",
            "XFSZ",
            "RTMIN",
            "RTMAX",
        ]
    )
    | {f"RTMIN+{n}" for n in range(1, 16)}
    | {f"RTMAX-{n}" for n in range(1, 15)}
)
_PLAIN_KEYS: Final = frozenset({"readonly", "ro", "readwrite", "rw"})
_MOUNT_KEYS: Final = _PLAIN_KEYS | {
    "type", "from", "source", "src", "target", "dst", "destination", "required", "size", "id",
    "sharing", "mode", "uid", "gid", "env",
}  # fmt: skip
_TARGET_KEYS: Final = ("target", "dst", "destination")
_SOURCE_KEYS: Final = frozenset({"source", "src", "target", "dst", "destination", "id"})


class _StageEnvironment:
    """The variables inside a stage, instruction by instruction."""

    def __init__(self, found: Resolution, stage: int) -> None:
        self._found = found
        self._values = {"PATH": _PATH}
        self._budget = Budget()
        self._has_workdir = False
        for base in reversed(_chain(found, stage)[1:]):
            for instruction in _instructions(found, base):
                self.apply(instruction)

    def expand(self, word: str) -> Expansion:
        return expand(
            readable(word), self._found.layout.escape, self._values.get, budget=self._budget
        )

    def apply(self, instruction: Instruction) -> None:
        """Take over what an ENV or ARG sets; one that cannot be expanded sets nothing."""
        try:
            self.check(instruction)
        except LexError:
            return

    def check(self, instruction: Instruction) -> str | None:
        """Run an instruction as far as words go; say what the builder would refuse in it.

        Raises:
            LexError: When a word cannot be expanded.
        """
        checks: dict[str, Callable[[Instruction], str | None]] = {
            "ENV": self._pairs,
            "LABEL": self._pairs,
            "ARG": self._arguments,
            "EXPOSE": self._ports,
            "STOPSIGNAL": self._signal,
            "COPY": self._words,
            "ADD": self._words,
            "WORKDIR": self._workdir,
            "USER": self._words,
            "VOLUME": self._words,
            "RUN": self._mounts,
        }
        check = checks.get(instruction.name)
        return check(instruction) if check is not None else None

    def _pairs(self, instruction: Instruction) -> None:
        words = split_quoted(instruction.command, instruction.escape)
        if "=" in words[0].text:
            pairs = [word.text.partition("=")[::2] for word in words]
        else:
            name, value = instruction.command.text.split(None, 1)
            pairs = [(name, value)]
        expanded = [(self.expand(name).text, self.expand(value).text) for name, value in pairs]
        if instruction.name == "ENV":
            self._values.update(expanded)

    def _arguments(self, instruction: Instruction) -> None:
        given, scope = self._found.request.build_args, self._found.scope
        for piece in instruction.pieces():
            raw, equals, default = piece.text.partition("=")
            name = readable(raw)
            outer = scope.get(name) if scope is not None else None
            if name in given:
                self._values[name] = given[name]
            elif equals:
                self._values[name] = self.expand(default).text
            elif outer is not None:
                self._values[name] = outer.text

    def _words(self, instruction: Instruction) -> None:
        for name in _EXPANDED_FLAGS.get(instruction.name, ()):
            flag = instruction.flag(name)
            if flag is not None and flag.value:
                self.expand(flag.value)
        for piece in instruction.pieces():
            self.expand(piece.text)

    def _workdir(self, instruction: Instruction) -> None:
        self._words(instruction)
        self._has_workdir = True

    def _signal(self, instruction: Instruction) -> str | None:
        text = self.expand(instruction.command.text).text
        name = text.upper().removeprefix("SIG")
        if name in _SIGNALS or (_SIGNAL_NUMBER.fullmatch(text) and int(text) > 0):
            return None
        return f"the signal {text!r} is not known"

    def _ports(self, instruction: Instruction) -> str | None:
        for piece in instruction.pieces():
            for word in self.expand(piece.text).words:
                if not _is_port(word):
                    return f"{word!r} is no port"
        return None

    def _mounts(self, instruction: Instruction) -> str | None:
        for flag in instruction.command.flags:
            name, _, value = flag.text[2:].partition("=")
            problem = self._mount_problem(value) if name == "mount" else None
            if problem is not None:
                return problem
        return None

    def _mount_problem(self, value: str) -> str | None:
        """Check one mount; fields are read in order, so a type counts for what follows it."""
        kind, keys = "bind", dict[str, str]()
        for field in mount_fields(value) or ():
            if field.key not in _MOUNT_KEYS:
                return f"a mount has no field {readable(field.key)!r}"
            if field.value is None:
                if field.key not in _PLAIN_KEYS | {"required"}:
                    return f"the mount's field {field.key!r} has no value"
                continue
            text = self.expand(field.value).text
            keys[field.key] = text
            if field.key == "type":
                kind = text.lower()
                if kind not in TYPES:
                    return f"the mount type {text!r} is not known"
        return self._place_problem(kind, keys)

    def _place_problem(self, kind: str, keys: dict[str, str]) -> str | None:
        """Check where a mount comes from and goes to.

        One without a target goes to the working directory, which is taken to be the root where the
        file sets none: few images set one.
        """
        if kind == "secret" and keys.get("from"):
            return "a secret cannot be mounted from a stage or image"
        if kind == "secret" and not any(keys.get(key) for key in _SOURCE_KEYS):
            return "a secret mount has neither source nor target"
        target = next((keys[key] for key in _TARGET_KEYS if keys.get(key)), "")
        if kind not in {"secret", "ssh"} and not self._has_workdir and not target.strip("/."):
            return "a mount has no target"
        return None


def _is_port(word: str) -> bool:
    found = _PORT.fullmatch(word)
    if found is None:
        return False
    first, _, last = found["port"].partition("-")
    return int(first) <= int(last or first) <= _MAX_PORT


def _chain(found: Resolution, stage: int) -> list[int]:
    chain = [stage]
    while (base := found.stages[chain[-1]].base_stage) is not None:
        chain.append(base)
    return chain


def _instructions(found: Resolution, stage: int) -> list[Instruction]:
    first = found.lines[stage].instruction + 1
    lines, after = found.lines, stage + 1
    end = lines[after].instruction if after < len(lines) else len(found.layout.codes)
    return [Instruction(found.layout, index) for index in range(first, end)]


def stage_problem(found: Resolution, stage: int) -> tuple[str, int] | None:
    """Say why the builder would refuse to build a stage, and the line; None where it would not."""
    if found.stages[stage].replaced_by is not None:
        return None
    layout = found.layout
    instructions = _instructions(found, stage)
    if all(
        _SAFE.match(layout.text, layout.starts[each.index], layout.ends[each.index])
        for each in instructions
    ):
        return None
    environment = _StageEnvironment(found, stage)
    for instruction in instructions:
        try:
            problem = environment.check(instruction)
        except (LimitError, MustBeSetError):
            continue
        except LexError as error:
            problem = str(error)
        if problem is not None:
            return problem, instruction.line
    return None
