"""Which entry of a policy decides about an image.

Layers are tried from the policy at hand down to the oldest one that it extends; within a layer
prohibited, preferred, permitted, restricted; within a category the order of the file, trusted
namespaces last. The first entry that matches decides. Where none does, the image is prohibited.
A condition that cannot be told does not match, and is remembered: unknown is never fine. So a
prohibition that might match ends the search: no later entry may grant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.policy.model import Step
from basekeeper.records import dataclass
from basekeeper.values.finding import Answer, Category, Truth
from basekeeper.values.reference import HUB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from basekeeper.policy.model import Clause, Layer
    from basekeeper.values.reference import Reference

_LIBRARY: Final = "library"
"""The namespace of Docker Hub that holds the official images alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the conditions of entries ask about an image."""

    names: tuple[Reference, ...]
    """The image's own name first, then the name as written where that is a mirror's;
    empty for scratch."""
    variant: tuple[str, ...]
    """Variant words of the tag."""
    variant_known: bool
    """False where a digest without a tag hides them."""
    lts: Answer
    official: Answer
    verified: Answer


@dataclass(frozen=True, slots=True)
class Decision:
    """The entry that decided, and all that were tried before it."""

    clause: Clause | None
    """None: no entry matched, or a prohibition might have."""
    steps: tuple[Step, ...]
    is_barred: bool = False
    """True where a prohibition might have matched, had more been known."""

    @property
    def unclear(self) -> tuple[Step, ...]:
        """The entries that might have matched, had more been known."""
        return tuple(step for step in self.steps if step.matched is Truth.UNKNOWN)


def decide(layers: Iterable[Layer], subject: Subject) -> Decision:
    """Try the entries in their order until one matches."""
    steps = []
    for layer in layers:
        for clause in layer.clauses:
            step = _try(clause, subject)
            steps.append(step)
            if step.matched is Truth.YES:
                return Decision(clause, tuple(steps))
            if step.matched is Truth.UNKNOWN and clause.category is Category.PROHIBITED:
                return Decision(None, tuple(steps), is_barred=True)
    return Decision(None, tuple(steps))


def _try(clause: Clause, subject: Subject) -> Step:
    """Try one entry: its pattern first, then its conditions."""
    named = _pattern_matches(clause, subject)
    if named is Truth.NO:
        return Step(clause, named, f"{clause.pattern.text} names other images")
    answers = list(_conditions(clause, subject))
    if named is Truth.UNKNOWN:
        answers.append(Answer(Truth.UNKNOWN, "the digest hides which tag it is"))
    for value in (Truth.NO, Truth.UNKNOWN):
        reasons = [answer.reason for answer in answers if answer.value is value]
        if reasons:
            return Step(clause, value, "; ".join(reasons))
    return Step(clause, Truth.YES, "; ".join([f"named by {clause.pattern.text}", *_all(answers)]))


def _all(answers: Iterable[Answer]) -> Iterator[str]:
    return (answer.reason for answer in answers)


def _pattern_matches(clause: Clause, subject: Subject) -> Truth:
    """Match the image's own name, and the mirror's where it is written with one."""
    if clause.pattern.is_scratch or not subject.names:
        both = clause.pattern.is_scratch and not subject.names
        return Truth.YES if both else Truth.NO
    found = {clause.pattern.matches(name) for name in subject.names}
    return next((value for value in (Truth.YES, Truth.UNKNOWN) if value in found), Truth.NO)


def _conditions(clause: Clause, subject: Subject) -> Iterator[Answer]:
    """Yield the answer to each condition of the entry."""
    if clause.variant:
        yield _variant(clause.variant, subject)
    if clause.lts is not None:
        yield _expected(subject.lts, clause.lts)
    if clause.official is not None:
        yield _expected(subject.official, clause.official)
    if clause.publisher:
        asked = {"official": subject.official, "verified": subject.verified}
        yield _any_of([asked[name] for name in clause.publisher], subject)


def _variant(wanted: tuple[str, ...], subject: Subject) -> Answer:
    """Answer whether the tag has one of the variant words."""
    shown = " or ".join(wanted)
    found = next((word for word in wanted if word in subject.variant), None)
    if found is not None:
        return Answer(Truth.YES, f"the tag says {found}")
    if subject.variant_known:
        return Answer(Truth.NO, f"the tag does not say {shown}")
    return Answer(Truth.UNKNOWN, f"a digest without a tag does not tell whether it is {shown}")


def _expected(answer: Answer, wanted: bool) -> Answer:  # noqa: FBT001  # the policy's own value
    """Turn the answer around where the entry asks for no."""
    if wanted or answer.value is Truth.UNKNOWN:
        return answer
    turned = Truth.NO if answer.value is Truth.YES else Truth.YES
    return Answer(turned, answer.reason, answer.source, answer.as_of)


def _any_of(answers: list[Answer], subject: Subject) -> Answer:
    """Combine answers of which one suffices."""
    for value in (Truth.YES, Truth.UNKNOWN):
        for answer in answers:
            if answer.value is value:
                return answer
    return answers[0] if len(answers) == 1 else refusal(subject)


def refusal(subject: Subject) -> Answer:
    """Return the answer that says why nobody answers for an image that is neither kind.

    Below `docker.io/library` that is that it is no official image; elsewhere nobody expects it to
    be one, and only the publisher matters.
    """
    is_library = any(
        name.registry == HUB and name.path_parts[0] == _LIBRARY for name in subject.names
    )
    return subject.official if is_library else subject.verified
