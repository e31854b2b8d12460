from __future__ import annotations

import socket
import ssl
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from basekeeper.errors import NetworkError, TransportError
from basekeeper.transport.client import HostOptions, Limits, Transport
from tests.fakes.loopback import Answer, serve, serve_raw
from tests.fakes.registry.certificates import Certificates, make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.loopback import Loopback

LIMITS = Limits(timeout=5, retries=2)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def secure(certificates: Certificates) -> Iterator[Loopback]:
    with serve(server_context(certificates)) as loopback:
        loopback.put("/x", Answer(b"hello"))
        yield loopback


def server_context(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.chain, certificates.key)
    return context


def get(secure: Loopback, host: str, options: HostOptions) -> bytes:
    with Transport(
        LIMITS,
        hosts={host: options},
        resolve=lambda _: ("127.0.0.1",),
        sleep=lambda _: None,
        environ={},
    ) as client:
        bodies = {client.get(f"https://{host}:{secure.port}/x").body for _ in range(2)}
    return bodies.pop()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_an_authority_of_the_host_s_own_is_trusted(
    secure: Loopback, certificates: Certificates, host: str
) -> None:
    options = HostOptions(private=True, ca_file=str(certificates.authority))
    assert get(secure, host, options) == b"hello"
    assert secure.connections == 1


def test_without_it_the_connection_is_refused_and_not_repeated(secure: Loopback) -> None:
    with pytest.raises(TransportError, match=r"localhost: .*certificate") as caught:
        get(secure, "localhost", HostOptions(private=True))
    assert "authority" in (caught.value.hint or "")
    assert not isinstance(caught.value, NetworkError)
    assert secure.connections == 1
    assert secure.requests == []


def test_the_certificate_must_be_for_the_name_that_was_asked_for(
    secure: Loopback, certificates: Certificates
) -> None:
    options = HostOptions(private=True, ca_file=str(certificates.authority))
    with pytest.raises(TransportError, match=r"registry\.example.* not valid for"):
        get(secure, "registry.example", options)
    assert secure.requests == []


@pytest.mark.parametrize(
    ("names", "years", "message"),
    [
        (("localhost",), range(2020, 2080), None),
        (("localhost",), range(2020, 2021), "certificate has expired"),
        (("localhost",), range(2079, 2080), "certificate is not yet valid"),
        ((), range(2020, 2080), "not valid for 'localhost'"),
        (("*",), range(2020, 2080), "not valid for 'localhost'"),
    ],
)
def test_a_certificate_holds_for_its_alternative_names_in_its_time(
    tmp_path: Path, names: tuple[str, ...], years: range, message: str | None
) -> None:
    path = str(_self_signed(tmp_path, names, years))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with serve(context) as server:
        server.put("/x", Answer(b"hello"))
        refused = pytest.raises(TransportError, match=message) if message else nullcontext()
        with refused:
            assert get(server, "localhost", HostOptions(private=True, ca_file=path)) == b"hello"
    assert bool(server.requests) is (message is None)


def _self_signed(folder: Path, names: tuple[str, ...], years: range) -> Path:
    """Make a certificate that calls itself localhost in its subject, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(years.start, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(years.stop, 1, 1, tzinfo=UTC))
    )
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
    pem = serialization.Encoding.PEM
    path = folder / "own.pem"
    path.write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def test_checks_can_be_switched_off_for_a_host_alone(secure: Loopback) -> None:
    options = HostOptions(private=True, verify_tls=False)
    assert get(secure, "registry.example", options) == b"hello"
    hosts = {"localhost": options, "127.0.0.1": HostOptions(private=True)}
    with Transport(LIMITS, hosts=hosts, environ={}) as client:
        assert client.get(f"https://localhost:{secure.port}/x").is_success
        with pytest.raises(TransportError, match="certificate"):
            client.get(f"https://127.0.0.1:{secure.port}/x")


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_of_authorities_that_cannot_be_used_is_named(
    secure: Loopback, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    options = HostOptions(private=True, ca_file=str(path))
    with pytest.raises(TransportError, match=r"ca\.pem'") as caught:
        get(secure, "localhost", options)
    assert caught.value.hint is not None


def test_a_file_of_authorities_that_no_system_could_have_is_named(secure: Loopback) -> None:
    options = HostOptions(private=True, ca_file="a\0b")
    with pytest.raises(TransportError, match=r"cannot use the file of authorities .*null"):
        get(secure, "localhost", options)


def test_a_name_is_looked_up_once_and_the_judged_address_connected_to(
    secure: Loopback,
) -> None:
    answers = iter([("127.0.0.1",), ("169.254.169.254",)])
    hosts = {"rebound.example": HostOptions(private=True, verify_tls=False)}
    with Transport(LIMITS, hosts=hosts, resolve=lambda _: next(answers), environ={}) as client:
        assert client.get(f"https://rebound.example:{secure.port}/x").body == b"hello"
    assert next(answers) == ("169.254.169.254",)


def test_a_name_is_looked_up_again_after_its_address_failed(secure: Loopback) -> None:
    answers = iter([("127.0.0.2",), ("127.0.0.1",)])
    hosts = {"moved.example": HostOptions(private=True, verify_tls=False)}
    with Transport(
        LIMITS, hosts=hosts, resolve=lambda _: next(answers), sleep=lambda _: None, environ={}
    ) as client:
        assert client.get(f"https://moved.example:{secure.port}/x").body == b"hello"


def test_a_second_address_is_tried_where_the_first_does_not_answer(secure: Loopback) -> None:
    hosts = {"two.example": HostOptions(private=True, verify_tls=False)}
    addresses = ("127.0.0.2", "127.0.0.1")
    with Transport(LIMITS, hosts=hosts, resolve=lambda _: addresses, environ={}) as client:
        assert client.get(f"https://two.example:{secure.port}/x").body == b"hello"


def test_a_body_cut_short_under_tls_is_an_error(certificates: Certificates) -> None:
    context = server_context(certificates)

    def talk(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as wrapped:
            wrapped.recv(65536)
            wrapped.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf")
            socket.socket.shutdown(wrapped, socket.SHUT_WR)  # without a word in TLS

    with serve_raw(talk) as server:
        hosts = {"localhost": HostOptions(private=True, verify_tls=False)}
        limits = Limits(timeout=5, retries=0)
        with (
            Transport(limits, hosts=hosts, environ={}) as client,
            pytest.raises(TransportError, match=f"localhost:{server.port}"),
        ):
            client.get(f"https://localhost:{server.port}/x")


def test_a_server_without_tls_is_an_error() -> None:
    def talk(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serve_raw(talk) as server:
        hosts = {"localhost": HostOptions(private=True)}
        with Transport(Limits(timeout=2, retries=0), hosts=hosts, environ={}) as client:
            with pytest.raises(TransportError, match="SSL"):
                client.get(f"https://localhost:{server.port}/x")
            assert client._sockets._open == set()
