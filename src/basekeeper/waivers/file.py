"""The waiver file: `[[waiver]]` tables in TOML, every problem at once with its line."""

from __future__ import annotations

import re
from datetime import timedelta
from math import prod
from typing import TYPE_CHECKING, Any, Final

from basekeeper.config.document import read_document
from basekeeper.config.table import Table
from basekeeper.policy.patterns import parse_pattern
from basekeeper.values.waiver import Waiver
from basekeeper.waivers.model import Waivers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from basekeeper.waivers.model import WaiverLimits

MAX_WAIVERS: Final = 10_000
"""Most waivers of one file."""

MAX_COMBINATIONS: Final = 1_000
"""Most combinations of vulnerability, image, package, product and platform of one waiver: each is
an event of its own."""

MAX_TEXT_CHARS: Final = 4_096
"""Longest text in a waiver of vulnerabilities; no more of it would reach a deadline."""

MAX_NAME_CHARS: Final = 512
"""Longest name of a package, product or platform."""

MAX_AHEAD_DAYS: Final = 1
"""Days that `granted` may lie ahead: where it was written, tomorrow may have begun."""

SEVERITIES: Final = ("low", "medium", "high", "critical")
"""What `severity` may say, the mildest first."""

_VULNERABILITY: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}(?:[-:.][A-Za-z0-9]{1,32}){1,8}")
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PLATFORM: Final = re.compile(r"[a-z0-9_]+/[a-z0-9_]+(?:/[a-z0-9_.]+)?")
_OF_VULNERABILITIES: Final = ("packages", "products", "platforms", "severity")


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
    found: list[Waiver] = []
    ids: set[str] = set()
    for index, entry in table.tables("waiver"):
        if index >= MAX_WAIVERS:
            table.wrong("waiver", f"has more than {MAX_WAIVERS} entries")
            break
        waiver = _entry(entry, path, limits)
        if waiver is None:
            continue
        if waiver.id and waiver.id in ids:
            entry.wrong("id", f"{waiver.id!r} is the id of an earlier waiver", "give it another")
        ids.add(waiver.id)
        found.append(waiver)
    table.finish()
    table.raise_problems()
    return Waivers(
        accepted=tuple(waiver for waiver in found if waiver.ended is None),
        ended=tuple(waiver for waiver in found if waiver.ended is not None),
    )


def is_vulnerability(text: str) -> bool:
    """Tell whether a text has the form of the name of a vulnerability."""
    return _VULNERABILITY.fullmatch(text) is not None


def _entry(table: Table, path: str, limits: WaiverLimits) -> Waiver | None:
    """Read one `[[waiver]]`; what is wrong is noted in the table's problems."""
    before = len(table.problems)
    is_over = "ended" in table
    of_vulnerabilities = "vulnerabilities" in table
    if of_vulnerabilities and "rules" in table:
        hint = "write two waivers: these are two decisions"
        table.wrong("vulnerabilities", "cannot stand beside rules", hint)
    found = _of_vulnerabilities(table) if of_vulnerabilities else _of_rules(table, limits)
    found |= _words(table, limits, of_vulnerabilities=of_vulnerabilities)
    found |= _days(table, None if is_over else limits, of_vulnerabilities=of_vulnerabilities)
    if not (of_vulnerabilities or table.values.get("paths") or table.values.get("images")):
        table.wrong(None, "names neither paths nor images", 'write paths = ["**"] for every file')
    table.finish()
    if len(table.problems) > before:
        return None
    return Waiver(**found, source=path, line=table.document.line(table.key) or 1)


def _of_rules(table: Table, limits: WaiverLimits) -> dict[str, Any]:
    """Read what only a waiver of rules says."""
    table.require("rules")
    rules = table.texts("rules") or ()
    if not rules and isinstance(table.raw("rules"), list):
        table.wrong("rules", "must name at least one rule")
    if "ended" not in table:
        _check_rules(table, rules, limits)
    for name in _OF_VULNERABILITIES:
        if table.raw(name) is not None:
            table.wrong(name, "belongs to a waiver that names vulnerabilities")
    paths = table.parsed_texts("paths", _path)
    return {"rules": rules, "paths": paths, "images": table.parsed_texts("images", _image)}


def _check_rules(table: Table, rules: Sequence[str], limits: WaiverLimits) -> None:
    for rule in rules:
        problem = limits.rule_problem(rule)
        if problem is not None:
            table.wrong("rules", *problem)


def _of_vulnerabilities(table: Table) -> dict[str, Any]:
    """Read what only a waiver of vulnerabilities says."""
    table.raw("rules")
    if table.raw("paths") is not None:
        hint = "write products = [...]: the product, or the path of its Dockerfile"
        table.wrong("paths", "belongs to a waiver that names rules", hint)
    found: dict[str, Any] = {
        "vulnerabilities": table.parsed_texts("vulnerabilities", _vulnerability),
        "images": table.parsed_texts("images", _image),
        "packages": table.parsed_texts("packages", _package),
        "products": table.parsed_texts("products", _plain),
        "platforms": table.parsed_texts("platforms", _platform),
        "severity": table.choice("severity", SEVERITIES) or "",
    }
    if table.raw("vulnerabilities") == []:
        table.wrong("vulnerabilities", "must name at least one vulnerability")
    for name in ("images", "packages", "products", "platforms"):
        if table.raw(name) == []:
            table.wrong(name, "names nothing", "leave the key out to cover all, or name some")
    lists = (names for names in found.values() if isinstance(names, tuple))
    count = prod(max(len(names), 1) for names in lists)
    if count > MAX_COMBINATIONS:
        table.wrong(
            "vulnerabilities",
            f"stands for {count:,} combinations with what else is listed,"
            f" more than {MAX_COMBINATIONS:,}",
            "name less, or write several waivers",
        )
    return found


def _words(table: Table, limits: WaiverLimits, *, of_vulnerabilities: bool) -> dict[str, Any]:
    """Read who, why, and what else is text."""
    found: dict[str, Any] = {}
    needed = ("owner", "reason", "control") if of_vulnerabilities else ("owner", "reason")
    for name in needed:
        table.require(name)
    if "ended_because" in table and "ended" not in table:
        table.wrong("ended_because", "needs ended, the day", "write ended = YYYY-MM-DD beside it")
    for name in ("owner", "reason", "control", "approved_by", "ended_because"):
        text = table.text(name)
        found[name] = text or ""
        if text is None:
            continue
        if problem := limits.text_problem(text):
            table.wrong(name, problem)
        if of_vulnerabilities and len(text) > MAX_TEXT_CHARS:
            table.wrong(name, f"is longer than {MAX_TEXT_CHARS} characters")
    for name in ("id", "renews"):
        found[name] = table.parsed(name, _identifier) or ""
    return found


def _days(
    table: Table, limits: WaiverLimits | None, *, of_vulnerabilities: bool
) -> dict[str, date | None]:
    """Read the days; limits None: what is over may have been granted under others."""
    for name in ("until", "granted") if of_vulnerabilities else ("until",):
        table.require(name)
    found = {name: table.day(name) for name in ("until", "granted", "ended")}
    until, granted = found["until"], found["granted"]
    if limits is None:
        return found
    if until is not None and (problem := limits.day_problem(until)):
        table.wrong("until", problem)
    elif granted is not None and granted > limits.today + timedelta(days=MAX_AHEAD_DAYS):
        table.wrong("granted", f"{granted} has not come yet")
    elif until is not None and granted is not None:
        days = (until - granted).days
        if days < 0:
            table.wrong("until", f"{until} is before {granted}, when it was granted")
        elif days > limits.settings.max_days:
            most = limits.settings.max_days
            table.wrong("until", f"{until} is more than {most} days after it was granted")
    return found


def _image(text: str) -> str:
    try:
        pattern = parse_pattern(text)
    except ValueError as error:
        raise ValueError(f"{text!r:.80} {error}") from error
    return pattern.text


def _path(text: str) -> str:
    if text.startswith("/") or ".." in text.split("/"):
        raise ValueError(f"{text!r:.80} is not below the root", "leave out '/' and '..'")
    return text


def _vulnerability(text: str) -> str:
    if not is_vulnerability(text):
        raise ValueError(f"{text!r:.80} is no name of a vulnerability", "write CVE-2026-1234")
    return text.upper()


def _identifier(text: str) -> str:
    if _ID.fullmatch(text) is None:
        raise ValueError(f"{text!r:.80} is no id: use letters, digits, '.', '_' and '-'")
    return text


def _plain(text: str) -> str:
    """Check a name that is compared as it is written."""
    if len(text) > MAX_NAME_CHARS:
        raise ValueError(f"is longer than {MAX_NAME_CHARS} characters")
    if "*" in text:
        raise ValueError(f"{text!r:.80} is no name: '*' stands for nothing here", "name each")
    if not text.isprintable() or text != text.strip():
        raise ValueError(f"{text!r:.80} has characters that no name has")
    return text


def _package(text: str) -> str:
    name = _plain(text).partition("?")[0].partition("#")[0].rpartition("/")[2]
    if text.startswith("pkg:") and (name.rpartition("@")[0] or name != text.rpartition("/")[2]):
        hint = f"write {text.partition('?')[0].partition('#')[0].rpartition('@')[0] or text!r:.200}"
        raise ValueError(f"{text!r:.80} names more than the package", hint)
    return text


def _platform(text: str) -> str:
    if _PLATFORM.fullmatch(text) is None or len(text) > MAX_NAME_CHARS:
        raise ValueError(f"{text!r:.80} is no platform", "write linux/amd64")
    return text
