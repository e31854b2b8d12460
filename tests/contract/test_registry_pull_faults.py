"""What can go wrong while a whole image is fetched: whatever it is, nothing of it stays."""

from __future__ import annotations

import random
import resource
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.config.settings import Settings
from basekeeper.errors import Error, Failure, InputError, RegistryError
from basekeeper.registry.layers import LAYERS_AT_ONCE, MAX_LAYERS
from basekeeper.values.reference import parse_reference
from basekeeper.values.scanning import PullLimits
from basekeeper.values.settings import HostSettings, RegistrySettings
from basekeeper.wiring import open_registry
from tests.contract.registry_client import NOW, open_client
from tests.fakes.registry import Fault, Host, Simulator, faults
from tests.fakes.registry.access import Basic
from tests.fakes.registry.content import CONFIG, LAYER, MANIFEST, digest_of, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from basekeeper.registry.client import RegistryClient
    from basekeeper.values.reference import Reference
    from tests.fakes.registry.http import Answer, Request

NAME = "registry.corp.test"
OPEN = HostSettings(http=True, private=True)
AMD64 = "linux/amd64"
MIB = 1024 * 1024
LOGIN = ("tester", "correct horse")


def resolve(name: str) -> tuple[str, ...]:
    """Let every name mean this machine, and every address itself."""
    try:
        ip_address(name)
    except ValueError:
        return ("127.0.0.1",)
    return (name,)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as found:
        yield found


@pytest.fixture
def host(simulator: Simulator) -> Host:
    return simulator.host(NAME)


@contextmanager
def asking(host: Host, **more: Any) -> Iterator[RegistryClient]:
    known = {f"{NAME}:{host.port}": OPEN, **more.pop("others", {})}
    with open_client(known, resolve=resolve, **more) as opened:
        yield opened.client


def layer(size: int, seed: str = "") -> bytes:
    return random.Random(f"{size} {seed}").randbytes(size)  # noqa: S311  # any bytes


def push(
    host: Host, *layers: bytes, kind: str = LAYER, announced: int | None = None, **more: Any
) -> Reference:
    """Push an image of layers, and return its reference by digest."""

    def blob(data: bytes, media_type: str, size: int | None = None) -> dict[str, Any]:
        host.content.blob("app", digest_of(data), data)
        length = len(data) if size is None else size
        return {"mediaType": media_type, "digest": digest_of(data), "size": length, **more}

    config = {
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(one) for one in layers]},
    }  # fmt: skip
    made = host.content.keep(
        "app",
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob(to_json(config), CONFIG),
            "layers": [blob(one, kind, announced) for one in layers],
        },
    )
    return parse_reference(f"{NAME}:{host.port}/app@{made.digest}")


def of_layers(fault: Fault, data: bytes) -> Fault:
    """Let a fault hit one layer alone."""
    return fault.only(digest_of(data))


def ranges(host: Host, data: bytes) -> list[str | None]:
    """What parts of a layer were asked for."""
    asked = [one for one in host.asked("blob", "GET") if digest_of(data) in one.target]
    return [one.headers.get("range") for one in asked]


def fetched(client: RegistryClient, image: Reference, place: Path, *layers: bytes) -> None:
    """Fetch an image, which must succeed."""
    found = client.pull(image, AMD64, place / "layout")
    for data in layers:
        path = found.path.joinpath("blobs", *digest_of(data).split(":"))
        assert path.read_bytes() == data


@contextmanager
def fails(place: Path, failure: Failure | None, match: str) -> Iterator[None]:
    """Expect a failure, after which nothing is there; None: one of this machine."""
    kind: type[Error] = InputError if failure is None else RegistryError
    with pytest.raises(kind, match=match) as caught:
        yield
    if isinstance(caught.value, RegistryError):
        assert caught.value.failure is failure
    assert list(place.iterdir()) == []


# What is announced


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ],
)
def test_layers_that_lie_elsewhere_are_refused_and_their_address_is_never_asked(
    simulator: Simulator, host: Host, tmp_path: Path, kind: str
) -> None:
    elsewhere = simulator.host("elsewhere.test")
    image = push(host, layer(9), kind=kind, urls=[f"{elsewhere.url}/layer"])
    with asking(host) as client, fails(tmp_path, Failure.UNSUPPORTED, "may not be distributed"):
        client.pull(image, AMD64, tmp_path / "layout")
    assert elsewhere.log == []
    assert host.count("blob", "GET") == 1  # the configuration


def test_addresses_beside_an_ordinary_layer_are_never_asked(
    simulator: Simulator, host: Host, tmp_path: Path
) -> None:
    elsewhere, data = simulator.host("elsewhere.test"), layer(9)
    image = push(host, data, urls=[f"{elsewhere.url}/layer"])
    with asking(host) as client:
        fetched(client, image, tmp_path, data)
    assert elsewhere.log == []


def test_layers_of_an_unknown_kind_are_refused(host: Host, tmp_path: Path) -> None:
    image = push(host, layer(9), kind="application/vnd.in-toto+json")
    with asking(host) as client, fails(tmp_path, Failure.UNSUPPORTED, "of the kind"):
        client.pull(image, AMD64, tmp_path / "layout")


@pytest.mark.parametrize("packing", ["", "+gzip", "+zstd"])
def test_layers_stay_as_they_are_packed(host: Host, tmp_path: Path, packing: str) -> None:
    data = layer(3000)
    image = push(host, data, kind=f"application/vnd.oci.image.layer.v1.tar{packing}")
    with asking(host) as client:
        fetched(client, image, tmp_path, data)


@pytest.mark.parametrize(
    "limits", [PullLimits(layer_bytes=2 * MIB), PullLimits(image_bytes=4 * MIB)]
)
def test_what_is_too_large_is_refused_before_it_is_fetched(
    host: Host, tmp_path: Path, limits: PullLimits
) -> None:
    image = push(host, layer(9), layer(10), announced=5 * MIB // 2)
    with (
        asking(host) as client,
        fails(tmp_path, Failure.UNSUPPORTED, "too large to be fetched .5 MiB, the largest"),
    ):
        client.pull(image, AMD64, tmp_path / "layout", limits=limits)
    assert host.count("blob", "GET") == 1


def test_too_many_layers_are_refused(host: Host, tmp_path: Path) -> None:
    image = push(host, *(layer(9, str(number)) for number in range(MAX_LAYERS + 1)))
    with asking(host) as client, fails(tmp_path, Failure.REFUSED, "more than 128 layers"):
        client.pull(image, AMD64, tmp_path / "layout")


def test_a_layer_that_stands_twice_is_fetched_once(host: Host, tmp_path: Path) -> None:
    data = layer(3000)
    with asking(host) as client:
        fetched(client, push(host, data, layer(5), data), tmp_path, data)
    assert ranges(host, data) == [None]


def test_an_image_without_layers_is_a_layout(host: Host, tmp_path: Path) -> None:
    with asking(host) as client:
        fetched(client, push(host), tmp_path)


def test_an_empty_blob_is_a_file(host: Host, tmp_path: Path) -> None:
    with asking(host) as client:
        fetched(client, push(host, b""), tmp_path, b"")


def test_few_layers_are_under_way_at_a_time_whatever_the_number_of_images(
    host: Host, tmp_path: Path
) -> None:
    layers = [layer(99, str(number)) for number in range(6)]
    arrived: list[float] = []

    def note(_host: Host, _request: Request, answer: Answer) -> Answer:
        arrived.append(time.monotonic())
        return answer

    images = [push(host, *layers[:3]), push(host, *layers[3:])]
    with asking(host) as client:
        for image in images:
            client.config(image, AMD64)
        host.add(Fault(note, ("blob",)), faults.late(0.15, "blob"))
        jobs = [
            threading.Thread(target=client.pull, args=(image, AMD64, tmp_path / str(number)))
            for number, image in enumerate(images)
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
    later = zip(arrived, arrived[LAYERS_AT_ONCE:], strict=False)
    assert len(arrived) == 6
    assert all(second - first > 0.14 for first, second in later)


# What comes


def test_content_with_another_digest(host: Host, tmp_path: Path) -> None:
    data = layer(5000)
    image = push(host, layer(3 * MIB), data)
    host.content.blob("app", digest_of(data), data[:-1] + b"?")
    with asking(host) as client, fails(tmp_path, Failure.REFUSED, "does not have the digest"):
        client.pull(image, AMD64, tmp_path / "layout")


@pytest.mark.parametrize(
    ("change", "match"), [(-1, "got 4999 bytes where 5000 were"), (1, "larger than 5000 bytes")]
)
def test_content_of_another_size(host: Host, tmp_path: Path, change: int, match: str) -> None:
    data = layer(5000)
    image = push(host, data)
    host.content.blob("app", digest_of(data), layer(5000 + change))
    with asking(host) as client, fails(tmp_path, Failure.REFUSED, match):
        client.pull(image, AMD64, tmp_path / "layout")


def test_a_layer_that_is_missing(host: Host, tmp_path: Path) -> None:
    data = layer(5000)
    image = push(host, layer(3 * MIB), data)
    del host.content.repository("app").blobs[digest_of(data)]
    with asking(host) as client, fails(tmp_path, Failure.NOT_FOUND, "not found"):
        client.pull(image, AMD64, tmp_path / "layout")


def test_what_breaks_off_is_gone_on_with(host: Host, tmp_path: Path) -> None:
    data = layer(6 * MIB)
    image = push(host, data)
    host.add(of_layers(faults.truncated("blob", times=1), data))
    with asking(host) as client:
        fetched(client, image, tmp_path, data)
    assert ranges(host, data)[0] is None
    assert ranges(host, data)[-1] == f"bytes={3 * MIB}-"


def test_what_breaks_off_again_and_again_comes_in_the_end(host: Host, tmp_path: Path) -> None:
    data = layer(6 * MIB)
    image = push(host, data)
    host.add(of_layers(faults.truncated("blob", times=4), data))
    with asking(host) as client:
        fetched(client, image, tmp_path, data)


def test_what_never_comes_whole_is_given_up(host: Host, tmp_path: Path) -> None:
    data = layer(6 * MIB)
    image = push(host, data)
    host.add(of_layers(faults.truncated("blob"), data))
    with asking(host) as client, fails(tmp_path, Failure.UNREACHABLE, "registry.corp.test"):
        client.pull(image, AMD64, tmp_path / "layout")
    assert len(ranges(host, data)) < 40


@pytest.mark.parametrize("times", [1, 2])
def test_a_registry_that_gives_no_parts_is_asked_for_everything_again(
    host: Host, tmp_path: Path, times: int
) -> None:
    host.ranges, data = False, layer(6 * MIB)
    image = push(host, data)
    host.add(of_layers(faults.truncated("blob", times=times), data))
    with asking(host) as client:
        fetched(client, image, tmp_path, data)
    assert ranges(host, data)[-1] is None


def test_a_part_that_is_another_part_is_refused(host: Host, tmp_path: Path) -> None:
    data = layer(6 * MIB)

    def shift(_host: Host, request: Request, answer: Answer) -> Answer:
        is_part = "range" in request.headers
        return replace(answer, body=answer.body[::-1]) if is_part else answer

    image = push(host, data)
    host.add(of_layers(faults.truncated("blob", times=1), data), Fault(shift, ("blob",)))
    with asking(host) as client, fails(tmp_path, Failure.REFUSED, "does not have the digest"):
        client.pull(image, AMD64, tmp_path / "layout")


def test_a_limit_in_the_middle_is_waited_for(host: Host, tmp_path: Path) -> None:
    layers = [layer(2000, str(number)) for number in range(4)]
    image = push(host, *layers)
    host.add(faults.limited("1", kinds=("blob",), skip=2, times=2))
    with asking(host) as client:
        fetched(client, image, tmp_path, *layers)


def test_a_limit_that_stays_ends_it(host: Host, tmp_path: Path) -> None:
    image = push(host, layer(2000), layer(3000))
    host.add(faults.limited("1", kinds=("blob",), skip=1))
    with asking(host) as client, fails(tmp_path, Failure.LIMITED, "rate limit"):
        client.pull(image, AMD64, tmp_path / "layout")


def test_what_takes_too_long_is_given_up(host: Host, tmp_path: Path) -> None:
    image = push(host, layer(2000), layer(3000), layer(4000), layer(5000))
    limits = PullLimits(seconds=0.2)
    with asking(host) as client:
        client.config(image, AMD64)
        host.add(faults.late(0.15, "blob"))
        with fails(tmp_path, Failure.UNREACHABLE, "too slowly"):
            client.pull(image, AMD64, tmp_path / "layout", limits=limits)


# Redirects


@pytest.mark.parametrize(
    ("to", "match"),
    [
        ("https://169.254.169.254/latest/meta-data", "private|metadata|not allowed|refused"),
        ("https://10.0.0.7/{path}", "private"),
        ("https://inside.corp.test/{path}", "private"),
        ("http://elsewhere.test/{path}", "http"),
        ("file:///etc/passwd", "not allowed|names no host"),
    ],
)
def test_a_layer_never_leads_into_a_private_network(
    host: Host, tmp_path: Path, to: str, match: str
) -> None:
    data = layer(5000)
    image = push(host, data)
    host.add(of_layers(faults.redirect(to, "blob"), data))
    with asking(host) as client, pytest.raises(RegistryError, match=match):
        client.pull(image, AMD64, tmp_path / "layout")
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_elsewhere_takes_the_range_along_but_no_credential(
    simulator: Simulator, host: Host, tmp_path: Path
) -> None:
    host.access, data = Basic(*LOGIN), layer(6 * MIB)
    image = push(host, data)
    storage = simulator.host("storage.other.test", content=host.content)
    there = f"storage.other.test:{storage.port}"
    host.add(of_layers(faults.redirect(f"http://{there}{{path}}", "blob"), data))
    storage.add(faults.truncated("blob", times=1))
    known = HostSettings(
        http=True, private=True, username_env="TEST_USER", password_env="TEST_PASSWORD"  # noqa: S106
    )  # fmt: skip
    others = {f"{NAME}:{host.port}": known, there: OPEN}
    with asking(host, others=others, login=LOGIN) as client:
        fetched(client, image, tmp_path, data)
    assert storage.log[-1].headers["range"] == f"bytes={3 * MIB}-"
    assert all("authorization" not in one.headers for one in storage.log)
    assert "authorization" in host.asked("blob", "GET")[-1].headers


# This machine


def test_without_room_nothing_is_fetched(host: Host, tmp_path: Path) -> None:
    image = push(host, layer(9), announced=2**60)
    limits = PullLimits(layer_bytes=2**61, image_bytes=2**61)
    with (
        asking(host) as client,
        fails(tmp_path, None, "are too much for .*, where .* are free"),
    ):
        client.pull(image, AMD64, tmp_path / "layout", limits=limits)
    assert host.count("blob", "GET") == 1


def test_a_file_that_may_not_grow_is_an_error_of_this_machine(host: Host, tmp_path: Path) -> None:
    image = push(host, layer(2 * MIB), layer(3 * MIB))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, before[1]))
    try:
        with asking(host) as client, fails(tmp_path, None, "file too large") as _:
            client.pull(image, AMD64, tmp_path / "layout")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_directory_that_is_there_already_is_left_alone(host: Host, tmp_path: Path) -> None:
    place = tmp_path / "layout"
    place.mkdir()
    (place / "mine").touch()
    with asking(host) as client, pytest.raises(InputError, match="file exists"):
        client.pull(push(host, layer(9)), AMD64, place)
    assert [one.name for one in place.iterdir()] == ["mine"]


def test_a_directory_that_is_nowhere_is_an_error_of_this_machine(
    host: Host, tmp_path: Path
) -> None:
    with asking(host) as client, fails(tmp_path, None, "no such file"):
        client.pull(push(host, layer(9)), AMD64, tmp_path / "nowhere" / "layout")


def test_an_artifact_becomes_a_file_or_none(host: Host, tmp_path: Path) -> None:
    data, target = layer(5000), tmp_path / "layer"
    image = push(host, data, kind="application/vnd.test")
    with asking(host) as client:
        client.artifact(image, "application/vnd.test", target)
        assert (target.read_bytes(), target.stat().st_mode & 0o777) == (data, 0o600)
        with pytest.raises(InputError, match="file exists"):
            client.artifact(image, "application/vnd.test", target)
        assert target.read_bytes() == data
        target.unlink()
        host.content.blob("app", digest_of(data), data[::-1])
        with fails(tmp_path, Failure.REFUSED, "does not have the digest"):
            client.artifact(image, "application/vnd.test", target)
        with fails(tmp_path, None, "no such file"):
            client.artifact(image, "application/vnd.test", tmp_path / "nowhere" / "layer")
        with fails(tmp_path, Failure.UNSUPPORTED, "holds no layers of the kind"):
            client.artifact(image, "application/vnd.other", target)


@pytest.mark.parametrize("stalled", ["head", "body"])
def test_closing_the_client_ends_it_soon_and_leaves_nothing(
    host: Host, tmp_path: Path, stalled: str
) -> None:
    data = layer(3 * MIB)
    image = parse_reference(str(push(host, data, layer(4 * MIB))).replace(NAME, "127.0.0.1"))
    fault = faults.late(60, "blob") if stalled == "head" else faults.late(0, "blob")
    host.add(fault.only(digest_of(data)))
    if stalled == "body":
        host.add(of_layers(_stalling(), data))
    hosts = {f"127.0.0.1:{host.port}": OPEN}
    caught: list[BaseException] = []
    with open_registry(
        Settings(registry=RegistrySettings(hosts)), now=NOW, use_cache=False
    ) as registry:

        def work() -> None:
            try:
                registry.pull(image, AMD64, tmp_path / "layout")
            except BaseException as error:  # noqa: BLE001  # looked at below
                caught.append(error)

        job = threading.Thread(target=work)
        job.start()
        while not ranges(host, data):
            time.sleep(0.01)
        time.sleep(0.3)
        assert job.is_alive()
        started = time.monotonic()
        registry.close()
        job.join(10)
        assert time.monotonic() - started < 2
    assert isinstance(caught[0], RegistryError)
    assert list(tmp_path.iterdir()) == []


def _stalling() -> Fault:
    """Announce more than comes, and leave the connection open."""

    def change(_host: Host, _request: Request, answer: Answer) -> Answer:
        from dataclasses import replace

        chunk = (("Transfer-Encoding", "chunked"),)
        return replace(answer, headers=(*answer.headers, *chunk), body=b"5\r\nhello\r\n")

    return Fault(change, ("blob",))
