"""Branches: how they stand, and one commit into them, over nobody's work."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.github.failures import said_of
from basekeeper.forge.github.reading import find_entry, repo
from basekeeper.transport.redaction import shown_text
from basekeeper.values.forge import BranchState, BranchWritten, Done, is_branch, is_marked

if TYPE_CHECKING:
    from collections.abc import Callable

    from basekeeper.forge.github.client import Client
    from basekeeper.forge.github.documents import Node
    from basekeeper.values.forge import CommitRequest, FileChange, RepositoryRef

UPDATE: Final = """
mutation Update($repository: ID!, $updates: [RefUpdate!]!) {
  updateRefs(input: {repositoryId: $repository, refUpdates: $updates}) { clientMutationId }
}
"""
COMPARED: Final = 100
"""Most commits of a branch that are looked at; one with more is not ours."""

COMMIT_TRIES: Final = 3
"""Times that a commit is made, as a new tree may not be there yet for whoever makes it."""

_WEB_FLOW: Final = "web-flow"
"""Committer of what GitHub itself signs: commits of apps, and those made on its pages."""
_MISSING: Final = 404
_UNPROCESSABLE: Final = 422


class Branches:
    """The branches of repositories."""

    def __init__(
        self,
        client: Client,
        is_us: Callable[[Node | None], bool],
        id_of: Callable[[RepositoryRef], str],
    ) -> None:
        """Change nothing yet.

        Args:
            client: Asks.
            is_us: Tells whether a user is who we are.
            id_of: Gives the id by which GraphQL knows a repository.
        """
        self._client = client
        self._is_us = is_us
        self._id_of = id_of

    def read(self, ref: RepositoryRef, name: str, base: str) -> BranchState | None:
        """Tell how a branch stands to another one; None where there is none."""
        head = self.head(ref, name)
        return None if head is None else self._compared(ref, name, base, head)

    def head(self, ref: RepositoryRef, name: str) -> str | None:
        """Read the commit that a branch is at; None where there is none."""
        where = repo(ref, "git", "ref", f"heads/{name}")
        answer = self._client.get(where, accept={_MISSING})
        return None if answer.status == _MISSING else answer.node.node("object").oid("sha")

    def ensure(
        self, ref: RepositoryRef, name: str, commit: CommitRequest, expected: str | None
    ) -> BranchWritten:
        """Make a branch consist of one commit; see `ports.Forge.ensure_branch`."""
        if not is_branch(name):
            raise _conflict(f"{name!r:.200} cannot be the name of a branch", "correct the prefix")
        head = self.head(ref, name)
        below = self._commit(ref, commit.base).node("tree").oid("sha")
        tree = self._tree(ref, commit, below)
        if tree == below:
            return BranchWritten(Done.EMPTY, head)
        text = commit.text(name)
        if head is not None and self._is_as_wanted(ref, head, tree, commit.base, text):
            return BranchWritten(Done.UNCHANGED, head)
        if head != expected:
            raise _moved(ref, name, expected, head)
        if head is not None:
            self._check_ours(ref, name, commit.base, head)
        made = self._make(ref, text, tree, commit.base)
        self._point(ref, name, made, head)
        return BranchWritten(Done.CREATED if head is None else Done.UPDATED, made)

    def delete(self, ref: RepositoryRef, name: str, expected: str) -> bool:
        """Remove a branch that is what was expected; False where there is none."""
        head = self.head(ref, name)
        if head is None:
            return False
        if head != expected:
            raise _moved(ref, name, expected, head)
        try:
            self._swap(ref, name, expected, "0" * len(expected))
        except ForgeError as error:
            if error.failure is not ForgeFailure.UNSUPPORTED:
                raise
            self._client.change("DELETE", repo(ref, "git", "refs", f"heads/{name}"), {})
        return True

    def _compared(self, ref: RepositoryRef, name: str, base: str, head: str) -> BranchState:
        where = repo(ref, "compare", f"{base}...{head}")
        answer = self._client.get(where, {"per_page": COMPARED}, accept={_MISSING})
        if answer.status == _MISSING:  # no common ancestor, or no such base
            return BranchState(name=name, head=head, base=head, is_ours=False, foreign=(head,))
        found = answer.node
        commits = tuple(found.nodes("commits"))
        ahead = found.number("ahead_by")
        foreign = tuple(one.oid("sha") for one in commits if not self._is_ours(one, name))
        return BranchState(
            name=name,
            head=head,
            base=found.node("merge_base_commit").oid("sha"),
            is_ours=not foreign and ahead == len(commits),
            foreign=foreign,
            ahead=ahead,
            behind=found.number("behind_by"),
        )

    def _is_ours(self, commit: Node, name: str) -> bool:
        """Tell whether a commit is ours, by author, committer and trailer."""
        committer = commit.maybe_node("committer")
        by_forge = committer is not None and committer.maybe_text("login") == _WEB_FLOW
        is_by_us = self._is_us(commit.maybe_node("author"))
        message = commit.node("commit").text("message")
        return is_by_us and (by_forge or self._is_us(committer)) and is_marked(message, name)

    def _check_ours(self, ref: RepositoryRef, name: str, base: str, head: str) -> None:
        state = self._compared(ref, name, base, head)
        if not state.is_ours:
            first = state.foreign[0][:12] if state.foreign else "one of many"
            raise _conflict(
                f"{ref}: branch {name!r} has a commit that is not ours ({first})",
                "merge or close its pull request, or delete the branch; it is left alone",
            )

    def _commit(self, ref: RepositoryRef, oid: str) -> Node:
        return self._client.get(repo(ref, "git", "commits", oid)).node

    def _is_as_wanted(self, ref: RepositoryRef, head: str, tree: str, base: str, text: str) -> bool:
        found = self._commit(ref, head)
        parents = [one.oid("sha") for one in found.nodes("parents")]
        is_same = found.node("tree").oid("sha") == tree and parents == [base]
        return is_same and found.text("message").strip() == text.strip()

    def _tree(self, ref: RepositoryRef, commit: CommitRequest, below: str) -> str:
        """Make the tree that is wanted; the same content makes the same tree."""
        entries = [self._row(ref, commit.base, *one) for one in sorted(commit.files.items())]
        rows = [row for row in entries if row is not None]
        if not rows:
            return below
        said = {"base_tree": below, "tree": rows}
        return self._client.change("POST", repo(ref, "git", "trees"), said).node.oid("sha")

    def _row(
        self, ref: RepositoryRef, base: str, where: str, change: FileChange
    ) -> dict[str, Any] | None:
        """One entry of the tree that is to be made; None where nothing is to be removed."""
        present = None
        if change.mode is None or change.data is None:
            present = find_entry(self._client, ref, base, where)
        if change.data is None and present is None:
            return None
        mode = change.mode or (present.mode if present else "100644")
        row: dict[str, Any] = {"path": where, "mode": mode, "type": "blob"}
        if change.data is None:
            return {**row, "sha": None}
        try:
            return {**row, "content": change.data.decode()}
        except UnicodeDecodeError:
            return {**row, "sha": self._blob(ref, change.data)}

    def _blob(self, ref: RepositoryRef, data: bytes) -> str:
        said = {"content": base64.b64encode(data).decode("ascii"), "encoding": "base64"}
        return self._client.change("POST", repo(ref, "git", "blobs"), said).node.oid("sha")

    def _make(self, ref: RepositoryRef, text: str, tree: str, base: str) -> str:
        """Make the commit; without author and committer GitHub signs those of apps."""
        said = {"message": text, "tree": tree, "parents": [base]}
        where = repo(ref, "git", "commits")
        tries = 1
        while True:
            answer = self._client.change("POST", where, said, accept={_UNPROCESSABLE})
            if answer.status != _UNPROCESSABLE:
                return answer.node.oid("sha")
            words = said_of(answer.document)
            if "does not exist" not in words.lower() or tries >= COMMIT_TRIES:
                raise _conflict(f"{ref}: no commit could be made: {shown_text(words)}", None)
            self._client.pacer.pause(tries)
            tries += 1

    def _point(self, ref: RepositoryRef, name: str, made: str, head: str | None) -> None:
        """Let the branch be at a commit, if it still is where it was."""
        try:
            self._swap(ref, name, head or "0" * len(made), made)
        except ForgeError as error:
            if error.failure is ForgeFailure.UNSUPPORTED:
                self._force(ref, name, made, head)
            elif error.failure in {ForgeFailure.CONFLICT, ForgeFailure.TRANSIENT}:
                self._check_pointed(ref, name, made, head, error)
            else:
                raise

    def _swap(self, ref: RepositoryRef, name: str, before: str, after: str) -> None:
        """Compare and swap: the only way that cannot lose what somebody pushes meanwhile."""
        update = {"name": f"refs/heads/{name}", "beforeOid": before, "afterOid": after,
                  "force": True}  # fmt: skip
        variables = {"repository": self._id_of(ref), "updates": [update]}
        self._client.graphql(UPDATE, variables, is_change=True)

    def _force(self, ref: RepositoryRef, name: str, made: str, head: str | None) -> None:
        """Do the same on a server that cannot compare and swap: look again just before."""
        if head is None:
            said: dict[str, Any] = {"ref": f"refs/heads/{name}", "sha": made}
            answer = self._client.change(
                "POST", repo(ref, "git", "refs"), said, accept={_UNPROCESSABLE}
            )
        else:
            present = self.head(ref, name)
            if present != head:
                raise _moved(ref, name, head, present)
            where = repo(ref, "git", "refs", f"heads/{name}")
            said = {"sha": made, "force": True}
            answer = self._client.change("PATCH", where, said, accept={_UNPROCESSABLE})
        if answer.status == _UNPROCESSABLE:
            reason = shown_text(said_of(answer.document))
            self._check_pointed(ref, name, made, head, _conflict(f"{ref}: {reason}", None))

    def _check_pointed(
        self, ref: RepositoryRef, name: str, made: str, head: str | None, error: ForgeError
    ) -> None:
        """Look what a branch is after a failure, and raise unless it is as it should be."""
        present = self.head(ref, name)
        if present == made:
            return
        if present != head:
            raise _moved(ref, name, head, present) from error
        if head is None:
            in_the_way = self._in_the_way(ref, name)
            if in_the_way is not None:
                raise _conflict(
                    f"{ref}: branch {name!r} cannot be made, as there is a branch {in_the_way!r}",
                    "delete or rename that branch, or choose another prefix",
                ) from error
        raise error

    def _in_the_way(self, ref: RepositoryRef, name: str) -> str | None:
        """Find a branch whose name is a directory to git for another one to be a file."""
        parts = name.split("/")
        for length in range(1, len(parts)):
            above = "/".join(parts[:length])
            if self.head(ref, above) is not None:
                return above
        where = repo(ref, "git", "matching-refs", f"heads/{name}/")
        for one in self._client.get(where).items:
            return one.text("ref").removeprefix("refs/heads/")
        return None


def _moved(ref: RepositoryRef, name: str, expected: str | None, head: str | None) -> ForgeError:
    was, now = (one[:12] if one else "nothing" for one in (expected, head))
    return _conflict(f"{ref}: branch {name!r} was {was} and is {now} now", "look at it again")


def _conflict(message: str, hint: str | None) -> ForgeError:
    return ForgeError(message, ForgeFailure.CONFLICT, hint=hint)
