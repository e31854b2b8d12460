"""Opening the forge, with its secrets."""

from __future__ import annotations

import os
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InputError
from basekeeper.wiring.kept import storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from basekeeper.config.forging import ForgeSettings
    from basekeeper.config.settings import Settings
    from basekeeper.forge.github.opening import App
    from basekeeper.ports import Cache, Forge
    from basekeeper.transport.client import Transport

MAX_SECRET_BYTES: Final = 16 * 1024
"""Longest token or key."""

REQUEST_SECONDS: Final = (30.0, 120.0)
"""For one wait and for a whole request; GitHub itself gives up after ten."""


@contextmanager
def open_forge(
    settings: Settings,
    *,
    now: datetime,
    cache: Cache | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Forge]:
    """Open the forge; nothing is asked yet.

    Args:
        settings: Of which only what the user and the operator say counts.
        now: The instant of the run.
        cache: Keeps what was read.
        environ: Holds the secrets; None: the environment of this process.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read, or a secret is missing.
    """
    from basekeeper.config.forging import ForgeSettings  # noqa: PLC0415  # where a forge is asked
    from basekeeper.forge.github.client import API_VERSION  # noqa: PLC0415
    from basekeeper.forge.github.opening import open_github  # noqa: PLC0415
    from basekeeper.forge.pacing import Pace, Pacer  # noqa: PLC0415

    said = storage(settings).forge or ForgeSettings()
    who = _who(said, os.environ if environ is None else environ)
    forge = open_github(
        _transport(said),
        who,
        now,
        url=said.url,
        version=said.api_version or API_VERSION,
        cache=cache,
        pacer=Pacer(now, pace=Pace(content_an_hour=said.changes_an_hour)),
    )
    try:
        yield forge
    finally:
        forge.close()


def _who(said: ForgeSettings, environ: Mapping[str, str]) -> str | App:
    """Read what speaks for us."""
    from basekeeper.config.forging import DEFAULT_TOKEN  # noqa: PLC0415  # as above
    from basekeeper.forge.github.opening import App  # noqa: PLC0415

    if said.app is not None and said.installation is not None:
        key = _secret(said.key_env, said.key_file, environ)
        return App(said.app, said.installation, key.encode("ascii"))
    variable = said.token_env or (None if said.token_file else DEFAULT_TOKEN)
    return _secret(variable, said.token_file, environ)


def _secret(variable: str | None, file: str | None, environ: Mapping[str, str]) -> str:
    """Read a secret; nothing of it is ever shown."""
    if variable is not None:
        text, where = environ.get(variable, "").strip(), f"environment variable {variable}"
        hint = f"set {variable}, or name another variable or a file in [forge] of your settings"
    else:
        where, hint = f"file {file!r}", "name a readable file in [forge] of your settings"
        text = _read(file or "", hint)
    if not text:
        raise InputError(f"{where} holds no token or key for the forge", hint=hint)
    if not text.isascii() or len(text) > MAX_SECRET_BYTES:
        raise InputError(f"{where} holds something that is no token or key", hint=hint)
    return text


def _read(path: str, hint: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_SECRET_BYTES + 1).decode("latin-1").strip()
    except OSError as error:
        raise InputError(f"file {path!r} cannot be read: {error.strerror}", hint=hint) from None


def _transport(said: ForgeSettings) -> Transport:
    """Make a transport that may speak to one forge as the settings say."""
    from basekeeper import __version__  # noqa: PLC0415  # only where a forge is asked
    from basekeeper.forge.github.client import endpoints  # noqa: PLC0415
    from basekeeper.transport.client import HostOptions, Limits  # noqa: PLC0415
    from basekeeper.transport.client import Transport as Client  # noqa: PLC0415
    from basekeeper.transport.urls import split_url  # noqa: PLC0415

    origin = split_url(endpoints(said.url).rest)[0]
    is_near = _is_loopback(origin.host)
    options = HostOptions(
        plain_http=said.http or is_near, private=said.private or is_near, ca_file=said.ca
    )
    timeout, total = REQUEST_SECONDS
    return Client(
        Limits(timeout=timeout, total=total, retries=0),
        user_agent=f"basekeeper/{__version__}",
        hosts={f"{origin.name}:{origin.port}": options},
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
