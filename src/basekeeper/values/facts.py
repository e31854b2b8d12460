"""What is known about an image beyond its name; each fact may be unknown (None).

Names alone decide most questions. Facts come from a registry, a scanner or a user of the library,
and beat what a tag only claims.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from types import MappingProxyType
from typing import Final

from basekeeper.errors import InputError
from basekeeper.records import dataclass

STAGES: Final = ("final", "build")
"""What `Facts.stage` may say."""

MAX_OS_RELEASE_CHARS: Final = 65_536
"""Longest os-release text read, in characters; real ones stay below 1,000."""

_ASSIGNMENT: Final = re.compile(r"""([A-Z][A-Z0-9_]*)=(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"']*))""")
_NAME_AND_VERSION: Final = re.compile(r"([a-z][a-z0-9_.-]*)(?:[ :]v?([0-9][0-9a-z.]*))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts about one image; None always means unknown, never no."""

    stage: str | None = None
    """`final` or `build`: what the image is to the build. It changes no answer about the image
    itself; rules read it through their `stages` setting."""
    official: bool | None = None
    """Whether it is a Docker Official Image today."""
    verified_publisher: bool | None = None
    """Whether its namespace belongs to a publisher that the registry verified."""
    resolved_version: str | None = None
    """The version of the application behind the tag, for example `22.4.1` behind `latest`."""
    os_release: Mapping[str, str] | None = None
    """Keys of the image's `/etc/os-release`, at least `ID`; `VERSION_ID` where there is one."""
    labels: Mapping[str, str] | None = None
    """Labels and annotations of the image; `org.opencontainers.image.base.name` names its base."""
    source: str | None = None
    """Who told `official` and `verified_publisher`, for evidence: `hub.docker.com`."""
    as_of: date | None = None
    """The day on which that was told."""

    def __post_init__(self) -> None:
        """Refuse values that are no facts.

        Raises:
            InputError: A value has the wrong type.
        """
        for name in ("official", "verified_publisher"):
            value: object = getattr(self, name)
            if value is not None and not isinstance(value, bool):
                raise _wrong(name, "true, false or nothing", value)
        if self.stage is not None and self.stage not in STAGES:
            raise _wrong("stage", "'final' or 'build'", self.stage)
        for name in ("resolved_version", "source"):
            text: object = getattr(self, name)
            if text is not None and not isinstance(text, str):
                raise _wrong(name, "text", text)
        day: object = self.as_of
        if day is not None and not isinstance(day, date):
            raise _wrong("as_of", "a day", day)
        for name in ("os_release", "labels"):
            table: object = getattr(self, name)
            if table is not None and not _is_text_table(table):
                raise _wrong(name, "a table of text", table)

    @classmethod
    def of(cls, facts: Facts | Mapping[str, object]) -> Facts:
        """Read facts from a mapping with the field names as keys.

        `os_release` may also be the text of the file, or a name and version such as `debian 12`.

        Raises:
            InputError: A key is none of the fields, or a value has the wrong type.
        """
        if isinstance(facts, Facts):
            return facts
        known = tuple(field.name for field in fields(cls))
        unknown = sorted(str(key) for key in facts if key not in known)
        if unknown:
            raise InputError(
                f"unknown fact {unknown[0]!r}", hint=f"the facts are {', '.join(known)}"
            )
        values = dict(facts)
        release = values.get("os_release")
        if isinstance(release, str):
            values["os_release"] = read_os_release(release)
        return cls(**values)  # type: ignore[arg-type]  # types are checked in __post_init__


NO_FACTS: Final = Facts()
"""Nothing is known beyond the name."""


def read_os_release(text: str) -> Mapping[str, str]:
    """Read the text of an os-release file, or a name and version such as `alpine 3.22`.

    Raises:
        InputError: The text is neither.
    """
    if len(text) > MAX_OS_RELEASE_CHARS:
        raise InputError(f"os_release is longer than {MAX_OS_RELEASE_CHARS} characters")
    short = _NAME_AND_VERSION.fullmatch(text.strip().lower())
    if short is not None:
        name, version = short.groups()
        return MappingProxyType({"ID": name} | ({"VERSION_ID": version} if version else {}))
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _ASSIGNMENT.fullmatch(line.strip())
        if match is not None:
            found[match[1]] = match[2] or match[3] or match[4] or ""
    if "ID" not in found:
        raise _wrong("os_release", "the text of an os-release file with an ID", text[:80])
    return MappingProxyType(found)


def _is_text_table(value: object) -> bool:
    """Tell whether keys and values of a mapping are all text."""
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and isinstance(item, str) for key, item in value.items()
    )


def _wrong(name: str, expected: str, value: object) -> InputError:
    """Say what a fact should have been."""
    return InputError(f"fact {name!r}: expected {expected}, got {value!r:.80}")
