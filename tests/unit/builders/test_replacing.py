from __future__ import annotations

import pytest

from basekeeper.builders.failing import NoImage
from basekeeper.builders.replacing import Way, needed_images, replace_images

DEBIAN = "docker.io/library/debian"
WAY = Way({}, None, "linux/amd64")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM debian:11\n", "FROM local\n"),
        ("# syntax=a/b:1\nFROM debian:11\n", "# syntax=a/b:1\nFROM local\n"),
        ("FROM --platform=linux/amd64 debian:11\n", "FROM --platform=linux/amd64 local\n"),
        ('FROM "debian:11"\n', "FROM local\n"),
        ("FROM \\\n  debian:11 \\\n  AS a\n", "FROM \\\n  local \\\n  AS a\n"),
        ("ARG V=11\nFROM debian:${V}\nARG V\n", "ARG V=11\nFROM local\nARG V\n"),
        ("ARG B=debian:11\nFROM $B\nFROM $B\n", "ARG B=debian:11\nFROM $B\nFROM local\n"),
        ("FROM debian:11 AS a\nFROM a\n", "FROM local AS a\nFROM a\n"),
        ("FROM scratch\nCOPY --from=debian:11 /a /\n", "FROM scratch\nCOPY --from=local /a /\n"),
        (
            "FROM debian:11\nRUN --mount=from=debian:11,target=/a true\n",
            "FROM local\nRUN --mount=from=local,target=/a true\n",
        ),
        ("FROM alpine AS unused\nFROM debian:11\n", "FROM alpine AS unused\nFROM local\n"),
        ("FROM debian:11\r\nRUN true\r\n", "FROM local\r\nRUN true\r\n"),
        (
            "FROM debian:11\nONBUILD COPY --from=alpine /a /\n",
            "FROM local\nONBUILD COPY --from=alpine /a /\n",
        ),
    ],
)  # fmt: skip
def test_only_references_that_the_build_needs_are_exchanged(before: str, after: str) -> None:
    names = {f"{DEBIAN}:11": "local"}
    assert replace_images(before.encode(), WAY, names) == after.encode()


def test_which_images_are_needed_depends_on_target_and_arguments() -> None:
    text = b"ARG V=11\nFROM debian:$V AS a\nFROM debian:12 AS b\nFROM alpine\n"
    assert needed_images(text, Way({}, "a", "linux/amd64")) == (f"{DEBIAN}:11",)
    assert needed_images(text, Way({"V": "13"}, "a", "linux/amd64")) == (f"{DEBIAN}:13",)
    assert needed_images(text, Way({}, "b", "linux/amd64")) == (f"{DEBIAN}:12",)


def test_a_named_context_stands_before_an_image() -> None:
    text = b"FROM scratch\nCOPY --from=files /a /\n"
    assert needed_images(text, WAY._replace(contexts=("files",))) == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FROM alpine\n", "line 1 needs docker.io/library/alpine, which was not given"),
        ("FROM debian:11\nCOPY --from=$X /a /\n", "cannot be"),
        ("FROM debian:11@sha256:1\n", "invalid image reference"),
        ("FROM\n", "cannot be built"),
    ],
)
def test_what_cannot_be_exchanged_is_refused(text: str, reason: str) -> None:
    with pytest.raises(NoImage, match=reason):
        replace_images(text.encode(), WAY, {f"{DEBIAN}:11": "local"})
