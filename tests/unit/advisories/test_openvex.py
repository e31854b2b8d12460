from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from basekeeper.advisories.documents import instant
from basekeeper.advisories.openvex import (
    CONTEXT,
    Justification,
    VexDocument,
    VexStatus,
    parse_openvex,
    standing,
)
from basekeeper.errors import InputError

IMAGE = "pkg:oci/api@sha256%3Aaa"
GLIBC = "pkg:deb/debian/libc6@2.36-9"
PRODUCT = {
    "@id": IMAGE,
    "identifiers": {"purl": "pkg:docker/acme/api@1"},
    "hashes": {"sha-256": "AA"},
    "subcomponents": [{"@id": GLIBC}],
}
STATEMENT = {
    "vulnerability": {"name": "CVE-2023-4911", "aliases": ["GHSA-m77w-6vjw-wh2f"]},
    "products": [PRODUCT],
    "status": "not_affected",
    "justification": "vulnerable_code_not_in_execute_path",
}


def document(*statements: object, **said: Any) -> bytes:
    whole = {
        "@context": CONTEXT,
        "@id": "https://vex.example/1",
        "author": "Acme",
        "timestamp": "2026-03-02T10:00:00Z",
        "version": 1,
        "statements": list(statements),
    }
    return json.dumps(whole | said).encode()


def read(*statements: object, **said: Any) -> VexDocument:
    return parse_openvex(document(*statements, **said))


def test_reads_a_statement_with_its_justification() -> None:
    found = read(STATEMENT)
    (statement,) = found.statements
    assert (found.id, found.author) == ("https://vex.example/1", "Acme")
    assert (statement.author, statement.document) == ("Acme", found.id)
    assert statement.status is VexStatus.NOT_AFFECTED
    assert statement.justification is Justification.VULNERABLE_CODE_NOT_IN_EXECUTE_PATH
    assert statement.names == {"CVE-2023-4911", "GHSA-M77W-6VJW-WH2F"}
    (product,) = statement.products
    assert product.names == {IMAGE, "pkg:docker/acme/api@1", "sha256:aa"}
    assert product.components == {GLIBC}


def test_a_statement_was_said_when_it_says_or_else_its_document() -> None:
    def hour(number: int) -> datetime:
        return datetime(2026, 3, 2, number, tzinfo=UTC)

    assert read(STATEMENT).statements[0].at == hour(10)
    changed = read(STATEMENT, last_updated="2026-03-02T13:00:00+02:00")
    assert (changed.at, changed.statements[0].at) == (hour(11), hour(11))
    own = read(STATEMENT | {"timestamp": "2026-03-02T08:00:00Z"})
    assert own.statements[0].at == hour(8)


def test_keeps_words_where_no_justification_is_given() -> None:
    words = {**STATEMENT, "justification": None, "impact_statement": "not called"}
    (statement,) = read(words).statements
    assert (statement.justification, statement.impact) == (None, "not called")


STANDING = [
    ({"CVE-2023-4911"}, {IMAGE}, {GLIBC}, True),
    ({"ghsa-m77w-6vjw-wh2f"}, {"sha256:aa"}, {GLIBC, "x"}, True),
    ({"CVE-2023-4912"}, {IMAGE}, {GLIBC}, False),
    ({"CVE-2023-4911"}, {"pkg:oci/api"}, {GLIBC}, False),
    ({"CVE-2023-4911"}, {IMAGE}, {"pkg:deb/debian/libc6"}, False),
    ({"CVE-2023-4911"}, {IMAGE}, set(), False),
]


@pytest.mark.parametrize(("vulnerability", "product", "package", "matches"), STANDING)
def test_a_statement_holds_for_what_it_names_alone(
    vulnerability: set[str], product: set[str], package: set[str], matches: object
) -> None:
    found = standing(
        [read(STATEMENT)], vulnerability=vulnerability, product=product, package=package
    )
    assert bool(found) is matches


def holding(*documents: VexDocument) -> list[tuple[str, VexStatus]]:
    found = standing(documents, vulnerability={"CVE-2023-4911"}, product={IMAGE}, package={GLIBC})
    return [(one.author, one.status) for one in found]


def test_without_components_the_whole_product_is_meant() -> None:
    whole = STATEMENT | {"products": [{"@id": IMAGE}]}
    assert holding(read(whole)) == [("Acme", VexStatus.NOT_AFFECTED)]
    nobody = {key: value for key, value in STATEMENT.items() if key != "products"}
    assert holding(read(nobody)) == []


def test_the_last_statement_of_each_author_holds() -> None:
    back = {**STATEMENT, "status": "affected", "justification": None}
    first = read(STATEMENT)
    second = read(back, **{"@id": "0", "timestamp": "2026-03-03T00:00:00Z"})
    other = read(STATEMENT, **{"@id": "x", "author": "Zed"})
    expected = [("Acme", VexStatus.AFFECTED), ("Zed", VexStatus.NOT_AFFECTED)]
    assert holding(first, second, other) == expected
    assert holding(other, second, first) == expected
    assert holding(read(STATEMENT, back)) == [("Acme", VexStatus.AFFECTED)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "not valid JSON"),
        (document(STATEMENT, **{"@context": "https://openvex.dev/ns"}), "as '@context', got"),
        (document(STATEMENT, author=" "), "lacks 'author'"),
        (document(STATEMENT, timestamp="yesterday"), "timestamp: expected an instant"),
        (document(STATEMENT, timestamp="2026-03-02T10:00:00"), "expected an instant"),
        (document(STATEMENT, statements={}), "expected a list of objects as 'statements'"),
        (document(STATEMENT | {"vulnerability": "CVE-1"}), "expected an object as 'vulnerab"),
        (document(STATEMENT | {"vulnerability": {}}), "vulnerability: lacks 'name'"),
        (document(STATEMENT | {"status": "fine"}), "status: expected one of not_affected, aff"),
        (document(STATEMENT | {"justification": "no"}), "justification: 'no' is none"),
        (document(STATEMENT | {"justification": None}), "needs a justification or an impact"),
        (document(STATEMENT | {"status": "fixed"}), "belongs to not_affected alone"),
        (document(STATEMENT | {"products": ["x"]}), "expected a list of objects as 'products'"),
        (
            document(STATEMENT | {"products": [{"subcomponents": [{}]}]}),
            "products[0]: subcomponents: none of them has an identifier",
        ),
        (
            document(STATEMENT | {"products": [{"hashes": []}, {"hashes": [1]}]}),
            "products[1]: expected objects",
        ),
        (
            document(STATEMENT | {"vulnerability": {"name": "x", "aliases": [1]}}),
            "aliases: expected a list of texts",
        ),
        (
            document(STATEMENT | {"vulnerability": {"name": "x", "aliases": ["a"] * 101}}),
            "has more than 100 aliases",
        ),
    ],
)
def test_refuses_what_is_wrong(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_openvex(data)
    assert message in caught.value.message


def test_refuses_more_than_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("basekeeper.advisories.openvex.MAX_STATEMENTS", 1)
    with pytest.raises(InputError, match="has more than 1 statements"):
        read(STATEMENT, STATEMENT)


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-03-02T10:00:00Z", 0),
        ("2026-03-02t10:00:00.5z", 500_000),
        ("2026-03-02T10:00:00.1234567891Z", 123_456),
        ("2026-03-02T15:30:00+05:30", 0),
        ("2026-03-02T15:30:00+0530", 0),
    ],
)
def test_instants_are_those_of_rfc_3339(text: str, microsecond: int) -> None:
    expected = datetime(2026, 3, 2, 10, 0, 0, microsecond, tzinfo=UTC)
    assert instant(text, "x") == expected
    assert instant(text, "x").tzinfo is UTC
    assert expected == expected.astimezone(timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    "text", ["2026-02-30T10:00:00Z", "0001-01-01T00:00:00+05:00", "2026-03-02T10:00:00+99:00"]
)
def test_refuses_instants_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="expected an instant"):
        instant(text, "x")
