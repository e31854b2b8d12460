from __future__ import annotations

import gzip
import io
import tarfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.errors import InputError
from basekeeper.refresh.archive import MAX_EXTENSION, MAX_UNPACKED, Archive
from tests.fakes.officiallist import COMMIT, archive, member

WHEN = datetime(2026, 11, 25, 12, tzinfo=UTC)
SMALL = {"alpine": ["3.24 latest"], "debian": ["trixie latest", "bookworm"]}


def walk(data: bytes, most: int = 10_000) -> dict[str, bytes]:
    """Everything in an archive."""
    return {one.name: content for one, content in Archive(data).members(lambda _: True, most)}


def made(*entries: tuple[tarfile.TarInfo, bytes], **more: object) -> bytes:
    return archive({}, WHEN, more=entries, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["w:gz", "w"])
@pytest.mark.parametrize("style", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_gives_what_tar_wrote(mode: str, style: int) -> None:
    long = f"{'d' * 90}/{'e' * 90}"
    data = archive(SMALL, WHEN, more=[member(long, b"x" * 600, when=WHEN)], mode=mode, format=style)
    found = walk(data)
    assert found[long] == b"x" * 600
    assert found["official-images-master/library/alpine"].startswith(b"# this file")
    assert "official-images-master/library/debian" in found


def test_long_targets_of_links_are_passed_over() -> None:
    link = member("link", when=WHEN, kind=tarfile.SYMTYPE, to="t" * 200)
    found = walk(made(link, member("x", b"x", when=WHEN), format=tarfile.GNU_FORMAT))
    assert (found["link"], found["x"]) == (b"", b"x")


def test_tells_the_kind_time_and_commit() -> None:
    opened = Archive(archive(SMALL, WHEN))
    every = [one for one, _ in opened.members(lambda _: True, 10_000)]
    found = {one.name.rstrip("/").rpartition("/")[2]: one for one in every}
    assert opened.comment == COMMIT
    assert found["alpine"].is_file
    assert found["alpine"].modified == int(WHEN.timestamp())
    assert found["library"].is_directory
    assert not found[".dockerignore"].is_file
    assert not found[".dockerignore"].is_directory


def test_passes_over_what_is_not_wanted_without_holding_it() -> None:
    data = made(member("big", bytes(3_000_000), when=WHEN), member("small", b"s", when=WHEN))
    wanted = Archive(data).members(lambda one: one.name == "small", 10)
    assert [content for _, content in wanted] == [b"s"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "a\\b", "a/.."])
def test_refuses_a_name_that_leads_outside(name: str) -> None:
    with pytest.raises(InputError, match="an entry outside of it"):
        walk(made(member(name, b"x", when=WHEN)))


def test_an_entry_that_is_wanted_must_fit() -> None:
    with pytest.raises(InputError, match="'x' is larger than 10000 bytes"):
        walk(made(member("x", bytes(10_001), when=WHEN)))


def test_a_bomb_is_unpacked_up_to_the_limit() -> None:
    bomb = gzip.compress(bytes(512) + b"x" + bytes(MAX_UNPACKED), 9)
    with pytest.raises(InputError, match=f"unpacks to more than {MAX_UNPACKED} bytes"):
        walk(bomb)


def test_a_bomb_in_one_entry_is_not_held() -> None:
    info, _ = member("x", when=WHEN)
    info.size = MAX_UNPACKED + 1
    data = gzip.compress(info.tobuf() + bytes(MAX_UNPACKED + 1), 1)
    with pytest.raises(InputError, match="unpacks to more than"):
        list(Archive(data).members(lambda _: False, 10))


def test_refuses_too_many_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("basekeeper.refresh.archive.MAX_MEMBERS", 5)
    with pytest.raises(InputError, match="more than 5 entries"):
        walk(archive(SMALL, WHEN))


def header(**changes: object) -> bytes:
    """A header that tarfile would not write, with a checksum that is right."""
    block = bytearray(member("x", when=WHEN)[0].tobuf())
    for place, value in changes.items():
        start = {"kind": 156, "size": 124, "modified": 136}[place]
        assert isinstance(value, bytes)
        block[start : start + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "ends too early"),
        (b"<html>busy</html>", "ends too early"),
        (b"<html>" + b"x" * 1000, "is no archive"),
        (b"\x1f\x8bnothing", "cannot be unpacked"),
        (header(kind=b"9") + bytes(1024), "an unknown kind b'9'"),
        (header(kind=b"S") + bytes(1024), "an unknown kind b'S'"),
        (header(size=b"\x80" + bytes(11)) + bytes(1024), "is no archive"),
        (header(size=b"-0000000001\0") + bytes(1024), "is no archive"),
        (header(size=b"00000000009\0") + bytes(1024), "is no archive"),
        (header(size=b"00000002000\0") + bytes(1024), "ends too early"),
        (header(kind=b"x", size=b"00000200001\0") + bytes(1024), f"more than {MAX_EXTENSION} b"),
        (header(kind=b"x", size=b"00000000005\0") + b"5 a=b".ljust(1024, b"\0"), "cannot be read"),
        (header(kind=b"x", size=b"00000000003\0") + b"abc".ljust(1024, b"\0"), "cannot be read"),
        (
            header(kind=b"x", size=b"00000000012\0") + b"10 size=9\n".ljust(1024, b"\0"),
            "says other sizes or names",
        ),
        (
            header(kind=b"g", size=b"00000000012\0") + b"10 path=y\n".ljust(1024, b"\0"),
            "says other sizes or names",
        ),
        (
            header(kind=b"L", size=b"00000000002\0") + b"\xff\xfe".ljust(512, b"\0") + header(),
            "a name that is not UTF-8",
        ),
        (
            header(kind=b"L", size=b"00000000004\0") + b"../x".ljust(512, b"\0") + header(),
            "an entry outside of it: '../x'",
        ),
    ],
)
def test_refuses_what_is_no_archive(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        walk(data)
    assert message in caught.value.message


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_refuses_an_archive_that_is_cut_off(kept: float) -> None:
    data = archive(SMALL, WHEN)
    with pytest.raises(InputError, match="too early"):
        walk(data[: int(len(data) * kept)])


def test_compares_the_checksum_at_the_end() -> None:
    data = bytearray(archive(SMALL, WHEN))
    data[-6] ^= 1
    with pytest.raises(InputError, match="cannot be unpacked"):
        walk(bytes(data))


@given(st.data())
def test_whatever_is_changed_ends_well_or_as_our_error(data: st.DataObject) -> None:
    good = bytearray(archive(SMALL, WHEN, mode="w"))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(good) - 1))
        good[place] = data.draw(st.integers(0, 255))
    try:
        found = walk(bytes(good))
    except InputError:
        return
    assert all(".." not in name.split("/") and not name.startswith("/") for name in found)


@given(st.binary(max_size=2000))
def test_any_bytes_end_well_or_as_our_error(data: bytes) -> None:
    for packed in (data, gzip.compress(data), b"\x1f\x8b" + data):
        try:
            walk(packed)
        except InputError:
            continue


def test_reads_names_in_extended_headers() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        info, content = member(f"top/library/{'é' * 60}", b"x", when=WHEN)
        tar.addfile(info, io.BytesIO(content))
    assert list(walk(out.getvalue())) == [f"top/library/{'é' * 60}"]
