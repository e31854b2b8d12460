"""Where the credentials of a user are from.

The first of these sources that has one for a registry counts:

1. the environment variables that the settings name (`username_env` and `password_env`,
   or `token_env`);
2. the variable `DOCKER_AUTH_CONFIG`, which holds the content of a file;
3. the file that `REGISTRY_AUTH_FILE` names;
4. `config.json` in `DOCKER_CONFIG`, else in `~/.docker`;
5. `containers/auth.json` in `XDG_RUNTIME_DIR`;
6. `containers/auth.json` in `XDG_CONFIG_HOME`, else in `~/.config`; as their specification says,
   both variables count only with absolute paths: others could lead into a scanned repository.

All of them are the user's own; nothing in a scanned repository names a credential or a helper. A
source that cannot be read or understood is passed over, with a notice: what is then read
anonymously is true all the same, and where it is refused, the notice says why.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from basekeeper.registry.authfile import AuthFile, AuthFileError
from basekeeper.registry.credential import Credential, Kind
from basekeeper.registry.helper import HelperError, HelperUnusable, ask_helper

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.registry.hosts import Host
    from basekeeper.values.settings import HostSettings, RegistrySettings

MAX_FILE_BYTES: Final = 1024 * 1024
"""Largest file of credentials that is read: 1 MiB, some thousands of registries."""

_INLINE: Final = "DOCKER_AUTH_CONFIG"


class Keyring:
    """The credentials of a user; read when first asked for, each source and helper once."""

    def __init__(self, settings: RegistrySettings, environ: Mapping[str, str], home: Path) -> None:
        """Read nothing yet.

        Args:
            settings: Name environment variables for registries.
            environ: The environment.
            home: The user's home directory.
        """
        self._settings = settings
        self._environ = environ
        self._home = home
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._files: tuple[AuthFile, ...] | None = None
        self._has_paths = False
        self._found: dict[tuple[str, str], Credential | None] = {}
        self._answers: dict[tuple[str, str], Credential | None] = {}
        self._unusable: set[str] = set()
        self._notices: dict[str, str] = {}
        self._sources: dict[str, str] = {}

    def stop(self) -> None:
        """End the helper that is running, if one is, and start no other; from any thread."""
        self._ended.set()

    def notices(self, registry: str | None = None) -> tuple[str, ...]:
        """Tell what could not be read so far, and why, in the order of discovery.

        If a registry is named, only what concerns it.
        """
        with self._lock:
            return tuple(
                text
                for text, concerned in self._notices.items()
                if registry is None or concerned in ("", registry)
            )

    @property
    def sources(self) -> Mapping[str, str]:
        """Registry → where its credential is from; those without a credential are left out."""
        with self._lock:
            return dict(self._sources)

    def credential(self, host: Host, repository: str = "") -> Credential | None:
        """Return the credential for a repository of a host; None: it is asked anonymously."""
        if host.anonymous:
            return None
        name = host.credentials_of
        with self._lock:
            if self._files is None:
                self._files = tuple(self._read_all())
                self._has_paths = any(file.has_paths for file in self._files)
            key = (name, repository if self._has_paths else "")
            if key not in self._found:
                self._found[key] = self._find(name, repository)
            return self._found[key]

    def _find(self, name: str, repository: str) -> Credential | None:
        """Go through the sources."""
        found = self._sendable(self._configured(self._settings.of(name), name), name)
        for file in self._files or ():
            if found is None:
                found = self._sendable(self._in_file(file, name, repository), name)
        if found is not None:
            self._sources[name] = found.source
        return found

    def _sendable(self, found: Credential | None, name: str) -> Credential | None:
        """Pass over what no request can hold."""
        if found is None or found.is_sendable:
            return found
        self._notice(
            f"the credential for {name} from {found.source} is not used:"
            " it has characters that cannot be sent",
            name,
        )
        return None

    def _in_file(self, file: AuthFile, name: str, repository: str) -> Credential | None:
        """Look into one file."""

        def ask(helper: str, server: str) -> Credential | None:
            return self._ask(helper, server, file.label, name)

        try:
            return file.find(name, repository, ask)
        except AuthFileError as error:
            self._notice(f"credentials for {name} are not read: {error.message}", name)
            return None

    def _ask(self, helper: str, server: str, source: str, name: str) -> Credential | None:
        """Ask a helper, once for each server, and no more once it turned out to be unusable."""
        key = (helper, server)
        is_new = key not in self._answers and helper not in self._unusable
        if is_new and not self._ended.is_set():
            self._answers[key] = None
            try:
                self._answers[key] = ask_helper(
                    helper, server, self._environ, source=source, ended=self._ended
                )
            except HelperUnusable as error:
                self._unusable.add(helper)
                self._notice(f"credentials are not read: {error.message}")
            except HelperError as error:
                message = f"credentials for {name} are not read: {error.message}"
                self._notice(message, name)
        return self._answers.get(key)

    def _configured(self, said: HostSettings, name: str) -> Credential | None:
        """Take the variables that the settings name."""
        names = [said.username_env, said.password_env, said.token_env]
        missing = [each for each in names if each and not self._environ.get(each)]
        for each in missing:
            self._notice(f"the environment variable {each}, named for {name}, is not set", name)
        if missing:
            return None
        values = [self._environ.get(each or "", "") for each in names]
        if said.token_env:
            return Credential(Kind.BEARER, "", values[2], f"${said.token_env}")
        if said.password_env:
            return Credential(Kind.PASSWORD, values[0], values[1], f"${said.password_env}")
        return None

    def _read_all(self) -> Iterator[AuthFile]:
        """Read every file that is there and can be understood."""
        for label, data in self._contents():
            try:
                yield AuthFile(label, data)
            except AuthFileError as error:
                self._notice(f"credentials are not read: {error.message}")

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield the content of every source, in their order."""
        inline = self._environ.get(_INLINE, "")
        if inline.strip():
            yield f"${_INLINE}", inline.encode("utf-8", "surrogateescape")
        for path, must_exist in self._paths():
            data = self._content(path, must_exist=must_exist)
            if data is not None:
                yield str(path), data

    def _paths(self) -> Iterator[tuple[Path, bool]]:
        """Yield the files in their order, and whether the user named them as such."""
        given = {name: value for name, value in self._environ.items() if value}
        if "REGISTRY_AUTH_FILE" in given:
            yield Path(given["REGISTRY_AUTH_FILE"]), True
        yield Path(given.get("DOCKER_CONFIG", self._home / ".docker")) / "config.json", False
        runtime, config = given.get("XDG_RUNTIME_DIR", ""), given.get("XDG_CONFIG_HOME", "")
        if runtime.startswith("/"):
            yield Path(runtime) / "containers" / "auth.json", False
        base = Path(config) if config.startswith("/") else self._home / ".config"
        yield base / "containers" / "auth.json", False

    def _content(self, path: Path, *, must_exist: bool) -> bytes | None:
        """Read a file; None where there is none, or it cannot be used."""
        reason = f"is larger than {MAX_FILE_BYTES // 1024} KiB"
        try:
            if not must_exist and not path.is_symlink() and not path.exists():
                return None
            if path.is_fifo():
                reason = "is no file"
            else:
                with path.open("rb") as file:
                    data = file.read(MAX_FILE_BYTES + 1)
                if len(data) <= MAX_FILE_BYTES:
                    return data
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
        self._notice(f"credentials are not read: {str(path)!r:.300}: {reason}")
        return None

    def _notice(self, text: str, registry: str = "") -> None:
        """Note a reason; it concerns one registry, or all."""
        self._notices[text] = registry
