"""The variables that FROM can see: the ARGs above the first FROM, and those of the platform."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.dockerfile.lexer import Budget, Expansion, LexError, LimitError, expand
from basekeeper.dockerfile.platforms import platform_variables
from basekeeper.dockerfile.text import readable
from basekeeper.dockerfile.uses import Supplied
from basekeeper.values.use import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.dockerfile.instruction import Instruction

MAX_SUPPLIERS: Final = 100
"""ARG defaults that are listed for one reference; a person chains two or three."""


_PLAIN_ARG = re.compile(
    r"[A-Za-z]{3}[ \t]++([A-Za-z_]\w*+)(?:=([^\s\\`'\"\x80-\xff]*+))?[ \t]*+\r?+(?:\n|\Z)",
    re.ASCII,
)
"""An ARG of one name on one line without quotes and escapes."""


class Value(NamedTuple):
    """What a variable holds, and where that came from."""

    text: str
    supplied: Supplied | None = None
    """Its own ARG default."""
    argument: str | None = None
    """The build argument that set it."""
    parts: tuple[Value, ...] = ()
    """The values that its default was made of."""
    problem: LexError | None = None
    """Why the default could not be expanded."""


class Resolved(NamedTuple):
    """A word after expansion."""

    text: str
    """As written where `problem` is set."""
    values: tuple[Value, ...] = ()
    unset: tuple[str, ...] = ()
    problem: str | None = None
    limited: bool = False
    """The problem is a limit of ours: what the builder would do is not known."""


class Scope:
    """Variables by name, as FROM sees them."""

    def __init__(
        self, escape: str, build_args: Mapping[str, str], platform: str, target: str
    ) -> None:
        """Start with the platform's variables, which build arguments may override.

        Args:
            escape: The escape character of the file.
            build_args: What the caller sets.
            platform: The target platform.
            target: Value of TARGETSTAGE.
        """
        self._escape = escape
        self._build_args = build_args
        self._values: dict[str, Value] = {}
        self._budget = Budget()
        self.problem: tuple[str, int] | None = None
        """The first default for which the builder would refuse the file, and its line."""
        self.unset: dict[str, None] = {}
        """Variables that were used without a value and without a default, in order."""
        self._fixed = platform_variables(platform)
        self._target = target

    def get(self, name: str) -> Value | None:
        """Return the value of a variable, None where it has none."""
        value = self._values.get(name)
        if value is None:
            text = self._target if name == "TARGETSTAGE" else self._fixed.get(name)
            if text is not None and name in self._build_args:
                return Value(self._build_args[name], argument=name)
            return None if text is None else Value(text)
        return value

    def declare(self, instruction: Instruction) -> None:
        """Apply an ARG instruction: its names from left to right."""
        plain = instruction.match(_PLAIN_ARG)
        if plain is not None:
            name, default = plain.groups()
            self._set(name, default, instruction, Span(*plain.span(2)))
            return
        for piece in instruction.pieces():
            raw, equals, default = piece.text.partition("=")
            span = instruction.joined.span(piece.start + len(raw) + 1, piece.end)
            self._set(readable(raw), readable(default) if equals else None, instruction, span)

    def _set(self, name: str, default: str | None, instruction: Instruction, span: Span) -> None:
        """Give a variable its build argument, else its default, else leave it as it is."""
        if name in self._build_args:
            self._values[name] = Value(self._build_args[name], argument=name)
        elif default is not None:
            supplied = Supplied(name, instruction.line, span)
            self._values[name] = self._default(supplied, default)

    def inherit(self, instruction: Instruction, outer: Scope) -> None:
        """Apply an ARG inside a stage: a name without default takes its value from outside."""
        self.declare(instruction)
        for piece in instruction.pieces():
            name = readable(piece.text)
            value = outer.get(name)
            if name not in self._build_args and value is not None:
                self._values[name] = value

    def _default(self, supplied: Supplied, default: str) -> Value:
        resolved = self.resolve(default)
        if resolved.problem is not None:
            problem = f"the default of ARG {supplied.name}: {resolved.problem}"
            if resolved.limited:
                return Value("", supplied, problem=LimitError(problem))
            self.problem = self.problem or (problem, supplied.line)
            return Value("", supplied, problem=LexError(problem))
        return Value(resolved.text, supplied, parts=resolved.values)

    def resolve(self, word: str, *, record: bool = True) -> Resolved:
        """Expand a word; `record` what it misses as a variable of the build."""
        if not needs_expansion(word, self._escape):
            return Resolved(word)
        try:
            found = expand(word, self._escape, self._lookup, budget=self._budget)
            if found.text != word:
                self._budget.spend(len(found.text))
        except LexError as error:
            return Resolved(word, problem=str(error), limited=isinstance(error, LimitError))
        if record:
            self.unset.update(dict.fromkeys(found.unset))
        return Resolved(found.text, self._used(found), tuple(found.unset))

    def _used(self, found: Expansion) -> tuple[Value, ...]:
        return tuple(
            value
            for name in dict.fromkeys(found.used)
            if (value := self.get(name)) is not None and value.text
        )

    def _lookup(self, name: str) -> str | None:
        value = self.get(name)
        if value is None:
            return None
        if value.problem is not None:
            raise value.problem
        return value.text


def needs_expansion(word: str, escape: str) -> bool:
    """Tell whether a word holds anything that expansion would change."""
    return "$" in word or '"' in word or "'" in word or escape in word


def suppliers(values: Iterable[Value]) -> tuple[tuple[Supplied, ...], tuple[str, ...]]:
    """List the ARG defaults and the build arguments that values came from, nearest first."""
    supplied: dict[Supplied, None] = {}
    arguments: dict[str, None] = {}
    waiting = list(values)
    for value in waiting:
        if len(supplied) >= MAX_SUPPLIERS or len(waiting) > MAX_SUPPLIERS * 10:
            break
        if value.supplied is not None and value.supplied not in supplied:
            supplied[value.supplied] = None
            waiting.extend(value.parts)
        if value.argument is not None:
            arguments[value.argument] = None
    return tuple(supplied), tuple(arguments)
