"""Who the user is to git."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.trees.person import git_email

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.trees.conftest import Git


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of nobody."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_the_clones_own_address_comes_before_the_users(
    tmp_path: Path, home: Path, git: Git
) -> None:
    assert git_email(tmp_path) is None
    (home / ".gitconfig").write_text("[user]\n\temail = me@example.com\n")
    assert git_email(tmp_path) == "me@example.com"
    git("init", "-q")
    git("config", "user.email", "work@example.com")
    assert git_email(tmp_path) == "work@example.com"


@pytest.mark.parametrize("email", ["", "a\x1b[2Jb", "a" * 255])
def test_an_address_that_cannot_be_shown_is_none(home: Path, tmp_path: Path, email: str) -> None:
    (home / ".gitconfig").write_text(f'[user]\n\temail = "{email}"\n')
    assert git_email(tmp_path) is None


def test_without_git_nobody_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_email(tmp_path) is None
