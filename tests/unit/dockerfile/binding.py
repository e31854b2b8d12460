"""Compares our reading of a file with that of the Go binding, which is BuildKit's own parser."""

from __future__ import annotations

import re
from dataclasses import dataclass

import dockerfile

from basekeeper.dockerfile.parser import parse_dockerfile
from basekeeper.dockerfile.refusal import parser_refusal

NEWER_THAN_THE_BINDING = re.compile(
    rb"<<-?[ \t]+|^[ \t]*#[ \t]*check[ \t]*=|^[ \t]*[a-z]+[ \t]+\[[^\n]*\][^\]\n]*[^\]\s]",
    re.MULTILINE | re.IGNORECASE,
)
"""What BuildKit reads differently since the release that the binding holds (0.12.5): a blank after
`<<`, the `check` directive, text after a JSON array."""

SAME_WORDS = frozenset(
    {
        "FROM",
        "ARG",
        "COPY",
        "ADD",
        "RUN",
        "CMD",
        "ENTRYPOINT",
        "SHELL",
        "VOLUME",
        "EXPOSE",
        "WORKDIR",
        "USER",
        "STOPSIGNAL",
        "MAINTAINER",
    }
)
"""Instructions whose words the binding gives as they are; others it cuts up further."""


@dataclass(frozen=True)
class Line:
    """One instruction, as far as both readers tell the same things."""

    name: str
    line: int
    end_line: int
    flags: tuple[str, ...]
    json: bool | None
    words: tuple[str, ...] | None


def ours(data: bytes) -> list[Line] | None:
    """Our reading; None where the builder's parser would refuse the file.

    NUL is left out of words: the binding hands over C strings.
    """
    document = parse_dockerfile(data)
    if parser_refusal(document._layout) is not None:
        return None
    lines = []
    for each in document.instructions:
        same = each.name in SAME_WORDS
        flags = tuple(flag.text for flag in each.command.flags)  # letters as BuildKit has them
        lines.append(
            Line(
                each.name,
                each.line,
                each.end_line,
                flags,
                each.json if same else None,
                tuple(word.replace("\0", "") for word in each.args) if same else None,
            )
        )
    return lines


def theirs(data: bytes) -> list[Line] | None:
    """The binding's reading; None where it refuses the file."""
    try:
        commands = dockerfile.parse_string(data.decode())
    except dockerfile.GoParseError:
        return None
    lines = []
    for each in commands:
        name = (each.cmd or "").upper()
        same = name in SAME_WORDS
        lines.append(
            Line(
                name,
                each.start_line,
                each.end_line,
                each.flags,
                each.json if same else None,
                tuple(word for word in each.value if word or each.json) if same else None,
            )
        )
    return lines


def difference(data: bytes) -> str | None:
    """Say where the readings differ; None where they do not. The data is UTF-8."""
    mine, other = ours(data), theirs(data)
    if mine is None or other is None:
        if mine is other:
            return None
        return "only the binding refuses it" if other is None else "only we refuse it"
    for left, right in zip(mine, other, strict=False):
        if left != right:
            return f"ours {left}, the binding's {right}"
    if len(mine) != len(other):
        return f"{len(mine)} instructions here, {len(other)} there"
    return None
