"""GitHub's GraphQL interface: the answers to the very queries that are asked.

That the queries, variables and answers fit GitHub's schema is shown by
tests/contract/test_forges_described.py, with the schema that it publishes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.fakes.github.git import GitError
from tests.fakes.github.state import RIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.github.state import Pull, Repository, User, World

_OPERATION = re.compile(r"\s*(query|mutation)\s+(\w+)")


class GraphError(Exception):
    """An error beside the data."""

    def __init__(self, kind: str, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.document: dict[str, Any] = {"message": message}
        if kind:
            self.document["type"] = kind
        if code:
            self.document["extensions"] = {"code": code}


def answer(world: World, user: User, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Answer a query: with data, or with an error beside it."""
    match = _OPERATION.match(query)
    assert match is not None, query
    try:
        return {"data": OPERATIONS[match[2]](world, user, query, variables)}
    except GraphError as error:
        return {"data": None, "errors": [error.document]}


def _viewer(_world: World, user: User, _query: str, _said: dict[str, Any]) -> dict[str, Any]:
    return {"viewer": {"login": user.login, "databaseId": user.id}}


def _repository(world: World, user: User, said: dict[str, Any]) -> Repository:
    key = f"{said['owner']}/{said['name']}".lower()
    found = world.repositories.get(key) or world.renamed.get(key)
    if found is None or not _sees(found, user):
        raise GraphError(
            "NOT_FOUND",
            f"Could not resolve to a Repository with the name '{said['owner']}/{said['name']}'.",
        )
    return found


def _sees(repository: Repository, user: User) -> bool:
    return not repository.is_private or user.login in repository.rights


def _told(here: Repository, user: User) -> dict[str, Any]:
    oid = here.branch(here.default_branch)
    right = here.rights.get(user.login, "read")
    return {
        "id": here.node_id, "nameWithOwner": here.full_name, "isArchived": here.is_archived,
        "isFork": here.is_fork, "isPrivate": here.is_private,
        "autoMergeAllowed": here.allows_auto_merge, "mergeCommitAllowed": "merge" in here.methods,
        "squashMergeAllowed": "squash" in here.methods,
        "rebaseMergeAllowed": "rebase" in here.methods, "viewerPermission": right.upper(),
        "defaultBranchRef": None if oid is None else {
            "name": here.default_branch, "target": {"__typename": "Commit", "oid": oid},
        },
    }  # fmt: skip


def _one(world: World, user: User, _query: str, said: dict[str, Any]) -> dict[str, Any]:
    return {"repository": _told(_repository(world, user, said), user)}


def _all(world: World, user: User, _query: str, said: dict[str, Any]) -> dict[str, Any]:
    rows = sorted(
        (one for one in world.repositories.values()
         if one.owner == said["owner"] and _sees(one, user)), key=lambda one: one.id,
    )  # fmt: skip
    if not rows:
        return {"repositoryOwner": None}
    first, size = int(said["after"] or 0), min(said["first"], world.page_size)
    page = rows[first : first + size]
    info = {"hasNextPage": len(rows) > first + size, "endCursor": str(first + size)}
    nodes = [_told(one, user) for one in page]
    return {
        "repositoryOwner": {
            "__typename": "Organization",
            "repositories": {"pageInfo": info, "nodes": nodes},
        }
    }


def _stand(world: World, user: User, query: str, said: dict[str, Any]) -> dict[str, Any]:
    here = _repository(world, user, said)
    pull = here.pulls.get(said["number"])
    if pull is None:
        words = f"Could not resolve to a PullRequest with the number of {said['number']}."
        raise GraphError("NOT_FOUND", words)
    if "isMergeQueueEnabled" in query and not world.knows_queues:
        words = "Field 'isMergeQueueEnabled' doesn't exist on type 'PullRequest'"
        raise GraphError("", words, code="undefinedField")
    state = "MERGED" if pull.merged_at else pull.state.upper()
    stand = here.merge_state(pull) if state == "OPEN" else "UNKNOWN"
    told: dict[str, Any] = {
        "id": f"PR_{here.id}_{pull.number}", "state": state, "isDraft": pull.is_draft,
        "mergedAt": None if pull.merged_at is None else f"{pull.merged_at:%Y-%m-%dT%H:%M:%SZ}",
        "headRefOid": here.head(pull),
        "mergeable": "CONFLICTING" if stand == "DIRTY" else "MERGEABLE",
        "mergeStateStatus": stand,
        "mergeCommit": None if pull.merge_commit is None else {"oid": pull.merge_commit},
        "autoMergeRequest": None if pull.auto_merge is None else {"mergeMethod": pull.auto_merge},
    }  # fmt: skip
    if "isMergeQueueEnabled" in query:
        told |= {"isInMergeQueue": pull.in_queue, "isMergeQueueEnabled": here.queue}
    return {"repository": {"pullRequest": told}}


def _required(world: World, user: User, _query: str, said: dict[str, Any]) -> dict[str, Any]:
    here = _repository(world, user, said)
    oid, pull = said["commit"], here.pulls[said["number"]]
    if here.git.kind(oid) != "commit":
        return {"repository": {"object": None}}
    needed = here.required(pull.base)
    rows: list[dict[str, Any]] = [
        {"__typename": "CheckRun", "name": one["name"], "isRequired": one["name"] in needed}
        for one in here.runs.get(oid, [])
    ]
    names = dict.fromkeys(one["context"] for one in here.statuses.get(oid, []))
    rows += [
        {"__typename": "StatusContext", "context": name, "isRequired": name in needed}
        for name in names
    ]
    if not rows:
        return {"repository": {"object": {"__typename": "Commit", "statusCheckRollup": None}}}
    first, size = int(said["after"] or 0), min(said["first"], world.page_size)
    info = {"hasNextPage": len(rows) > first + size, "endCursor": str(first + size)}
    contexts = {"pageInfo": info, "nodes": rows[first : first + size]}
    found = {"__typename": "Commit", "statusCheckRollup": {"contexts": contexts}}
    return {"repository": {"object": found}}


def _update(world: World, user: User, _query: str, said: dict[str, Any]) -> dict[str, Any]:
    if not world.updates_refs:
        words = "Field 'updateRefs' doesn't exist on type 'Mutation'"
        raise GraphError("", words, code="undefinedField")
    here = next(r for r in world.repositories.values() if r.node_id == said["repository"])
    _check_writes(here, user)
    for one in said["updates"]:
        is_gone = set(one["afterOid"]) == {"0"}
        try:
            here.git.point(one["name"], None if is_gone else one["afterOid"], one["beforeOid"])
        except GitError:
            raise GraphError("UNPROCESSABLE", "Reference update failed") from None
    return {"updateRefs": {"clientMutationId": None}}


def _check_writes(here: Repository, user: User) -> None:
    if RIGHTS[here.rights.get(user.login, "none")] < RIGHTS["write"]:
        raise GraphError("FORBIDDEN", "Resource not accessible by personal access token")
    if here.is_archived:
        raise GraphError("UNPROCESSABLE", "Repository was archived so is read-only.")


def _pull(world: World, user: User, said: dict[str, Any]) -> tuple[Repository, Pull]:
    _, number, pull = said["id"].split("_")
    here = next(one for one in world.repositories.values() if one.id == int(number))
    _check_writes(here, user)
    found = here.pulls[int(pull)]
    if said["head"] != here.head(found):
        raise GraphError("UNPROCESSABLE", "Head branch was modified. Review and try again.")
    return here, found


def _enable(world: World, user: User, _query: str, said: dict[str, Any]) -> dict[str, Any]:
    here, pull = _pull(world, user, said)
    if not here.allows_auto_merge:
        words = "Pull request Auto merge is not allowed for this repository"
        raise GraphError("UNPROCESSABLE", words)
    stand = here.merge_state(pull)
    if stand in {"CLEAN", "UNSTABLE"} and not here.queue:
        words = f"Pull request Pull request is in {stand.lower()} status"
        raise GraphError("UNPROCESSABLE", words)
    if not here.forgets_auto_merge:
        pull.auto_merge = said["method"]
        world.progress(here) if not here.queue else None
    return {"enablePullRequestAutoMerge": {"clientMutationId": None}}


def _enqueue(world: World, user: User, _query: str, said: dict[str, Any]) -> dict[str, Any]:
    here, pull = _pull(world, user, said)
    if not here.queue:
        raise GraphError("UNPROCESSABLE", "Merge queue is not enabled for this branch")
    pull.in_queue = True
    return {"enqueuePullRequest": {"clientMutationId": None}}


OPERATIONS: dict[str, Callable[[World, User, str, dict[str, Any]], dict[str, Any]]] = {
    "Viewer": _viewer, "One": _one, "All": _all, "Stand": _stand, "Required": _required,
    "Update": _update, "Enable": _enable, "Enqueue": _enqueue,
}  # fmt: skip
