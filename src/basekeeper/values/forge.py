"""What forges tell and are told: repositories, branches, change requests, checks."""

from __future__ import annotations

import hashlib
import re
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

PROPOSAL_TRAILER: Final = "Basekeeper-Branch"
"""Trailer of each commit that is ours; its value is the branch."""

OWN_CONTEXT: Final = "basekeeper"
"""First part of the names of statuses that are ours: `basekeeper` or `basekeeper/…`."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_BRANCH: Final = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]{1,200}")
_OID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PLAIN_MODES: Final = frozenset({"100644", "100755"})


def is_oid(text: object) -> bool:
    """Tell whether something names an object of git whole: 40 or 64 digits of lower-case hex."""
    return isinstance(text, str) and _OID.fullmatch(text) is not None


def is_branch(text: str) -> bool:
    """Tell whether a branch can have a name (git-check-ref-format, and no leading dash)."""
    if _BRANCH.fullmatch(text) is None or ".." in text or "@{" in text or text.startswith("-"):
        return False
    parts = text.split("/")
    return text != "@" and not any(
        not part or part.startswith(".") or part.endswith((".", ".lock")) for part in parts
    )


@dataclass(frozen=True, slots=True)
class RepositoryRef:
    """A repository of a forge."""

    owner: str
    """User, organisation, or path of groups."""
    name: str

    def __post_init__(self) -> None:
        """Refuse what cannot stand in a path.

        Raises:
            ValueError: It is no name.
        """
        for part in (*self.owner.split("/"), self.name):
            if _NAME.fullmatch(part) is None or part in {".", ".."}:
                raise ValueError(f"{str(self)!r:.200} is no repository: write it as owner/name")

    def __str__(self) -> str:
        """Write it as `owner/name`."""
        return f"{self.owner}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> RepositoryRef:
        """Read `owner/name`.

        Raises:
            ValueError: It is none.
        """
        owner, _, name = text.rpartition("/")
        return cls(owner, name)


class TokenKind(StrEnum):
    """What kind of token speaks for us."""

    NONE = "none"
    CLASSIC = "personal access token (classic)"
    FINE_GRAINED = "personal access token (fine-grained)"
    APP = "installation of an app"
    JOB = "job"
    """What a CI job is given: its changes start no workflows, but for dispatches."""
    USER = "user of an app"
    UNKNOWN = "unknown"


class MergeMethod(StrEnum):
    """How the commits of a change request get into its base."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a forge can do for the token that speaks to it."""

    login: str
    """Who we are there."""
    token: TokenKind
    auto_merge: bool = False
    merge_queue: bool = False
    drafts: bool = False
    statuses: bool = False
    dispatch: bool = False
    labels: bool = False
    reviewers: bool = False
    max_body: int = 60_000
    """Most characters of the text of a change request or comment."""
    notices: tuple[str, ...] = ()
    """Limits that the user should know of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryInfo:
    """A repository as it is now."""

    ref: RepositoryRef
    """Its present name, which may be another than was asked for."""
    id: str
    """Stays when it is renamed."""
    default_branch: str | None
    """None where it is empty."""
    head: str | None
    """Commit of the default branch; None where it is empty."""
    is_archived: bool = False
    is_fork: bool = False
    is_private: bool = False
    allows_auto_merge: bool = False
    merge_methods: frozenset[MergeMethod] = frozenset()
    permission: str = "none"
    """Ours: `none`, `read`, `triage`, `write`, `maintain` or `admin`."""

    @property
    def is_empty(self) -> bool:
        """Tell whether it has no commit."""
        return self.head is None

    @property
    def is_writable(self) -> bool:
        """Tell whether we may change it."""
        return not self.is_archived and self.permission in {"write", "maintain", "admin"}


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One entry of a tree."""

    path: str
    """From the root of the tree."""
    mode: str
    """As git writes it: `100644`, `100755`, `120000`, `040000`, `160000`."""
    oid: str
    size: int | None = None
    """Bytes, of a file."""

    @property
    def is_file(self) -> bool:
        """Tell whether it is a plain file: neither link, directory nor submodule."""
        return self.mode in _PLAIN_MODES


@dataclass(frozen=True, slots=True)
class Tree:
    """Every entry below the tree of a commit."""

    oid: str
    entries: tuple[TreeEntry, ...]
    is_complete: bool
    """False: the forge cut it off, so that what is missing here may be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchState:
    """A branch that exists."""

    name: str
    head: str
    base: str
    """Newest commit that it shares with the branch that it was compared with."""
    is_ours: bool
    """Every commit since then is ours, by author and by trailer."""
    foreign: tuple[str, ...] = ()
    """Commits that are not, the oldest first; some of them where there are many."""
    ahead: int = 0
    behind: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """New content of one file."""

    data: bytes | None
    """None: the file is removed."""
    mode: str | None = None
    """None: as it is, or 100644 where it is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRequest:
    """One commit that a branch is to consist of."""

    base: str
    """Commit below it."""
    files: Mapping[str, FileChange]
    """By path from the root."""
    message: str
    trailers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def text(self, branch: str) -> str:
        """Return the whole message for a branch, by whose last lines the commit is ours."""
        lines = {**self.trailers, PROPOSAL_TRAILER: branch}
        return "\n".join([self.message.strip(), "", *(f"{n}: {v}" for n, v in lines.items())])


def is_marked(message: str, branch: str) -> bool:
    """Tell whether the message of a commit says that it is ours, for this branch."""
    return f"{PROPOSAL_TRAILER}: {branch}" in message.splitlines()


class Done(StrEnum):
    """What became of something that was to be there."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    """It was as wanted."""
    EMPTY = "nothing to change"
    """The base has it already; nothing was made."""
    DECLINED = "declined"
    """It was closed before, for the same key; it stays closed."""
    MERGED = "merged"
    """It was merged before, for the same key."""


@dataclass(frozen=True, slots=True)
class BranchWritten:
    """What became of a branch."""

    done: Done
    head: str | None
    """None of `Done.EMPTY` where there is no branch."""


class ChangeState(StrEnum):
    """State of a change request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """A pull or merge request as it is now; texts are foreign."""

    number: int
    url: str
    state: ChangeState
    branch: str
    head: str
    base: str
    """Branch that it is to be merged into."""
    author: str
    is_ours: bool
    title: str
    body: str
    key: str | None = None
    """Of the hidden mark in the body: what it proposes; None where there is no mark of ours."""
    labels: tuple[str, ...] = ()
    is_draft: bool = False
    mergeable: bool | None = None
    """None: not known, or not yet."""
    in_queue: bool | None = None
    auto_merge: bool | None = None
    """Whether it is merged by itself once what is required has passed; None: not known."""
    merged_at: datetime | None = None
    """UTC; set if and only if it is merged."""
    closed_by: str | None = None
    """Who closed it without merging it; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProposal:
    """A change request that is to be there."""

    key: str
    """What it proposes: the same key is proposed once, and once closed never again."""
    branch: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ()
    is_draft: bool = False

    @property
    def digest(self) -> str:
        """Hash of title and body, by which it is seen whether they are to be written again."""
        return hashlib.sha256(f"{self.title}\0{self.body}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Proposed:
    """What became of a change request."""

    done: Done
    change: ChangeRequest


@dataclass(frozen=True, slots=True)
class Label:
    """A label that change requests may bear."""

    name: str
    color: str = "ededed"
    """Six digits of hex."""
    description: str = ""


class CheckState(StrEnum):
    """How far a check is, and how it ended."""

    PENDING = "pending"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of a commit."""

    name: str
    source: str
    """`check run` or `status`."""
    state: CheckState
    word: str
    """As the forge calls that: `queued`, `timed_out`."""
    is_required: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """All checks of a commit but our own."""

    commit: str
    checks: tuple[Check, ...]
    missing: tuple[str, ...] = ()
    """Names of required checks that reported nothing."""

    @property
    def has_required(self) -> bool:
        """Tell whether the forge itself waits for any of them before it merges."""
        return bool(self.missing) or any(check.is_required for check in self.checks)

    def of(self, state: CheckState) -> Iterator[Check]:
        """Return those in a state."""
        return (check for check in self.checks if check.state is state)


class Verdict(StrEnum):
    """What all checks of a commit say together."""

    WAITING = "waiting"
    GOOD = "good"
    BAD = "bad"
    NONE = "none"
    """What had to report did not within the grace period; that is no pass."""


class CommitStatus(StrEnum):
    """What we say of a commit."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """Our word on a commit."""

    context: str
    """`basekeeper` or `basekeeper/…`."""
    state: CommitStatus
    description: str = ""
    url: str | None = None


class MergeState(StrEnum):
    """How far a merge is."""

    MERGED = "merged"
    """The forge says when; nothing else is called merged."""
    WAITING = "waiting"
    """The forge will merge it by itself."""
    QUEUED = "queued"
    READY = "ready"
    """The forge has nothing to wait for, so that it will not merge by itself: judge all checks,
    then merge."""
    MOVED = "moved"
    """Its head is another commit than the one that was judged."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeOutcome:
    """What became of a merge."""

    state: MergeState
    reason: str = ""
    """Why, where it is not merged; the forge's words."""
    merged_at: datetime | None = None
    """UTC; set if and only if it is merged."""
    commit: str | None = None
    """The commit that the base got."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchRequest:
    """A run of a workflow that is to be started."""

    workflow: str
    """Name of its file, such as `release.yml`."""
    branch: str
    inputs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A run that was started."""

    run: int | None
    """None: the forge did not say, and it could not be told which."""
    url: str | None
    is_certain: bool
    """False: it is the only one that began since, which may be somebody else's."""
