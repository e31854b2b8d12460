"""The archive of the official list, as its repository hands it out, made of the bundled list."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from basekeeper.lifecycle.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

TOP = "official-images-master"
COMMIT = "37079fb336f572a88700cf32e5e1f6be54a04e8f"


def bundled() -> dict[str, list[str]]:
    """Repository → the tags of each image, one image a line."""
    return dict(Catalogue.bundled().raw_official()["repositories"])


def listing(lines: Iterable[str]) -> bytes:
    """One file of the list."""
    head = (
        "# this file is generated\n\n"
        "Maintainers: Somebody <somebody@example.com> (@somebody),\n"
        "             Somebody Else (@else)\n"
        "GitRepo: https://git.example/x.git\n"
    )
    entries = [
        f"\nTags: {line.replace(' ', ', ')}\nArchitectures: amd64, arm64v8\n"
        f"GitCommit: {COMMIT}\nDirectory: {number}\n"
        for number, line in enumerate(lines)
    ]
    return (head + "".join(entries)).encode()


def member(
    name: str, content: bytes = b"", *, when: datetime, kind: bytes = tarfile.REGTYPE, to: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    """One entry."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(content), to
    info.mtime = int(when.timestamp())
    return info, content


def archive(  # noqa: PLR0913  # all but two have defaults
    repositories: Mapping[str, Iterable[str]],
    when: datetime,
    *,
    more: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
    top: str = f"{TOP}/",
    mode: str = "w:gz",
    format: int = tarfile.PAX_FORMAT,  # noqa: A002  # as tarfile calls it
) -> bytes:
    """The archive, with further entries at its end."""
    out = io.BytesIO()
    comment = {"comment": COMMIT} if format == tarfile.PAX_FORMAT else {}
    with tarfile.open(fileobj=out, mode=mode, format=format, pax_headers=comment) as tar:  # type: ignore[call-overload]  # a mode that is no literal
        tar.addfile(*_opened(member(f"{top}README.md", b"hello", when=when)))
        tar.addfile(*_opened(member(f"{top}.dockerignore", when=when, kind=b"2", to=".gitignore")))
        tar.addfile(*_opened(member(f"{top}library", when=when, kind=tarfile.DIRTYPE)))
        for name, lines in repositories.items():
            tar.addfile(*_opened(member(f"{top}library/{name}", listing(lines), when=when)))
        for entry in more:
            tar.addfile(*_opened(entry))
    return out.getvalue()


def _opened(entry: tuple[tarfile.TarInfo, bytes]) -> tuple[tarfile.TarInfo, io.BytesIO]:
    return entry[0], io.BytesIO(entry[1])
