from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.identify import guess_base_commands, identify
from basekeeper.values.bases import Built, Clue, Confidence, Identified, Method
from basekeeper.values.image import Unknown
from basekeeper.values.reference import parse_reference

DEBIAN, NODE = ("d1",), ("d1", "n1", "n2")
APP = Built(diff_ids=(*NODE, "a1"), digests=("sha256:" + "a" * 64,))

D, P, A, L, H = (
    Method.DOCKERFILE,
    Method.PROVENANCE,
    Method.ANNOTATION,
    Method.LAYERS,
    Method.HISTORY,
)


def digest(char: str) -> str:
    return "sha256:" + char * 64


def clue(method: Method, name: str, diff_ids: tuple[str, ...] | None = None, **more: Any) -> Clue:
    return Clue(method=method, reference=parse_reference(name), diff_ids=diff_ids, **more)


def found(image: Built, *clues: Clue) -> Identified:
    told = identify(image, clues)
    assert isinstance(told, Identified), told
    return told


def names(told: Identified) -> list[str]:
    return [one.reference.familiar for one in told.candidates]


PROVEN = [
    pytest.param([clue(D, "node:24", NODE)], "node:24", D, [L], [], Confidence.HIGH, id="named"),
    pytest.param([clue(P, "node:24", NODE)], "node:24", P, [L], [], Confidence.HIGH, id="listed"),
    pytest.param([clue(A, "node:24", NODE)], "node:24", A, [L], [], Confidence.HIGH, id="says"),
    pytest.param([clue(L, "node:24", NODE)], "node:24", L, [], [], Confidence.HIGH, id="known"),
    pytest.param(
        [clue(D, "node:24", NODE), clue(A, "node:24"), clue(P, "node:24", NODE)],
        "node:24", D, [P, A, L], [], Confidence.HIGH, id="all-agree",
    ),
    pytest.param(
        [clue(L, "debian:12", DEBIAN), clue(L, "node:24", NODE)],
        "node:24", L, [], [], Confidence.HIGH, id="the-longest-wins",
    ),
    pytest.param(
        [clue(P, "golang:1", ("g1",)), clue(P, "node:24", NODE), clue(P, "debian:12", DEBIAN)],
        "node:24", P, [L], [], Confidence.HIGH, id="provenance-lists-every-image",
    ),
    pytest.param(
        [clue(D, "node:26", ("x", "y")), clue(D, "node:24", NODE, is_past=True)],
        "node:24", D, [L], [], Confidence.HIGH, id="the-dockerfile-moved-on",
    ),
    pytest.param(
        [clue(D, "alpine:3", ("x",)), clue(A, "node:24", NODE)],
        "node:24", A, [L], [D], Confidence.HIGH, id="the-dockerfile-contradicts",
    ),
    pytest.param(
        [clue(D, "node:24", NODE), clue(A, "alpine:3", ("x",))],
        "node:24", D, [L], [A], Confidence.HIGH, id="the-annotation-contradicts",
    ),
    pytest.param(
        [clue(D, "node:24", NODE), clue(A, "debian:12", DEBIAN)],
        "node:24", D, [L], [A], Confidence.HIGH, id="the-annotation-names-one-further-down",
    ),
    pytest.param(
        [clue(D, "node:24", NODE), clue(A, "debian:12", DEBIAN, is_inherited=True)],
        "node:24", D, [L], [], Confidence.HIGH, id="an-inherited-label-may-do-that",
    ),
    pytest.param(
        [clue(D, "node:24", NODE), clue(P, "golang:1", ("g",)), clue(P, "alpine:3", ("x",))],
        "node:24", D, [L], [P], Confidence.HIGH, id="provenance-without-the-base-contradicts",
    ),
    pytest.param(
        [clue(D, "node:24", NODE), clue(P, "golang:1", ("g",)), clue(P, "x.io/a", None)],
        "node:24", D, [L], [P], Confidence.HIGH, id="also-where-not-all-of-it-was-compared",
    ),
    pytest.param(
        [clue(A, "debian:12", DEBIAN, is_inherited=True)],
        "debian:12", A, [L], [], Confidence.MEDIUM, id="a-label-alone-may-be-inherited",
    ),
    pytest.param(
        [clue(D, "node:24", NODE, digests=(digest("1"),)),
         clue(A, "node:24", digests=(digest("2"),))],
        "node:24", D, [L], [], Confidence.HIGH, id="another-digest-of-the-name-says-nothing",
    ),
    pytest.param(
        [clue(D, "node:24", NODE, digests=(digest("1"), digest("2"))),
         clue(A, "mirror.io/node:24", digests=(digest("2"),))],
        "node:24", D, [A, L], [], Confidence.HIGH, id="the-platform-digest-agrees-too",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("clues", "base", "method", "agreeing", "contradicting", "confidence"), PROVEN
)
def test_layers_prove_a_base_and_sources_name_it(  # noqa: PLR0913, PLR0917  # columns of the table
    clues: list[Clue],
    base: str,
    method: Method,
    agreeing: list[Method],
    contradicting: list[Method],
    confidence: Confidence,
) -> None:
    told = found(APP, *clues)
    assert told.proven
    assert told.base.reference.familiar == base
    assert told.method is method
    assert list(told.agreeing) == agreeing
    assert list(told.contradicting) == contradicting
    assert told.confidence is confidence
    assert told.base.layers == len(NODE if base.startswith("node") else DEBIAN)


def test_several_images_with_the_same_layers_are_all_candidates() -> None:
    told = found(APP, clue(L, "node:24", NODE), clue(L, "node:lts", NODE))
    assert names(told) == ["node:24", "node:lts"]
    assert told.ambiguous
    assert told.confidence is Confidence.MEDIUM
    assert told.reasons[-1] == "2 images have the same layers"


def test_of_images_with_the_same_layers_the_one_that_is_named_is_meant() -> None:
    told = found(APP, clue(A, "node:lts", NODE), clue(D, "node:24", NODE))
    assert names(told) == ["node:24", "node:lts"]
    assert not told.ambiguous
    assert told.confidence is Confidence.HIGH


def test_one_digest_under_two_names_is_one_image() -> None:
    same = {"digests": (digest("1"),)}
    told = found(APP, clue(D, "node:24", NODE, **same), clue(P, "node:lts", NODE, **same))
    assert names(told) == ["node:24"]
    assert told.base.named_by == (D, P)
    assert told.base.digest == digest("1")


def test_an_image_may_add_nothing_to_a_base_that_is_named() -> None:
    assert found(APP, clue(D, "node:24", APP.diff_ids)).confidence is Confidence.HIGH
    assert isinstance(identify(APP, [clue(L, "node:24", APP.diff_ids)]), Unknown)


def test_an_image_is_not_its_own_base() -> None:
    itself = clue(D, "shop:1", APP.diff_ids, digests=APP.digests)
    assert isinstance(identify(APP, [itself]), Unknown)


CLAIMS = [
    pytest.param([clue(D, "node:24")], ["node:24"], D, [], [], Confidence.MEDIUM, id="named"),
    pytest.param([clue(A, "node:24")], ["node:24"], A, [], [], Confidence.MEDIUM, id="says"),
    pytest.param([clue(P, "node:24")], ["node:24"], P, [], [], Confidence.MEDIUM, id="the-only"),
    pytest.param(
        [clue(P, "node:24"), clue(P, "docker/dockerfile:1")],
        ["node:24"], P, [], [], Confidence.MEDIUM, id="frontends-are-no-base",
    ),
    pytest.param(
        [clue(P, "golang:1"), clue(P, "node:24")],
        ["golang:1", "node:24"], P, [], [], Confidence.LOW, id="one-of-many",
    ),
    pytest.param(
        [clue(P, "golang:1"), clue(P, "node:24"), clue(A, "node:24")],
        ["node:24"], P, [A], [], Confidence.MEDIUM, id="both-name-it",
    ),
    pytest.param(
        [clue(P, "golang:1"), clue(P, "node:24"), clue(A, "alpine:3")],
        ["alpine:3"], A, [], [P], Confidence.MEDIUM, id="provenance-lacks-it",
    ),
    pytest.param(
        [clue(A, "alpine:3"), clue(D, "node:24")],
        ["node:24"], D, [], [A], Confidence.MEDIUM, id="the-dockerfile-is-trusted-more",
    ),
    pytest.param(
        [clue(A, "debian:12", is_inherited=True)],
        ["debian:12"], A, [], [], Confidence.LOW, id="an-inherited-label",
    ),
    pytest.param(
        [clue(A, "node:24", ("x",), digests=(digest("1"),)), clue(P, "alpine:3")],
        ["alpine:3"], P, [], [], Confidence.MEDIUM, id="what-is-refuted-does-not-count",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("clues", "bases", "method", "agreeing", "contradicting", "confidence"), CLAIMS
)
def test_what_only_claims_say_is_never_sure(  # noqa: PLR0913, PLR0917  # columns of the table
    clues: list[Clue],
    bases: list[str],
    method: Method,
    agreeing: list[Method],
    contradicting: list[Method],
    confidence: Confidence,
) -> None:
    told = found(APP, *clues)
    assert not told.proven
    assert names(told) == bases
    assert told.method is method
    assert list(told.agreeing) == agreeing
    assert list(told.contradicting) == contradicting
    assert told.confidence is confidence


def test_without_layers_of_the_image_a_claim_is_all_there_is() -> None:
    told = found(Built(), clue(D, "node:24", NODE, digests=(digest("1"),)))
    assert told.confidence is Confidence.MEDIUM
    assert told.base.digest == digest("1")


def test_a_squashed_image_is_not_identified() -> None:
    told = identify(Built(diff_ids=("s",)), [clue(D, "node:24", NODE), clue(A, "node:24", NODE)])
    assert isinstance(told, Unknown)
    assert "single layer" in told.reason
    assert "squashed" in (told.hint or "")


def test_a_name_whose_layers_are_others_now_is_a_guess() -> None:
    told = found(APP, clue(D, "node:24", ("n9", "n8"), digests=(digest("1"),)))
    assert told.method is D
    assert told.confidence is Confidence.LOW
    assert told.contradicting == (L,)
    assert told.base.digest is None


def test_a_digest_whose_layers_are_others_is_refuted() -> None:
    told = identify(APP, [clue(A, "node:24", ("n9",), digests=(digest("1"),))])
    assert isinstance(told, Unknown)
    assert told.reason == "it begins with the layers of no base that is named"


def test_earlier_bases_that_are_not_there_say_nothing() -> None:
    assert isinstance(identify(APP, [clue(D, "node:24", ("n9",), is_past=True)]), Unknown)


def test_the_same_commands_are_a_guess() -> None:
    image = Built(diff_ids=("r1", "r2", "a1"), history=("ADD rootfs", 'CMD ["sh"]', "COPY app"))
    same = ("ADD rootfs", 'CMD ["sh"]')
    told = found(
        image,
        clue(D, "alpine:3", ("o1",), history=("ADD other",)),
        clue(D, "debian:12", ("d1",), history=same, is_past=True),
    )
    assert names(told) == ["debian:12"]
    assert told.method is H
    assert told.confidence is Confidence.LOW
    assert L in told.contradicting
    assert told.base.digest is None


def test_nothing_names_a_base() -> None:
    told = identify(APP, [])
    assert isinstance(told, Unknown)
    assert told.reason == "nothing tells what it was built on"


def test_a_history_shows_where_a_base_may_end() -> None:
    image = Built(diff_ids=APP.diff_ids, history=("ADD rootfs", 'CMD ["sh"]', "COPY app"))
    told = identify(image, [])
    assert isinstance(told, Unknown)
    assert told.reason.endswith("the first 2 of its 3 commands look like those of a base")


@pytest.mark.parametrize(
    ("history", "count"),
    [
        ((), 0),
        (("ADD rootfs",), 0),
        (("ADD rootfs", 'CMD ["sh"]'), 0),
        (("ADD rootfs", 'CMD ["sh"]', "COPY app"), 2),
        (("ADD rootfs", 'CMD ["sh"]', "COPY app", 'CMD ["app"]'), 2),
        (("ADD rootfs", 'CMD ["sh"]', "RUN x", 'CMD ["node"]', "COPY app", "USER 1"), 4),
        (("ADD", '/bin/sh -c #(nop)  CMD ["bash"]', "/bin/sh -c apt", "EXPOSE 80"), 2),
        (("ADD rootfs", "RUN CMD", "COPY app"), 0),
        (("ADD rootfs", 'CMD ["sh"]', "ENTRYPOINT x", "CMDX"), 2),
    ],
)
def test_a_base_ends_with_the_last_command_before_a_layer(
    history: tuple[str, ...], count: int
) -> None:
    assert guess_base_commands(history) == count


layers = st.lists(st.sampled_from("abc"), max_size=4).map(tuple)
clues_ = st.builds(
    clue,
    st.sampled_from([D, P, A, L]),
    st.sampled_from(["node:24", "node:lts", "debian:12", "x.io/a"]),
    st.none() | layers,
    digests=st.lists(st.sampled_from("1234").map(digest), max_size=2).map(tuple),
    history=layers,
    is_past=st.booleans(),
    is_inherited=st.booleans(),
)


@given(layers, layers, st.lists(clues_, max_size=6))
def test_only_a_prefix_is_ever_proven(
    diff_ids: tuple[str, ...], history: tuple[str, ...], clues: list[Clue]
) -> None:
    told = identify(Built(diff_ids=diff_ids, history=history), clues)
    if isinstance(told, Unknown):
        return
    assert told.candidates
    assert told.proven is (told.method is L or L in told.agreeing)
    assert told.proven or told.confidence is not Confidence.HIGH
    assert told.method not in (*told.agreeing, *told.contradicting)
    assert not set(told.agreeing) & set(told.contradicting)
    for one in told.candidates:
        if one.layers is not None:
            below = diff_ids[: one.layers]
            assert below
            assert any(
                other.diff_ids == below and other.reference.name == one.reference.name
                for other in clues
            )


@given(layers, st.lists(clues_, max_size=5), clues_)
def test_an_image_that_is_no_prefix_changes_no_proof(
    diff_ids: tuple[str, ...], clues: list[Clue], more: Clue
) -> None:
    image = Built(diff_ids=diff_ids)
    before, after = identify(image, clues), identify(image, [*clues, more])
    below = more.diff_ids
    if below and diff_ids[: len(below)] == below:
        return
    was = isinstance(before, Identified) and before.proven
    assert (isinstance(after, Identified) and after.proven) is was
    if isinstance(before, Identified) and isinstance(after, Identified) and was:
        assert after.candidates == before.candidates
