from __future__ import annotations

import json
import tomllib

import jsonschema
import pytest

from basekeeper.config.products import MAX_PRODUCTS, Product, Release, joined_products
from basekeeper.errors import ConfigError
from basekeeper.policy.load import SCHEMA_PATH, load_config
from basekeeper.values.reference import parse_reference

SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def read(text: str) -> tuple[Product, ...]:
    return load_config({"basekeeper.toml": text.encode()}.get).settings.products


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [f"{one.key}: {one.message}" for one in caught.value.problems]


WHOLE = """\
[[product]]
name = "api"
dockerfile = "./services/api/Dockerfile"
target = "prod"
image = "ghcr.io/acme/api"

[product.release]
workflow = ".github/workflows/release.yml"
tags = "v*"
"""
SHORT = '[[product]]\nname = "a"\ndockerfile = "Dockerfile"\nimage = "ghcr.io/acme/a:stable"\n'


def test_reads_what_is_shipped() -> None:
    VALIDATOR.validate(tomllib.loads(WHOLE))
    assert read(WHOLE) == (
        Product(
            name="api",
            dockerfile="services/api/Dockerfile",
            target="prod",
            image=parse_reference("ghcr.io/acme/api"),
            release=Release(
                workflow=".github/workflows/release.yml", tags="v*", digest_change=False
            ),
        ),
    )


def test_a_new_digest_behind_the_tag_is_a_release_unless_said_otherwise() -> None:
    VALIDATOR.validate(tomllib.loads(SHORT))
    (product,) = read(SHORT)
    assert product.release == Release(digest_change=True)
    assert product.target is None
    both = SHORT + '[product.release]\ntags = "*"\ndigest_change = true\n'
    assert read(both)[0].release == Release(tags="*", digest_change=True)


@pytest.mark.parametrize(
    ("tags", "tag", "answer"),
    [
        ("v*", "v1.2", True),
        ("v*", "rv1", False),
        ("*", "x", True),
        ("1.*-slim", "1.2-slim", True),
        ("1.*-slim", "1x2-slim", False),
        ("v*", "V1", False),
        (None, "v1", False),
    ],
)
def test_tags_tell_releases(tags: str | None, tag: str, answer: bool) -> None:  # noqa: FBT001
    assert Release(tags=tags).is_release(tag) is answer


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("name", "a/b"), "product[0].name: 'a/b' is no name of a product"),
        (("name", "-a"), "product[0].name: '-a' is no name of a product"),
        (("dockerfile", "../Dockerfile"), "product[0].dockerfile: '../Dockerfile' is no file"),
        (("dockerfile", "/Dockerfile"), "product[0].dockerfile: '/Dockerfile' is no file"),
        (("dockerfile", "a/.."), "product[0].dockerfile: 'a/..' is no file"),
        (("image", "A:B:C"), "product[0].image: invalid image reference"),
        (("image", "a@sha256:" + "0" * 64), "product[0].image: 'a@sha256:"),
        (("image", "ghcr.io/acme/a"), "product[0].image: 'ghcr.io/acme/a' has no tag"),
        (("target", " "), "product[0].target: must not be empty"),
        (("x", "y"), "product[0].x: is not known here"),
    ],
)
def test_notes_what_is_wrong(change: tuple[str, str], problem: str) -> None:
    good = {"name": "a", "dockerfile": "Dockerfile", "image": "ghcr.io/acme/a:1"}
    lines = [f'{key} = "{value}"' for key, value in (good | dict([change])).items()]
    (found,) = problems("[[product]]\n" + "\n".join(lines) + "\n")
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("release", "problem"),
    [
        ("tags = 'v[0-9]'", "product[0].release.tags: 'v[0-9]' is no pattern of tags"),
        ("tags = ''", "product[0].release.tags: must not be empty"),
        ("digest_change = false", "product[0].release.digest_change: leaves no way to tell"),
        ("workflow = '../x'", "product[0].release.workflow: '../x' is no file"),
    ],
)
def test_notes_what_is_wrong_with_a_release(release: str, problem: str) -> None:
    assert problems(f"{SHORT}[product.release]\n{release}\n")[0].startswith(problem)


def test_a_product_lacks_nothing_and_is_named_once() -> None:
    assert problems("[[product]]\n") == [
        "product[0]: lacks 'name'",
        "product[0]: lacks 'dockerfile'",
        "product[0]: lacks 'image'",
    ]
    assert problems(SHORT + SHORT) == ["product[1].name: 'a' is the name of an earlier product"]


def test_there_is_a_limit_to_products() -> None:
    many = "".join(SHORT.replace('"a"', f'"a{n}"') for n in range(MAX_PRODUCTS + 1))
    (found,) = problems(many)
    assert "is one product more than 1000" in found


def test_a_repositorys_products_are_added_to_its_operators() -> None:
    (operators,) = read(SHORT)
    own = read(WHOLE + SHORT.replace("acme/a", "evil/a"))
    products, notices = joined_products((operators,), own, "basekeeper.toml")
    assert products == (operators, own[0])
    assert notices == (
        "product 'a' of basekeeper.toml is ignored: the operator's of this name counts",
    )
