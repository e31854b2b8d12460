"""Pull requests: found, made once, brought up to date, closed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.github.failures import said_of
from basekeeper.forge.github.reading import repo
from basekeeper.forge.marking import Mark, mark_of, marked
from basekeeper.transport.redaction import shown_text
from basekeeper.values.forge import ChangeRequest, ChangeState, Done, Proposed

if TYPE_CHECKING:
    from collections.abc import Callable

    from basekeeper.forge.github.client import Answer, Client
    from basekeeper.forge.github.documents import Node
    from basekeeper.forge.github.merging import Merging
    from basekeeper.values.forge import ChangeProposal, RepositoryRef

MAX_BODY: Final = 60_000
"""Characters of a body; GitHub takes 65,536."""

MAX_TITLE: Final = 250
"""Characters of a title; GitHub takes 256."""

MAX_CLOSERS: Final = 5
"""Closed pull requests, the newest first, of which it is asked who closed them."""

_UNPROCESSABLE: Final = 422
_MERGEABLE: Final = {"MERGEABLE": True, "CONFLICTING": False}


class Changes:
    """The pull requests of repositories."""

    def __init__(
        self, client: Client, is_us: Callable[[Node | None], bool], merging: Merging
    ) -> None:
        """Change nothing yet.

        Args:
            client: Asks.
            is_us: Tells whether a user is who we are.
            merging: Tells how open ones stand.
        """
        self._client = client
        self._is_us = is_us
        self._merging = merging

    def find(self, ref: RepositoryRef, branch: str) -> tuple[ChangeRequest, ...]:
        """Return those of a branch of the repository itself, the newest first."""
        found = sorted(self._listed(ref, branch), key=lambda one: -one.number)
        closed = [one.number for one in found if one.state is ChangeState.CLOSED][:MAX_CLOSERS]
        return tuple(
            self._detailed(ref, one)
            if one.state is ChangeState.OPEN
            else replace(one, closed_by=self._closer(ref, one.number))
            if one.number in closed
            else one
            for one in found
        )

    def ensure(self, ref: RepositoryRef, proposal: ChangeProposal) -> Proposed:
        """Have one that says what it is to say; see `ports.Forge.ensure_change_request`."""
        listed = sorted(self._listed(ref, proposal.branch), key=lambda one: -one.number)
        present = self._present(ref, listed, proposal)
        if present is not None:
            return present
        said = {
            "title": proposal.title[:MAX_TITLE],
            "head": proposal.branch,
            "base": proposal.base,
            "body": _body(proposal),
            "draft": proposal.is_draft,
        }
        try:
            answer = self._client.change(
                "POST", repo(ref, "pulls"), said, accept={_UNPROCESSABLE}, makes_content=True
            )
        except ForgeError as error:
            if error.failure is not ForgeFailure.TRANSIENT:
                raise
            return self._again(ref, proposal, error)
        if answer.status == _UNPROCESSABLE:
            return self._again(ref, proposal, _unmade(ref, proposal, answer))
        made = self._read(answer.node)
        return Proposed(Done.CREATED, self._labelled(ref, made, proposal))

    def close(self, ref: RepositoryRef, number: int) -> bool:
        """Close without merging; False where it is not open."""
        where = repo(ref, "pulls", number)
        if self._client.get(where).node.text("state") != "open":
            return False
        self._client.change("PATCH", where, {"state": "closed"})
        return True

    def _listed(self, ref: RepositoryRef, branch: str) -> list[ChangeRequest]:
        """List what has this head. The filter is only a wish: one that cannot be read is none."""
        params = {"state": "all", "head": f"{ref.owner}:{branch}"}
        found = []
        for page in self._client.pages(repo(ref, "pulls"), params):
            for node in page.items:
                head, base = node.node("head"), node.node("base")
                source = head.maybe_node("repo")
                own = base.node("repo").number("id")
                if source is None or source.number("id") != own or head.text("ref") != branch:
                    continue
                found.append(self._read(node))
        return found

    def _present(
        self, ref: RepositoryRef, listed: list[ChangeRequest], proposal: ChangeProposal
    ) -> Proposed | None:
        """Return what is there already, brought up to date; None where one is to be made."""
        for one in listed:
            if one.state is ChangeState.OPEN:
                return self._updated(ref, one, proposal)
        for one in listed:
            if one.key == proposal.key:
                is_merged = one.state is ChangeState.MERGED
                return Proposed(Done.MERGED if is_merged else Done.DECLINED, one)
        return None

    def _again(self, ref: RepositoryRef, proposal: ChangeProposal, error: ForgeError) -> Proposed:
        """Look for one that was made meanwhile, or whose answer was lost."""
        for one in self._listed(ref, proposal.branch):
            if one.state is ChangeState.OPEN:
                return self._updated(ref, one, proposal)
        raise error

    def _updated(
        self, ref: RepositoryRef, present: ChangeRequest, proposal: ChangeProposal
    ) -> Proposed:
        """Say what is to be said, where we last said something else."""
        if not present.is_ours:
            raise ForgeError(
                f"{ref}: pull request {present.number} for branch {present.branch!r} is by"
                f" {present.author}, not by us",
                ForgeFailure.CONFLICT,
                hint="merge or close it; it is left alone",
            )
        mark = mark_of(present.body, "proposal")
        is_same = mark == Mark(proposal.key, proposal.digest) and present.base == proposal.base
        if not is_same:
            said = {
                "title": proposal.title[:MAX_TITLE], "body": _body(proposal),
                "base": proposal.base,
            }  # fmt: skip
            answer = self._client.change("PATCH", repo(ref, "pulls", present.number), said)
            present = self._read(answer.node)
        labelled = self._labelled(ref, present, proposal)
        is_same = is_same and labelled is present
        return Proposed(Done.UNCHANGED if is_same else Done.UPDATED, labelled)

    def _labelled(
        self, ref: RepositoryRef, present: ChangeRequest, proposal: ChangeProposal
    ) -> ChangeRequest:
        """Add the labels that it lacks; those that others gave it stay."""
        known = {name.lower() for name in present.labels}
        lacking = [name for name in proposal.labels if name.lower() not in known]
        if not lacking:
            return present
        where = repo(ref, "issues", present.number, "labels")
        answer = self._client.change("POST", where, {"labels": lacking})
        return replace(present, labels=tuple(one.text("name") for one in answer.items))

    def _detailed(self, ref: RepositoryRef, present: ChangeRequest) -> ChangeRequest:
        """Add what only GraphQL tells of an open one."""
        stand = self._merging.stand(ref, present.number)
        return replace(
            present,
            head=stand.head,
            mergeable=_MERGEABLE.get(stand.mergeable),
            in_queue=stand.in_queue,
            auto_merge=stand.auto_merge,
        )

    def _closer(self, ref: RepositoryRef, number: int) -> str | None:
        node = self._client.get(repo(ref, "issues", number)).node.maybe_node("closed_by")
        return None if node is None else node.text("login")

    def _read(self, node: Node) -> ChangeRequest:
        """Read one as lists and single answers of REST tell it."""
        user = node.maybe_node("user")
        is_ours = self._is_us(user)
        merged_at = node.instant("merged_at")
        body = node.maybe_text("body") or ""
        mark = mark_of(body, "proposal") if is_ours else None
        head = node.node("head")
        return ChangeRequest(
            number=node.number("number"),
            url=node.text("html_url"),
            state=_state(node, is_merged=merged_at is not None),
            branch=head.text("ref"),
            head=head.oid("sha"),
            base=node.node("base").text("ref"),
            author="ghost" if user is None else user.text("login"),
            is_ours=is_ours,
            title=node.text("title"),
            body=body,
            key=None if mark is None else mark.key,
            labels=tuple(one.text("name") for one in node.nodes("labels")),
            is_draft=node.flag("draft"),
            auto_merge=node.value.get("auto_merge") is not None,
            merged_at=merged_at,
        )


def _state(node: Node, *, is_merged: bool) -> ChangeState:
    if is_merged:
        return ChangeState.MERGED
    return ChangeState.OPEN if node.text("state") == "open" else ChangeState.CLOSED


def _body(proposal: ChangeProposal) -> str:
    mark = Mark(proposal.key, proposal.digest)
    return marked(proposal.body, "proposal", mark, MAX_BODY)


def _unmade(ref: RepositoryRef, proposal: ChangeProposal, answer: Answer) -> ForgeError:
    """Say why no pull request was made."""
    said = shown_text(said_of(answer.document))
    return ForgeError(
        f"{ref}: no pull request could be made from {proposal.branch!r} into {proposal.base!r}:"
        f" {said}",
        ForgeFailure.CONFLICT,
        hint="look whether the base still exists, and whether the branch differs from it",
    )
