"""Baselines: the findings that were there before, so that a first run does not drown anybody.

A baseline is a JSON file of fingerprints. Each entry has an owner and a last day, like a waiver:
a baseline is a debt with a date, not a second opinion. Comparing with another revision needs no
file: what its check finds is the baseline.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import ConfigError, Problem
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from basekeeper.values.finding import Finding

SCHEMA_VERSION: Final = 1
"""Version of the file's format; a reader refuses others."""

MAX_BASELINE_BYTES: Final = 16_777_216
"""Largest baseline read: 16 MiB, about 40,000 findings."""

MAX_OWNER_CHARS: Final = 200
"""Longest name of an owner, in characters."""

_NEW: Final = "the new baseline"
_REWRITE: Final = "write it again with `basekeeper check --write-baseline`"
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
_TEXT_KEYS: Final = ("fingerprint", "rule", "path", "message", "owner", "expires")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineEntry:
    """One old finding that does not gate until its day."""

    fingerprint: str
    rule: str
    path: str
    image: str | None
    message: str
    owner: str
    expires: date
    """The last day, UTC, on which the finding is hidden from the gate."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of one baseline file."""

    entries: tuple[BaselineEntry, ...]
    source: str = "baseline"
    """Path of the file, for messages."""


@dataclass(frozen=True, slots=True)
class Split:
    """Findings told apart by a baseline or another revision."""

    new: tuple[Finding, ...]
    """Those that gate."""
    known: tuple[Finding, ...]
    """Old ones: shown, but they do not gate."""
    stale: tuple[BaselineEntry, ...] = ()
    """Entries that no finding has any more; writing the baseline again drops them."""
    expired: tuple[BaselineEntry, ...] = ()
    """Entries past their day, whose findings gate again."""


def write_baseline(findings: Iterable[Finding], owner: str, expires: date, now: datetime) -> bytes:
    """Return the bytes of a baseline that holds these findings; equal input gives equal bytes.

    Raises:
        ConfigError: The owner is empty or too long, or the day has passed.
    """
    problems = []
    if not owner.strip() or len(owner) > MAX_OWNER_CHARS:
        message = f"needs 1 to {MAX_OWNER_CHARS} characters"
        hint = "name who answers for it, for example @team"
        problems.append(Problem(_NEW, None, "owner", message, hint))
    if expires < now.date():
        hint = f"name a day from {now.date()} on"
        problems.append(Problem(_NEW, None, "expires", f"{expires} has passed", hint))
    if problems:
        raise ConfigError(tuple(problems))
    ordered = sorted(findings, key=lambda one: (one.path, one.rule, one.line, one.fingerprint))
    entries = [
        {
            "fingerprint": finding.fingerprint,
            "rule": finding.rule,
            "path": finding.path,
            "image": finding.image,
            "message": finding.message,
            "owner": owner,
            "expires": expires.isoformat(),
        }
        for finding in ordered
    ]
    content = {"schema_version": SCHEMA_VERSION, "entries": entries}
    return (json.dumps(content, indent=2, ensure_ascii=True) + "\n").encode()


def load_baseline(data: bytes, source: str = "baseline") -> Baseline:
    """Read a baseline.

    Args:
        data: The bytes of the file.
        source: What messages call it.

    Raises:
        ConfigError: The file is too large, no JSON or no baseline; holds every problem.
    """
    content = _parsed(data, source)
    problems: list[Problem] = []
    entries = []
    for index, item in enumerate(content):
        entry = _entry(item, f"entries[{index}]", source, problems)
        if entry is not None:
            entries.append(entry)
    if problems:
        raise ConfigError((*problems[:-1], replace(problems[-1], hint=_REWRITE)))
    return Baseline(tuple(entries), source)


def _parsed(data: bytes, source: str) -> list[Any]:
    """Return the list of entries of a file whose frame is right."""
    if len(data) > MAX_BASELINE_BYTES:
        message = f"is larger than {MAX_BASELINE_BYTES // 1_048_576} MiB"
        hint = "repair some of its findings, then write it again"
        raise ConfigError((Problem(source, None, "", message, hint),))
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise ConfigError((Problem(source, line, "", "is not valid JSON", _REWRITE),)) from error
    if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
        message = f"expected a baseline with schema_version {SCHEMA_VERSION}"
        raise ConfigError((Problem(source, None, "schema_version", message, _REWRITE),))
    entries = content.get("entries")
    if not isinstance(entries, list):
        raise ConfigError((Problem(source, None, "entries", "expected a list", _REWRITE),))
    return entries


def _entry(item: Any, key: str, source: str, problems: list[Problem]) -> BaselineEntry | None:
    """Read one entry, noting all that is wrong with it."""
    if not isinstance(item, dict):
        problems.append(Problem(source, None, key, "expected an object"))
        return None
    before = len(problems)
    for name in _TEXT_KEYS:
        value = item.get(name)
        if not isinstance(value, str) or not value.strip():
            problems.append(Problem(source, None, f"{key}.{name}", "expected text, not empty"))
    unknown = sorted(str(name) for name in item if name not in (*_TEXT_KEYS, "image"))
    problems.extend(
        Problem(source, None, f"{key}.{name:.80}", "is not known here") for name in unknown
    )
    if not isinstance(item.get("image"), str | None):
        problems.append(Problem(source, None, f"{key}.image", "expected text or null"))
    if len(problems) > before:
        return None
    if _FINGERPRINT.fullmatch(item["fingerprint"]) is None:
        problems.append(
            Problem(source, None, f"{key}.fingerprint", "expected 64 hexadecimal digits")
        )
    try:
        expires = date.fromisoformat(item["expires"])
    except ValueError:
        problems.append(Problem(source, None, f"{key}.expires", "expected a day: YYYY-MM-DD"))
        return None
    values = {name: item[name] for name in ("fingerprint", "rule", "path", "message", "owner")}
    return BaselineEntry(**values, image=item.get("image"), expires=expires)


def split(findings: Sequence[Finding], baseline: Baseline, now: datetime) -> Split:
    """Tell new findings from those that a baseline holds.

    Each entry stands for one finding. An expired entry hides nothing.
    """
    today = now.date()
    expired = tuple(entry for entry in baseline.entries if entry.expires < today)
    valid = [entry for entry in baseline.entries if entry.expires >= today]
    new, known, left = _divide(findings, Counter(entry.fingerprint for entry in valid))
    present = Counter(finding.fingerprint for finding in findings)
    stale = []
    for entry in reversed(valid):
        if left[entry.fingerprint] > 0:
            left[entry.fingerprint] -= 1
            stale.append(entry)
    stale.extend(entry for entry in expired if not present[entry.fingerprint])
    biting = tuple(entry for entry in expired if present[entry.fingerprint])
    return Split(new, known, tuple(reversed(stale)), biting)


def split_since(findings: Sequence[Finding], findings_at_ref: Iterable[Finding]) -> Split:
    """Tell new findings from those that another revision had already."""
    old = Counter(finding.fingerprint for finding in findings_at_ref)
    new, known, _ = _divide(findings, old)
    return Split(new, known)


def _divide(
    findings: Sequence[Finding], old: Counter[str]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], Counter[str]]:
    """Take findings out of a multiset of fingerprints; return new, known and what is left."""
    left = old.copy()
    new = []
    known = []
    for finding in findings:
        if left[finding.fingerprint] > 0:
            left[finding.fingerprint] -= 1
            known.append(finding)
        else:
            new.append(finding)
    return tuple(new), tuple(known), left
