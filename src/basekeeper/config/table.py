"""Typed reading of TOML tables that notes every problem and goes on.

A `Table` knows which keys were asked for; what is left at the end is unknown, and an error.
So the keys that a table may have are written once: where they are read.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from basekeeper.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from basekeeper.config.document import Document
    from basekeeper.config.positions import KeyPath

T = TypeVar("T")

MAX_PROBLEMS: Final = 500
"""Most problems that are noted for one file; nobody repairs more in one go."""

MAX_HINTS: Final = 50
"""Most problems for which a similar word is looked for, which is slow."""

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_day(text: str) -> date | None:
    """Read a day written as YYYY-MM-DD; None for every other form, such as a week."""
    if _DAY.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class Table:
    """One table while it is read. Wrong values are noted in `problems` and read as absent."""

    def __init__(
        self,
        document: Document,
        values: Mapping[str, Any],
        *,
        key: KeyPath = (),
        problems: list[Problem] | None = None,
    ) -> None:
        """Start to read a table.

        Args:
            document: The file, for lines.
            values: The table's values.
            key: Where the table stands in the file.
            problems: Where to note what is wrong; shared by all tables of one reading.
        """
        self.document = document
        self.values = values
        self.key = key
        self.problems: list[Problem] = [] if problems is None else problems
        self._asked: dict[str, None] = {}

    def __contains__(self, name: str) -> bool:
        """Tell whether the key is there, without asking for it."""
        return name in self.values

    def wrong(self, name: str | KeyPath | None, message: str, hint: str | None = None) -> None:
        """Note a problem with one key, a path below, or (None) the table itself."""
        if len(self.problems) >= MAX_PROBLEMS:
            return
        below = (name,) if isinstance(name, str) else name or ()
        self.problems.append(self.document.problem((*self.key, *below), message, hint))

    def raw(self, name: str) -> Any:
        """Return the value as it is, or None where it is absent."""
        self._asked[name] = None
        return self.values.get(name)

    def text(self, name: str) -> str | None:
        """Return a text that is not blank."""
        value = self._typed(name, str, "text in quotes")
        if value is not None and not value.strip():
            self.wrong(name, "must not be empty")
            return None
        return value

    def flag(self, name: str) -> bool | None:
        """Return true or false."""
        return self._typed(name, bool, "true or false")

    def number(self, name: str, *, least: int, most: int) -> int | None:
        """Return a whole number within bounds, both included."""
        value = self._typed(name, int, "a whole number")
        if value is not None and not least <= value <= most:
            self.wrong(name, f"expected a number from {least} to {most}, got {value!r:.40}")
            return None
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """Return one of a few words."""
        value = self._typed(name, str, "text in quotes")
        if value is None or value in choices:
            return value
        self.wrong(
            name,
            f"expected one of {', '.join(choices)}; got {value!r:.80}",
            self._similar(value, choices),
        )
        return None

    def texts(self, name: str, choices: Sequence[str] | None = None) -> tuple[str, ...] | None:
        """Return a list of texts in their order; every element that is wrong is noted."""
        found = tuple(value for _, value in self.indexed_texts(name, choices))
        return found if isinstance(self.values.get(name), list) else None

    def indexed_texts(
        self, name: str, choices: Sequence[str] | None = None
    ) -> Iterator[tuple[int, str]]:
        """Yield each text of a list with its index; every element that is wrong is noted."""
        for index, value in enumerate(self._typed(name, list, "a list of texts") or ()):
            if not isinstance(value, str):
                self.wrong((name, index), f"expected text in quotes, got {_kind(value)}")
            elif not value.strip():
                self.wrong((name, index), "must not be empty")
            elif choices is not None and value not in choices:
                expected = f"expected one of {', '.join(choices)}"
                hint = self._similar(value, choices)
                self.wrong((name, index), f"{expected}; got {value!r:.80}", hint)
            else:
                yield index, value

    def parsed_texts(self, name: str, parse: Callable[[str], T]) -> tuple[T, ...]:
        """Return what `parse` makes of each text of a list; empty where absent.

        Its ValueError becomes a problem of that element; a second argument of it is the hint.
        """
        found = []
        for index, text in self.indexed_texts(name):
            try:
                found.append(parse(text))
            except ValueError as error:
                message, *hint = error.args
                self.wrong((name, index), message, *hint)
        return tuple(found)

    def day(self, name: str) -> date | None:
        """Return a day: one of TOML's, or one in quotes."""
        value = self.raw(name)
        if value is None:
            return None
        found = parse_day(value) if isinstance(value, str) else value
        if not isinstance(found, date) or isinstance(found, datetime):
            self.wrong(name, "expected a day: YYYY-MM-DD")
            return None
        return found

    def text_map(self, name: str) -> dict[str, str]:
        """Return a table of texts, empty ones too, whose keys are free; empty where absent."""
        table = self.table(name)
        if table is None:
            return {}
        for key, value in table.values.items():
            if not isinstance(value, str):
                table.wrong(key, f"expected text in quotes, got {_kind(value)}")
        return {key: value for key, value in table.values.items() if isinstance(value, str)}

    def table(self, name: str, hint: str | None = None) -> Table | None:
        """Return a table below this one; the hint says how to write it."""
        value = self._typed(name, dict, "a table", hint)
        if value is None:
            return None
        return Table(self.document, value, key=(*self.key, name), problems=self.problems)

    def tables(self, name: str) -> Iterator[tuple[int, Table]]:
        """Yield each table of an array of tables, with its index."""
        values = self._typed(name, list, f"tables written as [[{name}]]")
        for index, value in enumerate(values or ()):
            if isinstance(value, dict):
                key = (*self.key, name, index)
                yield index, Table(self.document, value, key=key, problems=self.problems)
            else:
                self.wrong((name, index), f"expected a table, got {_kind(value)}")

    def parsed(self, name: str, parse: Callable[[str], Any]) -> Any:
        """Return what `parse` makes of a text; its ValueError becomes a problem."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.wrong(name, str(error))
            return None

    def require(self, name: str) -> None:
        """Note a problem where the key is absent."""
        if name not in self.values:
            self.wrong(None, f"lacks {name!r}", f"add {name} to this table")

    def finish(self) -> None:
        """Note every key that nobody asked for."""
        for name in self.values:
            if name not in self._asked:
                known = tuple(self._asked)
                hint = self._similar(name, known) or f"the keys here are {', '.join(known)}"
                self.wrong(name, "is not known here", hint)

    def raise_problems(self) -> None:
        """End the reading.

        Raises:
            ConfigError: Something was noted; the problems come in the order of their lines.
        """
        if not self.problems:
            return
        found = sorted(self.problems, key=_place)
        if len(found) >= MAX_PROBLEMS:
            found.append(Problem(self.document.path, None, "", "has more problems than are shown"))
        raise ConfigError(tuple(found))

    def _similar(self, word: str, known: Sequence[str]) -> str | None:
        """Suggest a word, as long as there are few problems."""
        return did_you_mean(word, known) if len(self.problems) < MAX_HINTS else None

    def _typed(self, name: str, kind: type[T], expected: str, hint: str | None = None) -> T | None:
        """Return the value if it is of the kind; true and false are no numbers."""
        value = self.raw(name)
        if value is None:
            return None
        if type(value) is kind:
            return value
        self.wrong(name, f"expected {expected}, got {_kind(value)}", hint)
        return None


def did_you_mean(word: str, known: Sequence[str]) -> str | None:
    """Suggest the known word that was probably meant, as a sentence."""
    from difflib import get_close_matches  # noqa: PLC0415  # slow to import, only for messages

    close = get_close_matches(word[:80], known, n=1, cutoff=0.7)
    return f"did you mean {close[0]!r}?" if close else None


def _kind(value: object) -> str:
    """Name the kind of a TOML value as its user would."""
    names = {str: "text", bool: "true or false", int: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), f"a {type(value).__name__}")


def _place(problem: Problem) -> tuple[int, str]:
    """Order problems by line; those without a line come first."""
    return (problem.line or 0, problem.key)
