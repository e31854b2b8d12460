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
