"""Who is told of deadlines, and how: tables `[[notify]]`, never a repository's.

A scanned repository that named a channel would have open vulnerabilities sent to a place of its
choice, by our network and with our secrets. Addresses and keys are secrets, so a file names only
where they are: environment variables, and files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.config.places import absolute_path
from basekeeper.records import dataclass
from basekeeper.values.notifying import TOPICS, Audience

if TYPE_CHECKING:
    from basekeeper.config.table import Table

MAX_CHANNELS: Final = 50

MAX_KEYS: Final = 4
"""Most keys of one channel; while one is replaced there are two."""

KINDS: Final = ("slack", "webhook")

LEAST: Final = ("low", "medium", "high", "critical", "exploited")
"""What `min_severity` may say, the lowest first."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE_HINT: Final = "name the variable, such as SLACK_URL; its value does not belong in a file"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """One channel, and where its secrets are."""

    audience: Audience
    kind: str
    """One of `KINDS`."""
    url_env: str | None = None
    """Environment variable that holds the address."""
    url_file: str | None = None
    """Absolute path of a file that holds it, where no variable does."""
    secret_env: tuple[str, ...] = ()
    """Environment variables that hold keys, of a webhook."""
    secret_file: tuple[str, ...] = ()
    """Absolute paths of files that hold keys, of a webhook."""
    http: bool = False
    """Whether it may be spoken to without TLS."""
    private: bool = False
    """Whether it may be in a network not on the internet."""
    ca: str | None = None
    """Absolute path of a PEM file with authorities to trust, besides those of the system."""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.audience.name


def parse_notifying(top: Table) -> tuple[ChannelSettings, ...]:
    """Read every `[[notify]]`; what is wrong is noted in the table's `problems`."""
    found: dict[str, ChannelSettings] = {}
    for index, table in top.tables("notify"):
        if index >= MAX_CHANNELS:
            top.wrong(("notify", index), f"is one channel more than {MAX_CHANNELS}")
            break
        channel = _channel(table)
        if channel is None:
            continue
        if channel.name in found:
            table.wrong("name", f"{channel.name!r} is the name of an earlier channel")
        found.setdefault(channel.name, channel)
    return tuple(found.values())


def joined_channels(
    first: tuple[ChannelSettings, ...], second: tuple[ChannelSettings, ...]
) -> tuple[ChannelSettings, ...]:
    """Join two lists; of the same name the one of the first list counts."""
    return tuple({one.name: one for one in (*second, *first)}.values())


def _channel(table: Table) -> ChannelSettings | None:
    """Read one table; None where it cannot be a channel."""
    table.require("name")
    table.require("kind")
    name, kind = table.parsed("name", _name), table.choice("kind", KINDS)
    found = ChannelSettings(
        audience=_audience(table, name or "?"),
        kind=kind or "",
        url_env=_variable(table, "url_env"),
        url_file=table.parsed("url_file", absolute_path),
        secret_env=_variables(table, "secret_env"),
        secret_file=_paths(table, "secret_file"),
        http=table.flag("http") or False,
        private=table.flag("private") or False,
        ca=table.parsed("ca", absolute_path),
    )
    if "url" in table.values:
        hint = "name an environment variable in url_env, or a file in url_file"
        table.raw("url")
        table.wrong("url", "is a secret, which does not belong in this file", hint)
    table.finish()
    _check_together(table, found)
    return found if name and kind else None


def _audience(table: Table, name: str) -> Audience:
    shipped = Audience(name=name)
    topics = table.texts("topics", TOPICS)
    if table.values.get("topics") == []:
        table.wrong("topics", "names nothing to tell", "leave it out to be told of everything")
    return Audience(
        name=name,
        products=table.texts("products") or (),
        least=table.choice("min_severity", LEAST) or shipped.least,
        topics=topics or shipped.topics,
    )


def _check_together(table: Table, said: ChannelSettings) -> None:
    """Note keys that make no sense beside or without each other."""
    if ("url_env" in table) == ("url_file" in table):
        table.wrong(None, "needs either url_env or url_file")
    keys = [key for key in ("secret_env", "secret_file") if key in table]
    if said.kind == "slack":
        for key in keys:
            table.wrong(key, "is of no use: Slack checks no signatures")
    elif said.kind == "webhook" and not keys:
        hint = 'name an environment variable that holds the key: secret_env = ["HOOK_SECRET"]'
        table.wrong(None, "needs secret_env or secret_file, as every message is signed", hint)
    if len(said.secret_env) + len(said.secret_file) > MAX_KEYS:
        table.wrong(keys[-1], f"makes more than {MAX_KEYS} keys")


def _name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError(f"{text!r:.80} is no name: letters, digits, '.', '_' and '-', up to 64")
    return text


def _variable(table: Table, name: str) -> str | None:
    """Read the name of an environment variable; one that is none is not shown."""
    text = table.text(name)
    if text is not None and _VARIABLE.fullmatch(text) is None:
        table.wrong(name, "is no name of an environment variable", _VARIABLE_HINT)
        return None
    return text


def _variables(table: Table, name: str) -> tuple[str, ...]:
    found = []
    for index, text in table.indexed_texts(name):
        if _VARIABLE.fullmatch(text) is None:
            table.wrong((name, index), "is no name of an environment variable", _VARIABLE_HINT)
        else:
            found.append(text)
    return tuple(found)


def _paths(table: Table, name: str) -> tuple[str, ...]:
    found = []
    for index, text in table.indexed_texts(name):
        try:
            found.append(absolute_path(text))
        except ValueError as error:
            table.wrong((name, index), str(error))
    return tuple(found)
