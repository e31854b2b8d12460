"""Who merges a proposal once everything has passed: never a machine where something is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.values.image import Unknown
from basekeeper.values.proposal import MergePolicy, Merging
from basekeeper.values.vulnerability import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.compare import Comparison, Difference, Finding
    from basekeeper.config.proposals import ProposalRules
    from basekeeper.values.change import EditPlan
    from basekeeper.values.proposal import Compared, Group, Weighed

MAX_REASONS: Final = 50

_UNSEEN: Final = {"os": "moves to another operating system", "name": "becomes another image"}
_WHOLE_RELEASES: Final = frozenset(
    {"alma", "amazon", "centos", "debian", "fedora", "oracle", "redhat", "rocky"}
)
"""Distributions whose releases are the first number; those of others are the first two."""


def merging(group: Group, edits: EditPlan, rules: ProposalRules) -> Merging:
    """Tell who merges, and why.

    Args:
        group: What is proposed.
        edits: What became of it in the files.
        rules: Which kinds are merged by themselves.
    """
    never = [reason for one in group.taken for reason in _never(one)]
    if edits.refused:
        never.append("not every place could be edited")
    if never:
        return Merging(MergePolicy.NEVER, tuple(dict.fromkeys(never))[:MAX_REASONS])
    review = [reason for one in group.taken for reason in _review(one, rules)]
    if review:
        return Merging(MergePolicy.REVIEW, tuple(dict.fromkeys(review))[:MAX_REASONS])
    kinds = ", ".join(sorted({one.candidate.change.choice.kind for one in group.taken}))
    reason = f"kinds that are merged by themselves: {kinds}; nothing speaks against it"
    return Merging(MergePolicy.AUTO, (reason,))


def _never(weighed: Weighed) -> Iterator[str]:
    """Yield why no setting lets it be merged unseen."""
    change = weighed.candidate.change
    name = weighed.image
    if change.choice.os_change is not None:
        yield f"another operating system is behind {name}: {change.choice.os_change}"
    if change.choice.kind in _UNSEEN or change.choice.axis in _UNSEEN:
        yield f"{name} {_UNSEEN.get(change.choice.kind) or _UNSEEN[change.choice.axis]}"
    looked = {one.platform for one in weighed.compared}
    for platform in change.standing.platforms:
        if platform not in looked:
            yield f"what changes inside {name} on {platform} is not known"
    for one in weighed.compared:
        yield from (f"{name} on {one.platform}: {reason}" for reason in _risks(one))
    if any(look.configs is None for look in weighed.candidate.looks):
        yield f"how {name} is configured before and after is not known"


def _risks(compared: Compared) -> Iterator[str]:
    """Yield what one platform's image brings that a person must see, or what is not known."""
    answer = compared.answer
    if isinstance(answer, Unknown):
        yield answer.reason
        return
    yield from (problem.reason for problem in answer.problems)
    for finding in _worse(answer):
        word = "of unknown severity" if not finding.severity else finding.severity.word
        yield f"brings {finding.vulnerability}, {word}"
    yield from (_moved(one) for one in answer.differences if _is_release(one))
    yield from (_moved(one) for one in answer.differences if one.what == "platform")


def _worse(answer: Comparison) -> Iterator[Finding]:
    """Yield what is new and severe, or may be, and what became severe."""
    for finding in answer.introduced:
        if finding.severity >= Severity.HIGH or finding.severity is Severity.UNKNOWN:
            yield finding
    for kept in answer.unchanged:
        if kept.after.severity >= Severity.HIGH and kept.after.severity > kept.before.severity:
            yield kept.after


def _moved(one: Difference) -> str:
    return f"{one.what}: {one.before} → {one.after}"


def _is_release(one: Difference) -> bool:
    """Tell whether an operating system changed by more than a point release."""
    return one.what == "operating system" and _release(one.before) != _release(one.after)


def _release(text: str) -> tuple[str, ...]:
    family, _, release = text.partition(" ")
    parts = release.split(".")
    return (family, *parts[: 1 if family in _WHOLE_RELEASES else 2])


def _review(weighed: Weighed, rules: ProposalRules) -> Iterator[str]:
    """Yield why a person is asked although nothing is wrong."""
    kind, waiting = weighed.candidate.change.choice.kind, weighed.candidate.waiting
    if waiting is not None and not weighed.proofs:  # no deadline urges any more
        yield f"{weighed.image} {waiting.reason}"
    if kind not in rules.automerge:
        yield f"proposals.automerge does not name {kind!r}"
    for one in weighed.compared:
        if not isinstance(one.answer, Unknown):
            for difference in one.answer.differences:
                if difference.what in ("user", "entrypoint", "command"):
                    yield f"{weighed.image} on {one.platform}: {_moved(difference)}"
