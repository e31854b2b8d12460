"""Grammar and normalisation of image references."""

from __future__ import annotations

import pytest

from basekeeper.errors import InvalidReference
from basekeeper.values.reference import Reference, parse_reference

HEX = "0123456789abcdef" * 4
SHA256 = f"sha256:{HEX}"
SHA512 = f"sha512:{HEX}{HEX}"


@pytest.mark.parametrize(
    ("text", "canonical", "familiar"),
    [
        ("alpine", "docker.io/library/alpine", "alpine"),
        ("alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"),
        ("bitnami/redis", "docker.io/bitnami/redis", "bitnami/redis"),
        ("docker.io/alpine", "docker.io/library/alpine", "alpine"),
        ("index.docker.io/a/b", "docker.io/a/b", "a/b"),
        ("localhost/x", "localhost/x", "localhost/x"),
        ("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"),
        ("localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1"),
        ("docker.io", "docker.io/library/docker.io", "docker.io"),
        ("docker.io/docker.io/x", "docker.io/docker.io/x", "docker.io/x"),
        ("Docker.io/x", "Docker.io/x", "Docker.io/x"),
        ("docker.io:443/x", "docker.io:443/x", "docker.io:443/x"),
        ("Foo/bar", "Foo/bar", "Foo/bar"),
        ("[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a"),
        ("[:]/x", "[:]/x", "[:]/x"),
        (f"a:1@{SHA256}", f"docker.io/library/a:1@{SHA256}", f"a:1@{SHA256}"),
        (f"a@{SHA512}", f"docker.io/library/a@{SHA512}", f"a@{SHA512}"),
        (f"sha256:{HEX}", f"docker.io/library/sha256:{HEX}", f"sha256:{HEX}"),
        (f"{HEX}:x", f"docker.io/library/{HEX}:x", f"{HEX}:x"),
        (f"u/{HEX}", f"docker.io/u/{HEX}", f"u/{HEX}"),
        ("a__b/c--d.e_f", "docker.io/a__b/c--d.e_f", "a__b/c--d.e_f"),
        ("a:" + "t" * 128, "docker.io/library/a:" + "t" * 128, "a:" + "t" * 128),
        ("x.y/" + "a" * 255, "x.y/" + "a" * 255, "x.y/" + "a" * 255),
        ("scratch", "docker.io/library/scratch", "scratch"),
    ],
)
def test_is_normalised(text: str, canonical: str, familiar: str) -> None:
    reference = parse_reference(text)
    assert str(reference) == canonical
    assert reference.familiar == familiar
    assert reference.text == text
    assert parse_reference(canonical) == reference


@pytest.mark.parametrize(
    ("text", "reason", "position"),
    [
        ("", "empty", 0),
        ("Alpine", "'A' is upper case", 0),
        ("docker.io/library/Alpine", "'A' is upper case", 18),
        ("library/alPine", "'P' is upper case", 10),
        ("ghcr.io/Acme/app:1", "'A' is upper case", 8),
        ("library/-alpine", "cannot stand there", 7),
        ("foo_bar.com/x", "no registry host", 3),
        ("a.b./x", "no registry host", 3),
        ("/x", "no registry host", 0),
        ("u@h.com/x", "no registry host", 1),
        (HEX, "image id", 0),
        (f"a@sha384:{HEX}{HEX[:32]}", "digest is not", 2),
        (f"a@sha256:{HEX.upper()}", "digest is not", 2),
        (f"a@sha256:{HEX[1:]}", "digest is not", 2),
        ("a@", "digest is not", 2),
        ("a:", "tag is empty", 2),
        ("a:.b", "first in a tag", 2),
        ("a:b:c", "in a tag", 3),
        ("a:" + "t" * 129, "longer than 128", 130),
        ("a//b", "'/' cannot stand", 1),
        ("a/", "'/' cannot stand", 1),
        ("x.y/", "repository is empty", 4),
        ("a___b", "'_' cannot stand", 1),
        ("a..b", "'.' cannot stand", 1),
        ("a-", "'-' cannot stand", 1),
        ("a" * 248, "longer than 255", 0),
        ("x.y/" + "a" * 256, "longer than 255", 4),
        ("a\n", "cannot stand in a reference", 1),
        ("a b", "cannot stand in a reference", 1),
        ("caf\xe9", "cannot stand in a reference", 3),
        ("\u0661", "cannot stand in a reference", 0),
        ("https://a.b/c", "URL scheme", 0),
        ("a/$B", "variable", 2),
        ("a" * 4097, "longer than 4096", 4096),
    ],
)
def test_invalid_text_says_what_and_where(text: str, reason: str, position: int) -> None:
    with pytest.raises(InvalidReference, match=reason) as caught:
        parse_reference(text)
    assert caught.value.position == position
    assert caught.value.text == text


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (("foo", "bar"), "no registry host"),
        (("", "bar"), "no registry host"),
        (("docker.io", "alpine"), "not normalised"),
        (("index.docker.io", "library/alpine"), "not normalised"),
        (("x.y", ""), "no repository"),
        (("x.y", "A"), "no repository"),
        (("x.y", "a\n"), "no repository"),
        (("x.y", "a" * 256), "longer than 255"),
        (("x.y", "a", ""), "no tag"),
        (("x.y", "a", "t" * 129), "no tag"),
        (("x.y", "a", None, "sha256:x"), "no digest"),
    ],
)
def test_nothing_invalid_can_be_constructed(parts: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidReference, match=reason):
        Reference(*parts)


def test_a_constructed_reference_has_its_canonical_text() -> None:
    assert Reference("x.y", "a/b", "1").text == "x.y/a/b:1"


def test_the_text_takes_no_part_in_equality() -> None:
    assert parse_reference("alpine") == parse_reference("docker.io/library/alpine")
    assert len({parse_reference("alpine"), parse_reference("index.docker.io/alpine")}) == 1


def test_tag_and_digest_can_be_changed_and_dropped_keeping_the_way_it_was_written() -> None:
    reference = parse_reference(f"index.docker.io/alpine:3@{SHA256}")
    assert reference.with_tag("4").text == f"index.docker.io/alpine:4@{SHA256}"
    assert str(reference.with_digest(None)) == "docker.io/library/alpine:3"
    assert reference.with_tag(None).with_digest(None).text == "index.docker.io/alpine"
    assert reference.with_digest(SHA512).digest == SHA512


def test_an_invalid_tag_cannot_be_set() -> None:
    with pytest.raises(InvalidReference, match="no tag"):
        parse_reference("a").with_tag("-x")


def test_name_and_parts_leave_tag_and_digest_out() -> None:
    reference = parse_reference("ghcr.io/a/b/c:1")
    assert reference.name == "ghcr.io/a/b/c"
    assert reference.path_parts == ("a", "b", "c")
