"""Tests of built images: tables `[[test]]`. They run without network, in the image that was built.

In the gate of a pull request they are read from the branch that it is for, as the policy is.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.config.building import parse_timeout
from basekeeper.values.testing import CommandWanted, FileWanted, ImageTest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from basekeeper.config.table import Table

MAX_TESTS: Final = 200
"""Most tests of one file."""
MAX_PARTS: Final = 200
"""Most files, and most commands, of one test."""
MAX_STATUS: Final = 255
MAX_ID: Final = 2**32 - 1

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_PORT: Final = re.compile(r"[0-9]{1,5}(?:/(?:tcp|udp|sctp))?")
_MODE: Final = re.compile(r"[0-7]{3,4}")
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,31})?")


def parse_tests(top: Table) -> tuple[ImageTest, ...]:
    """Read every `[[test]]`; what is wrong is noted in the table's `problems`."""
    found: dict[str, ImageTest] = {}
    for index, table in top.tables("test"):
        if index >= MAX_TESTS:
            top.wrong(("test", index), f"is one test more than {MAX_TESTS}")
            break
        test = _test(table)
        if test is None:
            continue
        if test.name in found:
            table.wrong("name", f"{test.name!r} is the name of an earlier test")
        found.setdefault(test.name, test)
    return tuple(found.values())


def joined_tests(
    operator: tuple[ImageTest, ...], own: tuple[ImageTest, ...], source: str
) -> tuple[tuple[ImageTest, ...], tuple[str, ...]]:
    """Add a repository's tests to those of its operator.

    Returns:
        The tests, and a notice for each of the repository that does not count, as the operator has
        one of its name.
    """
    names = {test.name for test in operator}
    ignored = tuple(
        f"test {test.name!r} of {source} is ignored: the operator's of this name counts"
        for test in own
        if test.name in names
    )
    return operator + tuple(one for one in own if one.name not in names), ignored


def _test(table: Table) -> ImageTest | None:
    table.require("name")
    name: str | None = table.parsed("name", _name)
    expected = len(table.values) - sum(
        key in table for key in ("name", "product", "timeout", "with_context")
    )
    timeout: timedelta | None = table.parsed("timeout", parse_timeout)
    ports = table.parsed_texts("ports", _port)
    test = ImageTest(
        name=name or "",
        product=table.text("product"),
        user=table.parsed("user", _user),
        entrypoint=table.texts("entrypoint"),
        command=table.texts("command"),
        ports=ports if "ports" in table else None,
        env=MappingProxyType(table.text_map("env")),
        labels=MappingProxyType(table.text_map("labels")),
        files=tuple(_files(table)),
        run=tuple(_commands(table)),
        with_context=bool(table.flag("with_context")),
        seconds=_SECONDS if timeout is None else timeout.total_seconds(),
    )
    table.finish()
    if expected == 0:
        table.wrong(None, "expects nothing", "add what is expected, such as user, files or run")
    return test if name is not None else None


_SECONDS: Final = 600.0


def _files(table: Table) -> Iterator[FileWanted]:
    for index, entry in table.tables("files"):
        if index >= MAX_PARTS:
            table.wrong(("files", index), f"is one file more than {MAX_PARTS}")
            return
        entry.require("path")
        path: str | None = entry.parsed("path", _path)
        present = entry.flag("present")
        mode: int | None = entry.parsed("mode", _mode)
        user = entry.number("user", least=0, most=MAX_ID)
        group = entry.number("group", least=0, most=MAX_ID)
        entry.finish()
        if path is not None:
            yield FileWanted(
                path=path, present=present is not False, mode=mode, user=user, group=group
            )


def _commands(table: Table) -> Iterator[CommandWanted]:
    for index, entry in table.tables("run"):
        if index >= MAX_PARTS:
            table.wrong(("run", index), f"is one command more than {MAX_PARTS}")
            return
        entry.require("argv")
        argv = entry.texts("argv")
        status = entry.number("status", least=0, most=MAX_STATUS)
        command = CommandWanted(
            argv=argv or (),
            user=entry.parsed("user", _user),
            directory=entry.parsed("directory", _path),
            status=status or 0,
            contains=entry.texts("contains") or (),
            lacks=entry.texts("lacks") or (),
        )
        entry.finish()
        if argv:
            yield command
        elif argv is not None:
            entry.wrong("argv", "names no program")


def _name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError(
            f"{text!r:.80} is no name: letters, digits, blanks, '.', '_' and '-', at most 64"
        )
    return text


def _user(text: str) -> str:
    if _USER.fullmatch(text) is None:
        raise ValueError(f"{text!r:.80} is no user: write it as user or user:group")
    return text


def _path(text: str) -> str:
    if not text.startswith("/") or ".." in text.split("/") or not text.isprintable():
        raise ValueError(f"{text!r:.200} is no absolute path")
    return text


def _mode(text: str) -> int:
    if _MODE.fullmatch(text) is None:
        raise ValueError(f'{text!r:.80} is no mode: write it in octal, for example "0755"')
    return int(text, 8)


def _port(text: str) -> str:
    if _PORT.fullmatch(text) is None:
        raise ValueError(f"{text!r:.80} is no port: write it as 80 or 80/tcp")
    return text if "/" in text else f"{text}/tcp"
