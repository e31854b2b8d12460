"""What the files cannot say: new content behind a tag that they name without a digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.propose.weighing import compared_look, is_running, proofs_of
from basekeeper.tags.updates import Choice
from basekeeper.values.change import Change
from basekeeper.values.deciding import Decision, DecisionKind
from basekeeper.values.finding import Truth
from basekeeper.values.proposal import Candidate, Compared, fingerprint, ordered_proofs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from basekeeper.config.proposals import ProposalRules
    from basekeeper.deadlines.model import Deadline
    from basekeeper.values.change import Withheld
    from basekeeper.values.deciding import Setting
    from basekeeper.values.proposal import Moved, Proof


def pin_of(moved: Moved) -> Candidate:
    """Return what pins the new content: a change like any other, for `weigh_groups`."""
    reference = moved.standing.reference
    tag = reference.tag or "latest"
    choice = Choice(
        kind="digest",
        axis="build",
        value=Truth.YES,
        reason=f"{tag} stands for other content than what was last built upon",
        tag=tag,
        digest=moved.after,
        os_change=moved.os_change,
    )
    change = Change(moved.standing, choice, reference.with_tag(tag).with_digest(moved.after))
    return Candidate(change=change, looks=moved.looks, waiting=moved.waiting, before=moved.before)


def rebuild(
    moved: Moved, deadlines: Iterable[Deadline], rules: ProposalRules, setting: Setting
) -> Decision:
    """Decide about new content where nothing is pinned: build again, once for each, or tell.

    Another operating system is never built upon unseen. Only what provably ends a running deadline
    goes before the waiting time and outside the windows.

    Args:
        moved: What stands behind the tag now, and stood there.
        deadlines: All of the repository.
        rules: What is to be done.
        setting: What holds now.
    """
    image = str(moved.standing.reference.with_digest(None))
    key = f"rebuild:{fingerprint(image, moved.after, rules.rebuild_workflow)}"
    proofs = _proofs(moved, deadlines)
    due = min((one.deadline.due for one in proofs if one.deadline.due), default=None)
    what = f"{image} stands for {moved.after}, built was on {moved.before}"

    def told(kind: DecisionKind, reason: str, **more: object) -> Decision:
        found = {"branch": "", "key": key, "due": due, "reason": f"{what}: {reason}", **more}
        return Decision(kind=kind, **found)  # type: ignore[arg-type]  # each of its kind

    if rules.on_unpinned != "rebuild" or rules.rebuild_workflow is None or rules.mode == "report":
        return told(DecisionKind.REPORT, "nothing is edited or started")
    if moved.os_change is not None:
        return told(DecisionKind.REPORT, f"another operating system, {moved.os_change}")
    if key in setting.dispatched:
        return told(DecisionKind.LEAVE, "the rebuild was started")
    if moved.waiting is not None and not proofs:
        return told(DecisionKind.WAIT, moved.waiting.reason, until=moved.waiting.until)
    if not proofs and not rules.is_scheduled(setting.now):
        until = rules.next_window(setting.now)
        return told(DecisionKind.WAIT, "outside the windows of proposals.schedule", until=until)
    return told(DecisionKind.REBUILD, "it is built again", workflow=rules.rebuild_workflow)


def _proofs(moved: Moved, deadlines: Iterable[Deadline]) -> tuple[Proof, ...]:
    running = [one for one in deadlines if is_running(one)]
    found: list[Proof] = []
    for look in moved.looks:
        compared = Compared(look.platform, compared_look(look, (moved.before, moved.after)))
        found += proofs_of(moved.standing.reference, look, compared, running)
    return ordered_proofs(found)


def drifts(withheld: Iterable[Withheld]) -> Iterator[Change]:
    """Yield what was not taken only as another operating system is behind the same tag.

    Proposed by itself, with everything that differs, and never merged without a person. Where no
    digest is pinned there is nothing to edit: that is a rebuild.
    """
    for one in withheld:
        choice, reference = one.choice, one.standing.reference
        if choice and choice.os_change is not None and reference.digest is not None:
            same = choice.tag in (None, reference.tag)
            if same and choice.digest is not None and choice.repository is None:
                yield Change(one.standing, choice, reference.with_digest(choice.digest))
