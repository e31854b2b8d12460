"""Which changes are proposed together, and which of them now."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from basekeeper.propose.weighing import weigh
from basekeeper.render.proposal_mark import read_proposal_mark
from basekeeper.values.forge import ChangeState
from basekeeper.values.image import Unknown
from basekeeper.values.proposal import Group, Identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from basekeeper.config.proposals import ProposalRules
    from basekeeper.deadlines.model import Deadline
    from basekeeper.values.forge import ChangeRequest
    from basekeeper.values.proposal import Candidate, Weighed

MAX_KEY_CHARS: Final = 300
"""Longest key of a group; what is longer is cut, and told apart by a hash."""


def proposed_targets(requests: Iterable[ChangeRequest] | Unknown) -> dict[str, str]:
    """Return what open proposals of ours make of which image: image → what it becomes."""
    found: dict[str, str] = {}
    for one in () if isinstance(requests, Unknown) else requests:
        mark = read_proposal_mark(one.body)
        if one.is_ours and one.state is ChangeState.OPEN and mark is not None:
            found |= mark.images
    return found


def weigh_groups(
    candidates: Sequence[Candidate],
    deadlines: Sequence[Deadline],
    rules: ProposalRules,
    base: str,
    proposed: Mapping[str, str],
) -> tuple[Group, ...]:
    """Put changes together, and choose of each image what is proposed now.

    What is too young waits, unless it provably ends a running deadline that nothing older ends, or
    is proposed already.

    Args:
        candidates: One or more for each image: what the rules take now, and what they let wait.
        deadlines: All of the repository.
        rules: How changes are put together.
        base: Branch to merge into.
        proposed: What open proposals make of which image.

    Returns:
        Groups sorted by key.
    """
    images: dict[str, list[Weighed]] = {}  # the same tag may be pinned to several digests
    for candidate in candidates:
        reference = str(candidate.change.standing.reference)
        images.setdefault(reference, []).append(weigh(candidate, deadlines))
    names: dict[str, str] = {}
    taken: dict[str, list[Weighed]] = {}
    held: dict[str, list[Weighed]] = {}
    for _, every in sorted(images.items()):
        chosen = _chosen(every, proposed.get(every[0].image))
        one = chosen or every[0]
        key, names[key] = _key(one, rules)
        (taken if chosen is not None else held).setdefault(key, []).append(one)
    return tuple(
        Group(
            identity=Identity(key, base),
            name=name,
            taken=tuple(taken.get(key, ())),
            held=tuple(held.get(key, ())),
        )
        for key, name in sorted(names.items())
    )


def _chosen(every: Sequence[Weighed], proposed: str | None) -> Weighed | None:
    """Return what of one image is proposed now; None: it waits."""
    aged = [one for one in every if one.candidate.waiting is None]
    best = min(aged, key=_is_drift, default=None)
    ended = {proof.order for proof in best.proofs} if best is not None else set()
    young = [one for one in every if one.candidate.waiting is not None]
    urgent = [one for one in young if any(proof.order not in ended for proof in one.proofs)]
    if urgent:
        return max(urgent, key=lambda one: len(one.proofs))
    kept = [one for one in young if str(one.candidate.change.to) == proposed]
    return kept[0] if kept else best


def _is_drift(weighed: Weighed) -> bool:
    return weighed.candidate.change.choice.os_change is not None


def _key(weighed: Weighed, rules: ProposalRules) -> tuple[str, str]:
    """Name the group of an image; another operating system is always proposed alone."""
    change = weighed.candidate.change
    if not _is_drift(weighed):
        if change.group is not None:
            return f"group {change.group}", change.group
        if rules.group_by == "repository":
            return "repository", ""
    return _fitted(f"image {weighed.image}"), ""


def _fitted(key: str) -> str:
    if len(key) <= MAX_KEY_CHARS:
        return key
    return f"{key[: MAX_KEY_CHARS - 17]}~{sha256(key.encode()).hexdigest()[:16]}"
