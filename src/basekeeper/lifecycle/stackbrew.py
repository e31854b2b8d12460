"""Reading one file of the official list: which tags of a repository are built, and which are one.

Format: https://github.com/docker-library/bashbrew (package `manifest`). Paragraphs of lines
`Field: value`, separated by blank lines. The first one holds what counts for all others where they
do not say it themselves. A line that begins with a blank goes on with the value above; `#` begins
a line of comment. Every field is read by its form; what is kept are the tags.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LIST_BYTES: Final = 512 * 1024
"""Largest file of one repository; the longest real one has 37 KiB."""

MAX_LISTED_TAGS: Final = 20_000
"""Most tags of one repository; the longest real file names about 900."""

_FIELD: Final = re.compile(r"([A-Za-z0-9-]{1,64}):(.*)")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_TAGS, _SHARED, _FIRST = "tags", "sharedtags", "maintainers"


def read_listed(data: bytes, name: str) -> list[str]:
    """Read the tags of one repository.

    Args:
        data: The file.
        name: The repository, as messages name it.

    Returns:
        One line for each image: its tags, in the order of the file, then those that it shares with
        images for other systems. A tag stands in the first line alone that names it. Empty where
        the repository is listed, but nothing is built any more.

    Raises:
        InputError: It is no such file, or larger than the limits.
    """
    if len(data) > MAX_LIST_BYTES:
        raise InputError(f"{name}: larger than {MAX_LIST_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8") from error
    paragraphs = _paragraphs(text, name)
    first = next(paragraphs, {})
    if _TAGS in first or not first.get(_FIRST):
        raise InputError(f"{name}: does not begin with what counts for all its images")
    seen: set[str] = set()
    lines: list[str] = []
    for fields in paragraphs:
        own = _tags(fields.get(_TAGS, ""), name)
        if not own:
            raise InputError(f"{name}: has an image without tags")
        more = _tags(fields.get(_SHARED, first.get(_SHARED, "")), name)
        new = [tag for tag in dict.fromkeys([*own, *more]) if tag not in seen]
        seen.update(new)
        if new:
            lines.append(" ".join(new))
    if len(seen) > MAX_LISTED_TAGS:
        raise InputError(f"{name}: has more than {MAX_LISTED_TAGS} tags")
    return lines


def _paragraphs(text: str, name: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each paragraph, their names in lower case."""
    fields: dict[str, str] = {}
    last = ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, last = {}, ""
            continue
        match = _FIELD.fullmatch(line.rstrip())
        if match is not None:
            last = match[1].lower()
            if last in fields:
                raise InputError(f"{name}:{number}: says {match[1]!r} twice")
            fields[last] = match[2].strip()
        elif line[0] in " \t" and last:
            fields[last] += " " + line.strip()
        else:
            raise InputError(f"{name}:{number}: expected a field and its value, got {line!r:.80}")
    if fields:
        yield fields


def _tags(value: str, name: str) -> list[str]:
    """Read tags that are separated by commas."""
    found = [tag.strip() for tag in value.split(",")]
    found = [tag for tag in found if tag]
    for tag in found:
        if _TAG.fullmatch(tag) is None:
            raise InputError(f"{name}: {tag!r:.80} is no tag")
    return found
