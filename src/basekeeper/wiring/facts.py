"""Opening what others publish of vulnerabilities, as user and operator say; asks no network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from basekeeper.lifecycle.fetched import EXPLOITED, SCORES
from basekeeper.wiring.kept import storage
from basekeeper.wiring.places import data_directory

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from basekeeper.advisories.opening import Exploited, Likelihoods
    from basekeeper.advisories.openvex import VexDocument
    from basekeeper.config.settings import Settings


def open_exploited(settings: Settings, *, now: datetime) -> Exploited:
    """Open the catalogue of exploited vulnerabilities.

    Args:
        settings: Of which only what the user and the operator say counts.
        now: The instant of the run.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
    """
    from basekeeper.advisories import opening  # noqa: PLC0415  # only where it is asked

    said = storage(settings).advisories
    return opening.open_exploited(said.kev, data_directory(), now, max_age=said.kev_max_age)


def open_scores(
    settings: Settings, *, now: datetime, wanted: Iterable[str] | None = None
) -> Likelihoods:
    """Open the probabilities of exploitation.

    Args:
        settings: Of which only what the user and the operator say counts.
        now: The instant of the run.
        wanted: The CVEs that will be asked for, which saves memory; None: any may be.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
    """
    from basekeeper.advisories import opening  # noqa: PLC0415  # only where it is asked

    said = storage(settings).advisories
    directory = data_directory()
    return opening.open_scores(said.epss, directory, now, max_age=said.epss_max_age, wanted=wanted)


def open_statements(settings: Settings) -> tuple[VexDocument, ...]:
    """Open the OpenVEX documents that the settings name, in their order.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They, or a document, cannot be read.
    """
    from basekeeper.advisories import opening  # noqa: PLC0415  # only where it is asked

    return opening.open_statements(storage(settings).advisories.vex or ())


def authorities(settings: Settings) -> dict[str, str]:
    """Return by host whom to trust besides the system's own, as for registries.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
    """
    from basekeeper.config.registries import read_user_registries  # noqa: PLC0415  # as above

    users = read_user_registries(os.environ, Path.home())
    hosts = {**users.hosts, **settings.registry.hosts}
    return {name: said.ca for name, said in hosts.items() if said.ca is not None}


def sources(settings: Settings) -> dict[str, str]:
    """Return by name of the source where it is from, of those of which something is said.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
    """
    said = storage(settings).advisories
    named = {EXPLOITED: said.kev, SCORES: said.epss}
    return {**said.mirrors, **{name: url for name, url in named.items() if url is not None}}
