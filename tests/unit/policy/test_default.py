"""The shipped policy is the published table, exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from basekeeper.policy.load import load_policy
from basekeeper.values.finding import Category, Severity
from basekeeper.values.reference import parse_reference

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HEX = "0" * 64


@pytest.mark.parametrize(
    ("image", "category"),
    [
        ("scratch", "preferred"),
        ("alpine", "preferred"),
        ("alpine:3.24@sha256:" + HEX, "preferred"),
        ("arm64v8/alpine:3.24", "preferred"),
        ("mirror.gcr.io/library/alpine:3.24", "preferred"),
        ("public.ecr.aws/docker/library/alpine", "preferred"),
        ("gcr.io/distroless/static-debian13", "preferred"),
        ("gcr.io/distroless/java21-debian12:nonroot", "preferred"),
        ("debian:13-slim", "permitted"),
        ("debian:trixie-20261110-slim", "permitted"),
        ("ubuntu:24.04", "permitted"),
        ("ubuntu:noble", "permitted"),
        ("debian:13", "restricted"),
        ("debian", "restricted"),
        ("debian@sha256:" + HEX, "restricted"),
        ("ubuntu:25.10", "restricted"),
        ("ubuntu@sha256:" + HEX, "restricted"),
        ("node:24", "restricted"),
        ("python:3.14-slim", "restricted"),
        ("busybox:1.37", "restricted"),
        ("mcr.microsoft.com/dotnet/aspnet:10.0", "restricted"),
        ("foo/bar:1", "prohibited"),
        ("quay.io/foo/bar", "prohibited"),
        ("ghcr.io/foo/bar", "prohibited"),
        ("centos:7", "prohibited"),
        ("scratch:latest", "prohibited"),
        ("distroless/static", "prohibited"),
        ("gcr.io/distroless-evil/static", "prohibited"),
        ("library/alpine-evil", "prohibited"),
        ("docker/dockerfile:1", "prohibited"),
        ("Not An Image", "prohibited"),
        ("", "prohibited"),
        ("${BASE}", "prohibited"),
    ],
)
def test_category(image: str, category: str) -> None:
    judgement = load_policy().judge(image, now=NOW)
    assert judgement.category == Category(category), judgement.reason
    assert judgement.text == image
    assert judgement.reason
    assert not judgement.explicit


E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE


def test_rules() -> None:
    rules = load_policy().rules
    told = {name: (rule.severity, rule.stages, rule.non_production) for name, rule in rules.items()}
    assert list(told.items()) == [
        ("prohibited-image", (E, "all", True)),
        ("unofficial-source", (E, "all", True)),
        ("opaque-reference", (E, "all", True)),
        ("end-of-life", (E, "all", True)),
        ("behind-current", (W, "final", False)),
        ("unpatched-critical", (E, "all", False)),
        ("unpatched-high", (E, "all", False)),
        ("unpatched-medium", (E, "all", False)),
        ("unpatched-low", (E, "all", False)),
        ("restricted-image", (N, "all", True)),
        ("not-minimal", (W, "final", False)),
        ("floating-tag", (W, "all", True)),
        ("missing-digest", (None, "all", True)),
        ("single-stage", (W, "final", False)),
        ("build-tools", (W, "final", False)),
        ("broad-copy", (W, "final", False)),
        ("sdk-final-stage", (W, "final", False)),
        ("near-stage-name", (W, "all", True)),
        ("stage-name-case", (N, "all", True)),
        ("refused-dockerfile", (W, "all", True)),
        ("expired-waiver", (W, "all", True)),
        ("invalid-waiver", (E, "all", True)),
        ("unused-waiver", (N, "all", True)),
    ]
    assert rules["behind-current"].options == {"grace_days": 90}
    assert load_policy().rule("not-minimal") is rules["not-minimal"]


def test_waivers() -> None:
    waivers = load_policy().waivers
    assert waivers.file == "basekeeper-waivers.toml"
    assert waivers.inline
    assert not waivers.repository
    assert waivers.max_days == 180
    assert waivers.never == ("expired-waiver", "invalid-waiver", "unused-waiver")


def test_trusts_the_official_frontend_as_a_frontend_only() -> None:
    policy = load_policy()
    assert policy.trusts_frontend(parse_reference("docker/dockerfile:1.9"))
    assert policy.trusts_frontend(parse_reference("mirror.gcr.io/docker/dockerfile"))
    assert not policy.trusts_frontend(parse_reference("docker/dockerfile-evil"))
    assert not policy.trusts_frontend(parse_reference("alpine"))


def test_is_read_once_and_named() -> None:
    assert load_policy() is load_policy()
    assert load_policy().name == "shipped default"
    assert load_policy().digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("said", "final", "production", "applies"),
    [
        ((W, "all", True), False, False, True),
        ((W, "all", False), False, False, False),
        ((W, "all", False), False, True, True),
        ((W, "final", True), False, True, False),
        ((W, "final", True), True, False, True),
        ((None, "all", True), True, True, False),
    ],
)
def test_a_rule_applies_by_severity_stage_and_path(
    said: tuple[Severity | None, str, bool], *, final: bool, production: bool, applies: bool
) -> None:
    severity, stages, elsewhere = said
    rule = replace(
        load_policy().rule("end-of-life"),
        severity=severity,
        stages=stages,
        non_production=elsewhere,
    )
    assert rule.applies(final=final, production=production) is applies
