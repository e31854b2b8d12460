"""How registries are reached: tables `[registry."HOST"]`, and whose of them take effect.

Three files may hold them: the user's own, the operator's policy file, and that of the repository
that is looked at. The last one is a stranger's: of it counts only what can hurt nobody but itself,
and only where no gate is run. A host of which it says anything is asked without credentials.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from basekeeper.config.document import read_document
from basekeeper.config.sources import read_named
from basekeeper.config.storage import StorageSettings, parse_storage
from basekeeper.config.table import Table
from basekeeper.errors import InvalidReference
from basekeeper.values.reference import HUB, Reference
from basekeeper.values.settings import HostSettings, RegistrySettings

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CONCURRENCY: Final = 64
"""Most requests to one host at a time that can be asked for."""

_SHIPPED: Final = HostSettings()
_NAMES: Final = tuple(field.name for field in fields(HostSettings) if field.name != "by_repository")
_HARMLESS: Final = ("mirror", "http")
"""What a scanned repository may say. Not `private`, as it would open the network that we stand in;
not `ca`, as it names any file of this machine; the rest concerns credentials and our own load."""
_OF_THE_MIRROR: Final = tuple(name for name in _NAMES if name not in ("mirror", "hub_api"))

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MIRROR: Final = re.compile(r"(?:https?://)?([^/?#@]+)(?:/([^?#@]*?))?/?", re.IGNORECASE)
_HOST_HINT: Final = "write the host alone, with its port if it has one: registry.example:5000"


def settings_path(environ: Mapping[str, str], home: Path) -> tuple[Path, bool]:
    """Return where the user's own settings lie, and whether the user named the file."""
    named = environ.get("BASEKEEPER_SETTINGS", "")
    if named:
        return Path(named), True
    config = environ.get("XDG_CONFIG_HOME", "")
    base = Path(config) if config.startswith("/") else home / ".config"
    return base / "basekeeper" / "settings.toml", False


def read_user_registries(environ: Mapping[str, str], home: Path) -> RegistrySettings:
    """Read the user's own settings; empty ones where there is no file.

    Raises:
        ConfigError: Something is wrong in it; holds all problems.
        InputError: It cannot be read, or was named and does not exist.
    """
    return read_user_settings(environ, home)[0]


def read_user_settings(
    environ: Mapping[str, str], home: Path
) -> tuple[RegistrySettings, StorageSettings]:
    """Read all of the user's own settings; empty ones where there is no file.

    Raises:
        ConfigError: Something is wrong in it; holds all problems.
        InputError: It cannot be read, or was named and does not exist.
    """
    path, is_named = settings_path(environ, home)
    if not is_named and not path.is_file():
        return RegistrySettings(), StorageSettings()
    document = read_document(read_named(str(path), kind="settings"), str(path))
    top = Table(document, document.data)
    found = parse_registries(top), parse_storage(top)
    top.finish()
    top.raise_problems()
    return found


def parse_registries(top: Table) -> RegistrySettings:
    """Read every `[registry."HOST"]`; what is wrong is noted in the table's `problems`."""
    section = top.table("registry")
    if section is None:
        return RegistrySettings()
    found = {}
    for name in section.values:
        table = section.table(name)
        if table is not None and _check_name(section, name):
            found[name.lower()] = _host(table, name)
    return RegistrySettings(MappingProxyType(found))


def effective_registries(
    user: RegistrySettings,
    operator: RegistrySettings | None,
    own: RegistrySettings,
    *,
    source: str,
    is_gate: bool = False,
) -> tuple[RegistrySettings, tuple[str, ...]]:
    """Put together what user, operator and repository say.

    Args:
        user: The user's own settings.
        operator: Those of the operator's policy file, whose keys win; None: there is none.
        own: Those of the repository that is looked at.
        source: What notices call the repository's file.
        is_gate: Whether the run judges a proposal, which then has no say.

    Returns:
        The settings, and a notice for everything of the repository that is ignored.
    """
    hosts = dict(user.hosts)
    for name, said in (operator or RegistrySettings()).hosts.items():
        hosts[name] = _over(said, hosts.get(name, _SHIPPED))
    notices: list[str] = []
    for name, said in own.hosts.items():
        table = f'registry."{name}"'
        if operator is not None or is_gate:
            notices.append(f"{table} of {source} is ignored: it is the operator's to set")
        elif name in hosts:
            notices.append(f"{table} of {source} is ignored: your own settings know this host")
        else:
            ignored = [key for key in _given(said) if key not in _HARMLESS]
            notices.extend(
                f"{table}.{key} of {source} is ignored: it is to be set in your own settings"
                for key in ignored
            )
            hosts[name] = HostSettings(mirror=said.mirror, http=said.http, by_repository=True)
    return RegistrySettings(MappingProxyType(hosts)), tuple(notices)


def _host(table: Table, name: str) -> HostSettings:
    """Read one table."""
    found = HostSettings(
        mirror=_mirror(table),
        http=table.flag("http") or False,
        ca=_ca(table),
        private=table.flag("private") or False,
        token_hosts=_token_hosts(table),
        username_env=_variable(table, "username_env"),
        password_env=_variable(table, "password_env"),
        token_env=_variable(table, "token_env"),
        concurrency=table.number("concurrency", least=1, most=MAX_CONCURRENCY),
        hub_api=_hub_api(table, name),
    )
    table.finish()
    _check_together(table, found)
    return found


def _check_together(table: Table, said: HostSettings) -> None:
    """Note keys that make no sense beside or without each other."""
    if (said.username_env is None) != (said.password_env is None):
        table.wrong(None, "needs username_env and password_env together")
    if said.token_env is not None and said.password_env is not None:
        table.wrong("token_env", "cannot stand beside a password: which one is meant?")
    if said.mirror is None:
        return
    for key in _given(said):
        if key in _OF_THE_MIRROR:
            hint = 'write it in a table of the mirror\'s own, [registry."MIRROR"]'
            table.wrong(key, "cannot stand beside a mirror, as this host is not asked", hint)


def _check_name(section: Table, name: str) -> bool:
    """Tell whether a table is named like a registry; note it if not."""
    if _is_registry(name):
        return True
    hint = f"write {HUB}" if name.lower().endswith(HUB) else _HOST_HINT
    section.wrong(name, "is no registry", hint)
    return False


def _is_registry(name: str, repository: str = "a/b") -> bool:
    """Tell whether a name can be the registry of a reference, before a repository."""
    try:
        Reference(name.lower(), repository)
    except InvalidReference:
        return False
    return not name.startswith("[") or _is_address(name[1:].partition("]")[0])


def _is_address(text: str) -> bool:
    """Tell whether what stands in brackets is an address; a reference may hold others."""
    from ipaddress import IPv6Address  # noqa: PLC0415  # slow to load, seldom needed

    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _mirror(table: Table) -> str | None:
    """Read a mirror, `[http[s]://]host[:port][/prefix]`."""
    text = _without_login(table, "mirror")
    if text is None:
        return None
    match = _MIRROR.fullmatch(text)
    if match is None or not _is_registry(match[1], match[2] or "a/b"):
        hint = "write it as host[:port][/prefix], with http:// before it only if it has no TLS"
        table.wrong("mirror", f"{text!r:.200} is no address of a registry", hint)
        return None
    return text


def _without_login(table: Table, key: str) -> str | None:
    """Read an address; one with a user or a password is noted without being shown."""
    text = table.text(key)
    if text is None or "@" not in text:
        return text
    hint = "name environment variables in username_env and password_env of that host's own table"
    table.wrong(key, "holds a user or a password", hint)
    return None


def _hub_api(table: Table, name: str) -> str | None:
    """Read the base URL of Docker Hub's own interface."""
    text = _without_login(table, "hub_api")
    if text is None:
        return None
    if name.lower() != HUB:
        table.wrong("hub_api", f"belongs to {HUB} alone")
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or not text.isascii() or set(text) & set("?#@ "):
        table.wrong("hub_api", f"{text!r:.200} is no URL", "write it as https://host[:port][/path]")
    return text


def _ca(table: Table) -> str | None:
    """Read the path of a file, which is relative to the file that names it."""
    text = table.text("ca")
    if text is None:
        return None
    try:
        return str(Path(table.document.path).parent / Path(text).expanduser())
    except RuntimeError:
        table.wrong("ca", f"{text!r:.200} begins with a home directory that is not known")
        return None


def _token_hosts(table: Table) -> tuple[str, ...]:
    """Read hosts that are trusted with credentials."""
    found = tuple(table.indexed_texts("token_hosts"))
    for index, host in found:
        if not _is_registry(host):
            table.wrong(("token_hosts", index), f"{host!r:.200} is no host", _HOST_HINT)
    return tuple(host.lower() for _, host in found)


def _variable(table: Table, key: str) -> str | None:
    """Read the name of an environment variable; its value never stands in a file."""
    name = table.text(key)
    if name is not None and _VARIABLE.fullmatch(name) is None:
        # Not shown, as it may be the secret itself.
        hint = "name the environment variable that holds it; the value does not belong in a file"
        table.wrong(key, "is no name of an environment variable", hint)
    return name


def _given(said: HostSettings) -> list[str]:
    """Return the keys that were given a meaning."""
    return [name for name in _NAMES if getattr(said, name) != getattr(_SHIPPED, name)]


def _over(upper: HostSettings, lower: HostSettings) -> HostSettings:
    """Put one table on top of another, key by key."""
    changes: dict[str, Any] = {name: getattr(upper, name) for name in _given(upper)}
    return replace(lower, **changes)
