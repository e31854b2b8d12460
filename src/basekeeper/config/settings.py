"""The settings of a repository: everything in its configuration file beside the policy."""

from __future__ import annotations

import re
from dataclasses import field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.config.products import Product, joined_products, parse_products
from basekeeper.config.registries import parse_registries
from basekeeper.config.storage import StorageSettings, parse_storage
from basekeeper.records import dataclass
from basekeeper.values.settings import NON_PRODUCTION, DiscoverSettings, RegistrySettings

if TYPE_CHECKING:
    from basekeeper.config.proposals import ProposalSettings
    from basekeeper.config.table import Table
    from basekeeper.values.testing import ImageTest

_ARGUMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PLATFORM: Final = re.compile(r"[a-z0-9_]+/[a-z0-9_]+(?:/[a-z0-9_.]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings as read, with the shipped values where the file says nothing."""

    discover: DiscoverSettings = field(default_factory=DiscoverSettings)
    registry: RegistrySettings = field(default_factory=RegistrySettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    products: tuple[Product, ...] = ()
    """What is shipped, in the order of the file."""
    tests: tuple[ImageTest, ...] = ()
    """What is expected of images that are built here, in the order of the file."""
    proposals: ProposalSettings | None = None
    """How changes are proposed; None: nothing is said."""


def parse_settings(top: Table) -> Settings:
    """Read every table beside the policy; what is wrong is noted in the table's `problems`."""
    section = top.table("discover")
    discover = DiscoverSettings() if section is None else _discover(section)
    return Settings(
        discover=discover,
        registry=parse_registries(top),
        storage=parse_storage(top),
        products=parse_products(top),
        tests=_tests(top),
        proposals=_proposals(top),
    )


def _proposals(top: Table) -> ProposalSettings | None:
    """Read how changes are proposed."""
    if "proposals" not in top:
        top.raw("proposals")
        return None
    from basekeeper.config.proposals import parse_proposals  # noqa: PLC0415  # seldom there

    return parse_proposals(top)


def _tightened_proposals(
    operator: ProposalSettings | None, own: ProposalSettings | None, source: str
) -> tuple[ProposalSettings | None, tuple[str, ...]]:
    if own is None:
        return operator, ()
    from basekeeper.config.proposals import tightened_proposals  # noqa: PLC0415  # as above

    return tightened_proposals(operator, own, source)


def _tests(top: Table) -> tuple[ImageTest, ...]:
    """Read the tests of built images."""
    if "test" not in top:
        top.raw("test")
        return ()
    from basekeeper.config.testing import parse_tests  # noqa: PLC0415  # seldom there

    return parse_tests(top)


def own_settings(said: Settings, source: str) -> tuple[Settings, tuple[str, ...]]:
    """Return what a repository may say of itself where there is no operator.

    Returns:
        The settings, and a notice for each that is ignored: where cache and ledger lie.
    """
    notices = tuple(
        f"{name} of {source} is ignored: it is to be set in your own settings"
        for name in said.storage.given
    )
    return replace(said, storage=StorageSettings()), notices


def permitted_settings(
    operator: Settings, own: Settings, source: str
) -> tuple[Settings, tuple[str, ...]]:
    """Return an operator's settings, widened by what a repository may say of itself.

    A repository may have more read: more files, platforms and submodules. What would leave files
    out, or call them non-production, is ignored. So are build arguments: one could put an approved
    image in the place of the one that a Dockerfile names. How registries are reached, and where
    cache and ledger lie, is the operator's alone to say. Its products are added to the operator's.

    Returns:
        The settings, and a notice for each setting of the repository that is ignored.
    """
    given, said = operator.discover, own.discover
    ignored = {
        "discover.include": said.include,
        "discover.exclude": said.exclude,
        "discover.non_production": said.non_production != NON_PRODUCTION,
        "discover.build_args": said.build_args,
        "discover.respect_gitignore": not said.respect_gitignore and given.respect_gitignore,
    }
    hosts = {f'registry."{name}"': True for name in own.registry.hosts}
    places = dict.fromkeys(own.storage.given, True)
    shipped = DiscoverSettings()
    platforms = () if said.platforms == shipped.platforms else said.platforms
    discover = replace(
        given,
        dockerfiles=_joined(given.dockerfiles, said.dockerfiles),
        platforms=_joined(given.platforms, platforms),
        follow_submodules=given.follow_submodules or said.follow_submodules,
    )
    notices = tuple(
        f"{name} of {source} is ignored: it is the operator's to set"
        for name, present in {**ignored, **hosts, **places}.items()
        if present
    )
    products, doubled = joined_products(operator.products, own.products, source)
    tests, passed_over = _joined_tests(operator.tests, own.tests, source)
    proposals, narrowed = _tightened_proposals(operator.proposals, own.proposals, source)
    settings = replace(
        operator, discover=discover, products=products, tests=tests, proposals=proposals
    )
    return settings, notices + doubled + passed_over + narrowed


def _joined_tests(
    operator: tuple[ImageTest, ...], own: tuple[ImageTest, ...], source: str
) -> tuple[tuple[ImageTest, ...], tuple[str, ...]]:
    if not operator or not own:
        return operator or own, ()
    from basekeeper.config.testing import joined_tests  # noqa: PLC0415  # as above

    return joined_tests(operator, own, source)


def _discover(section: Table) -> DiscoverSettings:
    """Read `[discover]`."""
    shipped = DiscoverSettings()
    follow = section.flag("follow_submodules")
    respect = section.flag("respect_gitignore")
    settings = DiscoverSettings(
        include=section.texts("include") or (),
        exclude=section.texts("exclude") or (),
        dockerfiles=section.texts("dockerfiles") or (),
        # Added to the shipped ones: a later `!pattern` takes one of those back.
        non_production=NON_PRODUCTION + (section.texts("non_production") or ()),
        build_args=MappingProxyType(_build_args(section)),
        platforms=_platforms(section) or shipped.platforms,
        follow_submodules=shipped.follow_submodules if follow is None else follow,
        respect_gitignore=shipped.respect_gitignore if respect is None else respect,
    )
    section.finish()
    return settings


def _build_args(section: Table) -> dict[str, str]:
    """Read the build arguments; an empty value is one."""
    found = section.text_map("build_args")
    for name in found:
        if _ARGUMENT.fullmatch(name) is None:
            section.wrong(("build_args", name), "is no name of an argument")
    return found


def _platforms(section: Table) -> tuple[str, ...]:
    """Read the platforms, each `os/architecture[/variant]`."""
    found = tuple(section.indexed_texts("platforms"))
    for index, platform in found:
        if _PLATFORM.fullmatch(platform) is None:
            section.wrong(
                ("platforms", index),
                f"{platform!r:.80} is no platform",
                "write it as os/architecture, for example linux/arm64",
            )
    return tuple(platform for _, platform in found)


def _joined(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Join two lists, each value once, in the order of first mention."""
    return tuple(dict.fromkeys(first + second))
