"""What speaks for us: tokens of every kind, and their limits. No representation shows one."""

from __future__ import annotations

import base64
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.values.forge import TokenKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

JOB_LOGIN: Final = "github-actions[bot]"
"""Who a job of GitHub Actions is with the token that it is given."""

JOB_NOTICES: Final = (
    "what the token of a job pushes starts no workflows: start them by dispatch on the branch",
    "workflows of a pull request that a job opens wait until somebody approves them",
    "the token of a job is good for 1,000 requests an hour, in its own repository alone",
    "the token of a job can neither read variables nor change workflow files",
)
"""What a job's token cannot do; docs.github.com: actions/concepts/security/github_token,
rest/using-the-rest-api/rate-limits-for-the-rest-api (read 2026-11)."""

_PREFIXES: Final = {
    "ghp_": TokenKind.CLASSIC,
    "github_pat_": TokenKind.FINE_GRAINED,
    "ghs_": TokenKind.APP,
    "gho_": TokenKind.USER,
    "ghu_": TokenKind.USER,
}
"""https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/"""

_JWT_LIFE: Final = 540
"""Seconds; at most ten minutes are allowed, by a clock that may differ."""
_JWT_BACK: Final = 60
"""Seconds by which our clock may be ahead."""
_EARLY: Final = timedelta(minutes=5)
"""How long before its end a token of an installation is renewed; it lasts an hour."""


def kind_of(token: str) -> TokenKind:
    """Tell the kind of a token by its first characters; older ones have none that tell."""
    if not token:
        return TokenKind.NONE
    for prefix, kind in _PREFIXES.items():
        if token.startswith(prefix):
            return kind
    return TokenKind.UNKNOWN


class Token(Protocol):
    """Gives the token for the next request; safe to share between threads."""

    @property
    def kind(self) -> TokenKind:
        """What kind it is, as far as it shows."""
        ...

    def value(self) -> str:
        """Return the token; empty for none."""
        ...

    def refuse(self, value: str) -> bool:
        """Take note that the forge refused a token; True where another one can be had."""
        ...


class StaticToken:
    """A token that somebody set."""

    __slots__ = ("_value", "kind")

    def __init__(self, value: str) -> None:
        """Keep it."""
        self._value = value
        self.kind = kind_of(value)

    def value(self) -> str:
        """Return the token."""
        return self._value

    def refuse(self, value: str) -> bool:  # noqa: ARG002  # there is but one
        """There is no other one."""
        return False


class Issued(NamedTuple):
    """A token that the forge issued."""

    value: str
    expires: datetime


class AppToken:
    """Tokens of an installation of an app, renewed as they end."""

    kind = TokenKind.APP

    def __init__(self, fetch: Callable[[], Issued], now: Callable[[], datetime]) -> None:
        """Ask for nothing yet.

        Args:
            fetch: Has a token issued.
            now: Tells the time as it passes.
        """
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._issued: Issued | None = None

    def value(self) -> str:
        """Return a token that lasts for a while, the same for all."""
        with self._lock:
            if self._issued is None or self._issued.expires - _EARLY <= self._now():
                self._issued = self._fetch()
            return self._issued.value

    def refuse(self, value: str) -> bool:
        """Drop a token that was refused; another thread may have done so before."""
        with self._lock:
            if self._issued is not None and self._issued.value == value:
                self._issued = None
            return True


def app_jwt(app: str, key: bytes, now: datetime) -> str:
    """Sign who an app is (RFC 7519, RS256), for ten minutes.

    Args:
        app: Its client id or number.
        key: Its private key, as PEM.
        now: The time.

    Raises:
        ForgeError: The key is none, or the library that signs is not installed.
    """
    try:
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415  # extra
        from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415
    except ImportError:
        raise ForgeError(
            "the key of an app can only be used with the package cryptography",
            ForgeFailure.UNSUPPORTED,
            hint="install basekeeper[github-app], or use another kind of token",
        ) from None
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError):  # whose text may show parts of it
        private = None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ForgeError(
            "the key of the app is no private RSA key in PEM without a password",
            ForgeFailure.AUTH,
            hint="use the file that the forge generated for the app",
        )
    at = int(now.timestamp())
    claims = {"iat": at - _JWT_BACK, "exp": at + _JWT_LIFE, "iss": app}
    signed = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_encoded(signature)}"


def _part(said: dict[str, object]) -> str:
    return _encoded(json.dumps(said, separators=(",", ":")).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
