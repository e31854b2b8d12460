"""What others say of findings: that they are exploited, or affect nobody here."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from basekeeper.advisories.openvex import VexDocument, VexStatus, standing
from basekeeper.recording import words
from basekeeper.recording.batch import Fact
from basekeeper.recording.looks import read
from basekeeper.values.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from basekeeper.advisories.openvex import VexStatement
    from basekeeper.deadlines.identity import FindingKey
    from basekeeper.recording.batch import Batch
    from basekeeper.recording.sightings import Sighting
    from basekeeper.values.event import Event
    from basekeeper.values.reference import Reference
    from basekeeper.values.vulnerability import Match

_KINDS: Final = {
    VexStatus.NOT_AFFECTED: EventKind.NOT_AFFECTED,
    VexStatus.UNDER_INVESTIGATION: EventKind.UNDER_INVESTIGATION,
    VexStatus.AFFECTED: EventKind.AFFECTED,
    VexStatus.FIXED: EventKind.AFFECTED,
}
"""Who says that it is fixed, where a scan finds it, excuses nothing."""

_ORDER: Final = (VexStatus.NOT_AFFECTED, VexStatus.UNDER_INVESTIGATION)

_HUB: Final = "docker.io"
_HUB_IN_URLS: Final = "index.docker.io"


def tell_exploited(batch: Batch) -> None:
    """Tell which of the vulnerabilities that any image has are exploited."""
    catalogue = batch.seen.exploited
    if catalogue is None:
        return
    found = {
        finding.vulnerability
        for finding in batch.looks.every()
        if any(batch.looks.is_present(finding, one) for one in batch.looks.digests(finding))
    }
    for entry in catalogue.entries.values():
        name = batch.aliases.first(entry.vulnerability)
        if name not in found:
            continue
        due = None if entry.due is None else entry.due.isoformat()
        said = words.evidence(from_=catalogue.source, due=due, version=catalogue.version)
        subject = words.subject(words.ADVISORIES, words.scope(vulnerability=name))
        fact = Fact(EventKind.EXPLOITED, subject, "kev")
        batch.add(fact, said, at=entry.since, source=catalogue.source)


class Statements:
    """What VEX documents say of the findings of this run."""

    def __init__(self, batch: Batch, documents: Sequence[VexDocument]) -> None:
        """Keep the documents by the names of vulnerabilities."""
        self._batch = batch
        self._by_name: defaultdict[str, list[tuple[VexDocument, VexStatement]]]
        self._by_name = defaultdict(list)
        for document in documents:
            for statement in document.statements:
                for name in {batch.aliases.first(one) for one in statement.names}:
                    self._by_name[name].append((document, statement))

    def tell(self, repository: str, images: Iterable[tuple[str, Sighting]]) -> None:
        """Tell what holds of the findings of each product.

        A statement names images. It holds for a product where it names every image of it that has
        the finding: others may stand on images that it does not name, so that it is told of the
        product, not of the image.

        Args:
            repository: Whose products they are.
            images: Product, and each image that it stands on or publishes.
        """
        held: dict[tuple[str, FindingKey], list[Mapping[str, VexStatement]]] = {}
        for product, seen in images:
            names = image_names(seen.reference, seen.digest)
            for finding, matches in seen.found.items():
                said = self._standing(finding, matches, names)
                held.setdefault((product, finding), []).append(said)
        for (product, finding), told in held.items():
            subject = words.subject(repository, words.of_product(finding, product))
            self._tell(subject, told)

    def _tell(self, subject: str, told: Sequence[Mapping[str, VexStatement]]) -> None:
        """Tell what each author says of all images of a product, and what none says any more."""
        authors = set(told[0]).intersection(*told[1:])
        before = self._last.get(subject, {})
        for author in sorted(authors):
            statement = max((one[author] for one in told), key=_least_excusing)
            self._state(subject, statement, before.get(author))
        for author in sorted(before.keys() - authors):
            self._take_back(subject, author, before[author])

    @cached_property
    def _last(self) -> Mapping[str, Mapping[str, Event]]:
        """Subject, under its first name → author → the last word."""
        found: defaultdict[str, dict[str, Event]] = defaultdict(dict)
        kinds = frozenset(_KINDS.values())
        told = [one for one in self._batch.known.events if one.kind in kinds]
        for event in sorted(told, key=lambda one: one.at):
            scope = read(event.subject, self._batch.aliases)
            if scope is not None and "document" in event.evidence:
                found[words.subject(event.chain, scope)][event.source] = event
        return found

    def _standing(
        self, finding: FindingKey, matches: Iterable[Match], image: frozenset[str]
    ) -> Mapping[str, VexStatement]:
        """Return what each author says last."""
        told = self._by_name.get(finding.vulnerability)
        if not told:
            return {}
        documents: dict[int, tuple[VexDocument, list[VexStatement]]] = {}
        for document, statement in told:
            documents.setdefault(id(document), (document, []))[1].append(statement)
        names = {name for _, statement in told for name in statement.names}
        held = standing(
            [
                VexDocument(id=one.id, author=one.author, at=one.at, statements=tuple(same))
                for one, same in documents.values()
            ],
            vulnerability=names,
            product=image,
            package=frozenset(name for match in matches for name in package_names(match)),
        )
        return {words.fitted(one.author, words.MAX_SOURCE_BYTES): one for one in held}

    def _state(self, subject: str, statement: VexStatement, before: Event | None) -> None:
        kind = _KINDS[statement.status]
        justification = statement.justification
        said = words.evidence(
            status=statement.status.value,
            justification=None if justification is None else justification.value,
            impact=statement.impact,
            document=statement.document,
            stated=words.written(statement.at),
        )
        if before is None and kind is EventKind.AFFECTED:
            return  # nothing was excused that this could end
        if before is not None and before.kind is kind and dict(before.evidence) == said:
            return
        is_later = before is None or statement.at > before.at
        at = statement.at if is_later else None
        key = words.key(statement.author, statement.document, statement.status.value)
        batch, source = self._batch, statement.author
        batch.add_again(Fact(kind, subject, key), said, at=at, source=source)

    def _take_back(self, subject: str, author: str, before: Event) -> None:
        """End what a document said that says it no longer, or is not given any more."""
        if before.kind is EventKind.AFFECTED:
            return
        document = before.evidence["document"]
        said = words.evidence(status="no longer stated", document=document)
        fact = Fact(EventKind.AFFECTED, subject, words.key(author, document, "ended"))
        self._batch.add_again(fact, said, source=author)


def image_names(reference: Reference, digest: str) -> frozenset[str]:
    """Return every identifier of an image that a VEX document may use.

    Source of the forms: https://github.com/package-url/purl-spec, types `oci` and `docker`.
    """
    return frozenset(_image_names(reference, digest))


def package_names(match: Match) -> Iterator[str]:
    """Yield every identifier of the version of a package that is there."""
    if match.package.purl is not None:
        yield match.package.purl
        yield match.package.purl.partition("?")[0].partition("#")[0]


def _image_names(reference: Reference, digest: str) -> Iterator[str]:
    place = f"{reference.registry}/{reference.repository}"
    short = reference.repository.rpartition("/")[2]
    path = reference.repository
    if reference.registry == _HUB:
        path = path.removeprefix("library/")
    yield digest
    for name in {place, path}:
        yield f"{name}@{digest}"
        if reference.tag is not None:
            yield f"{name}:{reference.tag}"
    for version in (digest, quote(digest, safe="")):
        yield f"pkg:oci/{short}@{version}"
        for url in {place, place.replace(_HUB, _HUB_IN_URLS, 1)}:
            for repository in {url, quote(url, safe="")}:
                yield f"pkg:oci/{short}@{version}?repository_url={repository}"
        yield f"pkg:docker/{path}@{version}"
    if reference.tag is not None:
        yield f"pkg:docker/{path}@{reference.tag}"


def _least_excusing(statement: VexStatement) -> tuple[int, datetime]:
    status = statement.status
    return (_ORDER.index(status) if status in _ORDER else len(_ORDER), statement.at)
