"""What the name of a registry becomes on the network, and whom it trusts with credentials.

A realm, the address at which a registry has tokens issued, is chosen by whoever answers. Anyone
may be asked anonymously over https; credentials go only where `Host.trusts` says so:

1. the registry's own host, whatever the port;
2. a host with the same registrable domain, told by `registrable_domain`;
3. the pairs that are known to belong together, `_KNOWN_TOKEN_HOSTS`;
4. the `token_hosts` of the settings.

There is no list of public suffixes here: it is large, changes weekly, and an old one errs on the
dangerous side. The rule below errs on the safe side; what it refuses can be named in the settings.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from basekeeper.records import dataclass
from basekeeper.transport.options import HostOptions
from basekeeper.values.reference import HUB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.values.settings import HostSettings, RegistrySettings

HUB_HOST: Final = "registry-1.docker.io"
"""The host that speaks for `docker.io`."""

HUB_API: Final = "https://hub.docker.com"
"""Docker Hub's own interface, beside that of the registry."""

_KNOWN_TOKEN_HOSTS: Final = {
    HUB: frozenset({"auth.docker.io"}),
    "lscr.io": frozenset({"ghcr.io"}),
}
"""Registry → hosts that issue its tokens although their names do not show it."""

_SHARED: Final = (
    "ae.org",
    "amazonaws.com",
    "app.github.dev",
    "appspot.com",
    "azure-api.net",
    "azurecontainer.io",
    "azurecr.cn",
    "azurecr.io",
    "azurecr.us",
    "azurefd.net",
    "azurestaticapps.net",
    "azurewebsites.net",
    "br.com",
    "cloudapp.azure.com",
    "cloudapp.net",
    "cloudflarestorage.com",
    "cloudfront.net",
    "cluster.local",
    "cn.com",
    "co.com",
    "ddns.net",
    "de.com",
    "deno.dev",
    "digitaloceanspaces.com",
    "duckdns.org",
    "dyndns.org",
    "elasticbeanstalk.com",
    "eu.com",
    "eu.org",
    "firebaseapp.com",
    "fly.dev",
    "gb.net",
    "github.dev",
    "github.io",
    "gitlab.io",
    "gitpod.io",
    "glitch.me",
    "herokuapp.com",
    "hu.net",
    "jfrog.io",
    "jp.net",
    "jpn.com",
    "linodeobjects.com",
    "linodeusercontent.com",
    "mex.com",
    "netlify.app",
    "ngrok-free.app",
    "ngrok-free.dev",
    "ngrok.app",
    "ngrok.dev",
    "ngrok.io",
    "nip.io",
    "no-ip.org",
    "ondigitalocean.app",
    "onrender.com",
    "pages.dev",
    "r2.dev",
    "railway.app",
    "repl.co",
    "replit.app",
    "ru.com",
    "run.app",
    "sa.com",
    "scw.cloud",
    "se.net",
    "sslip.io",
    "surge.sh",
    "trafficmanager.net",
    "trycloudflare.com",
    "uk.com",
    "uk.net",
    "us.com",
    "us.org",
    "vercel.app",
    "web.app",
    "windows.net",
    "workers.dev",
    "xip.io",
    "za.com",
)
"""Domains below which strangers are neighbours: there, only equal hosts belong together."""

_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT: Final = re.compile(r":[0-9]+\Z")

_COUNTRY_LETTERS: Final = 2
"""Letters of a country's top-level domain."""
_OPEN_LETTERS: Final = 3
"""Most letters of most second levels below a country where anyone may register: `co.uk`."""
_OPEN_WORDS: Final = frozenset(
    [
        "asso",
        "coop",
        "firm",
        "geek",
        "gouv",
        "govt",
        "info",
        "iwi",
        "kiwi",
        "maori",
        "name",
        "police",
        "school",
        "store",
    ]
)
"""Longer second levels below countries where anyone of a kind may register: `govt.nz`."""
_OPEN_COUNTRIES: Final = frozenset({"jp"})
"""Countries most of whose second levels are open: `tokyo.jp`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """How one registry is reached: its own host, or the mirror that is asked in its place."""

    name: str
    """The registry as references name it: `docker.io`, `registry.corp:5000`."""
    base_url: str
    """Scheme, host and port that is asked, without a slash at the end."""
    prefix: str = ""
    """What stands before every repository there: empty, or parts that end with a slash."""
    credentials_of: str
    """The registry whose credentials are used: the mirror's own where there is one."""
    token_hosts: frozenset[str] = frozenset()
    """Hosts (`host` or `host:port`) that the settings trust with the credentials."""
    http: bool = False
    """Whether the settings permit it to be spoken to without TLS."""
    private: bool = False
    """Whether the settings permit it to lie outside the public internet."""
    ca: str | None = None
    """File with the certificates that vouch for it, in addition to the system's."""
    concurrency: int | None = None
    """Most requests at a time, where the settings say so."""
    hub_api: str | None = None
    """Base URL of Docker Hub's own interface; None for other registries, and for a mirror of it
    unless the settings name one."""
    anonymous: bool = False
    """Whether credentials are never sent, as a scanned repository said how it is reached."""
    inner: frozenset[str] = frozenset()
    """Hosts, without ports, that the settings permit to be private where this one is not."""

    @property
    def is_mirror(self) -> bool:
        """Tell whether another registry is asked in the place of the one that is named."""
        return self.name != self.credentials_of

    @property
    def address(self) -> str:
        """Host and port (where one is given) that is asked."""
        return self.base_url.split("/", 3)[2]

    def repository(self, repository: str) -> str:
        """Return what a repository is called there: for paths and scopes."""
        return self.prefix + repository

    def trusts(self, realm: str) -> bool:
        """Tell whether the credentials may go to a realm (which `is_permitted`)."""
        parts = urlsplit(realm)
        own, asked = urlsplit(self.base_url).hostname or "", parts.hostname or ""
        if asked == own or not self.token_hosts.isdisjoint({asked, parts.netloc.lower()}):
            return True
        if parts.scheme != "https":
            return False
        if asked in _KNOWN_TOKEN_HOSTS.get(self.credentials_of, ()):
            return True
        domain = registrable_domain(own)
        return domain is not None and domain == registrable_domain(asked)

    def is_permitted(self, realm: str) -> bool:
        """Tell whether a realm may be asked at all, be it anonymously.

        It must be an https URL that names a host; http serves where the registry itself is spoken
        to so. Where the address of its host may lie is for the transport to judge.
        """
        try:
            parts = urlsplit(realm)
            has_host = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        except ValueError:
            return False
        plain = parts.scheme == "http" and self.base_url.startswith("http://")
        return has_host and (parts.scheme == "https" or plain)

    def leads_inside(self, realm: str) -> bool:
        """Tell whether a realm (which `is_permitted`) is a stranger's way into a private network.

        It is one where a public registry names a host that is permitted to be private, as with
        redirects; unless that host may be given the credentials.
        """
        asked = (urlsplit(realm).hostname or "").rstrip(".")
        return asked in self.inner and not self.trusts(realm)


def find_host(registry: str, settings: RegistrySettings) -> Host:
    """Tell how a registry is reached.

    A mirror is a registry of its own: what concerns its host (http, private, credentials …) is
    what the settings say under the mirror's name.
    """
    said = settings.of(registry)
    scheme, address, prefix = split_mirror(said.mirror or registry)
    own = settings.of(address)
    is_http = own.http or scheme == "http"
    scheme = "http" if is_http else "https"
    shipped_api = HUB_API if registry == HUB and said.mirror is None else None
    return Host(
        name=registry,
        base_url=f"{scheme}://{HUB_HOST if address == HUB else address}",
        prefix=prefix,
        credentials_of=address,
        token_hosts=frozenset(host.lower() for host in own.token_hosts),
        http=is_http,
        private=own.private,
        ca=own.ca,
        concurrency=own.concurrency,
        hub_api=said.hub_api.rstrip("/") if said.hub_api else shipped_api,
        anonymous=said.by_repository or own.by_repository,
        inner=frozenset() if own.private else _inner(settings),
    )


def _inner(settings: RegistrySettings) -> frozenset[str]:
    """Return every host that is permitted to be private, token hosts included."""
    return frozenset(
        _PORT.sub("", address).strip("[]")
        for name, said in settings.hosts.items()
        if said.private
        for address in (name, *said.token_hosts)
    )


def transport_options(settings: RegistrySettings) -> Mapping[str, HostOptions]:
    """Tell the transport what the settings permit, by `host:port`.

    What is permitted for a registry is so for its token hosts as well and, with TLS, for port 443
    of the same machine, where the tokens of a registry on another port often come from. A table of
    their own says otherwise.
    """
    found: dict[str, HostOptions] = {}
    for name, said in settings.hosts.items():
        permitted = _options(said, is_http=said.http)
        found.update(dict.fromkeys(said.token_hosts, permitted))
        found.setdefault(f"{_PORT.sub('', name)}:443", replace(permitted, plain_http=False))
    named: dict[str, HostOptions] = {}
    for name, said in settings.hosts.items():
        for address, is_http in _addresses(name, said):
            port = "" if _PORT.search(address) else ":80" if is_http else ":443"
            before = named.get(address + port)
            is_plain = is_http or (before is not None and before.plain_http)
            named[address + port] = _options(settings.of(address), is_http=is_plain)
    found.update(named)
    hub = settings.of(HUB)
    found[f"{HUB_HOST}:{80 if hub.http else 443}"] = _options(hub, is_http=hub.http)
    return found


def _options(said: HostSettings, *, is_http: bool) -> HostOptions:
    return HostOptions(plain_http=is_http, private=said.private, ca_file=said.ca)


def _addresses(name: str, said: HostSettings) -> Iterator[tuple[str, bool]]:
    """Yield the hosts that a table leads to, and whether without TLS."""
    yield name, said.http
    for url in (said.mirror, said.hub_api):
        scheme, address, _ = split_mirror(url or "")
        if scheme == "http":
            yield address, True


def split_mirror(text: str) -> tuple[str, str, str]:
    """Split `[scheme://]host[:port][/prefix]`: scheme or nothing, address, prefix with a slash."""
    scheme, _, rest = text.rpartition("://")
    address, _, path = rest.partition("/")
    prefix = path.strip("/")
    return scheme.lower(), address.lower(), f"{prefix}/" if prefix else ""


def registrable_domain(host: str) -> str | None:
    """Return the domain that its owner registered, as far as the name alone can show it.

    These are the last two labels; the last three where the last two look like `co.uk`. None for
    addresses, single names, and hosts at or below a domain that strangers share.
    """
    name = host.lower().rstrip(".")
    if _is_address(name) or any(f".{name}".endswith(f".{domain}") for domain in _SHARED):
        return None
    labels = name.split(".")
    count = 3 if _is_open_second_level(labels) else 2
    if len(labels) < count or not all(labels):
        return None
    return ".".join(labels[-count:])


def _is_open_second_level(labels: list[str]) -> bool:
    """Tell whether the last two labels look like a suffix that anyone registers under."""
    if len(labels) < 2 or len(labels[-1]) != _COUNTRY_LETTERS:  # noqa: PLR2004  # a pair
        return False
    word, country = labels[-2:]
    return len(word) <= _OPEN_LETTERS or word in _OPEN_WORDS or country in _OPEN_COUNTRIES


def _is_address(name: str) -> bool:
    """Tell whether a host is an IP address, or would be read as one (`127.1`, `0x7f000001`)."""
    return ":" in name or _NUMBER.fullmatch(name.rpartition(".")[2]) is not None
