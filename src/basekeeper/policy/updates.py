"""What the configuration says of updates: `[updates]` and `[[updates.image]]`.

The first entry that matches an image decides; what it does not say comes from `[updates]`, and
what that does not say from what is shipped. A file's entries are tried before those of the file
that it extends. A repository's own file below an operator's can only tighten.
"""

from __future__ import annotations

from dataclasses import field, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from basekeeper.records import dataclass
from basekeeper.tags.updates import UpdateRules
from basekeeper.values.aliases import AliasTable
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.patterns import ImagePattern
    from basekeeper.values.reference import Reference

_ALIASES: Final = AliasTable()

SHIPPED_RULES: Final = UpdateRules(minimum_age=timedelta(days=3), settle=timedelta(hours=6))
"""What holds where no configuration says anything.

Three days: most broken or hostile releases are noticed and withdrawn within the first days. Six
hours: a rebuild of a Docker Official Image for all architectures takes no longer as a rule.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateChange:
    """What one table says; None: nothing. The fields are those of `UpdateRules`."""

    allowed: str | None = None
    kinds: frozenset[str] | None = None
    minimum_age: timedelta | None = None
    pinning: str | None = None
    ignored: frozenset[str] | None = None
    channel: str | None = None
    allow_prerelease: bool | None = None
    settle: timedelta | None = None
    digest_change: str | None = None
    group: str | None = None

    def said(self) -> dict[str, Any]:
        """Return what was said, by the name of the field."""
        values = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {name: value for name, value in values if value is not None}

    def over(self, rules: UpdateRules) -> UpdateRules:
        """Return rules with everything that is said here in its place."""
        said = self.said()
        if self.kinds is not None:
            said["taken"] = self.kinds
        return replace(rules, **said)


@dataclass(frozen=True, slots=True)
class UpdateEntry:
    """One `[[updates.image]]`."""

    patterns: tuple[ImagePattern, ...]
    change: UpdateChange

    def matches(self, references: tuple[Reference, ...]) -> bool:
        """Tell whether a pattern matches an image under one of its names.

        A pattern of a tag does not match a digest without one: its tag is not known.
        """
        return any(
            pattern.matches(reference) is Truth.YES
            for pattern in self.patterns
            for reference in references
        )


@dataclass(frozen=True, slots=True)
class UpdateLayer:
    """What one file says of updates."""

    defaults: UpdateChange = UpdateChange()
    entries: tuple[UpdateEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """The rules of updates for every image."""

    layers: tuple[UpdateLayer, ...] = ()
    """Files that decide, the strongest first."""
    tightening: tuple[UpdateLayer, ...] = ()
    """A repository's own files below an operator's."""
    aliases: AliasTable = field(default=_ALIASES, compare=False)
    """Other names of the same image; patterns match any of them."""
    waits: bool = True
    """False: nothing is too young."""

    def rules_for(self, reference: Reference) -> UpdateRules:
        """Return the rules that hold for an image."""
        names = (reference, self.aliases.canonical(reference))
        rules = SHIPPED_RULES
        for change in _changes(self.layers, names):
            rules = change.over(rules)
        own = UpdateChange()
        for change in _changes(self.tightening, names):
            own = replace(own, **change.said())
        rules = _tightened(rules, own)
        return rules if self.waits else replace(rules, minimum_age=_NONE, settle=_NONE)

    def at_any_age(self) -> UpdatePolicy:
        """Return the same rules without waiting: what a user asks for by hand."""
        return replace(self, waits=False)

    def tightened_by(self, own: UpdatePolicy) -> UpdatePolicy:
        """Return these rules with what a repository's own may add."""
        return replace(self, tightening=own.layers)

    @property
    def ignored_settings(self) -> tuple[str, ...]:
        """Names of what the tightening files say without effect, sorted."""
        tables = [
            change
            for layer in self.tightening
            for change in (layer.defaults, *(entry.change for entry in layer.entries))
        ]
        return tuple(sorted({name for table in tables for name in table.said()} & _OPERATORS))


SHIPPED_UPDATES = UpdatePolicy()
"""What holds where no configuration says anything."""

_NONE: Final = timedelta(0)
_OPERATORS: Final = frozenset({"digest_change"})
"""Neither of its values is the stricter one."""


def _changes(
    layers: tuple[UpdateLayer, ...], names: tuple[Reference, ...]
) -> Iterator[UpdateChange]:
    """Yield what applies to an image, the weakest first: the defaults, then the first entry."""
    for layer in reversed(layers):
        yield layer.defaults
    entries = (entry for layer in layers for entry in layer.entries)
    first = next((entry for entry in entries if entry.matches(names)), None)
    if first is not None:
        yield first.change


def _tightened(rules: UpdateRules, own: UpdateChange) -> UpdateRules:
    """Return the stricter of both for each field."""
    kinds = rules.kinds if own.kinds is None else rules.kinds & own.kinds
    ranges = [one for one in (rules.allowed, own.allowed) if one is not None]
    return replace(
        rules,
        kinds=kinds,
        taken=rules.taken & kinds,
        allowed=",".join(ranges) or None,
        ignored=rules.ignored | (own.ignored or frozenset()),
        minimum_age=max(rules.minimum_age, own.minimum_age or _NONE),
        settle=max(rules.settle, own.settle or _NONE),
        pinning="tag@digest" if own.pinning == "tag@digest" else rules.pinning,
        channel="lts" if own.channel == "lts" else rules.channel,
        allow_prerelease=rules.allow_prerelease and own.allow_prerelease is not False,
        group=rules.group or own.group,
    )
