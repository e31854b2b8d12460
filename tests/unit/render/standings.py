"""Standings made by hand, for tests of the formats of `outdated`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from basekeeper.errors import Failure
from basekeeper.tags.updates import Choice, TagFacts, TagList, UpdateRules, Updates
from basekeeper.values.change import Note, NoteKind, Standing
from basekeeper.values.finding import Category, Truth
from basekeeper.values.image import Pointer, Unknown
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Resolution, Standings, Trouble
from basekeeper.values.use import Skipped, Survey
from tests.unit.render.made import NOW, answer, judgement, use

DIGEST = "sha256:" + "0123456789abcdef" * 4
SOON = datetime(2026, 11, 25, tzinfo=UTC)


def choice(kind: str, tag: str | None = None, value: Truth = Truth.YES, **more: Any) -> Choice:
    """One answer; a yes names its tag."""
    values: dict[str, Any] = {"axis": "application", "reason": f"{kind} of {tag}", "tag": tag}
    return Choice(kind=kind, value=value, **values | more)


def no(kind: str) -> Choice:
    """Nothing newer."""
    return choice(kind, value=Truth.NO, reason=f"no newer {kind}")


def unknown(kind: str, reason: str = "it names no version", **more: Any) -> Choice:
    """Not told."""
    return choice(kind, value=Truth.UNKNOWN, reason=reason, **more)


def updates(**more: Any) -> Updates:
    """Nothing newer, but for what is given."""
    values: dict[str, Any] = {
        "repository": "docker.io/library/node",
        "current": TagFacts("20"),
        **{kind: no(kind) for kind in ("digest", "patch", "minor", "major")},
    }
    return Updates(**values | more)


def standing(text: str = "node:20", *places: str, **more: Any) -> Standing:
    """How one image stands; nothing is newer unless said."""
    reference = parse_reference(text)
    told = Resolution(reference=reference, pointer=Pointer(DIGEST), tags=TagList((TagFacts("20"),)))
    values: dict[str, Any] = {
        "reference": reference,
        "uses": tuple(use(path, 3, text) for path in places or ("Dockerfile",)),
        "updates": updates(),
        "resolution": told,
        "rules": UpdateRules(),
        "platforms": ("linux/amd64",),
    }
    return Standing(**values | more)


def standings(*found: Standing, **more: Any) -> Standings:
    """All images of a tree."""
    uses = tuple(use for one in found for use in one.uses)
    values: dict[str, Any] = {
        "survey": Survey(root=".", files=(), uses=uses),
        "now": NOW,
        "standings": found,
        "judgements": {str(one.reference): judgement(one.uses[0]) for one in found},
    }
    return Standings(**values | more)


def full_standings() -> Standings:
    """One of everything."""
    moved = updates(
        current=TagFacts("20.11-slim", pushed=NOW - timedelta(days=400)),
        patch=choice("patch", "20.19-slim", age=timedelta(days=100)),
        major=choice("major", "26-slim", age=timedelta(hours=30), waiting="26.1-slim",
                     waiting_until=SOON),
        minor=no("minor"),
        digest=unknown("digest"),
        moves=(
            choice("os", "20.11-trixie", axis="os", os_change="debian 12 → debian 13"),
            choice("name", "22", axis="name", repository="gcr.io/distroless/nodejs22-debian13"),
        ),
        flags={"suffix_frozen": "newer versions are not built on bookworm"},
        replacement="use something else",
    )  # fmt: skip
    refused = Unknown("ghcr.io is not reachable", None)
    supported = judgement(
        use(text="alpine:3"), Category.PREFERRED, quality={"supported": answer()}, axes=()
    )
    out = standings(
        standing("alpine:3", "a/Dockerfile", "b/Dockerfile"),
        standing(
            "ghcr.io/acme/base:1",
            updates=refused,
            resolution=Resolution(
                reference=parse_reference("ghcr.io/acme/base:1"), pointer=refused, tags=refused
            ),
            notes=(Note(NoteKind.UNRESOLVED, "tags: ghcr.io is not reachable"),),
        ),
        standing(
            "node:20.11-slim",
            *(f"services/service-{number}/Dockerfile" for number in range(9)),
            updates=moved,
            notes=(Note(NoteKind.LYING_PIN, "the digest is another version"),),
        ),
        standing(
            f"node:latest@{DIGEST}",
            updates=updates(**{kind: unknown(kind) for kind in ("patch", "minor", "major")}),
        ),
        troubles=(
            Trouble("ghcr.io", Failure.UNREACHABLE, "connection refused", "check the network", 1),
        ),
        asked=12,
        notices=("facts are old",),
    )
    judgements = {**out.judgements, "docker.io/library/alpine:3": supported}
    skipped = (Skipped("broken/Dockerfile", 1, "is no text"),)
    survey = Survey(root=".", files=(), uses=out.survey.uses, skipped=skipped)
    return Standings(
        survey=survey, now=out.now, standings=out.standings, judgements=judgements,
        troubles=out.troubles, asked=out.asked, notices=out.notices,
    )  # fmt: skip


ENDED = date(2026, 4, 30)
"""The end of life in every judgement of `made`."""
