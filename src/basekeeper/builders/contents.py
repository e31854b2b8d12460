"""Looks for files in the layers of an image, as the last layer leaves them; nothing is unpacked.

Source: the OCI image specification, `layer.md`: whiteouts, opaque folders, tar.
"""

from __future__ import annotations

import stat
import tarfile
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.builders.layouts import blob_path, pick
from basekeeper.errors import InputError
from basekeeper.values.building import ImageFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from basekeeper.values.scanning import LayoutImage

MAX_ENTRIES: Final = 2_000_000
"""Of one layer."""
MAX_LAYER_BYTES: Final = 64 * 1024**3
"""Of one layer, unpacked."""

MAX_HEADER_BYTES: Final = 1024 * 1024
"""Of one header of an entry: long names, attributes."""

_HEADERS: Final = frozenset(
    {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}
)
_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_KINDS: Final = {
    tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
}  # fmt: skip


class _Layer(NamedTuple):
    """What one layer says of the paths that are looked for."""

    found: dict[str, ImageFile]
    gone: set[str]
    """Paths that it removes, with all that lies below them in lower layers."""
    emptied: set[str]
    """Folders of which only what lies below them is removed."""


def look_for(image: LayoutImage, paths: Collection[str]) -> Mapping[str, ImageFile | None]:
    """Look for absolute paths; links are not followed. None: there is nothing.

    Raises:
        InputError: The image cannot be read.
    """
    wanted = {path: _plain(path) for path in paths}
    present: dict[str, ImageFile] = {}
    for layer in pick(image).manifest.layers:
        said = _read(blob_path(image.path, layer), frozenset(wanted.values()))
        present = {
            path: entry
            for path, entry in present.items()
            if not any(above in said.gone for above in _lineage(path))
            and not any(above in said.emptied for above in _lineage(path)[1:])
        }
        present.update(said.found)
    return {path: present.get(plain) for path, plain in wanted.items()}


def _plain(path: str) -> str:
    """Write a path as layers do, without leading `./` and `/`."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise InputError(f"{path!r:.200} is no plain path")
    return "/".join(parts)


def _lineage(path: str) -> tuple[str, ...]:
    """Return a path and the folders above it."""
    parts = path.split("/")
    return (*("/".join(parts[:count]) for count in range(len(parts), 0, -1)), "")


class _Entry(tarfile.TarInfo):
    """An entry whose headers have an end, as those of the standard library have none."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in (tarfile.GNUTYPE_SPARSE, tarfile.XGLTYPE):
            raise InputError("a layer of the image has headers of a kind that is not read")
        if self.type in _HEADERS and self.size > MAX_HEADER_BYTES:
            raise InputError("a layer of the image has a header that is too large to be read")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return found


def _read(path: Path, wanted: frozenset[str]) -> _Layer:
    layer = _Layer({}, set(), set())
    try:
        for entry in _entries(path):
            _note(layer, entry, wanted)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise InputError(f"a layer of the image cannot be read: {error}") from error
    return layer


def _entries(path: Path) -> Iterator[tarfile.TarInfo]:
    unpacked = 0
    with tarfile.open(path, "r|*", tarinfo=_Entry) as archive:
        for count, entry in enumerate(archive):
            unpacked += entry.size
            if count >= MAX_ENTRIES or unpacked > MAX_LAYER_BYTES:
                raise InputError("a layer of the image is too large to be read")
            yield entry
            archive.members = []  # type: ignore[attr-defined]  # else every entry is kept


def _note(layer: _Layer, entry: tarfile.TarInfo, wanted: frozenset[str]) -> None:
    path = "/".join(part for part in entry.name.split("/") if part not in ("", "."))
    above, _, name = path.rpartition("/")
    if name == _OPAQUE:
        layer.emptied.add(above)
    elif name.startswith(_WHITEOUT):
        layer.gone.add(f"{above}/{name[len(_WHITEOUT) :]}".lstrip("/"))
    elif path in wanted:
        layer.found[path] = _file(entry)


def _file(entry: tarfile.TarInfo) -> ImageFile:
    kind = "file" if entry.islnk() else _KINDS.get(entry.type, "other")
    link = entry.linkname if kind == "link" else ""
    mode = stat.S_IMODE(entry.mode)
    return ImageFile(kind, mode, entry.uid, entry.gid, entry.size, link)
