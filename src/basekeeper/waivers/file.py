"""The waiver file: `[[waiver]]` tables in TOML, every problem at once with its line."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from basekeeper.config.document import read_document
from basekeeper.config.table import Table
from basekeeper.policy.patterns import parse_pattern
from basekeeper.values.waiver import Waiver
from basekeeper.waivers.model import Waivers, parse_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from basekeeper.waivers.model import WaiverLimits

MAX_WAIVERS: Final = 10_000
"""Most waivers of one file."""


def load_waivers(data: bytes, path: str, limits: WaiverLimits) -> Waivers:
    """Read a waiver file.

    Args:
        data: Its bytes.
        path: What messages and the waivers call it.
        limits: What a waiver may say.

    Raises:
        ConfigError: The file is no TOML, or any waiver in it is wrong; holds every problem.
    """
    document = read_document(data, path)
    table = Table(document, document.data)
    found = []
    for index, entry in table.tables("waiver"):
        if index >= MAX_WAIVERS:
            table.wrong("waiver", f"has more than {MAX_WAIVERS} entries")
            break
        waiver = _entry(entry, path, limits)
        if waiver is not None:
            found.append(waiver)
    table.finish()
    table.raise_problems()
    return Waivers(tuple(found))


def _entry(table: Table, path: str, limits: WaiverLimits) -> Waiver | None:
    """Read one `[[waiver]]`; what is wrong is noted in the table's problems."""
    before = len(table.problems)
    for name in ("rules", "owner", "reason", "until"):
        table.require(name)
    rules = table.texts("rules") or ()
    _check_rules(table, rules, limits)
    owner, reason = table.text("owner"), table.text("reason")
    for name, text in (("owner", owner), ("reason", reason)):
        if text is not None and (problem := limits.text_problem(text)):
            table.wrong(name, problem)
    until = _day(table, limits)
    paths, images = table.texts("paths") or (), table.texts("images") or ()
    if not paths and not images:
        table.wrong(None, "names neither paths nor images", 'write paths = ["**"] for every file')
    for index, pattern in enumerate(images):
        try:
            parse_pattern(pattern)
        except ValueError as error:
            table.wrong("images", f"[{index}] {pattern!r:.80} {error}")
    for pattern in paths:
        if pattern.startswith("/") or ".." in pattern.split("/"):
            table.wrong("paths", f"{pattern!r:.80} is not below the root", "leave out '/' and '..'")
    table.finish()
    if len(table.problems) > before or owner is None or reason is None or until is None:
        return None
    return Waiver(
        rules=rules,
        owner=owner,
        reason=reason,
        until=until,
        paths=paths,
        images=images,
        source=path,
        line=table.document.line(table.key) or 1,
    )


def _check_rules(table: Table, rules: Sequence[str], limits: WaiverLimits) -> None:
    if not rules and isinstance(table.raw("rules"), list):
        table.wrong("rules", "must name at least one rule")
    for rule in rules:
        problem = limits.rule_problem(rule)
        if problem is not None:
            table.wrong("rules", *problem)


def _day(table: Table, limits: WaiverLimits) -> date | None:
    """Read `until`: a TOML day, or a day in quotes."""
    value = table.raw("until")
    if value is None:
        return None
    if isinstance(value, str):
        value = parse_day(value)
    if not isinstance(value, date) or isinstance(value, datetime):
        table.wrong("until", "expected a day: YYYY-MM-DD")
        return None
    problem = limits.day_problem(value)
    if problem is not None:
        table.wrong("until", problem)
        return None
    return value
