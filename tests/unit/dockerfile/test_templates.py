"""Templates and fragments share the names of Dockerfiles."""

from __future__ import annotations

import pytest

from basekeeper.dockerfile.parser import parse_dockerfile
from basekeeper.dockerfile.templates import classify_template


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FROM a\nRUN docker inspect -f '{{.Id}}'\nRUN sed s/@X@/y/\n", None),
        ("FROM a\nCOPY --from=b x y\nRUN --mount=from=c,target=/x y", None),
        ("FROM {{ base }}\n", "line 1 holds {{ }}"),
        ("ARG V=%%VERSION%%\nFROM a", "line 1 holds %%NAME%%"),
        ("FROM a:@V@\n", "holds @NAME@"),
        ("{% if x %}\nFROM a\n", "holds {% %}"),
        ("FROM a\n<%= x %>\n", "line 2 holds <% %>"),
        ("FROM a\nCOPY --from={{ x }} y z\n", "line 2 holds {{ }}"),
        ('#include "x"\nFROM a\n', "line 1 is for the C preprocessor"),
        ("# include the thing\nFROM a\n", None),
        ("RUN x\n", "no FROM"),
        ("", "no FROM"),
        ("FROM a@sha256:@b\n", None),
    ],
)
def test_by_content(text: str, reason: str | None) -> None:
    found = parse_dockerfile(text.encode()).template
    assert found is None if reason is None else reason in str(found)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Dockerfile", None),
        ("Dockerfile.in", "ending .in"),
        ("sub/Dockerfile.template", "ending .template"),
        ("Dockerfile.J2", "ending .j2"),
        ("x.tmpl.Dockerfile", "ending .tmpl"),
        ("infra.Dockerfile", None),
    ],
)
def test_by_name(name: str, reason: str | None) -> None:
    found = classify_template(name, parse_dockerfile(b"FROM a"))
    assert found is None if reason is None else reason in str(found)
