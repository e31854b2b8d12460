"""Laws of the policy that hold for any input."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from basekeeper.config.document import read_document
from basekeeper.config.positions import key_lines
from basekeeper.errors import ConfigError
from basekeeper.policy.load import load_config, load_policy
from basekeeper.policy.model import SCOPES, stricter
from basekeeper.policy.patterns import parse_pattern
from basekeeper.values.finding import Category, Truth
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from basekeeper.policy.policy import Policy

NOW = datetime(2026, 11, 23, tzinfo=UTC)

PARTS = st.text("abz09", min_size=1, max_size=4)
TAGS = st.sampled_from(["", ":latest", ":22", ":13-slim", ":24.04", ":edge"])
IMAGES = st.one_of(
    st.sampled_from(
        ["scratch", "alpine", "debian:13-slim", "debian:13", "ubuntu:25.10", "node:24", "foo/bar"]
    ),
    st.builds(
        "{}/{}{}".format,
        st.sampled_from(["quay.io", "gcr.io/distroless", "r.example/base"]),
        PARTS,
        TAGS,
    ),
)
PATTERNS = st.sampled_from(
    ["scratch", "alpine", "debian", "**", "quay.io/*", "quay.io/a*", "r.example/**", "node:2*"]
)
CONDITIONS = st.sampled_from(
    ["", "official = true", "lts = false", 'variant = ["slim"]', 'publisher = ["verified"]']
)
ENTRIES = st.builds(
    '[[policy.{}]]\nimage = "{}"\n{}\n'.format,
    st.sampled_from(list(Category)),
    PATTERNS.filter(lambda text: text != "scratch"),
    CONDITIONS,
)
EXTRAS = st.sampled_from(
    [
        "",
        "[policy]\nextends = false\n",
        '[[policy.trusted]]\nnamespace = "r.example/base"\ncategory = "preferred"\n',
        '[policy.mirrors]\n"r.example" = "docker.io"\n',
        "[policy.rules.end-of-life]\nseverity = 'off'\nstages = 'final'\nnon_production = false\n",
        "[policy.rules.behind-current]\nseverity = 'note'\ngrace_days = 900\n",
        "[policy.waivers]\nmax_days = 900\nnever = []\nrepository = true\n",
    ]
)


@st.composite
def policies(draw: st.DrawFn, path: str) -> Policy:
    entries = draw(st.lists(ENTRIES, max_size=4))
    text = draw(EXTRAS) + "".join(entries)
    try:
        return load_config({path: text.encode()}.get).policy
    except ConfigError:  # the same entry twice
        return load_policy()


@given(st.one_of(st.text(), st.text().map("${{{}}}".format), IMAGES))
def test_judging_any_text_gives_a_category_and_all_answers(text: str) -> None:
    judgement = load_policy().judge(text, now=NOW)
    assert judgement.category in Category
    assert list(judgement.quality) == [
        "official_source",
        "current_version",
        "supported",
        "minimal_size",
    ]
    assert judgement.reason


@given(st.lists(PARTS, min_size=1, max_size=3), st.integers(0, 3), PARTS)
def test_a_part_that_only_starts_with_the_literal_never_matches(
    parts: list[str], place: int, extra: str
) -> None:
    pattern = parse_pattern("/".join(["registry.example", *parts]))
    longer = ["registry.example", *parts]
    index = min(place, len(parts))
    longer[index] += extra
    image = parse_reference("/".join(longer))
    assert pattern.matches(image) is Truth.NO
    below = parse_pattern("/".join(["registry.example", *parts, "**"]))
    assert below.matches(parse_reference(image.text + "/x")) is Truth.NO
    assert below.matches(parse_reference("/".join(["registry.example", *parts, extra]))) is (
        Truth.YES
    )


@given(st.text("ab*/.:-", max_size=20), IMAGES.filter(lambda text: text != "scratch"))
def test_any_text_is_a_pattern_that_answers_or_is_refused(text: str, image: str) -> None:
    try:
        pattern = parse_pattern(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017  # any message will do
    else:
        assert pattern.matches(parse_reference(image)) in Truth


@given(policies("basekeeper.toml"), policies(".github/basekeeper.toml"), IMAGES)
def test_a_tightened_policy_is_never_laxer(operator: Policy, own: Policy, image: str) -> None:
    tightened = operator.tightened_by(own)
    before, after = operator.judge(image, now=NOW), tightened.judge(image, now=NOW)
    assert stricter(before.category, after.category) is after.category
    for name, rule in operator.rules.items():
        now = tightened.rules[name]
        assert (now.severity or 0) >= (rule.severity or 0)
        assert SCOPES.index(now.stages) <= SCOPES.index(rule.stages)
        assert now.non_production >= rule.non_production
        assert all(now.options[key] <= value for key, value in rule.options.items())
    waivers = tightened.waivers
    assert waivers.file in (None, operator.waivers.file)
    assert waivers.max_days <= operator.waivers.max_days
    assert set(waivers.never) >= set(operator.waivers.never)
    assert not waivers.inline or operator.waivers.inline


@given(policies("basekeeper.toml"), IMAGES)
def test_explaining_ends_at_the_entry_that_decided(policy: Policy, image: str) -> None:
    explanation = policy.explain(image, now=NOW)
    matched = [step for step in explanation.steps if step.matched is Truth.YES]
    if matched:
        assert explanation.steps[-1] is matched[0]
        assert explanation.judgement.clause == matched[0].clause.name
    else:
        assert explanation.judgement.clause == "default"
        assert explanation.judgement.category is Category.PROHIBITED


@given(st.binary(max_size=60) | st.text("[]{}=.\"'\\\n#ab1, ", max_size=60).map(str.encode))
def test_any_bytes_are_a_document_with_lines_or_refused(data: bytes) -> None:
    try:
        document = read_document(data, "x.toml")
    except ConfigError as error:
        assert len(error.problems) == 1  # noqa: PT017
        return
    lines = key_lines(document.text)
    last = document.text.count("\n") + 1
    assert all(1 <= line <= last for line in lines.values())
    assert {path[0] for path in lines} == set(document.data)


@given(st.text("abc[]{}=.\"'#, \n", max_size=40))
def test_lines_are_told_for_every_key_of_nested_values(text: str) -> None:
    source = f"k = '''{text.replace(chr(39), '')}'''\n[[t]]\na = [{{b = 1}}]\n"
    line = 2 + text.replace("'", "").count("\n")
    assert key_lines(source)[("t", 0, "a", 0, "b")] == line + 1
