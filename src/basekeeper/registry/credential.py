"""A credential as a value that cannot be shown by accident."""

from __future__ import annotations

import base64
import re
from enum import StrEnum
from typing import Final

from basekeeper.records import dataclass

IDENTITY_USER = "<token>"
"""User name by which helpers and files say that the secret is an identity token."""

_VISIBLE: Final = re.compile(r"[!-~]+")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""What bytes that are no UTF-8, and half a character in JSON, are read as."""


class Kind(StrEnum):
    """What a credential is good for."""

    PASSWORD = "user name and password"  # noqa: S105  # a description
    IDENTITY = "identity token"
    """Exchanged for bearer tokens at the realm (`grant_type=refresh_token`)."""
    BEARER = "bearer token"
    """Sent to the registry as it is."""


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """Who we are at a registry. Equal ones share their tokens."""

    kind: Kind
    username: str
    secret: str
    source: str
    """Where it is from, for messages: never part of it."""

    def __repr__(self) -> str:
        """Say kind and source alone."""
        return f"<Credential: {self.kind} from {self.source}>"

    @property
    def is_sendable(self) -> bool:
        """Tell whether a request can hold it: a bearer token is visible ASCII, the rest Unicode."""
        if self.kind is Kind.BEARER:
            return _VISIBLE.fullmatch(self.secret) is not None
        return _SURROGATE.search(self.username + self.secret) is None

    @property
    def basic(self) -> str:
        """The value of an Authorization header with user name and password."""
        pair = f"{self.username}:{self.secret}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")


def make_credential(username: str, secret: str, source: str) -> Credential | None:
    """Make a credential of what a helper or a file says; None where it says nothing."""
    if not secret:
        return None
    kind = Kind.IDENTITY if username == IDENTITY_USER else Kind.PASSWORD
    return Credential(kind, username, secret, source)
