from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.config.document import read_document
from basekeeper.config.storage import StorageSettings, parse_storage
from basekeeper.config.table import Table
from basekeeper.ledger.location import read_location
from basekeeper.policy.load import load_config

if TYPE_CHECKING:
    from pathlib import Path

ALL = """
[cache]
directory = "/var/cache/x"
max_mib = 5
[ledger]
url = "postgresql://u:s3cr3t@h/d"
repository = "https://u:s3cr3t@GitHub.com/acme/shop.git"
"""


def _read(text: str) -> tuple[StorageSettings, list[str]]:
    document = read_document(text.encode(), "x.toml")
    top = Table(document, document.data)
    return parse_storage(top), [str(problem) for problem in top.problems]


def test_reads_every_key() -> None:
    settings, problems = _read(ALL)
    assert problems == []
    assert settings == StorageSettings(
        cache_directory="/var/cache/x",
        cache_mib=5,
        ledger=read_location("postgresql://u:s3cr3t@h/d"),
        repository="github.com/acme/shop",
    )
    assert settings.cache_bytes == 5 * 1024 * 1024
    assert "s3cr3t" not in repr(settings)


def test_says_nothing_without_tables() -> None:
    assert _read("") == (StorageSettings(), [])
    assert StorageSettings().cache_bytes == 1024**3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[cache]\ndirectory = "x"', "x.toml:2: cache.directory: 'x' is no absolute path"),
        ("[cache]\nmax_mib = 0", "x.toml:2: cache.max_mib: expected a number from 1 to 1048576"),
        ("[cache]\nsize = 1", "x.toml:2: cache.size: is not known here"),
        ('[ledger]\nurl = "sqlite:x"', "x.toml:2: ledger.url: 'sqlite:x' is no absolute path"),
        ('[ledger]\nurl = "mysql://u:s3cr3t@h"', "x.toml:2: ledger.url: is no ledger"),
        ('[ledger]\nurl = "branch:a b"', "x.toml:2: ledger.url: is no ledger: after branch:"),
        ('[ledger]\nrepository = "x"', "x.toml:2: ledger.repository: 'x' is no name of a rep"),
        ('[ledger]\npath = "s3cr3t"', "x.toml:2: ledger.path: is not known here"),
    ],
)
def test_mistakes_are_told_of_without_secrets(text: str, problem: str) -> None:
    _, (found,) = _read(text)
    assert found.startswith(problem)
    assert "s3cr3t" not in found


def test_each_key_falls_back_by_itself() -> None:
    first, second = StorageSettings(cache_mib=1), StorageSettings(cache_mib=2, cache_directory="/x")
    assert first.over(second) == StorageSettings(cache_mib=1, cache_directory="/x")


def test_repository_chooses_neither_cache_nor_ledger(tmp_path: Path) -> None:
    (tmp_path / "basekeeper.toml").write_text(ALL)
    config = load_config(tmp_path)
    assert config.settings.storage == StorageSettings()
    assert config.notices == tuple(
        f"{key} of basekeeper.toml is ignored: it is to be set in your own settings"
        for key in ("cache.directory", "cache.max_mib", "ledger.url", "ledger.repository")
    )


def test_operator_chooses_them_whatever_the_repository_says(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "basekeeper.toml").write_text(ALL)
    (tmp_path / "policy.toml").write_text('[ledger]\nurl = "sqlite:/srv/ledger"\n')
    config = load_config(tmp_path / "repo", policy_path=tmp_path / "policy.toml")
    assert config.settings.storage == StorageSettings(ledger=read_location("sqlite:/srv/ledger"))
    assert "ledger.url of basekeeper.toml is ignored: it is the operator's to set" in config.notices
