"""What the steps ask of the outside. Adapters implement these; tests run one suite on each.

Methods raise `basekeeper.Error`s on purpose and nothing else; a step turns what concerns one image
of many into an `Unknown`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime, timedelta
    from pathlib import Path

    from basekeeper.tags.updates import TagList
    from basekeeper.values.bases import Material
    from basekeeper.values.building import (
        BuilderIdentity,
        BuildOutcome,
        BuildRequest,
        ImageFile,
        RunRequest,
        RunResult,
    )
    from basekeeper.values.event import (
        Claim,
        Event,
        EventKind,
        Head,
        Notice,
        Record,
        Sight,
        Verification,
    )
    from basekeeper.values.forge import (
        BranchState,
        BranchWritten,
        Capabilities,
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
    from basekeeper.values.image import (
        Descriptor,
        Image,
        ImageConfig,
        Pointer,
        Publisher,
        Unknown,
    )
    from basekeeper.values.notifying import Delivery, Message
    from basekeeper.values.reference import Reference
    from basekeeper.values.scanning import ImageSource, LayoutImage, PullLimits
    from basekeeper.values.vulnerability import Database, Sbom, Scan, ScannerIdentity


class Registry(Protocol):
    """All registries behind one door; safe to share between threads.

    Every method raises `RegistryError`, whose `failure` tells what kind it is. Digests of what is
    read were verified. Equal questions at the same time are asked once.
    """

    def point(self, image: Reference) -> Pointer:
        """Tell what the tag of an image points to now (its digest, if any, is not looked at)."""
        ...

    def tags(self, image: Reference) -> TagList:
        """List the tags of a repository (tag and digest of `image` are not looked at)."""
        ...

    def image(self, image: Reference) -> Image:
        """Tell what a digest names (`image.digest` must be set; the tag is not looked at)."""
        ...

    def config(self, image: Reference, platform: str) -> ImageConfig:
        """Read the configuration behind a digest for one platform (`image.digest` must be set)."""
        ...

    def os_release(self, image: Reference, platform: str) -> str | None:
        """Read the os-release file behind a digest (`image.digest` must be set) for one platform.

        Its layers are fetched for that, so it is asked only where nothing else tells the system
        and an answer depends on it. None where the image has no such file; what would cost too
        much is an error like any other.
        """
        ...

    def referrers(self, image: Reference, artifact_type: str) -> tuple[Descriptor, ...]:
        """List what refers to a digest, of one artifact type."""
        ...

    def provenance(self, image: Reference, platform: str) -> tuple[Material, ...]:
        """List the images that a build used (`image.digest` must be set), for one platform.

        Whoever pushed the image may have written that: a claim, which does not say either which of
        them is the base. Empty where no provenance is there. It costs requests that nothing else
        needs.
        """
        ...

    def publisher(self, image: Reference) -> Publisher:
        """Tell who stands behind a repository; unknown parts are None."""
        ...

    def notices(self) -> tuple[str, ...]:
        """Say what the user should know beside the answers so far, each thing once.

        What registries warned of, and which credentials could not be read or were not used.
        """
        ...

    def close(self) -> None:
        """End every connection."""
        ...


class Pulling(Registry, Protocol):
    """Registries that also give what a digest names, whole."""

    def pull(
        self,
        image: Reference,
        platform: str,
        directory: Path,
        *,
        limits: PullLimits | None = None,
    ) -> LayoutImage:
        """Fetch an image for one platform into an OCI image layout.

        Every byte is verified; layers stay as they are packed. Where it fails, nothing stays.

        Args:
            image: `digest` must be set; the tag is not looked at.
            platform: `os/architecture[/variant]`, taken of an index.
            directory: Made for it, readable for nobody else; it must not be there yet.
            limits: How much is fetched; None: the defaults.

        Raises:
            RegistryError: It is not there, refused, too large, or comes too slowly.
            InputError: The directory cannot be written, or has no room for it.
        """
        ...

    def artifact(self, image: Reference, media_type: str, target: Path) -> None:
        """Fetch the only layer of a kind that an artifact holds into a file; else as `pull`.

        Args:
            image: `digest` must be set; it must be a manifest, no index.
            media_type: Of the layer.
            target: Made for it, readable for nobody else; it must not be there yet.
        """
        ...


class Cache(Protocol):
    """What was read before: may be deleted at any time without changing an answer's truth.

    Safe to share between threads and processes. A cache that cannot be read or written behaves as
    an empty one.
    """

    def content(self, digest: str) -> bytes | None:
        """Return content by its digest, verified; None where it is not there."""
        ...

    def keep_content(self, digest: str, data: bytes) -> None:
        """Keep content for ever (until space is short)."""
        ...

    def answer(self, key: str, *, now: datetime, max_age: timedelta) -> bytes | None:
        """Return an answer kept under a key at most so long ago; None where there is none."""
        ...

    def keep_answer(self, key: str, data: bytes, *, now: datetime) -> None:
        """Keep an answer, replacing an earlier one."""
        ...


class Scanner(Protocol):
    """A program that matches packages against published advisories; safe to share between threads.

    Nothing is raised for what one image or one program does: what cannot be told is an `Unknown`.
    A `Scan` with problems tells what was found, and nothing about what was not.
    """

    def identity(self) -> ScannerIdentity | Unknown:
        """Tell which program looks; Unknown where it is missing or known to be bad."""
        ...

    def database(self, *, now: datetime) -> Database | Unknown:
        """Tell which advisories are known; Unknown where they are missing, stale or misdated."""
        ...

    def scan(self, image: ImageSource, *, now: datetime) -> Scan | Unknown:
        """Look into an image and match its packages."""
        ...

    def sbom(self, image: ImageSource, *, now: datetime) -> Sbom | Unknown:
        """List the packages of an image; no advisories are needed for it."""
        ...

    def kept_sbom(self, image: Reference, platform: str, *, now: datetime) -> Sbom | Unknown | None:
        """Return the packages of an image of a registry as listed before; None: they were not.

        Args:
            image: `digest` must be set; the tag is not looked at.
            platform: As of `LayoutImage.platform`.
            now: The instant of the run.
        """
        ...

    def rematch(self, sbom: Sbom, *, now: datetime) -> Scan | Unknown:
        """Match listed packages against what is known now; no image is fetched."""
        ...

    def update_database(self, *, now: datetime) -> Database | Unknown:
        """Fetch newer advisories where they are due; Unknown leaves those that were there."""
        ...


class Builder(Protocol):
    """A program that builds images on this machine; safe to share between threads.

    What it runs was written by strangers: it gets no network unless asked for, no credentials, no
    variable and no file of ours beside what the request names, and is ended by its limits with
    everything that it started. Nothing stays of it but the layout that was asked for.

    Nothing is raised for what one build does.
    """

    def identity(self) -> BuilderIdentity | Unknown:
        """Tell which program builds; Unknown where it cannot be used here, with the remedy."""
        ...

    def build(self, request: BuildRequest) -> BuildOutcome:
        """Build an image into a layout of its own."""
        ...

    def run(self, request: RunRequest) -> RunResult | Unknown:
        """Run commands in an image; Unknown where none could be."""
        ...

    def files(self, image: LayoutImage, paths: Collection[str]) -> Mapping[str, ImageFile | None]:
        """Look for absolute paths in an image, links not followed; None: there is nothing.

        Raises:
            InputError: The image cannot be read.
        """
        ...


class Channel(Protocol):
    """Where notices go; used by one thread at a time."""

    @property
    def name(self) -> str:
        """What settings and ledger call it."""
        ...

    def send(self, message: Message, *, now: datetime) -> Delivery:
        """Try once to deliver a message; raises nothing.

        What cannot be told for sure is `Later`: the next attempt carries the same id, and says
        that it may repeat.

        Args:
            message: What to tell.
            now: The instant of this very attempt: receivers refuse what seems old.
        """
        ...


class Ledger(Protocol):
    """Times and verdicts: append-only events.

    Raises `LedgerError` where it cannot be reached or refuses.
    """

    def append(self, events: Iterable[Event], notices: Iterable[Notice] = ()) -> int:
        """Add events in one transaction; those already there (same id) are left out.

        Args:
            events: What happened.
            notices: What is to be told of it: queued in the same transaction, each id once.

        Returns:
            How many events were new.
        """
        ...

    def events(
        self,
        *,
        subject: str | None = None,
        chains: Collection[str] = (),
        kinds: Collection[EventKind] = (),
        as_of: datetime | None = None,
    ) -> Iterator[Event]:
        """Return events in the order in which they were recorded.

        What was there when the ledger was opened, and what it appended itself, is among them;
        what others appended since may be.

        Args:
            subject: Only those about it.
            chains: Only those of these chains; none: of all.
            kinds: Only those; none: all.
            as_of: Only what was recorded up to this instant: what was known then. Corrections are
                events of their own, see `values.event.corrected`.
        """
        ...

    def records(
        self,
        *,
        subject: str | None = None,
        chains: Collection[str] = (),
        kinds: Collection[EventKind] = (),
        as_of: datetime | None = None,
    ) -> Iterator[Record]:
        """Return the same events, each with when it was recorded and its place in its chain."""
        ...

    def heads(self) -> tuple[Head, ...]:
        """Return the end of each chain, in the order of their names."""
        ...

    def verify(self, noted: Collection[Head] = ()) -> Verification:
        """Tell whether any event was changed, removed, inserted or moved.

        Args:
            noted: Heads that were noted outside of the ledger, which nobody could rewrite.
        """
        ...

    def claim(
        self,
        *,
        limit: int,
        lease: timedelta,
        subject: str | None = None,
        channels: Collection[str] = (),
    ) -> tuple[Claim, ...]:
        """Take the oldest notices that are due; nobody else gets them before the lease ends.

        One that is neither settled nor put off by then is due again: its sender may have died
        before or after it was sent.

        Args:
            limit: How many at most.
            lease: How long.
            subject: Only those about it.
            channels: Only those to them; none: to all.
        """
        ...

    def settle(
        self, claim: Claim, *, problem: str | None = None, retry_at: datetime | None = None
    ) -> None:
        """Say what became of a notice: sent, or why not, and when to try again.

        Without `retry_at` no attempt follows; with it nothing is done where somebody else has
        taken the notice meanwhile.
        """
        ...

    def first_seen(self, repositories: Collection[str]) -> Mapping[str, tuple[Sight, ...]]:
        """Return what was seen of repositories (`registry/path`).

        Each tag and digest comes with the earliest instant at which it was seen.
        """
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Forge(Protocol):
    """Where repositories live and change requests are made; safe to share between threads.

    Everything raises `ForgeError`, whose `failure` tells what kind it is. What changes something
    looks first, and does nothing where it is done already: after a crash, or where an answer was
    lost, the same call again leads to the same state, without a duplicate. Changes go one at a
    time.
    """

    def capabilities(self) -> Capabilities:
        """Tell who we are, and what can be done."""
        ...

    def repository(self, ref: RepositoryRef) -> RepositoryInfo:
        """Tell about a repository; one that was renamed is told under its present name."""
        ...

    def repositories(self, owner: str) -> Iterator[RepositoryInfo]:
        """Return all repositories of an owner, by pages of many at once.

        Where the default branch of one stands as it did, nothing else need be asked of it.
        """
        ...

    def tree(self, ref: RepositoryRef, commit: str) -> Tree:
        """List every file of a commit; known ones cost no request."""
        ...

    def file(self, ref: RepositoryRef, oid: str) -> bytes:
        """Read a file by the oid that its tree tells, verified; known ones cost no request."""
        ...

    def branch(self, ref: RepositoryRef, name: str, base: str) -> BranchState | None:
        """Tell how a branch stands to another one; None where there is none.

        Args:
            ref: The repository.
            name: The branch.
            base: The branch that it is to be compared with.
        """
        ...

    def ensure_branch(
        self, ref: RepositoryRef, name: str, commit: CommitRequest, expected_head: str | None
    ) -> BranchWritten:
        """Make a branch consist of one commit.

        Args:
            ref: The repository.
            name: The branch.
            commit: What is to be in it.
            expected_head: What the branch is now, as `branch` told; None: there is none.

        Raises:
            ForgeError: CONFLICT where the branch is neither what was expected nor as wanted, where
                a commit in it is not ours, or where another branch stands in its way.
        """
        ...

    def delete_branch(self, ref: RepositoryRef, name: str, expected_head: str) -> bool:
        """Remove a branch; False where there is none.

        Raises:
            ForgeError: CONFLICT where it is not what was expected.
        """
        ...

    def find_change_requests(self, ref: RepositoryRef, branch: str) -> tuple[ChangeRequest, ...]:
        """Return those of a branch of the repository itself in every state, the newest first."""
        ...

    def ensure_change_request(self, ref: RepositoryRef, proposal: ChangeProposal) -> Proposed:
        """Have a change request that says what it is to say.

        An open one of ours for the branch is brought up to date; what a person wrote into it since
        stays while the proposal says the same. One that was closed or merged for the same key stays
        as it is, and no other is made.

        Raises:
            ForgeError: CONFLICT where an open one for the branch is not ours, or the branch has
                nothing that its base has not.
        """
        ...

    def comment_once(self, ref: RepositoryRef, number: int, key: str, text: str) -> bool:
        """Say something under a change request, unless it was said under the same key before."""
        ...

    def ensure_label(self, ref: RepositoryRef, label: Label) -> bool:
        """Have a label; one that is there stays as it is. True where it was made."""
        ...

    def request_reviewers(
        self, ref: RepositoryRef, number: int, reviewers: Collection[str]
    ) -> tuple[str, ...]:
        """Ask people (`name`) and teams (`owner/team`) for a review, each once.

        Returns:
            Those who cannot be asked, as they have no access, or wrote the change themselves.
        """
        ...

    def checks(
        self, ref: RepositoryRef, commit: str, base: str, number: int | None = None
    ) -> Checks:
        """Return all checks of a commit but ours, whatever interface they came by.

        Args:
            ref: The repository.
            commit: Its oid, whole.
            base: Branch whose rules say which are required.
            number: Change request whose head it is, if any: tells more of what is required.
        """
        ...

    def set_status(self, ref: RepositoryRef, commit: str, report: StatusReport) -> bool:
        """Have our word on a commit; False where it stands as it should."""
        ...

    def merge(
        self, ref: RepositoryRef, number: int, commit: str, method: MergeMethod
    ) -> MergeOutcome:
        """Merge a change request now, if its head is this very commit."""
        ...

    def enable_auto_merge(
        self, ref: RepositoryRef, number: int, commit: str, method: MergeMethod
    ) -> MergeOutcome:
        """Have the forge merge it once everything that is *required* has passed, or queue it.

        It is read again afterwards: only what is then in force is told. Where nothing is left to
        wait for the outcome is READY, and the caller judges all checks and merges.
        """
        ...

    def dispatch(
        self, ref: RepositoryRef, request: DispatchRequest, *, now: datetime
    ) -> Dispatched:
        """Start a run of a workflow; its inputs are held to what it declares first.

        This cannot be looked up afterwards for sure: who calls it keeps an account.

        Raises:
            ForgeError: CONFLICT where the inputs are not those that the workflow takes.
        """
        ...

    def variable(self, ref: RepositoryRef, name: str) -> str | None:
        """Read a variable of the repository's CI; None where it is missing, and only then."""
        ...

    def close_change_request(self, ref: RepositoryRef, number: int) -> bool:
        """Close without merging; False where it is not open."""
        ...

    def notices(self) -> tuple[str, ...]:
        """Say what the user should know beside the answers so far, each thing once."""
        ...

    def close(self) -> None:
        """End every connection."""
        ...
