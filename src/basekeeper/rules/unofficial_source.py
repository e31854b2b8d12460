"""`unofficial-source`: nothing in the policy vouches for who published the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, brief, lineage, place_of, said
from basekeeper.values.finding import Category, Truth
from basekeeper.values.use import Kind, Via

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject
    from basekeeper.values.finding import Judgement
    from basekeeper.values.use import Use

_LIBRARY: Final = "docker.io/library/"
"""Where the official images are; nobody else can publish there."""

_UNVERIFIED: Final = "could not verify: "
"""How the reason begins where a condition of the policy could not be told."""


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for an image that is prohibited because nothing allows it."""
    use, judgement = subject.use, subject.judgement
    if (
        use.kind is not Kind.CONCRETE
        or judgement.category is not Category.PROHIBITED
        or judgement.explicit
    ):
        return
    yield Defect(
        place=place_of(use),
        message=_message(use, judgement),
        remedy=_remedy(use, judgement),
        unknown=not judgement.category_known,
        evidence=_evidence(judgement),
    )


def _evidence(judgement: Judgement) -> tuple[str, ...]:
    """Tell what the publisher's status rests on, and why the policy says no if that is more."""
    answer = judgement.quality.get("official_source")
    if answer is None:
        return (judgement.reason,)
    same = answer.reason in judgement.reason
    return (said(answer),) if same else (said(answer), judgement.reason)


def _message(use: Use, judgement: Judgement) -> str:
    """Say who is missing: a publisher, an entry of the official list or one of the policy."""
    name = lineage(use)
    answer = judgement.quality.get("official_source")
    if judgement.category_known:
        if name.startswith(_LIBRARY) and answer is not None and answer.value is Truth.NO:
            return f"{name} is not an official image"
        return f"{name} comes from no source that the policy names"
    if answer is not None and answer.value is Truth.UNKNOWN:
        return f"could not verify who publishes {name}"
    return f"could not verify {brief(use)}: {judgement.reason.removeprefix(_UNVERIFIED)}"


def _remedy(use: Use, judgement: Judgement) -> str:
    """Name a replacement, or the entry that would approve the source."""
    name = lineage(use)
    if use.via is Via.SYNTAX:
        return f'use docker/dockerfile, or approve it in [policy]: frontends = ["{name}"]'
    if judgement.suggestion:
        return f"use {judgement.suggestion} instead"
    if name.startswith(_LIBRARY):
        if use.via in (Via.COPY_FROM, Via.RUN_MOUNT):
            return "name a stage, a context that a Compose or bake file gives, or another image"
        return "use an official image"
    return (
        f'use an official image, or approve it: [[policy.permitted]] image = "{_namespace(name)}"'
    )


def _namespace(name: str) -> str:
    """Write the pattern of all that the publisher of an image may publish."""
    registry, _, repository = name.partition("/")
    owner, slash, _ = repository.rpartition("/")
    return f"{registry}/{owner}/*" if slash else name


RULE: Final = UseRule(
    id="unofficial-source",
    summary="neither official, nor of a verified publisher, nor in the policy",
    inspect=_inspect,
    yields_to=("near-stage-name",),
    counts_when_unused=True,
)
