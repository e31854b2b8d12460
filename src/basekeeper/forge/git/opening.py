"""Putting git remotes together from where they are, and who speaks to them."""

from __future__ import annotations

import base64
import os
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.git.adapter import GitRemotes
from basekeeper.forge.git.commits import Person
from basekeeper.transport.redaction import shown_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from basekeeper.forge.git.adapter import Recording
    from basekeeper.ports import Cache
    from basekeeper.values.forge import RepositoryRef

PERSON: Final = Person("basekeeper", "basekeeper@localhost")
"""Who we are where nobody says so."""

SCHEMES: Final = frozenset({"https", "http", "ssh", "git", "file"})

_SCP: Final = re.compile(r"(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^:]*")
_NAME: Final = re.compile(r"[^<>\x00-\x1f\x7f]{1,100}")
_EMAIL: Final = re.compile(r"[^<>\s\x00-\x1f\x7f]{1,200}")


def open_git(  # noqa: PLR0913  # all but the first two have a default that serves
    url: str,
    clock: Callable[[], datetime],
    *,
    person: Person = PERSON,
    token: str | None = None,
    user: str = "git",
    suffix: str = ".git",
    recording: Recording | None = None,
    known: Sequence[RepositoryRef] = (),
    cache: Cache | None = None,
    environ: Mapping[str, str] | None = None,
) -> GitRemotes:
    """Make a forge of the repositories below an address; nothing is asked yet.

    Args:
        url: What stands before `/owner/name`: a URL, an absolute path, or `user@host:` with or
            without a path.
        clock: Tells when.
        person: Who makes commits and records.
        token: Sent as the password of `user` to this address alone; None: git logs in by its own
            means (credential helpers, ssh keys).
        user: Whom the token is of.
        suffix: What stands behind the name.
        recording: Where change requests are recorded; None: in each remote.
        known: The repositories that there are.
        cache: Keeps trees and files.
        environ: None: the environment of this process.

    Raises:
        ForgeError: The address is none, or a token would be sent without encryption.
    """
    if not all((_NAME.fullmatch(person.name), _EMAIL.fullmatch(person.email))):
        raise _wrong(f"{person.name!r:.100} <{person.email!r:.100}> can make no commits")
    base = _checked(url)
    return GitRemotes(
        lambda ref: f"{base}{ref.owner}/{ref.name}{suffix}",
        person,
        clock,
        environ=os.environ if environ is None else environ,
        settings=() if token is None else _login(base, user, token),
        recording=recording,
        known=known,
        cache=cache,
    )


def _checked(url: str) -> str:
    """Return an address to which `owner/name` can be added."""
    if any(ord(sign) <= 0x20 or ord(sign) == 0x7F for sign in url) or url.startswith("-"):  # noqa: PLR2004  # control characters
        raise _wrong(f"{shown_url(url)!r:.200} is no address of a git server")
    if "://" in url:
        if urlsplit(url).scheme not in SCHEMES:
            raise _wrong(f"{shown_url(url)!r:.200} is no address of a git server")
        return url.rstrip("/") + "/"
    if url.startswith("/"):
        return url.rstrip("/") + "/"
    if _SCP.fullmatch(url) is None:
        raise _wrong(f"{shown_url(url)!r:.200} is no address of a git server")
    return url if url.endswith((":", "/")) else f"{url}/"


def _login(base: str, user: str, token: str) -> tuple[tuple[str, str], ...]:
    """Make the settings by which git sends a token to one address, and nowhere else."""
    parts = urlsplit(base)
    is_near = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme != "https" and not (parts.scheme == "http" and is_near):
        raise _wrong(f"a token is only sent by https, and {shown_url(base)!r:.200} is not")
    if not token.isascii() or not token.isprintable() or ":" in user:
        raise _wrong("the token for git is none")
    secret = base64.b64encode(f"{user}:{token}".encode()).decode("ascii")
    return (
        (f"http.{base}.extraHeader", f"Authorization: Basic {secret}"),
        (f"http.{base}.followRedirects", "false"),
    )


def _wrong(message: str) -> ForgeError:
    return ForgeError(
        message, ForgeFailure.REFUSED,
        hint="write it as https://git.example.org, ssh://git@git.example.org, or an absolute path",
    )  # fmt: skip
