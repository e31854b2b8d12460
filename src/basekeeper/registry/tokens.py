"""Bearer tokens: asked for once, shared by all requests that they serve, renewed before they end.

The protocol is that of the distribution project (its page "token authentication specification"):
GET the realm with the service and the scope; credentials as a password, or none. An identity token
is exchanged by POST (OAuth 2.0, `refresh_token`); where the realm does not know that, by GET.

Fewer rights than asked for are no error here: they show when the token is used.
"""

from __future__ import annotations

import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit, urlunsplit

from basekeeper.errors import Failure, RegistryError, TransportError
from basekeeper.registry.credential import Kind
from basekeeper.registry.flights import Flights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from basekeeper.registry.credential import Credential
    from basekeeper.registry.requests import Requests
    from basekeeper.transport.client import Response

CLIENT_ID: Final = "basekeeper"
"""How we introduce ourselves to those who issue tokens."""

MAX_ANSWER: Final = 65_536
"""Largest answer with a token: 64 KiB; the largest tokens seen have less than 10."""

MAX_TOKENS: Final = 4096
"""Most tokens kept, of about 3 KiB each; of more repositories, the oldest are asked for again."""

SHORTEST_LIFE: Final = 60.0
"""Seconds that a token lives where nothing, or less, is said: the specification's default."""

LONGEST_LIFE: Final = 86_400.0
"""Seconds after which a token is renewed in any case."""

MARGIN: Final = 10.0
"""Seconds before its end at which a token is renewed."""

_ANY_REPOSITORY: Final = frozenset({"ghcr.io"})
"""Token hosts whose anonymous tokens serve for every public repository, and are counted."""

_TOKEN: Final = re.compile(r"[!-~]+")
_JSON: Final = {"accept": "application/json"}
_NO_POST: Final = frozenset({404, 405})
_REFUSED: Final = frozenset({401, 403})
_OK: Final = 200
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


class Scope(NamedTuple):
    """What a token must permit: to read one repository."""

    repository: str
    """As the host that is asked calls it: `library/alpine`."""
    actions: str = "pull"

    def __str__(self) -> str:
        """Write it as the token protocol does."""
        return f"repository:{self.repository}:{self.actions}"


class Order(NamedTuple):
    """What makes one token different from another."""

    realm: str
    """Where it is issued; the caller has made sure that it may be asked."""
    service: str
    scope: Scope | None
    credential: Credential | None
    """None: anonymously. The caller has made sure that the realm may be given it."""

    @property
    def host(self) -> str:
        """Who issues it, for messages."""
        return urlsplit(self.realm).hostname or ""


class _Kept(NamedTuple):
    text: str
    until: float


class Tokens:
    """The tokens of one run; safe to share between threads."""

    def __init__(self, requests: Requests, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Ask for nothing yet.

        Args:
            requests: Sends them.
            clock: Seconds that only ever grow, by which lives are counted.
        """
        self._requests = requests
        self._clock = clock
        self._flights = Flights()
        self._lock = threading.Lock()
        self._kept: dict[Order, _Kept] = {}

    def get(self, order: Order) -> str:
        """Return a token, one that is kept if there is one; equal orders share one request.

        Raises:
            RegistryError: It was refused, or the answer is none.
        """
        key = _key(order)
        return self._fresh(key) or self._flights.once(
            key, lambda: self._fresh(key) or self._fetch(key, order)
        )

    def renew(self, order: Order, refused: str) -> str:
        """Return another token than the one that was refused.

        Raises:
            RegistryError: As `get`.
        """
        key = _key(order)
        return self._flights.once(key, lambda: self._fresh(key, refused) or self._fetch(key, order))

    def _fresh(self, key: Order, refused: str = "") -> str | None:
        """Return the token that is kept, unless it has ended or is the refused one."""
        kept = self._kept.get(key)
        if kept is None or kept.text == refused or self._clock() >= kept.until:
            return None
        return kept.text

    def _fetch(self, key: Order, order: Order) -> str:
        """Ask for a token and keep it."""
        try:
            text, life = _read(self._ask(order), order)
        except RegistryError:
            raise
        except TransportError as error:
            message = f"no token could be had: {error.message}"
            raise RegistryError(message, Failure.REFUSED, hint=error.hint) from error
        with self._lock:
            self._kept.pop(key, None)
            if len(self._kept) >= MAX_TOKENS:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = _Kept(text, self._clock() + life - MARGIN)
        return text

    def _ask(self, order: Order) -> Response:
        """Send the request that the kind of credential calls for."""
        credential = order.credential
        if credential is not None and credential.kind is Kind.IDENTITY:
            answer = self._exchange(order, credential.secret)
            if answer.status not in _NO_POST:
                return answer
        headers = dict(_JSON)
        if credential is not None:
            headers["authorization"] = credential.basic
        url = _with_query(order.realm, _parameters(order))
        return self._requests.get(url, headers=headers, max_bytes=MAX_ANSWER)

    def _exchange(self, order: Order, identity: str) -> Response:
        """Exchange an identity token."""
        form = {
            "grant_type": "refresh_token",
            **dict(_parameters(order)),
            "refresh_token": identity,
        }
        return self._requests.post(
            order.realm,
            urlencode(form).encode("ascii"),
            "application/x-www-form-urlencoded",
            headers=_JSON,
            max_bytes=MAX_ANSWER,
        )


def _key(order: Order) -> Order:
    """Return what a token is kept under: without the repository where it does not matter."""
    if order.credential is None and order.host in _ANY_REPOSITORY:
        return order._replace(scope=None)
    return order


def _parameters(order: Order) -> list[tuple[str, str]]:
    """Return the query of a request for a token."""
    found = [("service", order.service)] if order.service else []
    if order.scope is not None:
        found.append(("scope", str(order.scope)))
    return [*found, ("client_id", CLIENT_ID)]


def _with_query(url: str, parameters: list[tuple[str, str]]) -> str:
    """Add parameters to a URL, whose own stay as they are."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(parameters))))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _read(answer: Response, order: Order) -> tuple[str, float]:
    """Read the token, and how many seconds it lives."""
    if answer.status != _OK:
        raise _refusal(answer.status, order)
    said = _object(answer.body)
    text = said.get("token") or said.get("access_token")
    if not isinstance(text, str) or _TOKEN.fullmatch(text) is None:
        raise RegistryError(f"{order.host} answered without a usable token", Failure.REFUSED)
    return text, _life(said.get("expires_in"))


def _object(body: bytes) -> Mapping[str, Any]:
    """Read a JSON object; whatever else it is reads as an empty one."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _life(said: object) -> float:
    """Tell how many seconds a token lives, by what its issuer says."""
    if not isinstance(said, int | float) or said != said:  # noqa: PLR0124  # no number
        return SHORTEST_LIFE
    return float(min(max(said, SHORTEST_LIFE), LONGEST_LIFE))


def _refusal(status: int, order: Order) -> RegistryError:
    """Say why there is no token."""
    what = "a token" if order.scope is None else f"a token for {order.scope.repository}"
    message = f"{order.host} refused {what} (status {status})"
    if status in _REFUSED and order.credential is not None:
        return RegistryError(
            f"{message}, with the credentials from {order.credential.source}",
            Failure.DENIED,
            hint="log in again, or check what the account may read",
        )
    if status in _REFUSED:
        return RegistryError(
            f"{message}, without credentials",
            Failure.NOT_FOUND,
            hint="check the name, or log in to the registry",
        )
    if status == _TOO_MANY:
        return RegistryError(message, Failure.LIMITED, hint="run again later")
    is_trouble = status >= _SERVER_ERROR
    return RegistryError(message, Failure.UNREACHABLE if is_trouble else Failure.REFUSED)
