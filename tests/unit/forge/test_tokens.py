from __future__ import annotations

import builtins
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.github.opening import App
from basekeeper.forge.github.tokens import AppToken, Issued, StaticToken, app_jwt, kind_of
from basekeeper.values.forge import TokenKind

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("", TokenKind.NONE), ("ghp_x", TokenKind.CLASSIC), ("ghs_x", TokenKind.APP),
        ("github_pat_x", TokenKind.FINE_GRAINED), ("gho_x", TokenKind.USER),
        ("ghu_x", TokenKind.USER), ("0123456789abcdef", TokenKind.UNKNOWN),
    ],
)  # fmt: skip
def test_the_kind_of_a_token_shows_in_its_first_characters(token: str, kind: TokenKind) -> None:
    assert kind_of(token) is kind
    assert StaticToken(token).kind is kind


def test_no_representation_shows_a_secret() -> None:
    shown = repr(StaticToken("ghp_s3cr3t")) + repr(App("1", 2, b"s3cr3t"))
    assert "s3cr3t" not in shown


def test_a_static_token_has_no_successor() -> None:
    token = StaticToken("a")
    assert not token.refuse("a")
    assert token.value() == "a"


def test_an_app_is_signed_for_ten_minutes() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signed = app_jwt("Iv1.x", pem(key), NOW)
    found: dict[str, Any] = jwt.decode(
        signed, key.public_key(), algorithms=["RS256"],
        options={"verify_exp": False, "verify_iat": False},
    )  # fmt: skip
    at = int(NOW.timestamp())
    assert found == {"iat": at - 60, "exp": at + 540, "iss": "Iv1.x"}


@pytest.mark.parametrize("key", [b"s3cr3t", b"", pem(ec.generate_private_key(ec.SECP256R1()))])
def test_a_key_that_is_none_is_refused_and_not_shown(key: bytes) -> None:
    with pytest.raises(ForgeError, match="no private RSA key") as caught:
        app_jwt("1", key, NOW)
    assert caught.value.failure is ForgeFailure.AUTH
    assert "s3cr3t" not in str(caught.value)


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return load(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ForgeError) as caught:
        app_jwt("1", b"", NOW)
    assert caught.value.failure is ForgeFailure.UNSUPPORTED
    assert "github-app" in (caught.value.hint or "")


def test_a_token_is_issued_once_for_all_and_again_before_it_ends() -> None:
    at = [NOW]
    issued: list[str] = []

    def fetch() -> Issued:
        issued.append(f"t{len(issued)}")
        return Issued(issued[-1], at[0] + timedelta(hours=1))

    token = AppToken(fetch, lambda: at[0])
    threads = [threading.Thread(target=token.value) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (token.value(), issued) == ("t0", ["t0"])
    at[0] += timedelta(minutes=54)
    assert token.value() == "t0"
    at[0] += timedelta(minutes=1)
    assert token.value() == "t1"
    assert token.refuse("t0")  # another one was issued since
    assert token.value() == "t1"
    assert token.refuse("t1")
    assert token.value() == "t2"
