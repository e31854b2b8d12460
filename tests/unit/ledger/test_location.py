from __future__ import annotations

from pathlib import Path

import pytest

from basekeeper.ledger.location import Kind, read_location


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("sqlite:/var/lib/x.sqlite", Kind.SQLITE, "/var/lib/x.sqlite"),
        ("sqlite:x.sqlite", Kind.SQLITE, "x.sqlite"),
        (" sqlite:/a b ", Kind.SQLITE, "/a b"),
        ("sqlite:~/x", Kind.SQLITE, str(Path.home() / "x")),
        ("postgresql://u@h/d", Kind.POSTGRESQL, "postgresql://u@h/d"),
        ("postgresql://", Kind.POSTGRESQL, "postgresql://"),
        ("branch:basekeeper-ledger", Kind.BRANCH, "basekeeper-ledger"),
        ("branch:", Kind.BRANCH, "basekeeper-ledger"),
        ("branch:state/of_1.2", Kind.BRANCH, "state/of_1.2"),
        ("branch:x@https://git.example/a.git", Kind.BRANCH, "x@https://git.example/a.git"),
        ("branch:@git@git.example:a.git", Kind.BRANCH, "basekeeper-ledger@git@git.example:a.git"),
    ],
)
def test_location_is_a_file_a_server_or_a_branch(text: str, kind: Kind, target: str) -> None:
    location = read_location(text)
    assert (location.kind, location.target) == (kind, target)


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "sqlite", "sqlite:", "sqlite://x", "sqlite:///x", "sqlite::memory:", "sqlite:a\0b",
        "postgresql:", "postgresql:s3cr3t", "postgres://u:s3cr3t@h/d", "mysql://u:s3cr3t@h/d",
        "SQLITE:/x", "sqlite+aiosqlite:/x", "branch", "branch:-x", "branch:a b", "branch:a..b",
        "branch:a@b", "branch:a@", "branch:a@ext::sh", "branch:a@--upload-pack=x",
        "branch:a@https://a b", "branch:a@-o@h:x", "branch:a.lock", "branch:/a", "branch:a/",
        "branch:a//b", "branch:.a", "branch:a.",
        "branch:a:b", "branch:a\nb", "branch:ü", "branch:" + "x" * 201, "branch://u:s3cr3t@h/x",
    ],
)  # fmt: skip
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="ledger") as caught:
        read_location(text)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:s3cr3t@h:5432/d?password=s3cr3t", "postgresql://h:5432/d"),
        ("postgresql://h1:1,h2:2/d?user=u&password=s3cr3t", "postgresql://h1:1,h2:2/d"),
        ("sqlite:/x", "sqlite:/x"),
        ("branch:x", "branch:x"),
        ("branch:x@https://u:s3cr3t@git.example/a", "branch:x@https://git.example/a"),
        ("branch:x@git@git.example:a", "branch:x@git@git.example:a"),
    ],
)
def test_location_is_shown_without_secrets(text: str, shown: str) -> None:
    location = read_location(text)
    assert str(location) == shown
    assert "s3cr3t" not in repr(location)


def test_relative_file_is_known_as_such() -> None:
    assert read_location("sqlite:x").is_relative
    assert not read_location("sqlite:/x").is_relative
    assert not read_location("postgresql://h/d").is_relative
    assert not read_location("branch:x").is_relative
