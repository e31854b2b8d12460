"""Which facts beyond the names of images could change what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.rules import behind_current, end_of_life
from basekeeper.rules.subjects import Judge
from basekeeper.values.finding import Category, Severity, Truth
from basekeeper.values.use import Kind, Role, Via

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.policy.policy import Policy
    from basekeeper.values.finding import Judgement
    from basekeeper.values.reference import Reference
    from basekeeper.values.use import Survey

_LIBRARY: Final = "docker.io/library/"
"""Where official images are, and nothing else."""


class Need(NamedTuple):
    """Which facts may change what is said of an image."""

    publisher: bool
    """Who publishes it."""
    inside: bool
    """What is inside the digest that it stands for."""
    gates: bool
    """Whether a rule of severity error waits for what is inside."""


_NO_NEED: Final = Need(publisher=False, inside=False, gates=False)


def needs(
    surveys: Iterable[Survey], policy: Policy, *, now: datetime, catalogue: Catalogue | None = None
) -> dict[Reference, Need]:
    """Tell of which images the registries could say something that changes the judgement.

    The publisher matters where name and lists leave open who that is, and of images below
    `library/` that the official list lacks: it may be new. What is inside matters where the name
    leaves open whether the image is supported or current, and behind each pinned digest, which
    may be another version than the tag beside it says. Of what is prohibited in any case, nothing
    matters.
    """
    judge = Judge(policy, now, catalogue=catalogue)
    rules = [policy.rules[rule.id] for rule in (end_of_life.RULE, behind_current.RULE)]
    found: dict[Reference, Need] = {}
    for use in (use for survey in surveys for use in survey.uses):
        reference = use.reference
        if use.kind is not Kind.CONCRETE or reference is None:
            continue
        need = _need(judge.judgement(use), reference)
        is_final = use.role is Role.FINAL
        waits = [
            rule.severity
            for rule in rules
            if use.via is not Via.SYNTAX and rule.applies(final=is_final, production=use.production)
        ]
        known = found.get(reference, _NO_NEED)
        found[reference] = Need(
            need.publisher or known.publisher,
            (need.inside and bool(waits)) or known.inside,
            (need.gates and Severity.ERROR in waits) or known.gates,
        )
    return {reference: need for reference, need in found.items() if any(need)}


def _need(judgement: Judgement, reference: Reference) -> Need:
    """Tell what could change one judgement, wherever the image is used."""
    is_prohibited = judgement.category is Category.PROHIBITED
    source = judgement.quality["official_source"].value
    asks = is_prohibited and not judgement.explicit
    publisher = asks and (source is Truth.UNKNOWN or reference.name.startswith(_LIBRARY))
    if is_prohibited and judgement.category_known:
        return Need(publisher, inside=False, gates=False)
    open_ones = [judgement.quality[name].value for name in ("supported", "current_version")]
    is_open = Truth.UNKNOWN in open_ones and not is_prohibited
    inside = is_open or (reference.digest is not None and not is_prohibited)
    return Need(publisher, inside, gates=open_ones[0] is Truth.UNKNOWN and inside)
