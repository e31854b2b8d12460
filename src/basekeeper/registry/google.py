"""Google's registries (gcr.io, Artifact Registry): more in a list of tags than others tell.

Source: google/go-containerregistry, `pkg/v1/google/list.go`: the list holds a map `manifest` from
digest to `tag`, `timeUploadedMs`, `timeCreatedMs`, `mediaType` and sizes; times are milliseconds
since 1970 as text. One request so gives the digests and times of all tags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.registry.documents import (
    is_digest,
    list_at,
    object_at,
    time_of_milliseconds,
    words_of,
)
from basekeeper.tags.updates import TagFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.registry.hosts import Host


def is_google(asked: Host) -> bool:
    """Tell whether the registry that is asked is one of Google's."""
    host = asked.credentials_of
    return host == "gcr.io" or host.endswith((".gcr.io", "-docker.pkg.dev"))


def read_manifest_map(document: Mapping[str, Any], what: str) -> Iterator[TagFacts]:
    """Read what a list tells beside the names of tags; nothing where another registry made it.

    Raises:
        RegistryError: The map is malformed.
    """
    for digest, entry in object_at(document, "manifest", what).items():
        if not is_digest(digest) or not isinstance(entry, dict):
            continue
        pushed = time_of_milliseconds(entry.get("timeUploadedMs"))
        for tag in words_of(list_at(entry, "tag", what)):
            yield TagFacts(tag, digest, pushed)
