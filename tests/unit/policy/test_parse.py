from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.config.document import read_document
from basekeeper.config.table import Table
from basekeeper.policy.parse import MAX_CLAUSES, RuleCatalogue, parse_layer
from basekeeper.values.finding import Category

if TYPE_CHECKING:
    from basekeeper.policy.model import Layer

RULES = RuleCatalogue({"end-of-life": (), "behind-current": ("grace_days",)})


def _read(text: str) -> tuple[Layer, list[str]]:
    document = read_document(f"[policy]\n{text}\n".encode(), "p.toml")
    top = Table(document, document.data)
    section = top.table("policy")
    assert section is not None
    layer = parse_layer(section, RULES, name="p.toml")
    return layer, [
        str(problem).removeprefix("p.toml:") + (f" → {problem.hint}" if problem.hint else "")
        for problem in sorted(top.problems, key=lambda problem: problem.line or 0)
    ]


def test_reads_an_entry_with_every_condition() -> None:
    layer, problems = _read("""
[[policy.restricted]]
image = "node:22*"
variant = ["Slim", "alpine"]
lts = true
official = false
publisher = ["verified"]
rationale = "why"
replacement = "node:24-slim"
""")
    assert problems == []
    (clause,) = layer.clauses
    assert clause.category is Category.RESTRICTED
    assert clause.pattern.text == "node:22*"
    assert clause.variant == ("slim", "alpine")
    assert (clause.lts, clause.official, clause.publisher) == (True, False, ("verified",))
    assert (clause.rationale, clause.replacement) == ("why", "node:24-slim")
    assert (clause.name, clause.origin) == ("policy.restricted[0]", "p.toml")
    assert not clause.trusted


def test_entries_are_tried_prohibited_first_then_best_first_trusted_last_in_each() -> None:
    layer, problems = _read("""
[[policy.trusted]]
namespace = "r.example/a"
[[policy.restricted]]
image = "r"
[[policy.permitted]]
image = "m2"
[[policy.permitted]]
image = "m1"
[[policy.trusted]]
namespace = "r.example/b"
category = "preferred"
[[policy.preferred]]
image = "f"
[[policy.prohibited]]
image = "p"
""")
    assert problems == []
    assert [clause.name for clause in layer.clauses] == [
        "policy.prohibited[0]",
        "policy.preferred[0]",
        "policy.trusted[1]",
        "policy.permitted[0]",
        "policy.permitted[1]",
        "policy.trusted[0]",
        "policy.restricted[0]",
    ]


def test_reads_a_trusted_namespace_with_its_upstream() -> None:
    layer, problems = _read("""
[[policy.trusted]]
namespace = "registry.corp.example/base/"
upstream = "docker.io/library"
""")
    assert problems == []
    (clause,) = layer.clauses
    assert clause.trusted
    assert clause.category is Category.PERMITTED
    assert clause.pattern.parts == ("registry.corp.example", "base", "**")
    assert clause.upstream == "docker.io/library"
    assert clause.upstream_of == "registry.corp.example/base"


def test_reads_rules_waivers_mirrors_and_frontends() -> None:
    layer, problems = _read("""
frontends = ["docker/dockerfile"]
[policy.rules.behind-current]
severity = "off"
stages = "all"
non_production = true
grace_days = 30
[policy.waivers]
file = "ops//waivers.toml"
inline = false
max_days = 10
repository = true
never = ["end-of-life"]
[policy.mirrors]
"r.example/hub" = "docker.io"
""")
    assert problems == []
    change = layer.rules["behind-current"]
    assert (change.severity, change.stages, change.non_production) == ("off", "all", True)
    assert change.options == {"grace_days": 30}
    assert layer.waivers.file == "ops/waivers.toml"
    assert (layer.waivers.inline, layer.waivers.repository) == (False, True)
    assert (layer.waivers.max_days, layer.waivers.never) == (10, ("end-of-life",))
    assert layer.mirrors == {"r.example/hub": "docker.io"}
    assert [pattern.text for pattern in layer.frontends] == ["docker/dockerfile"]


@pytest.mark.parametrize(
    ("text", "extends", "closed"),
    [
        ("", None, False),
        ("extends = false", None, True),
        ("extends = '../a.toml'", "../a.toml", False),
    ],
)
def test_reads_what_it_extends(text: str, extends: str | None, *, closed: bool) -> None:
    layer, problems = _read(text)
    assert (layer.extends, layer.closed, problems) == (extends, closed, [])


NO_LIST = "is empty, so nothing would ever match"
NOT_FOR_SCRATCH = "means nothing for scratch, the empty base"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("extends = true", "2: policy.extends: expected a path, or false to stand on nothing"),
        ("extends = ''", "2: policy.extends: must not be empty"),
        (
            "extends = 'https://x.example/p.toml'",
            "2: policy.extends: 'https://x.example/p.toml' is not a path",
        ),
        ("extends = 'forge:a/b'", "2: policy.extends: 'forge:a/b' is not a path"),
        ("prefered = []", "2: policy.prefered: is not known here → did you mean 'preferred'?"),
        ("frontends = ['a@b']", "2: policy.frontends[0]: a pattern cannot ask for a digest"),
        ("[[policy.permitted]]", "2: policy.permitted[0]: lacks 'image'"),
        ("preferred = ['alpine']", "2: policy.preferred[0]: expected a table, got text"),
        (
            "[[policy.permitted]]\nimage = '*'",
            "3: policy.permitted[0].image: starts with '*'",
        ),
        (
            "[[policy.permitted]]\nimage = 'a'\nofficail = true",
            "4: policy.permitted[0].officail: is not known here → did you mean 'official'?",
        ),
        (
            "[[policy.permitted]]\nimage = 'a'\nlts = 'yes'",
            "4: policy.permitted[0].lts: expected true or false, got text",
        ),
        (
            "[[policy.permitted]]\nimage = 'a'\npublisher = ['oficial']",
            (
                "4: policy.permitted[0].publisher[0]: expected one of official, verified; "
                "got 'oficial' → did you mean 'official'?"
            ),
        ),
        (
            "[[policy.permitted]]\nimage = 'a'\nvariant = []",
            f"4: policy.permitted[0].variant: {NO_LIST}",
        ),
        (
            "[[policy.permitted]]\nimage = 'a'\npublisher = []",
            f"4: policy.permitted[0].publisher: {NO_LIST}",
        ),
        (
            "[[policy.permitted]]\nimage = 'a'\nofficial = false\npublisher = ['official']",
            "5: policy.permitted[0].publisher: contradicts official = false",
        ),
        (
            "[[policy.permitted]]\nimage = 'scratch'\nlts = true",
            f"4: policy.permitted[0].lts: {NOT_FOR_SCRATCH}",
        ),
        (
            "[[policy.permitted]]\nimage = 'a'\nreplacement = 'a/B'",
            "4: policy.permitted[0].replacement: invalid image reference 'a/B'",
        ),
        (
            (
                "[[policy.permitted]]\nimage = 'alpine'\n"
                "[[policy.prohibited]]\nimage = 'docker.io/library/alpine'"
            ),
            "3: policy.permitted[0].image: contradicts policy.prohibited[0]",
        ),
        (
            (
                "[[policy.permitted]]\nimage = 'a'\nvariant = ['x', 'y']\n"
                "[[policy.permitted]]\nimage = 'a'\nvariant = ['Y', 'x']"
            ),
            "6: policy.permitted[1].image: repeats policy.permitted[0]",
        ),
        ("[[policy.trusted]]", "2: policy.trusted[0]: lacks 'namespace'"),
        (
            "[[policy.trusted]]\nnamespace = '**'",
            "3: policy.trusted[0].namespace: a trusted namespace must say where it lies",
        ),
        (
            "[[policy.trusted]]\nnamespace = 'r.example/a:1'",
            "3: policy.trusted[0].namespace: 'a:1' is no part of a repository's name",
        ),
        (
            "[[policy.trusted]]\nnamespace = 'r.example/a'\ncategory = 'prohibited'",
            "4: policy.trusted[0].category: expected one of preferred, permitted, restricted",
        ),
        (
            "[[policy.trusted]]\nnamespace = 'r.example/*/a'\nupstream = 'docker.io'",
            "4: policy.trusted[0].upstream: needs a namespace without wildcards",
        ),
        (
            "[[policy.trusted]]\nnamespace = 'r.example/a'\nupstream = 'docker.io/*'",
            "4: policy.trusted[0].upstream: must be a namespace without wildcards",
        ),
        ("[policy.rules.end-of-lif]", "2: policy.rules.end-of-lif: is not known here → did you"),
        (
            "[policy.rules.end-of-life]\nseverity = 'eror'",
            (
                "3: policy.rules.end-of-life.severity: expected one of error, warning, note, off; "
                "got 'eror' → did you mean 'error'?"
            ),
        ),
        (
            "[policy.rules.end-of-life]\ngrace_days = 1",
            "3: policy.rules.end-of-life.grace_days: is not known here",
        ),
        (
            "[policy.rules.behind-current]\ngrace_days = -1",
            "3: policy.rules.behind-current.grace_days: expected a number from 0 to 36500, got -1",
        ),
        ("[policy.waivers]\nmax_days = 0", "3: policy.waivers.max_days: expected a number from 1"),
        ("[policy.waivers]\nnever = ['x']", "3: policy.waivers.never[0]: expected one of"),
        ("[policy.waivers]\nfile = '../w'", "3: policy.waivers.file: '../w' leaves the repository"),
        ("[policy.waivers]\nfile = '/w'", "3: policy.waivers.file: '/w' leaves the repository"),
        ("[policy.waivers]\nmax = 3", "3: policy.waivers.max: is not known here"),
        ("[policy.mirrors]\n'a/b' = 'docker.io'", '3: policy.mirrors."a/b": invalid image ref'),
        ("[policy.mirrors]\n'r.example' = 1", '3: policy.mirrors."r.example": expected text'),
        ("rules = 1", "2: policy.rules: expected a table, got a number"),
        ("waivers = 1", "2: policy.waivers: expected a table, got a number"),
        (
            "[policy.rules]\nend-of-life = 'note'",
            (
                "3: policy.rules.end-of-life: expected a table, got text → "
                'write severity = "note" below [policy.rules.end-of-life]'
            ),
        ),
        (
            "[policy.rules]\nend-of-life = 'fatal'",
            (
                "3: policy.rules.end-of-life: expected a table, got text → "
                'write severity = "error" below [policy.rules.end-of-life]'
            ),
        ),
    ],
)
def test_notes_what_is_wrong_with_line_and_key(text: str, problem: str) -> None:
    _, problems = _read(text)
    assert len(problems) == 1, problems
    assert problems[0].startswith(problem)


def test_notes_every_problem_at_once() -> None:
    _, problems = _read("extends = 3\nfoo = 1\n[[policy.permitted]]\nimage = 1\nlts = 1\n")
    assert [line.split(":")[0] for line in problems] == ["2", "3", "5", "6"]


def test_bounds_the_number_of_entries() -> None:
    entries = "\n".join(
        f"[[policy.permitted]]\nimage = 'a{number}'" for number in range(MAX_CLAUSES + 1)
    )
    _, problems = _read(entries)
    assert problems == [f"1: policy: has more than {MAX_CLAUSES} entries"]


@pytest.mark.parametrize("path", [r"a\u0000b", "a" * 2000])
@pytest.mark.parametrize(("line", "key"), [(2, "extends"), (3, "waivers.file")])
def test_a_path_that_no_file_can_have_is_a_problem_of_its_line(
    path: str, line: int, key: str
) -> None:
    assert _read("\n" * (line - 2) + f'{key} = "{path}"')[1] == [
        f"{line}: policy.{key}: is no path that a file can have"
    ]


def test_names_the_element_that_is_wrong_behind_others() -> None:
    assert _read('frontends = [\n3,\n"a**",\n]')[1] == [
        "3: policy.frontends[0]: expected text in quotes, got a number",
        "4: policy.frontends[1]: '**' must be a whole part between slashes",
    ]
