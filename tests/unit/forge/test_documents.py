from __future__ import annotations

from datetime import UTC, datetime

import pytest

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.github.documents import Node, read_json


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"a": 1, "a": 1}', b"NaN", b"[" * 9999, b"\xff", b"1" * 30]
)
def test_what_no_honest_document_holds_is_refused(data: bytes) -> None:
    with pytest.raises(ForgeError, match="what: ") as caught:
        read_json(data, "what")
    assert caught.value.failure is ForgeFailure.REFUSED


@pytest.mark.parametrize("value", [None, 1, "x", [], True])
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(ForgeError, match="an object is missing"):
        Node(value, "what")


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("text", 1), ("text", None), ("number", "1"), ("number", True), ("flag", 1),
        ("maybe_flag", "x"), ("maybe_text", 1), ("oid", "x" * 40), ("oid", None),
        ("instant", "yesterday"), ("instant", 1), ("node", None), ("maybe_node", []),
    ],
)  # fmt: skip
def test_what_is_of_another_type_is_refused(read: str, value: object) -> None:
    node = Node({"a": value}, "what")
    with pytest.raises(ForgeError) as caught:
        getattr(node, read)("a")
    assert caught.value.failure is ForgeFailure.REFUSED


@pytest.mark.parametrize("value", [{}, "x", 1])
def test_what_is_no_list_is_refused(value: object) -> None:
    node = Node({"a": value}, "what")
    with pytest.raises(ForgeError, match="no list"):
        list(node.nodes("a"))
    with pytest.raises(ForgeError, match="no list"):
        node.texts("a")


def test_what_is_missing_is_none_where_it_may_be() -> None:
    node = Node({"a": None}, "what")
    for key in ("a", "b"):
        assert (node.maybe_text(key), node.maybe_flag(key)) == (None, None)
        assert node.maybe_node(key) is None
        assert node.instant(key) is None
        assert node.flag(key) is False
        assert (list(node.nodes(key)), node.texts(key)) == ([], ())


def test_what_is_there_is_read() -> None:
    node = Node(
        {"t": "x", "n": 3, "f": True, "o": "a" * 40, "i": "2026-11-26T13:00:00+01:00",
         "z": "2026-11-26T12:00:00Z", "l": ["a", 1, "b"], "d": [{"t": "y"}]}, "what",
    )  # fmt: skip
    assert (node.text("t"), node.number("n"), node.flag("f"), node.oid("o")) == (
        "x", 3, True, "a" * 40,
    )  # fmt: skip
    assert node.instant("i") == node.instant("z") == datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert node.texts("l") == ("a", "b")
    assert [one.text("t") for one in node.nodes("d")] == ["y"]
