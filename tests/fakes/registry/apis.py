"""What Docker Hub and Quay have beside the registry protocol: lists of tags with times."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.fakes.registry.access import JSON
from tests.fakes.registry.content import INDEXES, to_json
from tests.fakes.registry.http import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.fakes.registry.content import Repository
    from tests.fakes.registry.host import Host
    from tests.fakes.registry.http import Request

HUB = "hub.docker.com"
QUAY = "quay.io"
HUB_REPOSITORY = r"/v2/(?:namespaces/([^/]+)/repositories|repositories/([^/]+))/([^/]+)"
HUB_ABOUT = re.compile(HUB_REPOSITORY + "/?")
HUB_TAGS = re.compile(HUB_REPOSITORY + "/tags/?")
HUB_OWNER = re.compile(r"/v2/(orgs|users)/([^/]+)/?")
QUAY_TAGS = re.compile(r"/api/v1/repository/(.+)/tag/")
MOST = 100
"""Most tags a page, in both."""
NO_SUCH = Answer(404, b'{"message":"object not found","errinfo":{}}', (JSON,))


def answer(host: Host, request: Request) -> Answer | None:
    """Answer a request to an API that the host has; None where it is no such request."""
    found = APIS.get(host.name)
    return None if found is None else found(host, request)


def _hub(host: Host, request: Request) -> Answer | None:
    """Tell of a repository, its tags, or its owner."""
    owner = HUB_OWNER.fullmatch(request.path)
    if owner is not None:
        return _hub_owner(host, owner[1], owner[2])
    about, tags = HUB_ABOUT.fullmatch(request.path), HUB_TAGS.fullmatch(request.path)
    match = about or tags
    if match is None:
        return None
    namespace, name = match[1] or match[2], match[3]
    repository = host.content.repositories.get(f"{namespace}/{name}")
    if repository is None:
        return NO_SUCH
    if tags is not None:
        return _hub_tags(host, request, repository)
    told = {"user": namespace, "name": name, "namespace": namespace, "repository_type": "image",
            "status": 1, "status_description": "active", "is_private": False}  # fmt: skip
    return Answer(body=to_json(told), headers=(JSON,))


def _hub_owner(host: Host, kind: str, name: str) -> Answer:
    """Tell of an organisation and its badge; a person's name leads to `/v2/users/`."""
    badge = host.badges.get(name)
    if badge is None and kind == "orgs":
        return Answer(301, headers=(("Location", f"/v2/users/{name}/"),))
    told: dict[str, Any] = {"orgname": name, "type": "Organization", "badge": badge}
    if badge is None:
        told = {"username": name, "type": "User"}
    return Answer(body=to_json(told), headers=(JSON,))


def _hub_tags(host: Host, request: Request, repository: Repository) -> Answer:
    """List tags newest first, as `ordering=last_updated` does."""
    query = request.query
    tags = sorted(repository.tags, key=lambda tag: repository.pushed[tag], reverse=True)
    tags = [tag for tag in tags if query.get("name", "") in tag]
    size, page = min(int(query.get("page_size", "10")), MOST), int(query.get("page", "1"))
    shown = tags[(page - 1) * size : page * size]
    if not shown and page > 1:
        return NO_SUCH
    more = {**query, "page": str(page + 1), "page_size": str(size)}
    has_more = page * size < len(tags)
    next_page = f"{host.base(request)}{request.path}?{_joined(more)}" if has_more else None
    body = {
        "count": len(tags),
        "next": next_page,
        "previous": None,
        "results": [_hub_tag(repository, tag) for tag in shown],
    }
    return Answer(body=to_json(body), headers=(JSON,))


def _hub_tag(repository: Repository, tag: str) -> dict[str, Any]:
    manifest = repository.manifests[repository.tags[tag]]
    pushed = repository.pushed[tag].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = json.loads(manifest.body)
    children = body["manifests"] if manifest.media_type in INDEXES else []
    images = [
        {
            "architecture": one["platform"]["architecture"],
            "os": one["platform"]["os"],
            "os_version": one["platform"].get("os.version"),
            "variant": one["platform"].get("variant"),
            "digest": one["digest"],
            "size": one["size"],
            "status": "active",
            "last_pushed": pushed,
        }
        for one in children
        if "platform" in one
    ] or [{"architecture": "amd64", "os": "linux", "variant": None, "digest": manifest.digest,
           "size": len(manifest.body), "status": "active", "last_pushed": pushed}]  # fmt: skip
    return {
        "name": tag, "digest": manifest.digest, "last_updated": pushed, "tag_last_pushed": pushed,
        "tag_status": "active", "media_type": manifest.media_type, "content_type": "image",
        "full_size": len(manifest.body), "images": images,
    }  # fmt: skip


def _quay(host: Host, request: Request) -> Answer | None:
    """List tags newest first; a page more where `has_additional` says so."""
    match = QUAY_TAGS.fullmatch(request.path)
    if match is None:
        return None
    repository = host.content.repositories.get(match[1])
    if repository is None:
        return NO_SUCH
    query = request.query
    size, page = min(int(query.get("limit", "50")), MOST), int(query.get("page", "1"))
    tags = sorted(repository.tags, key=lambda tag: repository.pushed[tag], reverse=True)
    shown = tags[(page - 1) * size : page * size]
    body = {
        "tags": [_quay_tag(repository, tag) for tag in shown],
        "page": page,
        "has_additional": page * size < len(tags),
    }
    return Answer(body=to_json(body), headers=(JSON,))


def _quay_tag(repository: Repository, tag: str) -> dict[str, Any]:
    manifest = repository.manifests[repository.tags[tag]]
    pushed = repository.pushed[tag]
    return {
        "name": tag, "reversion": False, "start_ts": int(pushed.timestamp()),
        "manifest_digest": manifest.digest, "is_manifest_list": manifest.media_type in INDEXES,
        "size": len(manifest.body), "last_modified": pushed.strftime("%a, %d %b %Y %H:%M:%S -0000"),
    }  # fmt: skip


def _joined(query: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in query.items())


APIS: Mapping[str, Callable[[Host, Request], Answer | None]] = {HUB: _hub, QUAY: _quay}
