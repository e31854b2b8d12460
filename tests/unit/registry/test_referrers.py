from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.cache.memory import MemoryCache
from basekeeper.errors import Failure, RegistryError
from basekeeper.lifecycle.replaced import END_OF_LIFE, LIFECYCLE, replaced_on
from basekeeper.registry.kept import unpack_descriptors
from tests.fakes.registry import Answer, Simulator, faults
from tests.unit.registry.asking import NOW, asking, reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.values.image import Descriptor
    from tests.fakes.registry import Host, Manifest

NAME = "mcr.microsoft.com"
DIGEST = f"sha256:{'1' * 64}"
NOTE = {END_OF_LIFE: "2024-05-14"}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def host(simulator: Simulator) -> Host:
    return simulator.host(NAME)


@pytest.fixture
def image(host: Host) -> Manifest:
    return host.content.image("dotnet/sdk", "7.0", "linux/amd64")


def referrers(simulator: Simulator, image: Manifest, **more: Any) -> tuple[Descriptor, ...]:
    with asking(simulator, **more) as client:
        return client.referrers(reference(f"{NAME}/dotnet/sdk@{image.digest}"), LIFECYCLE)


@pytest.mark.parametrize("status", [None, 404, 400, 406])
def test_referrers_are_found_by_the_api_or_under_the_tag(
    simulator: Simulator, host: Host, image: Manifest, status: int | None
) -> None:
    host.referrers = True
    host.content.attach("dotnet/sdk", image, "text/other")
    notice = host.content.attach("dotnet/sdk", image, LIFECYCLE, NOTE, fallback=True)
    if status is not None:
        host.add(faults.limited(status=status, kinds=("referrers",)))
    found = referrers(simulator, image)
    assert [one.digest for one in found] == [notice.digest]
    assert replaced_on(found) == date(2024, 5, 14)


def test_a_registry_that_ignores_the_filter_is_filtered(
    simulator: Simulator, host: Host, image: Manifest
) -> None:
    listed = [
        {"mediaType": "x", "digest": DIGEST, "size": 1, "artifactType": kind, "annotations": NOTE}
        for kind in ("text/other", LIFECYCLE, LIFECYCLE)
    ]
    host.documents[f"/v2/dotnet/sdk/referrers/{image.digest}"] = Answer(
        body=json.dumps({"manifests": listed}).encode()
    )
    assert len(referrers(simulator, image)) == 1


def test_annotations_that_the_list_lacks_are_read_from_the_manifest(
    simulator: Simulator, host: Host, image: Manifest
) -> None:
    notice = host.content.attach("dotnet/sdk", image, LIFECYCLE, NOTE)
    bare = notice.descriptor(artifactType=LIFECYCLE)
    host.documents[f"/v2/dotnet/sdk/referrers/{image.digest}"] = Answer(
        body=json.dumps({"manifests": [bare]}).encode()
    )
    assert replaced_on(referrers(simulator, image)) == date(2024, 5, 14)


@pytest.mark.parametrize("link", ["http://evil.test/x", "{self}"])
def test_pages_that_lead_elsewhere_or_nowhere_are_an_error(
    simulator: Simulator, host: Host, image: Manifest, link: str
) -> None:
    path = f"/v2/dotnet/sdk/referrers/{image.digest}"
    target = link.replace("{self}", f"{path}?artifactType=x")
    host.documents[path] = Answer(
        body=b'{"manifests": []}', headers=(("Link", f'<{target}>; rel="next"'),)
    )
    with pytest.raises(RegistryError, match=r"pages? of referrers") as caught:
        referrers(simulator, image)
    assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize("status", [403, 500])
def test_a_refusal_is_not_an_empty_list(
    simulator: Simulator, host: Host, image: Manifest, status: int
) -> None:
    host.referrers = True
    host.add(faults.limited(status=status, kinds=("referrers",)))
    with pytest.raises(RegistryError):
        referrers(simulator, image)


def test_what_refers_to_a_digest_is_believed_for_a_day(
    simulator: Simulator, host: Host, image: Manifest
) -> None:
    host.referrers = True
    host.content.attach("dotnet/sdk", image, LIFECYCLE, NOTE)
    cache = MemoryCache()
    counts = []
    for hours in (0, 23, 25):
        found = referrers(simulator, image, cache=cache, now=NOW + timedelta(hours=hours))
        assert replaced_on(found) == date(2024, 5, 14)
        counts.append(host.count("referrers"))
    assert counts == [1, 1, 2]


def test_that_nothing_refers_to_a_digest_is_believed_too(
    simulator: Simulator, host: Host, image: Manifest
) -> None:
    host.referrers = True
    cache = MemoryCache()
    assert referrers(simulator, image, cache=cache) == referrers(simulator, image, cache=cache)
    assert len(host.log) == 1


@pytest.mark.parametrize("data", [b"", b"[]", b'{"manifests": [1]}', b"\xff", b"[" * 9999])
def test_what_the_cache_garbled_is_asked_again(data: bytes) -> None:
    assert unpack_descriptors(data) is None
