"""A small synchronous HTTP client: GET, HEAD, POST and what forges need, bounded in time and size.

Steps of one request:

1. The URL must be https, or http to a host allowed by name.
2. Connect under the rules of `addresses`, at most so many connections to a host at a time.
3. Send it; repeat on connection errors and 502, 503, 504 with growing pauses, honouring
   Retry-After up to a limit. POST, and whatever goes through `send`, is never repeated.
4. Follow redirects by hand, under the rules of `redirects`. POST is never redirected, nor is what
   goes through `send`.
5. Read the body up to the size limit; a compressed body is unpacked under the same limit. A body
   that is streamed is passed on as it was transferred, and never kept.

One deadline holds for looking up, connecting, TLS, every attempt and every hop: it bounds each wait
for a byte, so neither dripping nor repeated interim answers hold a request any longer.

Any final status is a value. 429 is never repeated here: the caller knows what else to spare.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import NetworkError, TransportError
from basekeeper.records import dataclass
from basekeeper.transport.addresses import resolve_host
from basekeeper.transport.bodies import is_readable, is_too_long, joined, poured, unpacked
from basekeeper.transport.connection import Message, Stale
from basekeeper.transport.deadline import Deadline
from basekeeper.transport.dialer import Dialer
from basekeeper.transport.options import HostOptions, Hosts, Limits
from basekeeper.transport.pauses import retry_after
from basekeeper.transport.pool import Pool
from basekeeper.transport.proxies import Proxies
from basekeeper.transport.redaction import shown_text, shown_url
from basekeeper.transport.redirects import FOLLOWED, headers_for, next_url
from basekeeper.transport.sockets import ENDED, Sockets
from basekeeper.transport.urls import check_scheme, split_url
from basekeeper.transport.wire import Garbled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import TracebackType
    from typing import Self

    from basekeeper.transport.addresses import Resolve
    from basekeeper.transport.bodies import Begin
    from basekeeper.transport.urls import Origin

__all__ = ["FIRST_PAUSE", "HostOptions", "Limits", "Response", "Transport", "retry_after"]

_REPEATED: Final = frozenset({502, 503, 504})
_SUCCESS: Final = range(200, 300)
_SAFE: Final = frozenset({"GET", "HEAD"})
"""Methods that change nothing, so that a connection that was just closed does no harm."""

_LINE: Final = re.compile(
    rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+: (?:[\x21-\x7e\x80-\xff]+(?:[ \t]+[\x21-\x7e\x80-\xff]+)*)?"
)
"""A header that can be sent: a token, and text without control characters or blanks around."""

MAX_ERROR_BYTES: Final = 64 * 1024
"""Most bytes read of the body of a failure; the rest is dropped, as it is only shown."""

FIRST_PAUSE: Final = 0.5
"""Seconds before the first repetition; each further pause is twice as long."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered in the end."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; repeated ones joined by commas."""
    body: bytes
    url: str
    """Where the answer came from, after redirects."""
    redirected: bool = False
    """A redirect led there: its 401 asks for credentials that are not for it."""

    @property
    def is_success(self) -> bool:
        """Tell whether the status is 2xx."""
        return self.status in _SUCCESS


class _Ask(NamedTuple):
    """One request as the caller wants it."""

    method: str
    headers: Mapping[str, str]
    max_bytes: int
    retries: int
    body: bytes = b""
    begin: Begin | None = None
    """Takes the body of a success in the place of the answer."""


class Transport:
    """Connections to any number of hosts; safe to share between threads, to be closed."""

    def __init__(  # noqa: PLR0913  # each has a default that serves most callers
        self,
        limits: Limits | None = None,
        *,
        user_agent: str = "basekeeper",
        hosts: Mapping[str, HostOptions] | None = None,
        allow_http: Collection[str] = (),
        sleep: Callable[[float], object] | None = None,
        resolve: Resolve = resolve_host,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            limits: Bounds of each request; None: the defaults.
            user_agent: How we introduce ourselves.
            hosts: What the user permits for single hosts, by `host` or `host:port`.
            allow_http: Hosts (`host` or `host:port`) that may be spoken to without TLS, and be
                private; for short.
            sleep: Waits between repetitions; None: a wait that `abort` ends.
            resolve: Gives the addresses of a host.
            environ: Names the proxies; None: the environment of this process.
        """
        self._limits = limits or Limits()
        self._hosts = Hosts(hosts or {}, allow_http)
        self._sockets = Sockets()
        self._sleep = sleep or self._sockets.ended.wait
        proxies = Proxies(os.environ if environ is None else environ)
        dialer = Dialer(self._hosts, proxies, resolve, self._sockets)
        self._pool = Pool(dialer.connect, self._sockets, self._limits.connections)
        own = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        self._own_lines = b"".join(_line(name, text) for name, text in own.items())

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        retries: int | None = None,
    ) -> Response:
        """Fetch a URL.

        Args:
            url: What to fetch; https unless the host is allowed.
            headers: Sent along, to other origins after a redirect only if harmless.
            max_bytes: Largest body for this request; None: the transport's limit.
            retries: Repetitions for this request; None: the transport's limit.

        Raises:
            NetworkError: No answer, or a broken one.
            TransportError: A refused host, certificate or redirect, or a body above the limit.
        """
        return self._request(url, self._ask("GET", headers, max_bytes, retries))

    def stream(
        self,
        url: str,
        begin: Begin,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int,
        retries: int | None = None,
    ) -> Response:
        """Fetch a URL whose body is too large to be kept. Else as `get`.

        Args:
            url: What to fetch; https unless the host is allowed.
            begin: Called at the start of the body of a success, and again where it breaks off and
                is repeated; returns what takes the pieces, each below 256 KiB, as they were
                transferred: no content coding is undone. What that raises ends the request; it
                must be one of our errors.
            headers: Sent along, to other origins after a redirect only if harmless.
            max_bytes: Largest body.
            retries: Repetitions for this request; None: the transport's limit.

        Returns:
            The answer; the body is empty where it was passed on.

        Raises:
            NetworkError: No answer, or a broken one.
            TransportError: A refused host, certificate or redirect, or a body above the limit.
        """
        ask = self._ask("GET", headers, max_bytes, retries)._replace(begin=begin)
        return self._request(url, ask)

    def head(
        self, url: str, *, headers: Mapping[str, str] | None = None, retries: int | None = None
    ) -> Response:
        """Ask for the headers of a URL alone; the body is empty. Else as `get`.

        Raises:
            NetworkError: No answer, or a broken one.
            TransportError: A refused host, certificate or redirect.
        """
        return self._request(url, self._ask("HEAD", headers, None, retries))

    def post(  # noqa: PLR0913  # three that cannot be left out, three that mostly are
        self,
        url: str,
        body: bytes,
        content_type: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        begin: Begin | None = None,
    ) -> Response:
        """Send a body once; a redirect is an answer like any other and is not followed.

        Args:
            url: Where to; https unless the host is allowed.
            body: What to send.
            content_type: What kind of thing it is.
            headers: Sent along.
            max_bytes: Largest body of the answer; None: the transport's limit.
            begin: Takes the body of a success, as in `stream`: it is called as soon as the status
                says so, whatever becomes of the rest.

        Raises:
            NetworkError: No answer, or a broken one.
            TransportError: A refused host or certificate, or a body above the limit.
        """
        sent = {**(headers or {}), "content-type": content_type}
        ask = self._ask("POST", sent, max_bytes, 0)._replace(body=body, begin=begin)
        return self._repeated(url, ask, self._deadline())

    def send(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> Response:
        """Send a request of any method once; every final status is an answer, redirects too.

        Args:
            method: In upper case: GET, PATCH, PUT, DELETE …
            url: Where to; https unless the host is allowed.
            body: What to send.
            headers: Sent along; `content-type` says what the body is.
            max_bytes: Largest body of the answer; None: the transport's limit.

        Raises:
            NetworkError: No answer, or a broken one: it may have been done nevertheless.
            TransportError: A refused host or certificate, or a body above the limit.
        """
        ask = self._ask(method, headers, max_bytes, 0)._replace(body=body)
        return self._repeated(url, ask, self._deadline())

    def close(self) -> None:
        """Close all connections, those in use as soon as their exchange has ended."""
        self._pool.close()

    def abort(self) -> None:
        """End everything at once: requests of other threads fail, and so does every later one.

        May be called from any thread and more than once. Where a name server does not answer, its
        thread, a daemon, stays until the system's own resolver gives up.
        """
        self._sockets.abort()
        self._pool.close()

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        self.close()

    def _ask(
        self,
        method: str,
        headers: Mapping[str, str] | None,
        max_bytes: int | None,
        retries: int | None,
    ) -> _Ask:
        limits = self._limits
        return _Ask(
            method,
            headers or {},
            limits.max_bytes if max_bytes is None else max_bytes,
            limits.retries if retries is None else retries,
        )

    def _deadline(self) -> Deadline:
        return Deadline(self._limits.total, self._limits.timeout)

    def _request(self, url: str, ask: _Ask) -> Response:
        """Send, repeat and follow, in the steps of the module."""
        deadline = self._deadline()
        for hop in range(self._limits.redirects + 1):
            response = self._repeated(url, ask, deadline)
            if response.status not in FOLLOWED:
                return replace(response, redirected=True) if hop else response
            target = next_url(url, response.headers.get("location"), self._hosts)
            ask = ask._replace(headers=headers_for(url, target, ask.headers))
            url = target
        raise TransportError(f"{shown_url(url)}: more than {self._limits.redirects} redirects")

    def _repeated(self, url: str, ask: _Ask, deadline: Deadline) -> Response:
        """One hop, repeated while the failure may pass."""
        pause = FIRST_PAUSE
        for left in range(ask.retries, -1, -1):
            try:
                response = self._once(url, ask, deadline)
            except (OSError, Garbled) as error:
                if left == 0 or deadline.is_over or self._sockets.ended.is_set():
                    raise self._translated(url, error, deadline) from error
                wait = pause
            else:
                if left == 0 or response.status not in _REPEATED:
                    return response
                asked = retry_after(response.headers, response.body, None)
                wait = max(pause, asked or 0)
            begin = time.monotonic()
            self._sleep(min(wait, self._limits.max_pause))
            deadline.extend(time.monotonic() - begin)
            pause *= 2
        raise AssertionError  # pragma: no cover  # the last round returns or raises

    def _once(self, url: str, ask: _Ask, deadline: Deadline) -> Response:
        """One exchange, on a new connection if an idle one turns out to be stale."""
        origin, target = split_url(url)
        check_scheme(origin, self._hosts)
        options = self._hosts.find(origin)
        deadline.timeout = options.timeout or self._limits.timeout
        message = self._message(url, target, ask)
        is_change = ask.method not in _SAFE
        try:
            return self._exchanged(url, origin, message, ask, deadline, fresh=is_change)
        except Stale:
            return self._exchanged(url, origin, message, ask, deadline, fresh=True)

    def _exchanged(  # noqa: PLR0913  # what is asked, and how
        self,
        url: str,
        origin: Origin,
        message: Message,
        ask: _Ask,
        deadline: Deadline,
        *,
        fresh: bool,
    ) -> Response:
        """Send and read on one connection; a failure's body is cut, a success's must fit."""
        with self._pool.lend(origin, deadline, fresh=fresh) as connection:
            status, found = connection.exchange(message, deadline)
            if ask.method == "HEAD":
                connection.skip(deadline)
                return Response(status, found, b"", url)
            is_success = status in _SUCCESS
            limit = ask.max_bytes if is_success else min(ask.max_bytes, MAX_ERROR_BYTES)
            if is_success and is_too_long(found, limit):
                raise TransportError(_too_large(url, limit))
            if is_success and ask.begin is not None:
                if not poured(connection.pieces(deadline), ask.begin(), limit):
                    raise TransportError(_too_large(url, limit))
                return Response(status, found, b"", url)
            coding = found.get("content-encoding", "").lower()
            if not is_success and not is_readable(coding):
                return Response(status, found, b"", url)
            pieces = unpacked(url, connection.pieces(deadline), coding, limit)
            body, is_whole = joined(url, pieces, limit)
            if is_success and not is_whole:
                raise TransportError(_too_large(url, limit))
            return Response(status, found, body, url)

    def _message(self, url: str, target: str, ask: _Ask) -> Message:
        """What is sent for a request."""
        try:
            lines = [_line(name, text) for name, text in ask.headers.items()]
        except ValueError:  # whose text may show a credential
            raise _unsendable(url) from None
        return Message(ask.method, target, b"".join((self._own_lines, *lines)), ask.body)

    def _translated(self, url: str, error: Exception, deadline: Deadline) -> TransportError:
        """One of our errors for one of the system's or the library's."""
        if self._sockets.ended.is_set():
            return TransportError(f"{shown_url(url)}: {ENDED}")
        if isinstance(error, TimeoutError) and deadline.is_over:
            reason = f"no complete answer in {deadline.total:g} s"
        elif isinstance(error, TimeoutError):
            reason = "no answer in time"
        else:
            reason = shown_text(_words(error)) or type(error).__name__
        return NetworkError(
            f"{shown_url(url)}: {reason}",
            hint="check the address, the network and the proxy settings",
            reason=reason,
        )


def _words(error: Exception) -> str:
    """What the system says of an error, without its number: `connection refused`."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text[:1].lower() + text[1:]


def _too_large(url: str, limit: int) -> str:
    return f"{shown_url(url)}: the answer is larger than {limit} bytes"


def _unsendable(url: str) -> TransportError:
    return TransportError(
        f"{shown_url(url)}: a header of the request has characters that cannot be sent",
        hint="check the credentials for this host",
    )


def _line(name: str, text: str) -> bytes:
    """A header as it is sent.

    Raises:
        ValueError: It would be read as something else.
    """
    line = f"{name}: {text}".encode()
    if _LINE.fullmatch(line) is None:
        raise ValueError
    return line + b"\r\n"
