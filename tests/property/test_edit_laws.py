"""Laws of editing: only the spans change, back again is the beginning, nothing is mangled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import assume, example, given
from hypothesis import strategies as st

from basekeeper.discover import discover
from basekeeper.edit import Ground, edit
from basekeeper.edit.wanted import hunks, wanted_text
from basekeeper.errors import InvalidReference
from basekeeper.values.reference import parse_reference
from basekeeper.values.settings import DiscoverSettings
from tests.unit.editing import DIGEST, MemoryTree, change_to

if TYPE_CHECKING:
    from basekeeper.values.change import EditPlan
    from basekeeper.values.use import Survey

SETTINGS = DiscoverSettings()

PARTS = [
    "FROM node:20", "FROM node:$V AS b", "FROM node:${V}-slim", "FROM $I", "FROM ${R}/x:1.2",
    "FROM b", "FROM node:${V:-20}", "FROM node:${W:-1.2}", "FROM node:${V%0}", "FROM node:$V$W",
    "FROM x:$W-a$W", "ARG V=20", "ARG V='20'", "ARG V", "ARG W=1.2", "ARG I=node:20",
    "ARG I=x/y:${W}-z", "ARG R=ghcr.io/a", "ARG V=$W", 'ARG W="$V"', "COPY --from=node:20 x y",
    "COPY --from=b x y", "RUN --mount=from=x:1.2 y", "ONBUILD COPY --from=x:1.2 a b", "RUN <<E",
    "\nE\n", "\n", "\n", "\n", "\n", "\r\n", " \\\n", "\\", "`", "# escape=`\n", "# c\n",
    "# syntax=docker/dockerfile:1.2\n", "\t", " ", "'", '"', "\xe9", "\ufeff", "RUN echo $V",
]  # fmt: skip
ARGUMENTS = st.sampled_from([part for part in PARTS if part.startswith("ARG")])
STAGES = st.sampled_from([part for part in PARTS if part[:4] in ("FROM", "COPY", "RUN ")])
WELL_FORMED = st.builds(
    lambda first, args, stages, end: end.join([*args, first, *stages, ""]),
    st.sampled_from([part for part in PARTS if part.startswith("FROM")]),
    st.lists(ARGUMENTS, max_size=4),
    st.lists(STAGES, max_size=4),
    st.sampled_from(["\n", "\r\n", " \\\n\n"]),
)
WILD = st.lists(st.sampled_from(PARTS), max_size=14).map("".join)
DOCKERFILES = st.one_of(WELL_FORMED, WELL_FORMED, WELL_FORMED, WILD).map(str.encode)
LINES = st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"").replace(b"\0", b""))

ARGS = st.sampled_from(["'20'", '"20"', "20", "1.2", "'${X:-20}'", "$X", "", "*a", "'x'"])
COMPOSE = st.builds(
    "x-a: &a {one}\nservices:\n  a:\n    build:\n      context: .\n      args: {{V: {two}}}\n"
    "  b:\n    build:\n      context: .\n      args:\n        - W={three}\n".format,
    one=ARGS.filter(lambda text: text != "*a"),
    two=ARGS,
    three=st.sampled_from(["20", "1.2", "$X", ""]),
).map(str.encode)
TREES = st.fixed_dictionaries(
    {"Dockerfile": DOCKERFILES},
    optional={"compose.yaml": COMPOSE, ".env": st.sampled_from([b"X=20\n", b"X='1.2' # c\n"])},
)


def plan_of(tree: dict[str, bytes], old: str, new: str) -> tuple[Survey, EditPlan]:
    survey = discover(MemoryTree(tree), SETTINGS)
    ground = Ground(
        survey=survey,
        read=tree.get,
        again=lambda files: discover(MemoryTree({**tree, **files}), SETTINGS),
    )
    return survey, edit([change_to(survey, old, new)], ground)


def some_image(tree: dict[str, bytes]) -> str:
    survey = discover(MemoryTree(tree), SETTINGS)
    images = sorted({str(use.reference) for use in survey.uses if use.reference is not None})
    assume(images)
    return images[len(images) // 2]


def applied(tree: dict[str, bytes], plan: EditPlan) -> dict[str, bytes]:
    return tree | {file.path: file.after for file in plan.files}


@given(TREES)
def test_only_the_edits_change_and_only_the_intended_references(tree: dict[str, bytes]) -> None:
    old = some_image(tree)
    new = str(parse_reference(old).with_tag("77.7-new"))
    before, plan = plan_of(tree, old, new)
    for file in plan.files:
        assert file.before == tree[file.path]
        at, rebuilt = 0, b""
        for each in file.edits:
            assert at <= each.start <= each.end
            rebuilt += file.before[at : each.start] + each.new
            at = each.end
        assert rebuilt + file.before[at:] == file.after
        assert file.after.count(b"\n") == file.before.count(b"\n")
    after = discover(MemoryTree(applied(tree, plan)), SETTINGS)
    refused = {(each.use.path, each.use.line, each.use.text) for each in plan.refused}
    expected = {
        (use.path, use.line, use.via, _expected(use.text, old, new))
        if str(use.reference) == old and (use.path, use.line, use.text) not in refused
        else (use.path, use.line, use.via, use.text)
        for use in before.uses
    }
    assert {(use.path, use.line, use.via, use.text) for use in after.uses} == expected


def _expected(text: str, old: str, new: str) -> str:
    return wanted_text(text, parse_reference(old), parse_reference(new))


@given(TREES)
def test_there_and_back_is_where_it_began(tree: dict[str, bytes]) -> None:
    old = some_image(tree)
    new = str(parse_reference(old).with_tag("77.7-new"))
    _, plan = plan_of(tree, old, new)
    there = applied(tree, plan)
    again = plan_of(there, new, old)[1] if plan.files else plan
    assert not plan.files or not again.refused
    back = applied(there, again)
    if all(len(file.edits) == 1 for file in plan.files):
        assert back == tree
    assert discover(MemoryTree(back), SETTINGS).uses == discover(MemoryTree(tree), SETTINGS).uses


@given(LINES, LINES, st.sampled_from(["\n", "\r\n"]))
def test_arbitrary_bytes_around_stay(one: bytes, other: bytes, end: str) -> None:
    tail = end.encode()
    data = b"# x" + one + tail + b"FROM node:20" + tail + b"RUN x" + other + tail
    tree = {"Dockerfile": data}
    assume(b"FROM node:20" not in one + other)
    survey = discover(MemoryTree(tree), SETTINGS)
    assume(any(use.text == "node:20" for use in survey.uses))
    _, plan = plan_of(tree, "node:20", "node:22")
    if survey.files[0].template is None:
        assert not plan.refused
        assert applied(tree, plan)["Dockerfile"] == data.replace(b"node:20", b"node:22")


@given(st.binary(max_size=80))
def test_a_pin_goes_to_the_end_whatever_is_around(data: bytes) -> None:
    content = data.replace(b"\0", b"") + b"\nFROM node:20\n"
    survey = discover(MemoryTree({"Dockerfile": content}), SETTINGS)
    assume(any(use.text == "node:20" and use.via == "FROM" for use in survey.uses))
    _, plan = plan_of({"Dockerfile": content}, "node:20", f"node:20@{DIGEST}")
    for file in plan.files:
        assert file.after.endswith(f"\nFROM node:20@{DIGEST}\n".encode())


NAMES = st.sampled_from(["node", "a/b", "ghcr.io/a/b", "localhost:5000/x", "docker.io/library/go"])
TAGS = st.from_regex(r"\A[0-9]{1,2}(\.[0-9]{1,2}){0,2}(-[a-z]{1,4}[0-9]?)?\Z")
DIGESTS = st.sampled_from(["", f"@{DIGEST}", f"@{DIGEST.replace('a', 'c')}"])


@given(NAMES, TAGS, DIGESTS, TAGS, DIGESTS)
@example("node", "20", "", "20.1", f"@{DIGEST}")
def test_steps_make_the_wanted_text(name: str, tag: str, digest: str, new: str, other: str) -> None:
    before, after = f"{name}:{tag}{digest}", f"{name}:{new}{other}"
    text = before
    for step in reversed([step for steps in hunks(before, after) for step in steps]):
        text = text[: step.start] + step.new + text[step.end :]
    assert text == after
    try:
        assert wanted_text(before, parse_reference(before), parse_reference(after)) == after
    except InvalidReference:
        assume(False)  # noqa: FBT003
