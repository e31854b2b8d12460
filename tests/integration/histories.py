"""Ledgers with a past, made of what `scan` would have seen and recorded at each instant."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from basekeeper.recording import words
from basekeeper.recording.observation import BaseLayers, LookedAt, Observation, Published, Stand
from basekeeper.recording.observed import events_of
from basekeeper.recording.stored import StoredFacts
from basekeeper.tags.lineage import lineage
from basekeeper.values.event import Event, EventKind
from basekeeper.values.image import Unknown
from basekeeper.values.reference import parse_reference
from basekeeper.values.use import Kind, Role, Use, Via
from basekeeper.values.vulnerability import (
    Database,
    FixStatus,
    Match,
    Package,
    PackageKind,
    Scan,
    ScannerIdentity,
    Severity,
    Subject,
    SubjectKind,
)

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
AMD64 = "linux/amd64"
SHOP = "github.com/acme/shop"
TRIVY = ScannerIdentity(name="trivy", version="0.69.3", digest="sha256:" + "7" * 64)


class Image:
    """One image of a registry, by tag and digest; built on another one, if any."""

    def __init__(
        self, text: str, letter: str, platform: str = AMD64, *, base: Image | None = None
    ) -> None:
        self.reference = parse_reference(text)
        self.digest = "sha256:" + letter * 64
        self.platform = platform
        self.base = base
        self.layers: tuple[str, ...] = (*(base.layers if base else ()), self.digest)
        self.chain = words.image_chain(self.reference)

    def subject(self, vulnerability: str, package: str) -> str:
        """Name a finding in it, as the ledger does."""
        scope = words.scope(
            lineage=lineage(self.chain, self.reference.tag),
            vulnerability=vulnerability,
            package=f"pkg:deb/debian/{package}",
            platform=self.platform,
        )
        return words.subject(self.chain, scope)


class Look(NamedTuple):
    """One scan that is to be made."""

    image: Image
    database: datetime
    problems: str


class Past:
    """What happened; `record` has it seen and written down instant by instant."""

    def __init__(self, repository: str = SHOP) -> None:
        self.repository = repository
        self._looks: defaultdict[datetime, dict[Image, Look]] = defaultdict(dict)
        self._found: defaultdict[Image, list[tuple[datetime, Match]]] = defaultdict(list)
        self._stands: defaultdict[datetime, dict[str, Image | None]] = defaultdict(dict)
        self._published: defaultdict[datetime, dict[str, Image]] = defaultdict(dict)
        self._told: defaultdict[datetime, list[Event]] = defaultdict(list)
        self._retracted: set[EventKind] = set()

    def scanned(
        self, image: Image, at: datetime, *, database: datetime | None = None, problems: str = ""
    ) -> Past:
        """A scan, by advisories of six hours before unless said otherwise."""
        self._looks[at][image] = Look(image, database or at - 6 * HOUR, problems)
        return self

    def found(  # noqa: PLR0913  # what is left out is usual
        self,
        image: Image,
        vulnerability: str,
        at: datetime,
        *,
        package: str = "openssl",
        severity: str = "critical",
        fixed: str = "3.0.15-1",
    ) -> Past:
        """From an instant on scans find something in an image, with a fix unless said otherwise."""
        self._found[image].append((at, _match(image, vulnerability, package, severity, fixed)))
        return self if image in self._looks[at] else self.scanned(image, at)

    def stands(self, product: str, image: Image | None, at: datetime) -> Past:
        """A product stands on an image from now on; None: on none that is known."""
        self._stands[at][product] = image
        return self

    def published(self, product: str, image: Image, at: datetime) -> Past:
        """A product is published, and its image scanned."""
        self._published[at][product] = image
        return self

    def exploited(self, vulnerability: str, at: datetime) -> Past:
        """A catalogue lists it."""
        scope = words.scope(vulnerability=vulnerability)
        subject = words.subject(words.ADVISORIES, scope)
        return self._tell(EventKind.EXPLOITED, subject, "kev", at, from_="kev")

    def excused(self, image: Image, vulnerability: str, at: datetime) -> Past:
        """A VEX document says that something does not affect us."""
        subject = image.subject(vulnerability, "openssl")
        why = "vulnerable_code_not_present"
        return self._tell(EventKind.NOT_AFFECTED, subject, "acme/1", at, justification=why)

    def retracted(self, kind: EventKind) -> Past:
        """What was told of one kind never happened."""
        self._retracted.add(kind)
        return self

    def record(self, location: str, *, start: Path | None = None) -> Past:
        """Write all of it into a ledger, each at its instant."""
        steps = {*self._looks, *self._stands, *self._published, *self._told}
        clock = [NOW]
        with contextlib.closing(
            open_ledger(read_location(location), clock=lambda: clock[0], start=start)
        ) as ledger:
            standing: dict[str, Image] = {}
            for at in sorted(steps):
                clock[0] = at
                known = StoredFacts.read(ledger.records())
                ledger.append(events_of(self._observed(at, standing), known))
            wrong = [one for one in ledger.events() if one.kind in self._retracted]
            ledger.append(map(_retraction, wrong))
        return self

    def _tell(
        self, kind: EventKind, subject: str, key: str, at: datetime, **said: str | None
    ) -> Past:
        event = Event(
            kind=kind, subject=subject, key=key, at=at, source="us", evidence=words.evidence(**said)
        )
        self._told[at].append(event)
        return self

    def _observed(self, at: datetime, standing: dict[str, Image]) -> Observation:
        for product, image in self._stands[at].items():
            standing.pop(product, None)
            if image is not None:
                standing[product] = image
        looks = self._looks[at].values()
        is_run = bool(self._stands[at] or self._published[at])
        return Observation(
            now=at,
            repository=self.repository if is_run else None,
            sights=tuple(_sight(look.image, at) for look in looks),
            looked_at=tuple(
                LookedAt(
                    reference=look.image.reference,
                    digest=look.image.digest,
                    platform=look.image.platform,
                    scan=self._scan(look, at),
                )
                for look in looks
            ),
            stands=tuple(_stand(name, image) for name, image in standing.items()),
            published=tuple(
                self._publication(product, image, at)
                for product, image in self._published[at].items()
            ),
            products=frozenset(self._published[at]),
            told=tuple(self._told[at]),
        )

    def _scan(self, look: Look, at: datetime) -> Scan:
        image = look.image
        matches = tuple(match for since, match in self._found[image] if since <= at)
        return Scan(
            subject=Subject(
                kind=SubjectKind.REGISTRY,
                name=str(image.reference),
                digest=image.digest,
                platform=image.platform,
            ),
            now=at,
            scanner=TRIVY,
            database=Database(schema=2, updated=look.database),
            severity_order=("advisory", "nvd"),
            diff_ids=image.layers,
            packages=tuple({match.package: None for match in matches}),
            matches=matches,
            problems=(Unknown(look.problems),) if look.problems else (),
        )

    def _publication(self, product: str, image: Image, at: datetime) -> Published:
        look = Look(image, at - 6 * HOUR, "")
        base = image.base
        return Published(
            product=product,
            reference=image.reference,
            digest=image.digest,
            since=at,
            platforms=(image.platform,),
            scans=((image.platform, self._scan(look, at)),),
            bases=()
            if base is None
            else (
                BaseLayers(
                    reference=base.reference,
                    digest=base.digest,
                    platform=base.platform,
                    diff_ids=base.layers,
                ),
            ),
        )


def _match(image: Image, vulnerability: str, package: str, severity: str, fixed: str) -> Match:
    level = Severity[severity.upper()]
    return Match(
        vulnerability=vulnerability,
        package=Package(
            name=package,
            version="3.0.14-1",
            kind=PackageKind.OS,
            ecosystem="debian",
            purl=f"pkg:deb/debian/{package}@3.0.14-1?arch=amd64",
            layer=image.layers[0],
        ),
        status=FixStatus.FIXED if fixed else FixStatus.AFFECTED,
        severity=level,
        severity_source="nvd",
        fixed_versions=(fixed,) if fixed else (),
        severities={"nvd": level},
    )


def _sight(image: Image, at: datetime) -> Event:
    return Event(
        kind=EventKind.FIRST_SEEN,
        subject=image.chain,
        key=f"{image.reference.tag}@{image.digest}",
        at=at,
        source=image.reference.registry,
        evidence={},
    )


def _stand(product: str, image: Image) -> Stand:
    path = product.partition(":")[0] if "ockerfile" in product else "Dockerfile"
    values: dict[str, Any] = {"line": 1, "end_line": 1, "column": 6, "span": None, "problem": None}
    use = Use(
        path=path,
        via=Via.FROM,
        raw=image.reference.text,
        text=image.reference.text,
        kind=Kind.CONCRETE,
        reference=image.reference,
        role=Role.FINAL,
        **values,
    )
    return Stand(
        product=product,
        place=path,
        is_mapped="ockerfile" not in product,
        use=use,
        reference=image.reference,
        digest=image.digest,
        platform=image.platform,
    )


def _retraction(event: Event) -> Event:
    return Event(
        kind=EventKind.RETRACTED,
        subject=event.subject,
        key=event.key,
        at=event.at,
        source="us",
        evidence={},
        corrects=event.id,
    )
