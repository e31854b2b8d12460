"""What is listed: git says what is ignored, and the repository cannot make it do anything else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from basekeeper.trees.listing import list_files, walk_plainly
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.trees.conftest import Git, Powerless, Write


def listed(root: Path, *, respect: bool = True, follow: bool = False) -> set[str]:
    found = list_files(root, respect_gitignore=respect, follow_nested=follow)
    return {path for path in found if isinstance(path, str)}


def skipped(root: Path, *, respect: bool = True, follow: bool = False) -> list[Skipped]:
    found = list_files(root, respect_gitignore=respect, follow_nested=follow)
    return [item for item in found if isinstance(item, Skipped)]


def test_ignored_files_are_left_out_and_untracked_ones_are_not(
    tmp_path: Path, git: Git, write: Write
) -> None:
    git("init", "-q")
    write(".gitignore", "out/\n*.gen\n")
    write("Dockerfile")
    write("out/Dockerfile")
    write("a/Dockerfile.gen")
    write("new/Dockerfile")
    assert listed(tmp_path) == {".gitignore", "Dockerfile", "new/Dockerfile"}


def test_a_tracked_file_is_seen_although_it_is_ignored(
    tmp_path: Path, git: Git, write: Write
) -> None:
    git("init", "-q")
    write("out/Dockerfile")
    git("add", ".")
    write(".gitignore", "out/\n")
    write("out/Dockerfile.new")
    assert listed(tmp_path) == {".gitignore", "out/Dockerfile"}


def test_names_with_line_breaks_and_odd_bytes_survive(
    tmp_path: Path, git: Git, write: Write
) -> None:
    git("init", "-q")
    odd = os.fsdecode(b"caf\xe9/Docker\nfile")
    write(odd)
    assert listed(tmp_path) == {odd}
    git("add", ".")
    assert listed(tmp_path) == {odd}


def test_own_excludes_of_the_clone_count(tmp_path: Path, git: Git, write: Write) -> None:
    git("init", "-q")
    write("Dockerfile")
    write("scratch/Dockerfile")
    (tmp_path / ".git/info/exclude").write_text("scratch/\n")
    assert listed(tmp_path) == {"Dockerfile"}


def test_the_hostile_configuration_of_a_repository_is_not_obeyed(
    tmp_path: Path, git: Git, write: Write
) -> None:
    git("init", "-q")
    write("Dockerfile")
    git("add", ".")
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for key in (
        "core.fsmonitor", "core.sshCommand", "core.pager", "core.alternateRefsCommand",
        "filter.x.clean", "filter.x.smudge", "filter.x.process", "core.gitProxy",
    ):  # fmt: skip
        git("config", key, str(trap))
    git("config", "core.worktree", "/")
    git("config", "core.hooksPath", str(tmp_path))
    (tmp_path / "post-index-change").symlink_to(trap)
    write(".gitattributes", "* filter=x\n")
    assert "Dockerfile" in listed(tmp_path)
    assert not any(path.startswith(("etc/", "..")) for path in listed(tmp_path))
    assert not (tmp_path / "sprung").exists()


def test_a_directory_inside_a_repository_lists_only_itself(
    tmp_path: Path, git: Git, write: Write
) -> None:
    git("init", "-q")
    write(".gitignore", "*.gen\n")
    write("Dockerfile")
    write("sub/Dockerfile")
    write("sub/Dockerfile.gen")
    git("add", ".")
    assert listed(tmp_path / "sub") == {"Dockerfile"}


def test_an_ignored_directory_that_the_user_names_is_read(
    tmp_path: Path, git: Git, write: Write
) -> None:
    git("init", "-q")
    write(".gitignore", "build/\n")
    write("build/Dockerfile")
    assert listed(tmp_path) == {".gitignore"}
    assert listed(tmp_path / "build") == {"Dockerfile"}


def test_gitignore_counts_outside_any_repository(tmp_path: Path, write: Write) -> None:
    write(".gitignore", "out/\n")
    write("Dockerfile")
    write("out/Dockerfile")
    assert listed(tmp_path) == {".gitignore", "Dockerfile"}


def test_gitignore_can_be_told_not_to_count(tmp_path: Path, write: Write) -> None:
    write(".gitignore", "out/\n")
    write("out/Dockerfile")
    write(".git/Dockerfile")
    write("node_modules/x/Dockerfile")
    assert listed(tmp_path, respect=False) == {".gitignore", "out/Dockerfile"}


def test_a_linked_work_tree_is_listed_by_its_own_index(
    tmp_path: Path, git: Git, write: Write
) -> None:
    (tmp_path / "main").mkdir()
    git("init", "-q", cwd=tmp_path / "main")
    write("main/Dockerfile")
    write("main/.gitignore", "*.gen\n")
    write("main/kept.gen")
    git("add", "-f", ".", cwd=tmp_path / "main")
    git("commit", "-qm", "x", cwd=tmp_path / "main")
    git("worktree", "add", "-q", "../linked", cwd=tmp_path / "main")
    write("linked/other.gen")
    expected = {"Dockerfile", ".gitignore", "kept.gen"}
    assert {path for path in listed(tmp_path / "linked") if path != ".git"} == expected


def test_other_repositories_are_named_and_left_out_unless_followed(
    tmp_path: Path, git: Git, write: Write
) -> None:
    (tmp_path / "lib").mkdir()
    git("init", "-q", cwd=tmp_path / "lib")
    write("lib/Dockerfile")
    git("add", ".", cwd=tmp_path / "lib")
    git("commit", "-qm", "x", cwd=tmp_path / "lib")
    (tmp_path / "top").mkdir()
    top = tmp_path / "top"
    git("init", "-q", cwd=top)
    git("submodule", "add", "-q", str(tmp_path / "lib"), "sub", cwd=top)
    git("clone", "-q", str(tmp_path / "lib"), "nested", cwd=top)
    assert listed(top) == {".gitmodules"}
    left_out = skipped(top)
    assert {item.path for item in left_out} == {"sub", "nested"}
    assert all(item.reason.startswith("is another repository") for item in left_out)
    assert not any(item.fatal for item in left_out)
    assert {"sub/Dockerfile", "nested/Dockerfile"} <= listed(top, follow=True)
    assert skipped(top, follow=True) == []


def test_a_submodule_that_is_not_checked_out_is_no_news(
    tmp_path: Path, git: Git, write: Write
) -> None:
    git("init", "-q")
    write("Dockerfile")
    git("add", ".")
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},gone")
    (tmp_path / "gone").mkdir()
    assert listed(tmp_path) == {"Dockerfile"}
    assert skipped(tmp_path) == []


def test_a_broken_index_is_told_and_the_rest_is_listed(
    tmp_path: Path, git: Git, write: Write
) -> None:
    git("init", "-q")
    write(".gitignore", "out/\n")
    write("Dockerfile")
    write("out/Dockerfile")
    (tmp_path / ".git/index").write_bytes(b"no index at all, but long enough to be looked at")
    assert listed(tmp_path) == {".gitignore", "Dockerfile"}
    (item,) = skipped(tmp_path)
    assert item.reason.startswith("git cannot read the repository: ")
    assert item.hint is not None
    assert not item.fatal


def test_a_split_index_and_sha256_are_read(tmp_path: Path, git: Git, write: Write) -> None:
    (tmp_path / "split").mkdir()
    git("init", "-q", cwd=tmp_path / "split")
    write("split/out/Dockerfile")
    git("add", ".", cwd=tmp_path / "split")
    git("update-index", "--split-index", cwd=tmp_path / "split")
    write("split/.gitignore", "out\n")
    assert listed(tmp_path / "split") == {".gitignore", "out/Dockerfile"}
    (tmp_path / "new").mkdir()
    git("init", "-q", "--object-format=sha256", cwd=tmp_path / "new")
    write("new/out/Dockerfile")
    git("add", ".", cwd=tmp_path / "new")
    write("new/.gitignore", "out\n")
    assert listed(tmp_path / "new") == {".gitignore", "out/Dockerfile"}
    assert skipped(tmp_path / "new") == []


@pytest.mark.parametrize("content", ["gitdir: /nowhere", "nonsense", "", "gitdir: \0"])
def test_a_git_file_that_leads_nowhere_is_no_repository(
    tmp_path: Path, write: Write, content: str
) -> None:
    write(".git", content)
    write("Dockerfile")
    assert "Dockerfile" in listed(tmp_path)


def test_without_git_everything_is_walked_and_that_is_told(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(".gitignore", "out/\n")
    write("out/Dockerfile")
    monkeypatch.setenv("PATH", "/nonexistent")
    assert listed(tmp_path) == {".gitignore", "out/Dockerfile"}
    (item,) = skipped(tmp_path)
    assert item.reason == "git is not installed: ignored files are read as well"
    assert "install git" in (item.hint or "")


def test_a_git_that_always_fails_ends_in_a_plain_walk(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = write("bin/git", "#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    write("tree/Dockerfile")
    monkeypatch.setenv("PATH", str(fake.parent))
    assert listed(tmp_path / "tree") == {"Dockerfile"}
    assert [item.reason for item in skipped(tmp_path / "tree")] == [
        "git cannot read the repository: it gave no reason"
    ]


@pytest.mark.parametrize("respect", [True, False])
def test_a_directory_that_cannot_be_read_is_told(
    open_directory: Path,
    powerless: Powerless,
    respect: bool,  # noqa: FBT001
) -> None:
    (open_directory / "shut").mkdir(mode=0o700)
    (open_directory / "Dockerfile").write_text("FROM alpine\n")
    (open_directory / "shut" / "Dockerfile").write_text("FROM alpine\n")
    (open_directory / "shut").chmod(0o000)
    with powerless():
        (item,) = skipped(open_directory, respect=respect)
        assert listed(open_directory, respect=respect) == {"Dockerfile"}
    assert item.path == "shut"
    assert "cannot be read: Permission denied" in item.reason
    assert item.fatal
    (open_directory / "shut").chmod(0o700)


def test_the_plain_walk_enters_no_links(tmp_path: Path, write: Write) -> None:
    write("a/Dockerfile")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert set(walk_plainly(tmp_path)) == {"a/Dockerfile", "a/loop"}
