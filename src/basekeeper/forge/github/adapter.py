"""GitHub as a forge: everything that `ports.Forge` asks for, in one place."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.forge.github.branches import Branches
from basekeeper.forge.github.changes import MAX_BODY, Changes
from basekeeper.forge.github.checks import ChecksReader
from basekeeper.forge.github.dispatching import Dispatching
from basekeeper.forge.github.merging import Merging
from basekeeper.forge.github.reading import (
    read_file,
    read_repositories,
    read_repository,
    read_tree,
)
from basekeeper.forge.github.talking import Talking
from basekeeper.forge.github.tokens import JOB_LOGIN, JOB_NOTICES
from basekeeper.values.forge import Capabilities, TokenKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from basekeeper.forge.github.client import Client
    from basekeeper.forge.github.documents import Node
    from basekeeper.values.forge import (
        BranchState,
        BranchWritten,
        ChangeProposal,
        ChangeRequest,
        Checks,
        CommitRequest,
        Dispatched,
        DispatchRequest,
        Label,
        MergeMethod,
        MergeOutcome,
        Proposed,
        RepositoryInfo,
        RepositoryRef,
        StatusReport,
        Tree,
    )

VIEWER: Final = "query Viewer { viewer { login databaseId } }"


class _Self(NamedTuple):
    """Who we are."""

    login: str
    id: int | None


class GitHub:
    """One GitHub, for one token; `ports.Forge` says what each method does."""

    def __init__(self, client: Client, close: Callable[[], None]) -> None:
        """Ask nothing yet.

        Args:
            client: Asks.
            close: Ends every connection.
        """
        self._client = client
        self._close = close
        self._lock = threading.Lock()
        self._known_self: _Self | None = None
        self._ids: dict[RepositoryRef, str] = {}
        self._merging = Merging(client)
        self._branches = Branches(client, self._is_us, self._id_of)
        self._changes = Changes(client, self._is_us, self._merging)
        self._talking = Talking(client, self._is_us)
        self._checks = ChecksReader(client, self._is_us, lambda: self._self().login)
        self._dispatching = Dispatching(client, self._is_us)

    def capabilities(self) -> Capabilities:
        """Tell who we are, and what can be done."""
        login = self._self().login
        is_job = login == JOB_LOGIN
        return Capabilities(
            login=login,
            token=TokenKind.JOB if is_job else self._client.token.kind,
            auto_merge=True,
            merge_queue=self._merging.knows_queues,
            drafts=True,
            statuses=True,
            dispatch=True,
            labels=True,
            reviewers=True,
            max_body=MAX_BODY,
            notices=JOB_NOTICES if is_job else (),
        )

    def repository(self, ref: RepositoryRef) -> RepositoryInfo:
        """Tell about a repository."""
        found = read_repository(self._client, ref)
        self._ids[ref] = self._ids[found.ref] = found.id
        return found

    def repositories(self, owner: str) -> Iterator[RepositoryInfo]:
        """Return all repositories of an owner."""
        for found in read_repositories(self._client, owner):
            self._ids[found.ref] = found.id
            yield found

    def tree(self, ref: RepositoryRef, commit: str) -> Tree:
        """List every file of a commit."""
        return read_tree(self._client, ref, commit)

    def file(self, ref: RepositoryRef, oid: str) -> bytes:
        """Read a file."""
        return read_file(self._client, ref, oid)

    def branch(self, ref: RepositoryRef, name: str, base: str) -> BranchState | None:
        """Tell how a branch stands to another one."""
        return self._branches.read(ref, name, base)

    def ensure_branch(
        self, ref: RepositoryRef, name: str, commit: CommitRequest, expected_head: str | None
    ) -> BranchWritten:
        """Make a branch consist of one commit."""
        return self._branches.ensure(ref, name, commit, expected_head)

    def delete_branch(self, ref: RepositoryRef, name: str, expected_head: str) -> bool:
        """Remove a branch."""
        return self._branches.delete(ref, name, expected_head)

    def find_change_requests(self, ref: RepositoryRef, branch: str) -> tuple[ChangeRequest, ...]:
        """Return the pull requests of a branch."""
        return self._changes.find(ref, branch)

    def ensure_change_request(self, ref: RepositoryRef, proposal: ChangeProposal) -> Proposed:
        """Have a pull request that says what it is to say."""
        return self._changes.ensure(ref, proposal)

    def comment_once(self, ref: RepositoryRef, number: int, key: str, text: str) -> bool:
        """Say something, once."""
        return self._talking.comment_once(ref, number, key, text)

    def ensure_label(self, ref: RepositoryRef, label: Label) -> bool:
        """Have a label."""
        return self._talking.ensure_label(ref, label)

    def request_reviewers(
        self, ref: RepositoryRef, number: int, reviewers: Collection[str]
    ) -> tuple[str, ...]:
        """Ask for reviews."""
        return self._talking.request_reviewers(ref, number, reviewers)

    def checks(
        self, ref: RepositoryRef, commit: str, base: str, number: int | None = None
    ) -> Checks:
        """Return all checks of a commit but ours."""
        return self._checks.read(ref, commit, base, number)

    def set_status(self, ref: RepositoryRef, commit: str, report: StatusReport) -> bool:
        """Have our word on a commit."""
        return self._talking.set_status(ref, commit, report)

    def merge(
        self, ref: RepositoryRef, number: int, commit: str, method: MergeMethod
    ) -> MergeOutcome:
        """Merge now."""
        return self._merging.merge(ref, number, commit, method)

    def enable_auto_merge(
        self, ref: RepositoryRef, number: int, commit: str, method: MergeMethod
    ) -> MergeOutcome:
        """Have it merged later."""
        return self._merging.enable(ref, number, commit, method)

    def dispatch(
        self, ref: RepositoryRef, request: DispatchRequest, *, now: datetime
    ) -> Dispatched:
        """Start a run of a workflow."""
        return self._dispatching.start(ref, request, now=now)

    def variable(self, ref: RepositoryRef, name: str) -> str | None:
        """Read a variable."""
        return self._dispatching.variable(ref, name)

    def close_change_request(self, ref: RepositoryRef, number: int) -> bool:
        """Close without merging."""
        return self._changes.close(ref, number)

    def notices(self) -> tuple[str, ...]:
        """Say what the user should know."""
        return self._client.notices

    def close(self) -> None:
        """End every connection."""
        self._client.pacer.stop()
        self._close()

    def _self(self) -> _Self:
        """Ask once who we are."""
        with self._lock:
            if self._known_self is None:
                viewer = self._client.graphql(VIEWER, {}).node("viewer")
                number = viewer.value.get("databaseId")
                found = _Self(viewer.text("login"), number if type(number) is int else None)
                if found.login == JOB_LOGIN:
                    for notice in JOB_NOTICES:
                        self._client.tell(notice)
                self._known_self = found
            return self._known_self

    def _is_us(self, user: Node | None) -> bool:
        """Tell whether a user is who we are: by name, or by number where it was changed since."""
        if user is None:
            return False
        us = self._self()
        if user.maybe_text("login") == us.login:
            return True
        return us.id is not None and user.value.get("id") == us.id

    def _id_of(self, ref: RepositoryRef) -> str:
        known = self._ids.get(ref)
        return self.repository(ref).id if known is None else known
