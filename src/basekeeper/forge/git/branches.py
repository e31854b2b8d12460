"""Branches of a remote: how they stand, and one commit into them, over nobody's work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.git.commits import read_commit, write_commit, write_tree
from basekeeper.forge.git.failures import conflict, failed, refused
from basekeeper.forge.git.mirror import PushRefused
from basekeeper.values.forge import BranchState, BranchWritten, Done, is_branch, is_marked, is_oid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from basekeeper.forge.git.commits import Person
    from basekeeper.forge.git.mirror import Mirror
    from basekeeper.values.forge import CommitRequest

DEPTHS: Final = (32, 1024, None)
"""Commits fetched of each of two branches until both meet, one after another; None: all."""

COMPARED: Final = 100
"""Most commits of a branch that are looked at; one with more is not ours."""

MAX_BEHIND: Final = 100_000
"""Most commits of a base that are counted or searched."""


class Relation(NamedTuple):
    """How two commits stand to each other."""

    meeting: str | None
    """Newest commit that both have; None: there is none."""
    ahead: tuple[str, ...]
    """Commits of the first that the second lacks, the oldest first; at most `COMPARED` + 1."""
    behind: int
    """Commits of the second that the first lacks: exact where they were all made one upon the
    other, never fewer, and 0 only where there are none."""


def relate(mirror: Mirror, head: str, base: str) -> Relation:
    """Tell how a commit stands to another, with as much of their past as that takes."""
    for depth in DEPTHS:
        if mirror.has(head) and mirror.has(base):
            found = _related(mirror, head, base)
            if found is not None:
                return found
        mirror.fetch([head, base], depth)
    return _related(mirror, head, base, is_all=True) or Relation(None, (head,), 0)


def _related(mirror: Mirror, head: str, base: str, *, is_all: bool = False) -> Relation | None:
    """Compare two commits that are here; None where more of their past is needed for it."""
    if head == base:
        return Relation(head, (), 0)
    done = mirror.git(["merge-base", head, base])
    if done.returncode > 1:
        raise failed(f"{mirror.name}: {head[:12]} and {base[:12]} cannot be compared", done)
    boundary = frozenset() if is_all else mirror.boundary()
    meeting = done.stdout.decode("ascii", "replace").strip() or None
    if meeting is None and boundary:
        return None
    ahead, behind = _between(mirror, base, head), _between(mirror, head, base)
    if boundary and not _is_certain(boundary, meeting, ahead, behind):
        return None
    return Relation(meeting, tuple(ahead)[: COMPARED + 1], len(behind))


def _is_certain(
    boundary: frozenset[str],
    meeting: str | None,
    ahead: Mapping[str, tuple[str, ...]],
    behind: Mapping[str, tuple[str, ...]],
) -> bool:
    """Tell whether more of the past would leave all that is ahead as it is.

    What is ahead may only seem so where the past of a common commit, which was not fetched, has
    it too. It cannot where everything ahead leads to the meeting and nowhere else: it would be
    its own ancestor.
    """
    exits = {above for parents in ahead.values() for above in parents if above not in ahead}
    leads_on = all(ahead.values()) and exits <= {meeting}
    return leads_on and boundary.isdisjoint(ahead) and boundary.isdisjoint(behind)


def _between(mirror: Mirror, below: str, above: str) -> dict[str, tuple[str, ...]]:
    """List what one commit has and another lacks with its parents, the oldest first."""
    argv = ["rev-list", "--reverse", "--topo-order", "--parents", f"--max-count={MAX_BEHIND}"]
    lines = mirror.told([*argv, above, f"^{below}"]).decode("ascii", "replace").splitlines()
    rows = [line.split() for line in lines]
    return {row[0]: tuple(row[1:]) for row in rows}


class Branches:
    """The branches of one repository."""

    def __init__(self, mirror: Mirror, person: Person, clock: Callable[[], datetime]) -> None:
        """Change nothing yet.

        Args:
            mirror: The repository.
            person: Who makes commits.
            clock: Tells when.
        """
        self._mirror = mirror
        self._person = person
        self._clock = clock

    def read(self, name: str, base: str) -> BranchState | None:
        """Tell how a branch stands to another one; None where there is none."""
        if not is_branch(name) or not is_branch(base):
            return None
        refs = self._mirror.refs(f"refs/heads/{name}", f"refs/heads/{base}")
        head, below = refs.branch(name), refs.branch(base)
        if head is None:
            return None
        if below is None:
            return BranchState(name=name, head=head, base=head, is_ours=False, foreign=(head,))
        return self.compared(name, head, below)

    def compared(self, name: str, head: str, base: str) -> BranchState:
        """Tell how the head of a branch stands to a commit."""
        found = relate(self._mirror, head, base)
        if found.meeting is None:
            return BranchState(name=name, head=head, base=head, is_ours=False, foreign=(head,))
        seen = found.ahead[:COMPARED]
        foreign = tuple(one for one in seen if not self._is_ours(one, name))
        return BranchState(
            name=name,
            head=head,
            base=found.meeting,
            is_ours=not foreign and len(found.ahead) <= COMPARED,
            foreign=foreign,
            ahead=len(found.ahead),
            behind=found.behind,
        )

    def ensure(self, name: str, commit: CommitRequest, expected: str | None) -> BranchWritten:
        """Make a branch consist of one commit; see `ports.Forge.ensure_branch`."""
        mirror = self._mirror
        if not is_branch(name):
            raise conflict(f"{name!r:.200} cannot be the name of a branch", "correct the prefix")
        if not is_oid(commit.base):
            raise refused(f"{commit.base!r:.80} is no commit")
        head = mirror.refs(f"refs/heads/{name}").branch(name)
        mirror.need(commit.base, *([] if head is None else [head]))
        tree = write_tree(mirror, commit.base, commit.files)
        if tree == read_commit(mirror, commit.base).tree:
            return BranchWritten(Done.EMPTY, head)
        text = commit.text(name)
        if head is not None and self._is_as_wanted(head, tree, commit.base, text):
            return BranchWritten(Done.UNCHANGED, head)
        if head != expected:
            raise _moved(mirror, name, expected, head)
        if head is not None:
            self._check_ours(name, commit.base, head)
        made = write_commit(mirror, tree, (commit.base,), text, (self._person, self._clock()))
        self._point(name, made, head)
        return BranchWritten(Done.CREATED if head is None else Done.UPDATED, made)

    def delete(self, name: str, expected: str) -> bool:
        """Remove a branch that is what was expected; False where there is none."""
        head = self._mirror.refs(f"refs/heads/{name}").branch(name)
        if head is None:
            return False
        if head != expected:
            raise _moved(self._mirror, name, expected, head)
        self._point(name, None, head)
        return True

    def _is_ours(self, oid: str, name: str) -> bool:
        """Tell whether a commit is ours, by author, committer and trailer."""
        found = read_commit(self._mirror, oid)
        by = {found.author.lower(), found.committer.lower()}
        return by == {self._person.email.lower()} and is_marked(found.message, name)

    def _check_ours(self, name: str, base: str, head: str) -> None:
        state = self.compared(name, head, base)
        if not state.is_ours:
            first = state.foreign[0][:12] if state.foreign else "one of many"
            raise conflict(
                f"{self._mirror.name}: branch {name!r} has a commit that is not ours ({first})",
                "merge or close its change request, or delete the branch; it is left alone",
            )

    def _is_as_wanted(self, head: str, tree: str, base: str, text: str) -> bool:
        found = read_commit(self._mirror, head)
        is_same = found.tree == tree and found.parents == (base,)
        return is_same and found.message.strip() == text.strip()

    def _point(self, name: str, made: str | None, head: str | None) -> None:
        """Let the branch be at a commit, if it still is where it was; else say what is there."""
        try:
            self._mirror.push(f"refs/heads/{name}", made, head)
        except PushRefused as error:
            self._check_pointed(name, made, head, error.error)
        except ForgeError as error:
            if error.failure is not ForgeFailure.TRANSIENT:
                raise
            self._check_pointed(name, made, head, error)

    def _check_pointed(
        self, name: str, made: str | None, head: str | None, error: ForgeError
    ) -> None:
        """Look what a branch is after a failure, and raise unless it is as it should be."""
        parts = name.split("/")
        above = ["/".join(parts[:length]) for length in range(1, len(parts))]
        asked = [f"refs/heads/{one}" for one in (*above, name, f"{name}/*")]
        refs = self._mirror.refs(*asked)
        present = refs.branch(name)
        if present == made:
            return
        if present != head:
            raise _moved(self._mirror, name, head, present) from error
        for ref in refs.oids:
            other = ref.removeprefix("refs/heads/")
            if other in above or other.startswith(f"{name}/"):
                raise conflict(
                    f"{self._mirror.name}: branch {name!r} cannot be made, as there is a branch"
                    f" {other!r:.200}",
                    "delete or rename that branch, or choose another prefix",
                ) from error
        raise error


def _moved(mirror: Mirror, name: str, expected: str | None, head: str | None) -> ForgeError:
    was, now = (one[:12] if one else "nothing" for one in (expected, head))
    return conflict(f"{mirror.name}: branch {name!r} was {was} and is {now} now", "look again")
