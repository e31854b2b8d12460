from __future__ import annotations

import pytest

from basekeeper.rules.steps import (
    MAX_VARIABLES,
    Copy,
    Step,
    Variables,
    copied,
    json_words,
    script_of,
)


def step(keyword: str, text: str, *heredocs: str) -> Step:
    flags = []
    while text.startswith("--"):
        flag, _, text = text[2:].partition(" ")
        name, _, value = flag.partition("=")
        flags.append((name, value))
    return Step(
        keyword=keyword,
        text=text,
        flags=tuple(flags),
        line=1,
        end_line=1,
        stage=0,
        heredocs=heredocs,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [('["a", "b c"]', ("a", "b c")), ("[a]", None), ("[1]", None), ("a", None), ('{"a":1}', None)],
)
def test_reads_the_exec_form(text: str, words: tuple[str, ...] | None) -> None:
    assert json_words(text) == words


@pytest.mark.parametrize(
    ("one", "script"),
    [
        (step("RUN", "apk add gcc"), "apk add gcc"),
        (step("RUN", "--mount=type=cache,target=/x apk add gcc"), "apk add gcc"),
        (step("RUN", '["apk", "add", "it\'s"]'), "'apk' 'add' 'it'\\''s'"),
        (step("RUN", "<<EOF", "apk add gcc\n"), "apk add gcc\n"),
        (step("RUN", "<<'EOF' <<B", "a\n", "b\n"), "a\n\nb\n"),
        (step("RUN", "bash -e <<EOF", "apk add gcc\n"), "apk add gcc\n"),
        (step("RUN", "<<EOF", "#!/bin/bash\napk add gcc\n"), "#!/bin/bash\napk add gcc\n"),
        (step("RUN", "<<EOF", "#!/usr/bin/env bash\nx\n"), "#!/usr/bin/env bash\nx\n"),
        (step("RUN", "<<EOF", "#!/usr/bin/env python3\napk\n"), ""),
        (step("RUN", "cat <<EOF > /x && true", "apk add gcc\n"), "cat <<EOF > /x && true"),
        (step("RUN", "python3 <<EOF", "apk add gcc\n"), "python3 <<EOF"),
    ],
)
def test_finds_the_script_of_a_run(one: Step, script: str) -> None:
    assert script_of(one) == script


@pytest.mark.parametrize(
    ("one", "copy"),
    [
        (step("COPY", "--from=a /b /c /d"), Copy("a", ("/b", "/c"), excludes=False)),
        (step("COPY", '--from=a ["/b c", "/d"]'), Copy("a", ("/b c",), excludes=False)),
        (step("COPY", "--from=a b ./c /d"), Copy("a", ("/b", "/c"), excludes=False)),
        (step("COPY", "--from=a / /"), Copy("a", ("/",), excludes=False)),
        (step("COPY", "--from=a /* /"), Copy("a", ("/",), excludes=False)),
        (step("COPY", "--from=a . /"), Copy("a", ("/",), excludes=False)),
        (step("COPY", "--from=a /. /"), Copy("a", ("/",), excludes=False)),
        (step("COPY", "--from=a /usr/* /usr"), Copy("a", ("/usr",), excludes=False)),
        (step("COPY", "--from=a $D/ /x"), Copy("a", ("/usr/local",), excludes=False)),
        (step("COPY", "--exclude=x --from=a / /"), Copy("a", ("/",), excludes=True)),
        (step("COPY", "a b"), None),
        (step("ADD", "--from=a / /"), None),
    ],
)
def test_reads_copies_from_other_stages(one: Step, copy: Copy | None) -> None:
    assert copied(one, {"D": "/usr/local"}) == copy


def test_follows_variables() -> None:
    seen = Variables({"GIVEN": "g", "OTHER": "o"})
    for one in (
        step("ENV", 'A=1 B="two words" C=$A'),
        step("ENV", "OLD old form"),
        step("ARG", "GIVEN"),
        step("ARG", "OTHER=default PLAIN=p UNSET"),
        step("RUN", "X=1"),
    ):
        seen.follow(one)
    assert seen.values == {
        "A": "1", "B": "two words", "C": "\0", "OLD": "old form",
        "GIVEN": "g", "OTHER": "o", "PLAIN": "p",
    }  # fmt: skip


def test_keeps_no_more_variables_in_mind_than_the_limit() -> None:
    seen = Variables({})
    for number in range(MAX_VARIABLES + 5):
        seen.follow(step("ENV", f"V{number}=x"))
    seen.follow(step("ENV", "V0=y"))
    assert len(seen.values) == MAX_VARIABLES
    assert seen.values["V0"] == "y"
