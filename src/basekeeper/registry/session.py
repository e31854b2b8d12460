"""Requests to registries with the authorisation that each asks for.

Steps of one request:

1. The first request to a host goes alone and without authorisation, unless a bearer token is
   configured: its answer tells how the host wants to be asked. From then on every request carries
   what the host wants, so that a further repository costs one token and no refusal.
2. A 401 is answered by what its challenge asks for, once.
3. A token that is refused is renewed once, for that scope, and sent once more. Never again.
4. A 401 of another origin, reached by a redirect, is final: nothing is ever sent in answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.registry.hosts import Host
    from basekeeper.registry.tokens import Scope
    from basekeeper.transport.client import Response


class Requests(Protocol):
    """Sends single requests: the transport, or what paces it."""

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> Response:
        """Fetch a URL."""
        ...

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> Response:
        """Ask for the headers of a URL alone."""
        ...


class Session:
    """The authorised requests of one run to all registries; safe to share between threads."""

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
        raise NotImplementedError

    def head(
        self,
        host: Host,
        path: str,
        *,
        scope: Scope | None,
        accept: str = "*/*",
    ) -> Response:
        """Ask for the headers of a path of a registry alone; else as `get`."""
        raise NotImplementedError
