"""Single answers that are wrong or strange, byte for byte: what is made of each, and whether the
connection is used again. Servers in the way may read the same bytes otherwise (request smuggling),
so what is ambiguous must never decide where the next answer begins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basekeeper.errors import NetworkError
from basekeeper.transport.client import Limits, Response, Transport
from basekeeper.transport.deadline import Deadline
from basekeeper.transport.heads import read_plain
from basekeeper.transport.thorough import ThoroughReader
from basekeeper.transport.wire import Garbled
from tests.fakes.loopback import read_head, serve_raw

if TYPE_CHECKING:
    import socket

LIMITS = Limits(timeout=2, total=5, retries=0)

OK = b"HTTP/1.1 200 OK\r\n"
NEXT = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"


class Got(NamedTuple):
    """What came of an answer, and of the question after it."""

    first: Response | str
    """The answer, or the reason why there is none."""
    is_reused: bool
    """The next question went over the same connection."""


def asked(raw: bytes, method: str = "GET", *, in_pieces: bool = False) -> Got:
    """Ask a server that answers so, and then something else."""

    def talk(sock: socket.socket) -> None:
        if b"/first" in read_head(sock):
            if in_pieces:
                for at in range(len(raw)):
                    sock.sendall(raw[at : at + 1])
            else:
                sock.sendall(raw)
            if until_end(raw):
                return
            read_head(sock)
        sock.sendall(NEXT)
        read_head(sock)

    with (
        serve_raw(talk) as server,
        Transport(LIMITS, allow_http=(server.host,), environ={}) as client,
    ):
        first: Response | str
        try:
            ask = client.get if method == "GET" else client.head
            first = ask(f"{server.url}/first")
        except NetworkError as error:
            first = error.reason or error.message
        after = client.get(f"{server.url}/second")
        assert (after.status, after.body) == (200, b"next")
        return Got(first, is_reused=server.connections == 1)


def until_end(raw: bytes) -> bool:
    """Tell whether an answer ends with the connection."""
    return b"length:" not in raw.lower() and b"chunked" not in raw


def length(*values: bytes) -> bytes:
    return b"".join(b"Content-Length: %b\r\n" % value for value in values)


CODING = b"Transfer-Encoding: chunked\r\n"
CHUNKED = OK + CODING

REFUSED = [
    pytest.param(OK + length(b"2", b"3") + b"\r\nabc", "conflicting", id="two lengths"),
    pytest.param(OK + length(b"2, 3") + b"\r\nabc", "conflicting", id="two lengths in one line"),
    pytest.param(OK + length(b"+2") + b"\r\nab", "bad Content-Length", id="signed length"),
    pytest.param(OK + length(b"-2") + b"\r\nab", "bad Content-Length", id="negative length"),
    pytest.param(OK + length(b"0x2") + b"\r\nab", "bad Content-Length", id="length in hex"),
    pytest.param(OK + length(b"2_0") + b"\r\n" + b"a" * 20, "bad Content-Length", id="underscore"),
    pytest.param(OK + length(b"2 0") + b"\r\n" + b"a" * 20, "bad Content-Length", id="two numbers"),
    pytest.param(OK + length(b"\xb2") + b"\r\nab", "bad Content-Length", id="superscript two"),
    pytest.param(OK + length(b"") + b"\r\n", "bad Content-Length", id="empty length"),
    pytest.param(OK + length(b"1" * 30) + b"\r\n", "bad Content-Length", id="giant length"),
    pytest.param(OK + b"Content-Length : 2\r\n\r\nab", "illegal header", id="space before colon"),
    pytest.param(OK + b"Content Length: 2\r\n\r\nab", "illegal header", id="space in a name"),
    pytest.param(OK + b"X-\x80: 2\r\n" + length(b"0") + b"\r\n", "illegal header", id="name"),
    pytest.param(OK + b": 2\r\n" + length(b"0") + b"\r\n", "illegal header", id="no name"),
    pytest.param(OK + b"X\r\n" + length(b"0") + b"\r\n", "illegal header", id="no colon"),
    pytest.param(OK + b"X: a\0b\r\n" + length(b"0") + b"\r\n", "illegal header", id="zero byte"),
    pytest.param(OK + b"X: a\rb\r\n" + length(b"0") + b"\r\n", "illegal header", id="bare CR"),
    pytest.param(OK + b"X: a\x0bb\r\n" + length(b"0") + b"\r\n", "illegal header", id="tab down"),
    pytest.param(OK + b" X: 1\r\n" + length(b"0") + b"\r\n", "continuation", id="fold at first"),
    pytest.param(
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "chunked is sup",
        id="codings",
    ),
    pytest.param(
        OK + b"Transfer-Encoding: identity\r\n\r\nabc", "chunked is supported", id="identity"
    ),
    pytest.param(
        OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "chunked is supported", id="x"
    ),
    pytest.param(CHUNKED + CODING + b"\r\n0\r\n\r\n", "multiple", id="chunked twice"),
    pytest.param(CHUNKED + b"\r\n-1\r\n", "illegal chunk header", id="negative chunk"),
    pytest.param(CHUNKED + b"\r\n0x1\r\na\r\n", "illegal chunk header", id="chunk with 0x"),
    pytest.param(CHUNKED + b"\r\n" + b"f" * 21 + b"\r\n", "illegal chunk", id="giant chunk"),
    pytest.param(CHUNKED + b"\r\n" + b"f" * 16 + b"\r\nab", "peer closed|in time", id="endless"),
    pytest.param(CHUNKED + b"\r\n1\r\nabc\r\n0\r\n\r\n", "malformed chunk", id="longer chunk"),
    pytest.param(CHUNKED + b"\r\n0\r\nX\0: 1\r\n\r\n", "illegal header", id="trailer"),
    pytest.param(b"HTTP/2 200 OK\r\n" + length(b"0") + b"\r\n", "status line", id="version 2"),
    pytest.param(b"HTTP/1.1 20 OK\r\n" + length(b"0") + b"\r\n", "status line", id="two digits"),
    pytest.param(b"HTTP/1.1 2000 OK\r\n" + length(b"0") + b"\r\n", "status line", id="four digits"),
    pytest.param(b"HTTP/1.1  200 OK\r\n" + length(b"0") + b"\r\n", "status line", id="two spaces"),
    pytest.param(b"http/1.1 200 OK\r\n" + length(b"0") + b"\r\n", "status line", id="lower case"),
    pytest.param(b"ICY 200 OK\r\n" + length(b"0") + b"\r\n", "status line", id="another protocol"),
    pytest.param(b"HTTP/1.1 200 O\0K\r\n" + length(b"0") + b"\r\n", "status line", id="zero"),
    pytest.param(b"\r\n" + OK + length(b"2") + b"\r\nab", "no response line", id="empty line"),
    pytest.param(b"HTTP/1.1 099 No\r\n" + length(b"0") + b"\r\n", "status", id="status below 100"),
]


@pytest.mark.parametrize(("raw", "match"), REFUSED)
def test_what_is_no_http_is_refused_and_its_connection_ended(raw: bytes, match: str) -> None:
    first, is_reused = asked(raw)
    assert isinstance(first, str), first
    assert re.search(match, first), first
    assert not is_reused


@pytest.mark.parametrize(("raw", "match"), REFUSED)
def test_a_head_alone_is_judged_as_that_of_an_answer(raw: bytes, match: str) -> None:
    first, is_reused = asked(raw, "HEAD")
    assert not is_reused
    if raw.startswith(CHUNKED + b"\r\n"):  # what is wrong comes after the head
        assert isinstance(first, Response)
        assert (first.status, first.body) == (200, b"")
    else:
        assert isinstance(first, str), first
        assert re.search(match, first), first


TAKEN = [
    pytest.param(OK + length(b"2", b"2") + b"\r\nab", b"ab", True, id="the same length twice"),
    pytest.param(OK + length(b"2, 2") + b"\r\nab", b"ab", True, id="the same in one line"),
    pytest.param(OK + length(b"02") + b"\r\nab", b"ab", True, id="leading zero"),
    pytest.param(OK + length(b"\t 2 \t") + b"\r\nab", b"ab", True, id="blanks around"),
    pytest.param(OK + b"content-LENGTH:2\r\n\r\nab", b"ab", True, id="no blank"),
    pytest.param(OK + length(b"2") + b"X: a\r\n b\r\n\r\nab", b"ab", True, id="folded line"),
    pytest.param(OK.replace(b"\r", b"") + b"Content-Length: 2\n\nab", b"ab", True, id="bare LF"),
    pytest.param(OK + b"Content-Length: 2\n\r\nab", b"ab", True, id="one bare LF"),
    pytest.param(OK + length(b"2") + b"Connection: close\r\n\r\nab", b"ab", False, id="close"),
    pytest.param(
        OK + length(b"2") + b"Connection: keep-alive, Close\r\n\r\nab", b"ab", False, id="close 2"
    ),
    pytest.param(
        OK + length(b"2") + b"Connection: Keep-Alive\r\n\r\nab", b"ab", True, id="keep-alive"
    ),
    pytest.param(b"HTTP/1.0 200 OK\r\n" + length(b"2") + b"\r\nab", b"ab", False, id="1.0"),
    pytest.param(b"HTTP/1.1 200\r\n" + length(b"2") + b"\r\nab", b"ab", True, id="no reason"),
    pytest.param(b"HTTP/1.1 200 \xe4\r\n" + length(b"2") + b"\r\nab", b"ab", True, id="reason"),
    pytest.param(OK + b"\r\nab", b"ab", False, id="up to the end"),
    pytest.param(OK + b"X:\r\n" + length(b"2") + b"\r\nab", b"ab", True, id="empty value"),
    pytest.param(OK + b"X: \xff\r\n" + length(b"2") + b"\r\nab", b"ab", True, id="byte above 127"),
    pytest.param(OK + b"X: a\x01\r\n" + length(b"2") + b"\r\nab", b"ab", True, id="control byte"),
    pytest.param(CHUNKED + length(b"9") + b"\r\n1\r\na\r\n0\r\n\r\n", b"a", False, id="both"),
    pytest.param(
        length(b"9").join([OK, CODING]) + b"\r\n1\r\na\r\n0\r\n\r\n", b"a", False, id="both turned"
    ),
    pytest.param(CHUNKED + b'\r\n1;a=b;c="d"\r\na\r\n0\r\n\r\n', b"a", True, id="extensions"),
    pytest.param(
        CHUNKED + b"\r\n1\r\na\r\n0\r\n" + length(b"5") + b"\r\n", b"a", True, id="trailer"
    ),
    pytest.param(CHUNKED + b"\r\n01\r\na\r\n000\r\n\r\n", b"a", True, id="zeros before a size"),
    pytest.param(CHUNKED + b"\r\n0\r\n\r\n", b"", True, id="no chunk"),
    pytest.param(b"HTTP/1.1 204 No\r\n" + length(b"2") + b"\r\n", b"", True, id="204"),
    pytest.param(b"HTTP/1.1 304 No\r\n" + length(b"2") + b"\r\n", b"", True, id="304"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + NEXT, b"next", True, id="100 before"),
    pytest.param(b"HTTP/1.1 999 Odd\r\n" + length(b"2") + b"\r\nab", b"ab", True, id="999"),
]


@pytest.mark.parametrize("in_pieces", [False, True], ids=["at once", "byte by byte"])
@pytest.mark.parametrize(("raw", "found", "is_reused"), TAKEN)
def test_what_can_be_read_in_one_way_is_taken(
    raw: bytes,
    found: bytes,
    is_reused: bool,  # noqa: FBT001  # a column of the table
    in_pieces: bool,  # noqa: FBT001
) -> None:
    got = asked(raw, in_pieces=in_pieces)
    assert isinstance(got.first, Response), got.first
    assert (got.first.body, got.is_reused) == (found, is_reused)


# At once alone: in pieces what is too much may come only after the next question is asked.
SURPLUS = [
    pytest.param(OK + length(b"2") + b"\r\nabc", b"ab", id="a byte more"),
    pytest.param(OK + length(b"2") + b"\r\nab" + NEXT, b"ab", id="an answer more"),
    pytest.param(CHUNKED + b"\r\n0\r\n\r\n" + NEXT, b"", id="an answer after the chunks"),
    pytest.param(b"HTTP/1.1 204 No\r\n" + length(b"2") + b"\r\nab", b"", id="204 body"),
]


@pytest.mark.parametrize(("raw", "found"), SURPLUS)
def test_more_than_an_answer_ends_the_connection(raw: bytes, found: bytes) -> None:
    got = asked(raw)
    assert isinstance(got.first, Response), got.first
    assert (got.first.body, got.is_reused) == (found, False)


def test_a_body_after_a_head_alone_ends_the_connection() -> None:
    first, is_reused = asked(OK + length(b"2") + b"\r\nab", "HEAD")
    assert isinstance(first, Response)
    assert (first.body, first.headers["content-length"], is_reused) == (b"", "2", False)


def test_repeated_headers_are_joined_and_their_names_in_lower_case() -> None:
    raw = OK + b"Warning: a\r\nLink: </x>\r\nWARNING:b \r\n" + length(b"0") + b"\r\n"
    first, _ = asked(raw)
    assert isinstance(first, Response)
    assert first.headers == {"warning": "a, b", "link": "</x>", "content-length": "0"}


_STATUS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 204 ",
        b"HTTP/1.1 304",
        b"HTTP/1.1 404 \xe4\t",
        b"HTTP/1.1 999 x",
    ]
)
_LINE = st.sampled_from(
    [
        b"Content-Length: 1", b"content-length:1 ", b"Content-Length: 01", b"Content-Length: 2",
        b"Content-Length: 1, 1", b"Content-Length: 1_0", b"Content-Length:", b"Content-Length:\xb2",
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Connection: close", b"X:\x85",
        b"Connection: keep-alive, CLOSE ,x", b"Connection: closed", b"X: \x1f",
        b"Connection: \xa0close", b"X: a\x85b\xa0", b"X: a\x7f", b"X :1", b" fold", b"\tfold", b"X",
        b":", b"X: \0", b"X: \x0b", b"X: \x1c1", b"connection: upgrade", b"",
    ]
)  # fmt: skip
_END = st.sampled_from([b"\r\n"] * 9 + [b"\n", b"\r", b"\x0b\r\n"])
_BODY = st.sampled_from([b"", b"a", b"ab", b"abc", b"0\r\n\r\n", b"\r\n\r\n"])


@given(
    status=_STATUS,
    lines=st.lists(st.tuples(_LINE, _END), max_size=4),
    body=_BODY,
    method=st.sampled_from(["GET", "HEAD", "POST"]),
)
@settings(max_examples=1000, deadline=None)
def test_a_plain_head_is_one_that_h11_reads_likewise(
    status: bytes, lines: list[tuple[bytes, bytes]], body: bytes, method: str
) -> None:
    whole = b"".join(line + end for line, end in lines)
    data = status + b"\r\n" + whole + b"\r\n" + body
    plain = read_plain(data, method)
    if plain is None:
        return
    reader = ThoroughReader(method, data, lambda _: b"")
    deadline = Deadline(60, 60)
    assert reader.head(deadline) == plain.head
    rest = data[plain.end :]
    found = bytearray()
    try:
        for piece in reader.pieces(deadline):
            found += piece
    except Garbled:
        assert len(rest) < plain.length
    else:
        assert found == rest[: plain.length]
        assert len(found) == plain.length
        assert reader.is_done == (not plain.is_last and len(rest) == plain.length)


@pytest.mark.parametrize(("raw", "_match"), REFUSED)
def test_nothing_that_h11_refuses_is_plain(raw: bytes, _match: str) -> None:
    assert read_plain(raw, "GET") is None
