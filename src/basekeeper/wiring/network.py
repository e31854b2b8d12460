"""Opening registries and the network, as the settings of user, operator and repository say."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from basekeeper.errors import Failure, RegistryError, TransportError
from basekeeper.values.settings import RegistrySettings
from basekeeper.wiring.kept import open_cache

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from basekeeper.config.settings import Settings
    from basekeeper.lifecycle.fetched import Validators
    from basekeeper.policy.load import Config
    from basekeeper.ports import Cache, Pulling
    from basekeeper.refresh import Fetch
    from basekeeper.registry.hosts import Host
    from basekeeper.transport.bodies import Begin

MAX_VALIDATOR_CHARS: Final = 512
"""Longest text of a server by which it tells that nothing changed; longer ones are not kept."""

HURRY_SECONDS: Final = 10.0
"""Longest wait for a connection, for a piece of an answer and before a repetition, in a hurry."""

_NOT_MODIFIED: Final = 304
_NOBODY: Final[Mapping[str, str]] = {}

ANY_AGE: Final = timedelta(days=36_500)
"""How old an answer of the cache may be where only the cache may answer."""


@contextmanager
def open_fetch(
    mirrors: Collection[str] = (), *, authorities: Mapping[str, str] = _NOBODY
) -> Iterator[Fetch]:
    """Open the network for a refresh: a function that gives the body of a URL.

    The function raises TransportError for a request that fails, for an answer other than 2xx, and
    for 304 where it was not asked whether anything changed.

    Args:
        mirrors: Addresses that the user named; they may be private and without TLS.
        authorities: Host, or host and port → file of authorities to trust beside the system's.

    Raises:
        TransportError: One of them is no URL.
    """
    from basekeeper import __version__  # noqa: PLC0415  # only for a refresh
    from basekeeper.refresh import Fetched, Validators  # noqa: PLC0415
    from basekeeper.refresh.model import MAX_ANSWER, NOTHING  # noqa: PLC0415
    from basekeeper.transport.client import HostOptions, Transport  # noqa: PLC0415
    from basekeeper.transport.redaction import shown_url  # noqa: PLC0415
    from basekeeper.transport.urls import split_url  # noqa: PLC0415

    origins = [split_url(url)[0] for url in mirrors]
    hosts = {name: HostOptions(ca_file=path) for name, path in authorities.items()}
    for origin in origins:
        trusted = authorities.get(origin.authority) or authorities.get(origin.name)
        hosts[origin.authority] = HostOptions(private=True, ca_file=trusted)
    plain = [origin.authority for origin in origins if origin.scheme == "http"]
    agent = f"basekeeper/{__version__}"
    with Transport(user_agent=agent, hosts=hosts, allow_http=plain) as transport:

        def fetch(url: str, known: Validators = NOTHING, *, max_bytes: int = MAX_ANSWER) -> Fetched:
            headers = _conditions(known)
            answer = transport.get(url, headers=headers, max_bytes=max_bytes)
            said = Validators(
                _validator(answer.headers, "etag"), _validator(answer.headers, "last-modified")
            )
            if answer.status == _NOT_MODIFIED and headers:
                return Fetched(None, said)
            if not answer.is_success:
                raise TransportError(f"{shown_url(url)} answered with status {answer.status}")
            return Fetched(answer.body, said)

        yield fetch


def _conditions(known: Validators) -> dict[str, str]:
    """Return the headers that ask for a body only where it changed."""
    said = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in said.items() if value}


def _validator(headers: Mapping[str, str], name: str) -> str:
    """Return what a server said of an answer, where it can be sent back to it; else nothing."""
    value = headers.get(name, "")
    is_fit = len(value) <= MAX_VALIDATOR_CHARS and value.isascii() and value.isprintable()
    return value if is_fit else ""


def with_registries(config: Config, *, has_operator: bool, is_gate: bool = False) -> Config:
    """Settle how registries are reached: by the user's own settings, the operator, the repository.

    Args:
        config: What was read of the repository, and of the operator's policy where there is one.
        has_operator: Whether its settings are an operator's.
        is_gate: Whether a proposal is judged; then the repository has no say.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
    """
    from basekeeper.config.registries import (  # noqa: PLC0415  # only for verbs that may ask
        effective_registries,
        read_user_registries,
    )

    said = config.settings.registry
    settled, notices = effective_registries(
        read_user_registries(os.environ, Path.home()),
        said if has_operator else None,
        RegistrySettings() if has_operator else said,
        source=config.source or "",
        is_gate=is_gate,
    )
    return replace(
        config,
        settings=replace(config.settings, registry=settled),
        notices=(*config.notices, *notices),
    )


@contextmanager
def open_registry(  # noqa: PLR0913  # one that cannot be left out, five that mostly are
    settings: Settings,
    *,
    now: datetime,
    offline: bool = False,
    use_cache: bool = True,
    hurry: bool = False,
    cache: Cache | None = None,
) -> Iterator[Pulling]:
    """Open all registries behind one door, and end every connection afterwards.

    Closing it ends what is under way in other threads too.

    Args:
        settings: Hosts, mirrors and where credentials are from.
        now: The instant of the run, by which the age of cached answers is told.
        offline: Whether only the cache may answer, however old; everything else then fails as not
            reachable.
        use_cache: False to read and write no cache.
        hurry: Whether a host that fails is soon given up, as a gate must answer soon.
        cache: One that is open already; None: one is opened as `use_cache` says.
    """
    # None of these is needed by a verb that asks nobody.
    from basekeeper import __version__  # noqa: PLC0415
    from basekeeper.registry.client import RegistryClient, RegistryLimits  # noqa: PLC0415
    from basekeeper.registry.hosts import find_host, transport_options  # noqa: PLC0415
    from basekeeper.registry.keyring import Keyring  # noqa: PLC0415
    from basekeeper.registry.paced import PacedRequests  # noqa: PLC0415
    from basekeeper.registry.pacing import Pacer, Patience, places_for  # noqa: PLC0415
    from basekeeper.registry.session import Session  # noqa: PLC0415
    from basekeeper.transport.client import Limits, Transport  # noqa: PLC0415

    hosts = settings.registry

    def find(name: str) -> Host:
        return find_host(name, hosts)

    # The pacer repeats, for it knows what else a host was asked.
    limits = Limits(retries=0, timeout=HURRY_SECONDS) if hurry else Limits(retries=0)
    transport = Transport(
        limits,
        user_agent=f"basekeeper/{__version__}",
        hosts=transport_options(hosts),
    )
    patience = Patience(tries=2, longest=HURRY_SECONDS, budget=HURRY_SECONDS) if hurry else None
    keyring = Keyring(hosts, os.environ, Path.home())
    pacer = Pacer(now, patience=patience, places=places_for(hosts, keyring))

    def end() -> None:
        pacer.stop()
        keyring.stop()
        transport.abort()

    requests = NoRequests() if offline else PacedRequests(transport, pacer)
    ages = RegistryLimits(tag_age=ANY_AGE, publisher_age=ANY_AGE) if offline else None
    kept = open_cache(settings, use_cache=use_cache) if cache is None else nullcontext(cache)
    with kept as answers:
        client = RegistryClient(
            Session(requests, keyring), find, answers, now, limits=ages, end=end
        )
        try:
            yield client
        finally:
            client.close()


class NoRequests:
    """Stands where requests are sent, and sends none: what `--offline` asks for."""

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> NoReturn:
        """Refuse."""
        del headers, max_bytes
        self._refuse(url)

    def stream(
        self, url: str, begin: Begin, *, headers: Mapping[str, str] | None = None, max_bytes: int
    ) -> NoReturn:
        """Refuse."""
        del begin, headers, max_bytes
        self._refuse(url)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> NoReturn:
        """Refuse."""
        del headers
        self._refuse(url)

    def post(
        self,
        url: str,
        body: bytes,
        content_type: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
    ) -> NoReturn:
        """Refuse."""
        del body, content_type, headers, max_bytes
        self._refuse(url)

    def _refuse(self, url: str) -> NoReturn:
        host = url.split("/", 3)[2]  # as it is named: nothing says that it is a host at all
        raise RegistryError(
            f"{host}: not asked, as the run is offline, and not in the cache",
            Failure.UNREACHABLE,
            hint="run it once without --offline",
        )
