"""Commits that bring a branch into its base, and whether one did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.git.branches import MAX_BEHIND, relate
from basekeeper.forge.git.commits import read_commit, write_commit
from basekeeper.forge.git.facts import Landed
from basekeeper.forge.git.failures import failed
from basekeeper.values.forge import MergeMethod, is_oid

if TYPE_CHECKING:
    from collections.abc import Callable

    from basekeeper.forge.git.commits import Person
    from basekeeper.forge.git.facts import Kept
    from basekeeper.forge.git.mirror import Mirror

MERGED_TRAILER: Final = "Basekeeper-Merged"
"""Trailer of a commit by which a branch was merged as one commit; its value is the branch's head,
which is no parent of it."""

_CONFLICTS: Final = 1


class Unmergeable(Exception):  # noqa: N818  # says what is so
    """A branch cannot be brought into its base like that; the text says why."""


class Landing:
    """How branches of one repository get into others."""

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

    def landed(self, head: str, base: str) -> Landed | None:
        """Tell whether and how a head is in a base; None where it is not, or is gone."""
        try:
            found = relate(self._mirror, head, base)
        except ForgeError as error:
            if error.failure is ForgeFailure.NOT_FOUND:
                return None
            raise
        if found.meeting == head:
            return self._reached(head, base)
        mark = f"{MERGED_TRAILER}: {head}"
        argv = ["rev-list", "--fixed-strings", f"--grep={mark}", f"--max-count={MAX_BEHIND}"]
        for oid in self._mirror.told([*argv, base, f"^{head}"]).decode("ascii").split():
            if mark in read_commit(self._mirror, oid).message.splitlines():
                return Landed(oid, self._instant(oid))
        return None

    def fits(self, head: str, base: str) -> bool | None:
        """Tell whether a head can be merged; None where this git cannot tell."""
        try:
            self._tree(head, base)
        except Unmergeable:
            return False
        except ForgeError as error:
            if error.failure is ForgeFailure.UNSUPPORTED:
                return None
            raise
        return True

    def commit(self, change: Kept, head: str, base: str, method: MergeMethod) -> str:
        """Make the commit that a base is to get, and return its oid; nothing is pushed.

        Raises:
            Unmergeable: There is none.
        """
        by = (self._person, self._clock())
        found = relate(self._mirror, head, base)
        if method is MergeMethod.REBASE and not found.behind:
            return head
        if method is MergeMethod.REBASE and len(found.ahead) > 1:
            raise Unmergeable("its base moved, and only a single commit can be put on top of it")
        tree = self._tree(head, base)
        title = " ".join(change.title.split()) or change.branch
        if method is MergeMethod.MERGE:
            text = f"Merge {change.branch} (#{change.number})\n\n{title}\n"
            return write_commit(self._mirror, tree, (base, head), text, by)
        is_single = len(found.ahead) == 1
        text = read_commit(self._mirror, head).message.strip() if is_single else f"{title}\n"
        text = f"{text}\n{MERGED_TRAILER}: {head}\n"
        return write_commit(self._mirror, tree, (base,), text, by)

    def _tree(self, head: str, base: str) -> str:
        """Make the tree of both."""
        found = relate(self._mirror, head, base)
        if found.meeting is None:
            raise Unmergeable("it has no commit in common with its base")
        if not found.behind:
            return read_commit(self._mirror, head).tree
        done = self._mirror.git(["merge-tree", "--write-tree", "--no-messages", base, head])
        tree = done.stdout.decode("utf-8", "replace").partition("\n")[0]
        if done.returncode == _CONFLICTS:
            raise Unmergeable("it conflicts with its base")
        if done.returncode != 0 or not is_oid(tree):
            is_old = b"usage:" in done.stderr or b"unknown rev --write-tree" in done.stderr
            kind = ForgeFailure.UNSUPPORTED if is_old else None
            raise failed(f"{self._mirror.name}: git 2.38 or newer is needed to merge", done, kind)
        return tree

    def _reached(self, head: str, base: str) -> Landed:
        """Tell by which commit of the base's own line a head got there."""
        argv = ["rev-list", "--first-parent", "--ancestry-path", base, f"^{head}"]
        above = self._mirror.told(argv).decode("ascii").split()
        first = above[-1] if above else None
        if first is not None and head in read_commit(self._mirror, first).parents[1:]:
            return Landed(first, self._instant(first))
        return Landed(head, self._clock())  # no commit tells since when, but now it is so

    def _instant(self, oid: str) -> datetime:
        """Tell when a commit was made by its own word, which is never in the future."""
        said = datetime.fromtimestamp(read_commit(self._mirror, oid).seconds, UTC)
        return min(said, self._clock())
