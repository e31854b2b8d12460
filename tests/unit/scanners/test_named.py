"""What a user can name that lies on this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.errors import InputError
from basekeeper.scanners import named
from basekeeper.scanners.named import InLayout, Saved, read_named
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import Sbom

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = (f"sha256:{letter * 64}" for letter in "ab")


def layout(place: Path, *images: tuple[str, str | None]) -> Path:
    place.mkdir()
    found: list[dict[str, Any]] = [
        {"digest": digest, "annotations": {} if name is None else {named._REF_NAME: name}}
        for digest, name in images
    ]
    (place / "index.json").write_text(json.dumps({"manifests": found}))
    return place


@pytest.mark.parametrize("text", ["debian", "debian:12", "ghcr.io/a/b@" + ONE, "sbom", "ocix:1"])
def test_everything_else_is_an_image_of_a_registry(text: str) -> None:
    assert read_named(text) is None


@pytest.mark.parametrize(
    ("suffix", "digest"), [("@" + TWO, TWO), (":one", ONE), (":two", TWO), ("@two", TWO)]
)
def test_one_of_several_images_is_chosen(tmp_path: Path, suffix: str, digest: str) -> None:
    place = layout(tmp_path / "l", (ONE, "one"), (TWO, "two"))
    assert read_named(f"oci:{place}{suffix}") == InLayout(place, digest)


def test_the_only_image_needs_no_name(tmp_path: Path) -> None:
    place = layout(tmp_path / "a:b@c", (ONE, None))
    assert read_named(f"oci:{place}") == InLayout(place, ONE)


@pytest.mark.parametrize(
    ("images", "suffix", "message", "hint"),
    [
        ([], "", "holds no images", ""),
        ([(ONE, "one"), (TWO, None)], "", "holds 2 images", ":one"),
        ([(ONE, None), (TWO, None)], "", "holds 2 images", "@" + TWO),
        ([(ONE, "one")], ":two", "holds no single image 'two'", ":one"),
    ],
)
def test_an_open_choice_is_refused_with_what_there_is(
    tmp_path: Path, images: list[tuple[str, str | None]], suffix: str, message: str, hint: str
) -> None:
    place = layout(tmp_path / "l", *images)
    with pytest.raises(InputError, match=message) as caught:
        read_named(f"oci:{place}{suffix}")
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("text", ["{", "[]", '{"manifests": 1}', '{"manifests": [{}]}', "[" * 9999])
def test_a_broken_index_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(InputError):
        read_named(f"oci:{tmp_path}")


def test_archives_and_sboms_are_files(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text('{"bomFormat": "CycloneDX"}')
    assert read_named(f"archive:{path}") == Saved(path)
    assert isinstance(read_named(f"sbom:{path}"), Sbom)
    path.write_text("{}")
    assert isinstance(read_named(f"sbom:{path}"), Unknown)
    for scheme in ("archive", "sbom"):
        with pytest.raises(InputError, match="is no file"):
            read_named(f"{scheme}:{tmp_path}")


def test_an_sbom_over_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "MAX_SBOM_BYTES", 3)
    (tmp_path / "x").write_text("{...}")
    with pytest.raises(InputError, match="larger than 3 bytes"):
        read_named(f"sbom:{tmp_path / 'x'}")
