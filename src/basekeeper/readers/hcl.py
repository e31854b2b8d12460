"""Parses the HCL of bake files: text → blocks and expressions with positions.

A parser of our own: the general one took three seconds for the bake file of a well-known project
(5 kB) and gives neither positions of values nor parsed expressions.
Source: the HCL native syntax specification.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field
from typing import Final, TypeAlias

from basekeeper.readers.hcltext import unescaped, without_margin
from basekeeper.records import dataclass

MAX_DEPTH: Final = 40
"""Deepest nesting of brackets, templates and blocks."""

# A possessive group ends in `(?!)`, so that a pass that fails moves nothing (Python below 3.11.5).
_SPACE: Final = re.compile(
    r"(?:[ \t\r\n]++|#[^\n]*+|//[^\n]*+|/\*(?:[^*]++|\*(?!/)|(?!))*+\*/|(?!))*+"
)
_NAME: Final = re.compile(r"[A-Za-z_][\w-]*+")
_NUMBER: Final = re.compile(r"[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_OPERATOR: Final = re.compile(r"&&|\|\||[=!<>]=|[<>+*/%-]")
_HEREDOC: Final = re.compile(r"<<(-?)([A-Za-z_][\w-]*+)[ \t]*\r?\n")
_QUOTED_RUN: Final = re.compile(
    r'(?:[^"\\$%\n]++|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\[^\n]|\$\$\{|%%\{|[$%](?!\{)|(?!))*+'
)
_PLAIN_RUN: Final = re.compile(r"(?:[^$%]++|\$\$\{|%%\{|[$%](?!\{)|(?!))*+")
_PRECEDENCE: Final = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "%": 6,
}  # fmt: skip
_WORDS: Final = {"true": True, "false": False, "null": None}

Operands: TypeAlias = Sequence["Expr"]


class HclError(Exception):
    """The text is no HCL that can be used."""

    def __init__(self, reason: str, at: int) -> None:
        """Say why, and at which character."""
        super().__init__(reason)
        self.reason = reason
        self.at = at


@dataclass(frozen=True, slots=True)
class Expr:
    """An expression, by `kind`; positions are in characters.

    literal: `value`. template: `operands` are its parts. name, attribute, call: `value` is the
    name. list: `operands`. object: `operands` are keys and values in turn. index: what and which.
    conditional: test, yes, no. unary, binary: `value` is the operator. opaque: `value` is why.
    """

    kind: str
    start: int
    end: int
    value: str | bool | float | None = None
    operands: Operands = ()


@dataclass(slots=True)
class Block:
    """A block, or the whole file."""

    kind: str = ""
    labels: tuple[str, ...] = ()
    start: int = 0
    attributes: dict[str, Expr] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


def parse_hcl(text: str) -> Block:
    """Parse a whole file.

    Raises:
        HclError: It is no HCL; the message says why and `at` where.
    """
    parser = _Parser(text)
    body = Block()
    parser.body(body, closing="")
    return body


def parse_template(text: str, start: int, end: int) -> Expr:
    """Parse a text that was in quotes elsewhere (a JSON bake file), escapes already undone.

    The whole gets the position given, and so does every part.
    """
    parser = _Parser(text)
    expr = parser.template(_PLAIN_RUN)
    return _moved(expr, start, end)


def _moved(expr: Expr, start: int, end: int) -> Expr:
    operands = tuple(_moved(operand, start, end) for operand in expr.operands)
    return Expr(expr.kind, start, end, expr.value, operands)


class _Parser:
    """A recursive descent over one text; `at` is the next character."""

    def __init__(self, text: str, *, depth: int = 0) -> None:
        self.text = text
        self.at = 0
        self.depth = depth

    def wrong(self, reason: str) -> HclError:
        return HclError(reason, self.at)

    def blank(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def accept(self, token: str) -> bool:
        """Skip blanks, and the token where it comes next."""
        self.blank()
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise self.wrong(f"{token!r} was expected")

    def name(self) -> str | None:
        self.blank()
        match = _NAME.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[0]

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.wrong(f"it is nested more than {MAX_DEPTH} levels deep")

    def body(self, into: Block, *, closing: str) -> None:
        """Read attributes and blocks up to the closing brace, or to the end."""
        self.enter()
        while True:
            if closing and self.accept(closing):
                break
            self.blank()
            if not closing and self.at == len(self.text):
                break
            start = self.at
            name = self.name()
            if name is None:
                raise self.wrong("the name of an attribute or block was expected")
            self.blank()
            if self.text.startswith("=", self.at):
                self.at += 1
                into.attributes[name] = self.expression()
            else:
                into.blocks.append(self.block(name, start))
        self.depth -= 1

    def block(self, kind: str, start: int) -> Block:
        """Read the labels and the body of a block."""
        labels: list[str] = []
        while not self.accept("{"):
            if self.text.startswith('"', self.at):
                label = self.string()
                labels.append(str(label.value) if label.kind == "literal" else "")
            else:
                word = self.name()
                if word is None:
                    raise self.wrong("'{' was expected")
                labels.append(word)
        found = Block(kind, tuple(labels), start)
        self.body(found, closing="}")
        return found

    def expression(self) -> Expr:
        """Read an expression with its conditional."""
        self.enter()
        test = self.binary(1)
        if self.accept("?"):
            yes = self.expression()
            self.expect(":")
            no = self.expression()
            test = Expr("conditional", test.start, no.end, operands=(test, yes, no))
        self.depth -= 1
        return test

    def binary(self, least: int) -> Expr:
        """Read operands joined by operators that bind at least so tightly."""
        left = self.unary()
        while True:
            self.blank()
            match = _OPERATOR.match(self.text, self.at)
            level = _PRECEDENCE[match[0]] if match else 0
            if match is None or level < least:
                return left
            self.at = match.end()
            right = self.binary(level + 1)
            left = Expr("binary", left.start, right.end, match[0], (left, right))

    def unary(self) -> Expr:
        self.blank()
        start, char = self.at, self.text[self.at : self.at + 1]
        if char in ("!", "-"):
            self.at += 1
            self.enter()
            operand = self.unary()
            self.depth -= 1
            return Expr("unary", start, operand.end, char, (operand,))
        return self.suffixed(self.primary())

    def suffixed(self, expr: Expr) -> Expr:
        """Read `.attribute` and `[index]`, as many as follow directly."""
        while True:
            if self.text.startswith("[", self.at):
                self.at += 1
                if self.accept("*"):
                    self.expect("]")
                    expr = Expr("opaque", expr.start, self.at, "a splat is not evaluated")
                    continue
                index = self.expression()
                self.expect("]")
                expr = Expr("index", expr.start, self.at, operands=(expr, index))
            elif self.text.startswith(".", self.at) and not self.text.startswith("...", self.at):
                self.at += 1
                name = "*" if self.accept("*") else self.name()
                expr = Expr("attribute", expr.start, self.at, name, (expr,))
            else:
                return expr

    def primary(self) -> Expr:
        """Read a value without operators."""
        start = self.at
        char = self.text[start : start + 1]
        if char == '"':
            return self.string()
        if char == "<":
            return self.heredoc()
        if char == "[":
            return self.sequence()
        if char == "{":
            return self.table()
        if char == "(":
            self.at += 1
            inner = self.expression()
            self.expect(")")
            return Expr(inner.kind, start, self.at, inner.value, inner.operands)
        number = _NUMBER.match(self.text, start)
        if number is not None:
            self.at = number.end()
            return Expr("literal", start, self.at, float(number[0]))
        name = self.name()
        if name is None:
            raise self.wrong("a value was expected")
        if name in _WORDS:
            return Expr("literal", start, self.at, _WORDS[name])
        if self.text.startswith("(", self.at):
            return self.call(name, start)
        return Expr("name", start, self.at, name)

    def call(self, name: str, start: int) -> Expr:
        self.at += 1
        operands: list[Expr] = []
        while not self.accept(")"):
            operands.append(self.expression())
            self.accept("...")
            if not self.accept(","):
                self.expect(")")
                break
        return Expr("call", start, self.at, name, operands)

    def sequence(self) -> Expr:
        start = self.at
        self.at += 1
        if self.is_for():
            return self.comprehension(start, "]")
        operands: list[Expr] = []
        while not self.accept("]"):
            operands.append(self.expression())
            if not self.accept(","):
                self.expect("]")
                break
        return Expr("list", start, self.at, operands=operands)

    def table(self) -> Expr:
        start = self.at
        self.at += 1
        if self.is_for():
            return self.comprehension(start, "}")
        operands: list[Expr] = []
        while not self.accept("}"):
            key = self.expression()
            if key.kind == "name" and self.text[key.start] != "(":
                key = Expr("literal", key.start, key.end, key.value)
            if not self.accept("="):
                self.expect(":")
            operands += (key, self.expression())
            self.accept(",")
        return Expr("object", start, self.at, operands=operands)

    def is_for(self) -> bool:
        """Tell a `for` expression from a list or object."""
        self.blank()
        match = _NAME.match(self.text, self.at)
        return match is not None and match[0] == "for"

    def comprehension(self, start: int, closing: str) -> Expr:
        """Read over a `for` expression; what it makes is not worked out."""
        self.name()
        self.name()
        if self.accept(","):
            self.name()
        if self.name() != "in":
            raise self.wrong("'in' was expected")
        self.expression()
        self.expect(":")
        self.expression()
        if self.accept("=>"):
            self.expression()
            self.accept("...")
        if self.is_word("if"):
            self.name()
            self.expression()
        self.expect(closing)
        return Expr("opaque", start, self.at, "a for expression is not evaluated")

    def is_word(self, word: str) -> bool:
        self.blank()
        match = _NAME.match(self.text, self.at)
        return match is not None and match[0] == word

    def string(self) -> Expr:
        """Read a text in quotes; its position leaves them out."""
        self.at += 1
        expr = self.template(_QUOTED_RUN)
        if not self.text.startswith('"', self.at):
            raise self.wrong("a text in quotes is not closed")
        self.at += 1
        return expr

    def heredoc(self) -> Expr:
        """Read `<<WORD` up to the line of that word; `<<-` takes off the common margin."""
        match = _HEREDOC.match(self.text, self.at)
        if match is None:
            raise self.wrong("a value was expected")
        closing = re.compile(rf"^[ \t]*{re.escape(match[2])}[ \t]*\r?$", re.MULTILINE)
        end = closing.search(self.text, match.end())
        if end is None:
            raise self.wrong(f"the heredoc {match[2]!r} is not closed")
        body = self.text[match.end() : end.start()]
        self.at = end.end()
        if match[1]:
            body = without_margin(body)
        inner = _Parser(body, depth=self.depth).template(_PLAIN_RUN)
        return _moved(inner, match.end(), end.start())

    def template(self, run: re.Pattern[str]) -> Expr:
        """Read text and `${…}` for as long as either comes; `run` says what text may hold."""
        start = self.at
        parts: list[Expr] = []
        while True:
            match = run.match(self.text, self.at)
            text = match[0] if match else ""
            if text:
                value = unescaped(text) if run is _QUOTED_RUN else text
                value = value.replace("$${", "${").replace("%%{", "%{")
                parts.append(Expr("literal", self.at, self.at + len(text), value))
                self.at += len(text)
            if self.text.startswith("%{", self.at):
                raise self.wrong("template directives (%{…}) are not read")
            if not self.text.startswith("${", self.at):
                break
            self.at += 2
            self.accept("~")
            parts.append(self.expression())
            self.accept("~")
            self.expect("}")
        if len(parts) == 1 and parts[0].kind == "literal":
            return parts[0]
        if not parts:
            return Expr("literal", start, start, "")
        return Expr("template", start, self.at, operands=parts)
