"""Mirrors and other names of the same image."""

from __future__ import annotations

import pytest

from basekeeper.errors import InvalidReference
from basekeeper.values.aliases import AliasTable
from basekeeper.values.reference import parse_reference

TABLE = AliasTable({"proxy.corp.example/hub": "docker.io", "a.b": "c.d", "c.d": "a.b"})


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("alpine", "docker.io/library/alpine"),
        ("mirror.gcr.io/library/alpine:3", "docker.io/library/alpine:3"),
        ("mirror.gcr.io/x/y", "docker.io/x/y"),
        ("public.ecr.aws/docker/library/alpine", "docker.io/library/alpine"),
        ("public.ecr.aws/other/alpine", "public.ecr.aws/other/alpine"),
        ("mcr.microsoft.com/mirror/docker/library/x", "docker.io/library/x"),
        ("mcr.microsoft.com/dotnet/sdk", "mcr.microsoft.com/dotnet/sdk"),
        ("arm64v8/alpine", "docker.io/library/alpine"),
        ("arm64v8x/alpine", "docker.io/arm64v8x/alpine"),
        ("lscr.io/linuxserver/x", "ghcr.io/linuxserver/x"),
        ("registry.hub.docker.com/library/x", "docker.io/library/x"),
        ("registry-1.docker.io/arm32v7/x", "docker.io/library/x"),
        ("proxy.corp.example/hub/alpine", "docker.io/library/alpine"),
        ("proxy.corp.example/hub/a/b", "docker.io/a/b"),
        ("proxy.corp.example/hub2/alpine", "proxy.corp.example/hub2/alpine"),
        ("proxy.corp.example/hub", "proxy.corp.example/hub"),
        ("a.b/x", "a.b/x"),
    ],
)
def test_a_mirror_is_what_it_mirrors(text: str, canonical: str) -> None:
    reference = TABLE.canonical(parse_reference(text))
    assert str(reference) == canonical
    assert reference.text == text


def test_the_longest_prefix_wins() -> None:
    table = AliasTable({"p.example": "x.example", "p.example/hub": "docker.io"})
    assert table.canonical(parse_reference("p.example/hub/a")).name == "docker.io/library/a"
    assert table.canonical(parse_reference("p.example/a")).name == "x.example/a"


def test_a_prefix_mapped_to_itself_is_no_alias() -> None:
    table = AliasTable({"mirror.gcr.io": "mirror.gcr.io"})
    assert table.canonical(parse_reference("mirror.gcr.io/a/b")).name == "mirror.gcr.io/a/b"


@pytest.mark.parametrize("prefix", ["amd64", "", "a.b:c/d", "x y", "a.b/c:1", "index.docker.io"])
def test_a_prefix_starts_with_a_registry(prefix: str) -> None:
    with pytest.raises(InvalidReference, match="invalid image reference"):
        AliasTable({prefix: "docker.io"})
