from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from basekeeper.errors import ForgeFailure
from basekeeper.forge.github.failures import graphql_setback, setback_of
from basekeeper.transport.client import Response

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
RESET = str(int(NOW.timestamp()) + 77)


def response(status: int, message: object = "", **headers: str) -> Response:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, told, json.dumps({"message": message}).encode(), "https://x/y")


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (response(401, "Bad credentials"), ForgeFailure.AUTH),
        (response(403, "Resource not accessible"), ForgeFailure.PERMISSION),
        (response(403, "Repository was archived so is read-only."), ForgeFailure.UNSUPPORTED),
        (response(404), ForgeFailure.NOT_FOUND),
        (response(405), ForgeFailure.CONFLICT),
        (response(409, "Git Repository is empty."), ForgeFailure.UNSUPPORTED),
        (response(409), ForgeFailure.CONFLICT),
        (response(410), ForgeFailure.NOT_FOUND),
        (response(418), ForgeFailure.REFUSED),
        (response(422), ForgeFailure.CONFLICT),
        (response(451), ForgeFailure.PERMISSION),
        (response(400, "unsupported API version"), ForgeFailure.UNSUPPORTED),
        (response(400), ForgeFailure.REFUSED),
        (response(500), ForgeFailure.TRANSIENT),
        (response(599), ForgeFailure.TRANSIENT),
    ],
)
def test_each_status_is_a_kind_of_failure(answer: Response, failure: ForgeFailure) -> None:
    assert setback_of(answer, "what", NOW).error.failure is failure


@pytest.mark.parametrize(
    ("answer", "wait", "is_secondary"),
    [
        (response(403, "rate limit", x_ratelimit_remaining="0", x_ratelimit_reset=RESET),
         77, False),
        (response(429, "", x_ratelimit_remaining="0", x_ratelimit_reset=RESET), 77, False),
        (response(403, "You have exceeded a secondary rate limit", retry_after="5"), 5, True),
        (response(403, "You have exceeded a secondary rate limit"), None, True),
        (response(403, "secondary rate limit", x_ratelimit_remaining="9", x_ratelimit_reset=RESET),
         None, True),
        (response(403, "secondary rate limit", x_ratelimit_reset=RESET), None, True),
        (response(429, "slow down"), None, True),
        (response(403, "", retry_after="9"), 9, True),
        (response(403, "abuse detection mechanism"), None, True),
    ],
)  # fmt: skip
def test_a_limit_is_told_from_other_refusals(
    answer: Response,
    wait: float | None,
    is_secondary: bool,  # noqa: FBT001
) -> None:
    found = setback_of(answer, "what", NOW)
    assert found.error.failure is ForgeFailure.LIMITED
    assert (found.wait, found.is_secondary) == (wait, is_secondary)


def test_what_the_forge_says_is_shown_on_one_line_without_queries() -> None:
    body = {"message": "a\nb https://x/?token=1", "errors": [{"field": "f", "code": "c"}, "t", 3]}
    answer = Response(422, {}, json.dumps(body).encode(), "https://x")
    text = setback_of(answer, "what", NOW).error.message
    assert "\n" not in text
    assert "token=1" not in text
    assert "f c" in text


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"message": 1, "errors": "x"}'])
def test_a_failure_without_words_is_one_too(body: bytes) -> None:
    found = setback_of(Response(404, {}, body, "https://x"), "what", NOW)
    assert found.error.message.startswith("what: status 404")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ({"type": "NOT_FOUND"}, ForgeFailure.NOT_FOUND),
        ({"type": "FORBIDDEN"}, ForgeFailure.PERMISSION),
        ({"type": "UNPROCESSABLE"}, ForgeFailure.CONFLICT),
        ({"type": "SOMETHING"}, ForgeFailure.CONFLICT),
        ({"extensions": {"code": "undefinedField"}}, ForgeFailure.UNSUPPORTED),
        ({"message": "Field 'x' doesn't exist on type 'Y'"}, ForgeFailure.UNSUPPORTED),
        ({"message": "You have exceeded a secondary rate limit"}, ForgeFailure.LIMITED),
        ({}, ForgeFailure.CONFLICT),
        ("x", ForgeFailure.CONFLICT),
    ],
)
def test_an_error_of_graphql_is_a_kind_of_failure(error: object, failure: ForgeFailure) -> None:
    found = graphql_setback([error], "what", response(200), NOW)
    assert found.error.failure is failure
