from __future__ import annotations

import hashlib
import io
import tarfile
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.errors import Failure, RegistryError
from basekeeper.registry import archives
from basekeeper.registry.archives import Budget, Listing, Node
from basekeeper.registry.unpacking import LayerReader
from tests.fakes.tars import END, debian, file, header, noise, packed, pax, record, tar

if TYPE_CHECKING:
    from collections.abc import Iterable

TWELVE = debian(12)
FOUND = {"etc/os-release": Node("file", TWELVE)}


def read(layer: bytes, *, step: int = 65536, budget: Budget | None = None) -> Listing:
    return stream([layer[at : at + step] for at in range(0, len(layer), step)], budget)


def stream(pieces: Iterable[bytes], budget: Budget | None = None) -> Listing:
    """Read a layer that is what was announced."""
    whole = list(pieces)
    data = b"".join(whole)
    name = f"sha256:{hashlib.sha256(data).hexdigest()}"
    reader = LayerReader(name, len(data), "image", budget or Budget())
    for piece in whole:
        reader.take(piece)
    return reader.finish()


def refusal(layer: bytes, budget: Budget | None = None) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        read(layer, budget=budget)
    return caught.value


@pytest.mark.parametrize("name", ["etc/os-release", "./etc/os-release", "/etc//os-release"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("step", [1, 511, 65536])
@pytest.mark.parametrize("is_packed", [True, False])
def test_a_file_is_found_however_it_is_packed(
    name: str, form: int, step: int, *, is_packed: bool
) -> None:
    archive = tar({"etc": None, "etc/passwd": "x" * 2000, name: TWELVE, "usr/a": "b"}, form=form)
    found = read(packed(archive) if is_packed else archive, step=step)
    assert found.nodes == {"etc": Node("dir"), **FOUND}


def test_of_two_entries_for_one_path_the_later_counts() -> None:
    archive = file(b"etc/os-release", b"ID=first\n") + file(b"etc/os-release", TWELVE.encode())
    assert read(archive + END).nodes == FOUND


def test_what_leads_there_and_what_is_removed_is_kept() -> None:
    found = read(
        tar(
            {
                "lib": "-> usr/lib",
                "etc/os-release": "-> ../usr/lib/os-release",
                "usr/lib/os-release": "=> opt/os-release-fixed",
                "etc/.wh.os-release": "",
                "usr/.wh..wh..opq": "",
                "home/.wh..wh..opq": "",
                "home/.wh.me": "",
                "var/x": "-> etc/os-release",
            }
        )
    )
    assert found.nodes == {
        "lib": Node("link", "usr/lib"),
        "etc/os-release": Node("link", "../usr/lib/os-release"),
        "usr/lib/os-release": Node("hard", "opt/os-release-fixed"),
    }
    assert (found.gone, found.opaque) == (["etc/os-release"], ["usr"])


def test_a_link_takes_the_place_of_a_directory() -> None:
    found = read(tar({"etc/os-release": TWELVE, "etc": "-> elsewhere"}))
    assert found.nodes == {"etc": Node("link", "elsewhere")}


def test_several_streams_one_after_the_other_are_one_layer() -> None:
    archive = tar({"a": "x" * 5000, "etc/os-release": TWELVE})
    parts = [archive[at : at + 700] for at in range(0, len(archive), 700)]
    assert read(b"".join(map(packed, parts))).nodes == FOUND


def test_long_names_of_both_kinds_are_read() -> None:
    deep = "d" * 120 + "/os-release"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        found = read(tar({deep: TWELVE, "etc/os-release": f"-> /{deep}"}, form=form))
        assert found.nodes[deep] == Node("file", TWELVE)
        assert found.nodes["etc/os-release"] == Node("link", f"/{deep}")


def test_a_size_in_a_pax_header_counts() -> None:
    content = TWELVE.encode()
    entry = header(b"etc/os-release", 0) + content + bytes(-len(content) % 512)
    assert read(pax(size=b"%d" % len(content)) + entry + END).nodes == FOUND


def test_a_number_in_binary_is_read() -> None:
    content = TWELVE.encode()
    size = b"\x80" + len(content).to_bytes(11, "big")
    entry = header(b"etc/os-release", size) + content + bytes(-len(content) % 512)
    assert read(entry + END).nodes == FOUND


def test_a_header_for_the_whole_archive_changes_nothing() -> None:
    archive = file(b"g", record(b"path", b"etc/os-release"), b"g") + file(b"a", b"b")
    assert read(archive + END) == Listing({}, [], [])


def test_what_is_no_small_file_cannot_be_read() -> None:
    long = file(b"etc/os-release", b"x" * (archives.MAX_FILE + 1))
    pipe = header(b"usr/lib/os-release", kind=b"6")
    found = read(long + pipe + END).nodes
    assert found == dict.fromkeys(("etc/os-release", "usr/lib/os-release"), Node("other"))


def sparse(chain: int) -> bytes:
    """An old sparse file with a chain of maps."""
    head = bytearray(header(b"etc/os-release", 512, b"S"))
    head[482] = 1
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    block = bytearray(512)
    block[504] = 1
    return bytes(head) + bytes(block) * chain + bytes(512) + b"x" * 512


def test_sparse_files_are_passed_over_and_never_read() -> None:
    after = file(b"usr/lib/os-release", TWELVE.encode())
    found = read(sparse(3) + after + END).nodes
    assert found["etc/os-release"] == Node("other")
    assert found["usr/lib/os-release"] == Node("file", TWELVE)
    records = record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.name", b"etc/os-release")
    modern = file(b"x", records, b"x") + file(b"GNUSparseFile.0/os-release", b"1\n0\n512\n")
    assert read(modern + END).nodes == {"etc/os-release": Node("other")}


def test_an_archive_may_lack_its_end_mark_and_be_empty() -> None:
    assert read(file(b"etc/os-release", TWELVE.encode())).nodes == FOUND
    assert read(b"").nodes == {}
    assert read(packed(END)).nodes == {}


def test_nothing_after_the_end_mark_counts() -> None:
    archive = tar({"etc/os-release": TWELVE}) + file(b"etc/os-release", b"ID=evil\n")
    assert read(archive).nodes == FOUND
    assert read(packed(archive) + b"garbage").nodes == FOUND


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (b"no archive at all, but text" * 40, "no tar archive"),
        (b"\x1f\x8bnonsense" * 10, "no valid gzip"),
        (packed(b"<html>" * 200), "no tar archive"),
        (tar({"a": "b" * 2000})[:1500], "ends too early"),
        (packed(tar({"a": noise(3000).hex()}))[:1500], "ends too early"),
        (packed(header(b"a"))[:5], "ends too early"),
        (b"ab", "ends too early"),
        (bytes(512) + file(b"a", b"b") + END, "no tar archive"),
        (packed(header(b"a") + b"") + b"garbage", "no valid gzip"),
        (file(b"a/../etc/os-release", b"ID=x\n") + END, "leads upwards"),
        (file(b"../../etc/os-release", b"ID=x\n") + END, "leads upwards"),
        (file(b"../x", b"") + END, "leads upwards"),
        (pax(path=b"a" * 5000) + header(b"a") + END, "no valid name"),
        (pax(path=b"etc/os-release\0x") + header(b"a") + END, "no valid name"),
        (header(b"a", b"9" * 11 + b"\0") + END, "no valid size"),
        (header(b"a", b"-1" + bytes(10)) + END, "no valid size"),
        (header(b"a", b"0x1" + bytes(9)) + END, "no valid size"),
        (header(b"a", b"\xff" * 12) + END, "no valid size"),
        (pax(size=b"-5") + header(b"a") + END, "no valid size"),
        (pax(size=b"9" * 40) + header(b"a") + END, "no valid size"),
        (header(b"a", b"\x80" + b"\xff" * 11) + END, "ends too early"),
        (header(b"x", archives.MAX_EXTRA + 1, b"x"), "longer than"),
        (header(b"x", archives.MAX_EXTRA + 1, b"L"), "longer than"),
        (file(b"x", b"nonsense", b"x") + header(b"a"), "pax header is malformed"),
        (file(b"x", b"0 a=b\n", b"x") + header(b"a"), "pax header is malformed"),
        (file(b"x", b"99 a=b\n", b"x") + header(b"a"), "pax header is malformed"),
        (file(b"x", b"-5 a=b\n", b"x") + header(b"a"), "pax header is malformed"),
        (file(b"x", b"5 ab\n", b"x") + header(b"a"), "pax header is malformed"),
        (sparse(2)[:1200], "ends too early"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_layer_is_refused(layer: bytes, reason: str) -> None:
    error = refusal(layer)
    assert reason in error.message
    assert error.failure is Failure.REFUSED


def test_content_of_another_digest_or_size_is_not_believed() -> None:
    layer = packed(tar({"etc/os-release": TWELVE}))
    name = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    for digest, size in ((f"sha256:{'0' * 64}", len(layer)), (name, len(layer) + 1)):
        reader = LayerReader(digest, size, "image", Budget())
        reader.take(layer)
        with pytest.raises(RegistryError, match="does not have the digest") as caught:
            reader.finish()
        assert caught.value.failure is Failure.REFUSED


def test_zstd_is_not_supported_and_says_so() -> None:
    error = refusal(b"\x28\xb5\x2f\xfd" + bytes(600))
    assert error.failure is Failure.UNSUPPORTED
    assert "zstd" in error.message


def bomb(count: int) -> list[bytes]:
    """A gzip stream of so many MiB of zeros, as the content of one file."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    pieces = [packer.compress(header(b"zeros", count << 20))]
    pieces += [packer.compress(bytes(1 << 20)) for _ in range(count)]
    return [*pieces, packer.flush()]


@pytest.mark.slow
def test_a_bomb_costs_no_more_than_its_budget_and_little_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED", 100 << 20)
    pieces = bomb(101)
    tracemalloc.start()
    try:
        with pytest.raises(RegistryError, match="unpack to more") as caught:
            stream([b"".join(pieces)])
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.failure is Failure.UNSUPPORTED
    assert stream(bomb(90)) == Listing({}, [], [])


def test_an_endless_archive_ends_with_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED", 20 << 20)
    block = tar({"a": "b" * 1000})[:1536]
    assert "unpack to more" in refusal(block * (30 << 20 >> 10)).message


@pytest.mark.slow
def test_a_million_entries_are_too_many() -> None:
    layer = packed(header(b"a") * 10_000) * 100
    error = refusal(layer)
    assert "more than 200,000 entries" in error.message
    assert error.failure is Failure.UNSUPPORTED


@pytest.mark.parametrize(
    "layer", [sparse(60), b"".join(packed(b"") for _ in range(60))], ids=["maps", "gzip"]
)
def test_chains_count_as_entries(layer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRIES", 50)
    assert "more than 50 entries" in refusal(layer).message


def test_reading_ends_with_its_time() -> None:
    times = iter([0.0, 1.0, 61.0])
    budget = Budget(lambda: next(times))
    assert "not read in 60 s" in refusal(tar({"a": "b" * 200_000}), budget).message


@pytest.mark.parametrize(
    "names",
    [
        [f"{number}/os-release" for number in range(archives.MAX_KEPT + 1)],
        [f".wh.release-{number}" for number in range(archives.MAX_NODES + 1)],
    ],
)
def test_more_of_the_same_name_than_any_image_has_is_too_much(names: list[str]) -> None:
    assert refusal(tar(dict.fromkeys(names, ""))).failure is Failure.UNSUPPORTED


def test_many_links_of_the_name_are_too_much() -> None:
    links = {f"{number}/os-release": "-> x" for number in range(archives.MAX_NODES + 1)}
    assert refusal(tar(links)).failure is Failure.UNSUPPORTED


def test_memory_stays_flat_however_large_a_layer_is() -> None:
    rows = [file(b"%d/os-release" % number, b"x" * archives.MAX_FILE) for number in range(32)]
    extra = pax(comment=b"c" * (archives.MAX_EXTRA - 100)) + header(b"a")
    blob = noise(1 << 20)
    layer = b"".join([*rows, extra * 8, *[file(b"noise", blob)] * 16, END])
    pieces = [layer[at : at + 65536] for at in range(0, len(layer), 65536)]
    name = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    tracemalloc.start()
    try:
        reader = LayerReader(name, len(layer), "image", Budget())
        for piece in pieces:
            reader.take(piece)
        assert len(reader.finish().nodes) == 32
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=3000), st.booleans(), st.integers(1, 700))
def test_any_bytes_are_read_or_refused(data: bytes, is_packed: bool, step: int) -> None:  # noqa: FBT001
    try:
        found = read(packed(data) if is_packed else data, step=step)
    except RegistryError:
        return
    assert isinstance(found, Listing)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused(at: int, value: int) -> None:
    changed = bytearray(pax(path=b"etc/os-release") + file(b"a", TWELVE.encode()) + sparse(1) + END)
    changed[at % len(changed)] = value
    try:
        read(bytes(changed))
    except RegistryError:
        return


_NAMES = st.sampled_from(["etc/os-release", "usr/lib/os-release", "a/b", "é" * 60 + "/c"])


@given(st.dictionaries(_NAMES, st.none() | st.text(max_size=600), max_size=5), st.integers(1, 600))
def test_files_are_read_as_the_standard_library_reads_them(
    entries: dict[str, str | None], step: int
) -> None:
    entries = {name: text and f"#{text}" for name, text in entries.items()}
    archive = tar(entries)
    found = read(archive, step=step).nodes
    with tarfile.open(fileobj=io.BytesIO(archive)) as other:
        for entry in other:
            content = other.extractfile(entry)
            if entry.name.endswith("os-release") and content is not None:
                assert found[entry.name].text == content.read().decode()
