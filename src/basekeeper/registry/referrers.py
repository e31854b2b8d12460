"""What refers to an image: signatures, bills of materials, and Microsoft's lifecycle notices.

Sources: the OCI distribution specification, "Listing Referrers" (the interface, its pages, and the
tag under which clients put the list where a registry lacks it); go-containerregistry, which takes
400 and 406 as lacking too. Registries may ignore the filter, so that we filter again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from basekeeper.registry.answers import BAD_REQUEST, NOT_ACCEPTABLE, NOT_FOUND, OK, failed
from basekeeper.registry.documents import list_at, read_object, refused
from basekeeper.registry.listing import next_link, same_path
from basekeeper.registry.manifests import MAX_MANIFEST, OCI_INDEX, read_descriptor
from basekeeper.registry.tokens import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from basekeeper.registry.answers import Get
    from basekeeper.registry.hosts import Host
    from basekeeper.transport.client import Response
    from basekeeper.values.image import Descriptor

MAX_PAGES: Final = 20
"""Pages of referrers of one digest."""
MAX_READ: Final = 8
"""Referrers whose own manifest is read, as the list does not give their annotations."""

_LACKING: Final = frozenset({BAD_REQUEST, NOT_FOUND, NOT_ACCEPTABLE})


def list_referrers(
    get: Get, host: Host, repository: str, digest: str, artifact_type: str
) -> tuple[Descriptor, ...]:
    """List what refers to a digest, of one artifact type, each once.

    Raises:
        RegistryError: The registry did not tell, or not everything.
    """
    what = f"{host.name}/{repository}@{digest}"
    path = host.repository(repository)
    own = f"/v2/{path}/referrers/{digest}"
    target: str | None = f"{own}?artifactType={quote(artifact_type, safe='')}"
    found: dict[str, Descriptor] = {}
    for _ in range(MAX_PAGES):
        assert target is not None  # noqa: S101  # else the loop has ended
        answer = _ask(get, host, target, Scope(path))
        if answer.status in _LACKING and not found:
            tag = digest.replace(":", "-")
            answer = _ask(get, host, f"/v2/{path}/manifests/{tag}", Scope(path))
            if answer.status == NOT_FOUND:
                return ()
        for descriptor in _read(answer, what):
            if descriptor.artifact_type == artifact_type:
                found.setdefault(descriptor.digest, descriptor)
        link = next_link(answer.headers.get("link", ""))
        if link is None:
            return tuple(found.values())
        target = same_path(host.base_url + own, link, (own,))
        if target is None:
            raise refused(what, "the next page of referrers is said to be elsewhere")
    raise refused(what, f"there are more than {MAX_PAGES} pages of referrers")


def with_annotations(
    found: Iterable[Descriptor], read: Callable[[Descriptor], Mapping[str, str]]
) -> tuple[Descriptor, ...]:
    """Fill in annotations that the list does not give, from the first few manifests themselves."""
    done: list[Descriptor] = []
    left = MAX_READ
    for descriptor in found:
        if not descriptor.annotations and left > 0:
            left -= 1
            done.append(replace(descriptor, annotations=read(descriptor)))
        else:
            done.append(descriptor)
    return tuple(done)


def _ask(get: Get, host: Host, path: str, scope: Scope) -> Response:
    return get(host, path, scope=scope, accept=OCI_INDEX, max_bytes=MAX_MANIFEST)


def _read(answer: Response, what: str) -> tuple[Descriptor, ...]:
    if answer.status != OK:
        raise failed(answer, what)
    document = read_object(answer.body, what)
    return tuple(read_descriptor(item, what) for item in list_at(document, "manifests", what))
