"""Lines, directives, comments, flags, words and heredocs."""

from __future__ import annotations

import pytest

from basekeeper.dockerfile.parser import parse_dockerfile

Lines = list[tuple[str, int, int, tuple[str, ...]]]


def lines(text: str | bytes) -> Lines:
    data = text if isinstance(text, bytes) else text.encode()
    return [(i.name, i.line, i.end_line, i.args) for i in parse_dockerfile(data).instructions]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a", [("FROM", 1, 1, ("a",))]),
        ("\ufeffFROM a\n", [("FROM", 1, 1, ("a",))]),
        ("from\ta\r\nRun x\r\n", [("FROM", 1, 1, ("a",)), ("RUN", 2, 2, ("x",))]),
        ("\n# c\n  FROM a\n", [("FROM", 3, 3, ("a",))]),
        ("FROM al\\\npine\n", [("FROM", 1, 2, ("alpine",))]),
        ("FROM \\  \n  a\n", [("FROM", 1, 2, ("a",))]),
        ("FROM \\\r\n  a\r\n", [("FROM", 1, 2, ("a",))]),
        ("FROM \\\n# c \\\n\n  a\n", [("FROM", 1, 4, ("a",))]),
        ("FR\\\nOM a\n", [("FROM", 1, 2, ("a",))]),
        ("\\\nFROM a\n", [("FROM", 1, 2, ("a",))]),
        ("RUN x \\\\\nRUN y\n", [("RUN", 1, 1, ("x \\\\",)), ("RUN", 2, 2, ("y",))]),
        ("FROM a\nRUN x \\", [("FROM", 1, 1, ("a",)), ("RUN", 2, 2, ("x",))]),
        ("FROM a # b\n", [("FROM", 1, 1, ("a", "#", "b"))]),
        ("FROM\va\fas\rb\n", [("FROM", 1, 1, ("a", "as", "b"))]),
        ("\u00a0FROM a\n", [("FROM", 1, 1, ("a",))]),
        ("FROM a\u00a0\n", [("FROM", 1, 1, ("a",))]),
        ("# escape=`\nFROM `\na\nRUN \\\n", [("FROM", 2, 3, ("a",)), ("RUN", 4, 4, ("\\",))]),
        ("FROM a\nBOGUS x\n", [("FROM", 1, 1, ("a",)), ("BOGUS", 2, 2, ("x",))]),
        (b"FROM a\nLABEL x=\xe9\n", [("FROM", 1, 1, ("a",)), ("LABEL", 2, 2, ("x=\xe9",))]),
        ("FROM a\nLABEL x=é\n", [("FROM", 1, 1, ("a",)), ("LABEL", 2, 2, ("x=é",))]),
        ("", []),
        ("# only\n", []),
    ],
)  # fmt: skip
def test_logical_lines(text: str | bytes, expected: Lines) -> None:
    assert lines(text) == expected


@pytest.mark.parametrize(
    ("text", "bodies", "following"),
    [
        ("RUN <<E\nFROM x\n# c \\\nE\nUSER u\n", ["FROM x\n# c \\\n"], "USER"),
        ("RUN <<-E\n\ta\n\tE\nUSER u\n", ["\ta\n"], "USER"),
        ("RUN << E\na\nE\nUSER u\n", ["a\n"], "USER"),
        ("RUN <<'E' <<\"F\"\na\nE\nb\nF\nUSER u\n", ["a\n", "b\n"], "USER"),
        ("RUN 3<<E\r\na\r\nE\r\nUSER u\r\n", ["a\r\n"], "USER"),
        ("COPY <<E /x\na\nE", ["a\n"], None),
        ("ONBUILD RUN <<E\na\nE\nUSER u", ["a\n"], "USER"),
        ("RUN <<E\n E\nE\nUSER u", [" E\n"], "USER"),
        ("RUN cat <<<E\nUSER u", [], "USER"),
        ("RUN echo $((1<<2))\nUSER u", [], "USER"),
        ('RUN "<<E"\nUSER u', [], "USER"),
        ('RUN ["<<E"]\nUSER u', [], "USER"),
        ("RUN don't <<E\nUSER u", [], "USER"),
        ("CMD <<E\nUSER u", [], "USER"),
        ("RUN ${x:+<<E\nUSER u", [], "USER"),
        ("ONBUILD USER <<E\nUSER u", [], "USER"),
    ],
)
def test_heredocs_are_opaque(text: str, bodies: list[str], following: str | None) -> None:
    found = parse_dockerfile(text.encode()).instructions
    assert [each.body for each in found[0].heredocs] == bodies
    assert (found[1].name if len(found) > 1 else None) == following


def test_a_heredoc_tells_whether_its_body_is_expanded() -> None:
    (run,) = parse_dockerfile(b"RUN <<A <<-'B'\nA\nB\n").instructions
    assert [(each.name, each.expand, each.chomp) for each in run.heredocs] == [
        ("A", True, False),
        ("B", False, True),
    ]


def test_after_an_unterminated_heredoc_the_lines_are_read_as_instructions() -> None:
    document = parse_dockerfile(b"FROM a\nRUN <<E\nFROM b\nRUN <<F\nF\n")
    assert [each.name for each in document.instructions] == ["FROM", "RUN", "FROM", "RUN", "F"]
    assert document.rejected == "line 2: a heredoc is not ended"


@pytest.mark.parametrize(
    ("text", "directives", "rejected"),
    [
        ("# escape=`\nFROM a", [("escape", "`", 1)], None),
        ("#Escape = ` \nFROM a", [("escape", "`", 1)], None),
        ("  # syntax=x y\n# check=skip=all\nFROM a",
         [("syntax", "x y", 1), ("check", "skip=all", 2)], None),
        ("# c\n# escape=`\nFROM a", [], None),
        ("\n# escape=`\nFROM a", [], None),
        ("# foo=bar\n# escape=`\nFROM a", [], None),
        ("# escape=x\nFROM a", [("escape", "x", 1)], "line 1: 'x' cannot be the escape character"),
        ("# escape= \nFROM a", [("escape", " ", 1)], "line 1: ' ' cannot be the escape character"),
        ("# escape=\nFROM a", [], None),
        ("# escape=`\n# escape=`\nFROM a", [("escape", "`", 1), ("escape", "`", 2)],
         "line 2: the parser directive 'escape' is given twice"),
    ],
)  # fmt: skip
def test_directives(
    text: str, directives: list[tuple[str, str, int]], rejected: str | None
) -> None:
    document = parse_dockerfile(text.encode())
    assert [(each.name, each.value, each.line) for each in document.directives] == directives
    assert document.rejected == rejected


def test_flags_are_unquoted_and_keep_their_bytes() -> None:
    data = b'FROM a\nCOPY --from="b" --chown=1\\ 2 --link -- --x y\n'
    document = parse_dockerfile(data)
    copy = document.instructions[1]
    assert [(each.name, each.value) for each in copy.flags] == [
        ("from", "b"),
        ("chown", "1 2"),
        ("link", None),
    ]
    assert copy.args == ("--x", "y")
    flag = copy.flag("from")
    assert flag is not None
    assert flag.value_span is not None
    assert data[slice(*flag.value_span)] == b'"b"'
    assert data[slice(*flag.span)] == b'--from="b"'
    assert copy.flag("to") is None


@pytest.mark.parametrize(
    ("line", "args", "json"),
    [
        ('RUN ["a", "b c"]', ("a", "b c"), True),
        ('RUN [ "\\u00e9" ]', ("é",), True),
        ("RUN [a]", ("[a]",), False),
        ("RUN [NaN]", ("[NaN]",), False),
        ('COPY ["a b", "c"]', ("a b", "c"), True),
        ("COPY a 'b c'", ("a", "'b", "c'"), False),
        ("ENV A='x y' B=\"p q\" C=r\\ s", ("A='x y'", 'B="p q"', "C=r\\ s"), False),
        ("ARG A B=1", ("A", "B=1"), False),
        ("ENV A=b\\", ("A=b",), False),
        ("HEALTHCHECK CMD x", ("CMD x",), False),
    ],
)
def test_words(line: str, args: tuple[str, ...], json: bool) -> None:  # noqa: FBT001
    (found,) = parse_dockerfile(line.encode()).instructions
    assert found.args == args
    assert found.json is json


def test_spans_lead_back_to_bytes_over_continuations() -> None:
    data = "# é\nENV A=1 \\\n # c\n  B=é\n".encode()
    (env,) = parse_dockerfile(data).instructions
    assert [data[slice(*word.span)].decode() for word in env.words] == ["A=1", "B=é"]
    assert data[slice(*env.span)].decode() == "ENV A=1 \\\n # c\n  B=é"
    assert env.text == "A=1   B=é"
    assert env.keyword == "ENV"


def test_onbuild_wraps_an_instruction() -> None:
    data = b"ONBUILD COPY --from=x a b"
    (onbuild,) = parse_dockerfile(data).instructions
    trigger = onbuild.trigger
    assert trigger is not None
    assert (trigger.name, trigger.args, trigger.line) == ("COPY", ("a", "b"), 1)
    assert trigger.trigger is None
    assert parse_dockerfile(b"ONBUILD").instructions[0].trigger is None


def test_comments_above_an_instruction() -> None:
    text = b"# escape=`\n# one\n\n# two\n  # three\nFROM a\n# four\nRUN x\n"
    document = parse_dockerfile(text)
    assert [(each.line, each.text) for each in document.comments_above(6)] == [
        (4, "# two"),
        (5, "# three"),
    ]
    assert [each.text for each in document.comments_above(8)] == ["# four"]
    assert document.comments_above(7) == ()
    assert document.comments_above(99) == ()


def test_comments_never_include_directives_heredocs_or_text() -> None:
    data = b"# escape=\\\n# a\r\nFROM x\nRUN y \\\n # b\n z # no\nRUN <<E\n# no\nE\n# c"
    document = parse_dockerfile(data)
    assert [(each.line, each.text) for each in document.comments] == [
        (2, "# a"),
        (5, "# b"),
        (10, "# c"),
    ]
    assert [data[slice(*each.span)].decode() for each in document.comments] == ["# a", "# b", "# c"]
    assert document.comments_above(3)[0].text == "# a"


def test_a_directive_is_not_above_the_first_instruction() -> None:
    assert parse_dockerfile(b"# escape=`\nFROM a").comments_above(2) == ()


def test_replace_changes_one_range() -> None:
    document = parse_dockerfile(b"FROM a\r\n")
    span = document.resolve().images[0].span
    assert document.replace(span, b"b:1") == b"FROM b:1\r\n"
    assert document.escape == "\\"
