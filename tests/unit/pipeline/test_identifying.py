from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.pipeline.identifying import (
    BASE_DIGEST,
    BASE_NAME,
    MAX_CLAIMS,
    MAX_DEPTH,
    KnownBase,
    PublishedAs,
    identify_published,
)
from basekeeper.resolve import resolve
from basekeeper.values.bases import Clue, Confidence, Identified, Method
from basekeeper.values.image import Unknown
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Question
from tests.fakes import attested
from tests.fakes.attested import material, statement
from tests.fakes.registry import Simulator
from tests.unit.registry.asking import asking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.pipeline.identifying import Found
    from tests.fakes.registry import Host, Manifest

NAME = "registry.test"
AMD64 = "linux/amd64"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def host(simulator: Simulator) -> Host:
    return simulator.host(NAME)


def layer(name: str) -> str:
    return attested.digest_of(name.encode())


def image(
    host: Host,
    name: str,
    layers: str,
    *,
    on: tuple[str, str | None] | None = None,
    labels: dict[str, str] | None = None,
) -> Manifest:
    """Push an image whose layers have names of one letter; `on`: what its annotations name."""
    repository, _, tag = name.partition(":")
    more: dict[str, Any] = {}
    if on is not None:
        base, digest = on
        more["annotations"] = {BASE_NAME: base} | ({BASE_DIGEST: digest} if digest else {})
    config = {
        "rootfs": {"type": "layers", "diff_ids": [layer(one) for one in layers]},
        "config": {"Labels": labels or {}},
    }
    made = host.content.manifest(repository, seed=name, config=config, **more)
    host.content.tag(repository, tag, made.digest)
    return made


def base(name: str, layers: str, digest: str = layer("digest"), **more: Any) -> KnownBase:
    clue = Clue(
        method=Method.DOCKERFILE,
        reference=parse_reference(f"{NAME}/{name}"),
        digests=(digest,),
        diff_ids=tuple(layer(one) for one in layers),
        **more,
    )
    return KnownBase(AMD64, clue)


def identify(simulator: Simulator, name: str, *known: KnownBase) -> Found:
    reference = parse_reference(f"{NAME}/{name}")
    asked = Question(reference=reference, platforms=(AMD64,), pointer=True, inside=True)
    with asking(simulator) as client:
        inside = resolve([asked], client).by_image[str(reference)].current
        assert inside is not None
        told = identify_published([PublishedAs("shop", reference, inside, AMD64, known)], client)
    return told["shop", AMD64]


def names(found: Found) -> list[str]:
    assert isinstance(found.base, Identified), found.base
    return [one.reference.familiar for one in found.base.candidates]


def test_the_chain_below_a_base_is_walked(simulator: Simulator, host: Host) -> None:
    debian = image(host, "debian:12", "d")
    node = image(host, "node:24", "dn", on=(f"{NAME}/debian:12", debian.digest))
    image(host, "shop:1", "dns", on=(f"{NAME}/node:24", node.digest))
    found = identify(simulator, "shop:1")
    assert names(found) == [f"{NAME}/node:24"]
    assert isinstance(found.base, Identified)
    assert [(one.reference.familiar, one.layers) for one in found.base.below] == [
        (f"{NAME}/debian:12", 1)
    ]


def test_the_chain_ends_where_layers_do_not_prove_it(simulator: Simulator, host: Host) -> None:
    other = image(host, "debian:12", "x")
    node = image(host, "node:24", "dn", on=(f"{NAME}/debian:12", other.digest))
    image(host, "shop:1", "dns", on=(f"{NAME}/node:24", node.digest))
    found = identify(simulator, "shop:1")
    assert isinstance(found.base, Identified)
    assert found.base.below == ()


def test_the_chain_is_walked_only_so_far(simulator: Simulator, host: Host) -> None:
    on: tuple[str, str] | None = None
    for depth in range(1, MAX_DEPTH + 4):
        made = image(host, f"base{depth}:1", "abcdefghijk"[:depth], on=on)
        on = (f"{NAME}/base{depth}:1", made.digest)
    image(host, "shop:1", "abcdefghijk", on=on)
    found = identify(simulator, "shop:1")
    assert isinstance(found.base, Identified)
    assert len(found.base.below) == MAX_DEPTH


def test_an_image_that_names_itself_ends_the_chain(simulator: Simulator, host: Host) -> None:
    image(host, "shop:1", "ds", on=(f"{NAME}/shop:1", None))
    assert isinstance(identify(simulator, "shop:1").base, Unknown)


def test_a_label_that_the_base_left_is_of_medium_confidence(
    simulator: Simulator, host: Host
) -> None:
    debian = image(host, "debian:12", "d")
    labels = {BASE_NAME: f"{NAME}/debian:12", BASE_DIGEST: debian.digest}
    image(host, "shop:1", "dns", labels=labels)
    found = identify(simulator, "shop:1")
    assert names(found) == [f"{NAME}/debian:12"]
    assert isinstance(found.base, Identified)
    assert found.base.confidence is Confidence.MEDIUM
    known = identify(simulator, "shop:1", base("node:24", "dn"))
    assert names(known) == [f"{NAME}/node:24"]
    assert isinstance(known.base, Identified)
    assert known.base.contradicting == ()


def test_a_base_that_is_gone_stays_a_claim(simulator: Simulator, host: Host) -> None:
    image(host, "shop:1", "ds", on=(f"{NAME}/debian:12", layer("gone")))
    found = identify(simulator, "shop:1")
    assert isinstance(found.base, Identified)
    assert not found.base.proven
    assert found.base.confidence is Confidence.MEDIUM
    assert found.base.reasons[1].startswith(f"layers were not compared: {NAME}/debian@")
    assert found.base.reasons[1].endswith("not found, or no access to it")
    assert found.layers == ()


def test_what_has_no_image_for_the_platform_is_no_base(simulator: Simulator, host: Host) -> None:
    debian = host.content.image("debian", "12", "linux/arm64", "linux/s390x")
    image(host, "shop:1", "ds", on=(f"{NAME}/debian:12", debian.digest))
    assert isinstance(identify(simulator, "shop:1").base, Unknown)


def test_annotations_that_lie_are_refuted(simulator: Simulator, host: Host) -> None:
    other = image(host, "alpine:3", "a")
    image(host, "shop:1", "ds", on=(f"{NAME}/alpine:3", other.digest))
    found = identify(simulator, "shop:1")
    assert isinstance(found.base, Unknown)
    assert found.base.reason == "it begins with the layers of no base that is named"


@pytest.mark.parametrize("name", ["scratch", "", "UPPER", "x" * 5000, "a b", "https://x.test/a"])
def test_annotations_that_name_no_image_say_nothing(
    simulator: Simulator, host: Host, name: str
) -> None:
    image(host, "shop:1", "ds", on=(name, layer("x")))
    assert isinstance(identify(simulator, "shop:1").base, Unknown)


def test_a_digest_that_is_none_leaves_nothing_of_the_annotation(
    simulator: Simulator, host: Host
) -> None:
    image(host, "shop:1", "ds", on=(f"{NAME}/debian:12", "sha256:../.."))
    assert isinstance(identify(simulator, "shop:1").base, Unknown)


def test_a_squashed_image_is_told(simulator: Simulator, host: Host) -> None:
    image(host, "shop:1", "s")
    found = identify(simulator, "shop:1", base("debian:12", "d"))
    assert isinstance(found.base, Unknown)
    assert "squashed" in (found.base.hint or "")
    assert [one.reference.tag for one in found.layers] == ["12"]


def test_an_earlier_base_is_told(simulator: Simulator, host: Host) -> None:
    image(host, "shop:1", "ds")
    now, before = base("debian:12", "e", layer("1")), base("debian:12", "d", layer("2"))
    past = KnownBase(AMD64, Clue(
        method=Method.DOCKERFILE, reference=before.clue.reference, digests=before.clue.digests,
        diff_ids=before.clue.diff_ids, is_past=True,
    ))  # fmt: skip
    found = identify(simulator, "shop:1", now, past)
    assert isinstance(found.base, Identified)
    assert found.base.proven
    assert found.base.contradicting == ()
    assert [one.digest for one in found.layers] == [layer("2"), layer("1")]


def test_a_base_of_another_platform_says_nothing(simulator: Simulator, host: Host) -> None:
    image(host, "shop:1", "ds")
    other = KnownBase("linux/arm64", base("debian:12", "d").clue)
    found = identify(simulator, "shop:1", other)
    assert isinstance(found.base, Unknown)
    assert found.layers == ()


def test_a_base_is_called_as_the_dockerfile_calls_it(simulator: Simulator, host: Host) -> None:
    debian = image(host, "upstream/debian:12", "d")
    image(host, "shop:1", "ds", on=(f"{NAME}/upstream/debian:12", debian.digest))
    found = identify(simulator, "shop:1", base("mirror/debian:12", "e"))
    assert names(found) == [f"{NAME}/upstream/debian:12"]
    assert found.layers[0].reference.repository == "mirror/debian"
    assert found.layers[0].digest == debian.digest


def push_provenance(host: Host, name: str, made: Manifest, materials: list[Any]) -> None:
    attested.push_attested(host.content, name, made.descriptor(), statement(made.digest, materials))


def test_provenance_names_only_so_many_images(simulator: Simulator, host: Host) -> None:
    made = image(host, "shop:1", "ds")
    listed = [material(f"pkg:docker/{NAME}/x{n}@1") for n in range(MAX_CLAIMS + 5)]
    push_provenance(host, "shop:2", made, listed)
    found = identify(simulator, "shop:2")
    assert len(names(found)) == MAX_CLAIMS
    assert isinstance(found.base, Identified)
    assert found.base.confidence is Confidence.LOW


def test_what_provenance_lists_for_another_platform_is_no_base(
    simulator: Simulator, host: Host
) -> None:
    made = image(host, "shop:1", "ds")
    image(host, "debian:12", "d")
    other = material(f"pkg:docker/{NAME}/debian@12?platform=linux%2Farm64")
    push_provenance(host, "shop:2", made, [other])
    assert isinstance(identify(simulator, "shop:2").base, Unknown)


def test_broken_provenance_is_told(simulator: Simulator, host: Host) -> None:
    made = image(host, "shop:1", "ds")
    attested.push_attested(host.content, "shop:2", made.descriptor(), b"no json")
    found = identify(simulator, "shop:2")
    assert isinstance(found.base, Unknown)
    assert "its provenance could not be read" in found.base.reason


def test_broken_provenance_leaves_what_annotations_say(simulator: Simulator, host: Host) -> None:
    debian = image(host, "debian:12", "d")
    made = image(host, "shop:1", "ds", on=(f"{NAME}/debian:12", debian.digest))
    attested.push_attested(host.content, "shop:2", made.descriptor(), b"no json")
    assert names(identify(simulator, "shop:2")) == [f"{NAME}/debian:12"]


def test_a_manifest_and_its_index_may_say_different_things(
    simulator: Simulator, host: Host
) -> None:
    debian = image(host, "debian:12", "d")
    made = image(host, "shop:1", "ds", on=(f"{NAME}/debian:12", debian.digest))
    body = {
        "schemaVersion": 2,
        "mediaType": attested.INDEX,
        "manifests": [made.descriptor(platform={"os": "linux", "architecture": "amd64"})],
        "annotations": {BASE_NAME: f"{NAME}/alpine:3"},
    }
    host.content.put("shop", "2", json.dumps(body).encode(), attested.INDEX)
    assert names(identify(simulator, "shop:2")) == [f"{NAME}/debian:12"]
