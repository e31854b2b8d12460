"""Puts local images in the place of those that a Dockerfile names, byte by byte, and proves it.

A reference by digest can only be had from whoever has that very index, and a builder takes names
with variables before or after they are expanded, by its release. So the file itself is given other
names: each reference that the build needs is exchanged where it stands, nothing else is touched,
and the result is read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from basekeeper.builders.failing import refused
from basekeeper.dockerfile.parser import parse_dockerfile
from basekeeper.errors import InvalidReference
from basekeeper.values.reference import parse_reference
from basekeeper.values.use import Via

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.dockerfile.model import Build, ImageUse


class Way(NamedTuple):
    """One way of building a file."""

    args: Mapping[str, str]
    target: str | None
    platform: str
    contexts: tuple[str, ...] = ()
    """Names of further contexts, which stand before images."""


def needed_images(data: bytes, way: Way) -> tuple[str, ...]:
    """Return the canonical references of all images that a build needs, each once.

    Raises:
        NoImage: The file cannot be built, or an image cannot be told.
    """
    return tuple(dict.fromkeys(_canonical(use) for use in _needed(_resolve(data, way))))


def replace_images(data: bytes, way: Way, names: Mapping[str, str]) -> bytes:
    """Return the file with other names in it.

    Args:
        data: The file.
        way: How it is built.
        names: Canonical reference → name in its place.

    Raises:
        NoImage: As above, or there is no name for one.
    """
    spans = {}
    for use in _needed(_resolve(data, way)):
        reference = _canonical(use)
        if reference not in names:
            raise refused(
                f"line {use.line} needs {reference}, which was not given to the builder",
                "images are fetched before a build, which asks no registry",
            )
        spans[use.span.start, use.span.end] = names[reference]
    for (start, end), name in sorted(spans.items(), reverse=True):
        data = data[:start] + name.encode() + data[end:]
    _prove(data, way, set(names.values()))
    return data


def _prove(data: bytes, way: Way, names: set[str]) -> None:
    """Read the new file: every image that is needed must be one of ours."""
    others = {use.reference_text for use in _needed(_resolve(data, way))} - names
    if others:
        raise refused(f"{min(others)!r:.200} could not be given another name")


def _resolve(data: bytes, way: Way) -> Build:
    build = parse_dockerfile(data).resolve(
        build_args=way.args,
        target=way.target,
        platform=way.platform,
        contexts=dict.fromkeys(way.contexts, "."),
    )
    if build.rejected is not None:
        raise refused(f"the file cannot be built: {build.rejected}")
    return build


def _needed(build: Build) -> Iterable[ImageUse]:
    """Yield the uses whose image the build pulls."""
    for use in build.images:
        if use.via is Via.SYNTAX or use.scratch or use.is_stage or use.onbuild:
            continue
        if use.stage is not None and use.stage in build.reachable and use.replaced_by is None:
            yield use


def _canonical(use: ImageUse) -> str:
    if use.problem is not None:
        raise refused(f"the image of line {use.line} cannot be told: {use.problem}")
    if use.span.start == use.span.end:
        raise refused(f"the image of line {use.line} is written nowhere")
    try:
        return str(parse_reference(use.reference_text))
    except InvalidReference as error:
        raise refused(error.message) from error
