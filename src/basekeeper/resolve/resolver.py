"""Asking the registries: one pass over the questions, every answer a value.

What concerns a repository (tags, publisher) is asked once for all images of it. What concerns an
image is asked in this order, as far as it is wanted: what the tag points to; where that is not the
pinned digest, what is inside both; where that does not tell the operating system, its layers; and
since when the digest in use is replaced.

A registry that cannot be reached, or limits us, is left alone after `MAX_FAILURES` failures in a
row, so that a network that is down costs seconds, not minutes. Everything else about it is then
unknown for that one reason.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from basekeeper.errors import Error, Failure, RegistryError, TransportError
from basekeeper.lifecycle import replaced
from basekeeper.records import dataclass
from basekeeper.resolve.lanes import Lanes
from basekeeper.tags.inside import of_file, os_release
from basekeeper.values.image import Unknown
from basekeeper.values.platforms import find_platform
from basekeeper.values.resolution import Inside, Resolution, Resolutions, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from basekeeper.ports import Registry
    from basekeeper.tags.updates import TagList
    from basekeeper.values.image import Image, ImageConfig, Pointer, Publisher
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Question

DEFAULT_TAG: Final = "latest"
"""The tag that builders take where neither tag nor digest is given."""

MAX_FAILURES: Final = 3
"""Failures of a registry in a row after which it is left alone."""

MAX_PLATFORMS: Final = 16
"""Most platforms of one image that are looked into; official images have about ten."""

_OF_HOST: Final = {
    Failure.UNREACHABLE: "{} is not reachable",
    Failure.LIMITED: "{} limits our requests",
}
"""Failures that concern a registry, not an image."""

_LASTING: Final = frozenset({Failure.NOT_FOUND, Failure.UNSUPPORTED})
"""Failures that the next run would meet again."""

_REGISTRY: Final = "registry"
"""Door to what most answers come from; others may fail on their own."""

_NOTICES: Final = "notices"
"""Door to what is good to know; a failure there is no trouble of the registry."""

_TOO_LATE: Final = "{} did not answer in time"
"""What everything about a registry comes to that was not answered when the time was over."""

T = TypeVar("T")


class _OfRepository(NamedTuple):
    """What is asked once for all images of a repository."""

    number: int
    name: str
    reference: Reference
    tags: bool
    publisher: bool


class _OfImage(NamedTuple):
    """What is asked for one image."""

    number: int
    question: Question


class _Told(NamedTuple):
    """The answers about a repository."""

    name: str
    tags: TagList | Unknown | None
    publisher: Publisher | Unknown | None


@dataclass(slots=True)
class _Failed:
    """What is known of one kind of failure of one registry."""

    number: int
    reason: str
    hint: str | None
    images: set[str] = field(default_factory=set)


def resolve(
    questions: Sequence[Question],
    registry: Registry,
    *,
    seconds: float | None = None,
    asking: Callable[[int, int], None] | None = None,
) -> Resolutions:
    """Ask the registries.

    Args:
        questions: One for each distinct image.
        registry: Whom to ask; closed where the round ends early.
        seconds: Time for all of it; what was not answered by then is unknown. None: no limit.
        asking: Called with the number of images answered so far, and that of all.

    Returns:
        A resolution for each question, in the order of the questions.
    """
    return _Round(tuple(questions), registry).run(seconds, asking or _ignore)


def _ignore(_done: int, _total: int) -> None:
    """Tell nobody."""


class _Round:
    """One pass over the questions."""

    def __init__(self, questions: tuple[Question, ...], registry: Registry) -> None:
        self._questions = questions
        self._registry = registry
        self._failures = _Failures()

    def run(self, seconds: float | None, asking: Callable[[int, int], None]) -> Resolutions:
        """Ask, and put together what belongs together."""
        told: dict[str, _Told] = {}
        found: dict[str, Resolution] = {}
        jobs = self._jobs()
        lanes = Lanes(jobs, self._do, abort=self._abort)
        asking(0, len(self._questions))
        for result in lanes.results(seconds=seconds):
            if isinstance(result, _Told):
                told[result.name] = result
            else:
                found[str(result.reference)] = result
                asking(len(found), len(self._questions))
        whole = {str(one.reference): self._whole(one, found, told) for one in self._questions}
        return Resolutions(
            whole,
            asked=self._failures.asked,
            troubles=self._failures.troubles(),
        )

    def _abort(self) -> None:
        """End what is under way; that it fails then is no fault of a registry."""
        self._failures.freeze()
        self._registry.close()

    def _jobs(self) -> dict[str, list[_OfRepository | _OfImage]]:
        """List the work of each registry, that of a repository before that of its images."""
        of_name: dict[str, list[Question]] = {}
        for question in sorted(self._questions, key=lambda one: str(one.reference)):
            of_name.setdefault(question.reference.name, []).append(question)
        jobs: dict[str, list[_OfRepository | _OfImage]] = {}
        number = 0
        for name, group in of_name.items():
            first = group[0].reference
            todo = jobs.setdefault(first.registry, [])
            tags, publisher = any(one.tags for one in group), any(one.publisher for one in group)
            if tags or publisher:
                todo.append(_OfRepository(number, name, first, tags, publisher))
                number += 1
            todo += [_OfImage(number + at, one) for at, one in enumerate(group)]
            number += len(group)
        return jobs

    def _do(self, job: _OfRepository | _OfImage) -> _Told | Resolution:
        """Do one piece of work, in a thread."""
        if isinstance(job, _OfImage):
            return self._resolution(job)
        reference = job.reference
        tags = publisher = None
        if job.tags:
            tags = self._try(job.number, reference, partial(self._registry.tags, reference))
        if job.publisher:
            publisher = self._try(
                job.number, reference, partial(self._registry.publisher, reference), "publisher"
            )
        return _Told(job.name, tags, publisher)

    def _resolution(self, job: _OfImage) -> Resolution:
        """Ask everything about one image."""
        question = job.question
        reference = question.reference
        pointer: Pointer | Unknown | None = None
        if question.pointer and (reference.tag is not None or reference.digest is None):
            tagged = reference if reference.tag else reference.with_tag(DEFAULT_TAG)
            pointer = self._try(job.number, reference, partial(self._registry.point, tagged))
        pointed = None if pointer is None or isinstance(pointer, Unknown) else pointer.digest
        digest = reference.digest or pointed
        moved = pointed if pointed not in (None, digest) else None
        current = newest = None
        if digest is not None and (question.inside or moved is not None):
            current = self._inside(job, digest)
        if moved is not None:
            newest = self._inside(job, moved)
        return Resolution(
            reference=reference,
            pointer=pointer,
            current=current,
            newest=newest,
            replaced_on=None if digest is None else self._replaced_on(job, digest),
        )

    def _replaced_on(self, job: _OfImage, digest: str) -> date | Unknown | None:
        """Read since when a digest is replaced, where that is wanted and its registry tells."""
        reference = job.question.reference.with_digest(digest)
        if not job.question.replaced or reference.registry != replaced.REGISTRY:
            return None
        ask = partial(self._registry.referrers, reference, replaced.LIFECYCLE)
        found = self._try(job.number, reference, ask, _NOTICES)
        return found if isinstance(found, Unknown) else replaced.replaced_on(found)

    def _inside(self, job: _OfImage, digest: str) -> Inside:
        """Look into a digest, for the platforms that are built."""
        reference = job.question.reference.with_digest(digest)
        image = self._try(job.number, reference, partial(self._registry.image, reference))
        if isinstance(image, Unknown):
            return Inside(digest=digest, image=image)
        configs: dict[str, ImageConfig | Unknown] = {}
        for platform in _present(image, job.question.platforms):
            configs[platform] = self._try(
                job.number, reference, partial(self._registry.config, reference, platform)
            )
        known = [one for one in configs.values() if not isinstance(one, Unknown)]
        systems = (os_release(one) for one in known)
        release = next((system for system in systems if system is not None), None)
        unread = None
        if release is None and known and job.question.system:
            text = self._read_system(job, reference, known[0].platform)
            unread = text if isinstance(text, Unknown) else None
            release = of_file(text) if isinstance(text, str) else None
        return Inside(
            digest=digest, image=image, configs=configs, os_release=release, os_unread=unread
        )

    def _read_system(
        self, job: _OfImage, reference: Reference, platform: str
    ) -> str | Unknown | None:
        """Read os-release for one platform; a release is the same for all that are built of it."""
        ask = partial(self._registry.os_release, reference, platform)
        return self._try(job.number, reference, ask, "layers")

    def _try(
        self, number: int, reference: Reference, ask: Callable[[], T], door: str = _REGISTRY
    ) -> T | Unknown:
        """Ask one thing; what concerns the registry as a whole is remembered."""
        failures, host = self._failures, (reference.registry, door)
        stopped = failures.stopped(host, reference)
        if stopped is not None:
            return stopped
        try:
            answer = ask()
        except Error as error:
            return failures.failed(host, number, reference, error)
        failures.passed(host)
        return answer

    def _whole(
        self, question: Question, found: dict[str, Resolution], told: dict[str, _Told]
    ) -> Resolution:
        """Put together what is known of an image and of its repository."""
        reference = question.reference
        one, of_repository = found.get(str(reference)), told.get(reference.name)
        if one is not None and not (question.tags or question.publisher):
            return one
        late = Unknown(_TOO_LATE.format(reference.registry))
        if one is None or (of_repository is None and (question.tags or question.publisher)):
            self._failures.late(reference)
        if one is None:
            one = Resolution(reference=reference, pointer=late if question.pointer else None)
            if question.inside and reference.digest is not None:
                one = replace(one, current=Inside(digest=reference.digest, image=late))
        tags = publisher = None
        if question.tags:
            tags = late if of_repository is None else of_repository.tags
        if question.publisher:
            publisher = late if of_repository is None else of_repository.publisher
        return replace(one, tags=tags, publisher=publisher)


class _Failures:
    """Which registries fail, and since when; safe to share between threads."""

    def __init__(self) -> None:
        self.asked = 0
        self._is_frozen = False
        self._lock = threading.Lock()
        self._in_a_row: Counter[tuple[str, str]] = Counter()
        self._stopped: dict[tuple[str, str], Failure] = {}
        self._failed: dict[tuple[str, Failure], _Failed] = {}

    def stopped(self, host: tuple[str, str], reference: Reference) -> Unknown | None:
        """The answer for a registry that is left alone; None where it is to be asked."""
        with self._lock:
            failure = self._stopped.get(host)
            if failure is None and host[1] == _NOTICES:
                failure = self._stopped.get((host[0], _REGISTRY))
            if failure is None:
                self.asked += 1
                return None
            if host[1] != _NOTICES:
                self._failed[host[0], failure].images.add(str(reference))
            return _of_host(host[0], failure)

    def freeze(self) -> None:
        """Take note of no further failure of a registry."""
        with self._lock:
            self._is_frozen = True

    def passed(self, host: tuple[str, str]) -> None:
        """Take note of an answer."""
        if self._in_a_row.get(host):
            with self._lock:
                self._in_a_row[host] = 0

    def failed(
        self, host: tuple[str, str], number: int, reference: Reference, error: Error
    ) -> Unknown:
        """Take note of a failure, and turn it into a value."""
        failure = _kind(error)
        if failure is None:
            self.passed(host)
            return Unknown(error.message, error.hint, lasting=_is_lasting(error))
        with self._lock:
            if self._is_frozen:
                return _of_host(host[0], failure)
            if host[1] != _NOTICES:
                self._note((host[0], failure), number, reference, error)
            self._in_a_row[host] += 1
            if failure is Failure.LIMITED or self._in_a_row[host] >= MAX_FAILURES:
                self._stopped.setdefault(host, failure)
        return _of_host(host[0], failure)

    def _note(
        self, key: tuple[str, Failure], number: int, reference: Reference, error: Error
    ) -> None:
        """Keep what the first failure of a kind said, and which images it concerns."""
        known = self._failed.get(key)
        if known is None or number < known.number:
            images = set() if known is None else known.images
            known = self._failed[key] = _Failed(number, error.message, error.hint, images)
        known.images.add(str(reference))

    def late(self, reference: Reference) -> None:
        """Take note of an image that was not answered for when the time was over."""
        key = (reference.registry, Failure.UNREACHABLE)
        known = self._failed.setdefault(
            key, _Failed(0, "no answer in the time that there was", None)
        )
        known.images.add(str(reference))

    def troubles(self) -> tuple[Trouble, ...]:
        """Everything that went wrong with a registry as a whole, sorted."""
        return tuple(
            Trouble(registry, failure, one.reason, one.hint, len(one.images))
            for (registry, failure), one in sorted(self._failed.items())
        )


def _kind(error: Error) -> Failure | None:
    """The failure of a whole registry that an error tells of; None: it concerns one image."""
    if isinstance(error, RegistryError):
        return error.failure if error.failure in _OF_HOST else None
    return Failure.UNREACHABLE if isinstance(error, TransportError) else None


def _is_lasting(error: Error) -> bool:
    return isinstance(error, RegistryError) and error.failure in _LASTING


def _of_host(registry: str, failure: Failure) -> Unknown:
    """What everything about a registry that fails comes to."""
    return Unknown(_OF_HOST[failure].format(registry))


def _present(image: Image, wanted: Sequence[str]) -> Iterator[str]:
    """The platforms of an image among those that are built; all of a single manifest are one."""
    if not image.is_index:
        yield next(iter(image.platforms), wanted[0])
        return
    chosen = (find_platform(platform, image.platforms) for platform in wanted[:MAX_PLATFORMS])
    yield from dict.fromkeys(platform for platform in chosen if platform is not None)
