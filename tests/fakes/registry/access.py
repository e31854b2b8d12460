"""Who may read a simulated registry: anyone, who knows a password, or who brings a token."""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Protocol

from tests.fakes.registry.content import to_json
from tests.fakes.registry.http import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.fakes.registry.http import Request

JSON = ("Content-Type", "application/json; charset=utf-8")
FOREVER = 10**9


class Access(Protocol):
    """Decides whether a request may read a repository."""

    def challenge(self, request: Request, repository: str) -> tuple[str, ...] | None:
        """Return the challenges for a refused request, one a header line; None: it may."""
        ...


@dataclass(frozen=True, slots=True)
class Open:
    """Anyone may read."""

    def challenge(self, request: Request, repository: str) -> tuple[str, ...] | None:
        """Refuse nobody."""
        return None


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password."""

    user: str
    password: str
    realm: str = "test, realm"

    def challenge(self, request: Request, repository: str) -> tuple[str, ...] | None:
        """Refuse who does not know the password."""
        login = login_of(request)
        return None if login == (self.user, self.password) else (f'Basic realm="{self.realm}"',)


@dataclass(slots=True)
class Tokens:
    """Issues bearer tokens and knows them again."""

    users: Mapping[str, str] = field(default_factory=dict)
    """User → password."""
    identities: Mapping[str, str] = field(default_factory=dict)
    """Identity token → user."""
    private: tuple[str, ...] = ("private/",)
    """Prefixes of repositories that only users may read."""
    anonymous: bool = True
    """Whether tokens are issued to who does not log in."""
    name: str | None = "token"
    """Field of the answer with the token; some use `access_token`, some both."""
    expires_in: int | None = 300
    """Seconds that are announced; None: nothing is."""
    life: float = FOREVER
    """Seconds for which tokens are accepted in truth."""
    grants: bool = True
    """False: tokens are issued, but permit nothing."""
    bound: bool = True
    """Whether a token is good only for the scopes that it was asked for (GHCR's are not)."""
    posts: bool = True
    """Whether identity tokens may be POSTed; False: 404."""
    issued: dict[str, tuple[frozenset[str], float]] = field(default_factory=dict)
    """Token → scopes and when it was issued."""
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def answer(self, request: Request) -> Answer:
        """Answer a request for a token."""
        if request.method == "POST":
            return self._post(request)
        login = login_of(request)
        if login is not None and self.users.get(login[0]) != login[1]:
            return refusal(401, "UNAUTHORIZED", "wrong user or password")
        if login is None and not self.anonymous:
            return refusal(401, "UNAUTHORIZED", "log in")
        return self._issue(request.queries.get("scope", []), None if login is None else login[0])

    def _post(self, request: Request) -> Answer:
        if not self.posts:
            return refusal(404, "NOT_FOUND", "no such page")
        form = type(request)("POST", f"?{request.body.decode()}", {})
        user = self.identities.get(form.query.get("refresh_token", ""))
        if user is None:
            return refusal(401, "UNAUTHORIZED", "unknown identity")
        return self._issue(form.queries.get("scope", []), user)

    def _issue(self, scopes: list[str], user: str | None) -> Answer:
        permitted = frozenset(one for one in scopes if self._may(one, user))
        token = f"token-{next(self._numbers)}-of-{user or 'nobody'}"
        self.issued[token] = (permitted, time.monotonic())
        names = ("token", "access_token") if self.name is None else (self.name,)
        body: dict[str, object] = dict.fromkeys(names, token)
        if self.expires_in is not None:
            body["expires_in"] = self.expires_in
        return Answer(body=to_json(body), headers=(JSON,))

    def _may(self, scope: str, user: str | None) -> bool:
        parts = scope.split(":")
        is_private = len(parts) > 1 and parts[1].startswith(self.private)
        return self.grants and (user is not None or not is_private)

    def permits(self, token: str, scope: str) -> bool:
        """Tell whether a token is one of ours, still alive and good for a scope."""
        scopes, issued = self.issued.get(token, (frozenset(), 0.0))
        alive = token in self.issued and time.monotonic() - issued < self.life
        return alive and (scope in scopes or (not self.bound and self.grants))


@dataclass(slots=True)
class Bearer:
    """A token of a token service."""

    tokens: Tokens
    base: Callable[[Request], str]
    """Tells where the registry is, whose `/token` is the realm where no other is given."""
    realm: str | None = None
    service: str | None = "test registry"

    def challenge(self, request: Request, repository: str) -> tuple[str, ...] | None:
        """Refuse who has no token for the repository."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        scope = f"repository:{repository}:pull"
        is_known = scheme.lower() == "bearer" and self.tokens.permits(token, scope)
        if is_known or (scheme.lower() == "bearer" and not repository and token):
            return None
        fields = [f'realm="{self.realm or self.base(request) + "/token"}"']
        if self.service is not None:
            fields.append(f'service="{self.service}"')
        if repository:
            fields.append(f'scope="{scope}"')
        if scheme.lower() == "bearer":
            fields.append('error="invalid_token"')
        return (f"Bearer {','.join(fields)}",)


def login_of(request: Request) -> tuple[str, str] | None:
    """Return user and password of a request; None where it brings none."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return user, password


def refusal(status: int, code: str, message: str, detail: object = None) -> Answer:
    """Make an error as registries do."""
    error = {"code": code, "message": message, "detail": detail}
    if detail is None and code != "UNAUTHORIZED":
        del error["detail"]
    return Answer(status, to_json({"errors": [error]}) + b"\n", (JSON,))
