"""What the ledger promises on a branch beyond the contract, on real git."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import EXIT_UNKNOWN, LedgerError
from basekeeper.ledger import branch
from basekeeper.ledger.branch import open_branch
from basekeeper.ledger.location import read_location
from basekeeper.ledger.rows import row_of
from basekeeper.values.event import EventKind
from tests.contract.ledger_places import BRANCH, LATER, NODE, git, notice, sight
from tests.fakes.githttp import CREDENTIAL, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from basekeeper.ledger.branch import BranchLedger

NAME = "basekeeper-ledger"


def opened(place: Path, *, write: bool = True) -> contextlib.closing[BranchLedger]:
    clock = (lambda: LATER) if write else None
    return contextlib.closing(open_branch(read_location(BRANCH), clock=clock, start=place))


@pytest.fixture
def remote(clone: Path) -> Path:
    return clone.parent / "remote.git"


def snapshot(place: Path) -> dict[str, bytes]:
    """Every file of a clone, with those of git."""
    return {str(path): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def test_shallow_clone_with_changes_is_left_exactly_as_it_was(clone: Path) -> None:
    (clone / "Dockerfile").write_text("FROM node:24\n")
    git(clone, "add", "Dockerfile")
    (clone / "Dockerfile").write_text("FROM node:26\n")
    before = snapshot(clone)
    (clone / "deep" / "er").mkdir(parents=True)
    with opened(clone / "deep" / "er") as ledger:
        ledger.append([sight()])
    assert snapshot(clone) == before


def test_another_repository_may_keep_the_branch(clone: Path, remote: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.git"
    git(tmp_path, "init", "--quiet", "--bare", str(state))
    there = read_location(f"{BRANCH}@{state.as_uri()}")
    outside = tmp_path / "outside"
    outside.mkdir()
    for start, number in ((clone, 1), (outside, 2)):
        with contextlib.closing(open_branch(there, clock=lambda: LATER, start=start)) as ledger:
            ledger.append([sight(number)])
    assert git(state, "log", "--format=%s", NAME).splitlines() == ["ledger: add 1 event"] * 2
    assert NAME not in git(remote, "branch", "--list")


def test_branch_is_an_orphan_that_each_append_moves_on(clone: Path, remote: Path) -> None:
    with opened(clone) as ledger:
        ledger.append([sight()])
        ledger.append([sight()])  # nothing new: no commit
        ledger.append([sight(2), sight(3)])
    log = git(remote, "log", "--format=%s|%an|%P|%ct", NAME).splitlines()
    assert [line.split("|")[0] for line in log] == ["ledger: add 2 events", "ledger: add 1 event"]
    assert [line.split("|")[1] for line in log] == ["basekeeper"] * 2
    assert log[1].split("|")[2:] == ["", str(int(LATER.timestamp()))]
    assert "[skip ci]" in git(remote, "log", "-1", "--format=%B", NAME)
    names = git(remote, "ls-tree", "-r", "--name-only", NAME).splitlines()
    assert [name.split("/")[0] for name in names] == ["chains", "heads.json"]


def test_event_is_one_line_that_a_person_can_read(clone: Path, remote: Path) -> None:
    with opened(clone) as ledger:
        ledger.append([sight(evidence={"media_type": "x"}, policy="sha256:1"), sight(2)])
        heads = ledger.heads()
    lines = shown(remote).splitlines()
    value = json.loads(lines[0])
    assert len(lines) == 2
    assert {name: value[name] for name in ("kind", "subject", "evidence", "policy", "seq")} == {
        "kind": "first-seen", "subject": NODE, "evidence": {"media_type": "x"},
        "policy": "sha256:1", "seq": 1,
    }  # fmt: skip
    assert json.loads(git(remote, "show", f"{NAME}:heads.json"))["heads"] == {
        NODE: [2, heads[0].hash]
    }


def shown(remote: Path) -> str:
    return git(remote, "show", f"{NAME}:{path(remote)}") + "\n"


def path(remote: Path) -> str:
    return git(remote, "ls-tree", "-r", "--name-only", NAME, "chains/").splitlines()[0]


def rewrite(remote: Path, files: dict[str, str | None]) -> None:
    """Commit other files on the branch, as somebody who may push can."""
    work = remote.parent / "tamper"
    git(remote.parent, "clone", "-q", "-b", NAME, str(remote), str(work))
    for name, text in files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            (work / name).unlink()
        else:
            (work / name).write_text(text)
    git(work, "add", "-A")
    git(work, "commit", "-qm", "an honest change")
    git(work, "push", "-q", "origin", NAME)
    shutil.rmtree(work)


def drop(number: int) -> Callable[[list[str]], list[str]]:
    return lambda lines: lines[: number - 1] + lines[number:]


def edit(number: int, old: str, new: str) -> Callable[[list[str]], list[str]]:
    def change(lines: list[str]) -> list[str]:
        assert old in lines[number - 1]
        return [
            line.replace(old, new) if at == number else line for at, line in enumerate(lines, 1)
        ]

    return change


@pytest.mark.parametrize(
    ("change", "position", "reason"),
    [
        (edit(2, '"source":"docker.io"', '"source":"docker.iO"'), 2, "was changed"),
        (edit(1, '"recorded":', '"recorded":1'), 1, "was changed"),
        (edit(3, '"media_type"', '"mediatype"'), 3, "was changed"),
        (edit(3, NODE, "docker.io/library/other"), 3, "belongs to another chain"),
        (edit(2, '"position":2', '"position":1'), 2, "is there twice"),
        (edit(2, '"seq":2', '"seq":1'), 2, "was moved"),
        (edit(2, '"at":', '"at":"x","y":'), 2, "cannot be read"),
        (edit(2, '"kind":', "kind:"), 2, "cannot be read"),
        (edit(2, '"previous":"', '"previous":"00'), 2, "does not follow"),
        (drop(1), 1, "is missing"),
        (drop(2), 2, "is missing"),
        (drop(4), 4, "is missing"),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2, "is missing"),
        (lambda lines: [*lines, lines[3]], 5, "is there twice"),
        (lambda lines: [*lines[:3], lines[3][:40]], 4, "cannot be read"),
        (lambda lines: [*lines[:3], lines[3].rstrip("\n")], 4, "cannot be read"),
        (lambda _: [], 1, "is missing"),
        (lambda _: ["[" * 100_000 + "\n"], 1, "cannot be read"),
    ],
)
def test_edited_branch_is_found_out_and_neither_read_nor_added_to(
    clone: Path,
    remote: Path,
    change: Callable[[list[str]], list[str]],
    position: int,
    reason: str,
) -> None:
    with opened(clone) as ledger:
        ledger.append([*(sight(number) for number in range(4)), sight(subject="ghcr.io/a/b")])
    name = next(
        name
        for name in git(remote, "ls-tree", "-r", "--name-only", NAME, "chains/").splitlines()
        if NODE in git(remote, "show", f"{NAME}:{name}")
    )
    lines = (git(remote, "show", f"{NAME}:{name}") + "\n").splitlines(keepends=True)
    rewrite(remote, {name: "".join(change(lines))})
    with opened(clone) as ledger:
        found = ledger.verify()
        assert [(one.chain, one.position) for one in found.breaks] == [(NODE, position)]
        assert reason in found.breaks[0].reason
        for action in (lambda: list(ledger.events()), lambda: ledger.append([sight(9)])):
            with pytest.raises(LedgerError, match=f"event {position} of '{NODE}'") as caught:
                action()
            assert "restore the branch" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"heads.json": None}, "branch of something else"),
        ({"heads.json": "{"}, "'heads.json' cannot be read"),
        ({"heads.json": '{"format": 1, "heads": {"x": [1, "zz"]}}'}, "cannot be read"),
        ({"heads.json": '{"format": 2, "chains": []}'}, "format 2, which is newer"),
    ],
)
def test_branch_that_is_no_ledger_of_ours_is_refused(
    clone: Path, remote: Path, files: dict[str, str | None], message: str
) -> None:
    with opened(clone) as ledger:
        ledger.append([sight()])
    rewrite(remote, files)
    for write in (True, False):
        with pytest.raises(LedgerError, match=message):
            opened(clone, write=write)


def test_file_of_an_unknown_chain_is_found_out(clone: Path, remote: Path) -> None:
    with opened(clone) as ledger:
        ledger.append([sight()])
    rewrite(remote, {"chains/aa/x.jsonl": shown(remote)})
    with opened(clone) as ledger:
        assert not ledger.verify().is_sound


def test_other_files_on_the_branch_are_left_alone(clone: Path, remote: Path) -> None:
    with opened(clone) as ledger:
        ledger.append([sight()])
    rewrite(remote, {"README.md": "the ledger of acme\n"})
    with opened(clone) as ledger:
        assert ledger.append([sight(2)]) == 1
    assert git(remote, "show", f"{NAME}:README.md") == "the ledger of acme"


def test_branch_that_was_set_back_is_healed_by_whoever_knows_the_rest(
    clone: Path, remote: Path
) -> None:
    with opened(clone) as ledger:
        ledger.append([sight()])
        before = git(remote, "rev-parse", NAME)
        ledger.append([sight(2)])
        git(remote, "update-ref", f"refs/heads/{NAME}", before)
        assert ledger.append([sight(3)]) == 1
    with opened(clone) as ledger:
        assert len(list(ledger.events())) == 3


def test_history_that_was_rewritten_while_it_was_open_is_found_out(
    clone: Path, remote: Path
) -> None:
    with opened(clone) as ledger:
        ledger.append([sight()])
        before = git(remote, "rev-parse", NAME)
        ledger.append([sight(2)])
        git(remote, "update-ref", f"refs/heads/{NAME}", before)  # a sound ledger, and too old
        with opened(clone) as other:
            other.append([sight(9)])
        with pytest.raises(LedgerError, match=r"event 2 of .* is another than was noted"):
            ledger.append([sight(3)])


def test_branch_that_was_deleted_while_it_was_open_is_not_begun_anew(
    clone: Path, remote: Path
) -> None:
    with opened(clone) as ledger:
        ledger.append([sight()])
        git(remote, "update-ref", "-d", f"refs/heads/{NAME}")
        assert ledger.append([sight(2)]) == 1  # all that was there is pushed again
        noted = ledger.heads()
    with opened(clone) as ledger:
        assert ledger.verify(noted).is_sound
        git(remote, "update-ref", "-d", f"refs/heads/{NAME}")
        with pytest.raises(LedgerError, match="was deleted while it was open") as caught:
            ledger.append([sight(3)])  # it has no more than the newest commit to push
        assert "restore the branch" in (caught.value.hint or "")
    with opened(clone) as ledger:
        assert not ledger.verify(noted).is_sound


def test_two_writers_that_know_the_same_past_both_get_through(clone: Path) -> None:
    with opened(clone) as one, opened(clone) as other:
        assert one.append([sight(1), sight(2)]) == 2
        assert other.append([sight(2), sight(3)]) == 1
        assert one.append([sight(3), sight(4)]) == 1
        assert other.append([sight(4)]) == 0
    with opened(clone, write=False) as reader:
        assert [event.key[-1] for event in reader.events()] == ["1", "2", "3", "4"]
        assert reader.verify().is_sound


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_rejected_push_is_told_of_with_the_remedy(clone: Path, remote: Path, hook: str) -> None:
    script = remote / "hooks" / hook
    script.parent.mkdir(exist_ok=True)
    script.write_text("#!/bin/sh\necho protected by acme >&2\nexit 1\n")
    script.chmod(0o755)
    with opened(clone) as ledger:
        with pytest.raises(LedgerError, match=r"takes no events: .*protected by acme") as caught:
            ledger.append([sight()])
        assert caught.value.exit_code == EXIT_UNKNOWN
        assert "contents: write" in (caught.value.hint or "")
        assert list(ledger.events()) == []
        script.unlink()
        assert ledger.append([sight()]) == 1


def test_push_that_was_refused_once_is_tried_again(
    clone: Path, remote: Path, tmp_path: Path
) -> None:
    script = remote / "hooks" / "pre-receive"
    script.parent.mkdir(exist_ok=True)
    script.write_text(
        f"#!/bin/sh\n[ -e {tmp_path}/once ] || {{ touch {tmp_path}/once; exit 1; }}\n"
    )
    script.chmod(0o755)
    with opened(clone) as ledger:
        assert ledger.append([sight()]) == 1


def test_push_that_arrived_though_the_answer_was_lost_is_counted_once(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(clone) as ledger:
        real = ledger._remote.push

        def push(commit: str) -> None:
            real(commit)
            monkeypatch.undo()
            raise LedgerError("the connection was lost")

        monkeypatch.setattr(ledger._remote, "push", push)
        assert ledger.append([sight(), sight(2)]) == 2
        assert ledger.append([sight()]) == 0
        assert len(list(ledger.events())) == 2


def test_others_that_are_always_faster_end_it_with_a_remedy(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(branch, "ATTEMPTS", 4)
    with opened(clone) as ledger, opened(clone) as other:
        real, numbers = ledger._remote.push, iter(range(10, 100))

        def push(commit: str) -> None:
            other.append([sight(next(numbers))])
            real(commit)

        monkeypatch.setattr(ledger._remote, "push", push)
        with pytest.raises(LedgerError, match="moved on by others 4 times") as caught:
            ledger.append([sight()])
        assert "use a database" in (caught.value.hint or "")


def test_remote_that_is_gone_is_told_of(clone: Path, remote: Path) -> None:
    with opened(clone) as ledger:
        ledger.append([sight()])
        remote.rename(remote.with_name("elsewhere"))
        with pytest.raises(LedgerError, match="cannot be") as caught:
            ledger.append([sight(2)])
        assert "git ls-remote origin" in (caught.value.hint or "")
        remote.with_name("elsewhere").rename(remote)
        assert ledger.append([sight(2)]) == 1
    shutil.rmtree(remote)
    with pytest.raises(LedgerError, match="cannot be read"):
        opened(clone)


def test_place_without_clone_or_remote_is_told_of(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="needs a clone"):
        opened(tmp_path)
    git(clone, "remote", "remove", "origin")
    with pytest.raises(LedgerError, match="needs a remote named 'origin'"):
        opened(clone)


def test_only_remote_is_used_whatever_its_name(clone: Path) -> None:
    git(clone, "remote", "rename", "origin", "upstream")
    with opened(clone) as ledger:
        assert ledger.append([sight()]) == 1


def test_relative_remote_and_linked_work_tree_are_understood(clone: Path) -> None:
    git(clone, "remote", "set-url", "origin", "../remote.git")
    git(clone, "worktree", "add", "-q", "../linked")
    with opened(clone) as ledger:
        assert ledger.append([sight()]) == 1
    git(clone, "remote", "set-url", "origin", f"file://{clone.parent}/remote.git")
    with opened(clone.parent / "linked", write=False) as ledger:
        assert len(list(ledger.events())) == 1


def test_repository_of_sha256_is_understood(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "--object-format=sha256", "remote.git")
    git(tmp_path, "init", "-q", "--object-format=sha256", "clone")
    git(tmp_path / "clone", "remote", "add", "origin", f"file://{tmp_path}/remote.git")
    with opened(tmp_path / "clone") as ledger:
        assert ledger.append([sight()]) == 1
        assert ledger.append([sight(2)]) == 1


HOSTILE = """
[core]
    fsmonitor = touch {mark}
    hooksPath = {hooks}
    sshCommand = touch {mark}; false
    gitProxy = touch {mark}
    askPass = {hooks}/pre-push
    pager = touch {mark}
[credential]
    helper = "!touch {mark}"
[remote "origin"]
    uploadpack = touch {mark}; git-upload-pack
    receivepack = touch {mark}; git-receive-pack
    promisor = true
    vcs = evil
[filter "x"]
    clean = touch {mark}
[alias]
    push = "!touch {mark}"
[protocol]
    allow = always
"""


def test_programs_that_the_clone_names_are_not_run(clone: Path, tmp_path: Path) -> None:
    mark, hooks = tmp_path / "mark", tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "post-commit", "pre-auto-gc"):
        for place in (hooks, clone / ".git" / "hooks"):
            place.mkdir(exist_ok=True)
            (place / name).write_text(f"#!/bin/sh\ntouch {mark}\n")
            (place / name).chmod(0o755)
    with (clone / ".git" / "config").open("a") as config:
        config.write(HOSTILE.format(mark=mark, hooks=hooks))
    (clone / ".gitattributes").write_text("* filter=x\n")
    with opened(clone) as ledger:
        ledger.append([sight()])
        ledger.append([sight(2)])
    assert not mark.exists()


@pytest.mark.parametrize("url", ["ext::sh -c touch% {mark}", "-oProxyCommand=x:y", "evil::x"])
def test_remote_that_would_run_a_program_is_refused(clone: Path, tmp_path: Path, url: str) -> None:
    git(clone, "config", "remote.origin.url", url.format(mark=tmp_path / "mark"))
    with pytest.raises(LedgerError):
        opened(clone)
    assert not (tmp_path / "mark").exists()


@pytest.fixture
def served(clone: Path, remote: Path) -> Iterator[str]:
    """The remote over HTTP, which asks for a password."""
    git(remote, "config", "http.receivepack", "true")
    with serving(remote.parent) as url:
        git(clone, "remote", "set-url", "origin", f"{url}/remote.git")
        yield url


def test_token_that_ci_keeps_in_the_clone_is_sent_and_never_shown(
    clone: Path, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(clone, "config", f"http.{served}/.extraheader", f"AUTHORIZATION: basic {CREDENTIAL}")
    started: list[str] = []
    real = subprocess.Popen

    def popen(argv: list[str], **more: object) -> object:
        started.append(" ".join(map(str, argv)) + str(more["env"]))
        return real(argv, **more)  # type: ignore[call-overload]

    monkeypatch.setattr("basekeeper.process.subprocess.Popen", popen)
    with opened(clone) as ledger, opened(clone) as other:
        assert ledger.append([sight()]) == 1
        assert other.append([sight(2)]) == 1
    assert len(started) > 10
    assert CREDENTIAL not in " ".join(started)


def test_token_in_a_file_that_the_clone_includes_is_sent(
    clone: Path, served: str, tmp_path: Path
) -> None:
    included = tmp_path / "credentials.config"
    git(clone, "config", "-f", str(included), f"http.{served}/.extraheader",
        f"AUTHORIZATION: basic {CREDENTIAL}")  # fmt: skip
    git(clone, "config", f"includeIf.gitdir:{clone}/.git.path", str(included))
    with opened(clone) as ledger:
        assert ledger.append([sight()]) == 1


def test_token_in_the_environment_is_sent(
    clone: Path, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"http.{served}/.extraheader")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"AUTHORIZATION: basic {CREDENTIAL}")
    with opened(clone) as ledger:
        assert ledger.append([sight()]) == 1


def test_event_of_a_later_kind_is_not_passed_over(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = row_of(sight(), 5) | {"kind": "abducted", "id": b"x" * 32}
    monkeypatch.setattr(branch, "row_of", lambda *_: later)
    with opened(clone) as ledger:
        ledger.append([sight()])
        assert ledger.verify().is_sound
        with pytest.raises(LedgerError, match="unknown here, 'abducted'"):
            list(ledger.events())
        assert list(ledger.events(kinds=[EventKind.FIRST_SEEN])) == []


def test_outbox_that_another_program_wrote_is_told_of(clone: Path) -> None:
    with opened(clone) as ledger:
        ledger.append([], [notice()])
        tried = sight(kind=EventKind.NOTICE_TRIED, subject=notice().subject, key="notice-1/x")
        ledger.append([tried])
        with pytest.raises(LedgerError, match="outbox of the ledger cannot be read"):
            ledger.claim(limit=1, lease=timedelta(minutes=1))


def test_helper_of_the_user_is_asked(
    clone: Path, served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.gitconfig"
    store = tmp_path / "store"
    store.write_text(served.replace("//", "//keeper:s3cr3t@") + "\n")
    own.write_text(f"[credential]\n\thelper = store --file={store}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    with opened(clone) as ledger:
        assert ledger.append([sight()]) == 1


def test_missing_and_wrong_credentials_are_told_of_without_them(clone: Path, served: str) -> None:
    with pytest.raises(LedgerError, match="cannot be read") as caught:
        opened(clone)
    assert caught.value.hint
    wrong = served.replace("//", "//keeper:oth3r-s3cr3t@")
    git(clone, "remote", "set-url", "origin", f"{wrong}/remote.git")
    with pytest.raises(LedgerError) as caught:
        opened(clone)
    assert "oth3r" not in f"{caught.value} {caught.value.hint}"


def test_token_that_may_only_read_is_told_of(clone: Path, remote: Path, served: str) -> None:
    git(clone, "config", f"http.{served}/.extraheader", f"AUTHORIZATION: basic {CREDENTIAL}")
    git(remote, "config", "http.receivepack", "false")
    with opened(clone) as ledger, pytest.raises(LedgerError, match="403") as caught:
        ledger.append([sight()])
    assert caught.value.hint


def test_nothing_is_left_below_the_temporary_directory(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    with opened(clone) as ledger:
        ledger.append([sight()], [notice()])
        assert [entry.stat().st_mode & 0o777 for entry in place.iterdir()] == [0o700]
    with contextlib.suppress(LedgerError):
        opened(tmp_path)
    assert list(place.iterdir()) == []


def test_many_chains_are_one_commit(clone: Path, remote: Path) -> None:
    with opened(clone) as ledger:
        assert ledger.append(sight(subject=f"a.example/{number}") for number in range(700)) == 700
    with opened(clone) as ledger:
        assert ledger.verify().events == 700
    assert git(remote, "rev-list", "--count", NAME) == "1"
