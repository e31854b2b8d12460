"""The open sockets of a transport, so that another thread can cut them all at once."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Final

from basekeeper.errors import TransportError

ENDED: Final = "the network was closed by this program"
"""What a message says of a request after `abort`."""


class Sockets:
    """Every socket from before its connection is made until it is closed; safe between threads.

    A socket is cut by shutting it down, which wakes the thread that waits on it; closing it is left
    to its owner, as its number might otherwise be another file's by the time the owner looks.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.RLock()  # reentrant: a signal may interrupt its holder to abort
        self._open: set[socket.socket] = set()
        self.ended = threading.Event()
        """Set once no request may go on."""

    def add(self, sock: socket.socket) -> None:
        """Count a socket in.

        Raises:
            TransportError: All were cut; the socket is closed.
        """
        with self._lock:
            if not self.ended.is_set():
                self._open.add(sock)
                return
        sock.close()
        self.check()

    def replace(self, old: socket.socket, new: socket.socket) -> None:
        """Count one in for another whose descriptor it took over (TLS).

        Raises:
            TransportError: All were cut; the new socket is closed.
        """
        with self._lock:
            self._open.discard(old)
        self.add(new)

    def close(self, sock: socket.socket) -> None:
        """Close a socket and count it out."""
        with self._lock:  # not while another thread is about to cut it
            self._open.discard(sock)
            sock.close()

    def abort(self) -> None:
        """Cut all, now and for ever."""
        with self._lock:
            self.ended.set()
            for sock in self._open:
                with suppress(OSError):  # not connected yet, or closed by the other side
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)  # an SSLSocket's own forgets TLS

    def check(self) -> None:
        """Refuse to go on after the end.

        Raises:
            TransportError: All were cut.
        """
        if self.ended.is_set():
            raise TransportError(ENDED)
