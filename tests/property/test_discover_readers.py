"""Properties of what reads other people's files: nothing crashes, and positions are true."""

from __future__ import annotations

import fnmatch
import json
from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from basekeeper.readers.bake import read_bake
from basekeeper.readers.ci import read_ci
from basekeeper.readers.compose import read_compose
from basekeeper.readers.devcontainer import read_devcontainer
from basekeeper.readers.jsonc import parse_json
from basekeeper.readers.shell import find_builds
from basekeeper.readers.source import Source
from basekeeper.readers.variables import Unresolved, interpolate, read_env_file
from basekeeper.readers.yamltree import fields_of, place_of
from basekeeper.trees.names import kind_of
from basekeeper.trees.patterns import PathPatterns
from basekeeper.trees.tree import join

WORDS = st.sampled_from(
    [
        "services", ":", "\n", "  ", "build", "- ", "{", "}", "[", "]", '"', "'", "$", "${", "A",
        ":-", "args", "target", "=", "&a", "*a", "<<", "|", "context", "image", "jobs", "steps",
        "run: docker build .", "uses: docker/build-push-action@v6", "matrix", "inherits", ",",
        "//", "/*", "*/", "#", "\\", "<<EOT", "EOT", "for x in", "?", "(", ")", "\x00", "\xe9",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=60).map("".join))
BYTES = st.one_of(st.binary(max_size=200), TEXTS.map(lambda text: text.encode("utf-8", "replace")))
EMPTY: dict[str, bytes] = {}


@given(BYTES)
@example(b"services: {a: {build: {context: ., args: [=, A=, =B]}}}")
def test_no_bytes_crash_a_reader(data: bytes) -> None:
    for path in ("a/compose.yaml", "compose.dev.yml"):
        read_compose(
            data, path, lookup={"compose.yaml": data, ".env": data}.get, base="compose.yaml"
        )
    for path in ("docker-bake.hcl", "a/docker-bake.json"):
        read_bake(data, path, lookup={"x.hcl": data}.get, below=("x.hcl",))
    read_devcontainer(data, ".devcontainer/devcontainer.json")
    read_ci(data, ".github/workflows/x.yml")
    read_ci(b"# docker build\n" + data, ".gitlab-ci.yml")
    read_env_file(data)


@given(st.lists(WORDS, max_size=40).map(" ".join))
def test_hcl_of_any_words_is_read_or_told(text: str) -> None:
    reading = read_bake(f'target "a" {{ {text} }}'.encode(), "x.hcl", lookup=EMPTY.get)
    assert reading.builds or reading.skipped or "matrix" in text


@given(TEXTS)
def test_scripts_of_any_text_are_read(text: str) -> None:
    for build in find_builds(f"docker build . ; {text}"):
        assert 0 <= build.offset <= len(text) + 20


@given(TEXTS)
def test_text_without_dollars_is_its_own_expansion(text: str) -> None:
    plain = text.replace("$", "")
    assert interpolate(plain, {}) == plain


@given(TEXTS)
def test_doubled_dollars_undo_interpolation(text: str) -> None:
    assert interpolate(text.replace("$", "$$"), {}) == text


@given(TEXTS, st.dictionaries(st.sampled_from(["A", "B"]), st.text(max_size=5)))
def test_interpolation_ends_in_a_value_or_a_reason(text: str, variables: dict[str, str]) -> None:
    with suppress(Unresolved):
        assert isinstance(interpolate(text, variables), str)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=5), st.booleans())
def test_json_texts_stand_where_their_spans_say(data: dict[str, str], plain: bool) -> None:  # noqa: FBT001
    raw = json.dumps(data, ensure_ascii=plain).encode("utf-8", "replace")
    source = Source(raw, "x")
    for node in fields_of(parse_json(source)).values():
        span = place_of(source, node).span
        assert span is not None
        assert json.loads(b'"' + raw[span.start : span.end] + b'"') == node.scalar


@given(JSON)
def test_all_json_is_read(data: object) -> None:
    assert parse_json(Source(json.dumps(data).encode(), "x")) is not None


PART = st.text(alphabet="ab.", min_size=1, max_size=4).filter(lambda part: part not in (".", ".."))
GLOB = st.text(alphabet="ab.*?", min_size=1, max_size=6).filter(
    lambda glob: "**" not in glob and glob not in (".", "..")
)


@given(GLOB, PART)
def test_a_pattern_of_one_part_matches_as_fnmatch_does(glob: str, part: str) -> None:
    assert PathPatterns([glob]).match(part) == fnmatch.fnmatchcase(part, glob)


@given(GLOB, st.lists(PART, min_size=1, max_size=4), st.lists(PART, max_size=3))
def test_a_bare_pattern_matches_at_any_depth(glob: str, path: list[str], above: list[str]) -> None:
    patterns = PathPatterns([glob])
    if patterns.match("/".join(path)):
        assert patterns.match("/".join([*above, *path]))
        assert patterns.match("/".join([*path, "below"]))


@given(st.text(max_size=30), st.text(max_size=30))
def test_patterns_and_names_accept_any_text(pattern: str, path: str) -> None:
    PathPatterns([pattern]).match(path)
    kind_of(path)


@given(
    st.lists(st.sampled_from(["a", "b", "..", "."]), max_size=6),
    st.lists(st.sampled_from(["a", "..", ".", "c"]), max_size=8),
)
def test_joining_never_leaves_the_root(directory: list[str], path: list[str]) -> None:
    inside = join("", "/".join(directory) or ".")
    joined = join(inside, "/".join(path) or ".") if inside is not None else None
    assert joined is None or not joined.startswith(("/", ".."))
