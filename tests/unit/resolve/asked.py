"""A registry that tells what a test writes down, and remembers what it was asked."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from basekeeper.errors import Failure, RegistryError
from basekeeper.tags.updates import TagFacts, TagList
from basekeeper.values.image import Image, ImageConfig, Pointer, Publisher
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Question

if TYPE_CHECKING:
    from basekeeper.values.bases import Material
    from basekeeper.values.image import Descriptor
    from basekeeper.values.reference import Reference

T = TypeVar("T")

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OLD, NEW = (f"sha256:{char * 64}" for char in "ab")
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@dataclass
class Scripted:
    """Implements `ports.Registry`; `answers` may hold an error for a question."""

    points: str = NEW
    platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64")
    media_type: str = INDEX
    answers: dict[str, Any] = field(default_factory=dict)
    """`point NAME`, `tags NAME` … → an answer or an error in place of the usual answer."""
    asked: list[str] = field(default_factory=list)
    closed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def _told(self, question: str, usual: T) -> T:
        with self.lock:
            self.asked.append(question)
        answer = self.answers.get(question, self.answers.get(question.split(maxsplit=1)[0], usual))
        if isinstance(answer, Exception):
            raise answer
        return cast("T", answer)

    def point(self, image: Reference) -> Pointer:
        return self._told(f"point {image.with_digest(None)}", Pointer(self.points))

    def tags(self, image: Reference) -> TagList:
        return self._told(f"tags {image.name}", TagList((TagFacts("1"), TagFacts("2"))))

    def image(self, image: Reference) -> Image:
        assert image.digest is not None
        platforms = dict.fromkeys(self.platforms, image.digest)
        usual = Image(digest=image.digest, media_type=self.media_type, platforms=platforms)
        return self._told(f"image {image.digest[7]}", usual)

    def config(self, image: Reference, platform: str) -> ImageConfig:
        assert image.digest is not None
        history = ("# debian.sh --arch 'amd64' out/ 'bookworm' '@1728864000'",)
        usual = ImageConfig(
            digest=image.digest, manifest=image.digest, platform=platform, history=history
        )
        return self._told(f"config {image.digest[7]} {platform}", usual)

    def os_release(self, image: Reference, platform: str) -> str | None:
        assert image.digest is not None
        usual = 'ID=debian\nVERSION_ID="13"\n'
        return self._told(f"os-release {image.digest[7]} {platform}", usual)

    def referrers(self, image: Reference, artifact_type: str) -> tuple[Descriptor, ...]:
        assert image.digest is not None
        return self._told(f"referrers {image.digest[7]} {artifact_type.rpartition('.')[2]}", ())

    def provenance(self, image: Reference, platform: str) -> tuple[Material, ...]:
        assert image.digest is not None
        return self._told(f"provenance {image.digest[7]} {platform}", ())

    def publisher(self, image: Reference) -> Publisher:
        usual = Publisher(verified=True, source="hub.docker.com", as_of=NOW)
        return self._told(f"publisher {image.name}", usual)

    def notices(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        self.closed = True


def ask(text: str, *platforms: str, **wanted: bool) -> Question:
    """One question; nothing is asked but what is named."""
    return Question(
        reference=parse_reference(text), platforms=platforms or ("linux/amd64",), **wanted
    )


def unreachable(text: str = "connection refused", hint: str | None = None) -> RegistryError:
    return RegistryError(text, Failure.UNREACHABLE, hint=hint)


def limited() -> RegistryError:
    return RegistryError("429 for the next hour", Failure.LIMITED)


def missing() -> RegistryError:
    return RegistryError("no such image", Failure.NOT_FOUND, hint="check the name")
