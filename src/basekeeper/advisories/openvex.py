"""VEX statements: whether a product is affected by a vulnerability, and why not.

Format: OpenVEX 0.2.0, https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md. A statement
without products or with ones that are not ours says nothing to us. Products and components match
by their whole identifier: a package URL without version does not stand for all versions.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from basekeeper.advisories.documents import instant, needed, read_json, rows, text
from basekeeper.errors import InputError
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

CONTEXT: Final = "https://openvex.dev/ns/v0.2.0"
"""The only `@context` that is read."""

MAX_STATEMENTS: Final = 20_000
"""Most statements of one document."""

MAX_PRODUCTS: Final = 10_000
"""Most products of one statement, and most components of one product."""

MAX_ALIASES: Final = 100
"""Most other names of one vulnerability."""


class VexStatus(StrEnum):
    """What a statement says."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


class Justification(StrEnum):
    """Why a product is not affected."""

    COMPONENT_NOT_PRESENT = "component_not_present"
    VULNERABLE_CODE_NOT_PRESENT = "vulnerable_code_not_present"
    VULNERABLE_CODE_NOT_IN_EXECUTE_PATH = "vulnerable_code_not_in_execute_path"
    VULNERABLE_CODE_CANNOT_BE_CONTROLLED = "vulnerable_code_cannot_be_controlled_by_adversary"
    INLINE_MITIGATIONS_ALREADY_EXIST = "inline_mitigations_already_exist"


@dataclass(frozen=True, slots=True)
class VexProduct:
    """What a statement is about."""

    names: frozenset[str]
    """Every identifier: `@id`, package URL, CPE, digests as `algorithm:value`."""
    components: frozenset[str] = frozenset()
    """Identifiers of the parts that are meant; empty: the whole product."""

    def matches(self, product: Collection[str], package: Collection[str]) -> bool:
        """Tell whether a package of a product is meant, both by all their identifiers."""
        is_product = not self.names.isdisjoint(product)
        return is_product and (not self.components or not self.components.isdisjoint(package))


@dataclass(frozen=True, slots=True, kw_only=True)
class VexStatement:
    """One statement, with what its document says for all of them."""

    author: str
    document: str
    """`@id` of the document."""
    vulnerability: str
    aliases: tuple[str, ...]
    products: tuple[VexProduct, ...]
    status: VexStatus
    at: datetime
    """When it was said: the statement's own time, else that of the document."""
    justification: Justification | None = None
    impact: str | None = None
    """Why not affected, in words, where no justification is given."""
    action: str | None = None
    """What to do where affected."""

    @property
    def names(self) -> frozenset[str]:
        """Every name of the vulnerability, in capitals."""
        return frozenset(name.upper() for name in (self.vulnerability, *self.aliases))


@dataclass(frozen=True, slots=True, kw_only=True)
class VexDocument:
    """What one author said."""

    id: str
    author: str
    at: datetime
    """When it was last changed."""
    statements: tuple[VexStatement, ...]
    """In the order of the document."""


def parse_openvex(data: bytes, *, source: str = "OpenVEX") -> VexDocument:
    """Read a document.

    Args:
        data: JSON.
        source: What messages call it.

    Raises:
        InputError: It is no OpenVEX 0.2.0 document. One wrong statement refuses all of it, as a
            later statement takes back an earlier one.
    """
    content = read_json(data, source)
    if content.get("@context") != CONTEXT:
        raise InputError(
            f"{source}: expected {CONTEXT!r} as '@context', got {content.get('@context')!r:.80}"
        )
    made = instant(needed(content, "timestamp", source), f"{source}: timestamp")
    changed = text(content, "last_updated", source)
    head = _Head(
        needed(content, "@id", source),
        needed(content, "author", source),
        made if changed is None else instant(changed, f"{source}: last_updated"),
    )
    found = rows(content, "statements", source, most=MAX_STATEMENTS)
    return VexDocument(
        id=head.id,
        author=head.author,
        at=head.at,
        statements=tuple(
            _statement(row, head, f"{source}: statements[{index}]")
            for index, row in enumerate(found)
        ),
    )


def standing(
    documents: Iterable[VexDocument],
    *,
    vulnerability: Collection[str],
    product: Collection[str],
    package: Collection[str],
) -> tuple[VexStatement, ...]:
    """Return what holds of a vulnerability of a package of a product.

    Args:
        documents: In any order.
        vulnerability: All its names.
        product: All identifiers of the image: package URLs, digests.
        package: All identifiers of the package.

    Returns:
        The last statement of each author, sorted by author. Of several at one instant, the last of
        the document with the greatest `@id`.
    """
    names = {name.upper() for name in vulnerability}
    last: dict[str, VexStatement] = {}
    for document in sorted(documents, key=lambda one: one.id):
        for statement in document.statements:
            is_about = not names.isdisjoint(statement.names) and any(
                one.matches(product, package) for one in statement.products
            )
            earlier = last.get(statement.author)
            if is_about and (earlier is None or statement.at >= earlier.at):
                last[statement.author] = statement
    return tuple(last[author] for author in sorted(last))


@dataclass(frozen=True, slots=True)
class _Head:
    """What a document says for all its statements."""

    id: str
    author: str
    at: datetime


def _statement(row: dict[str, Any], head: _Head, what: str) -> VexStatement:
    vulnerability = row.get("vulnerability")
    if not isinstance(vulnerability, dict):
        raise InputError(f"{what}: expected an object as 'vulnerability'")
    said = text(row, "timestamp", what)
    statement = VexStatement(
        author=head.author,
        document=head.id,
        vulnerability=needed(vulnerability, "name", f"{what}: vulnerability"),
        aliases=_texts(vulnerability, "aliases", what),
        products=tuple(_products(row, what)),
        status=_status(row, what),
        at=head.at if said is None else instant(said, f"{what}: timestamp"),
        justification=_justification(row, what),
        impact=text(row, "impact_statement", what),
        action=text(row, "action_statement", what),
    )
    is_excused = statement.status is VexStatus.NOT_AFFECTED
    if is_excused and statement.justification is None and statement.impact is None:
        raise InputError(f"{what}: not_affected needs a justification or an impact_statement")
    if not is_excused and statement.justification is not None:
        raise InputError(f"{what}: justification: belongs to not_affected alone")
    return statement


def _products(row: dict[str, Any], what: str) -> list[VexProduct]:
    if row.get("products") is None:
        return []
    found = []
    for index, product in enumerate(rows(row, "products", what, most=MAX_PRODUCTS)):
        where = f"{what}: products[{index}]"
        parts = []
        if product.get("subcomponents") is not None:
            parts = rows(product, "subcomponents", where, most=MAX_PRODUCTS)
        components = frozenset(name for part in parts for name in _names(part, where))
        if parts and not components:
            raise InputError(f"{where}: subcomponents: none of them has an identifier")
        found.append(VexProduct(_names(product, where), components))
    return found


def _names(component: dict[str, Any], what: str) -> frozenset[str]:
    """Return every identifier of a component."""
    identifiers, hashes = component.get("identifiers") or {}, component.get("hashes") or {}
    if not isinstance(identifiers, dict) or not isinstance(hashes, dict):
        raise InputError(f"{what}: expected objects as 'identifiers' and 'hashes'")
    found = {text(component, "@id", what)}
    found |= {text(identifiers, key, what) for key in identifiers}
    for algorithm in hashes:
        value = text(hashes, algorithm, what)
        if value is not None:
            found.add(f"{algorithm.lower().replace('sha-', 'sha')}:{value.lower()}")
    return frozenset(name for name in found if name is not None)


def _status(row: dict[str, Any], what: str) -> VexStatus:
    word = needed(row, "status", what)
    try:
        return VexStatus(word)
    except ValueError:
        expected = ", ".join(VexStatus)
        raise InputError(f"{what}: status: expected one of {expected}; got {word!r:.80}") from None


def _justification(row: dict[str, Any], what: str) -> Justification | None:
    word = text(row, "justification", what)
    if word is None:
        return None
    try:
        return Justification(word)
    except ValueError:
        raise InputError(f"{what}: justification: {word!r:.80} is none") from None


def _texts(content: dict[str, Any], key: str, what: str) -> tuple[str, ...]:
    value = content.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InputError(f"{what}: {key}: expected a list of texts")
    if len(value) > MAX_ALIASES:
        raise InputError(f"{what}: has more than {MAX_ALIASES} {key}")
    return tuple(value)
