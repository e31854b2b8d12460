"""Reports made up for tests of formats."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from basekeeper.deadlines.model import State
from basekeeper.evidence.measures import measures
from basekeeper.policy.load import load_policy
from basekeeper.policy.windows import Urgency
from basekeeper.values.agenda import Doubt
from basekeeper.values.event import Head
from basekeeper.values.evidence import (
    BaseEvidence,
    Deed,
    Evidence,
    ImageState,
    ProductEvidence,
    PublishedEvidence,
    RepositoryEvidence,
    SeverityCount,
    WaiverEvidence,
)
from basekeeper.values.image import Unknown
from basekeeper.values.stored import StoredScan
from tests.unit.evidence.made import LINE, NOW, PERIOD, at, finding, paused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from basekeeper.values.evidence import FindingEvidence

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def report(
    found: Sequence[FindingEvidence] | None = None,
    *,
    word: str = "plain",
    repository: str = "github.com/acme/shop",
) -> Evidence:
    """A whole report; `word` stands wherever a text from outside may stand."""
    if found is None:
        found = [
            *(
                finding(number / 4, end=number / 2, name=f"CVE-2026-{number}")
                for number in range(9)
            ),
            finding(breached=2, state=State.BREACHED, name="CVE-2026-90", upstream=(1, 3)),
            finding(start=None, state=State.WAITING_FOR_FIX, urgency=Urgency.LOW, name="CVE-91"),
            finding(pause=paused(), state=State.EXCEPTED, name="CVE-2026-92", package=word),
        ]
    policy = load_policy()
    state = ImageState(
        scans=(
            StoredScan(
                digest=DIGEST,
                platform="linux/amd64",
                at=at(2),
                scanner=f"trivy {word}",
                database=at(1.9),
                severity_order=("nvd",),
                packages=9,
                problems=(word,),
            ),
        ),
        looks=3,
        counts=(SeverityCount(severity="critical", fixable=2, others=1),),
        unknown=Unknown(word),
    )
    product = ProductEvidence(
        name=word,
        is_mapped=False,
        bases=(
            BaseEvidence(
                product=word,
                lineage=LINE,
                platform="linux/amd64",
                reference="docker.io/library/debian:12-slim",
                digest=DIGEST,
                begin=at(0),
                end=None,
                path=word,
                line=3,
                identified="the file names its digest",
                judgement=policy.judge("debian:12-slim", now=NOW),
                state=state,
            ),
        ),
        published=(
            PublishedEvidence(
                product=word,
                reference=word,
                digest=OTHER,
                tag=word,
                at=at(1),
                recorded=at(2),
                end=None,
                base=DIGEST,
                proven=word,
                state=ImageState(),
            ),
        ),
        findings=tuple(found),
    )
    waiver = WaiverEvidence(
        repository=repository,
        name=word,
        scopes=(word,) * 7,
        owner=word,
        approver="",
        reason=word,
        control=word,
        granted=date(2026, 7, 1),
        until=date(2026, 8, 1),
        begin=at(1),
        end=None,
        ended="",
        file=word,
        file_digest=DIGEST,
    )
    deed = Deed(
        at=at(1), recorded=at(1), product=word, kind="merged", text=word, count=1, source=word
    )
    part = RepositoryEvidence(
        name=repository, products=(product,), waivers=(waiver,), deeds=(deed,)
    )
    return Evidence(
        now=NOW,
        period=PERIOD,
        release=None,
        ledger=f"sqlite:/{word}",
        policy_name=word,
        policy_digest=policy.digest,
        data={"endoflife.date": date(2026, 8, 22)},
        products=(),
        repositories=(part,),
        measures=measures(found, PERIOD, policy.deadlines, {LINE: True}),
        heads=(Head(repository, 12, "c" * 64),),
        marks=("<!-- basekeeper:1:AAAA -->",),
        doubts=(Doubt(repository, word, word, word, word),),
        unread=(word,),
        notices=(word,),
    )
