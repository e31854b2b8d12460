"""What has to be patched by when as Markdown, for the summary of a CI job or a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.render.deadlines_view import (
    doubt_words,
    hints,
    instant_words,
    parts,
    time_words,
    totals_words,
    verdict,
)
from basekeeper.render.layout import brief_image, short_digests
from basekeeper.render.markdown import Bounded, code, prose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.render.deadlines_view import Group, RepositoryPart
    from basekeeper.values.agenda import Agenda


def deadlines_markdown(found: Agenda) -> str:
    """Write the verdict, what it rests on, a table a repository, and what is not known."""
    out = Bounded(["## basekeeper: deadlines", "", f"**{prose(verdict(found))}**", ""])
    known = "" if found.as_of is None else f", by what was known {instant_words(found.as_of)}"
    basis = f"At {instant_words(found.now)}{known}; policy {found.policy_name}"
    out.add([f"{prose(basis)}. {prose(totals_words(found))}.", ""])
    for repository in parts(found):
        out.add(_repository(repository, found))
    if found.doubts:
        out.add(["Not known:", ""])
        out.add(f"- {prose(short_digests(doubt_words(one)))}" for one in found.doubts)
        out.add(["", *(f"> {prose(hint)}" for hint in hints(found))])
    out.add(f"> {prose(notice)}" for notice in found.notices)
    out.add(["", *(f"Head of the ledger: {code(str(head))}" for head in found.heads)])
    return out.text()


def _repository(repository: RepositoryPart, found: Agenda) -> Iterator[str]:
    """Write what is due in one repository as a table."""
    yield from (f"### {code(repository.name)}", "")
    yield "| Product | Severity | Vulnerability | Package | Until when | By | In |"
    yield "|---|---|---|---|---|---|---|"
    for product in repository.products:
        for group in product.groups:
            yield _row(product.name, group, found)
    yield ""


def _row(product: str, group: Group, found: Agenda) -> str:
    one = group.first
    until = prose(time_words(one, found.now))
    shown = f"**{until}**" if one.overdue_by is not None else until
    clause = code(str(one.clause)) if one.due is not None or one.at_next_release else ""
    return (
        f"| {code(product)} | {one.urgency.word} | {prose(one.finding.vulnerability)}"
        f" | {code(', '.join(group.packages))} | {shown} | {clause}"
        f" | {code(', '.join(map(brief_image, group.lineages)))} |"
    )
