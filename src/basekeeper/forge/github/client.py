"""Requests to one GitHub: who we are, how often, what an answer means, and nothing elsewhere.

The token goes to one origin, the configured one; pages and redirects that lead elsewhere are
refused. What was read before is asked for with its ETag, which costs nothing where it holds.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode, urljoin

from basekeeper.errors import ForgeError, ForgeFailure, NetworkError, TransportError
from basekeeper.forge.github.documents import Node, read_json, refused
from basekeeper.forge.github.failures import graphql_setback, setback_of
from basekeeper.forge.pacing import Setback
from basekeeper.transport.redaction import shown_url
from basekeeper.transport.urls import split_url

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from basekeeper.forge.github.tokens import Token
    from basekeeper.forge.pacing import Pacer
    from basekeeper.ports import Cache
    from basekeeper.transport.client import Response, Transport

API_VERSION: Final = "2022-11-28"
"""Supported by github.com until 2028 at least, and by every Enterprise Server in support."""

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Largest answer; a tree of 100,000 entries has about 20 MiB, a file at most 100."""

MAX_PAGES: Final = 100
"""Most pages of one list: 10,000 entries."""

MAX_REDIRECTS: Final = 3

PAGE: Final = 100
"""Entries of a page; GitHub gives no more."""

_KEPT: Final = timedelta(days=90)
"""How long an answer serves whose ETag is asked about."""
_FOREVER: Final = timedelta(days=3650)
"""Of what is named by its content."""
_NEXT: Final = re.compile(r'<([^<>]{1,4096})>[^<>,]{0,200}?\brel="next"')
_MOVED: Final = frozenset({301, 302, 307, 308})
_UNCHANGED: Final = 304
_UNAUTHORIZED: Final = 401


class Endpoints(NamedTuple):
    """Where a GitHub is asked."""

    rest: str
    graphql: str


def endpoints(url: str) -> Endpoints:
    """Tell where the GitHub is asked whose pages are at an address.

    Args:
        url: `https://github.com`, `https://NAME.ghe.com`, or that of an Enterprise Server.

    Raises:
        TransportError: It is none.
    """
    origin, target = split_url(url)
    if target.strip("/"):
        raise TransportError(
            f"{shown_url(url)}: a forge is named without a path", hint="such as https://github.com"
        )
    base = f"{origin.scheme}://{origin.authority}"
    if origin.host in {"github.com", "api.github.com"}:
        return Endpoints("https://api.github.com", "https://api.github.com/graphql")
    if origin.host.endswith(".ghe.com"):
        own = base.replace("://", "://api.", 1) if not origin.host.startswith("api.") else base
        return Endpoints(own, f"{own}/graphql")
    return Endpoints(f"{base}/api/v3", f"{base}/api/graphql")


def path(*parts: str | int) -> str:
    """Join parts of a path, each quoted whole, slashes in it too."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


class Answer(NamedTuple):
    """An answer that was read."""

    status: int
    document: Any
    """None where there is no body."""
    next: str | None
    """Where the next page is."""
    what: str
    """What was asked, for messages."""

    @property
    def node(self) -> Node:
        """The document, which must be an object."""
        return Node(self.document, self.what)

    @property
    def items(self) -> Iterator[Node]:
        """The objects of the document, which must be a list."""
        if not isinstance(self.document, list):
            raise refused(self.what, "a list is missing")
        return (Node(one, self.what) for one in self.document)


class _Ask(NamedTuple):
    method: str
    url: str
    body: bytes
    accept: frozenset[int]
    is_change: bool = False
    makes_content: bool = False
    etag: str | None = None


class Client:
    """One GitHub, for one token; safe to share between threads."""

    def __init__(  # noqa: PLR0913  # the last two have a default that serves
        self,
        transport: Transport,
        token: Token,
        pacer: Pacer,
        where: Endpoints,
        *,
        version: str = API_VERSION,
        cache: Cache | None = None,
    ) -> None:
        """Ask nothing yet.

        Args:
            transport: Limits every request; closed by whoever made it.
            token: Speaks for us.
            pacer: Says who may ask now.
            where: Where the forge is asked.
            version: Of the REST interface, as `X-GitHub-Api-Version` names it.
            cache: Keeps what was read; None: every answer is asked for anew.
        """
        self._transport = transport
        self._token = token
        self.pacer = pacer
        self._where = where
        self._origin = split_url(where.rest)[0]
        self._version = version
        self._cache = cache
        self._told: dict[str, None] = {}

    @property
    def token(self) -> Token:
        """What speaks for us."""
        return self._token

    def tell(self, notice: str) -> None:
        """Keep something that the user should know."""
        self._told[notice] = None

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know, each thing once."""
        return tuple(self._told)

    def get(
        self,
        where: str,
        params: Mapping[str, str | int] | None = None,
        *,
        accept: Collection[int] = (),
    ) -> Answer:
        """Ask for something.

        Args:
            where: Path from the root of the interface.
            params: The query.
            accept: Statuses other than 2xx that the caller reads.

        Raises:
            ForgeError: Another status, no answer, or one that breaks a rule.
        """
        query = f"?{urlencode(params)}" if params else ""
        return self._read(f"{self._where.rest}{where}{query}", frozenset(accept))

    def pages(
        self,
        where: str,
        params: Mapping[str, str | int] | None = None,
        *,
        accept: Collection[int] = (),
    ) -> Iterator[Answer]:
        """Ask for all pages of a list; the status of the first may be one of `accept`.

        Raises:
            ForgeError: As `get`; a page is elsewhere, or there are too many.
        """
        answer = self.get(where, {**(params or {}), "per_page": PAGE}, accept=accept)
        for _ in range(MAX_PAGES):
            yield answer
            if answer.next is None:
                return
            answer = self._read(answer.next, frozenset())
        raise refused(answer.what, f"there are more than {MAX_PAGES} pages")

    def change(
        self,
        method: str,
        where: str,
        said: Mapping[str, Any],
        *,
        accept: Collection[int] = (),
        makes_content: bool = False,
    ) -> Answer:
        """Change something, once; nothing is repeated.

        Args:
            method: POST, PATCH, PUT or DELETE.
            where: Path from the root of the interface.
            said: The body.
            accept: Statuses other than 2xx that the caller reads.
            makes_content: Whether people will see something new.

        Raises:
            ForgeError: Another status; TRANSIENT where it is not known whether it was done.
        """
        body = json.dumps(said).encode() if said else b""
        url = f"{self._where.rest}{where}"
        ask = _Ask(method, url, body, frozenset(accept), True, makes_content)  # noqa: FBT003
        return self._answer(self._send(ask))

    def graphql(self, query: str, variables: Mapping[str, Any], *, is_change: bool = False) -> Node:
        """Ask by GraphQL, and return the data.

        Raises:
            ForgeError: It has errors; UNSUPPORTED where this server does not know a field.
        """
        body = json.dumps({"query": query, "variables": dict(variables)}).encode()
        ask = _Ask("POST", self._where.graphql, body, frozenset(), is_change)
        answer = self._answer(self._send(ask))
        return answer.node.node("data")

    def known(self, key: str) -> bytes | None:
        """Return what was kept under a key for ever; None where it is not there."""
        if self._cache is None:
            return None
        return self._cache.answer(self._key(key), now=self.pacer.now(), max_age=_FOREVER)

    def keep(self, key: str, data: bytes) -> None:
        """Keep what never changes, as it is named by its content."""
        if self._cache is not None:
            self._cache.keep_answer(self._key(key), data, now=self.pacer.now())

    def _key(self, key: str) -> str:
        return f"forge:{self._where.rest}:{key}"

    def _read(self, url: str, accept: frozenset[int]) -> Answer:
        """Ask for something, with its ETag where it was read before."""
        kept = self._kept(url)
        etag = None if kept is None else kept[0]
        response = self._send(_Ask("GET", url, b"", accept | {_UNCHANGED}, etag=etag))
        if response.status == _UNCHANGED:
            if kept is None:
                raise refused(shown_url(url), "it is said to be unchanged, but was never read")
            _, link, body = kept
            return _answer(200, body, self._next(link), shown_url(url))
        answer = self._answer(response)
        tag = response.headers.get("etag")
        if response.is_success and tag and self._cache is not None and not _may_grow(answer):
            said = {"etag": tag, "link": response.headers.get("link", ""),
                    "body": base64.b64encode(response.body).decode("ascii")}  # fmt: skip
            self.keep(_hashed(url), json.dumps(said).encode())
        return answer

    def _kept(self, url: str) -> tuple[str, str, bytes] | None:
        if self._cache is None:
            return None
        data = self._cache.answer(self._key(_hashed(url)), now=self.pacer.now(), max_age=_KEPT)
        if data is None:
            return None
        try:
            said = json.loads(data)
            return str(said["etag"]), str(said["link"]), base64.b64decode(said["body"])
        except (ValueError, KeyError, TypeError):  # as if it were not there
            return None

    def _answer(self, response: Response) -> Answer:
        link = self._next(response.headers.get("link", ""))
        return _answer(response.status, response.body, link, shown_url(response.url))

    def _next(self, link: str) -> str | None:
        """Read where the next page is; it must be at the same forge."""
        match = _NEXT.search(link)
        return None if match is None else self._here(self._where.rest, match[1])

    def _here(self, url: str, target: str) -> str:
        """Check that something is at the forge itself.

        Raises:
            ForgeError: It is elsewhere, where the token must not go.
        """
        try:
            found = urljoin(url, target)
            origin = split_url(found)[0]
        except (ValueError, TransportError):
            raise refused(shown_url(url), "it leads to an invalid address") from None
        if origin != self._origin:
            raise refused(shown_url(url), f"it leads to another host, {origin.authority}")
        return found

    def _send(self, ask: _Ask) -> Response:
        """Send when it may be sent, and follow where it moved within the forge."""
        for _ in range(MAX_REDIRECTS + 1):
            response = self._repeated(ask)
            if response.status not in _MOVED:
                return response
            target = self._here(ask.url, response.headers.get("location", ""))
            self.tell(f"{shown_url(ask.url)} has moved to {shown_url(target)}: correct the name")
            ask = ask._replace(url=target)
        raise refused(shown_url(ask.url), f"more than {MAX_REDIRECTS} redirects")

    def _repeated(self, ask: _Ask) -> Response:
        tries, is_renewed = 1, False
        while True:
            token = self._token.value()
            found = self._once(ask, token)
            if not isinstance(found, Setback):
                return found
            is_refused = found.error.failure is ForgeFailure.AUTH
            if is_refused and not is_renewed and self._token.refuse(token):
                is_renewed = True  # nothing was done, so that even a change may be sent again
                continue
            if not self.pacer.hold(found, tries=tries, is_change=ask.is_change):
                raise found.error
            tries += 1

    def _once(self, ask: _Ask, token: str) -> Response | Setback:
        what = shown_url(ask.url)
        place = (
            self.pacer.change(makes_content=ask.makes_content)
            if ask.is_change
            else self.pacer.question()
        )
        with place:
            try:
                response = self._transport.send(
                    ask.method, ask.url, ask.body, headers=self._headers(ask, token),
                    max_bytes=MAX_ANSWER_BYTES,
                )  # fmt: skip
            except NetworkError as error:
                failure = ForgeFailure.TRANSIENT
                return Setback(ForgeError(error.message, failure, hint=error.hint))
            except TransportError as error:
                raise ForgeError(error.message, ForgeFailure.REFUSED, hint=error.hint) from error
        now = self.pacer.now()
        if response.is_success and ask.url == self._where.graphql:
            errors = Node(read_json(response.body, what), what).value.get("errors")
            if isinstance(errors, list) and errors:
                return graphql_setback(errors, what, response, now)
        if response.is_success or response.status in _MOVED:
            return response
        if response.status in ask.accept and not _is_limit(response):
            return response
        return _redacted(setback_of(response, what, now), token)

    def _headers(self, ask: _Ask, token: str) -> dict[str, str]:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": self._version,
        }
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if ask.body:
            headers["Content-Type"] = "application/json"
        if ask.etag is not None:
            headers["If-None-Match"] = ask.etag
        return headers


def _is_limit(response: Response) -> bool:
    """Tell whether a refusal that the caller would read is one for having asked too much."""
    limited = response.headers.get("x-ratelimit-remaining", "").strip() == "0"
    return response.status == 403 and (limited or "retry-after" in response.headers)  # noqa: PLR2004


def _answer(status: int, body: bytes, link: str | None, what: str) -> Answer:
    return Answer(status, read_json(body, what) if body else None, link, what)


def _redacted(setback: Setback, token: str) -> Setback:
    """Keep a token out of a message, should the forge have repeated it."""
    error = setback.error
    if token and token in error.message:
        text = error.message.replace(token, "***")
        return setback._replace(error=ForgeError(text, error.failure, hint=error.hint))
    return setback


def _may_grow(answer: Answer) -> bool:
    """Tell whether a page may get a next one while it stays, and its ETag with it: a full one."""
    is_full = isinstance(answer.document, list) and len(answer.document) >= PAGE
    return is_full and answer.next is None


def _hashed(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
