"""What is in the ledger, and whether it is as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.render.encode import dump
from basekeeper.render.json import heading
from basekeeper.render.layout import table
from basekeeper.render.safe import visible
from basekeeper.render.view import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from basekeeper.markers import Recovery
    from basekeeper.render.layout import Style
    from basekeeper.values.event import Break, Head, Verification


def render_info_text(place: str, heads: Sequence[Head]) -> str:
    """Write place, sizes, and the head of each chain whole, so that it can be kept."""
    rows: list[tuple[str, ...]] = [
        ("ledger", visible(place)),
        ("events", f"{sum(head.position for head in heads):,}"),
        ("chains", f"{len(heads):,}"),
    ]
    lines = [*table(rows), *(f"head    {visible(str(head))}" for head in heads)]
    return "\n".join(lines) + "\n"


def render_info_json(place: str, heads: Sequence[Head], now: datetime) -> str:
    """Write the same as JSON."""
    return dump(
        {
            **heading(now),
            "ledger": place,
            "events": sum(head.position for head in heads),
            "heads": _head_objects(heads),
        }
    )


def render_verification_text(place: str, found: Verification, style: Style) -> str:
    """Write that all is sound, or the first bad event of each chain."""
    if found.is_sound:
        events, chains = plural(found.events, "event"), plural(len(found.heads), "chain")
        sound = style.paint("sound", "good")
        return f"{sound}: {visible(place)}: {events} in {chains} as recorded\n"
    lines = [style.paint(f"{visible(place)} is not as it was recorded", "error")]
    lines += [f"  {visible(found.chain)}: {_sentence(found)}" for found in found.breaks]
    lines.append("restore it from a backup; what follows a bad event proves nothing")
    return "\n".join(lines) + "\n"


def render_verification_json(place: str, found: Verification, now: datetime) -> str:
    """Write the same as JSON."""
    breaks = [
        {"chain": one.chain, "position": one.position or None, "reason": one.reason}
        for one in found.breaks
    ]
    return dump(
        {
            **heading(now),
            "ledger": place,
            "sound": found.is_sound,
            "events": found.events,
            "breaks": breaks,
            "heads": _head_objects(found.heads),
        }
    )


def render_recovery_text(place: str, found: Recovery, style: Style) -> str:
    """Write what was recovered, and what a person must look at."""
    did = "would be added" if found.is_dry else "added"
    marks, facts = plural(found.marks, "mark"), plural(found.facts, "fact")
    lines = [f"{len(found.added)} of {facts} in {marks} {did} to {visible(place)}, provisional"]
    lines += [
        f"  {one.at:%Y-%m-%d %H:%M} {one.kind.value} {visible(one.subject)}" for one in found.added
    ]
    if found.left_out:
        lines.append(f"at least {plural(found.left_out, 'further fact')} had no room in a mark")
    lines += [
        style.paint(f"lost: the ledger ends before {visible(str(head))}", "error")
        for head in found.lost
    ]
    for one in found.contradictions:
        said = f"recorded {one.evidence['recorded']}, a mark says {one.evidence['marked']}"
        lines.append(style.paint(f"contradiction: {visible(one.subject)}: {said}", "error"))
    lines += [style.paint(f"not read: {visible(text)}", "warning") for text in found.problems]
    lines.append("next: basekeeper scan sees scans, releases and waivers anew")
    return "\n".join(lines) + "\n"


def render_recovery_json(place: str, found: Recovery, now: datetime) -> str:
    """Write the same as JSON."""
    return dump(
        {
            **heading(now),
            "ledger": place,
            "dry_run": found.is_dry,
            "marks": found.marks,
            "facts": found.facts,
            "left_out": found.left_out,
            "added": [
                {
                    "kind": one.kind.value,
                    "subject": one.subject,
                    "key": one.key,
                    "at": one.at.isoformat(),
                }
                for one in found.added
            ],
            "contradictions": [
                {"subject": one.subject, **one.evidence} for one in found.contradictions
            ],
            "lost": _head_objects(found.lost),
            "problems": list(found.problems),
        }
    )


def _sentence(found: Break) -> str:
    """Name an event and what is wrong with it."""
    return f"event {found.position} {found.reason}" if found.position else f"event {found.reason}"


def _head_objects(heads: Iterable[Head]) -> list[dict[str, Any]]:
    return [{"chain": head.chain, "position": head.position, "hash": head.hash} for head in heads]
