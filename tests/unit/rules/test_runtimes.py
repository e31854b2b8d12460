from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.policy.load import load_policy
from basekeeper.rules import runtimes
from basekeeper.rules.runtimes import runtime_of
from basekeeper.rules.subjects import Judge
from tests.unit.rules.making import NOW, axis, use

if TYPE_CHECKING:
    from basekeeper.policy.policy import Policy


@pytest.mark.parametrize(
    ("product", "cycle", "newest", "expected"),
    [
        ("nodejs", "24", "26", "gcr.io/distroless/nodejs24-debian13"),
        ("nodejs", "18", "26", "gcr.io/distroless/nodejs26-debian13"),
        ("nodejs", "1", "2", None),
        ("go", "1.27", "1.27", "gcr.io/distroless/static-debian13"),
        ("eclipse-temurin", "21", "25", "gcr.io/distroless/java21-debian13"),
        ("python", "3.14", "3.14", None),
    ],
)
def test_names_what_is_built_today(
    product: str, cycle: str, newest: str, expected: str | None
) -> None:
    one = axis(product=product, cycle=cycle, newest=newest)
    assert runtime_of((axis(product="debian"), one), Catalogue.bundled()) == expected


def test_every_product_and_family_is_in_the_bundled_data() -> None:
    catalogue = Catalogue.bundled()
    named = {*runtimes.RUNTIMES, *(family for family, _ in runtimes.RUNTIMES.values())}
    assert named <= set(catalogue.product_names)


def runtime(text: str, policy: Policy) -> str | None:
    return Judge(policy, NOW).subject(use(text), {}).runtime


def test_a_judge_names_it_for_restricted_images_only() -> None:
    policy = load_policy()
    assert runtime("node:24-slim", policy) == "gcr.io/distroless/nodejs24-debian13"
    assert runtime("debian:trixie-slim", policy) is None
    assert runtime("ghcr.io/nobody/node:24", policy) is None


def test_a_judge_names_nothing_that_the_policy_does_not_prefer() -> None:
    policy = load_policy()
    (shipped,) = policy.layers
    clauses = tuple(one for one in shipped.clauses if "distroless" not in one.pattern.text)
    without = replace(policy, layers=(replace(shipped, clauses=clauses),))
    assert runtime("node:24-slim", without) is None
