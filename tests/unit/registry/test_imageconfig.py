from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.errors import RegistryError
from basekeeper.registry.imageconfig import MAX_CONFIG, read_config
from basekeeper.registry.manifests import OCI_MANIFEST, Manifest
from basekeeper.values.image import Descriptor, ImageConfig

CONFIG, LAYER, OTHER, DIFF = (f"sha256:{digit * 64}" for digit in "1234")
MANIFEST = Manifest(
    OCI_MANIFEST,
    Descriptor(CONFIG, "application/vnd.oci.image.config.v1+json", 7),
    (Descriptor(LAYER, "tar", 100), Descriptor(OTHER, "tar", 20)),
    {"from": "manifest", "label": "manifest"},
    None,
)
LINUX = {"os": "linux", "architecture": "amd64"}


def read(document: object, **more: Any) -> ImageConfig:
    return read_config(json.dumps(document).encode(), MANIFEST, OTHER, **more)


def test_everything_is_read() -> None:
    found = read(
        {
            **LINUX,
            "created": "2026-01-05T21:06:53.123456789Z",
            "config": {
                "User": "1000:1000",
                "Env": ["PATH=/bin", "EMPTY=", "EQ=a=b", "BARE", "PATH=/usr/bin", "=odd", 7],
                "Entrypoint": ["/run"],
                "Cmd": ["a", "b"],
                "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
                "Labels": {"label": "config", "number": 7},
            },
            "rootfs": {"type": "layers", "diff_ids": [DIFF]},
            "history": [{"created_by": "ADD"}, {"comment": "x"}, "odd", {"created_by": "RUN"}],
        },
        annotations={"from": "index", "label": "index", "index": "index"},
    )
    assert found == ImageConfig(
        digest=CONFIG,
        manifest=OTHER,
        platform="linux/amd64",
        created=datetime(2026, 1, 5, 21, 6, 53, 123456, tzinfo=UTC),
        labels={"from": "manifest", "label": "config", "index": "index"},
        env={"PATH": "/usr/bin", "EMPTY": "", "EQ": "a=b", "BARE": ""},
        user="1000:1000",
        entrypoint=("/run",),
        command=("a", "b"),
        ports=("443/tcp", "80/tcp"),
        diff_ids=(DIFF,),
        history=("ADD", "RUN"),
        size=120,
    )


@pytest.mark.parametrize(
    "inner",
    [None, {}, {"Env": None, "Labels": None, "Entrypoint": None, "Cmd": None, "User": None,
                "ExposedPorts": None}],
)  # fmt: skip
def test_what_is_missing_or_null_is_empty(inner: object) -> None:
    found = read({**LINUX, "config": inner, "history": None, "rootfs": None})
    assert (found.env, found.user, found.entrypoint, found.command) == ({}, "", (), ())
    assert (found.ports, found.diff_ids, found.history, found.created) == ((), (), (), None)


def test_a_command_of_one_text_is_read() -> None:
    assert read({**LINUX, "config": {"Cmd": "sh"}}).command == ("sh",)


@pytest.mark.parametrize(
    ("document", "given_platform", "platform"),
    [
        (LINUX, None, "linux/amd64"),
        ({"os": "linux", "architecture": "arm64", "variant": "v8"}, None, "linux/arm64"),
        ({"os": "windows", "architecture": "amd64", "os.version": "10.0.1"}, None,
         "windows/amd64:10.0.1"),
        (LINUX, "linux/arm/v7", "linux/arm/v7"),
        ({}, "linux/arm/v7", "linux/arm/v7"),
    ],
)  # fmt: skip
def test_the_word_of_the_index_on_the_platform_counts_first(
    document: object, given_platform: str | None, platform: str
) -> None:
    assert read(document, platform=given_platform).platform == platform


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "no platform"),
        ({**LINUX, "config": []}, "no object"),
        ({**LINUX, "config": {"Env": {}}}, "no list"),
        ({**LINUX, "config": {"Labels": []}}, "no object"),
        ({**LINUX, "rootfs": {"diff_ids": ["x"]}}, "no digest"),
        ({**LINUX, "history": {}}, "no list"),
    ],
)
def test_a_malformed_config_is_refused(document: object, reason: str) -> None:
    with pytest.raises(RegistryError, match=reason):
        read(document)


def test_a_config_above_the_limit_is_refused() -> None:
    with pytest.raises(RegistryError, match="larger"):
        read_config(b" " * (MAX_CONFIG + 1), MANIFEST, OTHER)


@given(
    st.dictionaries(
        st.sampled_from(["created", "os", "config", "rootfs", "history", "variant"]),
        st.none() | st.integers() | st.text() | st.lists(st.text() | st.none())
        | st.dictionaries(st.sampled_from(["Env", "Cmd", "User", "diff_ids"]), st.integers()),
    )
)  # fmt: skip
def test_whatever_is_inside_is_read_or_refused(document: dict[str, object]) -> None:
    try:
        read(document)
    except RegistryError as error:
        assert CONFIG in error.message  # noqa: PT017  # reading may also succeed
