"""Which addresses may be connected to.

Scanned files name hosts, and whoever owns a name decides what it points to. A host is therefore
looked up once for a connection, every address that it has is judged, and the connection goes to one
of the judged addresses, not to the name: no second look-up can answer differently.
"""

from __future__ import annotations

import socket
import threading
import time
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

from basekeeper.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from basekeeper.transport.deadline import Deadline

    Resolve = Callable[[str], tuple[str, ...]]

MAX_ADDRESSES: Final = 64
"""Most addresses of one host; more are refused, as no registry has so many."""

KEPT_SECONDS: Final = 60.0
"""How long judged addresses serve for further connections to a host."""

MAX_KEPT: Final = 1024
"""Most hosts whose addresses are kept."""

_LOOK_SECONDS: Final = 0.2
"""How often a wait for a name server looks whether the transport was ended."""


class Reach(Enum):
    """Whose an address is."""

    PUBLIC = "public"
    PRIVATE = "private"
    """Of this machine or of a network not on the internet: only for hosts permitted by name."""
    NEVER = "reserved"
    """Metadata of clouds, link-local, multicast, disguises of IPv4: for no host at all."""


# https://www.iana.org/assignments/iana-ipv4-special-registry and …ipv6-special-registry; the
# addresses of clouds' metadata services from the documentation of AWS, Azure, Alibaba and Google.
_NEVER_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "100.100.100.200/32",
        "168.63.129.16/32",
    )
)
_PRIVATE_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
    )
)
_NEVER_6: Final = tuple(
    IPv6Network(text)
    for text in ("fd00:ec2::254/128", "fd20:ce::254/128", "2001::/23", "2002::/16")
)
_PRIVATE_6: Final = tuple(
    IPv6Network(text) for text in ("::1/128", "fc00::/7", "2001:db8::/32", "3fff::/20")
)
_GLOBAL_6: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")


def reach(address: IPv4Address | IPv6Address) -> Reach:
    """Tell whose an address is; what no table knows is reserved in IPv6, public in IPv4.

    A network without IPv4 reaches public IPv4 hosts through `64:ff9b::/96` (RFC 6052): such an
    address is public where the one inside it is.
    """
    if isinstance(address, IPv4Address):
        if any(address in network for network in _NEVER_4):
            return Reach.NEVER
        is_private = any(address in network for network in _PRIVATE_4)
        return Reach.PRIVATE if is_private else Reach.PUBLIC
    if address in _NAT64:
        inside = reach(IPv4Address(int(address) & 0xFFFFFFFF))
        return Reach.PUBLIC if inside is Reach.PUBLIC else Reach.NEVER
    if any(address in network for network in _NEVER_6):
        return Reach.NEVER
    if any(address in network for network in _PRIVATE_6):
        return Reach.PRIVATE
    return Reach.PUBLIC if address in _GLOBAL_6 else Reach.NEVER


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as, old spellings (`127.1`, `0x7f000001`) too, or None."""
    try:
        return ip_address(host) if ":" in host else IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def is_local_name(host: str) -> bool:
    """Tell whether a name always means this machine (RFC 6761)."""
    return host == "localhost" or host.endswith(".localhost")


def check_addresses(host: str, addresses: tuple[str, ...], *, private: bool) -> None:
    """Refuse a host if any of its addresses is not permitted.

    Raises:
        TransportError: One is private and `private` is false, or it is reserved.
    """
    for text in addresses:
        try:
            found = reach(ip_address(text.partition("%")[0]))
        except ValueError:
            found = Reach.NEVER
        _check_reach(host, text, found, private=private)


def check_unresolved(host: str, *, private: bool) -> None:
    """Refuse what can be told of a host that a proxy will look up: literals and local names.

    Raises:
        TransportError: The host is an address that is not permitted, or a name of this machine.
    """
    address = literal(host)
    if address is not None:
        _check_reach(host, str(address), reach(address), private=private)
    elif is_local_name(host):
        _check_reach(host, host, Reach.PRIVATE, private=private)


def resolve_host(host: str) -> tuple[str, ...]:
    """All addresses of a host, in the system's order; none where its name cannot be resolved."""
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in entries))


class Resolver:
    """Looks hosts up in bounded time and keeps what it found for a short while."""

    def __init__(self, resolve: Resolve, ended: threading.Event) -> None:
        """Look up with `resolve`; stop waiting once `ended` is set."""
        self._resolve = resolve
        self._ended = ended
        self._kept: dict[str, tuple[float, tuple[str, ...]]] = {}

    def addresses(self, host: str, deadline: Deadline) -> tuple[str, ...]:
        """Give the addresses of a host, at least one.

        Raises:
            OSError: The name has none, or the name server does not answer in time.
            TransportError: It has more than a host can need.
        """
        now = time.monotonic()
        until, found = self._kept.get(host, (0.0, ()))
        if now < until:
            return found
        found = self._look_up(host, deadline)
        if not found:
            raise OSError(f"the name {host} has no address")
        if len(found) > MAX_ADDRESSES:
            raise TransportError(f"{host}: refused, the name has {len(found)} addresses")
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[host] = (now + KEPT_SECONDS, found)
        return found

    def forget(self, host: str) -> None:
        """Ask again the next time, as none of the addresses could be connected to."""
        self._kept.pop(host, None)

    def _look_up(self, host: str, deadline: Deadline) -> tuple[str, ...]:
        """Ask the system in a thread of the question's own: nothing else can bound its time."""
        address = literal(host)
        if address is not None and self._resolve is resolve_host:
            return (str(address),)
        answers: list[tuple[str, ...]] = []
        done = threading.Event()

        def ask() -> None:
            try:
                answers.append(self._resolve(host))
            finally:
                done.set()

        threading.Thread(target=ask, name="look-up", daemon=True).start()
        end = time.monotonic() + deadline.left()
        while not done.wait(_LOOK_SECONDS) and not self._ended.is_set():
            if time.monotonic() > end:
                raise TimeoutError
        return answers[0] if answers else ()


def _check_reach(host: str, text: str, found: Reach, *, private: bool) -> None:
    """Refuse one address of a host if it is not permitted."""
    if found is Reach.PUBLIC or (found is Reach.PRIVATE and private):
        return
    hint = "permit private addresses for this host in the settings if it is yours"
    raise TransportError(
        f"{host}: refused, {text!r:.60} is a {found.value} address",
        hint=hint if found is Reach.PRIVATE else None,
    )
