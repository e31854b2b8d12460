"""HCL: what parses, what it is worth, and that nothing hostile gets through."""

from __future__ import annotations

import pytest

from basekeeper.readers.hcl import HclError, parse_hcl, parse_template
from basekeeper.readers.hclvalue import MAX_TEXT_CHARS, Scope, Unknown, Value, as_text

VALUES = [
    ('"text"', "text"),
    ('""', ""),
    ('"a\\n\\t\\"\\\\\\u00e9\\U0001f600\\q"', 'a\n\t"\\\u00e9\U0001f600q'),
    ('"\\Uffffffff"', "\ufffd"),
    ('"$${literal} %%{x} $ % 5%"', "${literal} %{x} $ % 5%"),
    ('"v${V}-${upper("x")}"', "v1.2-X"),
    ('"${V}"', "1.2"),
    ('"${~ V ~}"', "1.2"),
    ('"${LIST}"', ["a", "b"]),
    ('"x${LIST}"', Unknown("a text was expected")),
    ('"n${null}"', "n"),
    ("12", 12.0),
    ("1.5e3", 1500.0),
    ("-3", -3.0),
    ('-"x"', Unknown("a number was expected")),
    ("true", True),
    ("null", None),
    ("V", "1.2"),
    ("GIVEN", "user"),
    ("NODEFAULT", Unknown("variable 'NODEFAULT' has no default")),
    ("MISSING", Unknown("variable 'MISSING' has no default")),
    ("LOOP", Unknown("variable 'LOOP' stands on itself")),
    ('["a", V, ]', ["a", "1.2"]),
    ("[]", []),
    ('{a = 1, "b" : 2\n (V) = 3}', {"a": 1.0, "b": 2.0, "1.2": 3.0}),
    ("{(MISSING) = 1}", {}),
    ("OBJ.k", "v"),
    ("OBJ.none", Unknown("there is no 'none'")),
    ('OBJ["k"]', "v"),
    ('OBJ["none"]', Unknown("there is no 'none'")),
    ("V.k", Unknown("there is no 'k'")),
    ("MISSING.k", Unknown("variable 'MISSING' has no default")),
    ("LIST[1]", "b"),
    ("LIST[5]", Unknown("the list is shorter")),
    ("LIST[V]", Unknown("an index does not fit")),
    ("LIST[MISSING]", Unknown("variable 'MISSING' has no default")),
    ("LIST[*].x", Unknown("a splat is not evaluated")),
    ("LIST.*", Unknown("there is no '*'")),
    ('V == "1.2" ? "yes" : "no"', "yes"),
    ('V != "1.2" ? "yes" : "no"', "no"),
    ('MISSING == "" ? 1 : 2', Unknown("variable 'MISSING' has no default")),
    ("V ? 1 : 2", Unknown("a condition is neither true nor false")),
    ('"true" ? 1 : 2', 1.0),
    ("null == null", True),
    ('null == ""', False),
    ('1 == "1"', True),
    ("!true", False),
    ("!V", Unknown("a condition is neither true nor false")),
    ("true && false", False),
    ("MISSING && false", False),
    ("MISSING || true", True),
    ("MISSING || false", Unknown("variable 'MISSING' has no default")),
    ("true && true", True),
    ("1 + 2 * 3 - 4 / 2 % 2", 7.0),
    ("(1 + 2) * 3", 9.0),
    ("1 < 2", True),
    ("1 >= 2", False),
    ("1 / 0", Unknown("division by zero")),
    ("V + 1", Unknown("numbers were expected")),
    ('lower("AB")', "ab"),
    ('replace("a.b", ".", "-")', "a-b"),
    ('replace("a", "", "x")', "a"),
    ('join("-", LIST)', "a-b"),
    ('split(",", "x,y")', ["x", "y"]),
    ("concat(LIST, [V]...)", ["a", "b", "1.2"]),
    ('coalesce("", V)', "1.2"),
    ("coalesce()", Unknown("nothing is set")),
    ("try(MISSING, V)", "1.2"),
    ("try(MISSING)", Unknown("no choice of try() is known")),
    ('equal(V, "1.2")', True),
    ('notequal(V, "1.2")', False),
    ("and(true, true)", True),
    ("or(false, true)", True),
    ("not(false)", True),
    ("length(LIST)", 2.0),
    ('sanitize("a/b:c")', "a_b_c"),
    ('basename("a/b")', "b"),
    ('dirname("a/b")', "a"),
    ('trimprefix("abc", "a")', "bc"),
    ('trimsuffix("abc", "c")', "ab"),
    ('trimspace(" a ")', "a"),
    ("lower(1)", Unknown("the arguments of lower() do not fit")),
    ("lower(MISSING)", Unknown("variable 'MISSING' has no default")),
    ("timestamp()", Unknown("function timestamp() is not evaluated")),
    ('twice("x")', "xx"),
    ("endless(1)", Unknown("the file is too large to be worked out")),
    ("[for x in LIST : upper(x) if x != V]", Unknown("a for expression is not evaluated")),
    ("{for k, v in OBJ : k => v...}", Unknown("a for expression is not evaluated")),
    ("<<EOT\nline ${V}\n  two\nEOT\n", "line 1.2\n  two\n"),
    ("<<-EOT\n    a\n      b\n\n    EOT\n", "a\n  b\n\n"),
]  # fmt: skip

SETUP = """
# comment
V = "1.2" // comment
LIST = ["a", "b"] /* comment
over lines */
variable "OBJ" { default = { k = "v" } }
variable "GIVEN" { default = "file" }
variable "NODEFAULT" {}
LOOP = LOOP
function "twice" {
  params = [text]
  result = "${text}${text}"
}
function "endless" {
  params = [x]
  result = endless(x)
}
"""


def evaluate(text: str, setup: str = SETUP) -> Value:
    body = parse_hcl(f"{setup}\nanswer = {text}\n")
    variables = {**body.attributes}
    for block in body.blocks:
        if block.kind == "variable":
            variables[block.labels[0]] = block.attributes.get("default")  # type: ignore[assignment]
    functions = {block.labels[0]: block for block in body.blocks if block.kind == "function"}
    scope = Scope(variables, functions, {"GIVEN": "user"})
    return scope.value(body.attributes["answer"])


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[text for text, _ in VALUES])
def test_value(text: str, expected: Value) -> None:
    found = evaluate(text)
    assert found == expected
    assert type(found) is type(expected)


def test_blocks_may_have_bare_labels_and_nest() -> None:
    (block,) = parse_hcl('target web "x" { inner { a = 1 } }').blocks
    assert (block.kind, block.labels, block.blocks[0].attributes["a"].value) == (
        "target",
        ("web", "x"),
        1.0,
    )


def test_positions_leave_the_quotes_out() -> None:
    text = 'a = "value"'
    expr = parse_hcl(text).attributes["a"]
    assert text[expr.start : expr.end] == "value"


def test_a_template_from_json_keeps_the_position_it_is_given() -> None:
    expr = parse_template("a${B}", 7, 12)
    assert {(each.start, each.end) for each in (expr, *expr.operands)} == {(7, 12)}


BAD = [
    ("=", "the name of an attribute or block was expected"),
    ("a = ", "a value was expected"),
    ('a = "open', "a text in quotes is not closed"),
    ('a = "x\ny"', "a text in quotes is not closed"),
    ("a = [1 2]", "']' was expected"),
    ("a = {b 2}", "':' was expected"),
    ("a = (1", "')' was expected"),
    ("a = f(1", "')' was expected"),
    ("a = x[1", "']' was expected"),
    ("a = t ? 1", "':' was expected"),
    ('a = "%{ if x }"', "template directives"),
    ('a = "${b"', "'}' was expected"),
    ("a = <<EOT\nx", "the heredoc 'EOT' is not closed"),
    ("a = <x", "a value was expected"),
    ("a = [for x of y : z]", "'in' was expected"),
    ("a {", "the name of an attribute or block was expected"),
    ("a 5", "'{' was expected"),
    ("a = " + "[" * 1000, "nested more than 40 levels"),
    ("a = " + "!" * 1000, "nested more than 40 levels"),
    ("a {" * 1000, "nested more than 40 levels"),
    ("a = " + '"${' * 1000, "nested more than 40 levels"),
    ("a = " + "1?" * 1000, "nested more than 40 levels"),
    ("/* open", "the name of an attribute or block was expected"),
]


@pytest.mark.parametrize(("text", "reason"), BAD, ids=[str(n) for n in range(len(BAD))])
def test_bad_hcl_says_why(text: str, reason: str) -> None:
    with pytest.raises(HclError) as caught:
        parse_hcl(text)
    assert reason in caught.value.reason
    assert 0 <= caught.value.at <= len(text)


def test_texts_that_double_each_other_are_bounded() -> None:
    setup = 'A0 = "0123456789"\n' + "".join(
        f'A{n} = "${{A{n - 1}}}${{A{n - 1}}}"\n' for n in range(1, 50)
    )
    assert evaluate("A20", setup) == Unknown(f"a text is longer than {MAX_TEXT_CHARS} characters")


@pytest.mark.parametrize(
    "text", ['replace(BIG, "x", BIG)', "join(BIG, [BIG, BIG])", '"${BIG}${BIG}"']
)
def test_functions_cannot_blow_up(text: str) -> None:
    setup = f'BIG = "{"x" * 40_000}"\n'
    assert evaluate(text, setup) == Unknown(f"a text is longer than {MAX_TEXT_CHARS} characters")


def test_long_lists_are_bounded() -> None:
    assert evaluate("[" + "1," * 5000 + "]") == Unknown("a list is longer than 4096 items")


TEXTS: list[tuple[Value, object]] = [
    (None, None), ("x", "x"), (True, "true"), (False, "false"), (3.0, "3"), (1.5, "1.5"),
    (1e300, "1e+300"), ([], Unknown("a text was expected")), (Unknown("why"), Unknown("why")),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), TEXTS)
def test_as_text(value: Value, expected: object) -> None:
    assert as_text(value) == expected
