"""Joining paths below a root, and telling text from the rest."""

from __future__ import annotations

import pytest

from basekeeper.trees.tree import is_binary, join

JOINS = [
    ("", ".", ""),
    ("", "a/b", "a/b"),
    ("a", "b", "a/b"),
    ("a", ".", "a"),
    ("a", "..", ""),
    ("a/b", "../c/./d", "a/c/d"),
    ("a", "../..", None),
    ("", "..", None),
    ("", "../x", None),
    ("", "..x", "..x"),
    ("a", "/etc", None),
    ("a", "b\0", None),
]


@pytest.mark.parametrize(("directory", "path", "expected"), JOINS)
def test_join(directory: str, path: str, expected: str | None) -> None:
    assert join(directory, path) == expected


def test_binary_is_a_nul_byte_near_the_start() -> None:
    assert is_binary(b"FROM\0")
    assert not is_binary(b"x" * 9000 + b"\0")
    assert not is_binary("é".encode("latin-1"))
