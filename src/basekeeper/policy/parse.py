"""From the `[policy]` table of a file to a layer; notes every problem and goes on."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from basekeeper.config.document import dotted
from basekeeper.errors import InvalidReference
from basekeeper.policy.model import (
    PUBLISHERS,
    SCOPES,
    SEVERITIES,
    SHIPPED_NAME,
    TRIAL_ORDER,
    Clause,
    Layer,
    RuleChange,
    WaiverChange,
)
from basekeeper.policy.patterns import ImagePattern, parse_pattern
from basekeeper.policy.windows import parse_windows
from basekeeper.records import dataclass
from basekeeper.values.aliases import AliasTable
from basekeeper.values.finding import Category
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.config.table import Table

MAX_CLAUSES: Final = 1_000
"""Most entries of one policy file; every image is tried against all of them."""

MAX_OPTION: Final = 36_500
"""Largest number that a rule's option takes: a hundred years, where it counts days."""

MAX_WAIVER_DAYS: Final = 3_650
"""Longest lifetime that a policy may grant to waivers: ten years."""

MAX_PATH_CHARS: Final = 1_024
"""Longest path of another file, in characters; systems take little more."""

_RULE_KEYS: Final = ("severity", "stages", "non_production")


@dataclass(frozen=True, slots=True)
class RuleCatalogue:
    """The rules that exist, and the numbers that each takes, in the order of the shipped policy."""

    options: Mapping[str, tuple[str, ...]]


def parse_layer(table: Table, rules: RuleCatalogue | None, *, name: str) -> Layer:
    """Read a `[policy]` table.

    Args:
        table: The table; what is wrong is noted in its `problems`.
        rules: The rules that exist; None: this file defines them (the shipped policy).
        name: What to call the layer.
    """
    clauses = tuple(_clauses(table, name))
    extends, closed = _extends(table)
    layer = Layer(
        name=name,
        clauses=clauses,
        rules=_rules(table, rules),
        waivers=_waivers(table, rules),
        deadlines=parse_windows(table),
        mirrors=_mirrors(table),
        frontends=table.parsed_texts("frontends", parse_pattern),
        extends=extends,
        closed=closed,
        shipped=name == SHIPPED_NAME and rules is None,
    )
    table.finish()
    return layer


def _extends(table: Table) -> tuple[str | None, bool]:
    """Read `extends`: a path, or false for nothing."""
    value = table.raw("extends")
    if value is None or value is False:
        return None, value is False
    path = table.text("extends") if isinstance(value, str) else None
    if not isinstance(value, str):
        table.wrong("extends", "expected a path, or false to stand on nothing", "name a TOML file")
    elif "://" in value or value.startswith("forge:"):
        table.wrong(
            "extends",
            f"{value!r:.200} is not a path: policies are not fetched",
            "keep a copy in the repository and extend that",
        )
        return None, False
    elif len(value) > MAX_PATH_CHARS or "\0" in value:
        table.wrong("extends", "is no path that a file can have")
        return None, False
    return path, False


def _clauses(table: Table, origin: str) -> Iterator[Clause]:
    """Yield the entries in the order in which they are tried."""
    seen: dict[tuple[object, ...], Clause] = {}
    found: list[Clause] = []
    for category in TRIAL_ORDER:
        for index, entry in table.tables(category.value):
            where = f"policy.{category.value}[{index}]"
            clause = _clause(entry, category, where, origin)
            if clause is not None and _is_new(clause, entry, seen):
                found.append(clause)
    trusted = list(_trusted(table, origin))
    if len(found) + len(trusted) > MAX_CLAUSES:
        table.wrong(None, f"has more than {MAX_CLAUSES} entries")
    for category in TRIAL_ORDER:
        yield from (clause for clause in found if clause.category is category)
        yield from (clause for clause in trusted if clause.category is category)


def _clause(entry: Table, category: Category, where: str, origin: str) -> Clause | None:
    """Read one entry of a category; None where it is not usable."""
    entry.require("image")
    pattern: ImagePattern | None = entry.parsed("image", parse_pattern)
    variant = _words(entry)
    lts = entry.flag("lts")
    official = entry.flag("official")
    publisher = entry.texts("publisher", PUBLISHERS) or ()
    rationale = entry.text("rationale")
    replacement = entry.parsed("replacement", _replacement)
    _check_conditions(entry, pattern, official=official, publisher=publisher)
    entry.finish()
    if pattern is None:
        return None
    return Clause(
        category=category,
        pattern=pattern,
        name=where,
        origin=origin,
        variant=variant,
        lts=lts,
        official=official,
        publisher=publisher,
        rationale=rationale,
        replacement=replacement,
    )


def _words(entry: Table) -> tuple[str, ...]:
    """Read the variant words; they are compared in lower case."""
    words = entry.texts("variant") or ()
    return tuple(word.lower() for word in words)


def _check_conditions(
    entry: Table, pattern: ImagePattern | None, *, official: bool | None, publisher: tuple[str, ...]
) -> None:
    """Note conditions that cannot hold together, and lists that ask for nothing."""
    for name in ("variant", "publisher"):
        if entry.values.get(name) == []:
            entry.wrong(name, "is empty, so nothing would ever match", f"remove {name}")
    if official is False and publisher == ("official",):
        entry.wrong("publisher", "contradicts official = false")
    if pattern is not None and pattern.is_scratch:
        for name in ("variant", "lts", "official", "publisher"):
            if name in entry:
                entry.wrong(name, "means nothing for scratch, the empty base", f"remove {name}")


def _is_new(clause: Clause, entry: Table, seen: dict[tuple[object, ...], Clause]) -> bool:
    """Note an entry that says again, or otherwise, what an earlier one says."""
    asks = (
        clause.pattern.parts,
        clause.pattern.tag,
        frozenset(clause.variant),
        clause.lts,
        clause.official,
        frozenset(clause.publisher),
    )
    earlier = seen.setdefault(asks, clause)
    if earlier is clause:
        return True
    verb = "repeats" if earlier.category is clause.category else "contradicts"
    entry.wrong("image", f"{verb} {earlier.name}: the same images under the same conditions")
    return False


def _replacement(text: str) -> str:
    """Check that a replacement is an image that could be written into a file."""
    try:
        parse_reference(text)
    except InvalidReference as error:
        raise ValueError(error.message) from error
    return text


def _trusted(table: Table, origin: str) -> Iterator[Clause]:
    """Read the namespaces that a company trusts as its own."""
    categories = tuple(c.value for c in TRIAL_ORDER if c is not Category.PROHIBITED)
    for index, entry in table.tables("trusted"):
        entry.require("namespace")
        pattern: ImagePattern | None = entry.parsed("namespace", _namespace)
        category = entry.choice("category", categories) or Category.PERMITTED.value
        upstream: ImagePattern | None = entry.parsed("upstream", _plain_namespace)
        rationale = entry.text("rationale")
        if upstream is not None and pattern is not None and "*" in "".join(pattern.parts[:-1]):
            entry.wrong("upstream", "needs a namespace without wildcards")
        entry.finish()
        if pattern is not None:
            yield Clause(
                category=Category(category),
                pattern=pattern,
                name=f"policy.trusted[{index}]",
                origin=origin,
                rationale=rationale,
                trusted=True,
                upstream=None if upstream is None else "/".join(upstream.parts[:-1]),
                upstream_of="/".join(pattern.parts[:-1]),
            )


def _namespace(text: str) -> ImagePattern:
    """Read a namespace as the pattern of everything below it."""
    pattern = parse_pattern(f"{text.rstrip('/')}/**")
    if "**" in pattern.parts[:-1]:
        raise ValueError("a trusted namespace must say where it lies, without '**'")
    return pattern


def _plain_namespace(text: str) -> ImagePattern:
    """Read a namespace that stands for itself."""
    if "*" in text:
        raise ValueError("must be a namespace without wildcards")
    return _namespace(text)


def _rules(table: Table, rules: RuleCatalogue | None) -> dict[str, RuleChange]:
    """Read `[policy.rules]`."""
    section = table.table("rules")
    if section is None:
        return {}
    found = {}
    names = tuple(section.values) if rules is None else tuple(rules.options)
    for name in names:
        entry = section.table(name, _table_hint(section, name))
        if entry is not None:
            options = None if rules is None else rules.options[name]
            found[name] = _rule(entry, options)
    section.finish()
    return found


def _table_hint(section: Table, name: str) -> str:
    """Show how the settings of a rule are written, with the severity that stands there, if any."""
    value = section.values.get(name)
    severity = value if value in SEVERITIES else SEVERITIES[0]
    return f'write severity = "{severity}" below [{dotted((*section.key, name))}]'


def _rule(entry: Table, options: tuple[str, ...] | None) -> RuleChange:
    """Read the settings of one rule; options None: whatever is left is one."""
    if options is None:
        options = tuple(key for key in entry.values if key not in _RULE_KEYS)
    change = RuleChange(
        severity=entry.choice("severity", SEVERITIES),
        stages=entry.choice("stages", SCOPES),
        non_production=entry.flag("non_production"),
        options={
            key: value
            for key in options
            if (value := entry.number(key, least=0, most=MAX_OPTION)) is not None
        },
    )
    entry.finish()
    return change


def _waivers(table: Table, rules: RuleCatalogue | None) -> WaiverChange:
    """Read `[policy.waivers]`."""
    section = table.table("waivers")
    if section is None:
        return WaiverChange()
    known = None if rules is None else tuple(rules.options)
    change = WaiverChange(
        file=section.parsed("file", _path_below_root),
        inline=section.flag("inline"),
        max_days=section.number("max_days", least=1, most=MAX_WAIVER_DAYS),
        repository=section.flag("repository"),
        never=section.texts("never", known),
    )
    section.finish()
    return change


def _path_below_root(text: str) -> str:
    """Check a path that must stay below the root of the repository."""
    path = posixpath.normpath(text)
    if len(path) > MAX_PATH_CHARS or "\0" in path:
        raise ValueError("is no path that a file can have")
    if path == ".." or path.startswith(("/", "../")):
        raise ValueError(f"{text!r:.200} leaves the repository")
    return path


def _mirrors(table: Table) -> dict[str, str]:
    """Read `[policy.mirrors]`: prefix of a name → what it mirrors."""
    found = table.text_map("mirrors")
    for prefix, target in found.items():
        try:
            AliasTable({prefix: target})
        except InvalidReference as error:
            table.wrong(("mirrors", prefix), error.message, "map a registry, or one with a path")
    return found
