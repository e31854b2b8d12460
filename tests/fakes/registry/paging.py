"""How registries list tags: each its own way (docs in `Dialect`)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from tests.fakes.registry.access import JSON, refusal
from tests.fakes.registry.content import to_json
from tests.fakes.registry.http import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.fakes.registry.content import Repository


class Dialect(StrEnum):
    """Whose way of listing tags is spoken."""

    DEBIAN = "debian"
    """Debian's docker-registry 2.8: everything, in no order, `n` and `last` ignored."""
    DISTRIBUTION = "distribution"
    """distribution 3: sorted, at most 1000 a page, relative Link."""
    HUB = "hub"
    """Everything where no `n` is given, else pages with Link."""
    GHCR = "ghcr"
    """100 a page unless `n` says otherwise, oldest first, Link."""
    QUAY = "quay"
    """50 a page, opaque `next_page` in the Link, `last` ignored."""
    GCR = "gcr"
    """Everything, with a map of manifests, their tags and times in milliseconds."""
    ECR = "ecr"
    """`n` above 1000 is answered with 405."""
    ARTIFACTORY = "artifactory"
    """Link lacks the name of the virtual repository, the first part of the path."""
    HARBOR = "harbor"
    """At most 100 a page, whatever `n` says, absolute path in the Link."""


MOST = {
    Dialect.DISTRIBUTION: 1000, Dialect.HUB: 10_000, Dialect.GHCR: 10_000, Dialect.QUAY: 50,
    Dialect.ECR: 1000, Dialect.ARTIFACTORY: 1000, Dialect.HARBOR: 100,
}  # fmt: skip
"""Largest page."""

USUAL = {**MOST, Dialect.GHCR: 100, Dialect.ECR: 100}
"""Size of a page where the query does not say."""


def list_tags(
    dialect: Dialect, name: str, repository: Repository, query: Mapping[str, str]
) -> Answer:
    """Answer a request for a page of tags."""
    if dialect is Dialect.ECR and int(query.get("n", "0")) > MOST[dialect]:
        return refusal(405, "UNSUPPORTED", "Invalid parameter at 'maxResults'")
    tags = list(repository.tags)
    if dialect is Dialect.GCR:
        return _answer({"child": [], **_manifests(repository), "name": name, "tags": sorted(tags)})
    if dialect is Dialect.DEBIAN or (dialect is Dialect.HUB and "n" not in query):
        return _answer({"name": name, "tags": tags})
    if dialect is not Dialect.GHCR:
        tags.sort()
    wanted = int(query.get("n", USUAL[dialect]))
    size = min(wanted, MOST[dialect])
    start = _start(dialect, tags, query)
    page = tags[start : start + size]
    link = None
    if page and start + size < len(tags):
        link = _link(dialect, name, page[-1], wanted if dialect is Dialect.ECR else size)
    more = (("X-JFrog-Version", "Artifactory/7.98.8"),) if dialect is Dialect.ARTIFACTORY else ()
    return _answer({"name": name, "tags": page}, link, more)


def _start(dialect: Dialect, tags: Sequence[str], query: Mapping[str, str]) -> int:
    """Index of the first tag of the page that is asked for."""
    last = query.get("last")
    if dialect is Dialect.QUAY:
        token = query.get("next_page")
        last = None if token is None else urlsafe_b64decode(token).decode()
    if last is None:
        return 0
    if dialect is Dialect.GHCR:
        return tags.index(last) + 1 if last in tags else len(tags)
    return bisect_right(tags, last)


def _link(dialect: Dialect, name: str, last: str, size: int) -> str:
    """Value of the Link header to the page after `last`."""
    if dialect is Dialect.QUAY:
        token = urlsafe_b64encode(last.encode()).decode()
        return f'</v2/{name}/tags/list?next_page={quote(token)}>; rel="next"'
    if dialect is Dialect.ARTIFACTORY:
        name = name.partition("/")[2] or name
    return f'</v2/{name}/tags/list?{urlencode({"last": last, "n": size})}>; rel="next"'


def _manifests(repository: Repository) -> dict[str, Any]:
    """What gcr.io and Artifact Registry add to a list of tags."""
    found = {}
    for digest, manifest in repository.manifests.items():
        uploaded = repository.pushed[digest]
        found[digest] = {
            "imageSizeBytes": str(len(manifest.body)),
            "layerId": "",
            "mediaType": manifest.media_type,
            "tag": [tag for tag, named in repository.tags.items() if named == digest],
            "timeCreatedMs": "0",
            "timeUploadedMs": str(int(uploaded.timestamp() * 1000)),
        }
    return {"manifest": found}


def _answer(
    body: Mapping[str, Any], link: str | None = None, more: tuple[tuple[str, str], ...] = ()
) -> Answer:
    headers = (JSON, *more) if link is None else (JSON, ("Link", link), *more)
    return Answer(body=to_json(body) + b"\n", headers=headers)
