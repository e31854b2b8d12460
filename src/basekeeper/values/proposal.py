"""Proposals: what could be changed and what is known of it, what is proposed, and what to do now.

A proposal is known by its group and the branch that it is to be merged into; the hidden mark in
its text says which, and what it proposes. Everything here can be made again from the tree, the
registries and the forge, so that a run that was killed is repeated, not repaired.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.records import dataclass
from basekeeper.values.forge import ChangeProposal, CommitRequest, FileChange
from basekeeper.values.image import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from basekeeper.compare import Comparison, Finding
    from basekeeper.deadlines.model import Deadline
    from basekeeper.values.change import Change, EditPlan, Standing
    from basekeeper.values.finding import Judgement
    from basekeeper.values.image import ImageConfig
    from basekeeper.values.vulnerability import Scan

HOLD_LABEL: Final = "basekeeper:hold"
"""What a person gives a proposal that shall stay as it is."""

REBASE_LABEL: Final = "basekeeper:rebase"
"""What a person gives a proposal that shall be made anew on the present base."""

RECREATE_LABEL: Final = "basekeeper:recreate"
"""What a person gives a closed proposal that shall be made again."""

HASH_CHARS: Final = 16
"""Hexadecimal digits of the hashes by which targets, edits and texts are compared."""

BRANCH_HASH_CHARS: Final = 8
MAX_SLUG_CHARS: Final = 60

_UNPLAIN: Final = re.compile(r"[^a-z0-9]+")


def fingerprint(*parts: object) -> str:
    """Hash a list of texts, numbers and lists of these; equal lists hash alike everywhere."""
    told = json.dumps(parts, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:HASH_CHARS]


class MergePolicy(StrEnum):
    """Who merges a proposal once everything has passed."""

    AUTO = "auto"
    REVIEW = "review"
    """A person, as nobody said that this kind is merged by itself."""
    NEVER = "never"
    """A person, whatever the settings say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What scans found for one platform before and after a change."""

    platform: str
    before: Scan | Unknown
    after: Scan | Unknown
    digests: tuple[str | None, str | None] = (None, None)
    """Of the images that were looked at, as references have them; None: not told."""
    configs: tuple[ImageConfig, ImageConfig] | None = None
    """What is configured before and after; None: not known."""


class Waiting(NamedTuple):
    """Why something is not done yet."""

    reason: str
    until: datetime | None
    """None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One change of one image, and what is known of it."""

    change: Change
    looks: tuple[Look, ...] = ()
    """One for each platform that is built; none: nobody looked."""
    waiting: Waiting | None = None
    """Why the rules let it wait: it is too young; None: it need not."""
    before: str | None = None
    """Digest that was last built on, where neither files nor tag say so; None: as these say."""
    judged: tuple[Judgement | None, Judgement | None] = (None, None)
    """What policy and calendars say of the image before and after; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A tag without a digest that stands for other content than what was last built upon."""

    standing: Standing
    before: str
    """Digest that the product was last built on."""
    after: str
    """Digest that the tag stands for now."""
    looks: tuple[Look, ...] = ()
    os_change: str | None = None
    """`debian 12 → debian 13` where the operating system behind the tag changed."""
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What one platform's image changes in, or why that could not be told."""

    platform: str
    answer: Comparison | Unknown

    @property
    def is_complete(self) -> bool:
        """Tell whether it can be relied on."""
        return not isinstance(self.answer, Unknown) and self.answer.complete


@dataclass(frozen=True, slots=True)
class Proof:
    """That a change fixes what a running deadline is about."""

    deadline: Deadline
    finding: Finding
    """Found before, and not after, by two whole scans."""
    digest: str
    """Of the image that lacks it."""
    scanner: str
    """Name and version."""
    database: datetime
    """When its advisories were made."""

    @property
    def order(self) -> tuple[object, ...]:
        """What to sort by: the soonest due first; equal for the same deadline alone."""
        one = self.deadline
        return (one.due, *one.finding.parts, one.product or "", one.episode)


def ordered_proofs(proofs: Iterable[Proof]) -> tuple[Proof, ...]:
    """Sort proofs, the soonest due first; of several of one deadline the first counts."""
    found: dict[tuple[object, ...], Proof] = {}
    for one in proofs:
        found.setdefault(one.order, one)
    return tuple(found[key] for key in sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A candidate with what follows from what is known."""

    candidate: Candidate
    compared: tuple[Compared, ...]
    """In the order of the looks."""
    proofs: tuple[Proof, ...]
    """Ordered, each deadline once."""

    @property
    def image(self) -> str:
        """Name and tag of the image as it is, which stay while a proposal is open."""
        return str(self.candidate.change.standing.reference.with_digest(None))

    @property
    def due(self) -> datetime | None:
        """When the first of the deadlines that it ends is due; None: it ends none for sure."""
        return min((one.deadline.due for one in self.proofs if one.deadline.due), default=None)


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a proposal this proposal; never a version, so that it outlives newer ones."""

    key: str
    """`image docker.io/library/node:20`, `group databases` or `repository`."""
    base: str
    """Branch that it is to be merged into."""

    @property
    def digest(self) -> str:
        """Hash of both."""
        return fingerprint(self.key, self.base)

    def branch(self, prefix: str) -> str:
        """Name the branch: readable, and the same for ever."""
        slug = _UNPLAIN.sub("-", self.key.lower().removeprefix("image docker.io/library/"))
        slug = slug.strip("-")[:MAX_SLUG_CHARS].strip("-")
        return f"{prefix}/{slug or 'images'}-{self.digest[:BRANCH_HASH_CHARS]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Changes that are proposed together."""

    identity: Identity
    name: str
    """In words: an image, the name of a group, or that of the whole repository."""
    taken: tuple[Weighed, ...]
    """What is proposed now, sorted by image; empty: everything waits."""
    held: tuple[Weighed, ...] = ()
    """What waits, sorted by image."""

    @property
    def due(self) -> datetime | None:
        """When the first deadline is due that a change of it ends for sure."""
        return min((one.due for one in self.taken if one.due), default=None)


class MovedLine(NamedTuple):
    """One place of a file that names another image afterwards."""

    path: str
    line: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Merging:
    """Who merges, and why."""

    policy: MergePolicy
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalMark:
    """What the hidden mark of a proposal says."""

    key: str
    base: str
    target: str
    """Hash of what every image becomes."""
    edits: str
    """Hash of what every file says before and after."""
    text: str
    """Hash of title, body and labels."""
    images: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Image as it was → what it becomes; sorted."""
    left_out: int = 0
    """How many images found no room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything that the text of a proposal is made from."""

    group: Group
    edits: EditPlan
    lines: tuple[MovedLine, ...]
    """Sorted by path and line."""
    merging: Merging
    branch: str
    labels: tuple[str, ...] = ()
    rule: str = ""
    """What of the settings let it be proposed now, in words."""
    clocks: str = ""
    """A mark from which the clocks can be restored; not part of what is compared."""

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """What urges."""
        return ordered_proofs(proof for one in self.group.taken for proof in one.proofs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One branch and one change request, as they are to be."""

    identity: Identity
    branch: str
    title: str
    body: str
    """Ends with the mark."""
    message: str
    trailers: Mapping[str, str]
    labels: tuple[str, ...]
    files: Mapping[str, bytes]
    """Path → new content."""
    changes: tuple[Change, ...]
    mark: ProposalMark
    merging: Merging
    proofs: tuple[Proof, ...] = ()
    """Why it does not wait, the soonest due first; empty: nothing urges."""
    notes: tuple[str, ...] = ()
    """What could not be edited, and why."""
    reviewers: tuple[str, ...] = ()
    """Whom to ask where a person is to merge."""

    @property
    def due(self) -> datetime | None:
        """When the first deadline is due that it ends for sure; None: nothing urges."""
        return min((one.deadline.due for one in self.proofs if one.deadline.due), default=None)

    def key(self, generation: int = 1) -> str:
        """Name what is proposed: once closed, the same is never proposed again.

        Args:
            generation: 1, and one more each time that it is to be made again all the same.
        """
        again = "" if generation == 1 else f"#{generation}"
        return f"{self.identity.digest}:{self.mark.target}{again}"

    def request(self, generation: int = 1) -> ChangeProposal:
        """Return what a forge is asked to have."""
        return ChangeProposal(
            key=self.key(generation),
            branch=self.branch,
            base=self.identity.base,
            title=self.title,
            body=self.body,
            labels=self.labels,
        )

    def commit(self, base: str) -> CommitRequest:
        """Return the one commit of its branch, on a commit of the base."""
        files = {path: FileChange(data=data) for path, data in sorted(self.files.items())}
        return CommitRequest(base=base, files=files, message=self.message, trailers=self.trailers)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A group, and what is proposed of it."""

    group: Group
    proposal: Proposal | None
    """None: everything waits, or nothing can be edited."""
    reason: str = ""
    """Why there is nothing to propose."""
