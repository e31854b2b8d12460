from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from basekeeper.errors import Failure
from basekeeper.inspect import CONTENTS, MAX_TOLD, PUBLISHER, facts_of, told_of
from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.values.facts import NO_FACTS
from basekeeper.values.finding import MissingFact
from basekeeper.values.image import Image, ImageConfig, Publisher, Unknown
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Inside, Resolution, Resolutions, Trouble

BUNDLED = Catalogue.bundled()
DIGEST = "sha256:" + "a" * 64
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
REFUSED = Unknown("docker.io is not reachable")


def inside(system: str | None = None, *unknown: Unknown, **env: str) -> Inside:
    image = Image(digest=DIGEST, media_type="", platforms={"linux/amd64": DIGEST})
    config = ImageConfig(
        digest=DIGEST, manifest=DIGEST, platform="linux/amd64", env=env, labels={"a": "b"}
    )
    configs: dict[str, Any] = {f"linux/{number}": one for number, one in enumerate(unknown)}
    return Inside(
        digest=DIGEST, image=image, configs={**configs, "linux/amd64": config}, os_release=system
    )


def resolution(text: str, **more: Any) -> Resolution:
    return Resolution(reference=parse_reference(text), **more)


def told(*found: Resolution, troubles: tuple[Trouble, ...] = (), gating: str = "") -> Any:
    by_image = {str(one.reference): one for one in found}
    return told_of(Resolutions(by_image, troubles=troubles), BUNDLED, gating={gating})


def test_nothing_told_is_no_fact() -> None:
    assert facts_of(resolution("node:24"), BUNDLED) == NO_FACTS
    assert facts_of(resolution("node:24", publisher=REFUSED), BUNDLED) == NO_FACTS


def test_what_is_inside_becomes_facts() -> None:
    found = facts_of(
        resolution("node:x", current=inside("debian 12", REFUSED, NODE_VERSION="24.1.0")), BUNDLED
    )
    assert found.resolved_version == "24.1.0"
    assert found.os_release == {"ID": "debian", "VERSION_ID": "12"}
    assert found.labels == {"a": "b"}


@pytest.mark.parametrize(
    ("image", "publisher", "facts"),
    [
        ("acme/x", Publisher(verified=True, as_of=NOW), (None, True)),
        ("acme/x", Publisher(official=True, verified=False, as_of=NOW), (None, False)),
        ("brandnew", Publisher(official=True, as_of=NOW), (True, None)),
        ("brandnew", Publisher(official=False, as_of=NOW), (False, None)),
        ("brandnew", Publisher(official=True), (None, None)),
        ("ghcr.io/acme/x", Publisher(source="ghcr.io"), (None, None)),
    ],
)
def test_a_registrys_word_counts_where_it_knows(
    image: str, publisher: Publisher, facts: tuple[bool | None, bool | None]
) -> None:
    found = facts_of(resolution(image, publisher=publisher), BUNDLED)
    assert (found.official, found.verified_publisher) == facts


def test_who_said_so_and_when_is_kept() -> None:
    publisher = Publisher(verified=True, source="hub.docker.com", as_of=NOW)
    found = facts_of(resolution("acme/x", publisher=publisher), BUNDLED)
    assert (found.source, found.as_of) == ("hub.docker.com", date(2026, 11, 23))


def test_what_was_asked_in_vain_is_missing_and_may_gate() -> None:
    found = told(
        resolution("node:x", pointer=REFUSED, publisher=REFUSED),
        resolution("node:y", current=Inside(digest=DIGEST, image=Unknown("gone", "look"))),
        resolution("node:z", current=inside(None, Unknown("too large"))),
        resolution("alpine:3", current=inside("alpine 3.22")),
        gating="docker.io/library/node:y",
    )
    hub = "docker.io/library/node"
    assert found.missing == (
        MissingFact(f"{hub}:x", PUBLISHER, REFUSED.reason),
        MissingFact(f"{hub}:x", CONTENTS, REFUSED.reason),
        MissingFact(f"{hub}:y", CONTENTS, "gone", "look", gates=True),
        MissingFact(f"{hub}:z", CONTENTS, "too large"),
    )
    assert list(found.facts) == [f"{hub}:z", "docker.io/library/alpine:3"]


def test_a_registry_is_told_of_once_and_single_images_up_to_a_number() -> None:
    trouble = Trouble("docker.io", Failure.UNREACHABLE, "connection refused", None, images=9)
    down = [resolution(f"node:{number}", pointer=REFUSED) for number in range(9)]
    gone = [resolution(f"ghcr.io/x/{number}", pointer=Unknown("gone")) for number in range(9)]
    found = told(*down, *gone, troubles=(trouble,))
    assert len(found.missing) == 18
    assert found.notices[0] == (
        "docker.io: not reachable, so that 9 images were judged by name alone: connection refused"
    )
    assert found.notices[1] == "contents of ghcr.io/x/0 could not be told: gone"
    assert found.notices[-1] == f"facts of {9 - MAX_TOLD} more images could not be told"
    assert len(found.notices) == 1 + MAX_TOLD + 1


def test_lies_are_told() -> None:
    found = told(resolution(f"node:24@{DIGEST}", current=inside(NODE_VERSION="16.1.0")))
    assert found.notices == (
        f"node:24@{DIGEST}: its digest holds version 16.1.0, not what its tag says",
    )


@pytest.mark.parametrize(
    "image", ["node:24.1.0", "node:24", "node", "public.ecr.aws/docker/library/node:24-bookworm"]
)
def test_what_agrees_with_its_tag_is_no_lie(image: str) -> None:
    current = inside("debian 12", NODE_VERSION="24.1")
    assert told(resolution(f"{image}@{DIGEST}", current=current)).notices == ()
    assert told(resolution(image, current=inside(NODE_VERSION="16.1.0"))).notices == ()
