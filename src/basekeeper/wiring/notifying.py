"""Opening the channels that are told of deadlines, with their secrets."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from basekeeper.errors import TransportError
from basekeeper.wiring.kept import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from basekeeper.config.notifying import ChannelSettings
    from basekeeper.config.settings import Settings
    from basekeeper.ports import Channel, Ledger
    from basekeeper.transport.client import Transport
    from basekeeper.transport.urls import Origin
    from basekeeper.values.notifying import Audience

MAX_SECRET_BYTES: Final = 8 * 1024
"""Longest address or key, in a file."""

REQUEST_SECONDS: Final = (10.0, 20.0)
"""For one wait and for a whole request: receivers are to answer first and to work then."""


class _Missing(Exception):  # noqa: N818  # never leaves this module
    """A secret is not there or is none; the message shows nothing of it."""


def ticking(now: datetime) -> Callable[[], datetime]:
    """Return a clock that shows the instant of the run now, and goes on from there.

    Leases and signatures need the time as it passes; to be called where the run begins.
    """
    begin = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - begin)


@contextmanager
def open_outbox(
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    ephemeral: bool = False,
    start: Path | None = None,
) -> Iterator[Ledger]:
    """Open the ledger to queue and to send, by a clock that goes on.

    Args:
        settings: Of which only what the user and the operator say of the ledger counts.
        clock: Tells the time: a lease reckoned from one that stands still would end too early.
        ephemeral: Whether a file that is lost with a job of CI will do.
        start: A directory in the clone of a branch; None: the current one.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or a variable that names a place is wrong.
        LedgerError: It cannot be reached or is no ledger, or is a file in a job of CI.
    """
    from basekeeper.ledger.opening import check_lasting, open_ledger  # noqa: PLC0415
    from basekeeper.wiring.recording import own_ledger  # noqa: PLC0415  # only to notify

    location = storage(settings).ledger or own_ledger()
    check_lasting(location, os.environ, ephemeral=ephemeral)
    ledger = open_ledger(location, clock=clock, start=start)
    try:
        yield ledger
    finally:
        ledger.close()


def audiences(settings: Settings) -> tuple[Audience, ...]:
    """Return what each channel wants to hear, as the user and the operator say.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
    """
    return tuple(one.audience for one in storage(settings).notify)


@contextmanager
def open_channels(
    settings: Settings, environ: Mapping[str, str] | None = None
) -> Iterator[tuple[Channel, ...]]:
    """Open every channel; of one whose secrets are missing each message says so.

    Args:
        settings: Of which only what the user and the operator say counts.
        environ: Holds the secrets; None: the environment of this process.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
    """
    values = os.environ if environ is None else environ
    with ExitStack() as stack:
        yield tuple(_open(one, values, stack) for one in storage(settings).notify)


def _open(said: ChannelSettings, environ: Mapping[str, str], stack: ExitStack) -> Channel:
    from basekeeper.notify.posting import Post  # noqa: PLC0415  # only to notify
    from basekeeper.notify.slack import Slack  # noqa: PLC0415
    from basekeeper.notify.unusable import Unusable  # noqa: PLC0415
    from basekeeper.notify.webhook import Webhook  # noqa: PLC0415

    try:
        url = _address(said, environ)
        origin = _origin(url, said)
        keys = _keys(said, environ)
    except _Missing as missing:
        return Unusable(said.name, str(missing))
    post = Post(stack.enter_context(_transport(said, origin)), url)
    return Slack(said.name, post) if said.kind == "slack" else Webhook(said.name, post, keys)


def _transport(said: ChannelSettings, origin: Origin) -> Transport:
    """Make a transport that may speak to one host as the settings say."""
    from basekeeper import __version__  # noqa: PLC0415  # only to notify
    from basekeeper.transport.client import HostOptions, Limits  # noqa: PLC0415
    from basekeeper.transport.client import Transport as Client  # noqa: PLC0415

    timeout, total = REQUEST_SECONDS
    is_near = _is_loopback(origin.host)
    options = HostOptions(
        plain_http=said.http or is_near, private=said.private or is_near, ca_file=said.ca
    )
    return Client(
        Limits(timeout=timeout, total=total, retries=0),
        user_agent=f"basekeeper/{__version__}",
        hosts={origin.authority: options, f"{origin.name}:{origin.port}": options},
    )


def _address(said: ChannelSettings, environ: Mapping[str, str]) -> str:
    if said.url_env is not None:
        return _variable(said.url_env, environ)
    return _file(said.url_file or "")


def _origin(url: str, said: ChannelSettings) -> Origin:
    """Check an address; nothing of it is shown, as its path may be the secret."""
    from basekeeper.transport.urls import split_url  # noqa: PLC0415  # only to notify

    where = said.url_env or said.url_file
    try:
        origin = split_url(url)[0]
    except TransportError:
        raise _Missing(f"{where} holds no usable address: https://host/path is needed") from None
    if origin.scheme != "https" and not said.http and not _is_loopback(origin.host):
        raise _Missing(f"{where} holds an address without TLS, which http = true would allow")
    return origin


def _keys(said: ChannelSettings, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """Read the keys, those of variables first."""
    from basekeeper.notify.webhook import read_key  # noqa: PLC0415  # only to notify

    texts = {name: _variable(name, environ) for name in said.secret_env}
    texts |= {path: _file(path) for path in said.secret_file}
    found = []
    for place, text in texts.items():
        try:
            found.append(read_key(text))
        except ValueError as error:
            raise _Missing(f"the key in {place} {error}") from None
    return tuple(found)


def _variable(name: str, environ: Mapping[str, str]) -> str:
    text = environ.get(name, "").strip()
    if not text:
        raise _Missing(f"environment variable {name} is not set")
    return text


def _file(path: str) -> str:
    """Read a file with a secret."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_SECRET_BYTES).decode("ascii").strip()
    except UnicodeDecodeError:
        raise _Missing(f"{path} holds no text in ASCII") from None
    except OSError as error:
        raise _Missing(f"{path} cannot be read: {error.strerror}") from None
    if not text:
        raise _Missing(f"{path} is empty")
    return text


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
