"""Docker Hub's own interface: tags with digests and times, and who stands behind a repository.

Sources:
- docker/docs, `content/reference/api/hub/latest.yaml`: the list of tags, its page size (at most
  100), `count`, `next`, `name`, `last_updated`, `tag_last_pushed`, `images[]` with `os`,
  `architecture`, `variant`, `os_version`. `digest` of a tag is not documented there, but is given;
  it may be null on old tags. Nor is `ordering` (docker/hub-feedback#2455), so that what it
  promises is checked.
- `GET /v2/orgs/<namespace>/` and its `badge` (`verified_publisher`, `open_source` or empty) are
  not documented at all; public programs read them (docker_sentinel `tools/docker_hub.py`, cupdate
  `internal/dockerhub`), and for the name of a person they are redirected to `/v2/users/`, whose
  answer has the type `User` and no badge. A missing badge so is unknown, not "no".
- The documented paths of a repository are said to want a login, the older ones (deprecated since
  2025-09) are read by public programs without: both are tried.
- `status_description` of a repository is `active` in every public example. How an archived one
  looks could not be verified: `is_archived` and `status_description: archived` are believed where
  they are told, and everything else is unknown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from basekeeper.errors import Failure, RegistryError
from basekeeper.registry.answers import FORBIDDEN, NOT_FOUND, OK, failed
from basekeeper.registry.documents import is_digest, list_at, read_object, text_at, time_of
from basekeeper.registry.listing import MAX_PAGE, same_path
from basekeeper.registry.manifests import platform_key
from basekeeper.tags.updates import TagFacts
from basekeeper.values.image import Publisher

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from basekeeper.registry.answers import Get
    from basekeeper.registry.hosts import Host
    from basekeeper.registry.listing import Collected
    from basekeeper.transport.client import Response

PAGE_SIZE: Final = 100
"""The most that a page can have."""
MAX_ANSWER: Final = 1024 * 1024
"""Bytes of what is told about one repository or namespace; descriptions have up to 25,000."""

OFFICIAL_NAMESPACE: Final = "library"
"""Where Docker Official Images live, and nothing else does."""

_VERIFIED: Final = "verified_publisher"
_PERSON: Final = "user"
_PARTS: Final = 2
_CLOSED: Final = frozenset({Failure.DENIED, Failure.NOT_FOUND})


def split(repository: str) -> tuple[str, str] | None:
    """Split a repository of Docker Hub; None where it has not the two parts of each."""
    parts = repository.split("/")
    return (parts[0], parts[1]) if len(parts) == _PARTS else None


def api_of(host: Host, address: str) -> Host:
    """Return Docker Hub's own interface as a host; it is asked without credentials."""
    name = urlsplit(address).netloc
    return replace(
        host,
        name=name,
        base_url=address,
        prefix="",
        credentials_of=name,
        http=address.startswith("http://"),
        hub_api=None,
        anonymous=True,
    )


def list_tags(
    get: Get, api: Host, repository: str, found: Collected, known: Collected | None
) -> bool:
    """Read the list into `found`, the tags pushed last first.

    Reading stops where a page holds nothing that an earlier list does not know, unless the count
    of tags says that some vanished since.

    Returns:
        Whether this is the whole list, or as much of it as limits permit. If not, what was read
        is still true.
    """
    parts = split(repository)
    if parts is None:
        return False
    pages = _Pages(get, api, *parts)
    page = pages.first()
    while page is not None:
        is_known = known is not None and all(
            known.facts.get(facts.tag) == facts for facts in page.facts
        )
        for facts in page.facts:
            found.add(facts)
        if not page.has_next:
            found.close()
            return True
        if is_known and known is not None and pages.is_ordered:
            if page.total == len(known.facts.keys() | found.facts.keys()):
                found.facts = {**known.facts, **found.facts}
                return True
            known = None
        if not found.may_go_on():
            return True
        page = pages.read(page.target) if page.target is not None else None
    return False


def publisher(get: Get, api: Host, repository: str, now: datetime) -> Publisher:
    """Tell who stands behind a repository.

    Raises:
        RegistryError: The repository is not there, or Docker Hub did not tell of it.
    """
    parts = split(repository)
    what = f"{api.name}: {repository}"
    if parts is None:
        raise RegistryError(f"{what}: a repository of Docker Hub has two parts", Failure.NOT_FOUND)
    namespace, name = parts
    about = _about(get, api, namespace, name)
    is_official = namespace == OFFICIAL_NAMESPACE
    return Publisher(
        official=is_official,
        verified=None if is_official else _is_verified(get, api, namespace),
        archived=_is_archived(about),
        source=api.name,
        as_of=now,
    )


class _Page(NamedTuple):
    facts: tuple[TagFacts, ...]
    total: object
    """What the answer gives as the number of all tags."""
    has_next: bool
    target: str | None
    """Where the next page is; None where it is said to be elsewhere."""


class _Pages:
    """The pages of one list."""

    def __init__(self, get: Get, api: Host, namespace: str, name: str) -> None:
        self._get = get
        self._api = api
        self._paths = (
            f"/v2/namespaces/{namespace}/repositories/{name}/tags",
            f"/v2/repositories/{namespace}/{name}/tags",
        )
        self._path = self._paths[0]
        self._seen: set[str] = set()
        self._last: str | None = None
        self.is_ordered = True
        """Whether all tags so far came with the last updated first."""

    def first(self) -> _Page | None:
        """Read the first page, by the older path where the documented one is closed."""
        for path in self._paths:
            self._path = path
            page = self.read(f"{path}?page_size={PAGE_SIZE}&ordering=last_updated")
            if page is not None:
                return page
        return None

    def read(self, target: str) -> _Page | None:
        """Read a page; None where it cannot be had, or was read before."""
        if target in self._seen:
            return None
        self._seen.add(target)
        what = f"{self._api.name}: {self._path}"
        try:
            answer = _ask(self._get, self._api, target, MAX_PAGE)
            if answer.status != OK:
                return None
            document = read_object(answer.body, what)
            rows = [row for row in list_at(document, "results", what) if isinstance(row, dict)]
        except RegistryError:
            return None
        self._watch_order(rows)
        link = text_at(document, "next")
        own = self._api.base_url + self._path
        return _Page(
            tuple(facts for row in rows if (facts := _facts(row)) is not None),
            document.get("count"),
            bool(link),
            same_path(own, link, (self._path, *self._paths)) if link else None,
        )

    def _watch_order(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            updated = text_at(row, "last_updated")
            if updated is None or (self._last is not None and updated > self._last):
                self.is_ordered = False
            self._last = updated


def _facts(row: Mapping[str, Any]) -> TagFacts | None:
    name, digest = text_at(row, "name"), row.get("digest")
    if name is None:
        return None
    pushed = time_of(row.get("tag_last_pushed")) or time_of(row.get("last_updated"))
    return TagFacts(name, digest if is_digest(digest) else None, pushed, platforms=_platforms(row))


def _platforms(row: Mapping[str, Any]) -> tuple[str, ...] | None:
    images = row.get("images")
    if not isinstance(images, list):
        return None
    found = (
        platform_key(
            image.get("os"),
            image.get("architecture"),
            image.get("variant"),
            image.get("os_version"),
        )
        for image in images
        if isinstance(image, dict) and image.get("os") != "unknown"
    )
    return tuple(dict.fromkeys(key for key in found if key is not None)) or None


def _ask(get: Get, api: Host, path: str, max_bytes: int = MAX_ANSWER) -> Response:
    return get(api, path, scope=None, accept="application/json", max_bytes=max_bytes)


def _about(get: Get, api: Host, namespace: str, name: str) -> Mapping[str, Any]:
    """Read what is told of a repository, by the documented path, else by the older one."""
    what = f"{api.name}: {namespace}/{name}"
    try:
        answer = _ask(get, api, f"/v2/namespaces/{namespace}/repositories/{name}")
    except RegistryError as error:
        if error.failure not in _CLOSED:
            raise
        answer = None
    if answer is None or answer.status in (FORBIDDEN, NOT_FOUND):
        answer = _ask(get, api, f"/v2/repositories/{namespace}/{name}/")
    if answer.status != OK:
        raise failed(answer, what)
    return read_object(answer.body, what)


def _is_verified(get: Get, api: Host, namespace: str) -> bool | None:
    """Tell whether a namespace is that of a Verified Publisher."""
    answer = _ask(get, api, f"/v2/orgs/{namespace}/")
    if answer.status == NOT_FOUND:
        return None
    if answer.status != OK:
        raise failed(answer, f"{api.name}: {namespace}")
    about = read_object(answer.body, f"{api.name}: {namespace}")
    if "badge" in about:
        return text_at(about, "badge") == _VERIFIED
    kind = text_at(about, "type") or ""
    return False if kind.lower() == _PERSON else None


def _is_archived(about: Mapping[str, Any]) -> bool | None:
    told = about.get("is_archived")
    if isinstance(told, bool):
        return told
    return True if text_at(about, "status_description") == "archived" else None
