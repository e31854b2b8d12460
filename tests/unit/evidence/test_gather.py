"""Evidence from events that are written by hand, one question at a time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.deadlines.model import State, Terms
from basekeeper.evidence import NEVER_SCANNED, gather
from basekeeper.evidence.images import BY_SOME_LAYERS, NOT_BY_LAYERS, NOT_TOLD
from basekeeper.evidence.question import Known, Question
from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.policy.load import load_policy
from basekeeper.recording import words
from basekeeper.values.event import Event, EventKind, Record
from basekeeper.values.finding import Category
from tests.unit.evidence.made import LINE, NOW, PERIOD, at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from basekeeper.evidence import Gathered
    from basekeeper.values.evidence import RepositoryEvidence

R = "github.com/acme/shop"
BASE = "docker.io/library/debian"
OURS = "ghcr.io/acme/api"
AMD64 = "linux/amd64"
ONE, TWO, OUT = (f"sha256:{letter * 64}" for letter in "abc")
CVE = "CVE-2026-1"
OPENSSL = "pkg:deb/debian/openssl"


def event(kind: EventKind, subject: str, days: float, key: str = "k", **said: str) -> Event:
    evidence = words.evidence(**said)
    return Event(kind=kind, subject=subject, key=key, at=at(days), source="us", evidence=evidence)


def about(chain: str, **parts: str) -> str:
    return words.subject(chain, words.scope(**parts))


def stands(digest: str, days: float, product: str = "api", **said: str) -> Event:
    subject = about(R, product=product, lineage=LINE, platform=AMD64)
    given = {
        "reference": "docker.io/library/debian:12-slim", "image": BASE, "path": "Dockerfile",
        "line": "3", "digest": digest, "place": "Dockerfile", **said,
    }  # fmt: skip
    return event(EventKind.BASED_ON, subject, days, f"{digest}{days}", **given)


def left(days: float, product: str = "api") -> Event:
    subject = about(R, product=product, lineage=LINE, platform=AMD64)
    return event(EventKind.BASED_ON, subject, days, f"none{days}", place="Dockerfile")


def scanned(digest: str, days: float, chain: str = BASE) -> Event:
    return event(
        EventKind.SCANNED, words.scan_subject(chain, AMD64), days, f"{digest}{days}",
        digest=digest, platform=AMD64, scanner="trivy", scanner_version="0.69.3", complete="yes",
        database=at(days - 0.1).isoformat(), packages="7",
    )  # fmt: skip


def found(digest: str, days: float, chain: str = BASE, **said: str) -> Event:
    subject = about(chain, lineage=LINE, vulnerability=CVE, package=OPENSSL, platform=AMD64)
    given = {
        "digest": digest,
        "from_": "trivy",
        "severity": "high",
        "fixed": "2",
        "name": "openssl",
    }
    return event(EventKind.DETECTED, subject, days, f"{digest}{days}", **{**given, **said})


def released(digest: str, days: float) -> Event:
    return event(
        EventKind.RELEASED, about(R, product="api"), days, digest,
        digest=digest, image=OURS, reference=f"{OURS}:1", tag="1",
    )  # fmt: skip


def gathered(
    *events: Event, names: Sequence[str] | None = (R,), products: tuple[str, ...] = ()
) -> Gathered:
    records = [
        Record(event=one, recorded=one.at + timedelta(hours=1), position=number, hash="0" * 64)
        for number, one in enumerate(sorted(events, key=lambda one: one.at), 1)
    ]
    policy = load_policy()
    terms = Terms(
        now=NOW, windows=policy.deadlines, products=("api",), severity_source=words.PINNED
    )
    question = Question(
        period=PERIOD,
        terms=terms,
        policy=policy,
        catalogue=Catalogue.bundled(),
        max_age=timedelta(days=1),
        products=products,
    )
    return gather(Known(records), question, names)


def only(*events: Event, **given: Any) -> RepositoryEvidence:
    (one,) = gathered(*events, **given).repositories
    return one


def test_a_product_stood_on_what_the_events_say_the_present_first() -> None:
    (product,) = only(stands(ONE, 1), stands(TWO, 9)).products
    assert [(one.digest, one.begin, one.end) for one in product.bases] == [
        (TWO, at(9), None),
        (ONE, at(1), at(9)),
    ]
    (newest, _) = product.bases
    assert (newest.path, newest.line) == ("Dockerfile", 3)
    assert newest.judgement is not None
    assert newest.judgement.category is Category.PERMITTED


def test_several_images_of_one_event_are_told_apart() -> None:
    (product,) = only(stands(ONE, 1, others=TWO)).products
    assert sorted(one.reference for one in product.bases) == [
        "docker.io/library/debian:12-slim",
        f"{BASE}@{TWO}",
    ]


def test_a_name_that_cannot_be_read_is_unknown_and_no_error() -> None:
    told = gathered(stands(ONE, 1, reference="NOT A NAME"))
    (base,) = told.repositories[0].products[0].bases
    assert base.judgement is None
    assert base.state.unknown is not None
    assert [one.product for one in told.doubts] == ["api"]


def test_a_product_goes_on_under_its_new_name() -> None:
    (product,) = only(stands(ONE, 1, "old"), left(9, "old"), stands(ONE, 9, "api")).products
    assert product.name == "api"


def test_what_was_left_before_the_period_is_not_listed() -> None:
    (product,) = only(stands(ONE, -9), stands(TWO, -2)).products
    assert [one.digest for one in product.bases] == [TWO]


def test_scans_of_the_period_are_counted_and_the_last_one_is_told() -> None:
    events = (stands(ONE, -5), *(scanned(ONE, days) for days in (-4, 3, 29.5)))
    told = gathered(*events)
    (base,) = told.repositories[0].products[0].bases
    assert base.state.looks == 2
    assert [one.at for one in base.state.scans] == [at(29.5)]
    assert not told.doubts


def test_what_was_not_looked_at_lately_is_a_doubt_while_it_is_in_use() -> None:
    told = gathered(stands(ONE, -5), scanned(ONE, 2), stands(TWO, 2.5), scanned(TWO, 9))
    (doubt,) = told.doubts
    assert doubt.image == f"docker.io/library/debian:12-slim@{TWO}"
    assert [one.state.unknown is None for one in told.repositories[0].products[0].bases] == [
        False,
        True,
    ]


def test_a_finding_waits_unknown_where_nobody_looked_lately() -> None:
    events = (stands(ONE, 1), scanned(ONE, 2), found(ONE, 2, fixed=""))
    ((told,),) = (one.findings for one in only(*events).products)
    assert told.deadline.state is State.UNKNOWN


@pytest.mark.parametrize(
    ("origins", "proven"),
    [((), NOT_TOLD), (("unknown",), NOT_BY_LAYERS), (("unknown", "base"), BY_SOME_LAYERS)],
)
def test_the_base_of_a_published_image_is_told_as_it_was_proven(
    origins: tuple[str, ...], proven: str
) -> None:
    looks = [
        event(
            EventKind.DETECTED,
            about(OURS, lineage=LINE, vulnerability=f"CVE-{number}", package=OPENSSL,
                  platform=AMD64),
            2, digest=OUT, from_="trivy", origin=origin,
        )
        for number, origin in enumerate(origins)
    ]  # fmt: skip
    ((image,),) = (one.published for one in only(released(OUT, 1), *looks).products)
    assert (image.proven, image.base) == (proven, None)
    assert image.recorded == at(1) + timedelta(hours=1)


def test_a_published_image_ends_with_the_next_one() -> None:
    ((newest, older),) = (
        one.published for one in only(released(ONE, 1), released(TWO, 5)).products
    )
    assert (newest.digest, newest.end) == (TWO, None)
    assert (older.digest, older.end) == (ONE, at(5))


WAIVED = {
    "id": "w-1", "owner": "o", "approver": "a", "reason": "r", "control": "c",
    "until": "2026-07-20", "granted": "2026-07-01", "file": "waivers.toml",
}  # fmt: skip


def waived(days: float, key: str = "w-1@1", **said: str) -> Event:
    return event(EventKind.WAIVED, about(R, vulnerability=CVE), days, key, **{**WAIVED, **said})


def test_a_waiver_tells_who_decided_what() -> None:
    (told,) = only(stands(ONE, 1), waived(2)).waivers
    assert (told.name, told.owner, told.approver, told.control) == ("w-1", "o", "a", "c")
    assert told.scopes == (CVE,)
    assert told.granted == date(2026, 7, 1)


def test_a_waiver_whose_day_has_passed_is_over_though_no_run_said_so() -> None:
    (told,) = only(stands(ONE, 1), waived(2)).waivers
    assert (told.end, told.ended) == (at(20), "expired")
    (lasting,) = only(stands(ONE, 1), waived(2, until="2026-12-01")).waivers
    assert (lasting.end, lasting.ended) == (None, "")


def test_a_waiver_that_was_taken_back_says_why() -> None:
    over = event(EventKind.WAIVER_ENDED, about(R, vulnerability=CVE), 5, "w-1@1", reason="no need")
    (told,) = only(stands(ONE, 1), waived(2), over).waivers
    assert (told.end, told.ended) == (at(5), "ended: no need")


def test_a_decision_is_one_waiver_whatever_it_covers() -> None:
    other = event(
        EventKind.WAIVED, about(R, vulnerability="CVE-2", product="api"), 2, "w-1@1", **WAIVED
    )
    (told,) = only(stands(ONE, 1), waived(2), other).waivers
    assert told.scopes == ("CVE-2 in product api", CVE)


def test_a_waiver_of_another_product_is_not_told() -> None:
    other = event(EventKind.WAIVED, about(R, product="web"), 2, "w-2", **WAIVED)
    assert not only(stands(ONE, 1), other, products=("api",)).waivers
    assert only(stands(ONE, 1), other).waivers


SENTENCES = [
    (EventKind.EXPLOITED, words.ADVISORIES, {"vulnerability": CVE}, {"from_": "kev"},
     "CVE-2026-1 is exploited, by kev"),
    (EventKind.NOT_AFFECTED, R, {"vulnerability": CVE, "product": "api"},
     {"justification": "vulnerable_code_not_present"},
     "us says not affected: CVE-2026-1 (vulnerable_code_not_present)"),
    (EventKind.PULL_REQUEST_OPENED, R, {"product": "api"}, {}, "pull request opened: k"),
    (EventKind.PULL_REQUEST_CLOSED, R, {"product": "api"}, {},
     "pull request closed without a merge: k"),
    (EventKind.REBUILT, R, {"product": "api"}, {"digest": OUT}, "rebuilt: sha256:cccccccccccc"),
    (EventKind.EXPIRED, R, {"vulnerability": CVE}, {"id": "w-1"}, "waiver w-1 expired"),
    (EventKind.CONTRADICTED, R, {"product": "api"}, {"marked": "x", "recorded": "y"},
     "the record contradicts what was seen: marked x, recorded y"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "chain", "scope", "said", "text"), SENTENCES,
                         ids=[one[0].value for one in SENTENCES])  # fmt: skip
def test_what_happened_is_told_in_a_sentence(
    kind: EventKind, chain: str, scope: dict[str, str], said: dict[str, str], text: str
) -> None:
    told = only(stands(ONE, 1), found(ONE, 1), event(kind, about(chain, **scope), 3, **said)).deeds
    assert text in [one.text for one in told]


def test_alike_events_of_an_instant_are_one_deed() -> None:
    merged = [
        event(
            EventKind.MERGED,
            about(R, lineage=LINE, vulnerability=f"CVE-{number}", package=OPENSSL,
                  platform=AMD64, product="api"),
            4, digest=TWO, how="the tag moved",
        )
        for number in range(3)
    ]  # fmt: skip
    (told,) = [one for one in only(stands(ONE, 1), *merged).deeds if one.kind == "merged"]
    assert told.text == "took the fix of 3 findings: the tag moved, now sha256:bbbbbbbbbbbb"
    assert (told.count, told.product) == (3, "api")


def test_deeds_are_of_the_period_and_of_images_that_matter() -> None:
    other = found("sha256:" + "d" * 64, 3)
    told = only(stands(ONE, -3), stands(TWO, 5), found(ONE, 2), other, left(40)).deeds
    assert [(one.at, one.kind) for one in told] == [(at(2), "detected"), (at(5), "based-on")]


def test_a_line_that_is_stood_on_no_more_is_told() -> None:
    told = only(stands(ONE, 1), left(3)).deeds
    assert told[-1].text == f"stands on no image of {LINE} any more"


def test_steps_towards_a_fix_are_of_the_first_time_within_the_episode() -> None:
    scope = {"lineage": LINE, "vulnerability": CVE, "package": OPENSSL, "platform": AMD64}
    early = event(EventKind.MERGED, about(R, **scope, product="api"), 0.5, "0", digest=TWO)
    first = event(EventKind.MERGED, about(R, **scope, product="api"), 4, "1", digest=TWO)
    again = event(EventKind.MERGED, about(R, **scope, product="api"), 5, "2", digest=TWO)
    wide = event(EventKind.PULL_REQUEST_OPENED, about(R, product="api"), 3, "pr")
    elsewhere = event(EventKind.PULL_REQUEST_OPENED, about(R, product="web"), 2, "pr2")
    events = (early, stands(ONE, 1), found(ONE, 1), elsewhere, wide, first, again)
    (told,) = only(*events, products=("api",)).products[0].findings
    assert (told.proposed, told.merged, told.verified) == (at(3), at(4), None)
    assert (told.name, told.fixed) == ("openssl", ("2",))


def test_a_repository_that_is_not_there_is_a_doubt() -> None:
    told = gathered(stands(ONE, 1), names=("github.com/acme/none",))
    assert not told.repositories
    assert [one.reason for one in told.doubts] == [NEVER_SCANNED]


def test_all_repositories_are_told_where_none_is_named() -> None:
    assert [one.name for one in gathered(stands(ONE, 1), names=None).repositories] == [R]


def test_an_event_that_cannot_be_read_is_told() -> None:
    odd = event(EventKind.WAIVED, f"{R}#nonsense", 2)
    told = gathered(stands(ONE, 1), odd)
    assert [one.startswith(f"{R}: waived ") for one in told.unread] == [True]
    assert told.repositories[0].waivers[0].scopes == ("unreadable",)
