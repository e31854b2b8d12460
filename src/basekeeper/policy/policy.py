"""The effective policy: layers put together, ready to judge."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from basekeeper.policy.judge import explain
from basekeeper.policy.merge import (
    merged_rules,
    merged_waivers,
    stricter_rules,
    stricter_waivers,
)
from basekeeper.policy.windows import (
    Windows,
    merged_windows,
    stricter_windows,
    window_content,
)
from basekeeper.records import dataclass
from basekeeper.values.aliases import AliasTable
from basekeeper.values.facts import NO_FACTS
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.policy.judge import Explanation
    from basekeeper.policy.model import Clause, Layer, RuleSetting, WaiverSettings
    from basekeeper.policy.patterns import ImagePattern
    from basekeeper.policy.windows import WindowChange
    from basekeeper.values.facts import Facts
    from basekeeper.values.finding import Judgement
    from basekeeper.values.reference import Reference


@dataclass(frozen=True, eq=False, kw_only=True)
class Policy:
    """What is allowed, and how much each rule counts. Made by `load_policy`; never changes."""

    name: str
    """Path of the file, or `shipped default`."""
    layers: tuple[Layer, ...]
    """This policy first, then what it extends, the oldest last."""
    rules: Mapping[str, RuleSetting]
    """Every rule that exists, by id, in the order in which rules are shown."""
    waivers: WaiverSettings
    deadlines: Windows
    """Within what time a fix must be taken."""
    own: tuple[Layer, ...] = ()
    """Layers of a repository's own policy, which may only tighten `layers`."""
    notices: tuple[str, ...] = ()
    """What was left out of the repository's own policy, and why."""

    @classmethod
    def of_layers(cls, layers: tuple[Layer, ...], shipped: Layer) -> Policy:
        """Put layers together; what none of them says of rules and waivers, `shipped` does."""
        return cls(
            name=layers[0].name,
            layers=layers,
            rules=merged_rules(layers, shipped),
            waivers=merged_waivers(layers, shipped),
            deadlines=merged_windows(_said_of_deadlines((*layers, shipped))),
        )

    def judge(
        self,
        image: str | Reference,
        facts: Facts | Mapping[str, object] = NO_FACTS,
        *,
        now: datetime,
        catalogue: Catalogue | None = None,
    ) -> Judgement:
        """Say which category an image falls in, and how good it is.

        Text that is no image reference is prohibited, never an error.

        Args:
            image: A reference, `scratch`, or text as the builder sees it.
            facts: What is known beyond the name; see `Facts`.
            now: The instant at which calendars are read; aware.
            catalogue: Calendars and publishers; None: those inside the package.

        Raises:
            InputError: A fact is none, or `now` has no time zone.
        """
        return self.explain(image, facts, now=now, catalogue=catalogue).judgement

    def explain(
        self,
        image: str | Reference,
        facts: Facts | Mapping[str, object] = NO_FACTS,
        *,
        now: datetime,
        catalogue: Catalogue | None = None,
    ) -> Explanation:
        """Judge, and tell which entries were tried in which order; arguments as for `judge`."""
        return explain(self, image, facts, now=now, catalogue=catalogue)

    def rule(self, rule: str) -> RuleSetting:
        """Return how a rule counts.

        Raises:
            KeyError: There is no such rule.
        """
        return self.rules[rule]

    def trusts_frontend(self, reference: Reference) -> bool:
        """Say whether an image may run as the builder itself (`# syntax=`), and only that."""
        name = self.aliases.canonical(reference)
        return any(pattern.matches(name) is Truth.YES for pattern in self.frontends)

    @cached_property
    def aliases(self) -> AliasTable:
        """Names of mirrors and what they mirror; the well-known ones included."""
        found: dict[str, str] = {}
        for layer in reversed(self.layers):
            found.update(layer.mirrors)
        return AliasTable(found)

    @cached_property
    def frontends(self) -> tuple[ImagePattern, ...]:
        """Images that may run as the builder itself."""
        return tuple(pattern for layer in self.layers for pattern in layer.frontends)

    @cached_property
    def digest(self) -> str:
        """`sha256:…` of what the policy says, whatever its files are called; for evidence."""
        said = {
            "layers": [_layer_content(layer) for layer in self.layers],
            "own": [_layer_content(layer) for layer in self.own],
            "rules": {name: _rule_content(rule) for name, rule in self.rules.items()},
            "waivers": _plain(self.waivers),
            "deadlines": window_content(self.deadlines),
        }
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def tightened_by(self, own: Policy) -> Policy:
        """Return this operator's policy, made stricter by what a repository says of itself.

        The stricter category, severity and scope count. The repository's trusted namespaces,
        mirrors and frontends do not; its waivers only where this policy permits them.
        """
        said = tuple(layer for layer in own.layers if not layer.shipped)
        return replace(
            self,
            own=tuple(_without_grants(layer) for layer in said),
            rules=stricter_rules(self.rules, said),
            waivers=stricter_waivers(self.waivers, said),
            deadlines=stricter_windows(self.deadlines, _said_of_deadlines(said)),
            notices=(*self.notices, *own.notices, *self._ignored(said)),
        )

    def _ignored(self, said: tuple[Layer, ...]) -> list[str]:
        """Name what the repository says of itself that does not count."""
        out = []
        for layer in said:
            kinds = {
                "trusted": any(clause.trusted for clause in layer.clauses),
                "mirrors": layer.mirrors,
                "frontends": layer.frontends,
                "waivers": layer.says_waivers and not self.waivers.repository,
            }
            out += [
                f"policy.{kind} of {layer.name} is ignored: {self.name} does not permit it"
                for kind, present in kinds.items()
                if present
            ]
        return out


def _said_of_deadlines(layers: Sequence[Layer]) -> list[tuple[str, WindowChange]]:
    return [(layer.name, layer.deadlines) for layer in layers]


def _without_grants(layer: Layer) -> Layer:
    """Leave out what would widen the trust that an operator gives."""
    clauses = tuple(clause for clause in layer.clauses if not clause.trusted)
    return replace(layer, clauses=clauses, mirrors={}, frontends=())


def _layer_content(layer: Layer) -> dict[str, object]:
    """Return what a layer says of images, without where it says so."""
    return {
        "clauses": [_clause_content(clause) for clause in layer.clauses],
        "closed": layer.closed,
        "frontends": [[*pattern.parts, pattern.tag] for pattern in layer.frontends],
        "mirrors": dict(layer.mirrors),
    }


def _clause_content(clause: Clause) -> dict[str, object]:
    content = _plain(clause)
    content["pattern"] = [*clause.pattern.parts, clause.pattern.tag]
    del content["name"], content["origin"]
    return content


def _rule_content(rule: RuleSetting) -> dict[str, object]:
    content = _plain(rule)
    content["options"] = dict(rule.options)
    return content


def _plain(value: Clause | RuleSetting | WaiverSettings) -> dict[str, object]:
    """Return the fields of a value by name."""
    return {name: getattr(value, name) for name in value.__slots__}
