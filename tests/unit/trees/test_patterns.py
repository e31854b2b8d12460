"""Globs on paths match as a `.gitignore` does, in bounded time."""

from __future__ import annotations

import pytest

from basekeeper.trees.patterns import MAX_PATTERN_CHARS, PathPatterns

MATCHES = [
    # pattern, path, whether it matches
    ("Dockerfile", "Dockerfile", True),
    ("Dockerfile", "a/b/Dockerfile", True),
    ("Dockerfile", "a/Dockerfile.dev", False),
    ("tests", "tests/Dockerfile", True),
    ("tests", "a/tests/b/Dockerfile", True),
    ("tests/", "a/tests/Dockerfile", True),
    ("tests/", "a/tests", False),
    ("/tests", "tests/Dockerfile", True),
    ("/tests", "a/tests/Dockerfile", False),
    ("/Dockerfile", "Dockerfile", True),
    ("a/b", "a/b/c/Dockerfile", True),
    ("a/b", "x/a/b/Dockerfile", False),
    ("./a/b", "a/b/Dockerfile", True),
    ("*.tmpl", "x/Dockerfile.tmpl", True),
    ("*.tmpl", "x/Dockerfile.tmpl.bak", False),
    ("a/*/c", "a/b/c", True),
    ("a/*/c", "a/b/b/c", False),
    ("a/?/c", "a/b/c", True),
    ("a/?/c", "a/bb/c", False),
    ("**/tests/**", "tests/Dockerfile", True),
    ("**/tests/**", "a/b/tests/c/Dockerfile", True),
    ("**/tests/**", "tests", False),
    ("**/tests/**", "a/tests", False),
    ("**/t*s/**", "a/tests/Dockerfile", True),
    ("**/t*s/**", "a/toast/Dockerfile", False),
    ("a/**", "a/b/c", True),
    ("a/**", "a", False),
    ("a/**/z", "a/z", True),
    ("a/**/z", "a/b/c/z", True),
    ("a/**/z", "a/b/c/y", False),
    ("a/**/**/z", "a/b/z", True),
    ("**", "anything/at/all", True),
    ("**", "Dockerfile", True),
    ("/**", "Dockerfile", True),
    ("**/", "Dockerfile", False),
    ("**/", "a/Dockerfile", True),
    ("**/Dockerfile", "Dockerfile", True),
    ("**/Dockerfile", "a/Dockerfile", True),
    ("**/a/**/b", "x/a/y/a/z/b", True),
    ("[DC]ockerfile", "Dockerfile", True),
    ("[!D]ockerfile", "Dockerfile", False),
    ("[^D]ockerfile", "Cockerfile", True),
    ("file[0-9]", "file7", True),
    ("file[0-9]", "filex", False),
    ("file[a-]", "file-", True),
    ("file[]]", "file]", True),
    (r"file\*", "file*", True),
    (r"file\*", "filex", False),
    ("[", "[", True),
    ("a*b*c", "aXbYc", True),
    ("a*b*c", "aXbY", False),
    ("*", "x", True),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), MATCHES)
def test_pattern_matches(pattern: str, path: str, expected: bool) -> None:  # noqa: FBT001
    assert PathPatterns([pattern]).match(path) is expected


def test_the_last_pattern_that_fits_decides() -> None:
    patterns = PathPatterns(["tests/**", "!tests/keep/**", "tests/keep/not"])
    assert patterns.match("tests/Dockerfile")
    assert not patterns.match("tests/keep/Dockerfile")
    assert patterns.match("tests/keep/not")
    assert not patterns.match("Dockerfile")


def test_no_pattern_matches_nothing() -> None:
    assert not PathPatterns(["", "/", "!", " "])
    assert not PathPatterns([]).match("x")
    assert PathPatterns(["x"])


def test_a_pattern_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than 1024 characters"):
        PathPatterns(["a" * (MAX_PATTERN_CHARS + 1)])


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("*a" * 400 + "b", "a" * 4000), ("/".join(["**", "a"] * 200) + "/b", "/".join(["a"] * 2000))],
)
def test_a_hostile_pattern_ends(pattern: str, path: str) -> None:
    assert not PathPatterns([pattern]).match(path)
