"""What an answer that is none means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.github.documents import read_json
from basekeeper.forge.pacing import Setback
from basekeeper.transport.pauses import retry_after
from basekeeper.transport.redaction import shown_text

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.transport.client import Response

_LIMITED: Final = frozenset({403, 429})
_SERVER_ERRORS: Final = range(500, 600)
_SECONDARY: Final = re.compile(r"secondary rate limit|abuse detection", re.IGNORECASE)
_PRIMARY: Final = re.compile(r"\brate limit\b", re.IGNORECASE)
_ARCHIVED: Final = re.compile(r"\barchived\b", re.IGNORECASE)
_EMPTY: Final = re.compile(r"repository is empty", re.IGNORECASE)
_VERSION: Final = re.compile(r"api.version|not a supported version", re.IGNORECASE)

_KINDS: Final = {
    401: ForgeFailure.AUTH,
    403: ForgeFailure.PERMISSION,
    404: ForgeFailure.NOT_FOUND,
    405: ForgeFailure.CONFLICT,
    408: ForgeFailure.TRANSIENT,
    409: ForgeFailure.CONFLICT,
    410: ForgeFailure.NOT_FOUND,
    415: ForgeFailure.UNSUPPORTED,
    422: ForgeFailure.CONFLICT,
    451: ForgeFailure.PERMISSION,
}
_GRAPHQL: Final = {
    "NOT_FOUND": ForgeFailure.NOT_FOUND,
    "FORBIDDEN": ForgeFailure.PERMISSION,
    "INSUFFICIENT_SCOPES": ForgeFailure.PERMISSION,
    "RATE_LIMITED": ForgeFailure.LIMITED,
    "UNPROCESSABLE": ForgeFailure.CONFLICT,
    "STALE_DATA": ForgeFailure.CONFLICT,
    "INTERNAL": ForgeFailure.TRANSIENT,
    "undefinedField": ForgeFailure.UNSUPPORTED,
    "undefinedType": ForgeFailure.UNSUPPORTED,
    "argumentNotAccepted": ForgeFailure.UNSUPPORTED,
}
_HINTS: Final = {
    ForgeFailure.AUTH: "check the token: it is wrong, revoked or expired",
    ForgeFailure.PERMISSION: "give the token that permission",
    ForgeFailure.NOT_FOUND: "check the name, and that the token may see the repository",
    ForgeFailure.LIMITED: "run again later",
    ForgeFailure.TRANSIENT: "run again later",
}


def said_by(response: Response) -> str:
    """Return what the forge says of a failure: its message and the messages of single fields."""
    try:
        return said_of(read_json(response.body, "answer"))
    except ForgeError:
        return ""


def said_of(document: Any) -> str:
    """Return the same of an answer that was read."""
    if not isinstance(document, dict):
        return ""
    parts = [document.get("message"), *_details(document.get("errors"))]
    return "; ".join(part for part in parts if isinstance(part, str) and part)


def _details(errors: Any) -> list[str]:
    if not isinstance(errors, list):
        return [errors] if isinstance(errors, str) else []
    found = []
    for one in errors[:10]:
        if isinstance(one, dict):
            words = (one.get(key) for key in ("resource", "field", "code", "message"))
            found.append(" ".join(word for word in words if isinstance(word, str)))
        elif isinstance(one, str):
            found.append(one)
    return found


def setback_of(response: Response, what: str, now: datetime) -> Setback:
    """Tell what an answer with another status than 2xx means.

    Args:
        response: The answer.
        what: What was asked, for messages.
        now: The time, where the forge tells none.
    """
    said = said_by(response)
    if response.status in _LIMITED:
        limit = _limit(response, said, what, now)
        if limit is not None:
            return limit
    failure = _failure(response.status, said)
    needs = None
    if failure is ForgeFailure.PERMISSION:
        needs = _needed(response)
    shown = f": {shown_text(said)}" if said else ""
    needed = f"; needed: {needs}" if needs else ""
    error = ForgeError(
        f"{what}: status {response.status}{shown}{needed}",
        failure,
        hint=_HINTS.get(failure),
        needs=needs,
    )
    asked = retry_after(response.headers, b"", now) if failure is ForgeFailure.TRANSIENT else None
    return Setback(error, asked)


def _failure(status: int, said: str) -> ForgeFailure:
    if status in _SERVER_ERRORS:
        return ForgeFailure.TRANSIENT
    if _ARCHIVED.search(said) or _EMPTY.search(said) or (status == 400 and _VERSION.search(said)):  # noqa: PLR2004
        return ForgeFailure.UNSUPPORTED
    return _KINDS.get(status, ForgeFailure.REFUSED)


def _limit(response: Response, said: str, what: str, now: datetime) -> Setback | None:
    """Read a limit; None where the refusal is another one."""
    headers = response.headers
    is_primary = headers.get("x-ratelimit-remaining", "").strip() == "0"
    is_secondary = _SECONDARY.search(said) is not None
    is_told = is_secondary or is_primary or _PRIMARY.search(said) is not None
    if not is_told and response.status != 429 and "retry-after" not in headers:  # noqa: PLR2004
        return None
    # A secondary limit without Retry-After says nothing about time, whatever the primary one has.
    is_silent = is_secondary and "retry-after" not in headers and not is_primary
    wait = None if is_silent else retry_after(headers, b"", now)
    kind = "the secondary rate limit" if is_secondary or not is_primary else "the rate limit"
    error = ForgeError(
        f"{what}: {kind} is reached (status {response.status})",
        ForgeFailure.LIMITED,
        hint="run again later, or less often; the token of an app is allowed more",
    )
    return Setback(error, wait, is_secondary=is_secondary or not is_primary)


def _needed(response: Response) -> str | None:
    """Return which permission is needed, where the forge says so.

    https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
    """
    if "x-github-sso" in response.headers:
        return "authorisation of the token for single sign-on of the organisation"
    for name in ("x-accepted-github-permissions", "x-accepted-oauth-scopes"):
        text = shown_text(response.headers.get(name, "")).strip()
        if text:
            return text
    return None


def graphql_setback(errors: list[Any], what: str, response: Response, now: datetime) -> Setback:
    """Tell what the errors of an answer of GraphQL mean; the first one counts."""
    first = errors[0] if errors and isinstance(errors[0], dict) else {}
    extensions = first.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    word = first.get("type") or code
    text = first.get("message")
    said = text if isinstance(text, str) else ""
    failure = _GRAPHQL.get(word, ForgeFailure.CONFLICT) if isinstance(word, str) else None
    is_secondary = _SECONDARY.search(said) is not None
    if is_secondary:
        failure = ForgeFailure.LIMITED
    elif failure is None:
        failure = ForgeFailure.UNSUPPORTED if "doesn't exist on type" in said else None
    failure = failure or ForgeFailure.CONFLICT
    error = ForgeError(f"{what}: {shown_text(said)}", failure, hint=_HINTS.get(failure))
    wait = retry_after(response.headers, b"", now) if failure is ForgeFailure.LIMITED else None
    return Setback(error, wait, is_secondary=is_secondary)
