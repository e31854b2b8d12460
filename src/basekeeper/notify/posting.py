"""Sending a body to an address that is a secret, and telling what became of it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

from basekeeper.errors import NetworkError, TransportError
from basekeeper.transport.pauses import retry_after
from basekeeper.transport.redaction import shown_url
from basekeeper.transport.urls import split_url
from basekeeper.values.notifying import Later, Refused, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from basekeeper.transport.client import Response, Transport
    from basekeeper.values.notifying import Delivery

JSON: Final = "application/json"

MAX_ANSWER_BYTES: Final = 64 * 1024
"""Most bytes that are read of the answer of a receiver that took the message."""

_PASSING: Final = frozenset({408, 425, 429})
"""Failures of the 4xx that another attempt may not meet."""

_SERVER: Final = range(500, 600)
_REDIRECTS: Final = range(300, 400)

_WORD: Final = re.compile(r"[a-z][a-z_]{1,39}")
"""What is shown of an answer: one word, as Slack says why; anything else is not ours to show."""


class Post:
    """Sends bodies to one address; neither the address nor an answer is ever shown whole."""

    def __init__(self, transport: Transport, url: str) -> None:
        """Keep the address.

        Args:
            transport: Limits every request, and holds what is permitted for the host.
            url: Checked by `split_url` before.
        """
        self._transport = transport
        self._url = url

    def send(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Delivery:
        """Send a body of JSON once.

        It arrived as soon as the status says so: what becomes of the rest of the answer, however
        large or slow, is of no concern.
        """
        answered = _Answered()
        try:
            response = self._transport.post(
                self._url, body, JSON, headers=headers, max_bytes=sys.maxsize, begin=answered.begin
            )
        except TransportError as error:
            return Sent() if answered.is_success else Later(self._reason(error))
        return Sent() if answered.is_success else _failure(response, now)

    def _reason(self, error: TransportError) -> str:
        """Tell why a request failed, without the path of the address, which may be the secret."""
        reason = error.reason if isinstance(error, NetworkError) else None
        text = reason or error.message
        host = split_url(self._url)[0].authority
        return text.replace(shown_url(self._url), host).replace(self._url, host)


class _Answered:
    """Notices that a success began, and drops its body up to a limit."""

    def __init__(self) -> None:
        self.is_success = False
        self._left = MAX_ANSWER_BYTES

    def begin(self) -> Callable[[bytes], object]:
        self.is_success = True
        return self._take

    def _take(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise TransportError("the answer is longer than any receiver's need be")


def _failure(response: Response, now: datetime) -> Delivery:
    """Tell what a status other than 2xx means."""
    status = response.status
    word = response.body[:41].decode("latin-1").strip()
    said = f": {word}" if _WORD.fullmatch(word) else ""
    reason = f"answered with status {status}{said}"
    if status in _PASSING or status in _SERVER:
        return Later(reason, retry_after(response.headers, b"", now))
    if status in _REDIRECTS:
        reason = f"{reason}: redirects are not followed"
    return Refused(reason)
