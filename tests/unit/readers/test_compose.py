"""Compose files: which builds they describe, as Compose itself would merge and expand them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from basekeeper.readers.compose import base_of, read_compose

if TYPE_CHECKING:
    from basekeeper.readers.spec import BuildSpec, Reading


def read(
    text: str, path: str = "app/compose.yaml", base: str | None = None, **files: str
) -> Reading:
    """Read a Compose file with those beside it; `__` is a dot in their names, `_S_` a slash."""
    known = {
        f"app/{key.replace('_S_', '/').replace('__', '.')}": textwrap.dedent(value).encode()
        for key, value in files.items()
    }
    return read_compose(textwrap.dedent(text).encode(), path, lookup=known.get, base=base)


def only(reading: Reading) -> BuildSpec:
    assert reading.skipped == ()
    (spec,) = reading.builds
    return spec


def values(spec: BuildSpec) -> dict[str, str]:
    return {key: text.value for key, text in spec.args.items()}


def test_a_build_that_is_only_a_context() -> None:
    spec = only(read("services:\n  web:\n    build: ./web\n"))
    assert (spec.name, spec.dockerfile, spec.target) == (
        "app/compose.yaml: web",
        "app/web/Dockerfile",
        None,
    )
    assert (spec.place.path, spec.place.line) == ("app/compose.yaml", 3)
    assert not spec.dockerfile_given


def test_everything_that_a_build_can_say() -> None:
    text = """
        services:
          web:
            platform: linux/arm64
            build:
              context: ..
              dockerfile: docker/web.Dockerfile
              target: release
              args:
                VERSION: "1.2"
                NUMBER: 3.10
                QUOTED: '3.10'
                WHOLE: 22.0
                FLAG: true
                UNSET:
              platforms: [linux/amd64, "linux/arm/v7"]
              additional_contexts:
                base: docker-image://alpine:3.22
                lib: ../lib
        """
    spec = only(read(text))
    assert spec.dockerfile == "docker/web.Dockerfile"
    assert spec.dockerfile_given
    assert spec.target == "release"
    assert spec.platforms == ("linux/amd64", "linux/arm/v7")
    # Compose reads unquoted 3.10 as a number, and builds with 3.1.
    assert values(spec) == {
        "VERSION": "1.2", "NUMBER": "3.1", "QUOTED": "3.10", "WHOLE": "22", "FLAG": "true",
    }  # fmt: skip
    assert [(each.name, each.image) for each in spec.contexts] == [
        ("base", "alpine:3.22"),
        ("lib", None),
    ]


def test_the_list_form_of_arguments_and_contexts_with_exact_bytes() -> None:
    text = textwrap.dedent("""
        services:
          web:
            build:
              context: .
              args:
                - BASE=alpine:3.22
                - "QUOTED=debian:12"
                - NOTHING
                - FROM_ENV
              additional_contexts:
                - app=docker-image://nginx:1
        """)
    reading = read(text, __env="FROM_ENV=yes\n")
    spec = only(reading)
    assert values(spec) == {"BASE": "alpine:3.22", "QUOTED": "debian:12", "FROM_ENV": "yes"}
    data = text.encode()
    spans = {key: spec.args[key].place.span for key in ("BASE", "QUOTED")}
    assert {key: data[span.start : span.end] for key, span in spans.items() if span} == {
        "BASE": b"alpine:3.22", "QUOTED": b"debian:12",
    }  # fmt: skip
    context = spec.contexts[0].value.place.span
    assert context is not None
    assert data[context.start : context.end] == b"docker-image://nginx:1"


def test_platform_of_the_service_counts_where_the_build_names_none() -> None:
    assert only(read("services: {web: {platform: linux/arm64, build: .}}")).platforms == (
        "linux/arm64",
    )


def test_variables_come_from_the_env_file_and_what_is_given_wins() -> None:
    text = "services: {web: {build: {context: ., args: {A: '${A}', B: '${B:-b}', C: '${C}'}}}}"
    found = read_compose(
        text.encode(), "app/compose.yaml", variables={"A": "given"},
        lookup={"app/.env": b"A=file\nB=\n"}.get,
    )  # fmt: skip
    assert values(only(found)) == {"A": "given", "B": "b"}  # C is known only to the environment


@pytest.mark.parametrize("key", ["context", "dockerfile", "dockerfile_inline"])
def test_a_build_whose_dockerfile_needs_an_unset_variable_is_told(key: str) -> None:
    reading = read(f"services:\n  web:\n    build:\n      {key}: '${{WHERE}}'\n")
    assert reading.builds == ()
    (item,) = reading.skipped
    assert (item.path, item.line, item.fatal) == ("app/compose.yaml", 4, True)
    assert item.reason == (
        "service 'web' cannot be followed: variable 'WHERE' is not set in any file or argument"
    )
    assert ".env" in (item.hint or "")


def test_a_target_that_is_not_known_is_left_out() -> None:
    assert only(read("services: {web: {build: {target: '$T'}}}")).target is None


def test_an_inline_dockerfile_knows_its_lines() -> None:
    text = (
        "services:\n  web:\n    build:\n      dockerfile_inline: |\n"
        "        FROM alpine:3.22\n        RUN echo $$X\n"
    )
    spec = only(read(text))
    assert spec.dockerfile is None
    assert spec.inline is not None
    assert spec.inline.value == "FROM alpine:3.22\nRUN echo $X\n"
    assert spec.inline_line == 5
    assert spec.inline_key == "app/compose.yaml#services.web"


def test_a_service_extends_another_of_the_same_and_of_another_file() -> None:
    text = """
        services:
          base: {build: {context: ., args: {A: 1, B: 2}, target: dev}}
          web: {extends: {service: base}, build: {args: {B: 3}}}
          api: {extends: base}
          far: {extends: {file: other/common.yml, service: base}, build: {target: prod}}
        """
    other = "services: {base: {build: {context: ctx}}}"
    reading = read(text, other_S_common__yml=other)
    by_name = {spec.name.partition(": ")[2]: spec for spec in reading.builds}
    assert values(by_name["web"]) == {"A": "1", "B": "3"}
    assert by_name["web"].target == "dev"
    assert by_name["api"].target == "dev"
    assert (by_name["far"].dockerfile, by_name["far"].target) == (
        "app/other/ctx/Dockerfile",
        "prod",
    )


@pytest.mark.parametrize(
    ("extends", "reason"),
    [
        ("{file: gone.yml, service: x}", "extends 'gone.yml', which cannot be read in this tree"),
        ("{file: ../../out.yml, service: x}", "cannot be read in this tree"),
        ("{file: '$F', service: x}", "extends a file whose name cannot be told"),
        ("{file: bad.yml, service: x}", "extends 'bad.yml', which cannot be read in this tree"),
    ],
)
def test_extending_what_cannot_be_read_is_told_and_the_rest_stays(
    extends: str, reason: str
) -> None:
    reading = read(f"services: {{web: {{extends: {extends}, build: .}}}}", bad__yml="a: [")
    assert [spec.dockerfile for spec in reading.builds] == ["app/Dockerfile"]
    assert reason in reading.skipped[0].reason


@pytest.mark.parametrize("extends", ["web", "{service: web}", "gone", "{}", "{service: other}"])
def test_extending_oneself_or_nothing_ends(extends: str) -> None:
    text = f"services: {{web: {{extends: {extends}, build: .}}, other: {{extends: web}}}}"
    assert {spec.dockerfile for spec in read(text).builds} == {"app/Dockerfile"}


def test_a_file_laid_over_another_yields_what_it_touches() -> None:
    base = """
        services:
          web: {build: {context: web, dockerfile: Dockerfile.dev, args: {A: 1}, target: dev}}
          api: {build: api}
          db: {image: postgres}
        """
    text = """
        services:
          web: {build: {args: {B: 2}, target: prod, dockerfile_inline: "FROM scratch"}}
          api: {environment: {X: 1}}
          new: {build: new}
        """
    reading = read(text, "app/compose.prod.yaml", base="app/compose.yaml", compose__yaml=base)
    web, new = reading.builds
    assert (web.name, web.target, values(web)) == (
        "app/compose.prod.yaml: web",
        "prod",
        {"A": "1", "B": "2"},
    )
    assert web.inline is not None  # replaces the file below it
    assert new.dockerfile == "app/new/Dockerfile"


def test_reset_and_override_tags() -> None:
    base = "services: {a: {build: {context: a, args: {A: 1}}}, b: {build: b}}"
    text = "services: {a: {build: !override {context: x}}, b: {build: !reset null}}"
    reading = read(text, "app/compose.x.yml", base="app/compose.yml", compose__yml=base)
    (spec,) = reading.builds
    assert (spec.dockerfile, values(spec)) == ("app/x/Dockerfile", {})


def test_a_base_that_cannot_be_read_changes_nothing() -> None:
    reading = read("services: {a: {build: .}}", "app/compose.x.yml", base="app/compose.yml")
    assert only(reading).dockerfile == "app/Dockerfile"


def test_included_files_are_named() -> None:
    text = """
        include:
          - more/other.yaml
          - path: [a.yml, ../b.yml]
          - path: c.yml
          - https://example.com/x.yml
          - oci://example.com/x
          - ../../out.yml
          - $WHERE
          - {}
        """
    reading = read(text)
    assert reading.more == ("app/more/other.yaml", "app/a.yml", "b.yml", "app/c.yml")
    assert [(item.line, item.fatal) for item in reading.skipped] == [
        (6, False),
        (7, False),
        (8, True),
        (9, True),
    ]


def test_remote_contexts_and_paths_outside_are_told() -> None:
    text = """
        services:
          far: {build: "https://github.com/a/b.git"}
          out: {build: ../../x}
          inline: {build: {context: "https://github.com/a/b.git", dockerfile_inline: FROM alpine}}
        """
    reading = read(text)
    assert [spec.name for spec in reading.builds] == ["app/compose.yaml: inline"]
    assert [(item.line, item.fatal) for item in reading.skipped] == [(3, False), (4, True)]


def test_broken_yaml_is_told_with_its_line() -> None:
    (item,) = read("services:\n  web: [\n  x: }\n").skipped
    assert item.reason.startswith("is not valid YAML: ")
    assert item.line == 3


@pytest.mark.parametrize(
    "text",
    [
        "", "a list:\n- x\n", "- x", "services: [web]", "services: {web: text}",
        "services: {web: {build: }}", "services: {web: {build: [x]}}",
        "services:\n  web: {image: nginx}",
    ],
)  # fmt: skip
def test_files_without_builds_yield_none(text: str) -> None:
    assert [spec.dockerfile for spec in read(text).builds] in ([], ["app/Dockerfile"])
    assert read(text).skipped == ()


def test_more_builds_than_anyone_has_are_cut_off() -> None:
    text = "services:\n" + "".join(f"  s{n}: {{build: .}}\n" for n in range(1100))
    reading = read(text)
    assert len(reading.builds) == 1024
    assert "more than 1024 builds" in reading.skipped[0].reason


BASES = [
    ("a/compose.prod.yaml", {"a/compose.yaml"}, "a/compose.yaml"),
    ("compose.override.yml", {"compose.yml", "docker-compose.yml"}, "compose.yml"),
    ("docker-compose.override.yml", {"compose.yml", "docker-compose.yml"}, "docker-compose.yml"),
    ("docker-compose-dev.yml", {"compose.yaml"}, "compose.yaml"),
    ("docker-compose.yml", {"compose.yml"}, None),
    ("compose.dev.yml", {"other/compose.yml"}, None),
    ("test.compose.yml", {"compose.yml"}, None),
]


@pytest.mark.parametrize(("path", "present", "expected"), BASES)
def test_base_of(path: str, present: set[str], expected: str | None) -> None:
    assert base_of(path, present.__contains__) == expected
