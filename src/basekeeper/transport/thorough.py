"""Answers of every kind, read by h11: chunks, interim answers, bodies up to the end, and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h11

from basekeeper.transport.heads import Head, joined
from basekeeper.transport.wire import CLOSED, Garbled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from basekeeper.transport.deadline import Deadline

MAX_HEAD_BYTES: Final = 64 * 1024
"""Longest head of an answer, and of anything else that h11 must hold as a whole."""

MAX_INTERIM: Final = 16
"""Most interim answers (1xx) before the real one."""


class ThoroughReader:
    """Reads one answer from its first byte; used by one thread at a time."""

    def __init__(self, method: str, data: bytes, receive: Callable[[Deadline], bytes]) -> None:
        """Begin with what was read already.

        Args:
            method: What was asked.
            data: The first bytes of the answer, at least one.
            receive: Waits for more; nothing at all is the end of the connection.
        """
        self._receive = receive
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        # Only how an answer is framed depends on the question, and of that only on the method.
        self._state.send(h11.Request(method=method, target="/", headers=[("Host", "")]))
        self._state.send(h11.EndOfMessage())
        self._state.receive_data(data)
        self._is_ambiguous = False

    def head(self, deadline: Deadline) -> Head:
        """Wait for the head of the final answer, past the interim ones.

        Raises:
            OSError: The connection broke, or a wait took too long.
            Garbled: What came is no HTTP, or there are too many interim answers.
        """
        for _ in range(MAX_INTERIM + 1):
            event = self._next(deadline)
            if isinstance(event, h11.Response):
                pairs = (
                    (name.decode("latin-1"), text.decode("latin-1")) for name, text in event.headers
                )
                head = Head(event.status_code, joined(pairs))
                self._is_ambiguous = {"content-length", "transfer-encoding"} <= head.headers.keys()
                return head
        raise Garbled(f"more than {MAX_INTERIM} interim answers")

    def pieces(self, deadline: Deadline) -> Iterator[bytes]:
        """Pass on the body as it comes.

        Raises:
            OSError: The connection broke, or a wait took too long.
            Garbled: The body is not framed as its head says.
        """
        while True:
            event = self._next(deadline)
            if not isinstance(event, h11.Data):
                return
            yield bytes(event.data)

    @property
    def has_more(self) -> bool:
        """Tell whether something came after what was read."""
        return bool(self._state.trailing_data[0])

    @property
    def is_done(self) -> bool:
        """Tell whether the answer was read to its end, and the next one can only begin there.

        After one that has a length and chunks both, another reader may see the end elsewhere.
        """
        is_over = self._state.our_state is h11.DONE and self._state.their_state is h11.DONE
        return is_over and not self._is_ambiguous and not self.has_more

    def _next(self, deadline: Deadline) -> h11.Event | type[h11.PAUSED]:
        """Read until h11 has something to tell."""
        try:
            while True:
                deadline.left()  # also between events of one read: tiny chunks cost time too
                event = self._state.next_event()
                if event is not h11.NEED_DATA:
                    return event  # type: ignore[return-value]  # NEED_DATA is excluded
                data = self._receive(deadline)
                is_silent = self._state.their_state is h11.SEND_RESPONSE and not self.has_more
                if is_silent and not data:
                    raise ConnectionError(CLOSED)
                self._state.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise Garbled(str(error)) from error
