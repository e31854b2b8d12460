"""Facts about a repository: what it stands on, what it published, and which fixes it took."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from basekeeper.recording import words
from basekeeper.recording.batch import Fact
from basekeeper.recording.joined import Join
from basekeeper.recording.looks import read
from basekeeper.recording.proofs import Proof
from basekeeper.recording.sightings import lineage_of
from basekeeper.recording.stands import Line, Stands, words_ahead
from basekeeper.recording.stored import MAX_AHEAD, StoredFacts
from basekeeper.values.bases import Identified
from basekeeper.values.event import EventKind
from basekeeper.values.image import Unknown
from basekeeper.values.platforms import find_platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from basekeeper.deadlines.identity import FindingKey
    from basekeeper.recording.batch import Batch
    from basekeeper.recording.observation import Published, Stand
    from basekeeper.recording.proofs import Proofs
    from basekeeper.recording.sightings import Sighting
    from basekeeper.values.event import Event


def tell_stands(batch: Batch, repository: str) -> None:
    """Tell on which images products stand, where that is not what was told last."""
    before = Stands(_of(batch.known.events, repository)).last
    wrong = _ahead(batch, repository)
    found: defaultdict[Line, list[Stand]] = defaultdict(list)
    unclear: set[tuple[str, str]] = set()
    for stand in batch.seen.stands:
        line = line_of(stand)
        if stand.digest is None:
            unclear.add((line.product, line.platform))
        found[line].append(stand)
    for line in sorted(found):
        if (line.product, line.platform) not in unclear:
            last = None if line in wrong else before.get(line)
            _tell_stand(batch, repository, (line, found[line]), last)
    if not batch.seen.is_whole:
        return
    told = {**before, **wrong}
    for line in sorted(told.keys() - found.keys()):
        is_unclear = (line.product, line.platform) in unclear
        if not is_unclear and (line in wrong or words.digests(told[line].evidence)):
            said = words.evidence(place=told[line].evidence.get("place"))
            fact = Fact(EventKind.BASED_ON, _line_subject(repository, line), words.NOTHING)
            batch.add_again(fact, said)


def _ahead(batch: Batch, repository: str) -> Mapping[Line, Event]:
    """Return the last words that are left out as they are later than now."""
    if not batch.known.later:
        return {}
    return words_ahead(_of(batch.known.every, repository), batch.seen.now + MAX_AHEAD)


def line_of(stand: Stand) -> Line:
    """Name what a product stands on."""
    scope = words.scope(
        product=stand.product, lineage=lineage_of(stand.reference), platform=stand.platform
    )
    return Line(scope.product or "", scope.lineage or "", scope.platform or "")


def tell_released(batch: Batch, repository: str) -> None:
    """Tell which image each product publishes, where that is another one than before."""
    stands = Stands(_of([*batch.known.events, *batch.events], repository))
    last: dict[str, Event] = {}
    for event in sorted(_of(batch.known.events, repository), key=lambda one: one.at):
        scope = read(event.subject) if event.kind is EventKind.RELEASED else None
        if scope is not None and scope.product is not None:
            for name in stands.names(scope.product, event.at):
                last[name] = event
    for image in batch.seen.published:
        product = words.product_name(image.product)
        before = last.get(product)
        digest = words.digest_name(image.digest)
        if before is not None and before.evidence.get("digest") == digest:
            continue
        said = words.evidence(
            digest=digest,
            reference=str(image.reference),
            tag=image.reference.tag,
            image=words.image_chain(image.reference),
            created=words.written(image.created),
            **_built_on(image),
        )
        is_later = image.since is not None and (before is None or image.since > before.at)
        subject = words.subject(repository, words.scope(product=product))
        fact = Fact(EventKind.RELEASED, subject, digest)
        batch.add_again(fact, said, at=image.since if is_later else None)


def _built_on(image: Published) -> dict[str, str]:
    """Say what an image was built on, by which method, and how sure that is; of each platform."""
    found = [one for _, one in image.identified if isinstance(one, Identified)]
    said: dict[str, list[str | None]] = {
        "base": [str(one.base.reference) for one in found],
        "base_digest": [one.base.digest for one in found],
        "base_method": [one.method.value for one in found],
        "base_proof": ["layers" if one.proven else "none" for one in found],
        "base_confidence": [one.confidence.value for one in found],
        "base_unknown": [one.reason for _, one in image.identified if isinstance(one, Unknown)],
    }
    return {name: words.listed(dict.fromkeys(filter(None, texts))) for name, texts in said.items()}


def tell_introduced(batch: Batch, repository: str, image: Published, seen: Sighting) -> None:
    """Tell since when a published image holds a package, where we know when it was made."""
    at = image.created or image.since
    if at is None:
        return
    for finding in seen.found:
        scope = words.scope(
            lineage=finding.lineage,
            package=finding.package,
            platform=finding.platform,
            product=image.product,
        )
        fact = Fact(EventKind.INTRODUCED, words.subject(repository, scope), "first")
        batch.add(fact, words.evidence(digest=seen.digest), at=at)


class Progress:
    """Tells which open findings of a product are fixed, and where."""

    def __init__(self, batch: Batch, repository: str, proofs: Proofs) -> None:
        """Work out what is open, with all that this run told so far."""
        self._batch, self._repository, self._proofs = batch, repository, proofs
        self._events = [*batch.known.events, *batch.events]
        products = {words.product_name(name) for name in batch.seen.mapped}
        join = Join(StoredFacts(self._events))
        self._open = {
            product: {
                finding: episodes[-1].opened
                for finding, episodes in findings.items()
                if episodes[-1].end is None
            }
            for product, findings in join.episodes(repository, products).items()
        }
        self._stands = Stands(_of(self._events, repository))
        self._stand_lines = [(line_of(one), one) for one in batch.seen.stands]

    def tell(self) -> None:
        """Tell of every product of this run."""
        for product in sorted({line.product for line, _ in self._stand_lines}):
            self._tell_base(product)
        for image in self._batch.seen.published:
            self._tell_published(image)

    def _tell_base(self, product: str) -> None:
        """Tell which findings the images do not have that a product stands on."""
        stands = self._stood_on(product)
        for finding, opened in self._opened(product):
            own = stands.get(finding.platform)
            if not own or not self._is_of_base(product, finding):
                continue
            proofs = [self._proofs.proof(finding, one) for one in own]
            if None in proofs:
                continue
            said = {"of": "base"}
            for proof in proofs:
                if proof is not None:
                    self._merge(product, (finding, opened), proof)
                    self._verify(product, (finding, opened), proof, said)

    def _tell_published(self, image: Published) -> None:
        """Tell which findings the published image of a product does not have."""
        product, digest = words.product_name(image.product), words.digest_name(image.digest)
        offered = image.platforms
        for finding, opened in self._opened(product):
            said = {"of": "published image"}
            proof = self._proofs.proof(finding, digest)
            if offered and find_platform(finding.platform, offered) is None:
                proof = Proof(digest, None, {"how": "not published for that platform"})
            if proof is not None:
                self._verify(product, (finding, opened), proof, said)

    def _opened(self, product: str) -> list[tuple[FindingKey, datetime]]:
        found = self._open.get(product, {})
        return sorted(found.items(), key=lambda one: one[0].parts)

    def _stood_on(self, product: str) -> Mapping[str, tuple[str, ...]]:
        """Return platform → images; none of a platform of which not all are known."""
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        unclear = set()
        for line, stand in self._stand_lines:
            if line.product != product:
                continue
            if stand.digest is None:
                unclear.add(line.platform)
            else:
                found[line.platform][words.digest_name(stand.digest)] = None
        return {one: tuple(same) for one, same in found.items() if one not in unclear}

    def _is_of_base(self, product: str, finding: FindingKey) -> bool:
        """Tell whether a base of the product ever had it, so that a base without it says much."""
        digests, lineages = self._bases.get(product, (set(), set()))
        images = set(self._batch.looks.digests(finding))
        return bool(images & digests) if images else finding.lineage in lineages

    @cached_property
    def _bases(self) -> Mapping[str, tuple[set[str], set[str]]]:
        """Product → digests and lineages of everything that it ever stood on."""
        found: defaultdict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
        for stood in self._stands.stood():
            digests, lineages = found[stood.line.product]
            digests.add(stood.digest)
            lineages.add(stood.line.lineage)
        return found

    def _merge(self, product: str, case: tuple[FindingKey, datetime], proof: Proof) -> None:
        """Tell that the tree took the fix, if it did not before since it was found."""
        finding, opened = case
        last = self._steps.get((EventKind.MERGED, product, finding, ""))
        if last is not None and last >= opened:
            return
        self._steps[EventKind.MERGED, product, finding, ""] = self._batch.seen.now
        said = words.evidence(digest=proof.digest, how=self._how(product, finding.platform))
        subject = words.subject(self._repository, words.of_product(finding, product))
        self._batch.add_again(Fact(EventKind.MERGED, subject, proof.digest), said, scan=proof.scan)

    def _verify(
        self,
        product: str,
        case: tuple[FindingKey, datetime],
        proof: Proof,
        more: Mapping[str, str],
    ) -> None:
        """Tell that an image is proven, if it was not before since it was found."""
        finding, opened = case
        place = EventKind.VERIFIED, product, finding, proof.digest
        last = self._steps.get(place)
        if last is not None and last >= opened:
            return
        self._steps[place] = self._batch.seen.now
        scan = proof.scan
        database = None if scan is None or scan.database is None else scan.database.updated
        said = words.evidence(
            digest=proof.digest,
            scanner=None if scan is None else f"{scan.scanner.name} {scan.scanner.version}",
            database=words.written(database),
            **more,
            **proof.said,
        )
        subject = words.subject(self._repository, words.of_product(finding, product))
        self._batch.add_again(Fact(EventKind.VERIFIED, subject, proof.digest), said, scan=scan)

    @cached_property
    def _steps(self) -> dict[tuple[EventKind, str, FindingKey, str], datetime]:
        """Kind, product by its present name, finding and digest → when it was told last."""
        found: dict[tuple[EventKind, str, FindingKey, str], datetime] = {}
        for event in _of(self._events, self._repository):
            if event.kind not in (EventKind.MERGED, EventKind.VERIFIED):
                continue
            scope = read(event.subject, self._batch.aliases)
            finding = None if scope is None else scope.finding
            if scope is None or scope.product is None or finding is None:
                continue
            is_merge = event.kind is EventKind.MERGED
            digest = "" if is_merge else event.evidence.get("digest", "")
            for name in self._stands.names(scope.product, event.at):
                place = event.kind, name, finding, digest
                found[place] = max(event.at, found.get(place, event.at))
        return found

    def _how(self, product: str, platform: str) -> str:
        """Say how the tree came to stand on other images."""
        old = self._references_before.get((product, platform), set())
        if not old:
            return "it stood there when it was first looked at"
        new = {
            str(stand.reference)
            for line, stand in self._stand_lines
            if (line.product, line.platform) == (product, platform)
        }
        return "the tag moved" if old & new else "the reference changed"

    @cached_property
    def _references_before(self) -> Mapping[tuple[str, str], set[str]]:
        """Product and platform → what the tree named there when it was last looked at."""
        found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        last = Stands(_of(self._batch.known.events, self._repository)).last
        for line, event in last.items():
            if "reference" in event.evidence:
                found[line.product, line.platform].add(event.evidence["reference"])
        return found


def _tell_stand(
    batch: Batch, repository: str, told: tuple[Line, list[Stand]], before: Event | None
) -> None:
    """Tell what a product stands on in one lineage."""
    line, stands = told
    digests = {words.digest_name(one.digest): one for one in stands if one.digest is not None}
    if before is not None and set(words.digests(before.evidence)) == digests.keys():
        return
    first, *others = sorted(digests)
    stand = digests[first]
    said = words.evidence(
        digest=first,
        others=words.listed(others),
        reference=str(stand.reference),
        image=words.image_chain(stand.reference),
        path=stand.use.path,
        line=str(stand.use.line),
        tag=stand.reference.tag,
        role=stand.use.role.value,
        mapped="yes" if stand.is_mapped else "no",
        place=words.product_name(stand.place),
    )
    fact = Fact(EventKind.BASED_ON, _line_subject(repository, line), words.key(*sorted(digests)))
    batch.add_again(fact, said)


def _line_subject(repository: str, line: Line) -> str:
    scope = words.scope(product=line.product, lineage=line.lineage, platform=line.platform)
    return words.subject(repository, scope)


def _of(events: Iterable[Event], repository: str) -> list[Event]:
    return [event for event in events if event.chain == repository]
