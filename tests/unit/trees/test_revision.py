"""Reading a git revision without checking it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import InputError
from basekeeper.trees.revision import GitTree
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.trees.conftest import Git, Write

    Commit = Callable[[], str]


@pytest.fixture
def commit(git: Git) -> Commit:
    git("init", "-q")

    def make() -> str:
        git("add", "-A")
        git("commit", "-qm", "x")
        return git("rev-parse", "HEAD")

    return make


def paths(tree: GitTree) -> set[str]:
    return {path for path in tree.files() if isinstance(path, str)}


def test_a_revision_is_read_as_it_was(tmp_path: Path, write: Write, commit: Commit) -> None:
    write("a/Dockerfile", "FROM debian\n")
    write("caf\u00e9/Dockerfile\n2", "FROM alpine\n")
    first = commit()
    write("a/Dockerfile", "FROM ubuntu\n")
    write("b/Dockerfile")
    commit()
    write("c/Dockerfile")
    with GitTree(tmp_path, "HEAD~1") as tree:
        assert tree.commit == first
        assert paths(tree) == {"a/Dockerfile", "caf\u00e9/Dockerfile\n2"}
        assert tree.read("a/Dockerfile") == b"FROM debian\n"
        assert tree.read("caf\u00e9/Dockerfile\n2") == b"FROM alpine\n"
        assert tree.exists("a/Dockerfile")
        assert not tree.exists("b/Dockerfile")
        assert tree.read("b/Dockerfile") == Skipped("b/Dockerfile", None, "does not exist")
        assert tree.label == f"{tmp_path} at HEAD~1"


def test_a_directory_of_the_repository_is_a_root_of_its_own(
    tmp_path: Path, write: Write, commit: Commit
) -> None:
    write("sub/Dockerfile")
    write("Dockerfile")
    commit()
    (tmp_path / "young").mkdir()
    with GitTree(tmp_path / "sub", "HEAD") as tree:
        assert paths(tree) == {"Dockerfile"}
    with GitTree(tmp_path / "sub" / "Dockerfile", "HEAD") as tree:
        assert paths(tree) == {"Dockerfile"}
    with GitTree(tmp_path / "young", "HEAD") as tree:
        assert paths(tree) == set()


def test_links_are_followed_within_the_revision(
    tmp_path: Path, write: Write, commit: Commit
) -> None:
    write("real/Dockerfile")
    for name, target in {
        "link": "real/Dockerfile", "alias": "real", "loop": "loop", "out": "../../etc/passwd",
        "absolute": "/etc/passwd", "dangling": "nothing",
    }.items():  # fmt: skip
        (tmp_path / name).symlink_to(target)
    commit()
    with GitTree(tmp_path, "HEAD") as tree:
        assert tree.read("link") == b"FROM alpine\n"
        assert tree.real_path("alias/Dockerfile") == "real/Dockerfile"
        assert tree.read("alias/Dockerfile") == b"FROM alpine\n"
        assert tree.read("loop") == Skipped(
            "loop", None, "is a link that leads in a circle", "correct or remove the link"
        )
        for name in ("out", "absolute"):
            found = tree.read(name)
            assert isinstance(found, Skipped)
            assert found.reason == "leads out of the tree"
        assert tree.read("dangling") == Skipped("dangling", None, "is a link to nothing")


def test_binary_and_huge_files_and_submodules_are_told(
    tmp_path: Path, write: Write, commit: Commit, git: Git
) -> None:
    write("Dockerfile", b"\0")
    write("Dockerfile.huge", b"#" * (16 * 1024 * 1024 + 1))
    commit()
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    git("commit", "-qm", "y")
    with GitTree(tmp_path, "HEAD") as tree:
        reasons = [
            item.reason
            for item in map(tree.read, ("Dockerfile", "Dockerfile.huge", "sub"))
            if isinstance(item, Skipped)
        ]
        assert reasons == [
            "is a binary file, not text", "is larger than 16 MiB (16 MiB)", "is not a regular file",
        ]  # fmt: skip
        (item,) = (item for item in tree.files() if isinstance(item, Skipped))
        assert (item.path, item.fatal) == ("sub", False)
        assert not tree.exists("sub")


def test_an_object_that_the_clone_lacks_is_told(
    tmp_path: Path, write: Write, commit: Commit, git: Git
) -> None:
    write("Dockerfile")
    commit()
    blob = git("rev-parse", "HEAD:Dockerfile")
    (tmp_path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with GitTree(tmp_path, "HEAD") as tree:
        found = tree.read("Dockerfile")
    assert isinstance(found, Skipped)
    assert found.reason == "is missing from the clone"
    assert found.hint is not None


def test_a_tree_that_the_clone_lacks_is_an_error_with_a_remedy(
    tmp_path: Path, write: Write, commit: Commit, git: Git
) -> None:
    write("sub/Dockerfile")
    commit()
    inner = git("rev-parse", "HEAD:sub")
    (tmp_path / ".git/objects" / inner[:2] / inner[2:]).unlink()
    with (
        GitTree(tmp_path, "HEAD") as tree,
        pytest.raises(InputError, match="git cannot list") as caught,
    ):
        list(tree.files())
    assert "fetch" in (caught.value.hint or "")


@pytest.mark.parametrize("ref", ["nothing", "--help", "HEAD:Dockerfile", "", "a\0b", "HEAD^{tree}"])
def test_an_unknown_revision_is_told_with_a_remedy(
    tmp_path: Path, write: Write, commit: Commit, ref: str
) -> None:
    write("Dockerfile")
    commit()
    with pytest.raises(InputError, match="is not in this clone") as caught:
        GitTree(tmp_path, ref)
    assert "git fetch" in (caught.value.hint or "")


def test_no_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is in no git repository") as caught:
        GitTree(tmp_path, "main")
    assert caught.value.hint is not None


def test_nothing_that_the_repository_configures_is_run(
    tmp_path: Path, write: Write, commit: Commit, git: Git
) -> None:
    trap = write("trap.sh", f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    write(".gitattributes", "* filter=x diff=x\n")
    write("Dockerfile")
    commit()
    for key in ("filter.x.smudge", "core.fsmonitor", "diff.x.textconv", "core.sshCommand"):
        git("config", key, str(trap))
    git("config", "extensions.partialClone", "origin")
    git("config", "remote.origin.url", f"ext::{trap}")
    blob = git("rev-parse", "HEAD:trap.sh")
    (tmp_path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with GitTree(tmp_path, "HEAD") as tree:
        assert tree.read("Dockerfile") == b"FROM alpine\n"
        assert isinstance(tree.read("trap.sh"), Skipped)
    assert not (tmp_path / "sprung").exists()


def test_closing_twice_is_fine(tmp_path: Path, write: Write, commit: Commit) -> None:
    write("Dockerfile")
    commit()
    tree = GitTree(tmp_path, "HEAD")
    tree.close()
    tree.close()
