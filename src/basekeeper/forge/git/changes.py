"""Change requests: found, recorded once, brought up to date, closed.

What a branch and its base are now wins over what was recorded of them: merged is what is in the
base, and a branch that somebody removed closes its change request.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.git.branches import relate
from basekeeper.forge.git.facts import (
    Act,
    Fact,
    changes_of,
    comment_key,
    fitting,
    proposed,
)
from basekeeper.forge.git.failures import conflict, refused
from basekeeper.values.forge import ChangeRequest, ChangeState, Done, Proposed, is_branch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from basekeeper.forge.git.books import Book
    from basekeeper.forge.git.facts import Kept
    from basekeeper.forge.git.landing import Landing
    from basekeeper.forge.git.mirror import Mirror, Refs
    from basekeeper.values.forge import ChangeProposal

ATTEMPTS: Final = 10
"""How often something is recorded before which others were first."""


class Look(NamedTuple):
    """What is there at one time."""

    refs: Refs
    kept: Mapping[int, Kept]
    """By number, the oldest first."""

    def head(self, change: Kept) -> str | None:
        """Return the commit of the branch of a change request."""
        return self.refs.branch(change.branch)


class Changes:
    """The change requests of one repository."""

    def __init__(
        self,
        mirror: Mirror,
        book: Book,
        landing: Landing,
        login: str,
        clock: Callable[[], datetime],
    ) -> None:
        """Change nothing yet.

        Args:
            mirror: The repository.
            book: What was recorded.
            landing: Tells what is in a base.
            login: Who we are.
            clock: Tells when.
        """
        self._mirror = mirror
        self._book = book
        self._landing = landing
        self._login = login
        self._clock = clock
        self._branches: dict[int, str] = {}
        self._bases: dict[str, set[str]] = {}

    def look(self, *branches: str) -> Look:
        """Read what was recorded, and where these branches and the bases of theirs are."""
        names = {*branches, *(base for one in branches for base in self._bases.get(one, ()))}
        asked = dict.fromkeys(f"refs/heads/{one}" for one in sorted(names) if is_branch(one))
        while True:
            refs = self._mirror.refs(*self._book.asked, *asked)
            kept = self._kept(refs)
            wanted = [one for one in kept.values() if one.branch in branches]
            for one in wanted:
                self._bases.setdefault(one.branch, set()).add(one.base)
            names = {name for one in wanted for name in (one.branch, one.base)}
            lacking = [f"refs/heads/{name}" for name in sorted(names)]
            if asked.keys() >= set(lacking):
                return Look(refs, kept)
            asked |= dict.fromkeys(lacking)

    def find(self, branch: str) -> tuple[ChangeRequest, ...]:
        """Return those of a branch in every state, the newest first."""
        seen = self.look(branch)
        found = [self.present(seen, one) for one in seen.kept.values() if one.branch == branch]
        return tuple(self.request(seen, one) for one in reversed(found))

    def ensure(self, proposal: ChangeProposal) -> Proposed:
        """Have one that says what it is to say; see `ports.Forge.ensure_change_request`."""
        for _ in range(ATTEMPTS):
            seen = self.settled(proposal.branch, proposal.base)
            found = self._ensured(seen, proposal)
            if found is not None:
                return found
        raise _busy(self._mirror.name)

    def close(self, number: int) -> bool:
        """Close without merging; False where it is not open."""
        for _ in range(ATTEMPTS):
            seen, one = self.one(number)
            one = self.present(seen, one)
            if one.state is not ChangeState.OPEN:
                return False
            if self.note(seen, number, Act.CLOSED, "closed", {"head": seen.head(one) or one.head}):
                return True
        raise _busy(self._mirror.name)

    def comment(self, number: int, key: str, text: str) -> bool:
        """Record something that is to be said, unless it was under the same key."""
        name = comment_key(key)
        for _ in range(ATTEMPTS):
            seen, one = self.one(number)
            if name in one.comments:
                return False
            if self.note(seen, number, Act.COMMENTED, name, {"about": key, "body": fitting(text)}):
                return True
        raise _busy(self._mirror.name)

    def one(self, number: int) -> tuple[Look, Kept]:
        """Return a change request by its number, as it was recorded."""
        branch = self._branches.get(number)
        refs = None if branch else self._mirror.refs(*self._book.asked)
        kept = {} if refs is None else self._kept(refs)
        if number in kept:
            branch = self._branches[number] = kept[number].branch
        seen = None if branch is None else self.look(branch)
        if seen is None or number not in seen.kept:
            raise ForgeError(
                f"{self._mirror.name}: no change request {number}", ForgeFailure.NOT_FOUND
            )
        return seen, seen.kept[number]

    def settled(self, *branches: str) -> Look:
        """Look, after what others did without a record was recorded."""
        for _ in range(ATTEMPTS):
            seen = self.look(*branches)
            pending = [one for one in seen.kept.values() if one.branch in branches]
            if all(self.settle(seen, one) for one in pending):
                return seen
        raise _busy(self._mirror.name)

    def settle(self, seen: Look, one: Kept) -> bool:
        """Record that one was merged or closed by others; False where something was recorded."""
        now = self.present(seen, one)
        if now.state is one.state:
            return True
        if now.state is ChangeState.MERGED and now.merged_at is not None:
            self.merged(seen, one, now.head, now.commit or "", now.merged_at)
        else:
            fact = Fact(
                number=one.number, act=Act.CLOSED, key="closed", at=self._clock(), by="",
                said={"head": one.head},
            )  # fmt: skip
            self._book.add(seen.refs, fact)
        return False

    def merged(self, seen: Look, one: Kept, head: str, commit: str, at: datetime) -> bool:
        """Record a merge; False where something else was recorded first."""
        said = {"head": head, "commit": commit}
        fact = Fact(
            number=one.number, act=Act.MERGED, key="merged", at=at, by=self._login, said=said
        )
        return self._book.add(seen.refs, fact)

    def noted_head(self, seen: Look, one: Kept, head: str) -> bool:
        """Have the head of a branch on record; False where it, or something else, was recorded."""
        if one.head == head:
            return True
        self._write(seen, replace(one, head=head))
        return False

    def present(self, seen: Look, one: Kept) -> Kept:
        """Tell what one is now: the present wins over what was recorded."""
        if one.state is not ChangeState.OPEN:
            return one
        base = seen.refs.branch(one.base)
        landed = None if base is None else self._landing.landed(one.head, base)
        if landed is not None:
            return replace(one, state=ChangeState.MERGED, merged_at=landed.at, commit=landed.commit)
        return one if seen.head(one) is not None else replace(one, state=ChangeState.CLOSED)

    def request(self, seen: Look, one: Kept) -> ChangeRequest:
        """Tell of one in the words of all forges."""
        is_open = one.state is ChangeState.OPEN
        head = (seen.head(one) if is_open else None) or one.head
        base = seen.refs.branch(one.base)
        fits = self._landing.fits(head, base) if is_open and base is not None else None
        return ChangeRequest(
            number=one.number,
            url=f"{self._mirror.shown}#{one.number}",
            state=one.state,
            branch=one.branch,
            head=head,
            base=one.base,
            author=one.author,
            is_ours=one.author == self._login,
            title=one.title,
            body=one.body,
            key=one.key if one.author == self._login else None,
            labels=one.labels,
            is_draft=one.is_draft,
            mergeable=fits,
            in_queue=False,
            auto_merge=False,
            merged_at=one.merged_at,
            closed_by=one.closed_by,
        )

    def note(self, seen: Look, number: int, act: Act, key: str, said: Mapping[str, str]) -> bool:
        """Record what we do now; False where something else was recorded first."""
        now, by = self._clock(), self._login
        fact = Fact(number=number, act=act, key=key, at=now, by=by, said=said)
        return self._book.add(seen.refs, fact)

    def _ensured(self, seen: Look, proposal: ChangeProposal) -> Proposed | None:
        """Do what is to be done for a proposal; None: look again."""
        mine = [one for one in reversed([*seen.kept.values()]) if one.branch == proposal.branch]
        for one in mine:
            if one.state is ChangeState.OPEN:
                return self._updated(seen, one, proposal)
        for one in mine:
            if one.key == proposal.key:
                is_merged = one.state is ChangeState.MERGED
                done = Done.MERGED if is_merged else Done.DECLINED
                return Proposed(done, self.request(seen, one))
        head = self._head_to_propose(seen, proposal)
        made = proposed(max(seen.kept, default=0) + 1, self._login, head, proposal)
        if not self.note(seen, made.number, Act.OPENED, "opened", made.said()):
            return None
        return Proposed(Done.CREATED, self.request(seen, made))

    def _updated(self, seen: Look, one: Kept, proposal: ChangeProposal) -> Proposed | None:
        """Say what is to be said, where we last said something else; None: look again."""
        if one.author != self._login:
            raise conflict(
                f"{self._mirror.name}: change request {one.number} for branch {one.branch!r} is by"
                f" {one.author!r:.100}, not by us",
                "merge or close it; it is left alone",
            )
        if proposal.base == one.base:
            head = self._head_to_note(seen, one)
        else:
            head = self._head_to_propose(seen, proposal)
        wanted = proposed(one.number, one.author, head, proposal)
        lacking = [name for name in wanted.labels if name not in one.labels]
        is_said = (one.key, one.digest, one.base) == (wanted.key, wanted.digest, wanted.base)
        labels = (*one.labels, *lacking)
        if is_said and not lacking and one.head == head:
            return Proposed(Done.UNCHANGED, self.request(seen, one))
        present = one if is_said else wanted
        after = replace(
            present, head=head, labels=labels, is_draft=one.is_draft, revision=one.revision,
            comments=one.comments,
        )  # fmt: skip
        if not self._write(seen, after):
            return None
        done = Done.UNCHANGED if is_said and not lacking else Done.UPDATED
        return Proposed(done, self.request(seen, after))

    def _write(self, seen: Look, after: Kept) -> bool:
        """Record what one is from now on."""
        key = f"revision {after.revision + 1}"
        return self.note(seen, after.number, Act.UPDATED, key, after.said())

    def _head_to_note(self, seen: Look, one: Kept) -> str:
        """Return the head of an open one; what its base has already would pass for a merge."""
        head, base = seen.head(one), seen.refs.branch(one.base)
        if head is None or base is None or not relate(self._mirror, head, base).ahead:
            return one.head
        return head

    def _head_to_propose(self, seen: Look, proposal: ChangeProposal) -> str:
        head, base = seen.refs.branch(proposal.branch), seen.refs.branch(proposal.base)
        what = f"{self._mirror.name}: no change request can be made from {proposal.branch!r:.200}"
        if head is None or base is None:
            lacking = proposal.branch if head is None else proposal.base
            raise conflict(f"{what}: there is no branch {lacking!r:.200}", "look again")
        if not relate(self._mirror, head, base).ahead:
            raise conflict(f"{what}: {proposal.base!r:.200} has everything that is in it")
        return head

    def _kept(self, refs: Refs) -> dict[int, Kept]:
        try:
            return changes_of(self._book.facts(refs))
        except ValueError as error:
            raise refused(
                f"{self._mirror.name}: what was recorded of change requests cannot be: {error}"
            ) from None


def _busy(name: str) -> ForgeError:
    return ForgeError(
        f"{name}: others recorded something each of {ATTEMPTS} times", ForgeFailure.CONFLICT,
        hint="let one monitor work on a repository at a time",
    )  # fmt: skip
