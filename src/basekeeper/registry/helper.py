"""Credential helpers: programs `docker-credential-NAME` that give a password for a host.

The protocol is Docker's: `get` as the only argument, the server's name on standard input, a JSON
object with `Username` and `Secret` on standard output. A helper that has no credential says so in
words on standard output and fails.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from basekeeper import process
from basekeeper.errors import Error
from basekeeper.registry.credential import make_credential

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event

    from basekeeper.registry.credential import Credential

PREFIX: Final = "docker-credential-"

LIMITS: Final = process.Limits(timeout=30.0, max_output_bytes=65_536)
"""Half a minute, as a person may have to unlock a key ring; 64 KiB, as tokens have less than 16."""

_DIRECTORY: Final = Path("/")
"""Where helpers run: a scanned repository, its `.tool-versions` say, is not for them to read."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_NOT_FOUND: Final = "credentials not found"

_PASSED_ON: Final = frozenset(
    {
        "CLOUDSDK_CONFIG",
        "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",
        "DOCKER_CONFIG",
        "GNUPGHOME",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GPG_TTY",
        "HOME",
        "HTTPS_PROXY",
        "LANG",
        "LOGNAME",
        "NO_PROXY",
        "PASSWORD_STORE_DIR",
        "PATH",
        "TMPDIR",
        "USER",
        "WAYLAND_DISPLAY",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "https_proxy",
        "no_proxy",
    }
)
"""Variables without which helpers do not find their stores."""

_PASSED_ON_PREFIXES: Final = ("AWS_", "AZURE_")
"""Clouds whose helpers take their own credentials from variables alone."""


class HelperError(Error):
    """A helper could not say whether it has a credential."""


class HelperUnusable(HelperError):  # noqa: N818  # says what is wrong, like its siblings
    """A helper cannot be run, or does not end: nothing else needs to be asked of it."""


def ask_helper(
    name: str,
    server: str,
    environ: Mapping[str, str],
    *,
    source: str,
    ended: Event | None = None,
) -> Credential | None:
    """Ask a helper for the credential of a server; None where it has none.

    Args:
        name: The helper, without the prefix, as a user's own file names it.
        server: The server, as the helper knows it.
        environ: What the helper's own, smaller environment is taken from.
        source: Where the helper is named, for messages.
        ended: Once another thread sets it, the helper is ended.

    Raises:
        HelperUnusable: It is no name, is not there, is too slow, says too much, or was ended.
        HelperError: It fails, or says something else.
    """
    if _NAME.fullmatch(name) is None:
        raise HelperUnusable(f"{source}: {name!r:.80} is no name of a credential helper")
    program = PREFIX + name
    told = f"{source}, {program}"
    try:
        path = process.find_program(program)
        done = process.run(
            [path, "get"],
            cwd=_DIRECTORY,
            env=_environment(environ),
            stdin=server.encode(),
            limits=LIMITS,
            ended=ended,
        )
    except Error as error:
        raise HelperUnusable(f"{source}: {error.message}", hint=error.hint) from error
    if done.returncode != 0:
        # What it says beside this one sentence is not shown: it may hold anything.
        if _NOT_FOUND in done.stdout.decode("utf-8", "replace").lower():
            return None
        raise HelperError(
            f"{told} failed with status {done.returncode}",
            hint=f"run `echo {server} | {program} get` by hand to see why",
        )
    return _credential(done.stdout, told)


def _credential(answer: bytes, told: str) -> Credential | None:
    """Read the answer of a helper."""
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        # The error is dropped, as it holds the text.
        raise HelperError(f"{told} did not answer with JSON") from None
    username = said.get("Username", "") if isinstance(said, dict) else None
    secret = said.get("Secret", "") if isinstance(said, dict) else None
    if not isinstance(username, str) or not isinstance(secret, str):
        raise HelperError(f"{told} answered without user name and secret")
    return make_credential(username, secret, told)


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the part of the environment that helpers need."""
    return {
        name: value
        for name, value in environ.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
