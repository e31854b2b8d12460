"""Splitting a tag into its axes without losing a character.

A tag is a row of words joined by hyphens. Each run of words becomes one part with a kind; the
parts, separators included, spell the tag again, so that one axis can be changed and all others
kept character by character. Versions in repository names (`nodejs22-debian12`) are split alike.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

from basekeeper.records import dataclass
from basekeeper.tags.version import Version, parse_version
from basekeeper.tags.words import (
    ARCHITECTURES,
    CHANNELS,
    DEBIAN_CODENAMES,
    OS_NEEDS_VERSION,
    OS_PRODUCTS,
    RUNTIME_VARIANTS,
    RUNTIMES,
    UBUNTU_CODENAMES,
    WINDOWS_BUILDS,
)

MAX_TAG_CHARS: Final = 255
"""Longest text that is split, in characters: a repository's path. More stays one word."""

_DATE: Final = re.compile(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\.\d+)*", re.ASCII
)
_COMMIT: Final = re.compile(r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}")
_WORD_AND_VERSION: Final = re.compile(r"([a-z]+)[_.]?(\d+(?:\.\d+)*)", re.ASCII)
_DIGITS: Final = re.compile(r"v?\d+(?:\.\d+)*", re.ASCII)
_TAIL: Final = re.compile(
    r"(?:alpha|beta|rc|m|milestone|preview|pre|ea|dev|snapshot)[.]?\d*(?:\.\d+)*|b\d+",
    re.ASCII | re.IGNORECASE,
)
_BUILD: Final = re.compile(r"r?\d+(?:\.\d+)*", re.ASCII)
_UBI: Final = re.compile(r"ubi\d*(?:-(?:minimal|micro|init))?", re.ASCII)
_UPDATE: Final = re.compile(r"\d+u\d+", re.ASCII)
_HYPHENED_DATE: Final = re.compile(
    r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:\.\d+)*", re.ASCII
)
_TIMESTAMP: Final = re.compile(
    r"(?:[a-z]+\.)?(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])t\d\d-\d\d-\d\dz",
    re.ASCII,
)
_SECURITY: Final = re.compile(r"security-\d+", re.ASCII)

_RELEASE_PARTS: Final = 2
"""Most numbers of a system's release that stands in front: `ubuntu-22.04`; in `alpine-1.38.0` the
version is that of the application."""

_DEVCONTAINERS: Final = "devcontainers/"
"""Images of development containers count their own version before that of the product: `1-3.12`.
Source: https://github.com/devcontainers/images."""

_DOTLESS: Final = frozenset({"python", "php", "ruby", "perl"})
"""Runtimes whose versions lose their first dot in names (`python-312` is Python 3.12)."""


class PartKind(StrEnum):
    """What a part of a tag means."""

    SEPARATOR = "separator"
    VERSION = "version"
    RUNTIME = "runtime"
    OS = "os"
    ARCH = "arch"
    DATE = "date"
    CHANNEL = "channel"
    COMMIT = "commit"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class Part:
    """A run of characters of a tag with one meaning."""

    kind: PartKind
    text: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """A second product inside a tag, for example Java in `maven:3.9-eclipse-temurin-21`."""

    name: str
    version: str
    product: str | None
    """Name of its calendar; None where none is known."""


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """The operating system that a tag names."""

    family: str
    """Word of the tag: `alpine`, `debian`, `ubuntu`, `ubi`, `windowsservercore` …"""
    product: str
    """Name of the product; it may have no calendar."""
    release: str | None
    """The release, codenames resolved: `12` for bookworm; None where the tag names none."""


@dataclass(frozen=True, slots=True)
class TagAxes:
    """A tag, split; `str()` gives the tag back."""

    parts: tuple[Part, ...]
    application: Version | None = None
    runtimes: tuple[Runtime, ...] = ()
    os: OperatingSystem | None = None
    date: str | None = None
    arch: str | None = None
    commit: str | None = None
    channel: str | None = None
    variants: tuple[str, ...] = ()
    """Words without version, in the tag's order: `slim`, `fpm`, `jre`, `nonroot` …"""

    def __str__(self) -> str:
        """The tag as it was."""
        return "".join(part.text for part in self.parts)


@lru_cache(maxsize=4096)
def split_tag(repository: str, tag: str) -> TagAxes:
    """Split a tag; never fails, never loses a character.

    Args:
        repository: Path of the image. Where it names an operating system, as in
            `library/debian`, a bare number is the release of that system.
        tag: The tag without its colon.
    """
    layered = _DEVCONTAINERS in f"{repository}/"
    return _Splitter(tag, _os_family(repository), layered=layered).run()


def split_name(repository: str) -> TagAxes:
    """Split the path of an image for the versions that it names.

    `distroless/nodejs22-debian12` names Node 22 and Debian 12; `ubi9/python-312` names UBI 9.
    """
    return _Splitter(repository, None, separator="/-", is_name=True).run()


def _os_family(repository: str) -> str | None:
    """The operating system that a repository is, by the last component of its path."""
    last = repository.rsplit("/", maxsplit=1)[-1].lower()
    if last in OS_PRODUCTS and last not in OS_NEEDS_VERSION:
        return last
    if repository.lower().startswith("opensuse/"):
        return "opensuse"
    if last == "buildpack-deps":  # its numbers are Ubuntu's
        return "ubuntu"
    return "ubi" if _UBI.fullmatch(last) else None


class _Splitter:
    """One pass over the words of a tag, left to right; each rule takes one word or more."""

    def __init__(
        self,
        text: str,
        os_family: str | None,
        *,
        separator: str = "-",
        is_name: bool = False,
        layered: bool = False,
    ) -> None:
        self._os_family = os_family
        self._is_name = is_name
        self._layered = layered
        pieces = re.split(f"([{re.escape(separator)}])", text)
        self._words = pieces[::2] if len(text) <= MAX_TAG_CHARS else [text]
        self._separators = pieces[1::2]
        self._parts: list[Part] = []
        self._application: Version | None = None
        self._runtimes: list[Runtime] = []
        self._os: OperatingSystem | None = None
        self._found: dict[PartKind, str] = {}
        self._variants: list[str] = []

    def run(self) -> TagAxes:
        """Take words until none is left."""
        at = 0
        while at < len(self._words):
            count, kind = self._take(at)
            if at:
                self._parts.append(Part(PartKind.SEPARATOR, self._separators[at - 1]))
            self._parts.append(Part(kind, self._joined(at, count)))
            at += count
        return TagAxes(
            tuple(self._parts),
            self._application,
            tuple(self._runtimes),
            self._os,
            self._found.get(PartKind.DATE),
            self._found.get(PartKind.ARCH),
            self._found.get(PartKind.COMMIT),
            self._found.get(PartKind.CHANNEL),
            tuple(self._variants),
        )

    def _take(self, at: int) -> tuple[int, PartKind]:
        """Decide what begins at a word; return how many words it spans and its kind."""
        word = self._words[at].lower()
        return (
            self._take_os(at, word)
            or self._take_runtime(at, word)
            or self._take_hyphened_date(at)
            or self._take_simple(word)
            or self._take_version(at)
            or self._take_word(word)
        )

    def _take_simple(self, word: str) -> tuple[int, PartKind] | None:
        """Dates, architectures, commits and channel words: one word each."""
        for kind, fits in (
            (PartKind.DATE, _DATE.fullmatch(word) is not None),
            (PartKind.ARCH, word in ARCHITECTURES and not (word == "386" and not self._parts)),
            (PartKind.COMMIT, _COMMIT.fullmatch(word) is not None),
            (PartKind.CHANNEL, word in CHANNELS and self._application is None),
        ):
            if fits and not self._is_name:
                self._found.setdefault(kind, word)
                return 1, kind
        return None

    def _take_hyphened_date(self, at: int) -> tuple[int, PartKind] | None:
        """A date of several words: `2024-06-05`, `RELEASE.2023-11-20T22-40-07Z`."""
        for count, pattern in ((3, _HYPHENED_DATE), (5, _TIMESTAMP)):
            text = self._joined(at, count)
            if not self._is_name and pattern.fullmatch(text.lower()) is not None:
                self._found.setdefault(PartKind.DATE, text)
                return count, PartKind.DATE
        return None

    def _take_os(self, at: int, word: str) -> tuple[int, PartKind] | None:
        """An operating system: a codename, `alpine3.20`, `alpine-3.20`, `ltsc2022`."""
        for names, family in ((DEBIAN_CODENAMES, "debian"), (UBUNTU_CODENAMES, "ubuntu")):
            if word in names:
                self._set_os(family, names[word])
                return 1, PartKind.OS
        match = _WORD_AND_VERSION.fullmatch(word)
        if match is not None and match[1] in OS_PRODUCTS:
            self._set_os(match[1], match[2])
            return 1, PartKind.OS
        if word not in OS_PRODUCTS or word in OS_NEEDS_VERSION:
            return None
        behind = self._word(at + 1)
        is_application = at == 0 and not self._is_name and behind.count(".") >= _RELEASE_PARTS
        if _DIGITS.fullmatch(behind) and not _DATE.fullmatch(behind) and not is_application:
            self._set_os(word, behind.removeprefix("v"))
            return 2, PartKind.OS
        if self._is_name:  # `oracle/serverjre` names a company
            return None
        self._set_os(word, None)
        return 1, PartKind.OS

    def _set_os(self, family: str, release: str | None) -> None:
        """Keep an operating system; a later word adds the release, never takes one away."""
        known = self._os
        if known is not None and (known.release is not None or release is None):
            return
        product = OS_PRODUCTS[family]
        if known is not None and known.product == product:
            family = known.family
        self._os = OperatingSystem(family, product, _release_name(product, release))

    def _take_runtime(self, at: int, word: str) -> tuple[int, PartKind] | None:
        """A second product with its version: `php8.3`, `jdk-21`, `eclipse-temurin-21`."""
        match = _WORD_AND_VERSION.fullmatch(word)
        if match is not None and match[1] in RUNTIMES:
            self._add_runtime(match[1], match[2])
            return 1, PartKind.RUNTIME
        for count in (2, 1):
            name = self._joined(at, count).lower()
            if name not in RUNTIMES:
                continue
            behind = self._word(at + count)
            if _DIGITS.fullmatch(behind) and not _DATE.fullmatch(behind):
                self._add_runtime(name, behind.removeprefix("v"))
                return count + 1, PartKind.RUNTIME
            if name in RUNTIME_VARIANTS:
                return None
        return None

    def _add_runtime(self, name: str, version: str) -> None:
        if name in _DOTLESS and version.isdigit() and len(version) > 1:
            version = f"{version[0]}.{version[1:]}"
        self._runtimes.append(Runtime(name, version, RUNTIMES[name]))

    def _take_version(self, at: int) -> tuple[int, PartKind] | None:
        """The version of the application, with prerelease and build words behind it."""
        if self._is_name or parse_version(self._words[at]) is None:
            return None
        if self._os_family is not None and (self._os is None or self._os.release is None):
            self._set_os(self._os_family, self._words[at].lower().removeprefix("v"))
            return self._version_words(at), PartKind.OS
        if self._application is not None:
            return 1, PartKind.VERSION
        if self._layered and not self._runtimes and parse_version(self._word(at + 1)) is not None:
            self._add_runtime("devcontainer", self._words[at].lower().removeprefix("v"))
            return 1, PartKind.RUNTIME
        count = self._version_words(at)
        self._application = parse_version(self._joined(at, count))
        return count, PartKind.VERSION

    def _version_words(self, at: int) -> int:
        """How many words belong to a version: `3.15-rc2`, `1.24-3.1736`, `8u452-b09`."""
        count = 1
        tail = self._word(at + 1)
        if _TAIL.fullmatch(tail) and (tail[0] not in "bB" or _is_update(self._words[at], tail)):
            count += 1
        while _BUILD.fullmatch(self._word(at + count)) and not _DATE.fullmatch(
            self._word(at + count)
        ):
            count += 1
        if _SECURITY.fullmatch(self._joined(at + count, 2).lower()):
            count += 2
        while count > 1 and parse_version(self._joined(at, count)) is None:
            count -= 1
        return count

    def _take_word(self, word: str) -> tuple[int, PartKind]:
        """A variant, or a word that nothing is known about; both freeze a tag alike."""
        if word and not self._is_name:
            self._variants.append(word)
        return 1, PartKind.WORD

    def _word(self, at: int) -> str:
        return self._words[at].lower() if at < len(self._words) else ""

    def _joined(self, at: int, count: int) -> str:
        """Some words with the separators between them, as written."""
        words = self._words[at : at + count]
        separators = [*self._separators[at : at + len(words) - 1], ""]
        return "".join(word + mark for word, mark in zip(words, separators, strict=False))


def _is_update(word: str, tail: str) -> bool:
    """Tell whether a word that begins with b is a beta or the build of a Java update."""
    return tail.startswith("beta") or _UPDATE.fullmatch(word) is not None


def _release_name(product: str, release: str | None) -> str | None:
    """The name that calendars use: `22` and `2204` of Ubuntu are `22.04`, `1809` is `2019`."""
    if release is None:
        return None
    if product == "windows-server":
        return WINDOWS_BUILDS.get(release, release)
    if product == "ubuntu" and release.isdigit():
        return f"{release[:2]}.{release[2:] or '04'}"
    return release
