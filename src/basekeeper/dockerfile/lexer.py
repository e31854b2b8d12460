"""Quotes, escapes and variables, as BuildKit's lexer treats them.

The text is real text here (`readable`), not bytes: a variable's name may hold any letter.
"""

from __future__ import annotations

import re
from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING, Final

from basekeeper.dockerfile.patterns import PatternError, replace_matches, trim_match
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_VALUE: Final = 65_536
"""Characters of a word, before and after expansion; a reference has at most 4096."""
MAX_NESTING: Final = 100
"""Depth of `${a:-${b:-…}}`; every level costs some frames of the stack."""
MAX_WORK: Final = 2 << 20
"""Characters that all expansions of one build may read and write together, so that a file in which
every value doubles the one before it costs no more than a file of that size."""

_SPECIAL: Final = frozenset("@*#?-$!0")
_SPACE_RUNS = re.compile(r"[\t\n\v\f\r ]+|[^\t\n\v\f\r ]+")
_NAME = re.compile(r"\d+|[^\W\d]\w*")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*+)|\{([A-Za-z_][A-Za-z0-9_]*+)\})")
_SIMPLE = re.compile(
    r"(?:[A-Za-z0-9_./:@+=,-]++|\$(?:[A-Za-z_][A-Za-z0-9_]*+|\{[A-Za-z_][A-Za-z0-9_]*+\})|(?!))++"
)
_AFTER_HEREDOC = re.compile(r"<[\t\r ]*")


class LexError(ValueError):
    """Text that the builder would refuse, or that cannot be followed."""


class LimitError(LexError):
    """Text beyond a limit of ours; what the builder would make of it is not known."""


class MustBeSetError(LexError):
    """`${name:?}`, and the variable is not set."""


@dataclass(slots=True)
class Budget:
    """What is left of the work that the expansions of one build may do."""

    left: int = MAX_WORK

    def spend(self, characters: int) -> None:
        """Take from what is left.

        Raises:
            LexError: When nothing is left.
        """
        self.left -= characters
        if self.left < 0:
            raise LimitError("the expansions of this file are too long to follow")


@dataclass(slots=True)
class Expansion:
    """A word with its variables replaced."""

    text: str
    used: list[str] = field(default_factory=list)
    """Variables whose value is part of the text, in order."""
    unset: list[str] = field(default_factory=list)
    """Variables that have no value, and no default in the word."""
    words: list[str] = field(default_factory=list)
    """The text split at white space that no quote protects."""


def unset_variable(_name: str) -> str | None:
    """Look a variable up where there are none."""
    return None


def expand(
    word: str,
    escape: str,
    lookup: Callable[[str], str | None] = unset_variable,
    *,
    budget: Budget | None = None,
) -> Expansion:
    """Replace the variables of a word and remove its quotes and escapes.

    Args:
        word: As it stands in the file.
        escape: The escape character.
        lookup: Gives the value of a variable, None where it is not set.
        budget: What the expansion may cost; its own where None.

    Raises:
        LexError: When the builder would refuse the word, or a limit is reached.
    """
    budget = budget or Budget()
    budget.spend(len(word))
    if len(word) > MAX_VALUE:
        raise LimitError(f"the word is longer than {MAX_VALUE} characters")
    if _SIMPLE.fullmatch(word) is not None:
        return _expand_simple(word, lookup, budget)
    lexer = _Lexer(word, escape, lookup, budget=budget)
    text = lexer.run("", raw=False)
    return Expansion(text, lexer.used, lexer.unset, lexer.words.finish())


def _expand_simple(word: str, lookup: Callable[[str], str | None], budget: Budget) -> Expansion:
    """Expand a word without quotes, escapes, operators and white space."""
    used: list[str] = []
    unset: list[str] = []

    def value_of(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        value = lookup(name)
        (unset if value is None else used).append(name)
        budget.spend(len(value or ""))
        return value or ""

    text = _VARIABLE.sub(value_of, word)
    return Expansion(text, used, unset, text.split())


def split_raw(line: str) -> list[str]:
    """Split a line into words, with quotes, escapes and variables left as they are.

    Raises:
        LexError: When a quote or brace is open, or a substitution is malformed.
    """
    lexer = _Lexer(line, "\\", None, raw_quotes=True)
    lexer.run("", raw=True)
    return lexer.words.finish()


def unquoted_words(text: str) -> list[str]:
    """Split text into words and remove quotes and escapes; variables stay as they are.

    Raises:
        LexError: When a quote or brace is open, or a substitution is malformed.
    """
    lexer = _Lexer(text, "\\", None)
    lexer.run("", raw=False)
    return lexer.words.finish()


class _Words:
    """Collects words: white space ends one unless it was quoted or escaped."""

    __slots__ = ("_current", "_words")

    def __init__(self) -> None:
        self._words: list[str] = []
        self._current: list[str] = []

    def add(self, text: str) -> None:
        for run in _SPACE_RUNS.findall(text):
            if run[0] in "\t\n\v\f\r ":
                self._end()
            else:
                self._current.append(run)

    def add_quoted(self, text: str) -> None:
        if text:
            self._current.append(text)

    def _end(self) -> None:
        if self._current:
            self._words.append("".join(self._current))
            self._current = []

    def finish(self) -> list[str]:
        self._end()
        return self._words


@cache
def _plain(specials: str) -> re.Pattern[str]:
    return re.compile(f"[^{re.escape(specials)}]+")


class _Lexer:
    """One pass over one text."""

    def __init__(
        self,
        text: str,
        escape: str,
        lookup: Callable[[str], str | None] | None,
        *,
        raw_quotes: bool = False,
        budget: Budget | None = None,
    ) -> None:
        self._text = text
        self._at = 0
        self._escape = escape
        self._lookup = lookup
        """None: variables are left as they stand."""
        self._raw_quotes = raw_quotes
        self._budget = budget or Budget(len(text) * 2 + MAX_VALUE)
        self._depth = 0
        self._raw = False
        self.used: list[str] = []
        self.unset: list[str] = []
        self.words = _Words()

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        character = self._text[self._at : self._at + 1]
        self._at += 1
        return character

    def _run_of(self, specials: str) -> str:
        """Take the characters before the next special one."""
        found = _plain(specials).match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def run(self, stop: str, *, raw: bool) -> str:
        """Read up to `stop`, or to the end where it is empty; `raw` keeps escape characters."""
        before, self._raw = self._raw, raw
        words = self.words if not stop else _Words()
        parts: list[str] = []
        specials = "$'\"<" + self._escape + stop
        while True:
            plain = self._run_of(specials)
            parts.append(plain)
            words.add(plain)
            character = self._peek()
            if not character or character == stop:
                break
            self._special(character, parts, words)
        if stop and not character:
            raise LexError(f"{stop!r} is missing")
        self._at += len(stop)
        self._raw = before
        return "".join(parts)

    def _special(self, character: str, parts: list[str], words: _Words) -> None:
        if character == "$":
            value = self._dollar()
            words.add(value)
        elif character == self._escape:
            self._at += 1
            value = self._next()
            if self._raw:
                value = character + value
            words.add_quoted(value)
        else:
            value = {"'": self._single, '"': self._double, "<": self._angle}[character]()
            words.add_quoted(value)
        parts.append(value)

    def _single(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise LexError("a single quote is not closed")
        start, self._at = self._at, end + 1
        return self._text[start : end + 1] if self._raw_quotes else self._text[start + 1 : end]

    def _double(self) -> str:
        quote = '"' if self._raw_quotes else ""
        self._at += 1
        parts = [quote]
        while True:
            parts.append(self._run_of('"$' + self._escape))
            character = self._peek()
            if not character:
                raise LexError("a double quote is not closed")
            if character == '"':
                self._at += 1
                parts.append(quote)
                return "".join(parts)
            if character == "$":
                parts.append(self._dollar())
                continue
            self._at += 1
            if self._raw:
                parts.append(character)
            if self._peek() in {'"', "$", self._escape}:
                character = self._next()
            parts.append(character)

    def _angle(self) -> str:
        """Keep the blanks after `<<` in the word: what follows may be a heredoc's name."""
        start = self._at
        self._at += 1
        found = _AFTER_HEREDOC.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return self._text[start : self._at]

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
            return found[0]
        return self._next() if self._peek() in _SPECIAL else ""

    def _value(self, name: str) -> str | None:
        value = self._lookup(name) if self._lookup is not None else None
        if value is not None:
            self._budget.spend(len(value))
        return value

    def _dollar(self) -> str:
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            return self._plain_value(name, f"${name}") if name else "$"
        self._at += 1
        if self._peek() in {"", "{", "}", ":"}:
            raise LexError("a substitution is malformed")
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise LimitError(f"substitutions are nested deeper than {MAX_NESTING}")
        value = self._substitution(self._name())
        self._depth -= 1
        return value

    def _plain_value(self, name: str, written: str) -> str:
        value = self._value(name)
        if value is None:
            self.unset.append(name)
            return written if self._lookup is None else ""
        self.used.append(name)
        return value

    def _substitution(self, name: str) -> str:
        operator = self._next()
        if operator == "}":
            return self._plain_value(name, f"${{{name}}}")
        if operator == "/":
            return self._replace(name)
        colon = operator == ":"
        if colon:
            operator = self._next()
        if not operator or operator not in ("+-?" if colon else "+-?#%"):
            raise LexError(f"the operator {':' * colon + operator!r} is not known")
        used, unset = len(self.used), len(self.unset)
        word = self.run("}", raw=operator in "#%")
        value = self._value(name)
        if self._lookup is None:
            return f"${{{name}{':' * colon}{operator}{word}}}"
        if operator in "#%":
            return self._trim(name, value, operator, word)
        missing = value is None or (colon and not value)
        if operator == "?" and missing:
            raise MustBeSetError(f"{name}: {word or 'must be set'}")
        if missing == (operator == "-") and operator != "?":
            return word
        del self.used[used:], self.unset[unset:]  # the word is no part of the text
        if operator == "+" or value is None:
            return ""
        self.used.append(name)
        return value

    def _noted(self, name: str, value: str | None) -> str:
        """Note a variable as used or unset; an unset one is empty."""
        (self.unset if value is None else self.used).append(name)
        return value or ""

    def _trim(self, name: str, value: str | None, operator: str, word: str) -> str:
        value = self._noted(name, value)
        longest = word.startswith(operator)
        try:
            return trim_match(
                value,
                word[1:] if longest else word,
                longest=longest,
                suffix=operator == "%",
                spend=self._budget.spend,
            )
        except PatternError as error:
            kind = LimitError if error.limit else LexError
            raise kind(str(error)) from error

    def _replace(self, name: str) -> str:
        every = self._peek() == "/"
        self._at += every
        pattern = self.run("/", raw=True)
        replacement = self.run("}", raw=True)
        value = self._value(name)
        if self._lookup is None:
            return f"${{{name}/{pattern}/{replacement}}}"
        value = self._noted(name, value)
        try:
            return replace_matches(
                value, pattern, replacement, every=every, spend=self._budget.spend
            )
        except PatternError as error:
            kind = LimitError if error.limit else LexError
            raise kind(str(error)) from error
