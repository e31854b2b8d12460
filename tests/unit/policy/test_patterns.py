from __future__ import annotations

import pytest

from basekeeper.policy.patterns import MAX_PATTERN_CHARS, parse_pattern
from basekeeper.values.finding import Truth
from basekeeper.values.reference import parse_reference

DIGEST = "@sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("alpine", "alpine"),
        ("alpine", "docker.io/library/alpine:3.22"),
        ("library/alpine", "alpine@sha256:" + "0" * 64),
        ("docker.io/alpine", "index.docker.io/library/alpine"),
        ("index.docker.io/library/alpine", "alpine"),
        ("bitnami/*", "bitnami/redis:8"),
        ("docker.io/*", "node"),
        ("docker.io/**", "bitnami/redis"),
        ("gcr.io/distroless/*", "gcr.io/distroless/static-debian13"),
        ("gcr.io/distroless/*", "GCR.io/distroless/static"),
        ("**", "alpine"),
        ("**", "localhost:5000/a/b/c"),
        ("**/node", "registry.corp.example/team/base/node"),
        ("**/node", "registry.corp.example/node"),
        ("mcr.microsoft.com/dotnet/**", "mcr.microsoft.com/dotnet/nightly/sdk:9.0"),
        ("mcr.microsoft.com/**/sdk", "mcr.microsoft.com/dotnet/sdk"),
        ("mcr.microsoft.com/a/**/b/**", "mcr.microsoft.com/a/x/b/y/b"),
        ("*.dkr.ecr.*.amazonaws.com/base/*", "123.dkr.ecr.eu-west-1.amazonaws.com/base/node"),
        ("localhost:*/x", "localhost:5000/x"),
        ("[::1]:5000/x", "[::1]:5000/x"),
        ("python-*", "python-x-y"),
        ("a*b*c/x", "docker.io/aXbXbc/x".lower()),
        ("node:22*", "node:22.4-slim"),
        ("node:*-slim", "node:22-slim" + DIGEST),
        ("node:latest", "node"),
        ("registry.corp.example:5000/node:1", "registry.corp.example:5000/node:1"),
    ],
)
def test_matches(pattern: str, image: str) -> None:
    assert parse_pattern(pattern).matches(parse_reference(image)) is Truth.YES


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("alpine", "alpine-evil"),
        ("alpine", "evil/alpine"),
        ("alpine", "quay.io/library/alpine"),
        ("gcr.io/distroless/*", "gcr.io/distroless-evil/static"),
        ("gcr.io/distroless/*", "gcr.io/distroless/static/deeper"),
        ("gcr.io/distroless/*", "gcr.io.evil.example/distroless/static"),
        ("gcr.io/distroless/*", "evil.example/gcr.io/distroless/static"),
        ("gcr.io/distroless", "gcr.io/distroless/static"),
        ("gcr.io/distroless/static", "gcr.io/distroless"),
        ("docker.io/*", "bitnami/redis"),
        ("docker.io/**", "quay.io/x"),
        ("*.corp.example/x", "a.b.corp.example/x"),
        ("*.corp.example/x", "corp.example/x"),
        ("registry.corp.*/x", "registry.corp.example:443/x"),
        ("registry.corp.example/x", "registry.corp.example:443/x"),
        ("**/node", "registry.corp.example/my-node"),
        ("node:22*", "node"),
        ("node:22", "node:22-slim"),
        ("node:LATEST", "node"),
        ("scratch", "scratch"),
        ("**/b/c", "x.example/b/a"),
    ],
)
def test_does_not_match(pattern: str, image: str) -> None:
    assert parse_pattern(pattern).matches(parse_reference(image)) is Truth.NO


def test_a_digest_hides_the_tag_that_a_pattern_asks_for() -> None:
    pattern = parse_pattern("node:22*")
    assert pattern.matches(parse_reference("node" + DIGEST)) is Truth.UNKNOWN
    assert pattern.matches(parse_reference("deno" + DIGEST)) is Truth.NO


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "empty part"),
        ("a//b", "empty part"),
        ("/a", "empty part"),
        ("node/", "empty part"),
        ("*", r"starts with '\*': write '\*\*' for any registry, or 'docker.io/\*\*'"),
        ("*/node", r"starts with '\*': .* or 'docker.io/node'"),
        ("quay.io", r"names a registry and no repository: write 'quay.io/\*\*'"),
        ("localhost:5000", "names a registry"),
        ("Alpine", "upper-case"),
        ("library/Alpine", "upper-case"),
        ("quay.io/a**", "must be a whole part"),
        ("**x/a", "must be a whole part"),
        ("qu**.io/a", "must be a whole part"),
        ("a b", "no part of a repository"),
        ("quay.io/ä", "no part of a repository"),
        ("quay_x.io/a", "is no host"),
        ("node:", "no pattern of a tag"),
        ("node:2 2", "no pattern of a tag"),
        ("node@sha256:0", "cannot ask for a digest"),
        ("x" * (MAX_PATTERN_CHARS + 1), "longer than"),
    ],
)
def test_refuses_what_is_no_pattern_and_says_why(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_pattern(pattern)


def test_only_a_pattern_with_a_registry_names_a_source() -> None:
    assert parse_pattern("alpine").names_source
    assert parse_pattern("docker.io/**").names_source
    assert not parse_pattern("**").names_source
    assert not parse_pattern("**/node").names_source


def test_a_hostile_pattern_costs_little() -> None:
    pattern = parse_pattern("quay.io/" + "/".join(["**", "a*a*a*b"] * 40))
    image = parse_reference("quay.io/" + "/".join(["a" * 6] * 36))
    assert pattern.matches(image) is Truth.NO  # exponential matching would never return
