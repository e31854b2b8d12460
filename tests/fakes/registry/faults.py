"""What can go wrong with a registry, by name; a host takes any number of them at once.

    host.add(faults.head_without_digest(), faults.limited(retry_after="3", times=2))

Each function makes one `Fault`. What concerns content rather than answers is in `scenarios`.
"""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.fakes.registry.access import JSON
from tests.fakes.registry.content import digest_of, to_json
from tests.fakes.registry.http import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.registry.host import Host
    from tests.fakes.registry.http import Request

    Change = Callable[[Host, Request, Answer], Answer]

MIB = 1024 * 1024
OTHER_DIGEST = f"sha256:{'0' * 64}"


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong with some requests."""

    change: Change
    """Host, request and right answer → wrong answer."""
    kinds: tuple[str, ...] = ()
    """Kinds of requests (see `Logged`) that meet it; none: all."""
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")
    skip: int = 0
    """Requests that are spared first."""
    times: int | None = None
    """Requests that meet it then; None: all."""
    where: Callable[[Request], bool] | None = None
    """Further condition."""
    met: int = 0
    """Requests that met the conditions so far."""

    def only(self, part: str) -> Fault:
        """Spare all requests but those whose path and query hold a text; returns itself."""
        self.where = lambda request: part in request.target
        return self

    def meets(self, kind: str, request: Request) -> bool:
        """Tell whether a request is hit, and count it."""
        if (self.kinds and kind not in self.kinds) or request.method not in self.methods:
            return False
        if self.where is not None and not self.where(request):
            return False
        self.met += 1
        return self.met > self.skip and (self.times is None or self.met <= self.skip + self.times)


# Challenges


def challenge(*lines: str) -> Fault:
    """Ask for authorisation with these header lines, whoever asks.

    `{realm}`, `{scope}` and `{service}` stand for what the host would say.
    """

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        if answer.status != 401:
            return answer
        realm = f"{host.base(request)}/token"
        repository = request.path.removeprefix("/v2/").rsplit("/", 2)[0]
        words = {
            "realm": realm, "service": "test registry", "scope": f"repository:{repository}:pull",
        }  # fmt: skip
        asked = tuple(("Www-Authenticate", line.format(**words)) for line in lines)
        return replace(answer, headers=(*answer.without("www-authenticate"), *asked))

    return Fault(change, ("ping", "manifest", "blob", "tags", "referrers"))


# Tokens


def token_page() -> Fault:
    """Answer a request for a token with a page for people, status 200."""
    page = Answer(body=b"<html>log in</html>", headers=(("Content-Type", "text/html"),))
    return Fault(lambda *_: page, ("token",))


def token_flood(size: int = MIB) -> Fault:
    """Answer a request for a token with a body of a megabyte."""
    flood = Answer(body=to_json({"token": "x" * size}), headers=(JSON,))
    return Fault(lambda *_: flood, ("token",))


def never_satisfied() -> Fault:
    """Answer 401 to whatever is asked, token or not."""
    refused = (("Content-Type", "application/json"),)

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        asked = f'Bearer realm="{host.base(request)}/token",service="test registry"'
        return Answer(401, b'{"errors":[]}', (*refused, ("Www-Authenticate", asked)))

    return Fault(change, ("manifest", "blob", "tags", "referrers"))


def late(seconds: float, *kinds: str) -> Fault:
    """Answer late."""
    return Fault(lambda _host, _request, answer: replace(answer, delay=seconds), kinds)


# Redirects


def redirect(to: str, *kinds: str, status: int = 307, times: int | None = None) -> Fault:
    """Send the client elsewhere; `{path}` stands for path and query of the request."""

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        return Answer(status, headers=(("Location", to.replace("{path}", request.target)),))

    return Fault(change, kinds or ("manifest", "blob"), times=times)


# HEAD


def head_without_digest() -> Fault:
    """Leave the digest out of answers to HEAD and GET of manifests."""
    return _manifest_header("Docker-Content-Digest", None)


def head_malformed_digest(text: str = "sha256:not-hex") -> Fault:
    """Give a digest that is none."""
    return _manifest_header("Docker-Content-Digest", text, methods=("HEAD",))


def head_other_digest(digest: str = OTHER_DIGEST) -> Fault:
    """Give a digest that is not that of the body."""
    return _manifest_header("Docker-Content-Digest", digest)


def head_refused(status: int = 405) -> Fault:
    """Refuse HEAD alone; GET works."""
    refused = Answer(status, headers=(JSON,))
    return Fault(lambda *_: refused, ("manifest",), ("HEAD",))


def content_type(text: str) -> Fault:
    """Give another media type for manifests; `{type}` stands for the right one."""

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        shown = text.replace("{type}", answer.header("content-type") or "")
        return replace(answer, headers=(*answer.without("content-type"), ("Content-Type", shown)))

    return Fault(change, ("manifest",))


def _manifest_header(
    name: str, value: str | None, methods: tuple[str, ...] = ("GET", "HEAD")
) -> Fault:
    def change(host: Host, request: Request, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        added = () if value is None else ((name, value),)
        return replace(answer, headers=(*answer.without(name, "etag"), *added))

    return Fault(change, ("manifest",), methods)


# Bodies


def body(data: bytes, *kinds: str) -> Fault:
    """Send another body, the headers unchanged."""
    return Fault(
        lambda _host, _request, answer: replace(answer, body=data), kinds or ("manifest",), ("GET",)
    )


def huge(size: int = 5 * MIB, *kinds: str) -> Fault:
    """Make a JSON body larger than any limit by white space, which leaves its meaning."""

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        return replace(answer, body=answer.body + b" " * size)

    return Fault(change, kinds or ("manifest",), ("GET",))


def gzip_bomb(size: int = 64 * MIB, *kinds: str) -> Fault:
    """Send few bytes that unpack to many."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as archive:
        for _ in range(size // MIB):
            archive.write(b" " * MIB)

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        coded = (*answer.headers, ("Content-Encoding", "gzip"))
        return replace(answer, body=packed.getvalue(), headers=coded)

    return Fault(change, kinds or ("manifest",), ("GET",))


def truncated(*kinds: str, times: int | None = None) -> Fault:
    """Announce the whole body, send half of it and cut the connection."""

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        return replace(answer, length=len(answer.body), cut=len(answer.body) // 2)

    return Fault(change, kinds or ("manifest",), ("GET",), times=times)


def hang_up(*kinds: str, times: int | None = None) -> Fault:
    """Cut the connection without an answer."""
    return Fault(lambda _host, _request, answer: replace(answer, cut=-1), kinds, times=times)


# Tags


def tags_body(value: object) -> Fault:
    """Answer with this for the list of tags: `{"tags": null}` or the like."""
    return body(to_json(value), "tags")


def tags_again(*tags: str) -> Fault:
    """Put these tags on every page, so that they come more than once."""

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        found = json.loads(answer.body)
        found["tags"] = [*tags, *found["tags"]]
        return replace(answer, body=to_json(found))

    return Fault(change, ("tags",))


def short_pages(size: int = 2) -> Fault:
    """Give fewer tags than asked for, with a Link to the rest."""

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        found = json.loads(answer.body)
        last, name = request.query.get("last"), found["name"]
        rest = sorted(tag for tag in found["tags"] if last is None or tag > last)
        found["tags"] = rest[:size]
        headers = answer.without("link")
        if len(rest) > size:
            target = f"/v2/{name}/tags/list?last={rest[size - 1]}&n=1000"
            headers = (*headers, ("Link", f'<{target}>; rel="next"'))
        return replace(answer, body=to_json(found), headers=headers)

    return Fault(change, ("tags",), ("GET",))


def link(to: str, times: int | None = None) -> Fault:
    """Name another next page; `{path}` stands for the path of the request, `{self}` for all."""

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        path = request.target.partition("?")[0]
        target = to.replace("{path}", path).replace("{self}", request.target)
        headers = (*answer.without("link"), ("Link", f'<{target}>; rel="next"'))
        return replace(answer, headers=headers)

    return Fault(change, ("tags",), times=times)


def list_etags() -> Fault:
    """Give lists of tags an ETag, and answer If-None-Match with 304, which few registries do."""

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        etag = f'"{digest_of(answer.body)[7:19]}"'
        if request.headers.get("if-none-match") == etag:
            return Answer(304)
        return replace(answer, headers=(*answer.headers, ("ETag", etag)))

    return Fault(change, ("tags",))


def too_slow_unpaged(status: int = 504, largest: int = 100) -> Fault:
    """Answer 504 to a list that is not asked for in small pages, as Hub does for large ones."""

    def is_large(request: Request) -> bool:
        return int(request.query.get("n", "1000000")) > largest

    return Fault(lambda *_: Answer(status), ("tags",), where=is_large)


def next_page(to: str) -> Fault:
    """Name another next page in Docker Hub's JSON."""

    def change(host: Host, request: Request, answer: Answer) -> Answer:
        found = json.loads(answer.body)
        found["next"] = to
        return replace(answer, body=to_json(found))

    return Fault(change, ("api",), where=lambda request: "/tags" in request.path)


# Limits


def limited(  # noqa: PLR0913  # each is a dialect of its own
    retry_after: str | None = None,
    *,
    body: str = "",
    headers: tuple[tuple[str, str], ...] = (),
    kinds: tuple[str, ...] = (),
    methods: tuple[str, ...] = ("GET", "HEAD", "POST"),
    skip: int = 0,
    times: int | None = None,
    status: int = 429,
) -> Fault:
    """Refuse because too much was asked.

    Args:
        retry_after: Value of that header; None: it is left out.
        body: What the body says.
        headers: Further ones, such as `X-Retry-After`.
        kinds: What is limited; none: everything.
        methods: Likewise.
        skip: Requests that pass first.
        times: Requests that are refused then; None: all.
        status: 429, or what a registry uses in its place.
    """
    said = () if retry_after is None else (("Retry-After", retry_after),)
    refused = Answer(status, body.encode(), (*said, *headers))
    return Fault(lambda *_: refused, kinds, methods, skip=skip, times=times)


NAMED: dict[str, Callable[[], Fault]] = {
    "token-page": token_page,
    "token-flood": token_flood,
    "never-satisfied": never_satisfied,
    "head-without-digest": head_without_digest,
    "head-malformed-digest": head_malformed_digest,
    "head-other-digest": head_other_digest,
    "head-refused": head_refused,
    "huge-manifest": huge,
    "gzip-bomb": gzip_bomb,
    "truncated": truncated,
    "hang-up": hang_up,
    "short-pages": short_pages,
    "too-slow-unpaged": too_slow_unpaged,
    "limited": limited,
}
"""Those that need no arguments, for the command line."""
