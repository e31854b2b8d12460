"""Single requests, each sent when its host may be asked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.registry.pacing import Pacer
    from basekeeper.transport.bodies import Begin
    from basekeeper.transport.client import Response


class Sender(Protocol):
    """Sends one request, once: the transport."""

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        retries: int | None = None,
    ) -> Response:
        """Fetch a URL."""
        ...

    def stream(
        self,
        url: str,
        begin: Begin,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int,
        retries: int | None = None,
    ) -> Response:
        """Fetch a URL whose body is passed on and not kept."""
        ...

    def head(
        self, url: str, *, headers: Mapping[str, str] | None = None, retries: int | None = None
    ) -> Response:
        """Ask for the headers of a URL alone."""
        ...

    def post(
        self,
        url: str,
        body: bytes,
        content_type: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> Response:
        """Send a body, once."""
        ...


class PacedRequests:
    """Single requests, each sent when its host may be asked; what a session stands on."""

    def __init__(self, sender: Sender, pacer: Pacer) -> None:
        """Send with the one when the other permits it."""
        self._sender = sender
        self._pacer = pacer

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> Response:
        """Fetch a URL.

        Raises:
            RegistryError: As of `Pacer.send`.
            TransportError: The answer was refused.
        """
        request = partial(self._sender.get, url, headers=headers, max_bytes=max_bytes, retries=0)
        return self._pacer.send(_address(url), request)

    def stream(
        self, url: str, begin: Begin, *, headers: Mapping[str, str] | None = None, max_bytes: int
    ) -> Response:
        """Fetch a URL whose body is passed on and not kept; else as `get`."""
        stream = partial(self._sender.stream, headers=headers, max_bytes=max_bytes, retries=0)
        return self._pacer.send(_address(url), partial(stream, url, begin), is_long=True)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> Response:
        """Ask for the headers of a URL alone; else as `get`."""
        request = partial(self._sender.head, url, headers=headers, retries=0)
        return self._pacer.send(_address(url), request)

    def post(
        self,
        url: str,
        body: bytes,
        content_type: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> Response:
        """Send a body when its host may be asked, once; else as `get`."""
        post = partial(self._sender.post, headers=headers, max_bytes=max_bytes)
        request = partial(post, url, body, content_type)
        return self._pacer.send(_address(url), request, repeat=False)


def _address(url: str) -> str:
    """Host and port of a URL that we built; this runs for every request."""
    return url.split("/", 3)[2]
