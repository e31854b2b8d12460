"""Which redirects are followed, and what a request may carry along.

A redirect is an order by a stranger: it never leads from https to http, nor to a host for which the
user permitted private addresses unless it comes from such a host, and to another origin it takes
no header along but harmless ones. All other private addresses are refused when connecting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urljoin

from basekeeper.errors import TransportError
from basekeeper.transport.redaction import shown_url
from basekeeper.transport.urls import split_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.transport.options import Hosts

FOLLOWED: Final = frozenset({301, 302, 303, 307, 308})
"""Statuses whose Location is followed."""

_HARMLESS: Final = frozenset(
    {"accept", "accept-language", "if-none-match", "if-modified-since", "range"}
)
"""Headers that may go to another origin."""

_KEPT: Final = "%!#$&'(*),+/:;=?@[]~"
"""Characters of a Location that stay; all others but letters, digits and `_.-` are quoted."""


def next_url(url: str, location: str | None, hosts: Hosts) -> str:
    """The target of a redirect, if it may be followed.

    Raises:
        TransportError: There is no target, or it is a downgrade or a way into a private network.
    """
    if not location:
        raise TransportError(f"{shown_url(url)}: redirect without a target")
    try:
        target = urljoin(url, quote(location, safe=_KEPT, encoding="latin-1"))
    except ValueError as error:
        raise TransportError(f"{shown_url(url)}: redirect to an invalid URL") from error
    source, _ = split_url(url)
    aim, _ = split_url(target)
    if source.scheme == "https" and aim.scheme != "https":
        raise TransportError(f"{shown_url(url)}: refused redirect from https to {aim.scheme}")
    if aim.host != source.host and hosts.find(aim).private and not hosts.find(source).private:
        raise TransportError(
            f"{shown_url(url)}: refused redirect to {aim.name}, which may have a private address",
            hint="permit private addresses for both hosts in the settings if both are yours",
        )
    return target


def headers_for(url: str, target: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that may go along: all to the same origin, harmless ones to another."""
    if split_url(url)[0] == split_url(target)[0]:
        return dict(headers)
    return {name: value for name, value in headers.items() if name.lower() in _HARMLESS}
