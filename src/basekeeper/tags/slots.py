"""Tags as a fixed frame around the versions that can move.

Each version of a tag is a slot; everything else is the frame. Two tags can be compared where
their frames are equal character by character and each slot is written in the same form: the same
words, the same prefix, the same count of numbers. Dates, revisions (`r5`) and Windows update
numbers (`KB…`) are builds: they belong to the version beside them and follow it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.tags.axes import Part, PartKind, TagAxes, split_name, split_tag
from basekeeper.tags.version import FINAL_RANK, Version, parse_version
from basekeeper.tags.words import (
    DEBIAN_CODENAMES,
    NODE_CODENAMES,
    UBUNTU_CODENAMES,
    WINDOWS_BUILDS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBERS: Final = re.compile(r"\d+(?:\.\d+)*", re.ASCII)
_NUMBER: Final = re.compile(r"\d+", re.ASCII)
_WINDOWS: Final = re.compile(r"ltsc(\d{4})|(?<!\d)(1607|1809)(?!\d)", re.ASCII)
_REVISION: Final = re.compile(
    r"kb\d{5,9}|(?:r|ls|cu|gdr|k3s|rke2r)\d{1,6}", re.ASCII | re.IGNORECASE
)
"""Builds with a word: Windows' update numbers, revisions, LinuxServer's builds (`ls255`), SQL
Server's updates (`CU14`, `GDR1`)."""
_BUILD_TEXT: Final = re.compile(r"(?:[_-]r?\d[\d.]*)+\Z", re.ASCII)
_COMMIT: Final = re.compile(r"\.v[0-9a-f][0-9a-f_]{5,}", re.ASCII | re.IGNORECASE)
_SECURITY: Final = re.compile(r"-security-\d+\Z", re.ASCII | re.IGNORECASE)
_JAVA_BUILD: Final = re.compile(r"(?:_\d+|-b\d+)\Z", re.ASCII)
_CODENAMES: Final = tuple(
    (codename, f"@{family}", release)
    for family, names in (("debian", DEBIAN_CODENAMES), ("ubuntu", UBUNTU_CODENAMES))
    for codename, release in names.items()
)
_CODENAME_FORMS: Final = {codename: (form, release) for codename, form, release in _CODENAMES}
_NO_CODENAMES: Final[Mapping[str, str]] = {}
_BUILD_COUNT: Final = 100
"""Numbers from here on count builds and may gain a second one (`9.4-1194`, `9.4-1227.1725849298`);
smaller ones are a version beside the first and keep their precision (`3.11-7.3` of PyPy)."""
_WINDOWS_NT: Final = (10, 0)
"""Every Windows Server since 2016 counts as 10.0; the third number is the release.
Source: Microsoft's list of Windows Server releases."""

_FINAL: Final = (FINAL_RANK, ())

Key = tuple[tuple[int, ...], tuple[int, tuple[int, ...]], tuple[int, ...]]
"""Order of versions: numbers, prerelease, build."""


class Axis(StrEnum):
    """What a slot holds."""

    APPLICATION = "application"
    OS = "os"
    RUNTIME = "runtime"
    BUILD = "build"


@dataclass(frozen=True, slots=True)
class Slot:
    """One version of a tag."""

    axis: Axis
    text: str
    form: str
    """How it is written, numbers left open; a version moves only to one of the same form."""
    numbers: tuple[int, ...]
    prerelease: tuple[int, tuple[int, ...]] = _FINAL
    build: tuple[int, ...] = ()
    version: str = ""
    """Version or release as calendars name it; empty where none can be told."""
    product: str | None = None
    """Product of its calendar; None: that of the repository, or none."""

    @property
    def key(self) -> Key:
        """Sort key."""
        return self.numbers, self.prerelease, self.build

    @property
    def is_prerelease(self) -> bool:
        """Tell whether it comes before a final release."""
        return self.prerelease[0] != FINAL_RANK

    def is_of_form(self, other: Slot) -> bool:
        """Tell whether two are written alike; a prerelease without a number stays one."""
        if self.form != other.form or self.axis is not other.axis:
            return False
        if self.is_prerelease and other.is_prerelease:
            return len(self.prerelease[1]) == len(other.prerelease[1])
        return True


@dataclass(frozen=True, slots=True)
class Frame:
    """A tag or name, taken apart."""

    fixed: tuple[str, ...]
    """The texts around the slots: one more than there are slots."""
    slots: tuple[Slot, ...]
    main: int | None
    """The slot whose move is a patch, minor or major update; None: there is none."""

    @property
    def builds(self) -> tuple[Key, ...]:
        """Keys of dates, revisions and update numbers, in their order."""
        return tuple(slot.key for slot in self.slots if slot.axis is Axis.BUILD)

    @property
    def dates(self) -> tuple[Key, ...]:
        """Keys of dates and times alone; revisions count anew for each version."""
        slots = (slot for slot in self.slots if slot.axis is Axis.BUILD)
        return tuple(slot.key for slot in slots if slot.text[0].isdigit())

    def moved_from(self, own: Frame) -> tuple[int, ...] | None:
        """The slots, builds aside, whose text differs; None where tags cannot be compared."""
        if self.fixed != own.fixed or len(self.slots) != len(own.slots):
            return None
        moved = []
        for at, (new, old) in enumerate(zip(self.slots, own.slots, strict=True)):
            if new is old:
                continue
            if new.axis is not old.axis:
                return None
            if new.axis is not Axis.BUILD and new.text != old.text:
                moved.append(at)
        return tuple(moved)


@lru_cache(maxsize=8192)  # one list is read for each tag of it in use
def frame_of_tag(path: str, tag: str) -> Frame:
    """Take a tag apart; never fails.

    Args:
        path: The repository without its registry.
        tag: The tag.
    """
    codenames = NODE_CODENAMES if path.rpartition("/")[2] == "node" else _NO_CODENAMES
    return _Reader(split_tag(path, tag), is_system=is_system(path), codenames=codenames).run()


def frame_of_name(path: str) -> Frame:
    """Take the path of an image apart: `distroless/nodejs22-debian12` has two slots."""
    return _Reader(split_name(path), is_system=False).run()


@lru_cache(maxsize=1024)
def is_system(path: str) -> bool:
    """Tell whether the tags of a repository are releases of an operating system."""
    return split_tag(path, "1").os is not None


class _Reader:
    """One pass over the parts of a tag."""

    def __init__(
        self,
        axes: TagAxes,
        *,
        is_system: bool,
        codenames: Mapping[str, str] = _NO_CODENAMES,
    ) -> None:
        self._axes = axes
        self._codenames = codenames
        self._is_system = is_system
        self._fixed = [""]
        self._slots: list[Slot] = []
        self._runtimes = iter(axes.runtimes)

    def run(self) -> Frame:
        """Make each part a slot or a piece of the frame."""
        for part in _merged(self._axes.parts):
            slot = self._slot(part)
            if slot is None:
                self._fixed[-1] += part.text
            else:
                self._slots.append(slot)
                self._fixed.append("")
        return Frame(tuple(self._fixed), tuple(self._slots), self._main())

    def _slot(self, part: Part) -> Slot | None:
        if part.kind is PartKind.VERSION:
            return self._version(part.text)
        if part.kind is PartKind.OS:
            return self._os(part.text)
        if part.kind is PartKind.RUNTIME:
            runtime = next(self._runtimes)
            numbers = _ints(runtime.version)
            form = _open(part.text)
            return Slot(
                Axis.RUNTIME,
                part.text,
                form,
                numbers,
                version=runtime.version,
                product=runtime.product,
            )
        if part.kind is PartKind.DATE or _REVISION.fullmatch(part.text):
            form = re.sub(r"\d+", "#", part.text.split(".", maxsplit=1)[0])
            return Slot(Axis.BUILD, part.text, form, _ints(part.text))
        line = self._codenames.get(part.text)
        if part.kind is PartKind.WORD and line is not None and self._axes.application is None:
            return Slot(Axis.APPLICATION, part.text, "@line", _ints(line), version=line)
        return None

    def _version(self, text: str) -> Slot | None:
        """A version; the second of a tag, and one behind a date, only counts builds."""
        version = parse_version(text)
        if version is None:
            return None
        if any(slot.axis is Axis.BUILD for slot in self._slots):
            return Slot(Axis.BUILD, text, _form(version), version.numbers, build=version.build)
        if any(slot.axis is Axis.APPLICATION for slot in self._slots):
            return None
        return _versioned(Axis.APPLICATION, version, version.plain)

    def _os(self, text: str) -> Slot | None:
        """An operating system that names a release; only the first counts."""
        system = self._axes.os
        if system is None or any(slot.axis is Axis.OS for slot in self._slots):
            return None
        found = _release(text)
        if found is None:
            return None
        form, numbers = found
        version = parse_version(text)
        release = system.release or ""
        if version is None or "@" in form:
            return Slot(Axis.OS, text, form, numbers, version=release, product=system.product)
        slot = _versioned(Axis.OS, version, release)
        numbers = slot.numbers
        if system.product == "windows-server" and numbers[:2] == _WINDOWS_NT:
            numbers = (*numbers[2:3], 0, *numbers[3:])
        return Slot(
            Axis.OS,
            text,
            slot.form,
            numbers,
            slot.prerelease,
            slot.build,
            release,
            system.product,
        )

    def _main(self) -> int | None:
        """The application; in a system's repository its release; else the only runtime."""
        axes = [slot.axis for slot in self._slots]
        if Axis.APPLICATION in axes:
            return axes.index(Axis.APPLICATION)
        if self._is_system and Axis.OS in axes:
            return axes.index(Axis.OS)
        return axes.index(Axis.RUNTIME) if axes.count(Axis.RUNTIME) == 1 else None


def _merged(parts: tuple[Part, ...]) -> list[Part]:
    """Parts, two words of one system made one: `windowsservercore-ltsc2022`."""
    found: list[Part] = []
    for part in parts:
        joins = (
            part.kind is PartKind.OS
            and [one.kind for one in found[-2:]] == [PartKind.OS, PartKind.SEPARATOR]
            and _release(found[-2].text) is None
        )
        if joins:
            separator, first = found.pop(), found.pop()
            part = Part(PartKind.OS, first.text + separator.text + part.text)  # noqa: PLW2901
        found.append(part)
    return found


def _release(text: str) -> tuple[str, tuple[int, ...]] | None:
    """Form and numbers of a system's text; None where it names no release."""
    lower = text.lower()
    head, hyphen, last = lower.rpartition("-")
    known = _CODENAME_FORMS.get(last)
    if known is not None:
        return f"{head}{hyphen}{known[0]}" if head else known[0], _ints(known[1])
    match = _WINDOWS.search(lower)
    if match is not None:
        year = match[1] or WINDOWS_BUILDS.get(match[2], match[2])
        return lower.replace(match[0], "@windows"), (int(year),)
    numbers = _NUMBERS.findall(lower)
    return (_open(text), _ints(numbers[-1])) if numbers else None


def _versioned(axis: Axis, version: Version, plain: str) -> Slot:
    return Slot(
        axis,
        version.text,
        _form(version),
        version.numbers,
        version.prerelease,
        version.build,
        plain,
    )


def _form(version: Version) -> str:
    """How a version is written: its prefix, how many numbers, which build it ends in.

    Java's full versions count as one form: they drop zeros (`21_35`, `21.0.5_11`), and the
    eighth wrote itself `8u452-b09`.
    """
    prefix = version.text[0] if version.text[0] in "vV" else ""
    if _JAVA_BUILD.search(version.text) and version.build:
        return prefix + "java"
    # A security build takes the place of the version; a commit says nothing of its form.
    text = _COMMIT.sub("", _SECURITY.sub("", version.text))
    build = _BUILD_TEXT.search(text) if version.build else None
    is_counted = max(version.build, default=0) >= _BUILD_COUNT
    marks = "" if build is None else (_open_all if is_counted else _open)(build[0])
    written = version.plain.count(".") + 1
    update = 2 if re.search(r"\du\d", version.text) else 0
    letter = "a" if version.precision > written + update else ""
    return f"{prefix}{written + update}{letter}{marks}"


def _open(text: str) -> str:
    """A text with its numbers left open, their count kept."""
    return _NUMBERS.sub(lambda match: "#" * (match[0].count(".") + 1), text)


def _open_all(text: str) -> str:
    """A text with its numbers left open, each run of numbers and dots as one."""
    return _NUMBERS.sub("#", text)


def _ints(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBER.findall(text))
