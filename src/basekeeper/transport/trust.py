"""TLS: whom to believe; loaded when the first https connection is made, as it is slow and big."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from basekeeper.errors import TransportError
from basekeeper.transport.redaction import shown_text

if TYPE_CHECKING:
    import socket
    import ssl

    from basekeeper.transport.deadline import Deadline
    from basekeeper.transport.options import HostOptions
    from basekeeper.transport.sockets import Sockets


class Trust:
    """Wraps sockets in TLS; one context for each way to trust, made once."""

    def __init__(self) -> None:
        """Load nothing yet."""
        self._lock = threading.Lock()
        self._contexts: dict[tuple[str | None, bool], ssl.SSLContext] = {}

    def wrap(
        self,
        sock: socket.socket,
        host: str,
        options: HostOptions,
        sockets: Sockets,
        deadline: Deadline,
    ) -> socket.socket:
        """Do the handshake; the socket given is used up.

        Raises:
            TransportError: The certificate is not trusted or not for this host, or the file of
                authorities cannot be read.
            OSError: The handshake failed otherwise, or took too long.
        """
        from ssl import SSLCertVerificationError  # noqa: PLC0415  # slow; not for plain http

        try:
            wrapped = self._context(options).wrap_socket(
                sock,
                server_hostname=host,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
            )
        except BaseException:
            sockets.close(sock)
            raise
        sockets.replace(sock, wrapped)
        try:
            wrapped.settimeout(deadline.left())
            wrapped.do_handshake()
        except BaseException as error:
            sockets.close(wrapped)
            if isinstance(error, SSLCertVerificationError):
                raise TransportError(
                    f"{host}: {shown_text(error.verify_message)}",
                    hint="name the file with the host's authority in the settings if it is yours",
                ) from error
            raise
        return wrapped

    def _context(self, options: HostOptions) -> ssl.SSLContext:
        """Give the context for a host's options."""
        key = (options.ca_file, options.verify_tls)
        with self._lock:
            if key not in self._contexts:
                self._contexts[key] = _new_context(options)
            return self._contexts[key]


def _new_context(options: HostOptions) -> ssl.SSLContext:
    """Load the system's authorities and the host's own."""
    import ssl  # noqa: PLC0415  # slow; not for plain http

    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    context.hostname_checks_common_name = False  # free text, not bound by an authority's limits
    # An end without a word in TLS is an error: of a body without a length, someone may have cut
    # off the rest. OpenSSL before 3.0 has no such option, and always says so.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    if not options.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif options.ca_file is not None:
        try:
            context.load_verify_locations(options.ca_file)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise TransportError(
                f"cannot use the file of authorities {options.ca_file!r}: {reason}",
                hint="name a readable file with certificates in PEM form",
            ) from error
    return context
