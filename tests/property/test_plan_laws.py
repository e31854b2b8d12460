"""Laws of planning, on made-up answers of registries and ledgers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from basekeeper.plan import candidates, changes, standings
from basekeeper.policy.updates import SHIPPED_UPDATES, UpdateChange, UpdateLayer, UpdatePolicy
from basekeeper.tags.updates import AXES, KINDS, TagFacts, TagList
from basekeeper.values.event import Sight
from basekeeper.values.image import Image, Pointer, Unknown
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Inside, Resolution, Resolutions
from basekeeper.values.use import Kind, Role, Survey, Use, Via

NOW = datetime(2026, 11, 23, 21, tzinfo=UTC)
INDEX = "application/vnd.oci.image.index.v1+json"
DIGESTS = st.sampled_from("abcd").map(lambda letter: f"sha256:{letter * 64}")
TAGS = st.sampled_from(
    ["3.12", "3.13", "3.14", "4.0", "3.12.1", "3.12.9", "3.12-bookworm", "3.12-trixie", "latest"]
)
IMAGES = st.builds(
    lambda tag, digest: "python" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else ""),
    st.none() | TAGS,
    st.none() | DIGESTS,
)
TIMES = st.integers(0, 240).map(lambda hours: NOW - timedelta(hours=hours))
PLATFORMS = st.dictionaries(
    st.sampled_from(["linux/amd64", "linux/arm64"]), DIGESTS, min_size=1, max_size=2
)
SYSTEMS = st.sampled_from([None, "debian 12", "debian 13"])
FACTS = st.builds(TagFacts, TAGS, st.none() | DIGESTS, st.none() | TIMES)
LISTS = st.builds(
    TagList, st.lists(FACTS, max_size=8).map(tuple), st.sampled_from([None, "it was cut"])
)
SIGHTS = st.lists(st.builds(Sight, TAGS, DIGESTS, TIMES), max_size=8).map(tuple)
POLICIES = st.builds(
    lambda change: UpdatePolicy((UpdateLayer(change),)),
    st.builds(
        UpdateChange,
        kinds=st.none() | st.frozensets(st.sampled_from([*KINDS, "os"])),
        minimum_age=st.none() | st.integers(0, 5).map(lambda days: timedelta(days=days)),
        pinning=st.sampled_from([None, "tag", "tag@digest"]),
        digest_change=st.sampled_from([None, "any"]),
    ),
)


@st.composite
def insides(draw: st.DrawFn, digest: str) -> Inside | None:
    if draw(st.booleans()):
        return None
    image = Image(digest=digest, media_type=INDEX, platforms=draw(PLATFORMS))
    known = draw(st.booleans())
    return Inside(
        digest=digest, image=image if known else Unknown("denied"), os_release=draw(SYSTEMS)
    )


@st.composite
def resolutions(draw: st.DrawFn) -> Resolution:
    reference = parse_reference(draw(IMAGES))
    pointer = None
    if reference.tag is not None or reference.digest is None:
        pointer = draw(st.just(Unknown("denied")) | st.builds(Pointer, DIGESTS))
    pointed = pointer.digest if isinstance(pointer, Pointer) else None
    digest = reference.digest or pointed
    moved = pointed if pointed != digest else None
    return Resolution(
        reference=reference,
        pointer=pointer,
        tags=draw(st.none() | st.just(Unknown("denied")) | LISTS),
        current=draw(insides(digest)) if digest else None,
        newest=draw(insides(moved)) if moved else None,
    )


def use(resolution: Resolution) -> Use:
    text = str(resolution.reference)
    return Use(
        path="Dockerfile",
        line=1,
        end_line=1,
        column=6,
        span=None,
        via=Via.FROM,
        raw=text,
        text=text,
        kind=Kind.CONCRETE,
        reference=resolution.reference,
        problem=None,
        role=Role.FINAL,
    )


@given(
    st.lists(resolutions(), min_size=1, max_size=4),
    SIGHTS,
    POLICIES | st.just(SHIPPED_UPDATES),
    st.none() | st.sets(st.sampled_from([*KINDS, *AXES])),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_laws_of_planning(
    told: list[Resolution],
    sights: tuple[Sight, ...],
    rules: UpdatePolicy,
    kinds: set[str] | None,
    pin: bool,  # noqa: FBT001
) -> None:
    answers = Resolutions({str(one.reference): one for one in told})
    survey = Survey("/", (), tuple(use(one) for one in told))
    name = "docker.io/library/python"
    found = standings(survey, answers, rules, NOW, sights={name: sights})
    assert [str(one.reference) for one in found] == sorted(answers.by_image)
    backwards = Resolutions(dict(sorted(answers.by_image.items(), reverse=True)))
    again = standings(survey, backwards, rules, NOW, sights={name: sights[::-1]})
    assert [(one.updates, one.notes) for one in again] == [
        (one.updates, one.notes) for one in found
    ]
    plan = changes(found, kinds=kinds, pin_digests=pin)
    changed = [str(one.standing.reference) for one in plan.changes]
    assert len(set(changed)) == len(changed)
    for change in plan.changes:
        own, choice = change.standing.reference, change.choice
        assert change.to != own
        assert (change.to.digest is not None) or own.digest is None
        assert choice.kind in change.standing.rules.kinds
        asked = change.standing.rules.taken if kinds is None else kinds
        assert choice.kind in asked or (choice.kind == "digest" and pin)
        assert choice.os_change is None or (choice.tag != own.tag and "os" in (kinds or ()))
        if change.standing.rules.minimum_age and own.digest is not None:
            assert choice.age is not None
            assert choice.age >= change.standing.rules.minimum_age
    for one in candidates(found, answers, kinds=kinds):
        assert str(one) not in answers.by_image
        assert (one.tag is None) is not (one.digest is None)
