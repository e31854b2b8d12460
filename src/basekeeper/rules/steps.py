"""What the instructions of a stage do, as far as rules ask: scripts, copies, variables.

A `Step` is an instruction reduced to its keyword and text. Reading its text is lenient: what a
builder would refuse is another rule's matter.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.rules.shell.words import expand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.dockerfile.model import Instruction

MAX_VARIABLES: Final = 1_000
"""Most variables of a chain that are kept in mind; real files set fewer than 100."""

_HEREDOC: Final = re.compile(r"[0-9]*<<-?[ \t]*[\"']?([A-Za-z_][A-Za-z0-9_.]*)[\"']?")
_SHELL: Final = re.compile(r"(?:(?:/usr)?/bin/)?(?:env[ \t]+)?(?:ba|da|a|z)?sh(?:[ \t]+-\S+)*")
_PAIR: Final = re.compile(
    r"([A-Za-z_][A-Za-z0-9_]*)=((?:[^\s\"'\\]+|\\.|\"(?:[^\"\\]|\\.)*\"|'[^']*')*)"
)
_ROOT_GLOB: Final = re.compile(r"/\*+$|/\.$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One instruction of a stage."""

    keyword: str
    """Upper case."""
    text: str
    """What follows the keyword and its flags, continuation lines joined, comments left out."""
    line: int
    """First line in the file that a user sees, from 1."""
    end_line: int
    stage: int
    """Index of the stage that it stands in."""
    flags: tuple[tuple[str, str], ...] = ()
    """Name and value of each flag, in order; quotes removed."""
    heredocs: tuple[str, ...] = ()
    """Bodies of its here-documents, in order."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What a `COPY --from` copies."""

    source: str
    """Stage, number or image, as written."""
    paths: tuple[str, ...]
    """Absolute, without a slash at the end except for `/` itself."""
    excludes: bool
    """Whether `--exclude` leaves something out."""


def step_of(instruction: Instruction, *, stage: int, first_line: int = 1) -> Step:
    """Reduce an instruction to what rules ask.

    Args:
        instruction: As parsed.
        stage: Index of the stage that it stands in.
        first_line: Line of the outer file at which the document starts.
    """
    return Step(
        keyword=instruction.name,
        text=instruction.text,
        flags=tuple((flag.name, flag.value or "") for flag in instruction.flags),
        line=instruction.line + first_line - 1,
        end_line=instruction.end_line + first_line - 1,
        stage=stage,
        heredocs=tuple(heredoc.body for heredoc in instruction.heredocs),
    )


def json_words(text: str) -> tuple[str, ...] | None:
    """Return the words of an exec form, or None where the text is no array of texts."""
    if not text.lstrip().startswith("["):
        return None
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None
    return tuple(words)


def script_of(step: Step) -> str:
    """Return the shell text that a RUN runs; empty where no shell reads it.

    Here-documents count as script where the command is nothing but them, or a shell.
    """
    text = step.text
    words = json_words(text)
    if words is not None:
        return " ".join(_quoted(word) for word in words)
    if not step.heredocs:
        return text
    command = _HEREDOC.sub("", text).strip()
    if command and _SHELL.fullmatch(command) is None:
        return text
    return "\n".join(body for body in step.heredocs if _is_shell(body))


def _is_shell(script: str) -> bool:
    """Tell by its first line whether a shell reads a script."""
    if not script.startswith("#!"):
        return True
    first = script[2:].partition("\n")[0].strip()
    return _SHELL.fullmatch(first.replace("/usr/bin/env ", "").strip()) is not None


def _quoted(word: str) -> str:
    """Quote a word for the reader of shell text."""
    return "'" + word.replace("'", "'\\''") + "'"


def copied(step: Step, variables: Mapping[str, str]) -> Copy | None:
    """Return what a `COPY --from` copies, or None for other instructions."""
    if step.keyword != "COPY":
        return None
    source = next((value for name, value in step.flags if name == "from"), "")
    if not source:
        return None
    words = json_words(step.text)
    if words is None:
        words = tuple(expand(word, variables) for word in step.text.split())
    paths = tuple(_absolute(path) for path in words[:-1] if not path.startswith("<<"))
    return Copy(source, paths, any(name == "exclude" for name, _ in step.flags))


def _absolute(path: str) -> str:
    """Write a path below the root of a stage; a glob for all of a directory is the directory."""
    path = "/" + path.removeprefix("./").lstrip("/")
    if path == "/.":
        path = "/"
    path = _ROOT_GLOB.sub("", path)
    return path.rstrip("/") or "/"


class Variables:
    """What ENV and ARG set for the steps that follow, within a chain of stages."""

    def __init__(self, given: Mapping[str, str]) -> None:
        """Start before the first step.

        Args:
            given: Build arguments and global defaults, which an `ARG` of that name takes.
        """
        self.values: dict[str, str] = {}
        self._given = given

    def follow(self, step: Step) -> None:
        """Take note of one instruction; most of them set nothing."""
        if step.keyword == "ENV":
            self._set(_assignments(step.text, self.values))
        elif step.keyword == "ARG":
            assigned = _assignments(step.text, self.values)
            names = (word.partition("=")[0] for word in step.text.split())
            taken = {name: self._given[name] for name in names if name in self._given}
            self._set(assigned | taken)

    def _set(self, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            if name in self.values or len(self.values) < MAX_VARIABLES:
                self.values[name] = value


def _assignments(text: str, values: Mapping[str, str]) -> dict[str, str]:
    """Read `NAME=value …`, or the old form `NAME value`."""
    pairs = {match[1]: expand(match[2], values) for match in _PAIR.finditer(text)}
    name, _, value = text.strip().partition(" ")
    if not pairs and value and "=" not in name:
        return {name: expand(value.strip(), values)}
    return pairs
