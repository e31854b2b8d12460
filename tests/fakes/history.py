"""A ledger of half a year, as a shop with three products would have it: for reports and demos.

Nothing is asked of anybody: what scans would have found is made up from a seed, and recorded at the
instants at which it would have been. Bases are rebuilt by their makers, products move to them after
a while (in August nobody is there), releases follow, and some findings are waived.

    python -m tests.fakes.history sqlite:/tmp/shop/ledger.sqlite /tmp/shop
"""

from __future__ import annotations

import contextlib
import random
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.deadlines.model import Terms
from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from basekeeper.policy.load import load_policy
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
from basekeeper.values.event import Event, EventKind
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
    from collections.abc import Iterable, Iterator

BEGIN: Final = datetime(2026, 5, 25, 6, tzinfo=UTC)
NOW: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)
SHOP: Final = "github.com/acme/shop"
AMD64: Final = "linux/amd64"
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
HOLIDAYS: Final = (datetime(2026, 8, 3, tzinfo=UTC), datetime(2026, 8, 24, tzinfo=UTC))
"""Nobody takes a fix in this time."""

SETTINGS: Final = """\
[[product]]
name = "api"
dockerfile = "services/api/Dockerfile"
image = "ghcr.io/acme/api:stable"

[[product]]
name = "web"
dockerfile = "services/web/Dockerfile"
image = "ghcr.io/acme/web:stable"

[[product]]
name = "worker"
dockerfile = "services/worker/Dockerfile"
image = "ghcr.io/acme/worker:stable"
"""
"""The `basekeeper.toml` of the shop."""

_TRIVY: Final = ScannerIdentity(name="trivy", version="0.69.3", digest="sha256:" + "7" * 64)
_LEVELS: Final = (
    *((Severity.CRITICAL,) * 3), *((Severity.HIGH,) * 8), *((Severity.MEDIUM,) * 9),
    *((Severity.LOW,) * 5), Severity.UNKNOWN,
)  # fmt: skip
_PACKAGES: Final = {
    "debian": (
        "openssl", "libc6", "zlib1g", "libgnutls30", "perl-base", "libsystemd0", "tar", "libpam0g",
        "libsqlite3-0", "libexpat1",
    ),
    "alpine": ("libcrypto3", "musl", "busybox", "zlib", "libexpat", "apk-tools"),
}  # fmt: skip


class Line(NamedTuple):
    """A line of base images, and how often its makers rebuild it."""

    text: str
    system: str
    days: float
    """Between two images."""
    flaws: int
    """How many vulnerabilities come out in the half year."""


class Team(NamedTuple):
    """A product, and how fast its people are."""

    product: str
    line: Line
    pins: bool
    """Whether the file names the digest."""
    lag: tuple[float, float]
    """Days from a new base to a release with it, at least and at most."""


PYTHON: Final = Line("python:3.13-slim", "debian", 9, 90)
NODE: Final = Line("node:24-bookworm-slim", "debian", 6, 75)
ALPINE: Final = Line("alpine:3.22", "alpine", 26, 35)
TEAMS: Final = (
    Team("api", PYTHON, pins=True, lag=(0.2, 1.6)),
    Team("web", NODE, pins=False, lag=(0.3, 4)),
    Team("worker", ALPINE, pins=True, lag=(0.5, 6)),
)


class Flaw(NamedTuple):
    """One vulnerability of one package."""

    name: str
    package: str
    level: Severity
    public: datetime
    fixed: datetime | None
    """None: nobody fixes it."""


class Image(NamedTuple):
    """One image of a line, or one of ours on top of it."""

    text: str
    digest: str
    made: datetime
    system: str
    layers: tuple[str, ...]


class Scene(NamedTuple):
    """What holds at one instant."""

    at: datetime
    bases: dict[str, Image]
    """Product → what it stands on."""
    newest: dict[str, Image]
    """Product → what it could stand on."""
    shipped: dict[str, tuple[Image, Image, datetime]]
    """Product → published image, its base, and since when."""


def record(location: str, *, seed: int = 7, until: datetime = NOW) -> None:
    """Write the half year into a new ledger."""
    clock = [BEGIN]
    with contextlib.closing(open_ledger(read_location(location), clock=lambda: clock[0])) as ledger:
        known: list[Event] = []
        for observation in observations(random.Random(seed)):  # noqa: S311  # the same each time
            if observation.now > until:
                break
            clock[0] = observation.now
            new = list(events_of(observation, StoredFacts(known)))
            new += _verdicts(observation.now, [*known, *new])
            ledger.append(new)
            known += new


def observations(dice: random.Random) -> Iterator[Observation]:
    """Yield what a run every second day, and each release, would have seen."""
    flaws = {team.line: _flaws(team.line, dice) for team in TEAMS}
    scenes = _scenes(dice)
    waived: set[str] = set()
    for scene in scenes:
        yield _observation(scene, flaws, tuple(_waivers(scene.at, waived, flaws[NODE])))


def write_settings(root: Path) -> None:
    """Write the configuration of the shop."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "basekeeper.toml").write_text(SETTINGS, encoding="utf-8")


def _flaws(line: Line, dice: random.Random) -> list[Flaw]:
    """Make up what comes out: some of it before we began to look, some of it never fixed."""
    span = (NOW - BEGIN).total_seconds()
    found = []
    for number in range(line.flaws):
        public = BEGIN + timedelta(seconds=dice.uniform(-0.06, 0.99) * span)
        delay = timedelta(days=dice.choice((0, 0, 0.2, 0.5, 1, 2, 5, 12)))
        is_fixed = dice.random() < 0.93
        number_of_cve = int(sha256(f"{line.text}{number}".encode()).hexdigest()[:6], 16) % 60_000
        found.append(
            Flaw(
                f"CVE-2026-{10_000 + number_of_cve}",
                dice.choice(_PACKAGES[line.system]),
                dice.choice(_LEVELS),
                public.replace(microsecond=0),
                (public + delay).replace(microsecond=0) if is_fixed else None,
            )
        )
    return found


def _scenes(dice: random.Random) -> list[Scene]:
    """Tell at each run what products stand on and publish."""
    images = {line: list(_images(line, dice)) for line in (PYTHON, NODE, ALPINE)}
    taken = {team.product: list(_taken(team, images[team.line], dice)) for team in TEAMS}
    runs = {BEGIN + 2 * DAY * number for number in range(92)} | {NOW - 2 * HOUR}
    for releases in taken.values():
        runs |= {at + HOUR for at, _, _ in releases}
        runs |= {at - HOUR for at, _, _ in releases}
    scenes = []
    for at in sorted(one for one in runs if BEGIN <= one <= NOW):
        shipped = {product: _last(told, at) for product, told in taken.items()}
        newest = {
            team.product: [one for one in images[team.line] if one.made <= at][-1] for team in TEAMS
        }
        bases = {product: base for product, (_, base, _) in shipped.items()}
        scenes.append(Scene(at, bases, newest, shipped))
    return scenes


def _last(
    told: Iterable[tuple[datetime, Image, Image]], at: datetime
) -> tuple[Image, Image, datetime]:
    since, ours, base = [one for one in told if one[0] <= at][-1]
    return ours, base, since


def _images(line: Line, dice: random.Random) -> Iterator[Image]:
    made = BEGIN - 20 * DAY
    while made < NOW:
        digest = _digest(line.text, str(made))
        yield Image(line.text, digest, made, line.system, (digest,))
        made += timedelta(days=line.days * dice.uniform(0.4, 1.6))


def _taken(
    team: Team, images: Iterable[Image], dice: random.Random
) -> Iterator[tuple[datetime, Image, Image]]:
    """Yield when which image of ours was published, and on which base."""
    last = BEGIN - 30 * DAY
    for base in images:
        at = base.made + timedelta(days=dice.uniform(*team.lag))
        if HOLIDAYS[0] <= at < HOLIDAYS[1]:
            continue
        if at > last:
            last = at.replace(microsecond=0)
            digest = _digest(team.product, base.digest)
            ours = Image(
                f"ghcr.io/acme/{team.product}:stable", digest, last, base.system,
                (*base.layers, digest),
            )  # fmt: skip
            yield last, ours, base


def _digest(*parts: str) -> str:
    return "sha256:" + sha256("/".join(parts).encode()).hexdigest()


def _observation(
    scene: Scene, flaws: dict[Line, list[Flaw]], told: tuple[Event, ...]
) -> Observation:
    lines = {team.product: team.line for team in TEAMS}
    looks: dict[str, LookedAt] = {}
    for product, image in scene.bases.items():
        scan = _scan(image, image, flaws[lines[product]], scene.at)
        looks[image.digest] = _look(image, scan)
    for product, image in scene.newest.items():
        scan = _scan(image, image, flaws[lines[product]], scene.at)
        looks.setdefault(image.digest, _look(image, scan, replaces=scene.bases[product]))
    return Observation(
        now=scene.at,
        repository=SHOP,
        policy=load_policy().digest,
        sights=tuple(map(_sight, (*scene.bases.values(), *scene.newest.values()))),
        looked_at=tuple(looks.values()),
        stands=tuple(_stand(team, scene.bases[team.product]) for team in TEAMS),
        published=tuple(
            Published(
                product=product,
                reference=parse_reference(ours.text),
                digest=ours.digest,
                since=since,
                created=since,
                platforms=(AMD64,),
                scans=((AMD64, _scan(ours, base, flaws[lines[product]], scene.at)),),
                bases=(
                    BaseLayers(
                        reference=parse_reference(base.text),
                        digest=base.digest,
                        platform=AMD64,
                        diff_ids=base.layers,
                    ),
                ),
            )
            for product, (ours, base, since) in scene.shipped.items()
        ),
        products=frozenset(lines),
        told=told,
    )


def _sight(image: Image) -> Event:
    """Tell since when a tag stands for an image: its makers say when they pushed it."""
    reference = parse_reference(image.text)
    return Event(
        kind=EventKind.FIRST_SEEN,
        subject=words.image_chain(reference),
        key=f"{reference.tag}@{image.digest}",
        at=image.made,
        source=reference.registry,
        evidence={},
    )


def _look(image: Image, scan: Scan, *, replaces: Image | None = None) -> LookedAt:
    return LookedAt(
        reference=parse_reference(image.text),
        digest=image.digest,
        platform=AMD64,
        scan=scan,
        part=Part.CURRENT if replaces is None else Part.CANDIDATE,
        since=image.made,
        replaces=() if replaces is None else (replaces.digest,),
    )


def _scan(image: Image, base: Image, flaws: Iterable[Flaw], at: datetime) -> Scan:
    """Find what is public by then and was not fixed when the base was made."""
    found = [
        flaw
        for flaw in flaws
        if flaw.public <= at and (flaw.fixed is None or flaw.fixed > base.made)
    ]
    matches = tuple(_match(flaw, base, at) for flaw in found)
    return Scan(
        subject=Subject(
            kind=SubjectKind.REGISTRY, name=image.text, digest=image.digest, platform=AMD64
        ),
        now=at,
        scanner=_TRIVY,
        database=Database(schema=2, updated=at - 5 * HOUR),
        severity_order=("advisory", "nvd"),
        diff_ids=image.layers,
        packages=tuple(dict.fromkeys(match.package for match in matches)),
        matches=matches,
    )


def _match(flaw: Flaw, base: Image, at: datetime) -> Match:
    is_fixed = flaw.fixed is not None and flaw.fixed <= at
    kind = "deb/debian" if base.system == "debian" else "apk/alpine"
    package = Package(
        name=flaw.package,
        version="1.0-1",
        kind=PackageKind.OS,
        ecosystem=base.system,
        purl=f"pkg:{kind}/{flaw.package}@1.0-1?arch=amd64",
        layer=base.layers[0],
    )
    return Match(
        vulnerability=flaw.name,
        package=package,
        status=FixStatus.FIXED if is_fixed else FixStatus.AFFECTED,
        severity=flaw.level,
        severity_source="nvd",
        fixed_versions=("1.0-2",) if is_fixed else (),
        severities={"nvd": flaw.level},
        published=flaw.public,
    )


def _stand(team: Team, base: Image) -> Stand:
    path = f"services/{team.product}/Dockerfile"
    text = f"{base.text}@{base.digest}" if team.pins else base.text
    reference = parse_reference(text)
    values: dict[str, Any] = {"line": 3, "end_line": 3, "column": 6, "span": None, "problem": None}
    use = Use(
        path=path,
        via=Via.FROM,
        raw=text,
        text=text,
        kind=Kind.CONCRETE,
        reference=reference,
        role=Role.FINAL,
        **values,
    )
    return Stand(
        product=team.product,
        place=path,
        is_mapped=True,
        use=use,
        reference=reference,
        digest=base.digest,
        platform=AMD64,
    )


def _waivers(at: datetime, waived: set[str], flaws: Iterable[Flaw]) -> Iterator[Event]:
    """Yield the waivers of the shop: what is not fixed for long, or never, from September on."""
    if at < datetime(2026, 9, 7, tzinfo=UTC):
        return
    bad = [one for one in flaws if one.level >= Severity.HIGH and one.public <= at]
    late = [one for one in bad if one.fixed is not None and one.fixed - one.public > 4 * DAY]
    never = [one for one in bad if one.fixed is None]
    for number, flaw in enumerate((*never[:2], *late[:4]), 1):
        if flaw.name in waived:
            continue
        waived.add(flaw.name)
        scope = words.scope(vulnerability=flaw.name, product="web")
        evidence = words.evidence(
            id=f"web-{number}",
            owner="platform@acme.example",
            reason="the vulnerable function is not reachable from the web tier",
            control="the ingress drops such requests",
            until=f"{(at + (100 if flaw in never else 40) * DAY).date()}",
            granted=f"{at.date()}",
            approver="j.doe" if number % 2 else None,
            file="waivers.toml",
            file_digest=_digest("waivers", flaw.name),
        )
        yield Event(
            kind=EventKind.WAIVED,
            subject=words.subject(SHOP, scope),
            key=f"web-{number}@{_digest(flaw.name)[7:19]}",
            at=at,
            source="waivers.toml",
            evidence=evidence,
        )


def _verdicts(now: datetime, known: list[Event]) -> tuple[Event, ...]:
    terms = Terms(
        now=now,
        windows=load_policy().deadlines,
        products=tuple(team.product for team in TEAMS),
        severity_source=words.PINNED,
    )
    told = [one for one in repository_deadlines(known, terms) if one.repository == SHOP]
    return tuple(event for one in told for event in verdicts(one, now, known=StoredFacts(known)))


if __name__ == "__main__":
    record(sys.argv[1])
    write_settings(Path(sys.argv[2]))
