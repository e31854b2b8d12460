"""Where change requests are made, and by whom: the table `[forge]`, never a repository's.

A scanned repository that named a forge would have our token sent to a place of its choice. The
table counts as a whole: the token of one is never sent to the address of another. Tokens and keys
are secrets, so a file names only where they are: environment variables, and files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.config.places import absolute_path
from basekeeper.errors import TransportError
from basekeeper.records import dataclass
from basekeeper.transport.urls import split_url

if TYPE_CHECKING:
    from basekeeper.config.table import Table

KINDS: Final = ("github",)

DEFAULT_URL: Final = "https://github.com"
DEFAULT_TOKEN: Final = "GITHUB_TOKEN"  # noqa: S105  # the name of a variable
"""Environment variable that holds the token where nobody names one."""

MAX_CHANGES_AN_HOUR: Final = 500
"""What GitHub puts up with: content-creating requests an hour."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE_HINT: Final = "name the variable, such as FORGE_TOKEN; its value does not belong here"
_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_APP: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_SECRETS: Final = ("token", "key", "private_key", "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeSettings:
    """One forge, and where its secrets are."""

    kind: str = "github"
    """One of `KINDS`."""
    url: str = DEFAULT_URL
    """Where its pages are, without a path."""
    token_env: str | None = None
    """Environment variable that holds the token."""
    token_file: str | None = None
    """Absolute path of a file that holds it."""
    app: str | None = None
    """Client id or number of an app, in the place of a token."""
    installation: int | None = None
    """Number of its installation."""
    key_env: str | None = None
    """Environment variable that holds its private key, as PEM."""
    key_file: str | None = None
    """Absolute path of a file that holds it."""
    api_version: str | None = None
    """Of the REST interface; None: the pinned one."""
    changes_an_hour: int = MAX_CHANGES_AN_HOUR
    """Most pull requests, comments and the like in an hour of a run."""
    http: bool = False
    """Whether it may be spoken to without TLS."""
    private: bool = False
    """Whether it may be in a network not on the internet."""
    ca: str | None = None
    """Absolute path of a PEM file with authorities to trust, besides those of the system."""


def parse_forging(top: Table) -> ForgeSettings | None:
    """Read `[forge]`; what is wrong is noted in the table's `problems`."""
    table = top.table("forge")
    if table is None:
        return None
    shipped = ForgeSettings()
    found = ForgeSettings(
        kind=table.choice("kind", KINDS) or shipped.kind,
        url=table.parsed("url", _address) or shipped.url,
        token_env=_variable(table, "token_env"),
        token_file=table.parsed("token_file", absolute_path),
        app=table.parsed("app", _app),
        installation=table.number("installation", least=1, most=10**15),
        key_env=_variable(table, "key_env"),
        key_file=table.parsed("key_file", absolute_path),
        api_version=table.parsed("api_version", _version),
        changes_an_hour=table.number("changes_an_hour", least=1, most=MAX_CHANGES_AN_HOUR)
        or shipped.changes_an_hour,
        http=table.flag("http") or False,
        private=table.flag("private") or False,
        ca=table.parsed("ca", absolute_path),
    )
    _refuse_secrets(table)
    table.finish()
    _check_together(table)
    return found


def _refuse_secrets(table: Table) -> None:
    for name in _SECRETS:
        if name in table:
            table.raw(name)
            hint = "name an environment variable in token_env or key_env, or a file"
            table.wrong(name, "is a secret, which does not belong in this file", hint)


def _check_together(table: Table) -> None:
    """Note keys that make no sense beside or without each other."""
    is_app = any(key in table for key in ("app", "installation", "key_env", "key_file"))
    if not is_app:
        if "token_env" in table and "token_file" in table:
            table.wrong("token_file", "names a second token, beside token_env")
        if "token_env" not in table and "token_file" not in table and "url" in table:
            hint = "add token_env or token_file, so that no token goes where it was not meant for"
            table.wrong(None, "names a forge but no token for it", hint)
        return
    if "token_env" in table or "token_file" in table:
        table.wrong(None, "names both a token and an app", "leave one of them out")
    for name in ("app", "installation"):
        table.require(name)
    if ("key_env" in table) == ("key_file" in table):
        table.wrong(None, "needs either key_env or key_file, beside app")


def _address(text: str) -> str:
    try:
        _, target = split_url(text)
    except TransportError as error:
        raise ValueError(error.message) from None
    if target != "/":
        raise ValueError(f"{text!r:.200} has a path; name the forge alone: https://github.com")
    return text.rstrip("/")


def _app(text: str) -> str:
    if _APP.fullmatch(text) is None:
        raise ValueError(f"{text!r:.100} is neither the client id nor the number of an app")
    return text


def _version(text: str) -> str:
    if _VERSION.fullmatch(text) is None:
        raise ValueError(f"{text!r:.80} is no version: write it as 2022-11-28")
    return text


def _variable(table: Table, name: str) -> str | None:
    """Read the name of an environment variable; one that is none is not shown."""
    text = table.text(name)
    if text is not None and _VARIABLE.fullmatch(text) is None:
        table.wrong(name, "is no name of an environment variable", _VARIABLE_HINT)
        return None
    return text
