"""Lists of packages are read alike, whoever made them, and kept without what was found that day."""

from __future__ import annotations

import json
from typing import Any

import pytest

from basekeeper.scanners.cyclonedx import told_of_image
from basekeeper.scanners.grype_listing import as_sbom, read_listing
from basekeeper.scanners.nottold import NotTold
from basekeeper.values.vulnerability import Package, PackageKind
from tests.unit.scanners.grype_reports import IMAGE_ID, LAYER, PURL, component, listing

OTHER = "sha256:" + 64 * "d"


def properties(**told: str) -> list[dict[str, str]]:
    return [
        {"name": name.replace("__", ":").replace("_", "-"), "value": value}
        for name, value in told.items()
    ]


def places(*paths: str) -> list[dict[str, str]]:
    """Where Syft found a package: each place in a layer of its own."""
    found = []
    for number, path in enumerate(paths):
        layer = LAYER if number == 0 else OTHER
        found += [
            {"name": f"syft:location:{number}:path", "value": path},
            {"name": f"syft:location:{number}:layerID", "value": layer},
        ]
    return found


def read(*components: dict[str, Any], diff_ids: tuple[str, ...] = (LAYER, OTHER)) -> list[Package]:
    return list(read_listing(listing(*components), diff_ids).packages)


def test_a_package_is_found_by_its_id_and_by_its_reference() -> None:
    found = read_listing(listing(), (LAYER,)).by_reference
    assert set(found) == {f"{PURL}&package-id=c60b234fb1bc66a8", "c60b234fb1bc66a8", PURL}
    assert found["c60b234fb1bc66a8"].source == "openssl"


@pytest.mark.parametrize(
    ("told", "layer"),
    [
        (places("/var/lib/dpkg/status", "/var/lib/dpkg/info/a.list"), OTHER),
        (places("/var/lib/dpkg/status.d/a"), LAYER),
        (places("/var/lib/dpkg/status", "/usr/share/doc/a/copyright"), None),
        (places("/lib/apk/db/installed"), None),
        ([], None),
    ],
)
def test_the_layer_of_a_package_is_that_of_its_own_files(
    told: list[dict[str, str]], layer: str | None
) -> None:
    (one,) = read(component(properties=told))
    assert one.layer == layer


def test_an_image_of_one_layer_has_all_of_it_there() -> None:
    (one,) = read(component(properties=places("/lib/apk/db/installed")), diff_ids=(OTHER,))
    assert one.layer == OTHER


def test_a_language_package_is_where_it_was_found() -> None:
    told = [*places("/app/x.dist-info/METADATA"), {"name": "syft:package:type", "value": "python"}]
    (one,) = read(component(name="x", version="1", purl="pkg:pypi/x@1", properties=told))
    assert (one.kind, one.ecosystem) == (PackageKind.LANGUAGE, "python")
    assert (one.path, one.layer) == ("/app/x.dist-info/METADATA", LAYER)


def test_what_trivy_says_of_a_package_is_read() -> None:
    told = [
        {"name": f"aquasecurity:trivy:{name}", "value": value}
        for name, value in {
            "PkgType": "debian", "SrcName": "openssl", "LayerDiffID": OTHER,
        }.items()
    ]  # fmt: skip
    (one,) = read(component(purl="pkg:deb/debian/libssl1.1@1", properties=told))
    assert (one.ecosystem, one.source, one.layer) == ("debian", "openssl", OTHER)


@pytest.mark.parametrize(
    ("purl", "group", "name"),
    [
        ("pkg:maven/org.x/y@1", "org.x", "org.x:y"),
        ("pkg:npm/%40x/y@1", "@x", "@x/y"),
        ("pkg:npm/y@1", None, "y"),
    ],
)
def test_groups_are_part_of_names(purl: str, group: str | None, name: str) -> None:
    (one,) = read(component(name="y", group=group, version="1", purl=purl, properties=[]))
    assert one.name == name


def test_packages_without_references_or_with_the_same_are_all_there() -> None:
    names = [one.name for one in read(component(), component(name="b"), component(name="c"))]
    assert names == ["libssl1.1", "b", "c"]
    (one,) = read(component(**{"bom-ref": None}))
    assert one.name == "libssl1.1"


@pytest.mark.parametrize("missing", ["name", "version", "purl"])
def test_what_cannot_be_matched_is_no_package(missing: str) -> None:
    assert read(component(**{missing: None})) == []


def test_a_kept_list_says_what_it_is_of_and_not_what_was_found() -> None:
    file = {"type": "file", "name": "/etc/passwd"}
    document = listing(component(), file, dependencies=[])
    data = json.loads(as_sbom(document, IMAGE_ID, (LAYER, OTHER)))
    assert "vulnerabilities" not in data
    assert data["specVersion"] == "1.6"
    assert [one["type"] for one in data["components"]] == ["library"]
    assert told_of_image(data) == (IMAGE_ID, (LAYER, OTHER))
    again = read_listing(data)
    assert (again.image_id, again.diff_ids) == (IMAGE_ID, (LAYER, OTHER))


@pytest.mark.parametrize(
    "changes",
    [
        {"components": {}},
        {"components": ["x"]},
        {"components": [component(name=1)]},
        {"components": [component(properties={})]},
        {"metadata": []},
    ],
)
def test_a_list_of_another_shape_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotTold):
        read_listing({**listing(), **changes})
