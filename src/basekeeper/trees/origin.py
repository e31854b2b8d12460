"""What a repository is called: by where its remote is, the same for everybody who cloned it."""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from basekeeper.process import Limits, find_program, run
from basekeeper.trees.shadow import GIT_HINT, find_repository

if TYPE_CHECKING:
    from pathlib import Path

REMOTE: Final = "origin"
"""The remote that counts where a clone has several."""

MAX_NAME_CHARS: Final = 512
"""Longest name of a repository; forges allow less."""

_LIMITS: Final = Limits(timeout=30.0, max_output_bytes=1024 * 1024)
_KEY: Final = re.compile(r"(?s)remote\.(.+)\.url")
_SCP: Final = re.compile(r"(?:[^@/]*@)?(\[[0-9A-Fa-f:.]+\]|[^:/@\[\]]+):(?!//)(.+)")
_SCHEMES: Final = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
_SSH_AT_443: Final = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}
"""Hosts at which forges take SSH through firewalls → the forge.

Sources: https://docs.github.com/authentication/troubleshooting-ssh/using-ssh-over-the-https-port
and https://about.gitlab.com/blog/gitlab-dot-com-now-supports-an-alternate-git-plus-ssh-port
"""
_HOST: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9._-]{0,252})|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


def repository_name(root: Path) -> str | None:
    """Name the repository that a directory lies in by its remote: `github.com/acme/shop`.

    Only the clone's own configuration is read, as a file: nothing that it includes or runs counts.

    Returns:
        None where there is no clone, no remote, or none with a host (a path on this machine).

    Raises:
        ProgramMissing: git is not installed.
        ProcessError: git does not answer.
    """
    repository = find_repository(root.resolve())
    if repository is None:
        return None
    remotes = _remotes(repository.common_dir / "config")
    if REMOTE in remotes:
        return name_of_url(remotes[REMOTE])
    return name_of_url(next(iter(remotes.values()))) if len(remotes) == 1 else None


def name_of_url(url: str) -> str | None:
    """Return `host/path` of the address of a repository; None where it names no host.

    User, token, `.git` and the port that the scheme implies are no part of it; the host is in lower
    case, and the path is as it was written. However a repository was cloned, the name is the same.
    """
    text = url.strip()
    if "://" not in text:
        match = _SCP.fullmatch(text)
        return None if match is None else checked_name(_plain_host(match[1], None), match[2])
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower().removeprefix("git+")
    if scheme not in _SCHEMES or not parts.hostname:
        return None
    implied = {_SCHEMES[scheme], 443 if parts.hostname in _SSH_AT_443 else _SCHEMES[scheme]}
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return checked_name(_plain_host(host, None if port in implied else port), unquote(parts.path))


def checked_name(host: str, path: str) -> str | None:
    """Put host and path together; None where they are no name of a repository."""
    trimmed = posixpath.normpath(path.strip().strip("/")).removesuffix(".git")
    name = f"{host.lower()}/{trimmed}"
    if trimmed in ("", ".", "..") or trimmed.startswith("../") or "#" in trimmed:
        return None
    if "@" in trimmed:  # no forge has it in a path: user and password of an address gone wrong
        return None
    if len(name) > MAX_NAME_CHARS or not name.isprintable() or " " in name:
        return None
    return name if _HOST.fullmatch(host.lower()) else None


def read_name(text: str) -> str:
    """Read the name of a repository as a person writes it: `github.com/acme/shop`, or its address.

    Raises:
        ValueError: It is none.
    """
    host, _, path = text.strip().partition("/")
    is_address = "://" in text or "@" in host
    name = name_of_url(text) if is_address else checked_name(host, path)
    if name is None:
        raise ValueError(f"{text!r:.200} is no name of a repository: write host/path")
    return name


def _plain_host(host: str, port: int | None) -> str:
    host = _SSH_AT_443.get(host.lower(), host.lower())
    return host if port is None else f"{host}:{port}"


def _remotes(config: Path) -> dict[str, str]:
    """Read name and first address of each remote from the configuration of a clone."""
    git = find_program("git", hint=GIT_HINT)
    done = run(
        [git, "config", "--file", str(config), "--no-includes", "-z", "--get-regexp", "^remote\\."],
        cwd=config.parent,
        env={
            "PATH": os.defpath,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        },
        limits=_LIMITS,
    )
    found: dict[str, str] = {}
    for entry in done.stdout.decode("utf-8", "replace").split("\0"):
        key, _, value = entry.partition("\n")
        match = _KEY.fullmatch(key)
        if match is not None and value:
            found.setdefault(match[1], value)
    return found
