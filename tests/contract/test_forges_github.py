"""What only GitHub has: how little is asked, how slowly it is changed, where the token goes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.cache.memory import MemoryCache
from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.github.client import API_VERSION
from basekeeper.forge.pacing import Pace
from basekeeper.values.forge import Done, Label, MergeMethod, MergeState, RepositoryRef, TokenKind
from tests.contract.forge_places import (
    BRANCH,
    REF,
    TOKEN,
    GitHubBench,
    commit,
    github_bench,
    interrupted,
    proposal,
    propose,
)
from tests.fakes.github import Fault
from tests.fakes.github.state import Comment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[GitHubBench]:
    with github_bench(tmp_path / "forge") as made:
        yield made


def test_a_fleet_that_stands_as_it_did_costs_a_request_for_each_hundred(bench: GitHubBench) -> None:
    for number in range(24):
        bench.world.repository(f"acme/r{number}", {"Dockerfile": b"FROM x"})
    bench.world.page_size = 10
    cache = MemoryCache()

    def cycle(seen: dict[RepositoryRef, str | None]) -> dict[RepositoryRef, str | None]:
        forge, told = bench.forge(cache=cache), {}
        for one in forge.repositories("acme"):
            told[one.ref] = one.head
            if seen.get(one.ref) != one.head and one.head is not None:
                forge.tree(one.ref, one.head)
        return told

    first = cycle({})
    counts = [len(bench.server.log)]
    second = cycle(first)
    counts.append(len(bench.server.log) - sum(counts))
    bench.person_pushes("main", {"a": b"a"})
    cycle(second)
    counts.append(len(bench.server.log) - sum(counts))

    assert len(first) == 25
    assert counts == [3 + 25, 3, 3 + 1]


def test_what_is_named_by_its_content_is_read_once(bench: GitHubBench) -> None:
    cache, head = MemoryCache(), bench.base()
    for _ in range(3):
        forge = bench.forge(cache=cache)
        for entry in forge.tree(REF, head).entries:
            if entry.is_file:
                forge.file(REF, entry.oid)
    assert len(bench.server.log) == 1 + 3


def test_what_did_not_change_is_asked_for_with_its_etag(bench: GitHubBench) -> None:
    cache = MemoryCache()
    number = propose(bench, bench.forge(cache=cache)).number
    told = []
    for _ in range(3):
        bench.server.log.clear()
        told.append(bench.forge(cache=cache).comment_once(REF, number, "hello", "b"))

    assert told == [False, False, False]
    assert [one.status for one in bench.server.log if one.method == "GET"] == [304]


@pytest.mark.parametrize("present", [99, 100, 101, 200])
def test_a_page_that_stays_while_another_is_added_hides_nothing(
    bench: GitHubBench, present: int
) -> None:
    cache = MemoryCache()
    number = propose(bench, bench.forge()).number
    pull = bench.repository.pulls[number]
    pull.comments[:] = [Comment(one, bench.alice, "hm") for one in range(present)]

    told = [
        bench.forge(cache=cache).comment_once(REF, number, key, "b") for key in ("a", "a", "b", "b")
    ]

    assert told == [True, False, True, False]
    assert len(pull.comments) == present + 2


def test_a_proposal_that_stands_changes_nothing(bench: GitHubBench) -> None:
    propose(bench, bench.forge())
    bench.server.log.clear()

    propose(bench, bench.forge())

    assert [(one.method, one.template) for one in bench.server.changes] == [
        ("POST", "/repos/{owner}/{repo}/git/trees")  # the same content makes the same tree
    ]


def test_changes_go_one_at_a_time_a_second_apart(bench: GitHubBench) -> None:
    forge = bench.forge(pace=Pace())
    threads = [
        threading.Thread(target=forge.ensure_label, args=(REF, Label(f"label {number}")))
        for number in range(5)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len(bench.server.changes) == 5
    assert sum(bench.clock.slept) == pytest.approx(4.0)


def test_no_more_content_is_made_than_an_hour_allows(bench: GitHubBench) -> None:
    forge = bench.forge(pace=Pace(gap=0.0, content_a_minute=3, content_an_hour=5))
    for number in range(5):
        forge.ensure_label(REF, Label(f"label {number}"))

    with pytest.raises(ForgeError, match="most changes an hour") as caught:
        forge.ensure_label(REF, Label("one more"))

    assert caught.value.failure is ForgeFailure.LIMITED
    assert caught.value.until is not None
    assert sum(bench.clock.slept) == pytest.approx(60.0)
    assert len(bench.repository.labels) == 5


def test_every_request_says_who_we_are_and_which_version_we_speak(bench: GitHubBench) -> None:
    propose(bench, bench.forge())

    for one in bench.server.log:
        assert one.headers["authorization"] == f"Bearer {TOKEN}"
        assert one.headers["x-github-api-version"] == API_VERSION
        assert one.headers["user-agent"].startswith("basekeeper")
        assert TOKEN not in one.headers[":target"]


def test_a_private_repository_of_others_is_not_found(bench: GitHubBench) -> None:
    bench.world.repository("acme/secret", {"a": b"a"}, is_private=True)
    forge, ref = bench.forge(), RepositoryRef("acme", "secret")

    for ask in (lambda: forge.repository(ref), lambda: forge.tree(ref, "0" * 40)):
        with pytest.raises(ForgeError) as caught:
            ask()
        assert caught.value.failure is ForgeFailure.NOT_FOUND
    assert RepositoryRef("acme", "secret") not in {one.ref for one in forge.repositories("acme")}


def test_the_kind_of_the_token_is_told(bench: GitHubBench) -> None:
    found = bench.forge().capabilities()
    assert (found.login, found.token, found.notices) == ("keeper", TokenKind.CLASSIC, ())


def test_two_runs_at_once_make_one_branch_and_one_pull_request(bench: GitHubBench) -> None:
    barrier = threading.Barrier(2)

    def run() -> None:
        forge = bench.forge()
        barrier.wait()
        try:
            propose(bench, forge)
        except ForgeError as error:
            assert error.failure is ForgeFailure.CONFLICT  # noqa: PT017  # in a thread

    threads = [threading.Thread(target=run) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len(bench.repository.pulls) == 1
    (found,) = bench.forge().find_change_requests(REF, BRANCH)
    assert found.head == bench.head(BRANCH)


def kind_of(ask: Callable[[], object]) -> ForgeFailure:
    with pytest.raises(ForgeError) as caught:
        ask()
    return caught.value.failure


def test_what_is_missing_is_not_found(bench: GitHubBench) -> None:
    forge = bench.forge()
    method = MergeMethod.MERGE
    asked: list[Callable[[], object]] = [
        lambda: list(forge.repositories("nobody")),
        lambda: forge.merge(REF, 99, "a" * 40, method),
        lambda: forge.close_change_request(REF, 99),
        lambda: forge.file(REF, "a" * 40),
        lambda: forge.comment_once(REF, 99, "k", "x"),
    ]
    assert {kind_of(one) for one in asked} == {ForgeFailure.NOT_FOUND}


@pytest.mark.parametrize("name", ["", "-x", "a b", "a..b", "a.lock"])
def test_a_name_that_no_branch_has_is_refused_before_anything_is_asked(
    bench: GitHubBench, name: str
) -> None:
    forge = bench.forge()
    assert kind_of(lambda: forge.ensure_branch(REF, name, commit(bench), None)) is (
        ForgeFailure.CONFLICT
    )
    assert bench.server.log == []


@pytest.mark.parametrize("by", ["auto-merge", "queue"])
def test_what_was_pushed_after_it_was_judged_is_not_waited_for(bench: GitHubBench, by: str) -> None:
    bench.repository.ruled["main"] = ["build"]
    bench.repository.queue = by == "queue"
    forge, method = bench.forge(), MergeMethod.SQUASH
    found = propose(bench, forge)
    if by == "auto-merge":
        forge.enable_auto_merge(REF, found.number, found.head, method)
    bench.person_pushes(BRANCH, {"late": b"x"})

    told = [
        forge.enable_auto_merge(REF, found.number, found.head, method).state,
        forge.merge(REF, found.number, found.head, method).state,
    ]

    assert told == [MergeState.MOVED, MergeState.MOVED]
    assert not bench.repository.pulls[found.number].in_queue


def test_a_mark_in_a_pull_request_of_somebody_else_declines_nothing(bench: GitHubBench) -> None:
    forge = bench.forge()
    first = propose(bench, forge).number
    bench.repository.pulls[first].user = bench.alice
    bench.person_closes(first)

    made = forge.ensure_change_request(REF, proposal())

    assert made.done is Done.CREATED
    assert [one.key for one in forge.find_change_requests(REF, BRANCH)] == ["alpine 3.22", None]


def test_we_are_known_by_another_name_too(bench: GitHubBench) -> None:
    propose(bench, bench.forge())
    known = {"viewer": {"login": "keeper-renamed", "databaseId": bench.keeper.id}}
    bench.server.add(Fault(part="Viewer", status=200, document={"data": known}))

    state = bench.forge().branch(REF, BRANCH, "main")

    assert state is not None
    assert state.is_ours


def test_a_draft_is_not_merged(bench: GitHubBench) -> None:
    forge = bench.forge()
    found = propose(bench, forge)
    bench.repository.pulls[found.number].is_draft = True
    outcome = forge.merge(REF, found.number, found.head, MergeMethod.MERGE)
    assert (outcome.state, outcome.reason) == (MergeState.REFUSED, "it is a draft")


@pytest.mark.parametrize("part", ["Update", "Enable", "Enqueue", "/merge", "/pulls"])
def test_a_change_that_was_never_done_is_told_as_uncertain(bench: GitHubBench, part: str) -> None:
    bench.repository.ruled["main"] = ["build"] if part == "Enable" else []
    bench.repository.queue = part == "Enqueue"
    forge, method = bench.forge(), MergeMethod.SQUASH
    asked: dict[str, Callable[[], object]] = {
        "Update": lambda: forge.ensure_branch(REF, "new", commit(bench), None),
        "/pulls": lambda: propose(bench, forge),
    }
    if part not in asked:
        found = propose(bench, forge)
        asked["Enable"] = lambda: forge.enable_auto_merge(REF, found.number, found.head, method)
        asked["/merge"] = lambda: forge.merge(REF, found.number, found.head, method)
        asked["Enqueue"] = asked["/merge"]
    bench.server.add(*(Fault(one, part, hang_up="before", times=None) for one in ("POST", "PUT")))
    assert kind_of(asked[part]) is ForgeFailure.TRANSIENT
    bench.restore()
    asked[part]()  # and the same again does it


@pytest.mark.parametrize("part", ["Update", "Enable", "Stand", "Required", "/merge"])
def test_a_missing_permission_is_never_taken_for_an_answer(bench: GitHubBench, part: str) -> None:
    bench.repository.ruled["main"] = ["build"] if part == "Enable" else []
    forge, method = bench.forge(), MergeMethod.SQUASH
    found = propose(bench, forge)
    errors = {"data": None, "errors": [{"type": "FORBIDDEN", "message": "no"}]}
    status = 403 if part == "/merge" else 200
    document = {"message": "no"} if part == "/merge" else errors
    bench.server.add(Fault(part=part, status=status, document=document))
    asked: dict[str, Callable[[], object]] = {
        "Update": lambda: forge.ensure_branch(REF, "new", commit(bench), None),
        "Enable": lambda: forge.enable_auto_merge(REF, found.number, found.head, method),
        "Stand": lambda: forge.find_change_requests(REF, BRANCH),
        "Required": lambda: forge.checks(REF, found.head, "main", found.number),
        "/merge": lambda: forge.merge(REF, found.number, found.head, method),
    }
    assert kind_of(asked[part]) is ForgeFailure.PERMISSION


def test_a_server_that_cannot_tell_what_is_required_is_asked_by_rules(bench: GitHubBench) -> None:
    bench.repository.ruled["main"] = ["build"]
    found = propose(bench, bench.forge())
    words = "Field 'isRequired' doesn't exist on type 'CheckRun'"
    bench.server.add(
        Fault(part="Required", status=200, document={"errors": [{"message": words}]}, times=None)
    )
    told = bench.forge().checks(REF, found.head, "main", found.number)
    assert told.missing == ("build",)


def test_a_checks_page_of_graphql_is_followed(bench: GitHubBench) -> None:
    found = propose(bench, bench.forge())
    bench.world.page_size = 2
    for number in range(5):
        bench.world.report(bench.repository, found.head, f"c{number}", "success")
        bench.repository.protected.setdefault("main", []).append(f"c{number}")
    bench.repository.protected["main"].append("basekeeper/scan")
    told = bench.forge().checks(REF, found.head, "main", found.number)
    assert all(one.is_required for one in told.checks)
    assert (len(told.checks), told.missing) == (5, ())
    assert bench.server.count(part="Required") == 3


def test_an_app_s_own_check_run_is_not_judged(bench: GitHubBench) -> None:
    bench.world.tokens[TOKEN] = bench.world.user("keeper[bot]")
    head = bench.base()
    bench.world.report(bench.repository, head, "scan", "failure", app="keeper")
    bench.world.report(bench.repository, head, "build", "success", app="ci")
    told = bench.forge().checks(REF, head, "main")
    assert [one.name for one in told.checks] == ["build"]


def test_what_a_cache_holds_is_not_believed_blindly(bench: GitHubBench) -> None:
    class Spoilt(MemoryCache):
        def answer(self, *args: Any, **more: Any) -> bytes | None:
            found = super().answer(*args, **more)
            return None if found is None else b"spoilt"

    cache = Spoilt()
    forge = bench.forge(cache=cache)
    blob = bench.repository.git.rows(bench.base(), recursive=False)[0].oid
    assert forge.file(REF, blob) == forge.file(REF, blob)
    assert forge.branch(REF, BRANCH, "main") is None
    propose(bench, forge)
    assert propose(bench, bench.forge(cache=cache)).is_ours


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["before", "after"])
def test_a_server_without_compare_and_swap_survives_a_kill_anywhere(
    tmp_path: Path, kind: str
) -> None:
    is_done, kills = False, 0
    while not is_done:
        with github_bench(tmp_path / f"{kills}") as bench:
            bench.world.updates_refs = bench.world.knows_queues = False
            bench.interrupt(kills, kind)
            is_done = interrupted(bench, bench.forge())
            bench.restore()
            if bench.repository.pulls.get(1) is None or bench.repository.pulls[1].state == "open":
                found = propose(bench, bench.forge())
                outcome = bench.forge().merge(REF, found.number, found.head, MergeMethod.REBASE)
                assert outcome.state is MergeState.MERGED, kills
            assert bench.counts() == {
                "changes": 1, "comments": 1, "labels": 2, "statuses": 1, "branches": 2,
            }, kills  # fmt: skip
        kills += 1
    assert kills > 20
