"""What another program is told, so that it fetches an image as we would."""

from __future__ import annotations

import base64
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import pytest

from basekeeper.registry.handover import hand_over, read_login
from basekeeper.registry.hosts import find_host
from basekeeper.values.reference import parse_reference
from basekeeper.values.settings import HostSettings, RegistrySettings

if TYPE_CHECKING:
    from basekeeper.registry.hosts import Host
    from basekeeper.registry.session import Session
    from basekeeper.registry.tokens import Scope
    from basekeeper.values.scanning import RegistryImage

DIGEST = "sha256:" + 64 * "a"


class _Session:
    """Remembers for what it was asked to authorise."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def authorization(self, host: Host, path: str, scope: Scope) -> str:
        self.asked.append(f"{host.base_url}{path} {scope}")
        return "Bearer t0ken"


def _source(name: str, **hosts: HostSettings) -> tuple[RegistryImage, list[str]]:
    settings = RegistrySettings(MappingProxyType({key: hosts[key] for key in hosts}))
    image, session = parse_reference(f"{name}@{DIGEST}"), _Session()
    host = find_host(image.registry, settings)
    return hand_over(cast("Session", session), host, image, "linux/amd64"), session.asked


def test_programs_know_docker_hub_themselves() -> None:
    source, asked = _source("debian")
    assert source.repository is None
    path = f"/v2/library/debian/manifests/{DIGEST}"
    assert asked == [f"https://registry-1.docker.io{path} repository:library/debian:pull"]


def test_a_mirror_is_named_with_its_own_path_and_scope() -> None:
    said = {"docker.io": HostSettings(mirror="http://m.corp:5000/hub"),
            "m.corp:5000": HostSettings(private=True, ca="/ca.pem")}  # fmt: skip
    source, asked = _source("debian", **said)
    assert source.repository == "m.corp:5000/hub/library/debian"
    assert source.http
    assert str(source.authority) == "/ca.pem"
    assert asked[0].endswith(" repository:hub/library/debian:pull")


def test_http_is_handed_over_only_where_it_is_permitted() -> None:
    assert not _source("r.example/x")[0].http
    assert _source("r.example/x", **{"r.example": HostSettings(http=True)})[0].http


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Bearer a.b-c", ("", "", "a.b-c")),
        ("Basic " + base64.b64encode("me:a:b ü".encode()).decode(), ("me", "a:b ü", "")),
    ],
)
def test_a_header_becomes_a_login(header: str, expected: tuple[str, str, str]) -> None:
    login = read_login(header)
    assert login is not None
    assert (login.username, login.password, login.bearer_token) == expected
    assert repr(login) == "<Login>"


def test_no_header_is_no_login() -> None:
    assert read_login(None) is None
