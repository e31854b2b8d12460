"""What a user can say about discovery: which files are read, and with which values."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

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
