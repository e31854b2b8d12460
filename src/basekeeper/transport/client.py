"""A small synchronous HTTP client for reading: GET and HEAD, bounded in time and size.

Steps of one request:

1. The URL must be https, or http to a host allowed by name.
2. Send it; repeat on connection errors and 502, 503, 504 with growing pauses, honouring
   Retry-After up to a limit.
3. Follow redirects by hand, under the rules of `redirects`.
4. Read the body up to the size limit; a compressed body is unpacked under the same limit.

Any final status is a value. 429 is never repeated here: the caller knows what else to spare.

Known limit: the time for the whole answer is counted from the end of its headers. A server that
sends those byte by byte, each within the timeout, holds a request for as long as the library's
limit of 100 KiB of headers lasts; one that repeats interim answers (1xx), for as long as it likes.
"""

from __future__ import annotations

import ssl
import time
import zlib
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final

import httpx2

from basekeeper.errors import TransportError
from basekeeper.transport.redaction import shown_text, shown_url
from basekeeper.transport.redirects import (
    FOLLOWED,
    check_scheme,
    headers_for,
    next_url,
    resolve_host,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from types import TracebackType
    from typing import Self

_REPEATED: Final = frozenset({502, 503, 504})
_SUCCESS: Final = range(200, 300)
_GZIP_OR_ZLIB: Final = 47
"""`wbits` with which zlib recognises both headers by itself."""

MAX_ERROR_BYTES: Final = 64 * 1024
"""Most bytes read of the body of a failure; the rest is dropped, as it is only shown."""

FIRST_PAUSE: Final = 0.5
"""Seconds before the first repetition; each further pause is twice as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one request."""

    timeout: float = 20.0
    """Seconds to connect, and between two pieces of an answer."""
    total: float = 120.0
    """Seconds for the whole body; a server that drips is cut off."""
    max_bytes: int = 16 * 1024 * 1024
    """Largest body, unpacked: the size of a page of tags."""
    retries: int = 3
    """Repetitions after the first attempt."""
    max_pause: float = 60.0
    """Longest pause in seconds, whatever a server asks for."""
    redirects: int = 5
    """Most redirects followed: one more than any known registry needs."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered in the end."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; repeated ones joined by commas."""
    body: bytes
    url: str
    """Where the answer came from, after redirects."""

    @property
    def is_success(self) -> bool:
        """Tell whether the status is 2xx."""
        return self.status in _SUCCESS


class Transport:
    """Connections to any number of hosts; safe to share between threads, to be closed."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        user_agent: str = "basekeeper",
        allow_http: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
        resolve: Callable[[str], tuple[str, ...]] = resolve_host,
    ) -> None:
        """Open nothing yet.

        Args:
            limits: Bounds of each request; None: the defaults.
            user_agent: How we introduce ourselves.
            allow_http: Hosts (`host` or `host:port`) that may be spoken to without TLS.
            sleep: Waits between repetitions.
            resolve: Gives the addresses of a host, to tell private redirect targets.
        """
        self._limits = limits or Limits()
        self._allow_http = frozenset(allow_http)
        self._sleep = sleep
        self._resolve = resolve
        # The system's trust store, so that a company's own authority works; proxies come from the
        # environment; cookies are never kept, as they would tie unrelated requests together.
        self._client = httpx2.Client(
            verify=ssl.create_default_context(),
            timeout=self._limits.timeout,
            headers={"user-agent": user_agent, "accept-encoding": "identity"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> Response:
        """Fetch a URL.

        Args:
            url: What to fetch; https unless the host is allowed.
            headers: Sent along, to other origins after a redirect only if harmless.
            max_bytes: Largest body for this request; None: the transport's limit.

        Raises:
            TransportError: No answer, a refused redirect, or a body above the limit.
        """
        return self._request("GET", url, headers or {}, max_bytes or self._limits.max_bytes)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> Response:
        """Ask for the headers of a URL alone; the body is empty.

        Raises:
            TransportError: No answer, or a refused redirect.
        """
        return self._request("HEAD", url, headers or {}, self._limits.max_bytes)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

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

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], max_bytes: int
    ) -> Response:
        """Send, repeat and follow, in the steps of the module."""
        check_scheme(url, self._allow_http)
        for _ in range(self._limits.redirects + 1):
            response = self._repeated(method, url, headers, max_bytes)
            if response.status not in FOLLOWED:
                return response
            target = next_url(
                url,
                response.headers.get("location"),
                allow_http=self._allow_http,
                resolve=self._resolve,
            )
            headers = headers_for(url, target, headers)
            url = target
        raise TransportError(f"{shown_url(url)}: more than {self._limits.redirects} redirects")

    def _repeated(
        self, method: str, url: str, headers: Mapping[str, str], max_bytes: int
    ) -> Response:
        """One hop, repeated while the failure may pass."""
        pause = FIRST_PAUSE
        for left in range(self._limits.retries, -1, -1):
            try:
                response = self._once(method, url, headers, max_bytes)
            except (httpx2.TransportError, httpx2.StreamError) as error:
                if left == 0 or isinstance(error, httpx2.UnsupportedProtocol):
                    raise _translated(url, error) from error
                wait = pause
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise _translated(url, error) from error
            else:
                if left == 0 or response.status not in _REPEATED:
                    return response
                wait = max(pause, retry_after(response.headers) or 0)
            self._sleep(min(wait, self._limits.max_pause))
            pause *= 2
        raise AssertionError  # pragma: no cover  # the last round returns or raises

    def _once(self, method: str, url: str, headers: Mapping[str, str], max_bytes: int) -> Response:
        """One exchange; a failure's body is cut, a success's must fit."""
        with self._client.stream(method, url, headers=dict(headers)) as answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            is_success = answer.status_code in _SUCCESS
            limit = max_bytes if is_success else min(max_bytes, MAX_ERROR_BYTES)
            pieces = self._timely(url, answer.iter_raw())
            coding = "" if method == "HEAD" else found.get("content-encoding", "").lower()
            body, is_whole = _read(url, _unpacked(url, pieces, coding, limit), limit)
            if is_success and not is_whole:
                raise TransportError(f"{shown_url(url)}: the answer is larger than {limit} bytes")
            return Response(answer.status_code, found, body, url)

    def _timely(self, url: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Pass pieces on until the time for the whole body is over."""
        end = time.monotonic() + self._limits.total
        for piece in pieces:
            if time.monotonic() > end:
                raise TransportError(
                    f"{shown_url(url)}: no complete answer in {self._limits.total:g} s"
                )
            yield piece


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait; None where it does not say, or says it unreadably.

    A date is taken relative to the server's own Date header, so that clocks need not agree.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        until, date = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - date).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _read(url: str, pieces: Iterator[bytes], limit: int) -> tuple[bytes, bool]:
    """Join pieces up to a limit; tell whether all of them fitted."""
    body = bytearray()
    try:
        for piece in pieces:
            body += piece
            if len(body) > limit:
                return bytes(body[:limit]), False
    except zlib.error as error:
        raise TransportError(f"{shown_url(url)}: the compressed answer is broken") from error
    return bytes(body), True


def _unpacked(url: str, pieces: Iterator[bytes], coding: str, limit: int) -> Iterator[bytes]:
    """Undo gzip or deflate, never unpacking more than the limit at once."""
    if coding in ("", "identity"):
        yield from pieces
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise TransportError(f"{shown_url(url)}: unknown content coding {coding!r:.40}")
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    for piece in pieces:
        yield unpacker.decompress(piece, limit + 1)
        if unpacker.eof:  # what follows would be kept in memory, unseen by any limit
            return
    if not unpacker.eof and not unpacker.unconsumed_tail:
        raise TransportError(f"{shown_url(url)}: the compressed answer ends too early")


def _translated(url: str, error: Exception) -> TransportError:
    """One of our errors for one of the library's."""
    if isinstance(error, httpx2.TimeoutException):
        reason = "no answer in time"
    else:
        reason = shown_text(str(error)) or type(error).__name__
    return TransportError(
        f"{shown_url(url)}: {reason}", hint="check the address, the network and the proxy settings"
    )
