"""A world to record: images and what is in them, a tree, and a ledger that keeps facts once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from basekeeper import load_policy, parse_reference
from basekeeper.deadlines.model import Terms
from basekeeper.recording import words
from basekeeper.recording.joined import repository_deadlines
from basekeeper.recording.observation import (
    BaseLayers,
    LookedAt,
    Observation,
    Part,
    Published,
    Stand,
)
from basekeeper.recording.observed import events_of
from basekeeper.recording.stored import StoredFacts
from basekeeper.recording.verdicts import verdicts
from basekeeper.values.event import Event, EventKind, Record
from basekeeper.values.image import Pointer, Unknown
from basekeeper.values.resolution import Resolution, Resolutions
from basekeeper.values.sights import sights
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
    from collections.abc import Iterable, Sequence

    from basekeeper.deadlines.model import Deadline

ORIGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
REPOSITORY = "github.com/acme/shop"
SLIM = "debian:12-slim"
CHAIN = "docker.io/library/debian"
LINEAGE = "docker.io/library/debian:slim"
OWN = "ghcr.io/acme/shop"
AMD = "linux/amd64"
CVE = "CVE-2026-1"
BASE_LAYERS, OTHER_LAYERS = ("sha256:l1", "sha256:l2"), ("sha256:m1",)
APP_LAYER = "sha256:app"
WINDOWS = load_policy().deadlines


def at(hours: float) -> datetime:
    return ORIGIN + timedelta(hours=hours)


def digest(name: str) -> str:
    return "sha256:" + name.encode().hex().ljust(64, "0")


def package(name: str = "glibc", version: str = "1", **more: Any) -> Package:
    more.setdefault("layer", BASE_LAYERS[0])
    return Package(
        name=name,
        version=version,
        kind=PackageKind.OS,
        ecosystem="debian",
        purl=f"pkg:deb/debian/{name}@{version}?arch=amd64",
        **more,
    )


def match(
    name: str = CVE, of: Package | None = None, *, fixed: tuple[str, ...] = ("2",), **more: Any
) -> Match:
    more.setdefault("severity", Severity.HIGH)
    more.setdefault("severity_source", "debian")
    more.setdefault("severities", {"debian": more["severity"]})
    return Match(
        vulnerability=name,
        package=of or package(),
        status=FixStatus.FIXED if fixed else FixStatus.AFFECTED,
        fixed_versions=fixed,
        **more,
    )


def scan(*matches: Match, **more: Any) -> Scan:
    """Return a scan at the origin; `World` moves it to the instant of each run."""
    packages = more.pop("packages", ())
    name = more.pop("scanner", "trivy")
    problem = more.pop("problem", None)
    every = {one.package: None for one in matches} | dict.fromkeys(packages)
    every |= {package("base-files"): None}
    return Scan(
        subject=Subject(kind=SubjectKind.REGISTRY, name="x"),
        now=ORIGIN,
        scanner=ScannerIdentity(name=name, version="1.0", digest=f"sha256:{name}"),
        database=Database(schema=2, updated=ORIGIN - timedelta(hours=1)),
        severity_order=("advisory",),
        diff_ids=more.pop("diff_ids", (*BASE_LAYERS, APP_LAYER)),
        packages=tuple(every),
        matches=matches,
        problems=() if problem is None else (Unknown(problem),),
        **more,
    )


CLEAN = scan()
BAD = scan(match())


def looked(image: str, name: str, what: Scan, **more: Any) -> LookedAt:
    more.setdefault("platform", AMD)
    return LookedAt(reference=parse_reference(image), digest=digest(name), scan=what, **more)


def candidate(image: str, name: str, what: Scan, **more: Any) -> LookedAt:
    return looked(image, name, what, part=Part.CANDIDATE, **more)


def sight(image: str, name: str, hours: float) -> Event:
    """A tag stood for a digest."""
    reference = parse_reference(image)
    pointer = Pointer(digest(name))
    (event,) = sights(
        Resolutions({image: Resolution(reference=reference, pointer=pointer)}), at(hours)
    )
    return event


def stand(product: str, image: str, name: str | None, **more: Any) -> Stand:
    reference = parse_reference(image)
    more.setdefault("platform", AMD)
    more.setdefault("place", "Dockerfile")
    more.setdefault("is_mapped", True)
    use = Use(
        path="Dockerfile",
        line=1,
        end_line=1,
        column=6,
        span=None,
        via=Via.FROM,
        raw=image,
        text=image,
        kind=Kind.CONCRETE,
        reference=reference,
        problem=None,
        role=Role.FINAL,
    )
    return Stand(
        product=product,
        use=use,
        reference=reference,
        digest=None if name is None else digest(name),
        **more,
    )


def published(name: str, *scans: Scan, product: str = "api", **more: Any) -> Published:
    more.setdefault("bases", (base_layers(SLIM, "d1"),))
    platform = more.pop("platform", AMD)
    return Published(
        product=product,
        reference=parse_reference(f"{OWN}:stable"),
        digest=digest(name),
        scans=tuple((platform, one) for one in scans),
        **more,
    )


def base_layers(
    image: str, name: str, diff_ids: tuple[str, ...] = BASE_LAYERS, platform: str = AMD
) -> BaseLayers:
    return BaseLayers(
        reference=parse_reference(image), digest=digest(name), platform=platform, diff_ids=diff_ids
    )


class World:
    """A ledger, and runs that record in it."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    @property
    def events(self) -> list[Event]:
        return [one.event for one in self.records]

    @property
    def facts(self) -> StoredFacts:
        return StoredFacts.read(self.records)

    def append(self, events: Iterable[Event], hours: float) -> list[Event]:
        """Keep what is new, as a ledger does."""
        known = {one.id for one in self.events}
        new = []
        for event in events:
            if event.id not in known:
                known.add(event.id)
                new.append(event)
                position = len(self.records) + 1
                record = Record(event=event, recorded=at(hours), position=position, hash="")
                self.records.append(record)
        return new

    def see(self, hours: float, **seen: Any) -> list[Event]:
        """Let one run look, and record."""
        return self.append(events_of(observation(hours, **seen), self.facts), hours)

    def judge(self, hours: float, products: Sequence[str] = ("api",)) -> list[Event]:
        """Record what was missed."""
        told = [
            event
            for found in repository_deadlines(self.events, terms(hours, products))
            for event in verdicts(found, at(hours), known=self.facts)
        ]
        return self.append(told, hours)

    def deadlines(self, hours: float, products: Sequence[str] = ("api",)) -> tuple[Deadline, ...]:
        found = repository_deadlines(self.events, terms(hours, products))
        assert all(one.unread == () for one in found)
        return found[0].deadlines if found else ()

    def deadline(self, hours: float, products: Sequence[str] = ("api",)) -> Deadline:
        (found,) = [one for one in self.deadlines(hours, products) if one.is_latest]
        return found

    def kinds(self) -> list[str]:
        return [one.kind.value for one in self.events]


def observation(hours: float, **seen: Any) -> Observation:
    """Return what a run saw; its databases are as old as they were at the origin."""
    seen.setdefault("repository", REPOSITORY)
    base = seen.pop("base", None)
    if base is not None:
        name, what = base
        seen.setdefault("looked_at", (looked(SLIM, name, what),))
        seen.setdefault("stands", (stand("api", SLIM, name),))
    looked_at = tuple(
        replace(one, scan=fresh(one.scan, hours)) for one in seen.pop("looked_at", ())
    )
    images = tuple(
        replace(one, scans=tuple((name, fresh(what, hours)) for name, what in one.scans))
        for one in seen.pop("published", ())
    )
    return Observation(now=at(hours), looked_at=looked_at, published=images, **seen)


def fresh(what: Scan, hours: float) -> Scan:
    """Return a scan as made now."""
    database = Database(schema=2, updated=at(hours) - timedelta(hours=1))
    return replace(what, now=at(hours), database=database)


def terms(hours: float, products: Sequence[str] = ("api",)) -> Terms:
    return Terms(
        now=at(hours), windows=WINDOWS, products=tuple(products), severity_source=words.PINNED
    )


def of_kind(events: Iterable[Event], *kinds: EventKind) -> list[Event]:
    return [one for one in events if one.kind in kinds]
