"""Running git against remotes, in bare repositories of ours: no work tree, no index, no hook.

Credentials come by git's own means: the user's and the system's configuration, their helpers,
agents and variables. None is ever on a command line. Programs that a clone names are not run.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from basekeeper.process import find_program
from basekeeper.transport.redaction import shown_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.process import Completed

NETWORK_SECONDS: Final = 120.0
"""Longest wait for one exchange with the remote."""

PROTOCOLS: Final = "file:git:http:https:ssh"
"""What a remote may be reached by: none that runs a program of the clone's choice."""

PASSED: Final = (
    "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK", "SSH_ASKPASS", "GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
    "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
)  # fmt: skip
"""Variables that say how to reach a remote, and as whom."""

SETTINGS: Final = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "push.recurseSubmodules": "no",
    "fetch.recurseSubmodules": "false",
    "credential.interactive": "false",
}
"""What the user's configuration may not change."""

_COUNT: Final = re.compile(r"[0-9]{1,3}")


def find_git() -> str:
    """Return the path of git.

    Raises:
        ProgramMissing: It is not installed.
    """
    return find_program("git", hint="install git (Debian, Ubuntu: apt-get install git)")


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Choose what git sees of our environment, and set what must not be left to others."""
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    settings = [*_given_settings(environ), *SETTINGS.items()]  # the last of a name counts
    numbered: dict[str, str] = {}
    for number, (key, value) in enumerate(settings):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        **{name: environ[name] for name in PASSED if name in environ},
        **numbered,
        "GIT_CONFIG_COUNT": str(len(settings)),
        # Relative entries would let the clone supply programs.
        "PATH": os.pathsep.join(entry for entry in entries if entry.startswith("/")),
        "LC_ALL": "C",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": PROTOCOLS,
    }


def _given_settings(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the settings of git that are in the environment, where some CI systems have tokens."""
    count = environ.get("GIT_CONFIG_COUNT", "")
    for number in range(int(count) if _COUNT.fullmatch(count) else 0):
        key = environ.get(f"GIT_CONFIG_KEY_{number}")
        value = environ.get(f"GIT_CONFIG_VALUE_{number}")
        if key and value is not None:
            yield key, value


def setting(key: str, value: str) -> bytes:
    """Write one setting as a configuration file has it.

    Raises:
        ValueError: It cannot be written on one line.
    """
    section, _, rest = key.partition(".")
    subsection, _, name = rest.rpartition(".")
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in (subsection, value)]
    if any("\n" in text or "\0" in text for text in quoted):
        raise ValueError(f"setting {section!r} holds a line break")
    text = f'[{section} "{quoted[0]}"]\n\t{name} = "{quoted[1]}"\n'
    return text.encode("utf-8", "surrogateescape")


def said(done: Completed) -> str:
    """Tell what git or the remote said, without secrets."""
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ERROR"))]
    refused = [
        line[2:]
        for line in done.stdout.decode("utf-8", "replace").splitlines()
        if line.startswith("!")
    ]
    told = "; ".join(line.strip() for line in (refused + telling or lines)[:3])
    return shown_text(told) or f"git ended with {done.returncode}"
