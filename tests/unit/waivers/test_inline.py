from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from basekeeper.dockerfile.parser import parse_dockerfile
from basekeeper.values.use import BuildPlan, SourceFile
from basekeeper.values.waiver import Waiver
from basekeeper.waivers import Waivers, comment_blocks, read_inline, restrict_inline
from basekeeper.waivers.inline import MAX_COMMENT_CHARS, Block, Comment
from tests.unit.waivers.making import limits, waiver

GOOD = '# basekeeper: ignore[end-of-life] owner=@team until=2027-01-31 reason="in January"'


def block(*lines: str, target: int | None = 10) -> Block:
    comments = tuple(Comment(line, text) for line, text in enumerate(lines, 10 - len(lines)))
    return Block("Dockerfile", comments, target, "FROM node")


def read(*lines: str, target: int | None = 10, **settings: Any) -> Waivers:
    return read_inline([block(*lines, target=target)], limits(**settings))


def test_reads_a_waiver() -> None:
    assert read(GOOD) == Waivers(
        (
            Waiver(
                rules=("end-of-life",),
                owner="@team",
                reason="in January",
                until=date(2027, 1, 31),
                paths=("Dockerfile",),
                source="Dockerfile",
                line=9,
                target_line=10,
                target="FROM node",
            ),
        )
    )


@pytest.mark.parametrize(
    "line",
    [
        GOOD.replace("# ", "#"),
        GOOD.replace("# ", "  ## "),
        GOOD.replace("basekeeper", "BaseKeeper"),
        GOOD + "\r\n",
        GOOD.replace('"in January"', '"in January"  '),
        GOOD.replace("@team", '"@team"'),
        '# basekeeper: ignore[end-of-life] reason="in January"  until=2027-01-31 owner=@team',
        GOOD.replace("ignore[", "ignore ["),
    ],
)
def test_reads_other_spellings(line: str) -> None:
    assert read(line) == read(GOOD)


@pytest.mark.parametrize("rules", ["end-of-life, floating-tag", "end-of-life,floating-tag"])
def test_reads_several_rules(rules: str) -> None:
    (one,) = read(GOOD.replace("end-of-life", rules)).accepted
    assert one.rules == ("end-of-life", "floating-tag")


def test_a_second_line_goes_on_where_the_first_ends() -> None:
    first, _, rest = GOOD.partition(" until=")
    (one,) = read(first, "# something else", f"# basekeeper: until={rest}").accepted
    assert (one.line, one.until, one.reason) == (7, date(2027, 1, 31), "in January")


def test_several_waivers_may_stand_above_one_instruction() -> None:
    both = read(GOOD, GOOD.replace("end-of-life", "floating-tag"))
    assert [(one.rules, one.line) for one in both.accepted] == [
        (("end-of-life",), 8),
        (("floating-tag",), 9),
    ]


@pytest.mark.parametrize("line", ["# a comment", "# see basekeeper", "# basekeepers: ignore[x]"])
def test_other_comments_are_no_waivers(line: str) -> None:
    assert read(line) == Waivers()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("# basekeeper:", "expected ignore[rule-id]"),
        ("# basekeeper: ignore", "expected ignore[rule-id], got 'ignore'"),
        ("# basekeeper: ignore[end-of-life]", "lacks owner; lacks until; lacks reason"),
        (GOOD.replace("@team", '""'), "lacks owner"),
        (GOOD.replace("2027-01-31", "soon"), "until: expected YYYY-MM-DD, got 'soon'"),
        (GOOD.replace("2027-01-31", "20270131"), "until: expected YYYY-MM-DD"),
        (GOOD.replace("2027-01-31", "2027-W04-7"), "until: expected YYYY-MM-DD"),
        (GOOD.replace("2027-01-31", "2027-02-30"), "until: expected YYYY-MM-DD"),
        (GOOD.replace("in January", "\u200b\u2060"), "reason has neither a letter nor a digit"),
        (GOOD.replace("@team", "@"), "owner has neither a letter nor a digit"),
        (GOOD.replace("in January", "\u3000\u00a0"), "lacks reason"),
        (GOOD.replace("2027-01-31", "2028-01-31"), "more than 180 days away"),
        (GOOD.replace("end-of-life", ""), "must name at least one rule"),
        (GOOD.replace("end-of-life", "end-of-live"), "there is no rule 'end-of-live'"),
        (GOOD.replace("end-of-life", "*"), "there is no rule '*'"),
        (GOOD.replace("end-of-life", "invalid-waiver"), "lets nobody waive invalid-waiver"),
        (GOOD + " and more", "cannot read 'and more'"),
        (GOOD.replace('"in January"', "in January"), "cannot read 'January'"),
        (GOOD.replace('"in January"', '"in January'), "cannot read"),
        (GOOD + " owner=@me", "gives owner twice"),
        (GOOD.replace("owner", "by"), "does not know 'by'; lacks owner"),
        (GOOD + "x" * MAX_COMMENT_CHARS, "longer than 4096 characters"),
    ],
)
def test_what_is_wrong_is_never_ignored(line: str, message: str) -> None:
    result = read(line)
    assert result.accepted == ()
    (one,) = result.invalid
    assert (one.path, one.line) == ("Dockerfile", 9)
    assert message in one.message
    assert one.hint


def test_suggests_the_rule_that_was_meant() -> None:
    (one,) = read(GOOD.replace("end-of-life", "end-of-live")).invalid
    assert one.hint == "did you mean 'end-of-life'?"


@pytest.mark.parametrize("directive", ["# syntax=docker/dockerfile:1", "#escape=`", "# Check = x"])
def test_is_wrong_above_a_parser_directive(directive: str) -> None:
    (one,) = read(GOOD, directive).invalid
    assert "above a parser directive" in one.message
    assert read("# syntax=docker/dockerfile:1", GOOD).invalid == ()


def test_is_wrong_where_no_instruction_follows() -> None:
    (one,) = read(GOOD, target=None).invalid
    assert "not stand directly above" in one.message


def test_is_wrong_where_the_policy_permits_none() -> None:
    (one,) = read(GOOD, inline=False).invalid
    assert "permits no inline waivers" in one.message


INLINE = waiver(source="Dockerfile", target_line=10, target="FROM node", paths=("Dockerfile",))


def restricted(mine: list[Waiver], theirs: list[Waiver]) -> list[Waiver]:
    return list(restrict_inline(Waivers(tuple(mine)), Waivers(tuple(theirs))).accepted)


def test_a_waiver_that_the_other_revision_has_counts_wherever_its_lines_moved() -> None:
    moved = replace(INLINE, line=40, target_line=41)
    assert restricted([moved], [INLINE]) == [moved]


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "other/Dockerfile"},
        {"rules": ("end-of-life", "floating-tag")},
        {"until": date(2027, 2, 1)},
        {"owner": "@me"},
        {"reason": "other"},
        {"target": "FROM evil"},
    ],
)
def test_a_waiver_that_the_other_revision_lacks_does_not_count(changes: dict[str, Any]) -> None:
    assert restricted([replace(INLINE, **changes)], [INLINE]) == []


def test_a_copied_waiver_counts_once() -> None:
    assert len(restricted([INLINE, replace(INLINE, line=50)], [INLINE])) == 1


def test_waivers_of_the_waiver_file_pass() -> None:
    assert restricted([waiver()], []) == [waiver()]


def blocks(text: str, **more: Any) -> list[tuple[list[int], int | None, str]]:
    values: dict[str, Any] = {"path": "Dockerfile", "kind": "dockerfile", "production": True}
    file = SourceFile(document=parse_dockerfile(text.encode()), **{**values, **more})
    return [
        ([comment.line for comment in block.comments], block.target_line, block.target)
        for block in comment_blocks(file)
    ]


MARK = "# basekeeper: x\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{MARK}FROM node:18 AS b\n", [([1], 2, "FROM node AS b")]),
        (f"{MARK}# more\nFROM r:5000/a:1@sha256:b\n", [([1, 2], 3, "FROM r:5000/a")]),
        (f"FROM a\n{MARK}RUN x:1\n", [([2], 3, "RUN")]),
        (f"FROM a\n{MARK}COPY --from=b:1 /c /d\n", [([2], 3, "COPY from=b /c /d")]),
        (f"{MARK}\nFROM a\n", [([1], None, "")]),
        (f"FROM a\n{MARK}", [([2], None, "")]),
        (f"FROM a\nRUN x && \\\n{MARK}  y\n", [([3], None, "")]),
        (f"FROM a\nRUN x && \\\n{MARK}\nUSER y\n", [([3], None, "")]),
        (f"FROM a\nRUN <<E\n{MARK}E\n", []),
        (f"# syntax=d\n{MARK}FROM a\n", [([2], 3, "FROM a")]),
        (f"{MARK}# syntax=d\nFROM a\n", [([1, 2], 3, "FROM a")]),
        (f"# other\n\n{MARK}FROM a\n", [([1], None, ""), ([3], 4, "FROM a")]),
        ("# nothing of ours\nFROM a\n", []),
        (f"{MARK}# BASEKEEPER: y\r\nFROM a\r\n", [([1, 2], 3, "FROM a")]),
    ],
)
def test_finds_comments_and_what_they_stand_above(text: str, expected: list[Any]) -> None:
    assert blocks(text) == expected


def test_counts_lines_from_the_start_of_the_outer_file() -> None:
    assert blocks(f"{MARK}FROM a\n", first_line=11) == [([11], 12, "FROM a")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ARG B=node:18\nFROM $B\n", "ARG B=evil:18\nFROM $B\n"),
        ("FROM a\nRUN --mount=from=b x\n", "FROM a\nRUN --mount=from=evil x\n"),
        ("FROM a\nCOPY --from=b /c /d\n", "FROM a\nCOPY --from=evil /c /d\n"),
        ("FROM a\nONBUILD COPY --from=b /c /d\n", "FROM a\nONBUILD COPY --from=evil /c /d\n"),
    ],
)
def test_a_waiver_is_another_one_above_another_image(before: str, after: str) -> None:
    def target(text: str) -> str:
        head, last = text.rstrip("\n").rsplit("\n", 1)
        document = parse_dockerfile(f"{head}\n{MARK}{last}\n".encode())
        plan = BuildPlan("default", {}, None, "linux/amd64", document.resolve())
        file = SourceFile(
            path="D", kind="dockerfile", production=True, document=document, plans=(plan,)
        )
        (block,) = comment_blocks(file)
        return block.target

    assert target(before) != target(after)
    assert target(before) == target(before.replace("18", "20").replace("from=b", "from=b:2"))


def test_files_without_a_document_have_no_comments() -> None:
    assert list(comment_blocks(SourceFile(path="c", kind="compose", production=True))) == []
