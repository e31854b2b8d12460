"""What a report tells of each repository and product: images, findings, waivers, deeds."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from basekeeper.deadlines.model import State
from basekeeper.render.deadlines_view import span_words
from basekeeper.render.report_markup import Markup, element, joined
from basekeeper.render.report_tables import Column, lines, table
from basekeeper.render.report_view import (
    UNNAMED,
    answer_words,
    counts_words,
    day,
    state_words,
)
from basekeeper.render.view import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from basekeeper.deadlines.model import Clock
    from basekeeper.values.evidence import (
        BaseEvidence,
        Deed,
        Evidence,
        FindingEvidence,
        ImageState,
        ProductEvidence,
        PublishedEvidence,
        RepositoryEvidence,
        WaiverEvidence,
    )

MAX_PRODUCTS: Final = 100
"""Most products that the page tells of one by one; the JSON has all."""

MAX_FINDINGS: Final = 400
"""Most findings of all products together."""

MIN_FINDINGS: Final = 10
"""Fewest of each product for which there is room."""

MAX_IMAGES: Final = 25
"""Most bases, and most published images, of each product."""

MAX_WAIVERS: Final = 100
MAX_DEEDS: Final = 150
"""Most of each repository; of what was done the newest."""

_BAD: Final = (State.BREACHED, State.CLOSED_LATE)
_CATEGORIES: Final = {
    "preferred": "good",
    "permitted": "good",
    "restricted": "late",
    "prohibited": "bad",
}


def repository_parts(found: Evidence) -> Iterator[Markup]:
    """Write all repositories, as far as a person would read."""
    total = sum(len(part.products) for part in found.repositories)
    if total > 1:
        yield _contents(found)
    shown = max(min(total, MAX_PRODUCTS), 1)
    most = max(MAX_FINDINGS // shown, MIN_FINDINGS)
    room = MAX_PRODUCTS
    for number, part in enumerate(found.repositories, 1):
        if room <= 0:
            break
        yield from _repository(part, number, (room, most))
        room -= len(part.products)
    if total > shown:
        left = total - shown
        yield element("p", f"{left:,} more products are in the JSON and CSV of this report.")


def _contents(found: Evidence) -> Markup:
    links = [
        element(
            "li",
            element("a", f"{part.name}: {product.name or UNNAMED}", href=f"#p{number}-{index}"),
        )
        for number, part in enumerate(found.repositories, 1)
        for index, product in enumerate(part.products, 1)
    ]
    rest = element("li", element("a", "What this rests on", href="#basis"))
    listed = [*islice(links, MAX_PRODUCTS), rest]
    return element("nav", element("h2", "Products"), element("ol", listed), aria_label="Products")


def _repository(part: RepositoryEvidence, number: int, room: tuple[int, int]) -> Iterator[Markup]:
    products, most = room
    yield element("h2", f"Repository {part.name}")
    if not part.products:
        yield element("p", "No product stood on an image within the period.")
    for index, product in enumerate(part.products[:products], 1):
        yield from _product(product, f"p{number}-{index}", most)
    yield from _waivers(part)
    yield from _deeds(part)


def _product(product: ProductEvidence, anchor: str, most: int) -> Iterator[Markup]:
    yield element("h3", f"Product {product.name or UNNAMED}", id=anchor)
    if not product.is_mapped:
        yield element(
            "p",
            "No [[product]] says what is published, so that no release can be proven.",
            class_="late small",
        )
    yield element("h4", "Base images it stood on")
    yield from _bases(product.bases)
    yield element("h4", "Published images")
    if product.published:
        yield _published(product.published)
    else:
        yield _nothing("None that is recorded within the period.")
    yield element("h4", "Findings and their clocks")
    yield from _findings(product.findings, most)


def _nothing(words: str) -> Markup:
    return element("p", words, class_="soft small")


def _bases(rows: Sequence[BaseEvidence]) -> Iterator[Markup]:
    if not rows:
        yield _nothing("None within the period.")
        return
    yield _judged(rows[:MAX_IMAGES])
    columns: tuple[Column[BaseEvidence], ...] = (
        Column("Image and digest", _base_name),
        Column("Stood on it", lambda one: _from_to(day(one.begin), day(one.end))),
        Column("How identified", _identified),
        Column("Scanner and database", lambda one: _scans(one.state)),
        Column("Known vulnerabilities", lambda one: _known(one.state)),
    )
    yield table(_more(len(rows), MAX_IMAGES, "images"), columns, rows[:MAX_IMAGES])


def _judged(rows: Sequence[BaseEvidence]) -> Markup:
    """Write category and lifecycle, which many digests of one name share, once."""
    alike: dict[tuple[str, str], None] = {}
    for one in rows:
        words = lines(_category(one), _lifecycle(one))
        alike[one.reference.partition("@")[0], words] = None
    told = (
        joined((element("dt", element("strong", name)), element("dd", Markup(words))))
        for name, words in alike
    )
    return element("dl", told, class_="facts small")


def _base_name(one: BaseEvidence) -> Markup:
    name = one.reference.partition("@")[0]
    return lines(
        element("strong", name), element("code", one.digest), element("span", one.platform)
    )


def _identified(one: BaseEvidence) -> Markup:
    place = f"{one.path}:{one.line}" if one.line else one.path
    return lines(f"final stage of {place}" if place else "final stage", one.identified)


def _category(one: BaseEvidence) -> Markup:
    judgement = one.judgement
    if judgement is None:
        return lines(element("span", "unknown", class_="late"), "its name cannot be read")
    word = judgement.category.value
    doubt = "" if judgement.category_known else "its source could not be verified"
    origin = judgement.clause_origin
    rule = f"{judgement.clause} ({origin})" if origin else judgement.clause
    chip = element("span", word, class_=f"chip {_CATEGORIES.get(word, 'late')}")
    return lines(chip, element("span", rule, class_="mono"), doubt)


def _lifecycle(one: BaseEvidence) -> Markup:
    if one.judgement is None:
        return element("span", "unknown", class_="late")
    told = []
    for name, words in (("supported", "supported"), ("current_version", "newest line")):
        answer = one.judgement.quality.get(name)
        if answer is not None:
            told.append(f"{words}: {answer.value.value}; {answer_words(answer)}")
    return lines(*told)


def _published(rows: Sequence[PublishedEvidence]) -> Markup:
    columns: tuple[Column[PublishedEvidence], ...] = (
        Column(
            "Image and digest",
            lambda one: lines(
                element("strong", one.reference.partition("@")[0]), element("code", one.digest)
            ),
        ),
        Column("Published", lambda one: _from_to(day(one.at), day(one.end))),
        Column("Recorded", lambda one: _unbroken(day(one.recorded))),
        Column(
            "Its base",
            lambda one: lines(one.proven, "" if one.base is None else element("code", one.base)),
        ),
        Column("Scanner and database", lambda one: _scans(one.state)),
        Column("Known vulnerabilities", lambda one: _known(one.state)),
    )
    return table(_more(len(rows), MAX_IMAGES, "images"), columns, rows[:MAX_IMAGES])


def _from_to(begin: str, end: str) -> Markup:
    return lines(_unbroken(f"from {begin}"), _unbroken(f"until {end}" if end else "to the end"))


def _scans(state: ImageState) -> Markup:
    told: list[str] = []
    for one in state.scans:
        database = "of unknown age" if one.database is None else f"of {day(one.database)}"
        told += [one.scanner, _unbroken(f"data {database}"), _when("last scan", one.at)]
        told += [element("span", problem, class_="late") for problem in one.problems]
    if not told:
        told.append(element("span", "never scanned", class_="late"))
    told.append(element("span", f"{plural(state.looks, 'scan')} in the period", class_="soft"))
    return lines(*told)


def _known(state: ImageState) -> Markup:
    doubt = state.unknown
    why = "" if doubt is None else element("span", f"unknown: {doubt.reason}", class_="late")
    return lines(counts_words(state), why)


def _findings(rows: Sequence[FindingEvidence], most: int) -> Iterator[Markup]:
    if not rows:
        yield _nothing("None within the period.")
        return
    columns: tuple[Column[FindingEvidence], ...] = (
        Column("Finding", _finding_name),
        Column("Severity", _severity),
        Column("State", _state),
        Column("Exposure", _exposure),
        Column("Action clock", _action),
        Column("Upstream clock", _upstream),
        Column("Steps", _steps),
    )
    yield table(_more(len(rows), most, "findings"), columns, rows[:most])


def _finding_name(one: FindingEvidence) -> Markup:
    finding = one.deadline.finding
    versions = ", ".join(one.fixed) or "no fix known"
    again = f"episode {one.deadline.episode}" if one.deadline.episode > 1 else ""
    return lines(
        element("strong", finding.vulnerability),
        f"{one.name} {one.installed} → {versions}",
        element("span", f"{finding.lineage}, {finding.platform}", class_="soft"),
        again,
    )


def _severity(one: FindingEvidence) -> str:
    deadline = one.deadline
    word = "unknown" if deadline.severity is None else deadline.severity.word
    counts = deadline.urgency.word
    return word if word == counts else lines(word, f"counts as {counts}")


def _state(one: FindingEvidence) -> Markup:
    deadline = one.deadline
    role = "bad" if deadline.state in _BAD or deadline.breached_at is not None else None
    if role is None and deadline.state in (State.UNKNOWN, State.DUE_SOON):
        role = "late"
    pause = deadline.pause
    why = "" if pause is None else f"{pause.kind.value}: {pause.name.partition('@')[0]}"
    shipped = "still published" if one.is_shipped and not deadline.is_closed else ""
    return lines(element("span", state_words(one), class_=role), why, shipped)


def _exposure(one: FindingEvidence) -> Markup:
    elapsed = span_words(one.deadline.exposure.elapsed)
    return lines(_unbroken(elapsed), _when("found", one.opened))


def _action(one: FindingEvidence) -> Markup:
    deadline = one.deadline
    window = f"window {deadline.clause.value}"
    clause = element("span", deadline.clause.name, class_="mono")
    due = _when("due", deadline.due)
    if not due and deadline.at_next_release:
        due = "due with the next release"
    return lines(*_clock(deadline.action), due, window, clause)


def _upstream(one: FindingEvidence) -> Markup:
    clock = one.deadline.upstream
    if clock.start is None:
        return lines("no fix")
    base = _when("base", clock.end) or "no base yet"
    return lines(_unbroken(span_words(clock.elapsed)), _when("fix", clock.start), base)


def _clock(clock: Clock) -> Iterator[str]:
    if clock.start is None:
        yield "did not start"
        return
    yield _unbroken(span_words(clock.elapsed))
    yield _when("from", clock.start)
    yield _when("to", clock.end)


def _unbroken(words: str) -> str:
    return element("span", words, class_="t") if words else ""


def _when(word: str, at: datetime | None) -> str:
    """Write an instant behind a word, on one line; nothing where there is none."""
    return "" if at is None else _unbroken(f"{word} {day(at)}")


def _steps(one: FindingEvidence) -> Markup:
    told = (
        ("proposed", one.proposed),
        ("taken", one.merged),
        ("proven", one.verified),
        ("ended", one.deadline.action.end),
    )
    return lines(*(_when(word, at) for word, at in told))


def _waivers(part: RepositoryEvidence) -> Iterator[Markup]:
    if not part.waivers:
        return
    yield element("h3", f"Waivers of {part.name}")
    columns: tuple[Column[WaiverEvidence], ...] = (
        Column("Waiver", lambda one: element("strong", one.name)),
        Column("Covers", _covered),
        Column("Owner", lambda one: one.owner or "not recorded"),
        Column("Approver", _approver),
        Column("Reason, and what protects", lambda one: lines(one.reason, one.control)),
        Column("Held", _held),
        Column("File", lambda one: lines(one.file, element("code", one.file_digest))),
    )
    title = _more(len(part.waivers), MAX_WAIVERS, "waivers")
    yield table(title, columns, part.waivers[:MAX_WAIVERS])


def _covered(one: WaiverEvidence) -> Markup:
    shown = 5
    more = len(one.scopes) - shown
    return lines(*one.scopes[:shown], f"and {more:,} more" if more > 0 else "")


def _approver(one: WaiverEvidence) -> str:
    if one.approver:
        return one.approver
    words = "not recorded; who merged the file is in its history"
    return element("span", words, class_="late")


def _held(one: WaiverEvidence) -> Markup:
    until = f"last day {one.until}" if one.until else "no last day"
    return lines(_when("from", one.begin), _unbroken(until), _when("until", one.end), one.ended)


def _deeds(part: RepositoryEvidence) -> Iterator[Markup]:
    if not part.deeds:
        return
    yield element("h3", f"What was done when in {part.name}")
    shown = part.deeds[-MAX_DEEDS:]
    left = len(part.deeds) - len(shown) + part.deeds_left_out
    columns: tuple[Column[Deed], ...] = (
        Column("When (UTC)", lambda one: _unbroken(day(one.at))),
        Column("Recorded", lambda one: _unbroken(day(one.recorded))),
        Column("Product", lambda one: one.product or ""),
        Column("What", lambda one: joined((element("code", one.kind), one.text), " ")),
        Column("Says", lambda one: one.source),
    )
    title = f"The newest {len(shown):,}; {left:,} earlier ones are in the JSON" if left else None
    yield table(title, columns, shown)


def _more(count: int, most: int, noun: str) -> str | None:
    """Say how many find no room."""
    if count <= most:
        return None
    where = "JSON and CSV" if noun == "findings" else "JSON"
    return f"The first {most:,} of {count:,} {noun}; all are in the {where} of this report"
