"""Other names of the same image: mirrors, vanity hosts, per-architecture namespaces, proxies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InvalidReference
from basekeeper.values.reference import HUB, parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.values.reference import Reference

ARCHITECTURE_NAMESPACES: Final = (
    "amd64",
    "arm32v5",
    "arm32v6",
    "arm32v7",
    "arm64v8",
    "i386",
    "mips64le",
    "ppc64le",
    "riscv64",
    "s390x",
    "winamd64",
)
"""Hub namespaces that hold the official images of one architecture
(https://github.com/docker-library/official-images#architectures-other-than-amd64)."""

BUILT_IN: Final[Mapping[str, str]] = {
    "mirror.gcr.io": HUB,
    "public.ecr.aws/docker/library": f"{HUB}/library",
    "mcr.microsoft.com/mirror/docker/library": f"{HUB}/library",
    "registry.hub.docker.com": HUB,
    "registry-1.docker.io": HUB,
    "lscr.io": "ghcr.io",
} | {f"{HUB}/{namespace}": f"{HUB}/library" for namespace in ARCHITECTURE_NAMESPACES}
"""Prefix that mirrors → prefix that it mirrors; the first five are Docker's own content."""


class AliasTable:
    """Maps names of mirrors to the names of what they mirror.

    A prefix is a registry, or a registry and whole parts of a path: `proxy.example/hub` covers
    `proxy.example/hub/library/alpine`, not `proxy.example/hub2/alpine`. The longest prefix wins.
    """

    def __init__(self, entries: Mapping[str, str] | None = None) -> None:
        """Take the built-in prefixes and those of `entries`, which win over built-in ones.

        Args:
            entries: Prefix → prefix, for example `{"proxy.example/hub": "docker.io"}`. A prefix
                that is mapped to itself is no alias: so a built-in one is switched off.

        Raises:
            InvalidReference: When a prefix does not start with a registry, or is no name.
        """
        table = dict(BUILT_IN)
        for prefix, target in (entries or {}).items():
            table[_checked(prefix)] = _checked(target)
        self._table: Final = {key: value for key, value in table.items() if key != value}

    def canonical(self, reference: Reference) -> Reference:
        """Return the reference under the name of what it mirrors, itself where it is no mirror.

        Tag, digest and text are kept. What a prefix leads to is looked up again (a proxy of a
        mirror), every prefix at most once. On Docker Hub a single part gets `library/`.
        """
        name = reference.name
        used: set[str] = set()
        while (prefix := self._prefix_of(name)) is not None and prefix not in used:
            used.add(prefix)
            name = self._table[prefix] + name[len(prefix) :]
            registry, slash, path = name.partition("/")
            if registry == HUB and slash and "/" not in path:
                name = f"{HUB}/library/{path}"
        if not used:
            return reference
        registry, _, path = name.partition("/")
        try:
            return replace(reference, registry=registry, repository=path)
        except InvalidReference:
            return reference  # no repository is left, or one too long: nothing that is mirrored

    def _prefix_of(self, name: str) -> str | None:
        """Find the longest prefix that covers a name."""
        prefix = name
        while prefix not in self._table:
            prefix, slash, _ = prefix.rpartition("/")
            if not slash:
                return None
        return prefix


def _checked(prefix: str) -> str:
    """Return a prefix without a slash at its end, if it can start a normalised name."""
    prefix = prefix.rstrip("/")
    reference = parse_reference(f"{prefix}/x")
    if reference.name not in {f"{prefix}/x", f"{prefix}/library/x"}:
        raise InvalidReference(prefix, "a prefix starts with a registry host")
    if reference.tag is not None or reference.digest is not None:
        raise InvalidReference(prefix, "a prefix has neither tag nor digest")
    return prefix
