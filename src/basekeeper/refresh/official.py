"""The list of Docker Official Images, out of the archive of its repository.

One file `library/NAME` names the tags of one repository. A repository that is missing from the list
is no official image any more, and a tag that is missing is built no more: so a list that is not
whole, or has lost much, never takes the place of the one in use.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import InputError
from basekeeper.lifecycle.datafile import SCHEMA, read_table, read_words
from basekeeper.lifecycle.stackbrew import MAX_LIST_BYTES, read_listed
from basekeeper.refresh.archive import Archive

if TYPE_CHECKING:
    from basekeeper.refresh.archive import Member

SOURCE: Final = "docker-library/official-images"
"""What answers name as their source; the repository on GitHub."""

MAX_PACKED: Final = 16 * 1024 * 1024
"""Largest answer, in bytes. The archive has below 0.2 MiB."""

MAX_REPOSITORIES: Final = 2_000
"""Most repositories of the list; there are about 150."""

MIN_LISTED: Final = 0.9
"""Share of the repositories in use that a new list must have; a few leave it in a year."""

MIN_TAGS: Final = 0.5
"""Share of the number of tags in use that a new list must have."""

MAX_LAG: Final = timedelta(days=30)
"""Age of the newest file from which an archive is no longer that of today; it changes daily."""

MAX_SKEW: Final = timedelta(days=1)
"""How far in the future an archive may have been made: clocks differ."""

_LISTED: Final = re.compile(r"(?:[^/]+/)?library/([^/]+)")
_NAME: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")


def read_official(data: bytes, known: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Read the archive.

    Args:
        data: The archive.
        known: The list in use, which a new one is held against.
        now: The instant of the run; its day becomes the day of the list.

    Returns:
        The content of the data file.

    Raises:
        InputError: It is no such archive, was not made lately, or has lost too much.
    """
    archive = Archive(data)
    repositories: dict[str, list[str]] = {}
    newest = 0
    for member, content in archive.members(_is_listed, MAX_LIST_BYTES):
        name = _name_of(member)
        if name in repositories:
            raise InputError(f"the archive has {member.name!r:.80} twice")
        if len(repositories) >= MAX_REPOSITORIES:
            raise InputError(f"the list has more than {MAX_REPOSITORIES} repositories")
        repositories[name] = read_listed(content, f"library/{name}")
        newest = max(newest, member.modified)
    _check_kept(repositories, read_table(known, "repositories"))
    _check_day(newest, now)
    said: dict[str, Any] = {
        "schema": SCHEMA,
        "source": SOURCE,
        "url": f"https://github.com/{SOURCE}/tree/master/library",
        "licence": "Apache-2.0",
        "as_of": now.date().isoformat(),
        "repositories": dict(sorted(repositories.items())),
    }
    return said | ({"commit": archive.comment} if archive.comment else {})


def _is_listed(member: Member) -> bool:
    """Tell whether an entry is one of the list; links and the like are, so that they are seen."""
    return not member.is_directory and _LISTED.fullmatch(member.name) is not None


def _name_of(member: Member) -> str:
    """The repository that a file is for."""
    found = _LISTED.fullmatch(member.name)
    name = "" if found is None else found[1]
    if not member.is_file:
        raise InputError(f"{member.name!r:.80} in the archive is no plain file")
    if _NAME.fullmatch(name) is None:
        raise InputError(f"{member.name!r:.80} in the archive is not named like a repository")
    return name


def _check_kept(new: dict[str, list[str]], known: dict[str, Any]) -> None:
    """Refuse a list that lost much of what is known."""
    kept = len(new.keys() & known.keys())
    if not new or kept < len(known) * MIN_LISTED:
        raise InputError(f"only {kept} of {len(known)} known official images are on the list")
    tags = sum(line.count(" ") + 1 for lines in new.values() for line in lines)
    before = sum(line.count(" ") + 1 for name in known for line in read_words(known, name))
    if tags < before * MIN_TAGS:
        raise InputError(f"only {tags} tags are on the list, of {before} before")


def _check_day(newest: int, now: datetime) -> None:
    """Refuse an archive that is old, as a mirror may keep one, or from the future."""
    made = datetime.fromtimestamp(newest, UTC)  # twelve octal digits end in the year 4147
    if not -MAX_SKEW <= now - made <= MAX_LAG:
        when = "from the future" if made > now else f"more than {MAX_LAG.days} days old"
        raise InputError(f"the list is of {made.date()}, which is {when}")
