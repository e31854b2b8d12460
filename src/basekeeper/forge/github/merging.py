"""Merging: now, by itself, or through a queue; and never said before it is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.github.failures import said_of
from basekeeper.forge.github.reading import repo
from basekeeper.transport.redaction import shown_text
from basekeeper.values.forge import MergeOutcome, MergeState

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.forge.github.client import Client
    from basekeeper.forge.github.documents import Node
    from basekeeper.values.forge import MergeMethod, RepositoryRef

_COMMON: Final = """
      id state isDraft mergedAt headRefOid mergeable mergeStateStatus
      mergeCommit { oid } autoMergeRequest { mergeMethod }
"""
_QUERY: Final = """
query Stand($owner: String!, $name: String!, $number: Int!) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{
      {}
    }}
  }}
}}
"""
STAND: Final = _QUERY.format(_COMMON + "      isInMergeQueue isMergeQueueEnabled")
STAND_WITHOUT_QUEUE: Final = _QUERY.format(_COMMON)
"""For a server that knows no merge queues."""

ENABLE: Final = """
mutation Enable($id: ID!, $method: PullRequestMergeMethod!, $head: GitObjectID!) {
  enablePullRequestAutoMerge(
    input: {pullRequestId: $id, mergeMethod: $method, expectedHeadOid: $head}
  ) { clientMutationId }
}
"""
ENQUEUE: Final = """
mutation Enqueue($id: ID!, $head: GitObjectID!) {
  enqueuePullRequest(input: {pullRequestId: $id, expectedHeadOid: $head}) { clientMutationId }
}
"""

_NOTHING_LEFT: Final = ("clean status", "unstable status")
"""How GitHub says that it has nothing to wait for; the second: what is optional has failed."""

_REFUSED: Final = frozenset({405, 409, 422})
_HEAD_MOVED: Final = 409


class Stand(NamedTuple):
    """How a pull request stands."""

    id: str
    state: str
    head: str
    is_draft: bool
    merged_at: datetime | None
    commit: str | None
    mergeable: str
    auto_merge: bool
    in_queue: bool | None
    """None: the server knows no queues."""
    has_queue: bool


class Merging:
    """Merges the pull requests of repositories."""

    def __init__(self, client: Client) -> None:
        """Change nothing yet."""
        self._client = client
        self._knows_queues = True

    @property
    def knows_queues(self) -> bool:
        """Whether the server knows merge queues, as far as was seen."""
        return self._knows_queues

    def stand(self, ref: RepositoryRef, number: int) -> Stand:
        """Tell how a pull request stands."""
        variables = {"owner": ref.owner, "name": ref.name, "number": number}
        query = STAND if self._knows_queues else STAND_WITHOUT_QUEUE
        try:
            data = self._client.graphql(query, variables)
        except ForgeError as error:
            if error.failure is not ForgeFailure.UNSUPPORTED or not self._knows_queues:
                raise
            self._knows_queues = False
            data = self._client.graphql(STAND_WITHOUT_QUEUE, variables)
        found = data.node("repository").maybe_node("pullRequest")
        if found is None:
            raise ForgeError(f"{ref}: no pull request {number}", ForgeFailure.NOT_FOUND)
        return _stand(found)

    def merge(
        self, ref: RepositoryRef, number: int, commit: str, method: MergeMethod
    ) -> MergeOutcome:
        """Merge now, if the head is this very commit."""
        stand = self.stand(ref, number)
        early = _early(stand, commit)
        if early is not None:
            return early
        if stand.has_queue:
            return self._enqueue(ref, number, stand)
        said = {"sha": commit, "merge_method": method.value}
        where = repo(ref, "pulls", number, "merge")
        try:
            answer = self._client.change("PUT", where, said, accept=_REFUSED, makes_content=True)
        except ForgeError as error:
            if error.failure is not ForgeFailure.TRANSIENT:
                raise
            after = self.stand(ref, number)  # the answer may be lost, and the merge done
            if after.merged_at is None:
                raise
            return _merged(after)
        reason = shown_text(said_of(answer.document))
        after = self.stand(ref, number)
        if after.merged_at is not None:
            return _merged(after)
        if answer.status == _HEAD_MOVED:
            return MergeOutcome(state=MergeState.MOVED, reason=reason)
        if answer.status in _REFUSED:
            return MergeOutcome(state=MergeState.REFUSED, reason=reason)
        return MergeOutcome(state=MergeState.WAITING, reason="the forge has not merged it yet")

    def enable(
        self, ref: RepositoryRef, number: int, commit: str, method: MergeMethod
    ) -> MergeOutcome:
        """Have it merged once what is required has passed, and look whether that is in force."""
        stand = self.stand(ref, number)
        early = _early(stand, commit)
        if early is not None:
            return early
        if stand.auto_merge:
            return MergeOutcome(state=MergeState.WAITING, reason="auto-merge is enabled")
        variables = {"id": stand.id, "method": method.value.upper(), "head": commit}
        try:
            self._client.graphql(ENABLE, variables, is_change=True)
        except ForgeError as error:
            if error.failure not in {ForgeFailure.CONFLICT, ForgeFailure.TRANSIENT}:
                raise
            return self._not_enabled(ref, number, error)
        return self._in_force(ref, number, "auto-merge was accepted, but is not in force")

    def _not_enabled(self, ref: RepositoryRef, number: int, error: ForgeError) -> MergeOutcome:
        """Tell what a refusal of auto-merge means; its answer may only be lost."""
        after = self.stand(ref, number)
        found = _found(after)
        if found is not None:
            return found
        if error.failure is ForgeFailure.TRANSIENT:
            raise error
        if after.has_queue:
            return self._enqueue(ref, number, after)
        if any(words in error.message.lower() for words in _NOTHING_LEFT):
            return MergeOutcome(state=MergeState.READY, reason=error.message)
        return MergeOutcome(state=MergeState.REFUSED, reason=error.message)

    def _in_force(self, ref: RepositoryRef, number: int, otherwise: str) -> MergeOutcome:
        after = self.stand(ref, number)
        found = _found(after)
        if found is not None:
            return found
        if after.has_queue:
            return self._enqueue(ref, number, after)
        return MergeOutcome(state=MergeState.REFUSED, reason=otherwise)

    def _enqueue(self, ref: RepositoryRef, number: int, stand: Stand) -> MergeOutcome:
        """Put it into the queue, and look whether it is there."""
        variables = {"id": stand.id, "head": stand.head}
        failed: ForgeError | None = None
        try:
            self._client.graphql(ENQUEUE, variables, is_change=True)
        except ForgeError as error:
            if error.failure not in {ForgeFailure.CONFLICT, ForgeFailure.TRANSIENT}:
                raise
            failed = error
        found = _found(self.stand(ref, number))
        if found is not None:
            return found
        if failed is not None and failed.failure is ForgeFailure.TRANSIENT:
            raise failed
        accepted = "it was accepted into the merge queue, but is not in it"
        reason = accepted if failed is None else failed.message
        return MergeOutcome(state=MergeState.REFUSED, reason=reason)


def _stand(node: Node) -> Stand:
    merge_commit = node.maybe_node("mergeCommit")
    return Stand(
        id=node.text("id"),
        state=node.text("state"),
        head=node.oid("headRefOid"),
        is_draft=node.flag("isDraft"),
        merged_at=node.instant("mergedAt"),
        commit=None if merge_commit is None else merge_commit.oid("oid"),
        mergeable=node.text("mergeable"),
        auto_merge=node.maybe_node("autoMergeRequest") is not None,
        in_queue=node.maybe_flag("isInMergeQueue"),
        has_queue=node.flag("isMergeQueueEnabled"),
    )


def _early(stand: Stand, commit: str) -> MergeOutcome | None:
    """Return the outcome where there is nothing to do, or nothing to be done; None: go on."""
    if stand.merged_at is not None:
        return _merged(stand)
    if stand.state != "OPEN":
        return MergeOutcome(state=MergeState.REFUSED, reason="it is closed")
    if stand.head != commit:
        reason = f"its head is {stand.head[:12]}, not {commit[:12]}"
        return MergeOutcome(state=MergeState.MOVED, reason=reason)
    if stand.in_queue:
        return MergeOutcome(state=MergeState.QUEUED, reason="it is in the merge queue")
    if stand.is_draft:
        return MergeOutcome(state=MergeState.REFUSED, reason="it is a draft")
    return None


def _found(stand: Stand) -> MergeOutcome | None:
    """Return what is in force; None where nothing is."""
    if stand.merged_at is not None:
        return _merged(stand)
    if stand.in_queue:
        return MergeOutcome(state=MergeState.QUEUED, reason="it is in the merge queue")
    if stand.auto_merge:
        return MergeOutcome(state=MergeState.WAITING, reason="auto-merge is enabled")
    return None


def _merged(stand: Stand) -> MergeOutcome:
    return MergeOutcome(state=MergeState.MERGED, merged_at=stand.merged_at, commit=stand.commit)
