"""Which operating system and which version are in an image, by what its configuration says.

Nothing here opens a layer: `/etc/os-release` would tell for certain, but it lies in the base's
layer, which costs tens of megabytes and a pull of the registry's quota for each image. It is read
(by others, see `of_file`) only where two digests are compared of which the table knows nothing.

Sources of the conventions, in the order in which they are tried:

- `org.opencontainers.image.base.name`: OCI image specification, annotations. Docker Official Images
  carry it as an annotation of their manifests; the base's tag names the system.
- `org.opencontainers.image.url` with `https://hub.docker.com/_/NAME` beside
  `org.opencontainers.image.version`: annotations of Docker Official Images; of the images of
  distributions themselves the version is the tag.
- `org.opencontainers.image.ref.name` and `.version` of Ubuntu: labels of its root file systems.
  Images built upon them inherit both and may replace the version, so that only what looks like a
  release counts.
- `name` and `version` beside `com.redhat.component`: labels of Red Hat's images.
- `OS_FLAVOUR`: environment of Bitnami's images, `debian-12`.
- History: the commands that unpack the root file system of a Debian (`debian.sh --arch 'amd64'
  out/ 'bookworm' '@1728864000'`, written by debuerreotype) or Alpine image
  (`ADD alpine-minirootfs-3.20.3-x86_64.tar.gz /`, by Alpine's docker files).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InputError, InvalidReference
from basekeeper.tags.axes import split_tag
from basekeeper.tags.words import DEBIAN_CODENAMES, OS_RELEASE_PRODUCTS, UBUNTU_CODENAMES
from basekeeper.values.aliases import AliasTable
from basekeeper.values.facts import read_os_release
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from basekeeper.tags.axes import OperatingSystem
    from basekeeper.values.image import ImageConfig

BASE_NAME: Final = "org.opencontainers.image.base.name"
VERSION: Final = "org.opencontainers.image.version"
URL: Final = "org.opencontainers.image.url"
REF_NAME: Final = "org.opencontainers.image.ref.name"

MAX_TEXT: Final = 2_048
"""Longest label or command that is read, in characters; those that matter stay below 300."""

_ALIASES: Final = AliasTable()
_IDS: Final = {product: name for name, product in OS_RELEASE_PRODUCTS.items()}
"""Product of the calendars → `ID` of its os-release file."""

_OFFICIAL_URL: Final = re.compile(r"https://hub\.docker\.com/_/([a-z0-9]+(?:[._-][a-z0-9]+)*)/?")
_UBUNTU: Final = re.compile(r"[0-9]{2}\.(?:04|10)")
_RED_HAT: Final = re.compile(r"(?:ubi|rhel)([0-9]{1,2})(?:[/-].*)?", re.ASCII)
_FLAVOUR: Final = re.compile(r"(debian|photon|ubuntu|alpine)-([0-9]{1,2}(?:\.[0-9]{1,2})?)")
_DEBUERREOTYPE: Final = re.compile(r"\bdebian\.sh\b[^\n]{0,200}? '([a-z]{3,20})' '@[0-9]{1,12}'")
_MINIROOTFS: Final = re.compile(r"\balpine-minirootfs-([0-9]{1,2}\.[0-9]{1,3})[0-9._a-z]{0,20}-")
_FILE_ID: Final = re.compile(r"[a-z][a-z0-9_.-]{0,40}")
_FILE_VERSION: Final = re.compile(r"(?:[0-9][0-9a-z.]{0,40})?")
_ROLLING: Final = frozenset({"clear-linux-os", "gentoo", "kali", "opensuse-tumbleweed"})
"""`ID` of systems without releases, whose version is that of the day."""

VERSION_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "apache-http-server": ("HTTPD_VERSION",),
    "composer": ("COMPOSER_VERSION",),
    "eclipse-temurin": ("JAVA_VERSION",),
    "go": ("GOLANG_VERSION",),
    "gradle": ("GRADLE_VERSION",),
    "haproxy": ("HAPROXY_VERSION",),
    "mariadb": ("MARIADB_VERSION",),
    "memcached": ("MEMCACHED_VERSION",),
    "mongodb": ("MONGO_VERSION",),
    "mysql": ("MYSQL_VERSION",),
    "nginx": ("NGINX_VERSION",),
    "nodejs": ("NODE_VERSION",),
    "php": ("PHP_VERSION",),
    "postgresql": ("PG_VERSION",),
    "python": ("PYTHON_VERSION",),
    "rabbitmq": ("RABBITMQ_VERSION",),
    "redis": ("REDIS_VERSION",),
    "ruby": ("RUBY_VERSION",),
    "rust": ("RUST_VERSION",),
    "solr": ("SOLR_VERSION",),
    "tomcat": ("TOMCAT_VERSION",),
    "valkey": ("VALKEY_VERSION",),
    "dotnet": ("DOTNET_SDK_VERSION", "ASPNET_VERSION", "DOTNET_VERSION"),
}
"""Product → variables of the environment that hold its version, the first one present counts.
Sources: the Dockerfiles of the Docker Official Images, and of https://github.com/dotnet/dotnet-docker.
"""

_NUMBERS: Final = re.compile(
    r"(?:jdk-?|v|[0-9]{1,3}:)?([0-9]{1,9}(?:[._][0-9]{1,9}){0,3})(?![0-9])"
)
"""A version at the start of a value such as `jdk-21.0.4+7` or `1:10.11.6+maria~ubu2204`."""


def os_release(config: ImageConfig) -> str | None:
    """Tell name and version of the operating system, as `debian 12`; None: not told.

    The name is the `ID` that the system's os-release file has.
    """
    for tell in _WAYS:
        found = tell(config)
        if found is not None:
            return found
    return None


def of_file(text: str) -> str | None:
    """Tell name and version of the operating system by its os-release file; else `os_release`.

    Debian's testing has no number yet, but the codename of the release that it will be.
    """
    try:
        release = read_os_release(text)
    except InputError:
        return None
    name, number = release["ID"], release.get("VERSION_ID", "")
    if _FILE_ID.fullmatch(name) is None or _FILE_VERSION.fullmatch(number) is None:
        return None
    codename = release.get("VERSION_CODENAME", "")
    if not number and name == "debian" and codename in DEBIAN_CODENAMES:
        return _by_codename(codename)
    return name if name in _ROLLING else f"{name} {number}".strip()


def version(config: ImageConfig, product: str | None, repository: str) -> str | None:
    """Tell the version of the application behind an image; None: not told.

    Args:
        config: What is inside.
        product: Name of the repository's product in the calendars, if it has one.
        repository: Path under which the image is published, an official one as `library/…`.
    """
    for name in VERSION_VARIABLES.get(product or "", ()):
        match = _NUMBERS.match(config.env.get(name, "")[:MAX_TEXT])
        if match is not None:
            return match[1].replace("_", ".")
    if _official_name(config) != repository:
        return None
    tag = split_tag(repository, config.labels.get(VERSION, "")[:MAX_TEXT])
    if tag.application is not None:
        return tag.application.plain
    return None if tag.os is None else tag.os.release


def _by_base(config: ImageConfig) -> str | None:
    """The image that this one says it was built from."""
    base = config.labels.get(BASE_NAME, "")[:MAX_TEXT]
    try:
        reference = _ALIASES.canonical(parse_reference(base))
    except InvalidReference:
        return None
    return _named(split_tag(reference.repository, reference.tag or "").os)


def _by_official_version(config: ImageConfig) -> str | None:
    """The tag under which an official image was published."""
    name = _official_name(config)
    tag = config.labels.get(VERSION, "")[:MAX_TEXT]
    return None if name is None or not tag else _named(split_tag(name, tag).os)


def _official_name(config: ImageConfig) -> str | None:
    """`library/NAME` where the labels say that it is the official image of that name."""
    match = _OFFICIAL_URL.fullmatch(config.labels.get(URL, "")[:MAX_TEXT])
    return None if match is None else f"library/{match[1]}"


def _by_ubuntu(config: ImageConfig) -> str | None:
    release = config.labels.get(VERSION, "")
    if config.labels.get(REF_NAME) != "ubuntu" or _UBUNTU.fullmatch(release) is None:
        return None
    return f"ubuntu {release}"


def _by_red_hat(config: ImageConfig) -> str | None:
    """`name` is `ubi9/ubi-minimal` or `ubi9`; the version counts where it is of that release."""
    if "com.redhat.component" not in config.labels:
        return None
    match = _RED_HAT.fullmatch(config.labels.get("name", "")[:MAX_TEXT])
    if match is None:
        return None
    release = config.labels.get("version", "")[:MAX_TEXT]
    exact = re.fullmatch(rf"{match[1]}\.[0-9]{{1,2}}", release)
    return f"rhel {release if exact else match[1]}"


def _by_flavour(config: ImageConfig) -> str | None:
    match = _FLAVOUR.fullmatch(config.env.get("OS_FLAVOUR", "")[:MAX_TEXT])
    return None if match is None else f"{match[1]} {match[2]}"


def _by_history(config: ImageConfig) -> str | None:
    """The first command that unpacks a root file system that is known."""
    for command in config.history:
        text = command[:MAX_TEXT]
        debian = _DEBUERREOTYPE.search(text)
        if debian is not None:
            return _by_codename(debian[1])
        alpine = _MINIROOTFS.search(text)
        if alpine is not None:
            return f"alpine {alpine[1]}"
    return None


def _by_codename(word: str) -> str | None:
    if word in DEBIAN_CODENAMES:
        return f"debian {DEBIAN_CODENAMES[word]}"
    return f"ubuntu {UBUNTU_CODENAMES[word]}" if word in UBUNTU_CODENAMES else None


def _named(system: OperatingSystem | None) -> str | None:
    """Write a system that a tag names as its os-release file would."""
    if system is None or system.release is None or system.product not in _IDS:
        return None
    return f"{_IDS[system.product]} {system.release}"


_WAYS: Final[tuple[Callable[[ImageConfig], str | None], ...]] = (
    _by_base,
    _by_official_version,
    _by_ubuntu,
    _by_red_hat,
    _by_flavour,
    _by_history,
)
