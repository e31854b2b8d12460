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
    ("name", "text", "is_fragment"),
    [
        ("Dockerfile", "FORM alpine\n", False),
        ("sub/Containerfile", "ARG V=1\nFORM alpine:$V\n", False),
        ("api.Dockerfile", "# base\nform alpine\nRUN x\n", False),
        ("Dockerfile.common", "FORM alpine\n", True),
        ("Dockerfile", "RUN x\nFORM alpine\n", True),
        ("Dockerfile", "ARG V\n", True),
        ("Dockerfile", "", True),
    ],
)
def test_a_plain_name_whose_first_word_is_unknown_is_no_fragment(
    name: str, text: str, *, is_fragment: bool
) -> None:
    found = classify_template(name, parse_dockerfile(text.encode()))
    assert found == ("it has no FROM" if is_fragment else None)


def test_marks_of_a_template_count_whatever_the_name() -> None:
    found = classify_template("Dockerfile", parse_dockerfile(b"{% include 'x' %}\n"))
    assert found == "line 1 holds {% %} of a template"


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
