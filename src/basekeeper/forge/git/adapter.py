"""Git servers as a forge: everything that `ports.Forge` asks for and a plain remote can do."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.forge.git.books import LedgerBook, NotesBook
from basekeeper.forge.git.branches import Branches
from basekeeper.forge.git.changes import Changes
from basekeeper.forge.git.commits import read_file, read_tree
from basekeeper.forge.git.facts import MAX_BODY
from basekeeper.forge.git.failures import conflict, refused, unsupported
from basekeeper.forge.git.landing import Landing
from basekeeper.forge.git.merging import Merging
from basekeeper.forge.git.mirror import Mirror
from basekeeper.values.forge import (
    Capabilities,
    MergeMethod,
    RepositoryInfo,
    TokenKind,
    Tree,
    TreeEntry,
    is_oid,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import NoReturn

    from basekeeper.forge.git.books import Book
    from basekeeper.forge.git.commits import Person
    from basekeeper.ports import Cache, Ledger
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
        MergeOutcome,
        Proposed,
        RepositoryRef,
        StatusReport,
    )

_FOREVER: Final = timedelta(days=36_500)


class Recording(NamedTuple):
    """Where change requests are recorded, instead of a ref of each remote."""

    ledger: Ledger
    chain_of: Callable[[RepositoryRef], str]
    """What the ledger calls a repository."""


class _Place(NamedTuple):
    """One repository with everything that works on it."""

    mirror: Mirror
    branches: Branches
    changes: Changes
    merging: Merging


class GitRemotes:
    """Remotes of git; `ports.Forge` says what each method does."""

    def __init__(  # noqa: PLR0913  # all but the first three have a default that serves
        self,
        url_of: Callable[[RepositoryRef], str],
        person: Person,
        clock: Callable[[], datetime],
        *,
        environ: Mapping[str, str],
        settings: Sequence[tuple[str, str]] = (),
        recording: Recording | None = None,
        known: Sequence[RepositoryRef] = (),
        cache: Cache | None = None,
    ) -> None:
        """Ask nothing yet.

        Args:
            url_of: Tells where a repository is; raises `ForgeError` where it is nowhere.
            person: Who makes commits and records.
            clock: Tells when.
            environ: The environment of the process, of which git sees a part.
            settings: More settings of git, such as a header with a token.
            recording: None: change requests are recorded in each remote.
            known: The repositories that there are: no remote lists others.
            cache: Keeps trees and files.
        """
        self._url_of = url_of
        self._person = person
        self._clock = clock
        self._environ = environ
        self._settings = settings
        self._recording = recording
        self._known = tuple(known)
        self._cache = cache
        self._lock = Lock()
        self._ended = Event()
        self._places: dict[RepositoryRef, _Place] = {}

    def capabilities(self) -> Capabilities:
        """Tell who we are, and what can be done: neither checks, statuses nor reviews."""
        return Capabilities(
            login=self._person.name,
            token=TokenKind.NONE,
            drafts=True,
            labels=True,
            max_body=MAX_BODY,
        )

    def repository(self, ref: RepositoryRef) -> RepositoryInfo:
        """Tell about a repository: its id is where it is, as nothing else is known of it."""
        with self._at(ref) as place:
            refs = place.mirror.refs()
            if refs.default is None:
                self._check_empty(ref, place.mirror)
            head = None if refs.default is None else refs.oids["HEAD"]
            return RepositoryInfo(
                ref=ref,
                id=place.mirror.shown,
                default_branch=refs.default,
                head=head,
                merge_methods=frozenset(MergeMethod),
                permission="write" if place.mirror.can_push() else "read",
            )

    def repositories(self, owner: str) -> Iterator[RepositoryInfo]:
        """Return the repositories of an owner that were named; a remote lists no others."""
        if not self._known:
            raise unsupported("lists no repositories: name them")
        for ref in self._known:
            if ref.owner == owner:
                yield self.repository(ref)

    def tree(self, ref: RepositoryRef, commit: str) -> Tree:
        """List every file of a commit."""
        self._check_oid(ref, commit)
        key = f"tree:{ref}:{commit}"
        known = self._kept(key)
        if known is not None:
            entries = tuple(TreeEntry(*row) for row in json.loads(known))
            return Tree(commit, entries, is_complete=True)
        with self._at(ref) as place:
            found = read_tree(place.mirror, commit)
        if found.is_complete:
            rows = [[one.path, one.mode, one.oid] for one in found.entries]
            self._keep(key, json.dumps(rows).encode())
        return found

    def file(self, ref: RepositoryRef, oid: str) -> bytes:
        """Read a file; git verified it when it came."""
        self._check_oid(ref, oid)
        key = f"blob:{ref}:{oid}"
        known = self._kept(key)
        if known is not None:
            return known
        with self._at(ref) as place:
            data = read_file(place.mirror, oid)
        self._keep(key, data)
        return data

    def branch(self, ref: RepositoryRef, name: str, base: str) -> BranchState | None:
        """Tell how a branch stands to another one."""
        with self._at(ref) as place:
            return place.branches.read(name, base)

    def ensure_branch(
        self, ref: RepositoryRef, name: str, commit: CommitRequest, expected_head: str | None
    ) -> BranchWritten:
        """Make a branch consist of one commit."""
        with self._at(ref) as place:
            return place.branches.ensure(name, commit, expected_head)

    def delete_branch(self, ref: RepositoryRef, name: str, expected_head: str) -> bool:
        """Remove a branch."""
        with self._at(ref) as place:
            return place.branches.delete(name, expected_head)

    def find_change_requests(self, ref: RepositoryRef, branch: str) -> tuple[ChangeRequest, ...]:
        """Return those of a branch in every state."""
        with self._at(ref) as place:
            return place.changes.find(branch)

    def ensure_change_request(self, ref: RepositoryRef, proposal: ChangeProposal) -> Proposed:
        """Have a change request that says what it is to say."""
        with self._at(ref) as place:
            return place.changes.ensure(proposal)

    def comment_once(self, ref: RepositoryRef, number: int, key: str, text: str) -> bool:
        """Record something that is to be said, once."""
        with self._at(ref) as place:
            return place.changes.comment(number, key, text)

    def ensure_label(self, ref: RepositoryRef, label: Label) -> bool:  # noqa: ARG002  # the port's
        """Do nothing: any word can be a label, and has neither colour nor description."""
        return False

    def request_reviewers(
        self, ref: RepositoryRef, number: int, reviewers: Collection[str]
    ) -> tuple[str, ...]:
        """Raise: nobody can be asked."""
        del ref, number, reviewers
        self._lack("asks nobody for a review")

    def checks(
        self, ref: RepositoryRef, commit: str, base: str, number: int | None = None
    ) -> Checks:
        """Raise: there are none, which is no pass."""
        del ref, commit, base, number
        self._lack("has no checks")

    def set_status(self, ref: RepositoryRef, commit: str, report: StatusReport) -> bool:
        """Raise: commits have none."""
        del ref, commit, report
        self._lack("keeps no statuses of commits")

    def merge(
        self, ref: RepositoryRef, number: int, commit: str, method: MergeMethod
    ) -> MergeOutcome:
        """Merge now."""
        with self._at(ref) as place:
            return place.merging.merge(number, commit, method)

    def enable_auto_merge(
        self, ref: RepositoryRef, number: int, commit: str, method: MergeMethod
    ) -> MergeOutcome:
        """Raise: nothing merges by itself."""
        del ref, number, commit, method
        self._lack("merges nothing by itself")

    def dispatch(
        self, ref: RepositoryRef, request: DispatchRequest, *, now: datetime
    ) -> Dispatched:
        """Raise: there are no workflows."""
        del ref, request, now
        self._lack("has no workflows")

    def variable(self, ref: RepositoryRef, name: str) -> str | None:
        """Raise: there are none."""
        del ref, name
        self._lack("has no variables")

    def close_change_request(self, ref: RepositoryRef, number: int) -> bool:
        """Close without merging."""
        with self._at(ref) as place:
            return place.changes.close(number)

    def notices(self) -> tuple[str, ...]:
        """Return nothing: all there is to say is in the answers."""
        return ()

    def close(self) -> None:
        """End what runs, and remove what was fetched."""
        self._ended.set()
        with self._lock:
            for place in self._places.values():
                with place.mirror.lock:
                    place.mirror.close()
            self._places.clear()

    @contextmanager
    def _at(self, ref: RepositoryRef) -> Iterator[_Place]:
        """Hold a repository: one thing at a time is done in it."""
        with self._lock:
            if self._ended.is_set():
                raise refused(f"{ref}: the forge was closed")
            if ref not in self._places:
                self._places[ref] = self._made(ref)
            place = self._places[ref]
        with place.mirror.lock:
            yield place

    def _made(self, ref: RepositoryRef) -> _Place:
        url = self._url_of(ref)
        mirror = Mirror(str(ref), url, self._environ, settings=self._settings, ended=self._ended)
        landing = Landing(mirror, self._person, self._clock)
        book: Book
        if self._recording is None:
            book = NotesBook(mirror, self._person, self._clock)
        else:
            book = LedgerBook(self._recording.ledger, self._recording.chain_of(ref))
        changes = Changes(mirror, book, landing, self._person.name, self._clock)
        branches = Branches(mirror, self._person, self._clock)
        return _Place(mirror, branches, changes, Merging(mirror, changes, landing))

    def _check_empty(self, ref: RepositoryRef, mirror: Mirror) -> None:
        """Raise where a repository has commits, and nobody says which branch is the default."""
        if mirror.refs("refs/heads/*").oids:
            raise conflict(
                f"{ref}: HEAD of {mirror.shown} stands for no branch that is there",
                "on the server: git symbolic-ref HEAD refs/heads/NAME",
            )

    def _check_oid(self, ref: RepositoryRef, oid: str) -> None:
        if not is_oid(oid):
            raise refused(f"{ref}: {oid!r:.80} names no object")

    def _lack(self, what: str) -> NoReturn:
        raise unsupported(what)

    def _kept(self, key: str) -> bytes | None:
        if self._cache is None:
            return None
        return self._cache.answer(f"git:{key}", now=self._clock(), max_age=_FOREVER)

    def _keep(self, key: str, data: bytes) -> None:
        if self._cache is not None:
            self._cache.keep_answer(f"git:{key}", data, now=self._clock())
