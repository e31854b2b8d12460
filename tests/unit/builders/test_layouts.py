from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.builders.contents import look_for
from basekeeper.builders.layouts import blob_path, lay_in, lay_out, pick
from basekeeper.errors import InputError
from basekeeper.values.building import ImageFile
from tests.unit.builders.rooms import AMD64, INDEX, MANIFEST, image, keep, room, tar

if TYPE_CHECKING:
    from pathlib import Path

LAYER = tar(("app/run", b"#!"))


def laid(tmp_path: Path) -> Path:
    """A folder as a builder writes it."""
    one = image(tmp_path / "layout", LAYER, User="7")
    with room(tmp_path) as space:
        folder, _ = lay_in(one, "image", space)
        folder.rename(tmp_path / "dir")
    return tmp_path / "dir"


def test_an_image_comes_out_as_it_went_in(tmp_path: Path) -> None:
    one = image(tmp_path / "layout", LAYER, LAYER, User="7", Env=["A=b=c", "B"], Cmd=["x"])
    with room(tmp_path) as space:
        folder, config = lay_in(one, "image", space)
        out, again = lay_out(folder, tmp_path / "out")
    assert again == config == pick(out).config
    assert out.digest == one.digest
    assert config.user == "7"
    assert dict(config.env) == {"A": "b=c", "B": ""}
    assert config.platform == AMD64
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert [entry["digest"] for entry in index["manifests"]] == [one.digest]


def test_an_index_gives_the_image_for_the_platform(tmp_path: Path) -> None:
    one = image(tmp_path, LAYER)
    platform = {"os": "linux", "architecture": "amd64"}
    document = {"mediaType": INDEX, "manifests": [{"digest": one.digest, "platform": platform}]}
    index = replace(one, digest=keep(tmp_path, json.dumps(document).encode()))
    assert pick(index).digest == one.digest
    with pytest.raises(InputError, match="holds no image for linux/s390x"):
        pick(replace(index, platform="linux/s390x"))


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{" * 100_000,
        {"mediaType": "application/x"},
        {"mediaType": MANIFEST},
        {"mediaType": MANIFEST, "config": []},
        {"mediaType": MANIFEST, "config": {"digest": 1}},
        {"mediaType": MANIFEST, "config": {"digest": "sha256:../../../etc/passwd"}},
        {"mediaType": MANIFEST, "config": {"digest": "sha256:" + "0" * 64}},
        {"mediaType": MANIFEST, "layers": {}},
        {"mediaType": MANIFEST, "layers": [{"digest": "a"}] * 1001},
        {"mediaType": INDEX, "manifests": "x"},
        {"mediaType": INDEX, "manifests": [{"platform": "x"}]},
    ],
)
def test_what_is_no_image_is_told(tmp_path: Path, document: Any) -> None:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    one = replace(image(tmp_path, LAYER), digest=keep(tmp_path, data))
    with pytest.raises(InputError):
        pick(one)


@pytest.mark.parametrize(
    "config",
    [
        {"rootfs": {"diff_ids": []}},
        {"rootfs": {"diff_ids": ["x"]}},
        {"rootfs": {"diff_ids": ["sha256:" + "0" * 64]}, "config": {"Cmd": "x"}},
        {"rootfs": {"diff_ids": ["sha256:" + "0" * 64]}, "config": 1},
    ],
)
def test_a_config_that_is_malformed_is_told(tmp_path: Path, config: dict[str, Any]) -> None:
    manifest = {
        "config": {"digest": keep(tmp_path, json.dumps(config).encode())},
        "layers": [{"digest": keep(tmp_path, LAYER)}],
    }
    one = image(tmp_path, LAYER)
    with pytest.raises(InputError):
        pick(replace(one, digest=keep(tmp_path, json.dumps(manifest).encode())))


def test_content_with_another_digest_is_refused(tmp_path: Path) -> None:
    one = image(tmp_path / "layout", LAYER)
    blob_path(one.path, pick(one).manifest.layers[0]).write_bytes(b"other")
    with room(tmp_path) as space, pytest.raises(InputError, match="has another digest"):
        lay_in(one, "image", space)


@pytest.mark.parametrize("trap", ["link", "pipe", "missing", "other", "manifest"])
def test_what_a_builder_left_is_not_trusted(tmp_path: Path, trap: str) -> None:
    import os

    folder = laid(tmp_path)
    document = json.loads((folder / "manifest.json").read_text())
    layer = folder / document["layers"][0]["digest"].partition(":")[2]
    if trap == "manifest":
        layer = folder / "manifest.json"
        (tmp_path / "elsewhere").write_bytes(layer.read_bytes())
    layer.unlink()
    if trap in ("link", "manifest"):
        (tmp_path / "elsewhere").touch()
        layer.symlink_to(tmp_path / "elsewhere")
    elif trap == "pipe":
        os.mkfifo(layer)
    elif trap == "other":
        layer.write_bytes(b"other")
    with pytest.raises(InputError):
        lay_out(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be made"):
        lay_out(laid(tmp_path), tmp_path / "missing" / "out")


def folder_entry(name: str, kind: bytes = tarfile.DIRTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname, info.uid = kind, 0o750, link, 7
    return info


def found(tmp_path: Path, *layers: bytes, packed: bool = False) -> list[str]:
    """Which of a few paths are there."""
    one = image(tmp_path, *layers, packed=packed)
    paths = ["/a", "/a/b", "/a/c", "/a/b/d", "/e"]
    return [path for path, entry in look_for(one, paths).items() if entry is not None]


FIRST = tar(folder_entry("./a"), folder_entry("./a/b/"), ("./a/b/d", b"1"), ("a/c", b"2"))


@pytest.mark.parametrize(
    ("layers", "there"),
    [
        ((FIRST,), ["/a", "/a/b", "/a/c", "/a/b/d"]),
        ((FIRST, tar(("e", b""))), ["/a", "/a/b", "/a/c", "/a/b/d", "/e"]),
        ((FIRST, tar(("a/.wh.b", b""))), ["/a", "/a/c"]),
        ((FIRST, tar((".wh.a", b""))), []),
        ((FIRST, tar(("a/.wh..wh..opq", b""))), ["/a"]),
        ((FIRST, tar((".wh..wh..opq", b""))), []),
        ((FIRST, tar(("a/.wh..wh..opq", b""), ("a/c", b"new"))), ["/a", "/a/c"]),
        ((FIRST, tar(("a/c", b"new"), ("a/.wh..wh..opq", b""))), ["/a", "/a/c"]),
        ((FIRST, tar((".wh.a", b"")), tar(("a/c", b""))), ["/a/c"]),
        ((tar((".wh.a", b"")), FIRST), ["/a", "/a/b", "/a/c", "/a/b/d"]),
    ],
)
def test_files_are_as_the_last_layer_leaves_them(
    tmp_path: Path, layers: tuple[bytes, ...], there: list[str]
) -> None:
    assert found(tmp_path, *layers) == there
    assert found(tmp_path, *layers, packed=True) == there


def test_files_are_told_with_owner_mode_and_link(tmp_path: Path) -> None:
    layer = tar(
        folder_entry("a"), folder_entry("l", tarfile.SYMTYPE, "../x"),
        folder_entry("h", tarfile.LNKTYPE, "a/c"), folder_entry("p", tarfile.FIFOTYPE),
    )  # fmt: skip
    entries = look_for(image(tmp_path, layer), ["/a", "/l/", "//h", "/p", "/"])
    assert entries["/a"] == ImageFile("folder", 0o750, 7, 0, 0)
    assert entries["/l/"] == ImageFile("link", 0o750, 7, 0, 0, "../x")
    assert entries["//h"] == ImageFile("file", 0o750, 7, 0, 0)
    assert entries["/p"] == ImageFile("other", 0o750, 7, 0, 0)


@pytest.mark.parametrize("layer", [b"no archive", LAYER[:700], b""])
def test_a_layer_that_cannot_be_read_is_told(tmp_path: Path, layer: bytes) -> None:
    with pytest.raises(InputError):
        look_for(image(tmp_path, layer), ["/app/run"])


def header(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("h")
    info.type, info.size = kind, size
    return info.tobuf() + b"\0" * 1024


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        (tarfile.XHDTYPE, 8 * 1024**3 - 1),
        (tarfile.GNUTYPE_LONGNAME, 2 * 1024**2),
        (tarfile.XGLTYPE, 512),
        (tarfile.GNUTYPE_SPARSE, 512),
    ],
)
def test_headers_have_an_end(tmp_path: Path, kind: bytes, size: int) -> None:
    with pytest.raises(InputError, match="header"):
        look_for(image(tmp_path, header(kind, size)), ["/a"])


def test_a_path_upwards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        look_for(image(tmp_path, LAYER), ["/../x"])
