"""Putting a GitHub together from what speaks to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from basekeeper.errors import ForgeError, ForgeFailure, NetworkError
from basekeeper.forge.github.adapter import GitHub
from basekeeper.forge.github.client import API_VERSION, Client, endpoints, path
from basekeeper.forge.github.documents import Node, read_json, refused
from basekeeper.forge.github.failures import setback_of
from basekeeper.forge.github.tokens import AppToken, Issued, StaticToken, app_jwt
from basekeeper.forge.pacing import Pacer
from basekeeper.transport.redaction import shown_url

if TYPE_CHECKING:
    from datetime import datetime

    from basekeeper.forge.github.client import Endpoints
    from basekeeper.forge.github.tokens import Token
    from basekeeper.ports import Cache
    from basekeeper.transport.client import Transport

MAX_TOKEN_BYTES = 64 * 1024
"""Largest answer that issues a token."""


class App(NamedTuple):
    """An app that speaks for us where it is installed."""

    id: str
    """Client id or number."""
    installation: int
    key: bytes
    """Private key, as PEM."""

    def __repr__(self) -> str:
        """Show no key."""
        return f"App({self.id!r}, {self.installation})"


def open_github(  # noqa: PLR0913  # all but the first three have a default that serves
    transport: Transport,
    who: str | App,
    now: datetime,
    *,
    url: str = "https://github.com",
    version: str = API_VERSION,
    cache: Cache | None = None,
    pacer: Pacer | None = None,
) -> GitHub:
    """Make a forge; nothing is asked yet.

    Args:
        transport: Limits every request; ended with the forge.
        who: A token, or an app.
        now: The instant of the run.
        url: Where the pages of the GitHub are.
        version: Of the REST interface.
        cache: Keeps what was read.
        pacer: Says who may ask now; None: one with GitHub's own limits.

    Raises:
        TransportError: The URL is none.
    """
    where = endpoints(url)
    pacing = pacer or Pacer(now)
    token: Token
    if isinstance(who, App):
        token = AppToken(lambda: _issued(transport, where, who, version, pacing), pacing.now)
    else:
        token = StaticToken(who)
    client = Client(transport, token, pacing, where, version=version, cache=cache)
    return GitHub(client, transport.abort)


def _issued(transport: Transport, where: Endpoints, app: App, version: str, pacer: Pacer) -> Issued:
    """Have a token issued for an installation."""
    url = where.rest + path("app", "installations", app.installation, "access_tokens")
    what = shown_url(url)
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {app_jwt(app.id, app.key, pacer.now())}",
        "X-GitHub-Api-Version": version,
    }
    try:
        response = transport.send("POST", url, headers=headers, max_bytes=MAX_TOKEN_BYTES)
    except NetworkError as error:
        raise ForgeError(error.message, ForgeFailure.TRANSIENT, hint=error.hint) from error
    if not response.is_success:
        raise setback_of(response, what, pacer.now()).error
    node = Node(read_json(response.body, what), what)
    expires = node.instant("expires_at")
    if expires is None:
        raise refused(what, "the token has no end")
    return Issued(node.text("token"), expires)
