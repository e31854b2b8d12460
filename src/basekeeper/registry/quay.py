"""quay.io: its own list of tags, which tells digests and times.

Sources: quay/quay, `endpoints/api/tag.py` (`has_additional`, `manifest_digest`, `last_modified`,
`start_ts`); regclient#272 (the registry's list gives 50 tags a page and ignores `last`);
renovate#36481 (private repositories want other credentials here than the registry does, so that a
refusal here says nothing: ask the registry).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import RegistryError
from basekeeper.registry.answers import OK
from basekeeper.registry.documents import (
    is_digest,
    list_at,
    read_object,
    text_at,
    time_of_milliseconds,
)
from basekeeper.registry.listing import MAX_PAGE
from basekeeper.tags.updates import TagFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from basekeeper.registry.answers import Get
    from basekeeper.registry.hosts import Host
    from basekeeper.registry.listing import Collected

PAGE_SIZE: Final = 100
"""The most that a page can have."""
_HOSTS: Final = frozenset({"quay.io"})


def is_quay(host: Host) -> bool:
    """Tell whether the registry that is asked is known to have quay's own interface."""
    return host.credentials_of in _HOSTS


def api_of(host: Host) -> Host:
    """Return the interface of a host: asked without credentials, which are the registry's."""
    name = f"{host.name} API"
    return replace(host, name=name, credentials_of=name, prefix="", anonymous=True)


def list_tags(get: Get, host: Host, repository: str, found: Collected, now: datetime) -> bool:
    """Read the whole list into `found`; tags that ended before `now` are left out.

    Returns:
        Whether this is the whole list, or as much of it as limits permit. If not, what was read
        is still true.
    """
    api, page = api_of(host), 1
    what = f"{api.name}: {repository}"
    while True:
        path = (
            f"/api/v1/repository/{host.repository(repository)}/tag/"
            f"?onlyActiveTags=true&limit={PAGE_SIZE}&page={page}"
        )
        try:
            answer = get(api, path, scope=None, accept="application/json", max_bytes=MAX_PAGE)
            if answer.status != OK:
                return False
            document = read_object(answer.body, what)
            rows = list_at(document, "tags", what)
        except RegistryError:
            return False
        for row in rows:
            facts = _facts(row, now)
            if facts is not None:
                found.add(facts)
        if document.get("has_additional") is not True:
            found.close()
            return document.get("has_additional") is False
        if not found.may_go_on():
            return True
        page += 1


def _facts(row: object, now: datetime) -> TagFacts | None:
    """Read one tag; None where it is none, or is no more."""
    if not isinstance(row, dict):
        return None
    end = _seconds(row.get("end_ts"))
    if end is not None and end <= now:
        return None
    name, digest = text_at(row, "name"), row.get("manifest_digest")
    if name is None:
        return None
    return TagFacts(name, digest if is_digest(digest) else None, _time(row))


def _time(row: Mapping[str, Any]) -> datetime | None:
    """Tell since when a tag points where it does."""
    since = _seconds(row.get("start_ts"))
    if since is not None:
        return since
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # slow to load

    try:
        found = parsedate_to_datetime(text_at(row, "last_modified") or "")
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)


def _seconds(value: object) -> datetime | None:
    """Read seconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return time_of_milliseconds(value * 1000)
