"""`RUN --mount`: comma-separated fields, of which `from` names a stage or an image."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

# A possessive group ends in `(?!)`, so that a pass that fails moves nothing (Python below 3.11.5).
_FIELD = re.compile(r'"((?:[^"]++|""|(?!))*+)"(?=,|\Z)|([^",]*+)(?=,|\Z)')

TYPES: Final = frozenset({"bind", "cache", "tmpfs", "secret", "ssh"})


class MountField(NamedTuple):
    """One field of a mount: `key=value` or a key alone."""

    key: str
    """In lower case."""
    value: str | None
    start: int
    """Index of the value in the flag's value."""
    end: int


def mount_fields(value: str) -> list[MountField] | None:
    """Split the value of a `--mount` flag; None where a quote stands in the wrong place."""
    fields: list[MountField] = []
    at = 0
    while True:
        found = _FIELD.match(value, at)
        if found is None:
            return None
        quoted = found[1] is not None
        text = found[1].replace('""', '"') if quoted else found[2]
        key, equals, rest = text.partition("=")
        start = found.start() + quoted + len(key) + 1
        end = found.end() - quoted
        fields.append(MountField(key.lower(), rest if equals else None, min(start, end), end))
        at = found.end() + 1
        if at > len(value):
            return fields


def mount_source(value: str) -> MountField | None:
    """Return the field that names where a mount comes from, the last one where it is repeated."""
    fields = mount_fields(value) or []
    found = [field for field in fields if field.key == "from" and field.value]
    return found[-1] if found else None


def is_variable(text: str) -> bool:
    """Tell whether the builder refuses a source of a mount for its variables."""
    return 0 <= text.find("$") < len(text) - 1
