from __future__ import annotations

import pytest

from basekeeper.tags.pins import contradiction


@pytest.mark.parametrize(
    ("tag", "version", "system", "lie"),
    [
        ("24", "16.20.2", None, "holds version 16.20.2"),
        ("24.1", "24.10.0", None, "holds version 24.10.0"),
        ("24-bookworm", "24.1.0", "debian 11", "stands on debian 11"),
        ("24-alpine3.22", None, "alpine 3.19", "stands on alpine 3.19"),
        ("24", "24.1.0", None, None),
        ("24.1.0", "24.1.0", None, None),
        ("24.1.0", "24.1", None, None),
        ("24-bookworm", "24.1.0", "debian 12", None),
        ("24-bookworm", "24.1.0", "debian 12.7", None),
        ("24-alpine", "24.1.0", "alpine 3.19", None),
        ("24-bookworm", None, "alpine 3.19", None),
        ("latest", "24.1.0", "debian 12", None),
        ("24", None, None, None),
    ],
)
def test_a_tag_lies_where_its_digest_holds_another_version(
    tag: str, version: str | None, system: str | None, lie: str | None
) -> None:
    assert contradiction("library/node", tag, version, system) == lie
