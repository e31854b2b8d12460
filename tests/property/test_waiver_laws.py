"""Laws of waivers: an edit changes nothing else, and the ledger comes to say what the file says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from basekeeper.deadlines.identity import FindingKey
from basekeeper.policy.windows import Urgency
from basekeeper.values.event import EventKind
from basekeeper.values.waiver import Waiver
from basekeeper.waivers import Waivers, load_waivers
from basekeeper.waivers.mirrored import WaiverFile, mirror
from basekeeper.waivers.writing import Ending, edited, file_lines, waiver_table
from tests.unit.waivers.making import TODAY, limits, of_cve

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basekeeper.values.event import Event

R = "github.com/acme/shop"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
START = date(2026, 11, 16)

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).map(lambda text: f"{text}x")
names = st.sampled_from(["CVE-2026-1", "CVE-2026-2", "GHSA-JFHM-QCGV-XXRR"])
images = st.lists(st.sampled_from(["debian", "node", "**", "ghcr.io/acme/*"]), max_size=2)
packages = st.lists(st.sampled_from(["openssl", "zlib", "pkg:deb/debian/zlib"]), max_size=2)


@st.composite
def waivers(draw: st.DrawFn) -> Waiver:
    """A waiver that the policy allows today."""
    common: dict[str, Any] = {
        "id": draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)),
        "owner": draw(texts),
        "reason": draw(texts),
        "images": tuple(draw(images)),
        "granted": TODAY - timedelta(days=draw(st.integers(0, 20))),
        "until": TODAY + timedelta(days=draw(st.integers(0, 100))),
        "source": "w.toml",
    }
    if draw(st.booleans()):
        return Waiver(
            rules=("end-of-life",), paths=(draw(st.sampled_from(["**", "a/*"])),), **common
        )
    return Waiver(
        vulnerabilities=tuple(draw(st.lists(names, min_size=1, max_size=3, unique=True))),
        packages=tuple(draw(packages)),
        products=tuple(draw(st.lists(st.sampled_from(["api", "é/Dockerfile"]), max_size=2))),
        platforms=tuple(draw(st.lists(st.just("linux/amd64"), max_size=1))),
        severity=draw(st.sampled_from(["", "low", "critical"])),
        control=draw(texts),
        approved_by=draw(st.just("") | texts),
        **common,
    )


@given(waivers())
def test_what_is_written_is_read_again(waiver: Waiver) -> None:
    (read,) = load_waivers(waiver_table(waiver).encode(), "w.toml", limits()).accepted
    assert read == replace(waiver, line=1)


fillers = st.lists(
    st.sampled_from(["", "# [[waiver]] ended = 1", "  \t", "#é", "# x   "]), max_size=3
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A waiver file as a person may have written it."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = draw(fillers)
    for waiver in draw(st.lists(waivers(), max_size=4, unique_by=lambda one: one.id)):
        lines += [*waiver_table(waiver).split("\n")[:-1], *draw(fillers)]
    text = end.join(lines) + (end if draw(st.booleans()) else "")
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode()


@given(files(), waivers(), st.data())
def test_an_edit_keeps_every_other_byte(data: bytes, added: Waiver, draw: st.DataObject) -> None:
    old = load_waivers(data, "w.toml", limits())
    taken = {waiver.id for waiver in old.accepted}
    added = replace(added, id=f"{added.id}-new") if added.id in taken else added
    over = draw.draw(st.sampled_from([*old.accepted, None]))
    ending = None if over is None else Ending(over, TODAY, "over \\ \n[[waiver]]")
    edit = edited(data, "w.toml", limits(), added=added, ending=ending)

    lines = file_lines(edit.after)
    for insertion in reversed(edit.insertions):
        at = insertion.at + sum(
            len(other.lines) for other in edit.insertions if other.at < insertion.at
        )
        assert tuple(lines[at : at + len(insertion.lines)]) == insertion.lines
        del lines[at : at + len(insertion.lines)]
    left = b"".join(lines)
    assert left == data or (
        not data.endswith(b"\n") and left.rstrip(b"\r\n") == data.rstrip(b"\r\n")
    )

    found = load_waivers(edit.after, "w.toml", limits())
    kept = [waiver.digest for waiver in old.accepted if waiver is not over]
    assert [waiver.digest for waiver in found.accepted] == [*kept, added.digest]
    assert [waiver.id for waiver in found.ended] == ([] if over is None else [over.id])


LINEAGES = ("docker.io/library/debian:slim", "docker.io/library/node", "ghcr.io/acme/base")
KEYS = tuple(
    FindingKey(lineage, name, package, "linux/amd64")
    for lineage in LINEAGES
    for name in ("CVE-2026-1", "CVE-2026-2")
    for package in ("pkg:deb/debian/openssl", "pkg:deb/debian/zlib")
)
severities = st.sampled_from([None, Urgency.LOW, Urgency.HIGH, Urgency.EXPLOITED])
known = st.dictionaries(st.sampled_from(KEYS), severities)

simple = st.builds(
    lambda name, days, until, reason, severity, image, over: of_cve(
        name,
        id=f"w{days}",
        granted=START + timedelta(days=days),
        until=START + timedelta(days=days + until),
        reason=reason,
        severity=severity,
        images=image,
        ended=START + timedelta(days=days) if over else None,
    ),
    names,
    st.integers(0, 3),
    st.integers(0, 9),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["", "low"]),
    st.sampled_from([(), ("debian",), ("**",)]),
    st.booleans(),
)
versions = st.lists(simple, max_size=3, unique_by=lambda one: one.id).map(
    lambda found: WaiverFile(
        "w.toml",
        Waivers(
            tuple(one for one in found if one.ended is None),
            ended=tuple(one for one in found if one.ended is not None),
        ),
        "sha256:1",
    )
)
steps = st.lists(st.tuples(versions, known, st.integers(0, 60)), min_size=1, max_size=6)


def standing(events: Iterable[Event]) -> set[tuple[str, str]]:
    """Subject and key, without number, of what neither ended nor expired."""
    events = tuple(events)
    over = {(one.subject, one.key) for one in events if one.kind is not EventKind.WAIVED}
    begun = {(one.subject, one.key) for one in events if one.kind is EventKind.WAIVED}
    return {(subject, key.partition("#")[0]) for subject, key in begun - over}


@settings(max_examples=150)
@given(steps)
def test_after_any_history_the_ledger_says_what_the_file_says(
    history: list[tuple[WaiverFile, dict[FindingKey, Urgency | None], int]],
) -> None:
    events: list[Event] = []
    now = NOW - timedelta(days=7)
    for file, findings, hours in history:
        now += timedelta(hours=hours)
        more = mirror(R, file, events, known=findings, now=now).events
        events += more
        assert mirror(R, file, events, known=findings, now=now).events == ()
        assert len({one.id for one in events}) == len(events), "each fact is told once"
        assert all(one.at <= now and one.chain == R for one in more)
        fresh = mirror(R, file, (), known=findings, now=now).events
        wanted = standing(fresh)
        stands = standing(events)
        gone = {
            (one.subject, one.key.partition("#")[0])
            for one in events
            if one.kind is EventKind.EXPIRED
        }
        assert wanted - gone <= stands
        unsure = {one.name for one in file.waivers.accepted if one.severity}
        assert {key.partition("@")[0] for _, key in stands - wanted} <= unsure
        for one in events:
            begun = [
                other.at
                for other in events
                if (other.subject, other.key) == (one.subject, one.key)
                and other.kind is EventKind.WAIVED
            ]
            assert begun, "nothing ends that did not begin"
            assert min(begun) <= one.at


@settings(max_examples=60)
@given(versions, known)
def test_the_order_of_waivers_in_the_file_does_not_matter(
    file: WaiverFile, findings: dict[FindingKey, Urgency | None]
) -> None:
    turned = replace(
        file,
        waivers=Waivers(file.waivers.accepted[::-1], ended=file.waivers.ended[::-1]),
    )
    one, other = (mirror(R, each, (), known=findings, now=NOW).events for each in (file, turned))
    assert one == other
