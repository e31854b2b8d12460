"""Works out HCL expressions from the variables that files and arguments give.

What cannot be told is an `Unknown` value with its reason, never an error.
Source: Docker's bake file reference (variables, functions); HashiCorp's go-cty standard library.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import TYPE_CHECKING, Final, TypeAlias

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from basekeeper.readers.hcl import Block, Expr

MAX_STEPS: Final = 100_000
"""Expressions worked out for one file."""

MAX_DEPTH: Final = 60
"""Variables and functions that stand on others."""

MAX_TEXT_CHARS: Final = 65_536
"""Longest text; variables that double each other end there."""

MAX_ITEMS: Final = 4096
"""Longest list."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that cannot be told, and why."""

    reason: str


_TOO_LONG: Final = Unknown(f"a text is longer than {MAX_TEXT_CHARS} characters")

Value: TypeAlias = "str | bool | float | list[Value] | dict[str, Value] | Unknown | None"


class Scope:
    """Variables and functions of a bake file, each worked out when first asked for."""

    def __init__(
        self,
        variables: Mapping[str, Expr | None],
        functions: Mapping[str, Block],
        given: Mapping[str, str],
    ) -> None:
        """Keep the definitions.

        Args:
            variables: Name → default; None where a variable has no default.
            functions: Name → block.
            given: Values from the user, which win over defaults.
        """
        self.variables = variables
        self.functions = functions
        self.given = given
        self._known: dict[str, Value] = {}
        self._steps = 0
        self._depth = 0

    def default_of(self, name: str) -> Expr | None:
        """Return the expression that alone decides a variable; None where a user gives it."""
        return None if name in self.given else self.variables.get(name)

    def value(self, expr: Expr, local: Mapping[str, Value] | None = None) -> Value:
        """Work out an expression; `local` holds names of a matrix or a function."""
        self._steps += 1
        if self._steps > MAX_STEPS or self._depth > MAX_DEPTH:
            return Unknown("the file is too large to be worked out")
        self._depth += 1
        try:
            return _bounded(_KINDS[expr.kind](self, expr, local or {}))
        finally:
            self._depth -= 1

    def _name(self, expr: Expr, local: Mapping[str, Value]) -> Value:
        name = str(expr.value)
        if name in local:
            return local[name]
        if name in self.given:
            return self.given[name]
        if name not in self._known:
            default = self.variables.get(name)
            self._known[name] = Unknown(f"variable {name!r} stands on itself")
            self._known[name] = (
                Unknown(f"variable {name!r} has no default")
                if default is None
                else self.value(default)
            )
        return self._known[name]

    def _template(self, expr: Expr, local: Mapping[str, Value]) -> Value:
        values = [self.value(part, local) for part in expr.operands]
        if len(values) == 1:
            return values[0]
        parts: list[str] = []
        size = 0
        for value in values:
            text = as_text(value)
            if isinstance(text, Unknown):
                return text
            parts.append(text or "")
            size += len(parts[-1])
            if size > MAX_TEXT_CHARS:
                return _TOO_LONG
        return "".join(parts)

    def _table(self, expr: Expr, local: Mapping[str, Value]) -> Value:
        found: dict[str, Value] = {}
        for key, value in zip(expr.operands[::2], expr.operands[1::2], strict=True):
            name = as_text(self.value(key, local))
            if isinstance(name, str):
                found[name] = self.value(value, local)
        return found

    def _attribute(self, expr: Expr, local: Mapping[str, Value]) -> Value:
        holder = self.value(expr.operands[0], local)
        if isinstance(holder, dict):
            return holder.get(str(expr.value), Unknown(f"there is no {expr.value!r}"))
        return _first_unknown(holder) or Unknown(f"there is no {expr.value!r}")

    def _index(self, expr: Expr, local: Mapping[str, Value]) -> Value:
        holder, which = (self.value(operand, local) for operand in expr.operands)
        if isinstance(holder, list) and isinstance(which, float) and which.is_integer():
            at = int(which)
            return holder[at] if 0 <= at < len(holder) else Unknown("the list is shorter")
        if isinstance(holder, dict) and isinstance(which, str):
            return holder.get(which, Unknown(f"there is no {which!r}"))
        return _first_unknown(holder, which) or Unknown("an index does not fit")

    def _conditional(self, expr: Expr, local: Mapping[str, Value]) -> Value:
        test, yes, no = expr.operands
        answer = _truth(self.value(test, local))
        if isinstance(answer, Unknown):
            return answer
        return self.value(yes if answer else no, local)

    def _unary(self, expr: Expr, local: Mapping[str, Value]) -> Value:
        value = self.value(expr.operands[0], local)
        if expr.value == "-":
            return -value if isinstance(value, float) else Unknown("a number was expected")
        answer = _truth(value)
        return answer if isinstance(answer, Unknown) else not answer

    def _binary(self, expr: Expr, local: Mapping[str, Value]) -> Value:
        left, right = (self.value(operand, local) for operand in expr.operands)
        if expr.value in ("&&", "||"):
            return _logical(str(expr.value), _truth(left), _truth(right))
        unknown = _first_unknown(left, right)
        if unknown is not None:
            return unknown
        if expr.value in ("==", "!="):
            return _same(left, right) == (expr.value == "==")
        if isinstance(left, float) and isinstance(right, float):
            return _arithmetic(str(expr.value), left, right)
        return Unknown("numbers were expected")

    def _call(self, expr: Expr, local: Mapping[str, Value]) -> Value:
        name = str(expr.value)
        values = [self.value(operand, local) for operand in expr.operands]
        block = self.functions.get(name)
        if block is not None and "result" in block.attributes:
            params = block.attributes.get("params")
            # Parameters are written as bare words: a list of names, not of values.
            names = [str(each.value) for each in params.operands] if params is not None else []
            result = block.attributes["result"]
            return self.value(result, dict(zip(names, values, strict=False)))
        if name == "try":
            known = (value for value in values if not isinstance(value, Unknown))
            return next(known, Unknown("no choice of try() is known"))
        function = _FUNCTIONS.get(name)
        if function is None:
            return Unknown(f"function {name}() is not evaluated")
        unknown = _first_unknown(*values)
        if unknown is not None:
            return unknown
        try:
            return function(*values)
        except (TypeError, AttributeError, ValueError, IndexError):
            return Unknown(f"the arguments of {name}() do not fit")


def as_text(value: Value) -> str | Unknown | None:
    """Return a value as the text that an argument gets; None for null."""
    if value is None or isinstance(value, str | Unknown):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)  # noqa: PLR2004  # exact below
    return Unknown("a text was expected")


def _bounded(value: Value) -> Value:
    """Refuse values that grew beyond all use."""
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
        return _TOO_LONG
    if isinstance(value, list | dict) and len(value) > MAX_ITEMS:
        return Unknown(f"a list is longer than {MAX_ITEMS} items")
    return value


def _first_unknown(*values: Value) -> Unknown | None:
    return next((value for value in values if isinstance(value, Unknown)), None)


def _truth(value: Value) -> bool | Unknown:
    if isinstance(value, bool | Unknown):
        return value
    words = {"true": True, "false": False, "1": True, "0": False}
    if isinstance(value, str) and value in words:
        return words[value]
    return Unknown("a condition is neither true nor false")


def _logical(sign: str, left: bool | Unknown, right: bool | Unknown) -> Value:  # noqa: FBT001
    """Join two conditions; one that decides alone makes the other irrelevant."""
    decisive = sign == "||"
    if decisive in (left, right):
        return decisive
    return _first_unknown(left, right) or (not decisive)


def _same(left: Value, right: Value) -> bool:
    """Compare as HCL does: a number equals the text that shows it."""
    if type(left) is type(right):
        return left == right
    if left is None or right is None:
        return False
    return as_text(left) == as_text(right)


def _arithmetic(sign: str, left: float, right: float) -> Value:
    if sign in ("/", "%") and right == 0:
        return Unknown("division by zero")
    return _ARITHMETIC[sign](left, right)


def _replace(text: str, old: str, new: str) -> Value:
    if len(text) * (len(new) + 1) > MAX_TEXT_CHARS:
        return _TOO_LONG
    return text.replace(old, new) if old else text


def _join(between: str, texts: list[str]) -> Value:
    if sum(map(len, texts)) + len(between) * len(texts) > MAX_TEXT_CHARS:
        return _TOO_LONG
    return between.join(texts)


def _concat(*lists: list[Value]) -> list[Value]:
    return reduce(operator.add, lists, [])


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if value not in (None, "")), Unknown("nothing is set"))


_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float | bool]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "%": operator.mod, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip

_FUNCTIONS: Final[Mapping[str, Callable[..., Value]]] = {
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "trimspace": lambda text: text.strip(),
    "trimprefix": lambda text, start: text.removeprefix(start),
    "trimsuffix": lambda text, end: text.removesuffix(end),
    "replace": _replace,
    "join": _join,
    "split": lambda between, text: list(text.split(between)),
    "concat": _concat,
    "coalesce": _coalesce,
    "equal": _same,
    "notequal": lambda left, right: not _same(left, right),
    "and": lambda left, right: left is True and right is True,
    "or": lambda left, right: left is True or right is True,
    "not": lambda value: value is False,
    "length": lambda values: float(len(values)),
    "sanitize": lambda text: "".join(c if c.isalnum() or c in "_-" else "_" for c in text),
    "basename": lambda path: path.rpartition("/")[2],
    "dirname": lambda path: path.rpartition("/")[0] or ".",
}

_KINDS: Final[Mapping[str, Callable[[Scope, Expr, Mapping[str, Value]], Value]]] = {
    "literal": lambda _scope, expr, _local: expr.value,
    "opaque": lambda _scope, expr, _local: Unknown(str(expr.value)),
    "list": lambda scope, expr, local: [scope.value(each, local) for each in expr.operands],
    "name": Scope._name,  # noqa: SLF001
    "template": Scope._template,  # noqa: SLF001
    "object": Scope._table,  # noqa: SLF001
    "attribute": Scope._attribute,  # noqa: SLF001
    "index": Scope._index,  # noqa: SLF001
    "conditional": Scope._conditional,  # noqa: SLF001
    "unary": Scope._unary,  # noqa: SLF001
    "binary": Scope._binary,  # noqa: SLF001
    "call": Scope._call,  # noqa: SLF001
}
