"""Files of credentials, as Docker and Podman write them.

For one registry, the first of these counts that has something to say:

1. `credHelpers`: the helper that is named for this registry;
2. `credsStore`: the helper for all registries;
3. `auths`: what stands in the file itself. Podman's keys may name a namespace or a repository
   (`registry.corp/team`); the longest that covers the repository comes first. Docker's keys may be
   URLs, of which the host alone counts.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from basekeeper.errors import Error
from basekeeper.registry.credential import Credential, Kind, make_credential
from basekeeper.values.reference import HUB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Ask = Callable[[str, str], Credential | None]
    """Asks a helper (by name) for the credential of a server."""

HUB_SERVER: Final = "https://index.docker.io/v1/"
"""What Docker has always called its Hub in files and to helpers."""

_HUB_NAMES: Final = (HUB_SERVER, "index.docker.io", HUB, "registry-1.docker.io")
_HUB_HOSTS: Final = frozenset(_HUB_NAMES[1:])
_OLD_PATHS: Final = frozenset({"v1", "v2"})


class AuthFileError(Error):
    """A file of credentials cannot be understood."""


class _Entry(NamedTuple):
    """One of `auths`."""

    host: str
    path: str
    """Namespace or repository that the entry is for; empty: the whole host."""
    rank: int
    """Among several names of one host, the smallest comes first."""
    value: Any


class AuthFile:
    """One file, read. `label` is what messages call it."""

    def __init__(self, label: str, data: bytes) -> None:
        """Read the content of a file.

        Raises:
            AuthFileError: It is no JSON object, or its tables are none.
        """
        self.label = label
        content = _object(data, label)
        self._helpers = _table(content, "credHelpers", label)
        store = content.get("credsStore", "")
        self._store = store if isinstance(store, str) else ""
        entries = (_entry(key, value) for key, value in _table(content, "auths", label).items())
        self._entries = sorted(entries, key=lambda entry: (-len(entry.path), entry.rank))

    @property
    def has_paths(self) -> bool:
        """Tell whether the answer may depend on the repository, not on the registry alone."""
        return any(entry.path for entry in self._entries)

    def find(self, registry: str, repository: str, ask: Ask) -> Credential | None:
        """Return the credential for a repository; None where the file has none.

        Raises:
            AuthFileError: The entry that counts cannot be understood.
            HelperError: As `ask` raises it.
        """
        for helper, server in self._helpers_for(registry):
            found = ask(helper, server)
            if found is not None:
                return found
        hosts = _HUB_HOSTS if registry == HUB else {registry.lower()}
        for entry in self._entries:
            covers = not entry.path or f"{repository}/".startswith(f"{entry.path}/")
            if entry.host in hosts and covers:
                credential = self._credential(entry)
                if credential is not None:
                    return credential
        return None

    def _helpers_for(self, registry: str) -> Iterator[tuple[str, str]]:
        """Yield the helpers to ask, with the name that each knows the registry by."""
        names = _HUB_NAMES if registry == HUB else (registry,)
        own = next((name for name in names if name in self._helpers), None)
        if own is not None and self._helpers[own]:
            if not isinstance(self._helpers[own], str):
                raise AuthFileError(f"{self.label}: the helper of {own!r} is no text")
            yield self._helpers[own], own
        elif own is None and self._store:  # a helper without a name means: none
            yield self._store, names[0]

    def _credential(self, entry: _Entry) -> Credential | None:
        """Read one entry; None where it is empty, as it is beside a store."""
        value = entry.value if isinstance(entry.value, dict) else {}
        said = {name: text for name, text in value.items() if isinstance(text, str) and text}
        if "registrytoken" in said:
            return Credential(Kind.BEARER, "", said["registrytoken"], self.label)
        username, password = said.get("username", ""), said.get("password", "")
        if "auth" in said:
            username, password = self._split(said["auth"], entry)
        if "identitytoken" in said:
            return Credential(Kind.IDENTITY, username, said["identitytoken"], self.label)
        return make_credential(username, password, self.label)

    def _split(self, auth: str, entry: _Entry) -> tuple[str, str]:
        """Take user name and password apart, at the first colon."""
        try:
            text = base64.b64decode(auth, validate=True).decode()
        except (binascii.Error, ValueError):
            text = ""
        username, colon, password = text.partition(":")
        if not colon:
            place = f"{self.label}: 'auth' of {entry.host!r:.100}"
            raise AuthFileError(f"{place} is not user name and password in base64")
        return username, password.rstrip("\0")


def _entry(key: str, value: object) -> _Entry:
    """Understand a key of `auths`."""
    bare = key.removeprefix("https://").removeprefix("http://")
    host, _, path = bare.partition("/")
    path = path.strip("/")
    if bare != key or path in _OLD_PATHS:
        path = ""
    rank = _HUB_NAMES.index(key) if key in _HUB_NAMES else len(_HUB_NAMES)
    return _Entry(host.lower(), path, rank, value)


def _object(data: bytes, label: str) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        # The error is dropped, as it holds the text.
        raise AuthFileError(f"{label} is not valid JSON") from None
    if not isinstance(content, dict):
        raise AuthFileError(f"{label} does not hold a JSON object")
    return content


def _table(content: Mapping[str, Any], name: str, label: str) -> dict[str, Any]:
    """Return one of the tables; empty where it is absent."""
    table = content.get(name) or {}
    if not isinstance(table, dict):
        raise AuthFileError(f"{label}: {name!r} is not a JSON object")
    return table
