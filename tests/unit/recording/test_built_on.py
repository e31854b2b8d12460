"""What the ledger keeps of what a published image was built on."""

from __future__ import annotations

from dataclasses import replace

from basekeeper import parse_reference
from basekeeper.values.bases import Candidate, Confidence, Identified, Method
from basekeeper.values.event import EventKind
from basekeeper.values.image import Unknown
from tests.unit.recording.world import AMD, World, of_kind, published, scan

BASE = Identified(
    candidates=(
        Candidate(
            reference=parse_reference("debian:12-slim"),
            digest="sha256:" + "a" * 64,
            layers=2,
            named_by=(Method.DOCKERFILE,),
        ),
    ),
    method=Method.DOCKERFILE,
    confidence=Confidence.HIGH,
    reasons=("the Dockerfile names it",),
    agreeing=(Method.LAYERS,),
)


def said(*identified: tuple[str, Identified | Unknown]) -> dict[str, str]:
    """Record a release; return what is said of its base."""
    image = published("p1", scan(), identified=identified)
    (event,) = of_kind(World().see(0, published=(image,)), EventKind.RELEASED)
    return {name: text for name, text in event.evidence.items() if name.startswith("base")}


def test_a_release_says_on_what_it_was_built_and_how_that_is_known() -> None:
    assert said((AMD, BASE)) == {
        "base": "docker.io/library/debian:12-slim",
        "base_digest": "sha256:" + "a" * 64,
        "base_method": "dockerfile",
        "base_proof": "layers",
        "base_confidence": "high",
    }


def test_platforms_that_agree_are_told_once_and_others_one_by_one() -> None:
    assert said((AMD, BASE), ("linux/arm64", BASE)) == said((AMD, BASE))
    low = replace(BASE, confidence=Confidence.LOW, method=Method.HISTORY)
    found = said((AMD, BASE), ("linux/arm64", low))
    assert found["base_confidence"] == "high, low"
    assert found["base_method"] == "dockerfile, history"


def test_a_base_that_is_not_identified_says_why() -> None:
    assert said((AMD, Unknown("it is squashed"))) == {"base_unknown": "it is squashed"}


def test_where_nobody_asked_nothing_is_said() -> None:
    assert said() == {}
