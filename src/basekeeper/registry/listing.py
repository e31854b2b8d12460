"""Lists of tags: `GET /v2/<path>/tags/list`, with its pages and what single registries make of it.

The end of a list is where no further page is named. Order is promised by the specification and not
kept by registries, so that pages are merged as a set. A list that ended for any other reason is
incomplete and says why: from it, "there is nothing newer" must not be concluded.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, quote, urljoin, urlsplit

from basekeeper.errors import RegistryError
from basekeeper.records import dataclass
from basekeeper.registry.answers import NOT_ALLOWED, NOT_MODIFIED, OK, failed
from basekeeper.registry.documents import is_digest, list_at, read_object, refused
from basekeeper.registry.google import is_google, read_manifest_map
from basekeeper.registry.tokens import Scope
from basekeeper.tags.updates import TagFacts, TagList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from basekeeper.registry.answers import Get
    from basekeeper.registry.hosts import Host
    from basekeeper.transport.client import Response

MAX_PAGE: Final = 16 * 1024 * 1024
"""Bytes of one page of tags: near one million tags in one answer exist."""

PAGE_SIZES: Final = (1000, 100)
"""Tags asked for at a time; the second where the first is refused or takes too long. ECR answers
405 to more than 1000; the reference registry gives no more than that."""

_TOO_SLOW: Final = frozenset({NOT_ALLOWED, 500, 502, 503, 504})
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_SIGNATURE: Final = re.compile(r"sha256-.*|.*\.(?:sig|att|sbom)", re.DOTALL)
_LINK: Final = re.compile(r"<([^<>]{0,8192})>([^<]*)")
_NEXT: Final = re.compile(r';\s*rel\s*=\s*"?next(?:["\s,;]|$)', re.IGNORECASE)
_PRINTABLE: Final = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLimits:
    """Bounds of one list; beyond them it is incomplete."""

    pages: int = 2000
    tags: int = 100_000
    seconds: float = 120.0
    """Counted up to the start of the last page."""


class Collected:
    """The tags of one repository as they come in, page by page."""

    def __init__(self, limits: ListLimits) -> None:
        """Start with none."""
        self._limits = limits
        self._end = time.monotonic() + limits.seconds
        self._pages = 0
        self.facts: dict[str, TagFacts] = {}
        """Also of names that are no tags, so that they are counted as the registry does."""
        self.problem: str | None = None
        self.is_cut = False
        """Whether there is more than limits permit: reading it again would end there again."""
        self.etag: str | None = None
        """That of the only page; None where there were several, or where it has none."""

    def add(self, facts: TagFacts) -> None:
        """Keep a tag; of one that comes twice, the first word counts."""
        if facts.tag not in self.facts:
            self.facts[facts.tag] = facts

    def may_go_on(self) -> bool:
        """Count a page that was read; tells whether a further one may be, or keeps why not."""
        self._pages += 1
        if len(self.facts) > self._limits.tags:
            self._cut(f"{self._limits.tags} tags")
        elif self._pages >= self._limits.pages:
            self._cut(f"{self._limits.pages} pages")
        elif time.monotonic() > self._end:
            self.problem = f"the list was cut off after {self._limits.seconds:g} s"
        return self.problem is None

    def close(self) -> None:
        """Cut off what exceeds the limit also on the last page."""
        if len(self.facts) > self._limits.tags:
            self._cut(f"{self._limits.tags} tags")

    def _cut(self, after: str) -> None:
        self.problem, self.is_cut = f"the list was cut off after {after}", True

    def result(self) -> TagList:
        """Return the tags, without names that are none and without signatures."""
        kept = [facts for name, facts in self.facts.items() if is_tag(name)]
        return TagList(tuple(kept[: self._limits.tags]), self.problem)


def is_tag(name: str) -> bool:
    """Tell whether a name is a tag under which an image may hang."""
    return _TAG.fullmatch(name) is not None and _SIGNATURE.fullmatch(name) is None


def list_tags(
    get: Get, host: Host, repository: str, found: Collected, *, known: Collected | None = None
) -> None:
    """Read the whole list of a repository into `found`.

    Args:
        get: Fetches.
        host: Whom to ask.
        repository: Its path, as references name it.
        found: Where the tags go; may hold some already.
        known: An earlier list, taken over where the registry says that nothing changed.

    Raises:
        RegistryError: Not even a first page could be had.
    """
    path = host.repository(repository)
    pages = _Pages(get, host, f"/v2/{path}/tags/list", Scope(path), f"{host.name}/{repository}")
    answer = pages.first(known.etag if known is not None else None)
    if answer is None and known is not None:
        found.facts.update(known.facts)
        found.etag = known.etag
        return
    while answer is not None:
        target = pages.take(answer, found)
        if target is None or not found.may_go_on():
            break
        answer = pages.next(target, found)
    found.close()


class _Pages:
    """The pages of one list."""

    def __init__(self, get: Get, host: Host, path: str, scope: Scope, what: str) -> None:
        self._get = get
        self._host = host
        self._path = path
        self._scope = scope
        self._what = what
        self._size: int | None = None
        self._seen: set[str] = set()
        self._has_links = False

    def first(self, etag: str | None) -> Response | None:
        """Ask for the first page, in ever smaller pages; None where nothing changed."""
        # Google's registries give everything at once, with facts that their pages lack.
        sizes = (None, *PAGE_SIZES) if is_google(self._host) else PAGE_SIZES
        headers = {"if-none-match": etag} if etag is not None else None
        for size in sizes:
            self._size = size
            target = self._path if size is None else f"{self._path}?n={size}"
            answer = self._ask(target, headers)
            if answer.status == NOT_MODIFIED and etag is not None:
                return None
            if answer.status == OK:
                return answer
            if answer.status not in _TOO_SLOW or size == sizes[-1]:
                raise failed(answer, self._what)
        raise AssertionError  # pragma: no cover  # the last round returns or raises

    def next(self, target: str, found: Collected) -> Response | None:
        """Ask for a further page; None where it cannot be had."""
        try:
            answer = self._ask(target, None)
            if answer.status == OK:
                return answer
            reason = failed(answer, self._what).message
        except RegistryError as error:
            reason = error.message
        found.problem = f"a page of the list could not be read: {reason}"
        return None

    def take(self, answer: Response, found: Collected) -> str | None:
        """Keep the tags of a page; returns where the next one is."""
        document = read_object(answer.body, self._what)
        names = list_at(document, "tags", self._what)
        if not all(isinstance(name, str) for name in names):
            raise refused(self._what, "a tag is no text")
        before = len(found.facts)
        for facts in read_manifest_map(document, self._what):
            found.add(facts)
        for name in names:
            if name not in found.facts:
                found.add(TagFacts(name))
        target = self._next_target(answer, names, is_new=len(found.facts) > before, found=found)
        is_only = target is None and len(self._seen) == 1
        found.etag = answer.headers.get("etag") if is_only and found.problem is None else None
        return target

    def _next_target(
        self, answer: Response, names: list[str], *, is_new: bool, found: Collected
    ) -> str | None:
        """Tell where the next page is; None at the end, or with a problem noted."""
        link = next_link(answer.headers.get("link", ""))
        if link is None:
            # Some registries page without naming the next page; those that ignore `n` give more.
            is_full = self._size is not None and len(names) == self._size
            is_last = self._has_links or not is_full or not is_new
            return None if is_last else self._after(names[-1])
        self._has_links = True
        url = self._host.base_url + self._path
        target = same_path(url, link, (self._path,))
        if target is None and same_path(url, link, _without_prefixes(self._path)) is not None:
            return self._after_link(link, found)
        if target is None:
            found.problem = "the next page of the list is said to be elsewhere, which is not asked"
        elif target in self._seen:
            found.problem = "the next page of the list is one that was read already"
            target = None
        return target

    def _after(self, last: str) -> str | None:
        target = f"{self._path}?n={self._size}&last={quote(last, safe='')}"
        return None if target in self._seen else target

    def _after_link(self, link: str, found: Collected) -> str | None:
        """Ask by our own path: Artifactory leaves out the prefix of a virtual repository."""
        last = parse_qs(urlsplit(link).query).get("last", [""])[0]
        target = self._after(last) if last else None
        if target is None:
            found.problem = "the next page of the list is not named"
        return target

    def _ask(self, target: str, headers: dict[str, str] | None) -> Response:
        self._seen.add(target)
        return self._get(
            self._host,
            target,
            scope=self._scope,
            accept="application/json",
            headers=headers,
            max_bytes=MAX_PAGE,
        )


def next_link(header: str) -> str | None:
    """Find the target of `rel="next"` in a Link header."""
    for target, parameters in _LINK.findall(header[: 4 * 8192]):
        if _NEXT.search(parameters):
            return str(target)
    return None


def same_path(url: str, link: str, paths: Iterable[str]) -> str | None:
    """Path and query of a further page, if it is where the first one was.

    Args:
        url: Of the first page, without a query.
        link: What the registry names, absolute or relative.
        paths: Paths under which the list may be found; the first is asked.

    Returns:
        None where scheme, host, port or path differ, or where the link is no URL.
    """
    allowed = [path.rstrip("/") for path in paths]
    try:
        own, target = urlsplit(url), urlsplit(urljoin(url, link))
        is_same = (
            target.scheme == own.scheme
            and target.hostname == own.hostname
            and (target.port or _default(target.scheme)) == (own.port or _default(own.scheme))
        )
    except ValueError:
        return None
    has_user = "@" in target.netloc
    if not is_same or has_user or target.path.rstrip("/") not in allowed:
        return None
    return f"{allowed[0]}?{target.query}" if _PRINTABLE.fullmatch(target.query) else None


def pack(found: Collected) -> bytes:
    """Write a list for the cache."""
    rows = [
        [
            facts.tag,
            facts.digest,
            None if facts.pushed is None else facts.pushed.timestamp(),
            facts.platforms,
        ]
        for facts in found.facts.values()
    ]
    return json.dumps({"etag": found.etag, "problem": found.problem, "tags": rows}).encode()


def unpack(data: bytes | None, limits: ListLimits) -> Collected | None:
    """Read a list back; None where there is none, or none that can be read."""
    if data is None:
        return None
    found = Collected(limits)
    try:
        document: dict[str, Any] = json.loads(data)
        found.etag, found.problem = document["etag"], document.get("problem")
        for row in document["tags"]:
            facts = _facts(*row)
            found.facts[facts.tag] = facts
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
        return None
    return found if _is_text(found.etag) and _is_text(found.problem) else None


def _facts(tag: Any, digest: Any, pushed: Any, platforms: Any) -> TagFacts:
    """Read one tag back.

    Raises:
        ValueError: It was never written so; what raises TypeError, OverflowError or OSError either.
    """
    is_list = isinstance(platforms, list) and all(isinstance(one, str) for one in platforms)
    if not (isinstance(tag, str) and (digest is None or is_digest(digest))):
        raise ValueError("no tag")
    if not (platforms is None or is_list):
        raise ValueError("no platforms")
    at = None if pushed is None else datetime.fromtimestamp(pushed, UTC)
    return TagFacts(tag, digest, at, platforms=platforms)


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _without_prefixes(path: str) -> tuple[str, ...]:
    """Paths of the same list with the first parts of the repository left out."""
    parts = path.removeprefix("/v2/").split("/")
    return tuple("/".join(["/v2", *parts[left:]]) for left in range(1, len(parts) - 2))


def _default(scheme: str) -> int:
    return 443 if scheme == "https" else 80
