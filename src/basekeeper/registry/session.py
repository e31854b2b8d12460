"""Requests to registries with the authorisation that each asks for.

Steps of one request:

1. The first request to a host goes alone and without authorisation: its answer tells how the host
   wants to be asked. From then on every request carries what the host wants from the start, so
   that a further repository costs one token and no refusal.
2. A 401 is answered by what its challenge asks for, once.
3. A token that is refused is renewed once, for that scope, and sent once more. Never again.
4. A 401 of another origin, reached by a redirect, is final: nothing is ever sent in answer.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from basekeeper.errors import Failure, RegistryError, TransportError
from basekeeper.registry.authorizer import Authorizer
from basekeeper.registry.challenge import choose_challenge
from basekeeper.registry.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from basekeeper.registry.challenge import Basic, Bearer
    from basekeeper.registry.hosts import Host
    from basekeeper.registry.keyring import Keyring
    from basekeeper.registry.requests import Requests
    from basekeeper.registry.tokens import Scope
    from basekeeper.transport.bodies import Begin
    from basekeeper.transport.client import Response

    Send = Callable[[str | None], Response]
    """Sends a request with an Authorization header, or without."""

_UNAUTHORIZED: Final = 401


class _Door:
    """What is known of how a host wants to be asked."""

    __slots__ = ("challenge", "first", "tried")

    def __init__(self) -> None:
        self.first = threading.Lock()
        self.tried = threading.Event()
        self.challenge: Bearer | Basic | None = None


class Session:
    """The authorised requests of one run to all registries; safe to share between threads."""

    def __init__(
        self,
        requests: Requests,
        keyring: Keyring,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask nobody yet.

        Args:
            requests: Sends single requests.
            keyring: The user's credentials.
            clock: Seconds that only ever grow, by which the lives of tokens are counted.
        """
        self._requests = requests
        self._keyring = keyring
        self._authorizer = Authorizer(keyring, Tokens(requests, clock=clock))
        self._lock = threading.Lock()
        self._doors: dict[str, _Door] = {}

    @property
    def notices(self) -> tuple[str, ...]:
        """Why credentials were not read or not used so far, each reason once."""
        return self._authorizer.notices()

    @property
    def sources(self) -> Mapping[str, str]:
        """Registry → where its credential is from, for registries that asked for one."""
        return self._keyring.sources

    def get(  # noqa: PLR0913  # two that say what is asked, four that say how
        self,
        host: Host,
        path: str,
        *,
        scope: Scope | None,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
        max_bytes: int,
    ) -> Response:
        """Fetch a path of a registry.

        Args:
            host: Whom to ask.
            path: Path and query, from the first slash: `/v2/library/alpine/tags/list?n=1000`.
                Repositories in it and in the scope are named by `host.repository`.
            scope: What a token must permit; None where no repository is concerned.
            accept: The media types that are understood.
            headers: Further headers, such as If-None-Match.
            max_bytes: Largest body.

        Returns:
            The last answer, with any status but 401.

        Raises:
            RegistryError: The authorisation failed, or no answer could be had or trusted.
        """
        url, common = _url(host, path), {"accept": accept, **(headers or {})}

        def send(authorization: str | None) -> Response:
            return self._requests.get(
                url, headers=_with_authorization(common, authorization), max_bytes=max_bytes
            )

        return self._exchange(host, scope, send)

    def stream(  # noqa: PLR0913  # as of `get`
        self,
        host: Host,
        path: str,
        begin: Begin,
        *,
        scope: Scope,
        headers: Mapping[str, str] | None = None,
        max_bytes: int,
    ) -> Response:
        """Fetch a path whose body is passed on and not kept; else as `get`.

        Args:
            host: Whom to ask.
            path: Path and query.
            begin: As of `Transport.stream`.
            scope: What a token must permit.
            headers: Further headers, such as Range.
            max_bytes: Largest body.
        """
        url, common = _url(host, path), {"accept": "*/*", **(headers or {})}

        def send(authorization: str | None) -> Response:
            sent = _with_authorization(common, authorization)
            return self._requests.stream(url, begin, headers=sent, max_bytes=max_bytes)

        return self._exchange(host, scope, send)

    def head(self, host: Host, path: str, *, scope: Scope | None, accept: str = "*/*") -> Response:
        """Ask for the headers of a path of a registry alone; else as `get`."""
        url, common = _url(host, path), {"accept": accept}

        def send(authorization: str | None) -> Response:
            return self._requests.head(url, headers=_with_authorization(common, authorization))

        return self._exchange(host, scope, send)

    def _exchange(self, host: Host, scope: Scope | None, send: Send) -> Response:
        """Go through the steps of the module; every failure becomes a RegistryError."""
        try:
            return self._authorized(host, scope, send)
        except RegistryError:
            raise
        except TransportError as error:
            raise RegistryError(error.message, Failure.REFUSED, hint=error.hint) from error

    def _authorized(self, host: Host, scope: Scope | None, send: Send) -> Response:
        """Send with what is known, and answer what is asked for then."""
        door = self._door(host)
        authorization, answer = None, self._knock(host, door, scope, send)
        if answer is None:
            authorization = self._ahead(host, door, scope)
            answer = send(authorization)
        if answer.status != _UNAUTHORIZED:
            return answer
        challenge = _challenge_of(host, answer)
        if scope is not None:
            door.challenge = challenge
        if authorization is None:
            authorization = self._authorizer.answer(host, challenge, scope)
            if authorization is None:
                raise self._authorizer.denied(host, challenge, scope)
            answer = send(authorization)
            if answer.status != _UNAUTHORIZED:
                return answer
            challenge = _challenge_of(host, answer)
        other = self._authorizer.answer(host, challenge, scope, refused=authorization)
        if other is not None:
            answer = send(other)
            if answer.status != _UNAUTHORIZED:
                return answer
        raise self._authorizer.denied(host, challenge, scope)

    def _door(self, host: Host) -> _Door:
        door = self._doors.get(host.base_url)
        if door is not None:
            return door
        with self._lock:
            return self._doors.setdefault(host.base_url, _Door())

    def _knock(self, host: Host, door: _Door, scope: Scope | None, send: Send) -> Response | None:
        """Send the first request to a host, while others wait for what it teaches.

        Returns:
            Its answer; None where somebody else was first, whatever came of it.
        """
        if door.tried.is_set() or scope is None:
            return None
        with door.first:
            if door.tried.is_set():
                return None
            try:
                answer = send(None)
                if answer.status == _UNAUTHORIZED and _is_own(host, answer):
                    header = answer.headers.get("www-authenticate", "")
                    door.challenge = choose_challenge(header)
                return answer
            finally:
                door.tried.set()

    def _ahead(self, host: Host, door: _Door, scope: Scope | None) -> str | None:
        """Authorise a request before it is refused, as the host's last challenge asks."""
        challenge = door.challenge
        if challenge is None or scope is None:
            return None
        return self._authorizer.answer(host, challenge, scope)


def _challenge_of(host: Host, answer: Response) -> Bearer | Basic:
    """Read the challenge of a 401, if it is the host's own and can be answered.

    Raises:
        RegistryError: It is not, or cannot.
    """
    if not _is_own(host, answer):
        raise RegistryError(
            f"{host.name}: {urlsplit(answer.url).hostname}, where it redirected to, refused access",
            Failure.DENIED,
        )
    challenge = choose_challenge(answer.headers.get("www-authenticate", ""))
    if challenge is None:
        raise RegistryError(
            f"{host.name}: refused access without saying how to ask for it",
            Failure.DENIED,
        )
    return challenge


def _is_own(host: Host, answer: Response) -> bool:
    """Tell whether an answer came from the host itself, not from where it redirected to."""
    asked, came = urlsplit(host.base_url), urlsplit(answer.url)
    return (asked.scheme, asked.netloc) == (came.scheme, came.netloc)


def _url(host: Host, path: str) -> str:
    """Return what is requested; a mirror is told for whom it stands in."""
    if not path.startswith("/"):
        raise RegistryError(f"{host.name}: invalid path {path!r:.200}", Failure.REFUSED)
    url = host.base_url + path
    if not host.is_mirror or host.prefix or "ns=" in path:
        return url
    return f"{url}{'&' if '?' in path else '?'}ns={quote(host.name, safe='')}"


def _with_authorization(headers: Mapping[str, str], value: str | None) -> dict[str, str]:
    return dict(headers) if value is None else {**headers, "authorization": value}
