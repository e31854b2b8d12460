from __future__ import annotations

import posixpath
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.cache.memory import MemoryCache
from basekeeper.errors import Failure, RegistryError
from basekeeper.registry import archives, layers
from basekeeper.registry.archives import Budget, Listing, Node
from basekeeper.registry.layers import pack_listing, unpack_listing
from basekeeper.registry.unpacking import LayerReader
from tests.fakes.registry import Simulator, digest_of, faults
from tests.fakes.registry.content import LAYER
from tests.fakes.tars import END, debian, file, header, noise, packed, tar
from tests.unit.registry.asking import asking, reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.registry import Host

NAME = "registry.test"
ETC, USR = "etc/os-release", "usr/lib/os-release"
TO_USR = "-> ../usr/lib/os-release"
TEN, ELEVEN, TWELVE = (debian(release) for release in (10, 11, 12))
LINKED = {ETC: TO_USR, USR: TWELVE}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def host(simulator: Simulator) -> Host:
    return simulator.host(NAME)


def put(host: Host, *blobs: bytes, kind: str = LAYER, **more: Any) -> str:
    """Push an image of layers, the lowest first; return its digest."""
    found = []
    for blob in blobs:
        digest = digest_of(blob)
        host.content.blob("team/app", digest, blob)
        found.append({"mediaType": kind, "digest": digest, "size": len(blob)})
    made = host.content.image("team/app", "1", "linux/amd64", layers=found, **more)
    return made.digest


def ask(simulator: Simulator, digest: str, cache: MemoryCache | None = None) -> str | None:
    with asking(simulator, cache=cache) as client:
        return client.os_release(reference(f"{NAME}/team/app@{digest}"), "linux/amd64")


def refusal(simulator: Simulator, digest: str) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        ask(simulator, digest)
    return caught.value


def fetched(host: Host) -> list[str]:
    """The layers that were asked for, in order."""
    blobs = host.content.repository("team/app").blobs
    names = [one.target.rpartition("/")[2] for one in host.log if one.kind == "blob"]
    return [name for name in names if name in blobs and not blobs[name].startswith(b"{")]


@pytest.mark.parametrize(
    ("stack", "text"),
    [
        ([{ETC: TWELVE}], TWELVE),
        ([LINKED], TWELVE),
        ([{USR: TWELVE}], TWELVE),
        ([{ETC: "-> /usr/lib/os-release", USR: TWELVE}], TWELVE),
        ([{ETC: "-> ../../../../usr/lib/os-release", USR: TWELVE}], TWELVE),
        ([{ETC: "=> usr/lib/os-release", USR: TWELVE}], TWELVE),
        ([{"lib": "-> usr/lib", ETC: "-> ../lib/os-release", USR: TWELVE}], TWELVE),
        ([{ETC: "-> fixed/os-release-12", "etc/fixed/os-release-12": TWELVE}], TWELVE),
        ([{"bin/sh": "x"}], None),
        ([{}], None),
        ([], None),
        ([{ETC: None}], None),
        ([{ETC: TO_USR}], None),
        # Upper layers win, lower ones shine through.
        ([{ETC: ELEVEN}, {ETC: TWELVE}], TWELVE),
        ([{ETC: TWELVE}, {"app": "x"}, {}], TWELVE),
        ([LINKED, {USR: ELEVEN}], ELEVEN),
        ([{ETC: ELEVEN}, LINKED], TWELVE),
        ([{ETC: ELEVEN, USR: TWELVE}], ELEVEN),
        ([{ETC: TEN}, {ETC: TO_USR}, {USR: TWELVE}, {"a": "b"}], TWELVE),
        # Links of the name of a directory.
        ([{USR: ELEVEN}, {"etc": "-> usr/lib"}], ELEVEN),
        ([{ETC: TEN, USR: ELEVEN}, {"etc": "-> usr/lib"}], ELEVEN),
        ([{ETC: TEN, USR: ELEVEN}, {"etc": "-> usr/lib"}, {"etc": None}], ELEVEN),
        ([{ETC: TEN, USR: ELEVEN}, {"etc": "a file"}], ELEVEN),
        # A hard link stands for what was there when it was made.
        ([{USR: ELEVEN}, {ETC: "=> usr/lib/os-release"}, {USR: TWELVE}], ELEVEN),
        # What is removed.
        ([{ETC: TWELVE}, {"etc/.wh.os-release": ""}], None),
        ([{ETC: TWELVE, USR: ELEVEN}, {"etc/.wh.os-release": ""}], ELEVEN),
        ([{ETC: TWELVE}, {".wh.etc": ""}], None),
        ([{ETC: TWELVE}, {"etc/.wh..wh..opq": ""}], None),
        ([{ETC: TWELVE}, {".wh..wh..opq": ""}], None),
        ([LINKED, {"usr/lib/.wh..wh..opq": ""}], None),
        ([LINKED, {"usr/.wh.lib": ""}], None),
        ([{ETC: ELEVEN}, {"etc/.wh.os-release": "", ETC: TWELVE}], TWELVE),
        ([{ETC: ELEVEN}, {ETC: TWELVE, "etc/.wh..wh..opq": ""}], TWELVE),
        ([{ETC: ELEVEN}, {"etc/.wh.os-release": ""}, {ETC: TWELVE}], TWELVE),
        ([{ETC: TWELVE}, {"home/.wh..wh..opq": "", "srv/.wh.etc": ""}], TWELVE),
    ],
)
def test_the_topmost_layer_that_holds_the_file_decides(
    simulator: Simulator, host: Host, stack: list[dict[str, str | None]], text: str | None
) -> None:
    digest = put(host, *(packed(tar(entries)) for entries in stack))
    assert ask(simulator, digest) == text


def test_links_in_a_circle_are_refused(simulator: Simulator, host: Host) -> None:
    for entries in (
        {ETC: TO_USR, USR: "-> ../../etc/os-release"},
        {ETC: "=> etc/os-release"},
        {"etc": "-> etc"},
        {"etc": "-> usr", "usr": "-> etc"},
    ):
        error = refusal(simulator, put(host, tar(entries)))
        assert "links lead to" in error.message
        assert error.failure is Failure.REFUSED


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (file(b"etc/os-release", b"x" * 70_000), "no small file"),
        (header(b"etc/os-release", kind=b"3"), "no small file"),
        (file(b"etc/os-release", b"nothing of use\n"), "cannot be understood"),
        (file(b"etc/os-release", b""), "cannot be understood"),
        (file(b"etc/os-release", bytes(range(256))), "cannot be understood"),
        (file(b"etc/../etc/os-release", b"ID=debian\n"), "leads upwards"),
        (b"this is no archive" * 100, "no tar archive"),
    ],
)
def test_what_cannot_be_read_is_refused(
    simulator: Simulator, host: Host, entries: bytes, reason: str
) -> None:
    error = refusal(simulator, put(host, entries + END))
    assert reason in error.message
    assert error.failure is Failure.REFUSED


def test_content_of_another_digest_is_not_believed_and_not_kept(
    simulator: Simulator, host: Host
) -> None:
    layer, other = packed(tar({ETC: TWELVE})), packed(tar({ETC: ELEVEN}))
    digest = put(host, layer)
    blobs = host.content.repository("team/app").blobs
    blobs[digest_of(layer)] = other + bytes(max(len(layer) - len(other), 0))
    cache = MemoryCache()
    with pytest.raises(RegistryError) as caught:
        ask(simulator, digest, cache)
    assert caught.value.failure is Failure.REFUSED
    blobs[digest_of(layer)] = layer
    assert ask(simulator, digest, cache) == TWELVE


def test_a_layer_longer_than_announced_is_refused(simulator: Simulator, host: Host) -> None:
    layer = packed(tar({ETC: TWELVE}))
    digest = put(host, layer)
    host.content.repository("team/app").blobs[digest_of(layer)] = layer + bytes(100_000)
    assert "larger than" in refusal(simulator, digest).message


def test_a_layer_that_breaks_off_is_fetched_again_at_no_cost_to_its_budget(
    simulator: Simulator, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = packed(tar({"noise": noise(60_000).hex(), ETC: TWELVE}))
    digest = put(host, layer)
    monkeypatch.setattr(archives, "MAX_UNPACKED", 150_000)
    with asking(simulator) as client:
        image = reference(f"{NAME}/team/app@{digest}")
        client.config(image, "linux/amd64")
        host.add(faults.truncated("blob", times=2))
        assert client.os_release(image, "linux/amd64") == TWELVE
    assert fetched(host) == [digest_of(layer)] * 3


def test_a_layer_that_is_gone_is_not_found(simulator: Simulator, host: Host) -> None:
    layer = packed(tar({ETC: TWELVE}))
    digest = put(host, layer)
    del host.content.repository("team/app").blobs[digest_of(layer)]
    assert refusal(simulator, digest).failure is Failure.NOT_FOUND


def test_what_is_too_large_is_not_fetched(
    simulator: Simulator, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MAX_FETCHED", 100_000)
    top, base = packed(tar({ETC: TWELVE})), packed(tar({"blob": noise(100_000).hex()}))
    error = refusal(simulator, put(host, base, top))
    assert error.failure is Failure.UNSUPPORTED
    assert "too large to be looked into" in error.message
    assert fetched(host) == []


def test_too_many_layers_are_not_fetched(simulator: Simulator, host: Host) -> None:
    blobs = [tar({str(number): ""}) for number in range(layers.MAX_LAYERS + 1)]
    assert refusal(simulator, put(host, *blobs)).failure is Failure.UNSUPPORTED
    assert fetched(host) == []


def test_layers_of_other_kinds_are_not_fetched(simulator: Simulator, host: Host) -> None:
    error = refusal(simulator, put(host, tar({ETC: TWELVE}), kind=f"{LAYER}+encrypted"))
    assert "+encrypted" in error.message
    assert fetched(host) == []


def test_no_layer_below_the_file_is_fetched(simulator: Simulator, host: Host) -> None:
    base, middle, top = (packed(tar(one)) for one in ({ETC: TEN}, {ETC: TWELVE}, {"a": "b"}))
    assert ask(simulator, put(host, base, middle, top)) == TWELVE
    assert fetched(host) == [digest_of(top), digest_of(middle)]


def test_a_layer_is_fetched_once_for_all_images_for_ever(simulator: Simulator, host: Host) -> None:
    base = packed(tar(LINKED))
    one, other = (put(host, base, packed(tar({name: "x"}))) for name in ("a", "b"))
    cache = MemoryCache()
    assert ask(simulator, one, cache) == TWELVE
    assert ask(simulator, other, cache) == TWELVE
    assert len(fetched(host)) == 3
    host.log.clear()
    assert ask(simulator, one, cache) == TWELVE
    assert host.log == []


def test_a_layer_elsewhere_is_fetched_without_credentials(simulator: Simulator, host: Host) -> None:
    layer = packed(tar({ETC: TWELVE}, form=tarfile.GNU_FORMAT))
    digest = put(host, layer)
    host.require_tokens()
    storage = simulator.host("storage.test", content=host.content)
    host.add(faults.redirect(f"{storage.url}{{path}}", "blob"))
    assert ask(simulator, digest) == TWELVE
    assert storage.log
    assert all("authorization" not in one.headers for one in storage.log)


def test_windows_has_no_such_file_and_nothing_is_fetched(simulator: Simulator, host: Host) -> None:
    made = host.content.image("team/app", "1", "windows/amd64:10.0.20348.1", "linux/amd64")
    with asking(simulator) as client:
        image = reference(f"{NAME}/team/app@{made.digest}")
        assert client.os_release(image, "windows/amd64") is None
    assert fetched(host) == []


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b"[1,2,3]", b'[{"a":1},[],[]]', b'[{"a":["x","y"]},[],[]]', b"[{},[1],[]]"],
)
def test_what_was_never_kept_so_is_read_again(data: bytes) -> None:
    assert unpack_listing(data) is None


def test_what_is_kept_is_read_back() -> None:
    odd = "opt/\udcff/os-release"
    found = Listing({"etc": Node("link", odd), odd: Node("file", "ID=x")}, ["a"], [""])
    assert unpack_listing(pack_listing(found)) == found


_ENTRIES: dict[str, list[str]] = {
    ETC: ["ID=a\n", "ID=b\n", TO_USR, "-> /opt/os-release", "-> nowhere"],
    USR: ["ID=c\n", "ID=d\n", "-> ../../etc/os-release"],
    "opt/os-release": ["ID=e\n"],
    "etc/.wh.os-release": [""],
    ".wh.etc": [""],
    "usr/lib/.wh.os-release": [""],
    "usr/.wh.lib": [""],
    "usr/.wh..wh..opq": [""],
    ".wh..wh..opq": [""],
    "etc/.wh..wh..opq": [""],
}
_LAYERS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(texts) for name, texts in _ENTRIES.items()}
)


def applied(stack: list[dict[str, str]]) -> dict[str, str]:
    """Apply layers one upon the other as the specification says, removals first."""
    found: dict[str, str] = {}
    for layer in stack:
        for name in layer:
            parent, _, base = f"/{name}".rpartition("/")
            if base == ".wh..wh..opq":
                hidden = parent
            elif base.startswith(".wh."):
                hidden = f"{parent}/{base[4:]}"
            else:
                continue
            found = {
                path: text
                for path, text in found.items()
                if f"/{path}" != hidden and not f"/{path}".startswith(f"{hidden}/")
            }
        found |= {name: text for name, text in layer.items() if ".wh." not in name}
    return found


def followed(files: dict[str, str], path: str) -> str | None:
    """Follow the links of a tree of files; None where they lead nowhere, "" in a circle."""
    for _ in range(10):
        text = files.get(path)
        if text is None or not text.startswith("-> "):
            return text
        path = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), text[3:]))[1:]
    return ""


@given(st.lists(_LAYERS, max_size=5))
def test_layers_read_from_the_top_are_layers_applied_from_the_bottom(
    stack: list[dict[str, str]],
) -> None:
    listings = []
    for entries in stack:
        layer = tar(entries)
        reader = LayerReader(digest_of(layer), len(layer), "image", Budget())
        reader.take(layer)
        listings.append(reader.finish())
    view = layers.View(listings.__getitem__, len(listings), "image")
    files = applied(stack)
    for path in (ETC, USR):
        expected = followed(files, path)
        if expected == "":
            with pytest.raises(RegistryError, match="links lead to"):
                view.read(path)
        else:
            assert view.read(path) == expected
