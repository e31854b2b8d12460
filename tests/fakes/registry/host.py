"""One simulated host: content, who may read it, how it lists tags, and what goes wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from tests.fakes.registry import apis, paging
from tests.fakes.registry.access import Access, Bearer, Open, Tokens, refusal
from tests.fakes.registry.content import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    INDEX,
    MANIFEST,
    Content,
    Manifest,
    to_json,
)
from tests.fakes.registry.http import Answer, Request
from tests.fakes.registry.paging import Dialect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.fakes.registry.faults import Fault

VERSION = ("Docker-Distribution-Api-Version", "registry/2.0")
PLAIN = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))
JSON = ("Content-Type", "application/json; charset=utf-8")
_PART = re.compile(r"bytes=([0-9]{1,18})-")
KINDS = {"manifests": "manifest", "blobs": "blob", "tags": "tags", "referrers": "referrers"}
NOT_ACCEPTED = {
    INDEX: "OCI index found, but accept header does not support OCI indexes",
    MANIFEST: "OCI manifest found, but accept header does not support OCI manifests",
}


class Logged(NamedTuple):
    """One request, and how it was answered."""

    method: str
    target: str
    headers: Mapping[str, str]
    kind: str
    """`ping`, `manifest`, `blob`, `tags`, `referrers`, `token`, `api` or `other`."""
    status: int


@dataclass(slots=True)
class Host:
    """One host of a simulator; a test changes its fields at any time."""

    name: str
    """What it plays, such as `docker.io`; only for people, but chooses the APIs beside /v2/."""
    port: int = 0
    scheme: str = "http"
    public: str | None = None
    """Base URL that it calls its own; None: as the client called it."""
    content: Content = field(default_factory=Content)
    access: Access = field(default_factory=Open)
    tokens: Tokens | None = None
    """What is issued at `/token`."""
    dialect: Dialect = Dialect.DEBIAN
    referrers: bool = False
    """Whether it has the referrers API."""
    etags: bool = True
    """Whether it gives ETags, and answers If-None-Match with 304."""
    ranges: bool = True
    """Whether it gives a part of a blob where one is asked for."""
    faults: list[Fault] = field(default_factory=list)
    documents: dict[str, Answer] = field(default_factory=dict)
    """Path → answer, before anything else."""
    badges: dict[str, str] = field(default_factory=dict)
    """Of Docker Hub's API: organisation → badge, such as `verified_publisher`, or empty."""
    limit: tuple[int, int] | None = None
    """Pulls per six hours and what remains, told in `ratelimit-*` headers of manifests."""
    log: list[Logged] = field(default_factory=list)

    @property
    def address(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.address}"

    def add(self, *faults: Fault) -> None:
        """Let things go wrong, one after the other in this order."""
        self.faults.extend(faults)

    def require_tokens(self, tokens: Tokens | None = None, realm: str | None = None) -> Tokens:
        """Let only tokens in, issued by this host at `/token` unless a realm is given."""
        self.tokens = tokens or Tokens()
        self.access = Bearer(self.tokens, self.base, realm)
        return self.tokens

    def base(self, request: Request) -> str:
        """Scheme, host and port under which the client that asks knows this host."""
        return self.public or f"{self.scheme}://{request.headers.get('host', self.address)}"

    def count(self, kind: str | None = None, method: str | None = None) -> int:
        """Count the requests of a kind and method; None: any."""
        return len(self.asked(kind, method))

    def asked(self, kind: str | None = None, method: str | None = None) -> list[Logged]:
        """Return the requests of a kind and method; None: any."""
        return [
            one
            for one in tuple(self.log)
            if kind in (None, one.kind) and method in (None, one.method)
        ]

    def handle(self, request: Request) -> Answer:
        """Answer a request: what is right first, then made wrong by the faults."""
        kind, answer = self._answered(request)
        for fault in self.faults:
            if fault.meets(kind, request):
                answer = fault.change(self, request, answer)
        self.log.append(
            Logged(request.method, request.target, request.headers, kind, answer.status)
        )
        return answer

    def _answered(self, request: Request) -> tuple[str, Answer]:
        path = request.path
        if path in self.documents:
            return "api", self.documents[path]
        if self.tokens is not None and path == "/token":
            return "token", self.tokens.answer(request)
        api = apis.answer(self, request)
        if api is not None:
            return "api", api
        head, _, name = path.removeprefix("/v2/").rpartition("/")
        repository, _, kind = head.rpartition("/")
        if path in ("/v2/", "/v2"):
            return "ping", self._guarded(request, "", self._ping)
        route = self._routes.get(kind)
        if kind == "referrers" and not self.referrers:
            route = None
        if route is None or not path.startswith("/v2/") or not repository:
            return "other", Answer(404, b"404 page not found\n", (VERSION, *PLAIN))
        return KINDS[kind], self._guarded(
            request, repository, lambda: route(request, repository, name)
        )

    @property
    def _routes(self) -> Mapping[str, Callable[[Request, str, str], Answer]]:
        return {
            "manifests": self._manifest,
            "blobs": self._blob,
            "tags": self._tags,
            "referrers": self._referrers,
        }

    def _guarded(self, request: Request, repository: str, work: Callable[[], Answer]) -> Answer:
        """Answer only who may read."""
        challenges = self.access.challenge(request, repository)
        if challenges is None:
            answer = work()
        else:
            wants = [{"Type": "repository", "Class": "", "Name": repository, "Action": "pull"}]
            body = {
                "code": "UNAUTHORIZED",
                "message": "authentication required",
                "detail": wants if repository else None,
            }
            lines = tuple(("Www-Authenticate", one) for one in challenges)
            answer = Answer(401, to_json({"errors": [body]}) + b"\n", (JSON, *lines))
        return replace(answer, headers=(VERSION, *answer.headers))

    def _ping(self) -> Answer:
        return Answer(body=b"{}", headers=(JSON,))

    def _manifest(self, request: Request, repository: str, name: str) -> Answer:
        found = self.content.repositories.get(repository)
        digest = name if ":" in name else (found.tags.get(name) if found else None)
        manifest = found.manifests.get(digest) if found and digest else None
        if manifest is None:
            detail = {"Name": repository, "Revision": name} if ":" in name else {"Tag": name}
            return refusal(404, "MANIFEST_UNKNOWN", "manifest unknown", detail)
        if self._is_known(request, manifest.digest):
            return Answer(304)
        accepted = request.headers.get("accept", "")
        if manifest.media_type in NOT_ACCEPTED and manifest.media_type not in accepted:
            return refusal(404, "MANIFEST_UNKNOWN", NOT_ACCEPTED[manifest.media_type])
        if manifest.media_type == DOCKER_INDEX and ":" not in name and DOCKER_INDEX not in accepted:
            manifest = self._platform_child(repository, manifest)
        headers = [("Content-Type", manifest.media_type), *self._names(manifest.digest)]
        if self.limit is not None:
            headers.append(("ratelimit-limit", f"{self.limit[0]};w=21600"))
            headers.append(("ratelimit-remaining", f"{self.limit[1]};w=21600"))
        return Answer(body=manifest.body, headers=tuple(headers))

    def _platform_child(self, repository: str, index: Manifest) -> Manifest:
        """What Docker's list becomes for who does not accept it: the manifest of linux/amd64."""
        manifests = self.content.repository(repository).manifests.values()
        wanted = b'"architecture":"amd64"'
        entries = index.body.split(b'{"mediaType"')
        chosen = next(entry for entry in entries if wanted in entry)
        return next(
            one
            for one in manifests
            if one.media_type == DOCKER_MANIFEST and one.digest.encode() in chosen
        )

    def _blob(self, request: Request, repository: str, name: str) -> Answer:
        found = self.content.repositories.get(repository)
        data = found.blobs.get(name) if found else None
        if data is None:
            return refusal(404, "BLOB_UNKNOWN", "blob unknown to registry", name)
        common = (("Cache-Control", "max-age=31536000"), *self._names(name))
        if self._is_known(request, name):
            return Answer(304, headers=common)
        kind = ("Content-Type", "application/octet-stream")
        part = _PART.fullmatch(request.headers.get("range", ""))
        if part is not None and self.ranges:
            start = int(part[1])
            if start >= len(data):
                return Answer(416, headers=(("Content-Range", f"bytes */{len(data)}"), *common))
            span = ("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            return Answer(206, data[start:], (("Accept-Ranges", "bytes"), span, kind, *common))
        return Answer(body=data, headers=(("Accept-Ranges", "bytes"), kind, *common))

    def _tags(self, request: Request, repository: str, name: str) -> Answer:
        if request.method != "GET":
            return Answer(405, b"Method Not Allowed\n", (("Allow", "GET"), *PLAIN))
        found = self.content.repositories.get(repository)
        if found is None:
            detail = {"name": repository}
            return refusal(404, "NAME_UNKNOWN", "repository name not known to registry", detail)
        return paging.list_tags(self.dialect, repository, found, request.query)

    def _referrers(self, request: Request, repository: str, name: str) -> Answer:
        listed = self.content.referrers(repository, name)
        wanted = request.query.get("artifactType")
        headers = [("Content-Type", INDEX)]
        if wanted is not None:
            listed = [one for one in listed if one["artifactType"] == wanted]
            headers.append(("OCI-Filters-Applied", "artifactType"))
        body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
        return Answer(body=to_json(body), headers=tuple(headers))

    def _names(self, digest: str) -> tuple[tuple[str, str], ...]:
        etag = (("Etag", f'"{digest}"'),) if self.etags else ()
        return (("Docker-Content-Digest", digest), *etag)

    def _is_known(self, request: Request, digest: str) -> bool:
        """Tell whether the client says that it has this content."""
        return self.etags and request.headers.get("if-none-match", "").strip('"') == digest
