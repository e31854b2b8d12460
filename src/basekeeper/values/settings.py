"""What a user can say: which files are read, with which values, and how registries are reached."""

from __future__ import annotations

from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

NON_PRODUCTION: Final = (
    ".devcontainer/**",
    "**/.devcontainer/**",
    "**/devcontainer/**",
    "**/test/**",
    "**/tests/**",
    "**/testdata/**",
    "**/testing/**",
    "**/test-fixtures/**",
    "**/fixtures/**",
    "**/__tests__/**",
    "**/e2e/**",
    "**/integration/**",
    "**/example/**",
    "**/examples/**",
    "**/sample/**",
    "**/samples/**",
    "**/demo/**",
    "**/demos/**",
    "**/docs/**",
    "**/vendor/**",
    "**/third_party/**",
    "**/third-party/**",
    "**/node_modules/**",
)
"""Patterns of paths whose images are not shipped; rules on the final chain do not apply there."""

DEFAULT_PLATFORM: Final = "linux/amd64"
"""Platform of a build for which no file says another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverSettings:
    """Settings of discovery.

    All patterns are globs on POSIX paths relative to the root, as in a `.gitignore`: `*` and `?`
    stop at a slash, `**` does not, a pattern without a slash matches at any depth, one that
    matches a directory covers everything in it, and `!` takes back what an earlier one matched.
    """

    include: tuple[str, ...] = ()
    """When not empty, only files that match are read."""
    exclude: tuple[str, ...] = ()
    """Files that match are not read; wins over `include`."""
    dockerfiles: tuple[str, ...] = ()
    """Files that are Dockerfiles although their names do not say so."""
    non_production: tuple[str, ...] = NON_PRODUCTION
    build_args: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Build arguments given to every build, over those that files give; also the variables of
    Compose and bake files, over `.env` and defaults."""
    platforms: tuple[str, ...] = (DEFAULT_PLATFORM,)
    """Platforms of builds for which no file says others, as `os/architecture[/variant]`."""
    follow_submodules: bool = False
    """Whether submodules and other repositories below the root are read too."""
    respect_gitignore: bool = True
    """Whether files that git ignores (and does not track) are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """How one registry is reached: a table `[registry."HOST"]`."""

    mirror: str | None = None
    """What is asked in its place: `[http[s]://]host[:port][/prefix]`; None: the registry itself."""
    http: bool = False
    """Whether it is spoken to without TLS."""
    ca: str | None = None
    """File with the certificates that vouch for it, in addition to the system's."""
    private: bool = False
    """Whether its name may lead to an address outside the public internet."""
    token_hosts: tuple[str, ...] = ()
    """Hosts (`host` or `host:port`) beside its own that may be given its credentials for tokens."""
    username_env: str | None = None
    """Environment variable that holds the user name."""
    password_env: str | None = None
    """Environment variable that holds the password."""
    token_env: str | None = None
    """Environment variable that holds a bearer token, sent as it is."""
    concurrency: int | None = None
    """Most requests at a time; None: the shipped number."""
    hub_api: str | None = None
    """Base URL of Docker Hub's own interface; only of `docker.io`."""
    by_repository: bool = False
    """Whether a scanned repository said any of this: then no credentials are ever sent."""


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """How registries are reached; whatever is not named is reached as everybody does."""

    hosts: Mapping[str, HostSettings] = field(default_factory=lambda: MappingProxyType({}))
    """Registry as references name it (`docker.io`, `registry.corp:5000`), in lower case → its
    settings."""

    def of(self, name: str) -> HostSettings:
        """Return the settings of a registry; the shipped ones where nobody said anything."""
        return self.hosts.get(name.lower()) or HostSettings()
