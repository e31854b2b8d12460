"""Patches: the lines that change with their context, whatever bytes they hold."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.render.diff import diff_bytes, diff_text, painted_diff
from basekeeper.render.layout import Style
from basekeeper.values.change import FileEdit

if TYPE_CHECKING:
    from pathlib import Path


def edited(before: bytes, after: bytes, path: str = "Dockerfile") -> FileEdit:
    return FileEdit(path, before, after, ())


def test_lines_stand_in_their_context() -> None:
    lines = [b"%d\n" % at for at in range(1, 31)]
    after = list(lines)
    after[4], after[9], after[29] = b"five\n", b"ten\n", b"thirty"
    text = diff_text(edited(b"".join(lines), b"".join(after)))
    assert text.splitlines() == [
        "--- a/Dockerfile", "+++ b/Dockerfile",
        "@@ -2,12 +2,12 @@", " 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8", " 9", "-10",
        "+ten", " 11", " 12", " 13",
        "@@ -27,4 +27,4 @@", " 27", " 28", " 29", "-30", "+thirty", "\\ No newline at end of file",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("a/Dockerfile", "--- a/a/Dockerfile\n"),
        ("my file", "--- a/my file\t\n"),
        ('q"u\\o', '--- "a/q\\"u\\\\o"\n'),
        ("n\xe4h\n\x01", '--- "a/n\\303\\244h\\n\\001"\n'),
        ("\udcff", '--- "a/\\377"\n'),
    ],
)
def test_paths_are_written_as_git_writes_them(path: str, head: str) -> None:
    assert diff_text(edited(b"a\n", b"b\n", path)).startswith(head)


def test_a_prefix_stands_before_the_path() -> None:
    found = diff_text(edited(b"a\n", b"b\n"), prefix="services/api")
    assert found.startswith("--- a/services/api/Dockerfile\n+++ b/services/api/Dockerfile\n")


def test_a_terminal_sees_colours_and_nothing_that_acts() -> None:
    file = edited(b"FROM a\r\n\x1b[2J\xff\n", b"FROM b\r\n\x1b[2J\xff\n")
    shown = "".join(painted_diff([file], Style(colour=True)))
    assert "\x1b[31m-FROM a\x1b[0m\n\x1b[32m+FROM b\x1b[0m\n" in shown
    assert " \\x1b[2J\\udcff\n" in shown
    assert "\x1b[36m@@ -1,2 +1,2 @@\x1b[0m" in shown
    plain = "".join(painted_diff([file], Style()))
    assert "\x1b" not in plain


LINE = st.binary(max_size=6).map(lambda data: data.replace(b"\n", b"x"))


@given(st.lists(st.tuples(LINE, LINE, st.booleans()), min_size=1, max_size=30), st.booleans())
def test_a_patch_rebuilds_the_new_file(lines: list[tuple[bytes, bytes, bool]], ends: bool) -> None:  # noqa: FBT001
    before = b"\n".join(one for one, _, _ in lines) + (b"\n" if ends else b"x")
    after = b"\n".join(b if c else a for a, b, c in lines) + (b"\n" if ends else b"x")
    patch = b"".join(diff_bytes([edited(before, after)]))
    old, new = replayed(before, patch)
    assert old == before
    assert new == after


def replayed(data: bytes, patch: bytes) -> tuple[bytes, bytes]:
    """Apply a patch in the simplest way: take lines over, check those that must be there."""
    source = [line + b"\n" for line in data.split(b"\n")]
    source[-1] = source[-1][:-1]
    old, new, at = b"", b"", 0
    lines = [line + b"\n" for line in patch.split(b"\n")[:-1]][2:]
    for number, line in enumerate(lines):
        last = number + 1 < len(lines) and lines[number + 1].startswith(b"\\")
        content = line[1:-1] if last else line[1:]
        if line.startswith(b"@@"):
            start = int(line.split(b",")[0][4:]) - 1
            old, new, at = (
                old + b"".join(source[at:start]), new + b"".join(source[at:start]), start,
            )  # fmt: skip
        elif line[:1] in (b" ", b"-"):
            assert source[at] == content
            old, at = old + content, at + 1
        if line[:1] in (b" ", b"+"):
            new += content
    rest = b"".join(source[at:])
    return old + rest, new + rest


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_git_takes_any_bytes(tmp_path: Path, end: bytes) -> None:
    before = b"\xff\r\nFROM a" + end
    (tmp_path / "x y").write_bytes(before)
    patch = b"".join(diff_bytes([edited(before, before.replace(b"M a", b"M b"), "x y")]))
    subprocess.run(["git", "apply"], cwd=tmp_path, input=patch + b"\nsome words\n", check=True)
    assert (tmp_path / "x y").read_bytes() == b"\xff\r\nFROM b" + end
