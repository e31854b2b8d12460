"""Judging one image: its category by the entries of the policy, its quality by calendars."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InputError, InvalidReference
from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.policy.decide import Decision, Subject, decide, refusal
from basekeeper.policy.model import stricter
from basekeeper.policy.patterns import SCRATCH
from basekeeper.policy.quality import all_answers, current_version, official_source, supported
from basekeeper.records import dataclass
from basekeeper.tags.describe import describe_image
from basekeeper.tags.find_axes import BASE_NAME_LABEL
from basekeeper.values.facts import Facts
from basekeeper.values.finding import Answer, Category, Judgement, Truth
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from basekeeper.policy.model import Clause, Layer, Step
    from basekeeper.policy.policy import Policy
    from basekeeper.tags.describe import ImageDescription
    from basekeeper.values.finding import AxisState
    from basekeeper.values.reference import Reference

BY_DEFAULT: Final = "default"
"""The `clause` of a judgement that no entry made."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A judgement and how it came about."""

    judgement: Judgement
    steps: tuple[Step, ...] = ()
    """Entries in the order tried, up to the one that decided; empty where there was nothing to
    look up."""
    own_steps: tuple[Step, ...] = ()
    """The same for a repository's own policy below an operator's."""


@dataclass(frozen=True, slots=True)
class _World:
    """What the judgement of one image rests on, besides its name."""

    facts: Facts
    catalogue: Catalogue
    now: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known about one image."""

    text: str
    written: Reference
    subject: Subject
    description: ImageDescription


def explain(
    policy: Policy,
    image: str | Reference,
    facts: Facts | Mapping[str, object],
    *,
    now: datetime,
    catalogue: Catalogue | None,
) -> Explanation:
    """Judge one image; see `Policy.judge`."""
    if now.utcoffset() is None:
        raise InputError("now: expected an instant with a time zone", hint="pass now in UTC")
    given = Facts.of(facts)
    text = image if isinstance(image, str) else image.text or str(image)
    if text == SCRATCH:
        return _empty_base(policy)
    try:
        reference = parse_reference(image) if isinstance(image, str) else image
    except InvalidReference as error:
        return Explanation(_unusable(text, error))
    world = _World(given, catalogue or Catalogue.bundled(), now)
    return _judged(policy, _look_up(policy, text, reference, world), world)


def _empty_base(policy: Policy) -> Explanation:
    """Judge `scratch`, which is no image: nothing in it can be old or large."""
    nothing = Answer(Truth.YES, "empty image")
    subject = Subject(
        names=(), variant=(), variant_known=True, lts=nothing, official=nothing, verified=nothing
    )
    decision, own = decide(policy.layers, subject), decide(policy.own, subject)
    quality = all_answers(Truth.YES, "empty image")
    judgement = _verdict(decision, subject, text=SCRATCH, reference=None, quality=quality)
    return Explanation(_tightened(judgement, own, policy.own), decision.steps, own.steps)


def _unusable(text: str, error: InvalidReference) -> Judgement:
    """Judge text that is no reference: an unresolved variable is unknown, the rest is wrong."""
    opaque = "$" in text
    reason = "names a variable that is not resolved" if opaque else error.message
    quality = dict(all_answers(Truth.UNKNOWN, reason))
    if not opaque:
        quality["official_source"] = Answer(Truth.NO, reason)
    return Judgement(
        text=text,
        reference=None,
        category=Category.PROHIBITED,
        category_known=not opaque,
        reason=reason,
        clause=BY_DEFAULT,
        explicit=False,
        quality=quality,
    )


def _look_up(policy: Policy, text: str, written: Reference, world: _World) -> _Known:
    """Gather what the policy's conditions ask about an image."""
    canonical = policy.aliases.canonical(written)
    names = (canonical,) if canonical == written else (canonical, written)
    description = describe_image(canonical, world.catalogue, world.facts, now=world.now)
    subject = Subject(
        names=names,
        variant=_words(canonical, description),
        variant_known=canonical.tag is not None or canonical.digest is None,
        lts=description.is_lts,
        official=description.official,
        verified=description.publisher,
    )
    if world.catalogue.name_of(canonical) != canonical.name:
        subject = _without_mirror(subject, canonical, world.facts)
    return _Known(text, written, subject, description)


def _without_mirror(subject: Subject, reference: Reference, facts: Facts) -> Subject:
    """Take away what only a mirror would have that the policy switched off."""
    no = Answer(Truth.NO, f"the policy takes {reference.registry} for no mirror")
    return replace(
        subject,
        official=subject.official if facts.official is not None else no,
        verified=subject.verified if facts.verified_publisher is not None else no,
    )


def _words(reference: Reference, description: ImageDescription) -> tuple[str, ...]:
    """List what a tag says besides versions: its words, and the family of its system.

    `24-alpine3.22` says alpine, `24-bookworm-slim` says bookworm, slim and debian.
    """
    words = (reference.tag or "").lower().split("-")
    system = description.tag.os
    family = () if system is None else (system.family,)
    return (*words, *description.variants, *family)


def _judged(policy: Policy, known: _Known, world: _World) -> Explanation:
    """Decide by the policy, then by what a repository says of itself."""
    decision = decide(policy.layers, known.subject)
    own = decide(policy.own, known.subject)
    upstream = None if decision.clause is None else _upstream(decision.clause, known, world.facts)
    axes, undetermined = _axes(known.description, upstream, world)
    quality = {
        "official_source": official_source(decision.clause, known.subject),
        "current_version": current_version(axes, undetermined),
        "supported": supported(axes, undetermined),
        "minimal_size": known.description.minimal,
    }
    judgement = _verdict(
        decision, known.subject, text=known.text, reference=known.written, quality=quality
    )
    if upstream is not None:
        judgement = replace(judgement, reason=f"{judgement.reason}; built on {upstream}")
    judgement = replace(
        judgement,
        axes=axes,
        minimal_alternative=known.description.minimal_alternative,
        suggestion=judgement.suggestion or known.description.suggestion,
        next_reference=_next_reference(known),
        tags_are_versions=known.description.tags_are_versions,
    )
    return Explanation(_tightened(judgement, own, policy.own), decision.steps, own.steps)


def _next_reference(known: _Known) -> str | None:
    """Write the image to move to, under the mirror's name where only the tag changes."""
    following = known.description.successor
    if following is None:
        return None
    if following.name == known.subject.names[0].name:
        return known.written.with_tag(following.tag).with_digest(None).text
    return following.text


def _axes(
    description: ImageDescription, upstream: Reference | None, world: _World
) -> tuple[tuple[AxisState, ...], tuple[str, ...]]:
    """Return the versions in an image, and what could not be told.

    What a company's own image does not tell itself, its upstream does.
    """
    if upstream is None:
        return description.axes, description.undetermined
    described = describe_image(upstream, world.catalogue, now=world.now)
    present = {axis.axis for axis in description.axes}
    added = tuple(axis for axis in described.axes if axis.axis not in present)
    still_open = tuple(
        reason for reason in described.undetermined if reason.partition(":")[0] not in present
    )
    return description.axes + added, still_open


def _upstream(clause: Clause, known: _Known, facts: Facts) -> Reference | None:
    """Find what a company's own image was built from: by its labels, else by the policy."""
    if not clause.trusted:
        return None
    label = (facts.labels or {}).get(BASE_NAME_LABEL)
    if label:
        return _parsed(label)
    if clause.upstream is None or clause.upstream_of is None:
        return None
    for name in known.subject.names:
        below = f"{name.registry}/{name.repository}".removeprefix(f"{clause.upstream_of}/")
        if below != f"{name.registry}/{name.repository}" and (name.tag or not name.digest):
            # The digest is the company's own; only the tag can be that of the upstream.
            tag = f":{name.tag}" if name.tag else ""
            return _parsed(f"{clause.upstream}/{below}{tag}")
    return None


def _parsed(text: str) -> Reference | None:
    """Parse what a label or a policy calls the upstream; None where it is no reference."""
    try:
        return parse_reference(text)
    except InvalidReference:
        return None


def _verdict(
    decision: Decision,
    subject: Subject,
    *,
    text: str,
    reference: Reference | None,
    quality: Mapping[str, Answer],
) -> Judgement:
    """Put a decision into words."""
    clause = decision.clause
    unclear = "; ".join(dict.fromkeys(step.reason for step in decision.unclear))
    if clause is None:
        because = (
            f"could not verify: {unclear}"
            if unclear
            else f"no entry of the policy allows it: {_nobody(subject)}"
        )
    else:
        because = clause.rationale or f"{clause.pattern.text} is {clause.category.value}"
        if unclear:
            because += f"; could not be told: {unclear}"
    return Judgement(
        text=text,
        reference=reference,
        category=Category.PROHIBITED if clause is None else clause.category,
        category_known=clause is not None or not unclear,
        reason=because,
        clause=BY_DEFAULT if clause is None else clause.name,
        explicit=clause is not None and clause.category is Category.PROHIBITED,
        quality=quality,
        suggestion=None if clause is None else clause.replacement,
        clause_origin=None if clause is None else clause.origin,
    )


def _nobody(subject: Subject) -> str:
    """Say why nobody answers for an image."""
    if not subject.names:
        return "it does not name scratch"
    return refusal(subject).reason


def _own_rationale(own: Decision) -> str:
    """Say in a few words why a repository's own policy puts an image where it does."""
    if own.is_barred:
        return f"could not verify: {own.unclear[-1].reason}"
    if own.clause is None:
        return "no entry allows it"
    return own.clause.rationale or own.clause.pattern.text


def _tightened(judgement: Judgement, own: Decision, layers: Sequence[Layer]) -> Judgement:
    """Apply what a repository says of itself, where that is stricter."""
    clause = own.clause
    if clause is None and not own.is_barred and not any(layer.closed for layer in layers):
        return judgement
    category = Category.PROHIBITED if clause is None else clause.category
    if stricter(category, judgement.category) is judgement.category:
        return judgement
    rationale = _own_rationale(own)
    return replace(
        judgement,
        category=category,
        category_known=clause is not None or not own.unclear,
        reason=f"the repository's own policy is stricter: {rationale}",
        clause=BY_DEFAULT if clause is None else clause.name,
        explicit=clause is not None and category is Category.PROHIBITED,
        suggestion=(clause.replacement if clause is not None else None) or judgement.suggestion,
        clause_origin=None if clause is None else clause.origin,
    )
