"""What a list of packages says of the image that it is of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from basekeeper.scanners.cyclonedx import passed_over, tell_of_image, told_of_image

A, B = (f"sha256:{letter * 64}" for letter in "ab")
TRIVY = "aquasecurity:trivy:"


def document(*told: tuple[str, str]) -> dict[str, Any]:
    properties = [{"name": name, "value": value} for name, value in told]
    return {"metadata": {"component": {"name": "x", "properties": properties}}}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((), (None, ())),
        (((f"{TRIVY}ImageID", A), (f"{TRIVY}DiffID", B)), (A, (B,))),
        (((f"{TRIVY}DiffID", A), (f"{TRIVY}DiffID", B)), (None, ())),
    ],
)
def test_layers_in_an_order_that_says_nothing_are_not_told(
    told: tuple[tuple[str, str], ...], expected: tuple[object, ...]
) -> None:
    assert told_of_image(document(*told)) == expected


def test_what_is_written_down_is_told_whatever_its_maker_says() -> None:
    theirs = document((f"{TRIVY}ImageID", A), (f"{TRIVY}DiffID", A), (f"{TRIVY}DiffID", B))
    ours = json.loads(tell_of_image(theirs, None, (B, A)))
    assert told_of_image(ours) == (A, (B, A))
    assert ours["metadata"]["component"]["name"] == "x"
    assert told_of_image(json.loads(tell_of_image({}, B, (A,)))) == (B, (A,))


def test_only_what_is_passed_over_is_counted() -> None:
    assert passed_over({"a"}, {"a", "b"}) == []
    assert passed_over({"a", "b"}, {"b"}) == ["1 package of the SBOM was not looked at"]
    assert passed_over({"a", "b"}, set()) == ["2 packages of the SBOM were not looked at"]
