"""Arbitrary reports, hostile ones included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from basekeeper.values.finding import Category, Report, Severity, WaivedFinding
from basekeeper.values.use import Role, Skipped
from tests.unit.render.made import HOSTILE, finding, judgement, report, use, waiver

TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(), max_size=12),
    st.sampled_from(["node:20", "scratch", "ghcr.io/acme/x:1"]),
)
LINES = st.integers(1, 200)


@st.composite
def _uses(draw: st.DrawFn) -> Any:
    line = draw(LINES)
    return use(
        draw(TEXTS) or "Dockerfile",
        line,
        draw(TEXTS),
        end_line=line + draw(st.integers(0, 2)),
        role=draw(st.sampled_from(Role)),
        onbuild=draw(st.booleans()),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Any report: uses with judgements, findings of every standing, what was skipped."""
    uses = draw(st.lists(_uses(), max_size=3))
    pairs = [
        (one, judgement(one, draw(st.sampled_from(Category)), reason=draw(TEXTS))) for one in uses
    ]
    found = [
        finding(
            one,
            draw(st.sampled_from(["end-of-life", "not-minimal"])),
            severity=draw(st.sampled_from(Severity)),
            message=draw(TEXTS),
            remedy=draw(TEXTS),
            image=draw(st.sampled_from([one.text, None])),
        )
        for one in uses
    ]
    accepted = waiver(reason=draw(TEXTS) or "x", owner=draw(TEXTS) or "y")
    cut = draw(st.integers(0, len(found)))
    skipped = draw(st.lists(st.builds(Skipped, TEXTS, st.none() | LINES, TEXTS, TEXTS), max_size=2))
    return replace(
        report(*pairs, skipped=tuple(skipped)),
        findings=tuple(found[:cut]),
        known=tuple(found[cut : cut + 1]),
        waived=tuple(WaivedFinding(item, accepted) for item in found[cut + 1 :]),
        waivers=(accepted,),
        notices=(draw(TEXTS),),
    )
