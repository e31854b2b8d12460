from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from basekeeper.trees.origin import name_of_url, read_name, repository_name

if TYPE_CHECKING:
    from pathlib import Path

SHOP = "github.com/acme/shop"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/acme/shop", SHOP),
        ("https://github.com/acme/shop.git", SHOP),
        ("https://github.com/acme/shop.git/", SHOP),
        ("https://GitHub.COM/acme/shop", SHOP),
        ("https://github.com:443/acme/shop.git", SHOP),
        ("https://x-access-token:s3cr3t@github.com/acme/shop", SHOP),
        ("https://oauth2@github.com/acme/shop", SHOP),
        ("git+https://github.com/acme/shop", SHOP),
        ("http://github.com:80/acme/shop", SHOP),
        ("ssh://git@github.com/acme/shop.git", SHOP),
        ("ssh://git@github.com:22/acme/shop.git", SHOP),
        ("ssh://git@ssh.github.com:443/acme/shop.git", SHOP),
        ("git+ssh://git@github.com/acme/shop", SHOP),
        ("git://github.com/acme/shop", SHOP),
        ("git://github.com:9418/acme/shop", SHOP),
        ("git@github.com:acme/shop.git", SHOP),
        ("github.com:acme/shop", SHOP),
        ("git@github.com:/acme/shop.git", SHOP),
        ("https://github.com//acme//shop", SHOP),
        ("https://github.com/acme/shop?x=1#y", SHOP),
        ("https://github.com/acme/%73hop", SHOP),
        ("https://git.example:8443/acme/shop", "git.example:8443/acme/shop"),
        ("ssh://git@git.example:2222/acme/shop", "git.example:2222/acme/shop"),
        ("https://gitlab.example/a/b/c/shop", "gitlab.example/a/b/c/shop"),
        ("https://github.com/Acme/Shop", "github.com/Acme/Shop"),
        ("git@git.sr.ht:~acme/shop", "git.sr.ht/~acme/shop"),
        ("https://dev.azure.com/acme/p/_git/shop", "dev.azure.com/acme/p/_git/shop"),
        ("https://[2001:db8::1]/acme/shop", "[2001:db8::1]/acme/shop"),
        ("git@[2001:db8::1]:acme/shop", "[2001:db8::1]/acme/shop"),
    ],
)
def test_name_is_the_same_however_it_was_cloned(url: str, name: str) -> None:
    assert name_of_url(url) == name


@pytest.mark.parametrize(
    "url",
    [
        "", "shop", "/srv/git/shop.git", "../shop", "./a:b/shop", "file:///srv/git/shop.git",
        "https://github.com", "https://github.com/", "https://github.com/..", "https:///acme/shop",
        "https://github.com:99999/acme/shop", "https://github.com:x/acme/shop", "ext::sh -c x",
        "https://github.com/acme/sh%20op", "https://github.com/acme/shop%0ax",
        "https://github.com/acme%23x", "https://git_hub$.com/acme/shop", "https://[::1/acme/shop",
        "https://github.com/" + "a" * 600, "https://github.com/../../etc",
        "https:user:s3cr3t@github.com/acme/shop", "github.com:s3cr3t@x/acme/shop",
    ],
)  # fmt: skip
def test_what_names_no_host_and_path_is_no_name(url: str) -> None:
    assert name_of_url(url) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (SHOP, SHOP),
        (" GitHub.com/acme/shop/ ", SHOP),
        ("https://token@github.com/acme/shop.git", SHOP),
        ("git@github.com:acme/shop.git", SHOP),
        ("git.example:8443/acme/shop", "git.example:8443/acme/shop"),
    ],
)
def test_a_person_may_write_name_or_address(text: str, name: str) -> None:
    assert read_name(text) == name


@pytest.mark.parametrize("text", ["", "shop", "/acme/shop", "a b/c", "https://x"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no name of a repository: write host/path"):
        read_name(text)


def clone(root: Path, *remotes: tuple[str, str]) -> Path:
    root.mkdir(exist_ok=True)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for name, url in remotes:
        subprocess.run(["git", "-C", str(root), "remote", "add", name, url], check=True)
    return root


def test_origin_counts_of_several_remotes_from_any_directory(tmp_path: Path) -> None:
    root = clone(
        tmp_path, ("fork", "git@github.com:me/shop"), ("origin", "git@github.com:acme/shop.git")
    )
    (root / "deep").mkdir()
    assert repository_name(root / "deep") == SHOP


def test_the_only_remote_counts_whatever_it_is_called(tmp_path: Path) -> None:
    assert repository_name(clone(tmp_path, ("upstream", f"https://{SHOP}"))) == SHOP


@pytest.mark.parametrize(
    "remotes",
    [
        (),
        (("a", f"https://{SHOP}"), ("b", f"https://{SHOP}")),
        (("origin", "/srv/git/shop.git"),),
    ],
)
def test_no_remote_that_is_meant_gives_no_name(
    remotes: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    assert repository_name(clone(tmp_path, *remotes)) is None


def test_outside_of_a_clone_there_is_no_name(tmp_path: Path) -> None:
    assert repository_name(tmp_path) is None


def test_what_the_configuration_of_a_clone_includes_does_not_count(tmp_path: Path) -> None:
    root = clone(tmp_path / "clone")
    (tmp_path / "more").write_text(f'[remote "origin"]\n\turl = https://{SHOP}\n')
    config = root / ".git" / "config"
    config.write_text(config.read_text() + f"[include]\n\tpath = {tmp_path}/more\n")
    assert repository_name(root) is None


def test_a_linked_work_tree_has_the_remote_of_its_clone(tmp_path: Path) -> None:
    root = clone(tmp_path / "clone", ("origin", f"https://{SHOP}"))
    identity = ("-c", "user.name=x", "-c", "user.email=x@example")
    subprocess.run(
        ["git", "-C", str(root), *identity, "commit", "-q", "--allow-empty", "-m", "x"], check=True
    )
    subprocess.run(
        ["git", "-C", str(root), "worktree", "add", "-q", str(tmp_path / "linked")], check=True
    )
    assert repository_name(tmp_path / "linked") == SHOP
