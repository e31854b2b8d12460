"""What git says where a remote does not do what was asked, as kinds of failure.

The words are those of git and curl with LC_ALL=C; servers behind ssh say their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.gitremote import said

if TYPE_CHECKING:
    from basekeeper.process import Completed

_WORDS: Final = (
    (ForgeFailure.PERMISSION, (
        "returned error: 403", "access denied", "write access", "read-only", "not authorized",
        "permission to ", "insufficient permission", "unable to create temporary object directory",
        "not allowed to push",
    )),
    (ForgeFailure.AUTH, (
        "authentication failed", "could not read username", "could not read password",
        "returned error: 401", "permission denied (", "host key verification failed",
        "invalid credentials", "terminal prompts disabled",
    )),
    (ForgeFailure.NOT_FOUND, (
        "not found", "does not exist", "does not appear to be a git repository",
        "returned error: 404", "not our ref", "unadvertised object", "couldn't find remote ref",
    )),
    (ForgeFailure.REFUSED, (
        "mismatched algorithms", "protocol error", "unable to access", "transport '",
    )),
)  # fmt: skip
"""Of several that fit the first counts."""

_UNREACHABLE: Final = (
    "could not resolve", "couldn't connect", "failed to connect", "timed out", "connection refused",
    "connection reset", "empty reply", "hung up", "early eof", "returned error: 5", "rpc failed",
    "connection closed", "ssl", "gnutls",
)  # fmt: skip

_HINTS: Final = {
    ForgeFailure.PERMISSION: "let whoever git logs in as push to the repository",
    ForgeFailure.AUTH: "give git a valid login: a credential helper, a token, or an ssh key",
    ForgeFailure.NOT_FOUND: "check the name, and what whoever git logs in as may see",
    ForgeFailure.TRANSIENT: "try again; if it stays so: git ls-remote URL",
    ForgeFailure.REFUSED: "look at the remote: git ls-remote URL",
}


def failure_of(done: Completed) -> ForgeFailure:
    """Tell what kind of failure git had with a remote; what nobody knows may pass."""
    text = (done.stderr + b"\n" + done.stdout).decode("utf-8", "replace").lower()
    if "returned error: 4" not in text and any(word in text for word in _UNREACHABLE):
        is_denied = any(word in text for word in (*_WORDS[0][1], *_WORDS[1][1], *_WORDS[2][1]))
        if not is_denied:
            return ForgeFailure.TRANSIENT
    for failure, words in _WORDS:
        if any(word in text for word in words):
            return failure
    return ForgeFailure.TRANSIENT


def failed(what: str, done: Completed, failure: ForgeFailure | None = None) -> ForgeError:
    """Say what git could not do.

    Args:
        what: Beginning of a sentence, such as `acme/shop cannot be read`.
        done: What git said.
        failure: What kind it is; None: as it reads.
    """
    kind = failure or failure_of(done)
    needs = "push" if kind is ForgeFailure.PERMISSION else None
    return ForgeError(f"{what}: {said(done)}", kind, hint=_HINTS.get(kind), needs=needs)


def conflict(message: str, hint: str | None = None) -> ForgeError:
    """Say that what is there is not what was expected."""
    return ForgeError(message, ForgeFailure.CONFLICT, hint=hint)


def refused(message: str, hint: str | None = None) -> ForgeError:
    """Say that something broke a rule of safety."""
    return ForgeError(message, ForgeFailure.REFUSED, hint=hint)


def unsupported(what: str) -> ForgeError:
    """Say that a plain git server has no such thing."""
    return ForgeError(
        f"a plain git remote {what}",
        ForgeFailure.UNSUPPORTED,
        hint="use the forge's own adapter, or have that done elsewhere",
    )
