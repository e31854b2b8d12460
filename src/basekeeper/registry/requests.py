"""What sessions and tokens need to be sent; the transport and what paces it both can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.transport.bodies import Begin
    from basekeeper.transport.client import Response


class Requests(Protocol):
    """Sends single requests. A final status is a value; the rest is a TransportError."""

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> Response:
        """Fetch a URL."""
        ...

    def stream(
        self, url: str, begin: Begin, *, headers: Mapping[str, str] | None = None, max_bytes: int
    ) -> Response:
        """Fetch a URL whose body is passed on and not kept."""
        ...

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> Response:
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
        """Send a body once; a redirect is not followed."""
        ...
