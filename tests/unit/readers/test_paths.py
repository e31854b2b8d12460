"""Where a build finds its Dockerfile."""

from __future__ import annotations

import pytest

from basekeeper.readers.paths import dockerfile_path, is_remote
from basekeeper.readers.spec import Place
from basekeeper.values.use import Skipped

PLACE = Place("sub/compose.yaml", 3, 1, None)

PATHS = [
    ("", ".", None, "Dockerfile"),
    ("sub", ".", None, "sub/Dockerfile"),
    ("sub", "..", None, "Dockerfile"),
    ("sub", "./api/", None, "sub/api/Dockerfile"),
    ("sub", "api", "docker/Dockerfile.prod", "sub/api/docker/Dockerfile.prod"),
    ("sub", "api", "../web.Dockerfile", "sub/web.Dockerfile"),
    ("sub", "../..", "x/y/Dockerfile", None),
    ("", "..", "repo/../Dockerfile", None),
    ("sub", "/abs", None, None),
    ("sub", ".", "/abs/Dockerfile", None),
]


@pytest.mark.parametrize(("directory", "context", "dockerfile", "expected"), PATHS)
def test_dockerfile_path(
    directory: str, context: str, dockerfile: str | None, expected: str | None
) -> None:
    found = dockerfile_path(directory, context, dockerfile, place=PLACE, what="service 'x'")
    if expected is None:
        assert isinstance(found, Skipped)
        assert found.reason == "service 'x' is built from a Dockerfile outside the tree"
        assert (found.path, found.line, found.fatal) == ("sub/compose.yaml", 3, True)
    else:
        assert found == expected


@pytest.mark.parametrize(
    "context",
    ["https://github.com/a/b.git#main", "git@github.com:a/b", "github.com/a/b", "ssh://h/x", "-"],
)
def test_remote_contexts_are_left_out_on_purpose(context: str) -> None:
    assert is_remote(context)
    found = dockerfile_path("", context, None, place=PLACE, what="service 'x'")
    assert isinstance(found, Skipped)
    assert not found.fatal


@pytest.mark.parametrize("context", [".", "./github.com", "a:b", "git/x"])
def test_local_contexts_are_not_remote(context: str) -> None:
    assert not is_remote(context)
