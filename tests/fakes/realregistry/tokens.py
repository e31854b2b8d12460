"""A token server as registries use it: RS256 tokens with the certificate in their header."""

from __future__ import annotations

import base64
import json
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ISSUER = "test issuer"
SERVICE = "test registry"
LIFE_SECONDS = 300
PRIVATE = "private/"
"""Repositories below it are for those who log in; all others may be pulled by anyone."""


@dataclass(slots=True)
class TokenServer:
    """Where tokens come from, and who asked for them."""

    url: str
    bundle: Path
    """The certificate that a registry must trust."""
    login: tuple[str, str]
    asked: list[str] = field(default_factory=list)
    """Queries, in order."""


@contextmanager
def serve_tokens(folder: Path, login: tuple[str, str]) -> Iterator[TokenServer]:
    """Run a token server until the block ends."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = _certificate(key)
    bundle = folder / "token-issuer.pem"
    bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    chain = [base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()]
    handler = type("Handler", (_Handler,), {"key": key, "chain": chain})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    tokens = TokenServer(f"http://127.0.0.1:{server.server_port}/token", bundle, login)
    handler.tokens = tokens  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield tokens
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=365 * 60))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


class _Handler(BaseHTTPRequestHandler):
    tokens: TokenServer
    key: rsa.RSAPrivateKey
    chain: list[str]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        self.tokens.asked.append(target.query)
        user = self._user()
        if user is None:
            self._answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong password"}]})
            return
        scopes = parse_qs(target.query).get("scope", [])
        access = [one for scope in scopes for one in _granted(scope, user)]
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": SERVICE, "sub": user, "jti": uuid.uuid4().hex, "access": access,
            "nbf": now - 10, "iat": now, "exp": now + LIFE_SECONDS,
        }  # fmt: skip
        token = jwt.encode(claims, self.key, algorithm="RS256", headers={"x5c": self.chain})
        self._answer(200, {"token": token, "expires_in": LIFE_SECONDS})

    def _user(self) -> str | None:
        """Who asks: a name, nobody (empty), or None where the password is wrong."""
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return ""
        user, _, password = base64.b64decode(value).decode().partition(":")
        return user if (user, password) == self.tokens.login else None

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


def _granted(scope: str, user: str) -> list[dict[str, Any]]:
    """What of a scope is granted: anything to who logged in, pulling the public to anyone."""
    kind, name, wanted = scope.split(":", 2)
    actions = wanted.split(",")
    if not user:
        actions = [one for one in actions if one == "pull" and not name.startswith(PRIVATE)]
    return [{"type": kind, "name": name, "actions": actions}] if actions else []
