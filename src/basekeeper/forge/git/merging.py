"""Merging: the base is moved to one judged commit and no other, and that is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.git.branches import relate
from basekeeper.forge.git.landing import Unmergeable
from basekeeper.forge.git.mirror import PushRefused
from basekeeper.values.forge import ChangeState, MergeOutcome, MergeState

if TYPE_CHECKING:
    from basekeeper.forge.git.changes import Changes, Look
    from basekeeper.forge.git.facts import Kept
    from basekeeper.forge.git.landing import Landing
    from basekeeper.forge.git.mirror import Mirror
    from basekeeper.values.forge import MergeMethod

ATTEMPTS: Final = 5
"""How often a merge is made anew, as its base moved meanwhile."""


class Merging:
    """Merges the change requests of one repository."""

    def __init__(self, mirror: Mirror, changes: Changes, landing: Landing) -> None:
        """Change nothing yet.

        Args:
            mirror: The repository.
            changes: What is recorded.
            landing: Makes commits.
        """
        self._mirror = mirror
        self._changes = changes
        self._landing = landing

    def merge(self, number: int, commit: str, method: MergeMethod) -> MergeOutcome:
        """Merge now, if the head is this very commit; see `ports.Forge.merge`."""
        for _ in range(ATTEMPTS):
            seen, one = self._changes.one(number)
            if not self._changes.settle(seen, one):
                continue
            early = _early(seen, one, commit)
            if early is not None:
                return early
            base = seen.refs.branch(one.base)
            if base is None:
                return _refused(f"there is no branch {one.base!r:.200}")
            if not relate(self._mirror, commit, base).ahead:
                return _refused("its base has it already")
            if not self._changes.noted_head(seen, one, commit):
                continue
            outcome = self._try(one, commit, base, method)
            if outcome is not None:
                return outcome
        return MergeOutcome(state=MergeState.REFUSED, reason="its base moves all the time")

    def _try(self, one: Kept, head: str, base: str, method: MergeMethod) -> MergeOutcome | None:
        """Merge once; None: look again."""
        try:
            made = self._landing.commit(one, head, base, method)
            self._mirror.push(f"refs/heads/{one.base}", made, base)
        except Unmergeable as error:
            return _refused(str(error))
        except PushRefused as error:
            return None if error.is_moved else _refused(error.error.message)
        except ForgeError as error:
            if error.failure is not ForgeFailure.TRANSIENT:
                raise
            after = self._mirror.refs(f"refs/heads/{one.base}").branch(one.base)
            if after in {None, base}:
                raise
            return None  # the answer was lost: whether it was done is seen in the base
        return None  # recorded from what the base is now, as after a crash in this place


def _early(seen: Look, one: Kept, commit: str) -> MergeOutcome | None:
    """Return the outcome where there is nothing to do, or nothing to be done; None: go on."""
    if one.state is ChangeState.MERGED:
        return MergeOutcome(state=MergeState.MERGED, merged_at=one.merged_at, commit=one.commit)
    if one.state is ChangeState.CLOSED:
        return _refused("it is closed")
    head = seen.head(one)
    if head != commit:
        reason = f"its head is {(head or 'gone')[:12]}, not {commit[:12]}"
        return MergeOutcome(state=MergeState.MOVED, reason=reason)
    return _refused("it is a draft") if one.is_draft else None


def _refused(reason: str) -> MergeOutcome:
    return MergeOutcome(state=MergeState.REFUSED, reason=reason)
