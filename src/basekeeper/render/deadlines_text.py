"""What has to be patched by when, for people at a terminal.

    github.com/acme/shop

      api
        critical   CVE-2026-1001 in libssl3, openssl
                   overdue by 3 days 4 h, since 2026-11-23 04:00 UTC
                   policy.deadlines.critical = '48 hours' (shipped default)
                   debian:slim

What is to be done first comes first: repositories, products and findings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.render.deadlines_view import (
    clock_words,
    doubt_words,
    hints,
    instant_words,
    is_decided,
    parts,
    time_words,
    totals_words,
    verdict,
)
from basekeeper.render.layout import brief_image, fit_middle, pad, short_digests, table, wrap
from basekeeper.render.safe import visible
from basekeeper.render.view import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.deadlines.model import Step
    from basekeeper.render.deadlines_view import Group, ProductPart
    from basekeeper.render.layout import Style
    from basekeeper.values.agenda import Agenda, Due

MAX_GROUPS: Final = 20
"""Most vulnerabilities that are named of a product; `--verbose` names all."""

_LABEL: Final = 11
_INDENT: Final = 4
_MARGIN: Final = _INDENT + _LABEL
_WORD: Final = 10
"""Columns of the words before what verbose text tells."""
_ROLES: Final = {"exploited": "error", "critical": "error", "high": "warning", "medium": "note"}


def deadlines_text(found: Agenda, style: Style, *, verbose: bool = False) -> str:
    """Write what is due, what is not known, and the totals.

    Args:
        found: What is due.
        style: Columns, colours and signs of the output.
        verbose: Every finding on its own, with its clocks.
    """
    lines = list(_basis(found, style))
    for repository in parts(found):
        lines += ["", style.paint(visible(repository.name), "path")]
        for product in repository.products:
            lines += ["", *_product(product, found, style, verbose=verbose)]
    lines += ["", *_doubts(found, style)]
    for notice in found.notices:
        lines += _wrapped(f"note: {notice}", style, role="dim", margin=0)
    lines += wrap(totals_words(found), style.width)
    lines.append(_verdict(found, style))
    return "\n".join(lines) + "\n"


def _basis(found: Agenda, style: Style) -> Iterator[str]:
    """Write what all rests on."""
    rows: list[tuple[str, ...]] = [
        ("ledger", visible(found.ledger)),
        ("now", instant_words(found.now)),
        ("policy", visible(found.policy_name)),
    ]
    if found.as_of is not None:
        rows.insert(1, ("known by", instant_words(found.as_of)))
    rows += [
        ("head", visible(f"{head.chain}@{head.position}:{head.hash[:12]}{style.ellipsis}"))
        for head in found.heads
    ]
    for line in table(rows):
        yield style.paint(fit_middle(line, style.width, style.ellipsis), "dim")


def _product(product: ProductPart, found: Agenda, style: Style, *, verbose: bool) -> Iterator[str]:
    """Write the findings of one product."""
    name = style.paint(fit_middle(visible(product.name), style.width - 20, style.ellipsis), "bold")
    yield f"  {name}{'' if product.is_mapped else style.paint(' (no [[product]])', 'dim')}"
    shown = product.groups if verbose else product.groups[:MAX_GROUPS]
    for group in shown:
        yield from _group(group, found, style, verbose=verbose)
    if len(shown) < len(product.groups):
        more = plural(len(product.groups) - len(shown), "more finding")
        yield " " * _MARGIN + style.paint(f"and {more}; --verbose names all", "dim")


def _group(group: Group, found: Agenda, style: Style, *, verbose: bool) -> Iterator[str]:
    """Write one vulnerability: where, until when, by which line of the policy."""
    one = group.first
    word = one.urgency.word
    head = f"{one.finding.vulnerability} in {', '.join(group.packages)}"
    for number, line in enumerate(wrap(visible(head), style.width - _MARGIN)):
        label = style.paint(pad(word, _LABEL), _ROLES.get(word, "dim")) if number == 0 else ""
        yield " " * _INDENT + (label or " " * _LABEL) + line
    role = "error" if one.overdue_by is not None else "remedy"
    yield from _wrapped(time_words(one, found.now), style, role=role)
    if one.due is not None or one.at_next_release:
        yield from _wrapped(str(one.clause), style, role="dim")
    if not verbose:
        yield from _wrapped(", ".join(map(brief_image, group.lineages)), style, role="dim")
        return
    for member in group.members:
        yield from _member(member, style)


def _member(due: Due, style: Style) -> Iterator[str]:
    """Write one finding with everything that is known of it."""
    one = due.deadline
    said = ", ".join(
        f"{source} {'unknown' if level is None else level.word}" for source, level in one.severities
    )
    rows = [
        ("package", one.finding.package),
        ("image", f"{one.finding.lineage} for {one.finding.platform}"),
        ("severity", said),
        ("EPSS", "" if due.probability is None else f"{due.probability:.3f}"),
        ("exposure", clock_words(one.exposure)),
        ("action", clock_words(one.action)),
        ("upstream", clock_words(one.upstream)),
        ("progress", one.progress.word),
        ("steps", _steps(one.steps)),
        ("breached", "" if one.breached_at is None else instant_words(one.breached_at)),
        ("bridge", "upstream is slow: put the fixed package over it" * one.propose_bridge),
        *(("note", note) for note in one.notes),
    ]
    for name, text in rows:
        if text:
            first, *rest = wrap(visible(text), style.width - _MARGIN - _WORD)
            yield " " * _MARGIN + style.paint(pad(name, _WORD), "dim") + first
            yield from (" " * (_MARGIN + _WORD) + line for line in rest)


def _steps(steps: tuple[Step, ...]) -> str:
    """Name the steps of escalation that were reached, and the next one."""
    reached = [f"{one.percent} %" for one in steps if one.is_reached]
    coming = [f"{one.percent} % at {instant_words(one.at)}" for one in steps if not one.is_reached]
    words = [f"reached {', '.join(reached)}"] if reached else []
    return "; ".join([*words, *(f"next {text}" for text in coming[:1])])


def _doubts(found: Agenda, style: Style) -> Iterator[str]:
    """Write what is not known, and what helps."""
    for doubt in found.doubts:
        text = short_digests(doubt_words(doubt), style.ellipsis)
        yield from _wrapped(text, style, role="error", margin=0)
    for hint in hints(found):
        first, *rest = wrap(visible(hint), style.width - 2)
        yield style.paint(f"{style.sign('→', '>')} {first}", "remedy")
        yield from (style.paint(f"  {line}", "remedy") for line in rest)
    if found.doubts:
        yield ""


def _verdict(found: Agenda, style: Style) -> str:
    if found.overdue:
        return style.paint(f"{style.sign('✗ ', '')}{verdict(found)}", "error")
    if not is_decided(found):
        return style.paint(f"{style.sign('? ', '')}{verdict(found)}", "warning")
    return style.paint(f"{style.sign('✓ ', '')}{verdict(found)}", "good")


def _wrapped(text: str, style: Style, *, role: str, margin: int = _MARGIN) -> Iterator[str]:
    for line in wrap(visible(text), style.width - margin):
        yield " " * margin + style.paint(line, role)
