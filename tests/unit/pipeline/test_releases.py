"""Which tag of a published image is the last release of a product."""

from __future__ import annotations

import pytest

from basekeeper.config.products import Product, Release
from basekeeper.errors import Failure, RegistryError
from basekeeper.pipeline.releases import last_releases
from basekeeper.tags.updates import TagFacts, TagList
from basekeeper.values.reference import parse_reference
from tests.unit.resolve.asked import Scripted

IMAGE = "ghcr.io/acme/api"
PLATFORMS = ("linux/amd64",)


def product(tags: str | None, *, digest_change: bool = False, image: str = IMAGE) -> Product:
    release = Release(tags=tags, digest_change=digest_change)
    return Product(
        name="api", dockerfile="Dockerfile", image=parse_reference(image), release=release
    )


def told(one: Product, *tags: str, problem: str | None = None) -> tuple[list[str], tuple[str, ...]]:
    listed = TagList(tuple(map(TagFacts, tags)), problem)
    found, notices = last_releases([one], PLATFORMS, Scripted(answers={"tags": listed}))
    return [str(each.image.tag) for each in found], notices


@pytest.mark.parametrize(
    ("pattern", "tags", "last"),
    [
        ("v*", ["v1.9.0", "v1.10.0", "latest", "2.0.0"], "v1.10.0"),
        ("v*", ["v2.0.0", "v2.0.0-rc1"], "v2.0.0"),
        ("release-*", ["release-2026.9", "release-2026.11", "edge"], "release-2026.11"),
        ("*-slim", ["1.2.3-slim", "1.12.0-slim", "9.0.0"], "1.12.0-slim"),
        ("stable-*", ["stable-b", "stable-a"], "stable-b"),
    ],
)
def test_the_highest_version_that_the_pattern_names_is_the_last_release(
    pattern: str, tags: list[str], last: str
) -> None:
    assert told(product(pattern), *tags) == ([last], ())


def test_without_a_pattern_the_image_itself_is_what_is_published() -> None:
    registry = Scripted()
    stable = product(None, digest_change=True, image=f"{IMAGE}:stable")
    both = product("v*", digest_change=True, image=f"{IMAGE}:stable")
    found, notices = last_releases([stable, both], PLATFORMS, registry)
    assert (found, notices, registry.asked) == ((stable, both), (), [])


def test_a_product_without_a_release_is_told_of_and_not_looked_at() -> None:
    assert told(product("v*"), "latest") == (
        [],
        ("product 'api' has no release: no tag is one",),
    )


def test_a_list_that_may_lack_releases_is_told_of() -> None:
    found, notices = told(product("v*"), "v1.0", problem="it was cut")
    assert found == ["v1.0"]
    assert notices == ("releases of product 'api' may lack some: it was cut",)


def test_releases_that_cannot_be_told_leave_the_product_open() -> None:
    failed = RegistryError("no access", Failure.DENIED)
    registry = Scripted(answers={"tags": failed})
    found, notices = last_releases([product("v*")], PLATFORMS, registry)
    assert found == ()
    assert notices == ("releases of product 'api' are not known: no access",)
