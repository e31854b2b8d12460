"""Where changing facts are fetched from: tables `[advisories]` and `[data]`, never a repository's.

A scanned repository that named an address would have us ask a host of its choice; one that named
the facts themselves could hide that a vulnerability is exploited, or affects it at all.
"""

from __future__ import annotations

from dataclasses import field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from basekeeper.config.durations import parse_duration
from basekeeper.config.places import absolute_path
from basekeeper.lifecycle.fetched import MIRRORED
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from basekeeper.config.table import Table

MAX_DOCUMENTS: Final = 200
"""Most VEX documents that can be named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisorySettings:
    """Where facts are from that change daily; None: not said."""

    kev: str | None = None
    """Address or absolute path of the catalogue of exploited vulnerabilities; empty: none."""
    epss: str | None = None
    """Address or absolute path of the probabilities of exploitation; empty: none."""
    vex: tuple[str, ...] | None = None
    """Absolute paths of OpenVEX documents."""
    kev_max_age: timedelta | None = None
    """How old the catalogue may be for an absence to mean anything."""
    epss_max_age: timedelta | None = None
    """The same for the probabilities."""
    mirrors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Name of a source of facts about images → its other address; empty: it is not fetched."""

    def over(self, other: AdvisorySettings) -> AdvisorySettings:
        """Put these on top of others, which count where these say nothing."""
        said = {
            name: getattr(other if getattr(self, name) is None else self, name) for name in _NAMES
        }
        return AdvisorySettings(**said, mirrors=MappingProxyType({**other.mirrors, **self.mirrors}))

    @property
    def given(self) -> tuple[str, ...]:
        """The keys that were said, as the file has them."""
        named = tuple(f"advisories.{name}" for name in _NAMES if getattr(self, name) is not None)
        return named + tuple(f'data.mirrors."{name}"' for name in self.mirrors)


_NAMES: Final = tuple(field.name for field in fields(AdvisorySettings) if field.name != "mirrors")


def parse_advisories(top: Table) -> AdvisorySettings:
    """Read both tables; what is wrong is noted in the table's `problems`."""
    mirrors = MappingProxyType(_mirrors(top))
    section = top.table("advisories")
    if section is None:
        return AdvisorySettings(mirrors=mirrors)
    found = AdvisorySettings(
        kev=_source(section, "kev"),
        epss=_source(section, "epss"),
        vex=_documents(section),
        kev_max_age=section.parsed("kev_max_age", parse_duration),
        epss_max_age=section.parsed("epss_max_age", parse_duration),
        mirrors=mirrors,
    )
    section.finish()
    return found


def read_address(text: str) -> str:
    """Read an address without a login.

    Raises:
        ValueError: It is none. The message shows nothing of one that holds a password.
    """
    if "@" in text:
        raise ValueError("holds a user or a password, which a file of settings must not")
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or not text.isascii() or set(text) & set("# \t\r\n"):
        raise ValueError(f"{text!r:.200} is no URL: write it as https://host[:port]/path")
    return text


def _source(section: Table, name: str) -> str | None:
    """Read where something is from; an empty text switches it off."""
    if section.raw(name) == "":
        return ""
    found: str | None = section.parsed(name, read_place)
    return found


def read_place(text: str) -> str:
    """Read an address without a login, or an absolute path.

    Raises:
        ValueError: It is neither.
    """
    if "://" in text:
        return read_address(text)
    try:
        return absolute_path(text)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{text!r:.200} is neither a URL nor an absolute path") from error


def _documents(section: Table) -> tuple[str, ...] | None:
    """Read the paths of VEX documents."""
    found = []
    for index, text in section.indexed_texts("vex"):
        try:
            found.append(absolute_path(text))
        except (ValueError, RuntimeError):
            section.wrong(("vex", index), f"{text!r:.200} is no absolute path")
    if len(found) > MAX_DOCUMENTS:
        section.wrong("vex", f"names more than {MAX_DOCUMENTS} documents")
    return tuple(found) if "vex" in section else None


def _mirrors(top: Table) -> dict[str, str]:
    """Read `[data.mirrors]`."""
    data = top.table("data")
    if data is None:
        return {}
    data_mirrors = data.table("mirrors")
    data.finish()
    if data_mirrors is None:
        return {}
    found = {name: _address(data_mirrors, name) for name in MIRRORED}
    data_mirrors.finish()
    return {name: url for name, url in found.items() if url is not None}


def _address(section: Table, name: str) -> str | None:
    """Read another address; an empty one switches the source off."""
    if section.raw(name) == "":
        return ""
    found: str | None = section.parsed(name, read_address)
    return None if found is None else found.rstrip("/")
