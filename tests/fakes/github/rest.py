"""GitHub's REST interface, as far as it is used; every document has only fields that it has there.

What is not modelled is left out, never invented: tests/contract/test_forges_described.py holds
each field to GitHub's published description.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.fakes.github.git import GitError
from tests.fakes.github.state import RIGHTS, Comment, Pull, Repository, User, World

if TYPE_CHECKING:
    from collections.abc import Callable

Document = dict[str, Any] | list[Any]


class Refused(Exception):  # noqa: N818  # reads as what happens
    """An answer that is a failure."""

    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None,
                 headers: dict[str, str] | None = None) -> None:  # fmt: skip
        super().__init__(message)
        self.status = status
        self.document: dict[str, Any] = {
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
        }
        if status in {401, 403, 404}:
            self.document["status"] = str(status)
        if errors is not None:
            self.document["errors"] = errors
        self.headers = headers or {}


@dataclass
class Call:
    """One request that reached a handler."""

    world: World
    user: User
    base: str
    """Address of the interface."""
    parts: dict[str, str]
    params: dict[str, str]
    body: dict[str, Any]
    repository: Repository = field(init=False)
    next_page: int | None = None

    def __getitem__(self, name: str) -> str:
        return self.parts[name]

    def page(self, rows: list[Any]) -> list[Any]:
        """Cut out the page that is asked for."""
        size = min(int(self.params.get("per_page", "30")), self.world.page_size)
        number = int(self.params.get("page", "1"))
        if len(rows) > number * size:
            self.next_page = number + 1
        return rows[(number - 1) * size : number * size]


@dataclass(frozen=True)
class Route:
    """What a method and a path lead to."""

    method: str
    template: str
    pattern: re.Pattern[str]
    handle: Callable[[Call], tuple[int, Document | None]]
    needs: str
    """Right to the repository; empty: it is about none."""
    permission: str


ROUTES: list[Route] = []


def route(method: str, template: str, needs: str = "read", permission: str = "") -> Any:
    """Register a handler; a part may hold slashes where GitHub takes them."""
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)

    def register(handle: Callable[[Call], tuple[int, Document | None]]) -> Any:
        ROUTES.append(Route(method, template, re.compile(pattern), handle, needs, permission))
        return handle

    return register


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Find the handler of a path, whose parts may be quoted."""
    for one in ROUTES:
        match = one.pattern.fullmatch(path)
        if match is not None and one.method == method:
            return one, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def check_rights(call: Call, one: Route, method: str) -> None:
    """Refuse who may not."""
    repository = call.repository
    right = RIGHTS[repository.rights.get(call.user.login, "none")]
    if repository.is_private and not right:
        raise Refused(404, "Not Found")
    if RIGHTS[one.needs] > 1 and right < RIGHTS[one.needs]:
        headers = {"X-Accepted-GitHub-Permissions": one.permission}
        raise Refused(403, "Resource not accessible by personal access token", headers=headers)
    if method != "GET" and repository.is_archived:
        raise Refused(403, "Repository was archived so is read-only.")
    if "/git/" in one.template and repository.branch(repository.default_branch) is None:
        raise Refused(409, "Git Repository is empty.")


def user_of(user: User | None) -> dict[str, Any] | None:
    """As REST tells a user."""
    if user is None:
        return None
    return {"login": user.login, "id": user.id, "type": "Bot" if user.is_app else "User"}


def validation(resource: str, code: str, **more: str) -> Refused:
    """The failure of a field."""
    return Refused(422, "Validation Failed", [{"resource": resource, "code": code, **more}])


REPO = "/repos/{owner}/{repo}"


@route("GET", REPO)
def get_repository(call: Call) -> tuple[int, Document]:
    found = call.repository
    return 200, {
        "id": found.id, "node_id": found.node_id, "name": found.name,
        "full_name": found.full_name, "default_branch": found.default_branch,
        "archived": found.is_archived, "fork": found.is_fork, "private": found.is_private,
    }  # fmt: skip


@route("GET", REPO + "/git/ref/{ref}")
def get_ref(call: Call) -> tuple[int, Document]:
    oid = call.repository.git.ref(f"refs/{call['ref']}")
    if oid is None:
        raise Refused(404, "Not Found")
    return 200, _ref(call, f"refs/{call['ref']}", oid)


@route("GET", REPO + "/git/matching-refs/{ref}")
def get_matching(call: Call) -> tuple[int, Document]:
    found = call.repository.git.refs(f"refs/{call['ref']}")
    return 200, [_ref(call, name, oid) for name, oid in found.items()]


@route("POST", REPO + "/git/refs", "write", "contents=write")
def post_ref(call: Call) -> tuple[int, Document]:
    name, oid = call.body["ref"], call.body["sha"]
    if call.repository.git.ref(name) is not None:
        raise Refused(422, "Reference already exists")
    try:
        call.repository.git.point(name, oid, "0" * 40)
    except GitError:
        raise Refused(422, "Reference update failed") from None
    return 201, _ref(call, name, oid)


@route("PATCH", REPO + "/git/refs/{ref}", "write", "contents=write")
def patch_ref(call: Call) -> tuple[int, Document]:
    git, name, oid = call.repository.git, f"refs/{call['ref']}", call.body["sha"]
    head = git.ref(name)
    if head is None:
        raise Refused(422, "Reference does not exist")
    if not call.body.get("force") and git.merge_base(head, oid) != head:
        raise Refused(422, "Update is not a fast forward")
    git.point(name, oid)
    return 200, _ref(call, name, oid)


@route("DELETE", REPO + "/git/refs/{ref}", "write", "contents=write")
def delete_ref(call: Call) -> tuple[int, None]:
    call.repository.git.point(f"refs/{call['ref']}", None)
    return 204, None


def _ref(call: Call, name: str, oid: str) -> dict[str, Any]:
    url = f"{call.base}/repos/{call.repository.full_name}/git"
    target = {"type": "commit", "sha": oid, "url": f"{url}/commits/{oid}"}
    return {"ref": name, "node_id": f"REF_{oid}", "url": f"{url}/{name}", "object": target}


@route("GET", REPO + "/git/commits/{sha}")
def get_commit(call: Call) -> tuple[int, Document]:
    if call.repository.git.kind(call["sha"]) != "commit":
        raise Refused(404, "Not Found")
    return 200, _git_commit(call, call["sha"])


@route("POST", REPO + "/git/commits", "write", "contents=write")
def post_commit(call: Call) -> tuple[int, Document]:
    git, body = call.repository.git, call.body
    if git.kind(body["tree"]) != "tree":
        raise Refused(422, "Tree SHA does not exist")
    if any(git.kind(one) != "commit" for one in body["parents"]):
        raise Refused(422, "Parent SHA does not exist or is not a commit object")
    made = call.world.commit_as(
        call.repository, body["tree"], tuple(body["parents"]), body["message"], call.user
    )
    return 201, _git_commit(call, made.oid)


def _git_commit(call: Call, oid: str) -> dict[str, Any]:
    found = call.repository.git.read_commit(oid)
    url = f"{call.base}/repos/{call.repository.full_name}/git"
    at = "2026-11-20T12:00:00Z"
    return {
        "sha": oid, "url": f"{url}/commits/{oid}", "message": found.message,
        "author": {**found.author._asdict(), "date": at},
        "committer": {**found.committer._asdict(), "date": at},
        "tree": {"sha": found.tree, "url": f"{url}/trees/{found.tree}"},
        "parents": [{"sha": one, "url": f"{url}/commits/{one}", "html_url": f"{url}/{one}"}
                    for one in found.parents],
    }  # fmt: skip


@route("GET", REPO + "/git/trees/{sha}")
def get_tree(call: Call) -> tuple[int, Document]:
    git = call.repository.git
    if git.kind(call["sha"]) not in {"tree", "commit"}:
        raise Refused(404, "Not Found")
    is_recursive = "recursive" in call.params
    rows = git.rows(call["sha"], recursive=is_recursive)
    most = call.repository.truncate if is_recursive else None
    told = rows if most is None else rows[:most]
    entries = [
        {"path": row.path, "mode": row.mode, "type": row.kind, "sha": row.oid,
         **({} if row.size is None else {"size": row.size})}
        for row in told
    ]  # fmt: skip
    return 200, {"sha": call["sha"], "tree": entries, "truncated": len(told) < len(rows)}


@route("POST", REPO + "/git/trees", "write", "contents=write")
def post_tree(call: Call) -> tuple[int, Document]:
    git, rows = call.repository.git, []
    for one in call.body["tree"]:
        if "content" in one:
            oid: str | None = git.blob(one["content"].encode())
        else:
            oid = one["sha"]
        rows.append((one["mode"], one["path"], oid))
    try:
        made = git.tree(call.body.get("base_tree"), rows)
    except GitError:
        raise Refused(422, "GitRPC::BadObjectState") from None
    return 201, {"sha": made, "tree": [], "truncated": False}


@route("GET", REPO + "/git/blobs/{sha}")
def get_blob(call: Call) -> tuple[int, Document]:
    if call.repository.git.kind(call["sha"]) != "blob":
        raise Refused(404, "Not Found")
    data = call.repository.git.content(call["sha"])
    return 200, {"sha": call["sha"], "encoding": "base64", "size": len(data),
                 "content": base64.encodebytes(data).decode()}  # fmt: skip


@route("POST", REPO + "/git/blobs", "write", "contents=write")
def post_blob(call: Call) -> tuple[int, Document]:
    data = base64.b64decode(call.body["content"])
    oid = call.repository.git.blob(data)
    return 201, {"sha": oid, "url": f"{call.base}/blobs/{oid}"}


@route("GET", REPO + "/compare/{basehead}")
def get_compare(call: Call) -> tuple[int, Document]:
    git = call.repository.git
    names = call["basehead"].split("...")
    oids = [git.ref(f"refs/heads/{name}") or git.ref(name) for name in names]
    if None in oids:
        raise Refused(404, "Not Found")
    base, head = (str(oid) for oid in oids)
    shared = git.merge_base(base, head)
    if shared is None:
        raise Refused(404, f"No common ancestor between {names[0]} and {names[1]}.")
    ahead, behind = git.between(base, head), git.between(head, base)
    status = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
    return 200, {
        "status": status.get((bool(ahead), bool(behind)), "diverged"),
        "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead),
        "merge_base_commit": _commit(call, shared),
        "commits": [_commit(call, oid) for oid in call.page(ahead)],
    }  # fmt: skip


def _commit(call: Call, oid: str) -> dict[str, Any]:
    found = call.repository.git.read_commit(oid)
    world = call.world
    return {
        "sha": oid, "commit": {"message": found.message},
        "author": user_of(world.by_email(found.author.email)),
        "committer": user_of(world.by_email(found.committer.email)),
        "parents": [{"sha": one, "url": f"{call.base}/{one}"} for one in found.parents],
    }  # fmt: skip


def pull_of(call: Call, pull: Pull, *, whole: bool = False) -> dict[str, Any]:
    """As REST tells a pull request, in lists and alone."""
    here = call.repository
    url = f"{call.base}/repos/{here.full_name}"
    source = {"id": pull.head_repo} if pull.head_repo != here.id else {"id": here.id,
              "full_name": here.full_name, "name": here.name}  # fmt: skip
    owner = user_of(call.world.user(here.owner))
    base_oid = here.branch(pull.base) or here.head(pull)
    auto = None
    if pull.auto_merge is not None:
        auto = {"enabled_by": user_of(pull.user), "merge_method": pull.auto_merge.lower(),
                "commit_title": pull.title, "commit_message": ""}  # fmt: skip
    told: dict[str, Any] = {
        "id": here.id * 1000 + pull.number, "number": pull.number, "state": pull.state,
        "url": f"{url}/pulls/{pull.number}",
        "html_url": f"https://github.test/{here.full_name}/pull/{pull.number}",
        "title": pull.title, "body": pull.body, "user": user_of(pull.user),
        "draft": pull.is_draft, "merged_at": _instant(pull.merged_at),
        "labels": [{"id": 1, "name": name, "color": "ededed"} for name in pull.labels],
        "requested_reviewers": [user_of(call.world.user(name)) for name in pull.reviewers],
        "requested_teams": [{"slug": name, "name": name} for name in pull.teams],
        "head": {"ref": pull.head, "sha": here.head(pull), "label": f"{here.owner}:{pull.head}",
                 "repo": source, "user": owner},
        "base": {"ref": pull.base, "sha": base_oid, "label": f"{here.owner}:{pull.base}",
                 "repo": {"id": here.id, "full_name": here.full_name, "name": here.name},
                 "user": owner},
        "auto_merge": auto,
    }  # fmt: skip
    if whole:
        told["merged"] = pull.merged_at is not None
        told["mergeable"] = None
        told["merge_commit_sha"] = pull.merge_commit
    return told


def _instant(at: Any) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _pull(call: Call) -> Pull:
    found = call.repository.pulls.get(int(call["number"]))
    if found is None:
        raise Refused(404, "Not Found")
    return found


@route("GET", REPO + "/pulls")
def get_pulls(call: Call) -> tuple[int, Document]:
    state = call.params.get("state", "open")
    owner, colon, branch = call.params.get("head", "").partition(":")
    rows = [
        pull for pull in call.repository.pulls.values()
        if state in {"all", pull.state}
        and (not colon or (pull.head == branch and owner == call.repository.owner))
    ]  # fmt: skip
    rows.sort(key=lambda pull: -pull.number)
    return 200, [pull_of(call, pull) for pull in call.page(rows)]


@route("GET", REPO + "/pulls/{number}")
def get_pull(call: Call) -> tuple[int, Document]:
    return 200, pull_of(call, _pull(call), whole=True)


@route("POST", REPO + "/pulls", "read", "pull_requests=write")
def post_pull(call: Call) -> tuple[int, Document]:
    here, body = call.repository, call.body
    head, base = body["head"], body["base"]
    if here.branch(base) is None:
        raise validation("PullRequest", "invalid", field="base")
    oid, below = here.branch(head), here.branch(base)
    if oid is None or below is None:
        raise validation("PullRequest", "invalid", field="head")
    for pull in here.pulls.values():
        if pull.state == "open" and (pull.head, pull.head_repo) == (head, here.id):
            words = f"A pull request already exists for {here.owner}:{head}."
            raise validation("PullRequest", "custom", message=words)
    if not here.git.between(below, oid):
        words = f"No commits between {base} and {head}"
        raise validation("PullRequest", "custom", message=words)
    number = max(here.pulls, default=0) + 1
    made = Pull(number, call.user, head, base, body["title"], body.get("body") or "", here.id,
                is_draft=bool(body.get("draft")), head_oid=oid)  # fmt: skip
    here.pulls[number] = made
    call.world.tick()
    return 201, pull_of(call, made, whole=True)


@route("PATCH", REPO + "/pulls/{number}", "write", "pull_requests=write")
def patch_pull(call: Call) -> tuple[int, Document]:
    pull, body = _pull(call), call.body
    if "base" in body and call.repository.branch(body["base"]) is None:
        raise validation("PullRequest", "invalid", field="base")
    pull.title, pull.body = body.get("title", pull.title), body.get("body", pull.body)
    pull.base = body.get("base", pull.base)
    if body.get("state") == "closed" and pull.state == "open":
        call.world.close(call.repository, pull, call.user)
    return 200, pull_of(call, pull, whole=True)


@route("PUT", REPO + "/pulls/{number}/merge", "write", "contents=write")
def put_merge(call: Call) -> tuple[int, Document]:
    here, pull, body = call.repository, _pull(call), call.body
    if pull.state != "open":
        raise Refused(405, "Pull Request is not mergeable")
    if body.get("sha") not in {None, here.head(pull)}:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    if here.queue:
        raise Refused(405, "Changes must be made through the merge queue")
    state = here.merge_state(pull)
    if state == "DIRTY":
        raise Refused(405, "Pull Request is not mergeable")
    if state == "BLOCKED":
        raise Refused(405, "Required status check is expected.")
    method = body.get("merge_method", "merge")
    if method not in here.methods:
        raise Refused(405, f"{method.title()} merges are not allowed on this repository.")
    made = call.world.merge(here, pull, method)
    return 200, {"sha": made, "merged": True, "message": "Pull Request successfully merged"}


@route("POST", REPO + "/pulls/{number}/requested_reviewers", "write", "pull_requests=write")
def post_reviewers(call: Call) -> tuple[int, Document]:
    here, pull = call.repository, _pull(call)
    people, teams = call.body.get("reviewers", []), call.body.get("team_reviewers", [])
    if pull.user.login in people:
        raise Refused(422, "Review cannot be requested from pull request author.")
    if any(name not in here.rights for name in people) or set(teams) - here.teams:
        raise Refused(422, "Reviews may only be requested from collaborators. One or more of the"
                           " users or teams you specified is not a collaborator of the"
                           f" {here.full_name} repository.")  # fmt: skip
    pull.reviewers += [name for name in people if name not in pull.reviewers]
    pull.teams += [name for name in teams if name not in pull.teams]
    return 201, pull_of(call, pull)


@route("GET", REPO + "/issues/{number}")
def get_issue(call: Call) -> tuple[int, Document]:
    pull = _pull(call)
    return 200, {"number": pull.number, "state": pull.state, "title": pull.title,
                 "closed_by": user_of(pull.closed_by), "user": user_of(pull.user)}  # fmt: skip


@route("GET", REPO + "/issues/{number}/comments")
def get_comments(call: Call) -> tuple[int, Document]:
    return 200, [_comment(one) for one in call.page(_pull(call).comments)]


@route("POST", REPO + "/issues/{number}/comments", "read", "issues=write")
def post_comment(call: Call) -> tuple[int, Document]:
    made = Comment(call.world.id(), call.user, call.body["body"])
    _pull(call).comments.append(made)
    return 201, _comment(made)


def _comment(one: Comment) -> dict[str, Any]:
    return {"id": one.id, "body": one.body, "user": user_of(one.user)}


@route("POST", REPO + "/issues/{number}/labels", "triage", "issues=write")
def post_issue_labels(call: Call) -> tuple[int, Document]:
    pull, here = _pull(call), call.repository
    for name in call.body["labels"]:
        if name.lower() not in here.labels:
            here.labels[name.lower()] = {"name": name, "color": "ededed", "description": ""}
        if name not in pull.labels:
            pull.labels.append(name)
    return 200, [{"id": 1, "name": name, "color": "ededed"} for name in pull.labels]


@route("GET", REPO + "/labels/{name}")
def get_label(call: Call) -> tuple[int, Document]:
    found = call.repository.labels.get(call["name"].lower())
    if found is None:
        raise Refused(404, "Not Found")
    return 200, {"id": 1, **found}


@route("POST", REPO + "/labels", "write", "issues=write")
def post_label(call: Call) -> tuple[int, Document]:
    name = call.body["name"]
    if name.lower() in call.repository.labels:
        raise validation("Label", "already_exists", field="name")
    made = {key: call.body.get(key, "") for key in ("name", "color", "description")}
    call.repository.labels[name.lower()] = made
    return 201, {"id": call.world.id(), **made}


@route("GET", REPO + "/commits/{ref}/check-runs", permission="checks=read")
def get_runs(call: Call) -> tuple[int, Document]:
    rows = call.repository.runs.get(call["ref"], [])
    told = [
        {"id": one["id"], "name": one["name"], "status": one["status"],
         "conclusion": one["conclusion"], "head_sha": call["ref"],
         "html_url": f"https://github.test/runs/{one['id']}",
         "app": {"id": 7, "slug": one["app"], "name": one["app"]}}
        for one in call.page(rows)
    ]  # fmt: skip
    return 200, {"total_count": len(rows), "check_runs": told}


@route("GET", REPO + "/commits/{ref}/statuses")
def get_statuses(call: Call) -> tuple[int, Document]:
    rows = call.repository.statuses.get(call["ref"], [])
    return 200, [_status(one) for one in call.page(rows)]


@route("POST", REPO + "/statuses/{sha}", "write", "statuses=write")
def post_status(call: Call) -> tuple[int, Document]:
    body = call.body
    status = {"id": call.world.id(), "context": body.get("context", "default"),
              "state": body["state"], "creator": call.user,
              "description": body.get("description", ""),
              "target_url": body.get("target_url")}  # fmt: skip
    call.repository.statuses.setdefault(call["sha"], []).insert(0, status)
    call.world.progress(call.repository)
    return 201, _status(status)


def _status(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "creator": user_of(one["creator"])}


@route("GET", REPO + "/rules/branches/{branch}")
def get_rules(call: Call) -> tuple[int, Document]:
    if not call.world.knows_rules:
        raise Refused(404, "Not Found")
    names = call.repository.ruled.get(call["branch"])
    if names is None:
        return 200, []
    rows = [{"context": name} for name in names]
    rule = {"type": "required_status_checks", "ruleset_source_type": "Repository",
            "ruleset_source": call.repository.full_name, "ruleset_id": 42,
            "parameters": {"required_status_checks": rows,
                           "strict_required_status_checks_policy": False}}  # fmt: skip
    return 200, [{"type": "deletion", "ruleset_id": 42}, rule]


@route("GET", REPO + "/branches/{branch}")
def get_branch(call: Call) -> tuple[int, Document]:
    here, name = call.repository, call["branch"]
    moved = here.renamed_branches.get(name)
    if moved is not None:
        location = f"{call.base}/repos/{here.full_name}/branches/{moved}"
        raise Refused(301, "Moved Permanently", headers={"Location": location})
    oid = here.branch(name)
    if oid is None:
        raise Refused(404, "Branch not found")
    contexts = here.protected.get(name)
    checks = {"contexts": contexts or [], "checks": [],
              "enforcement_level": "off" if contexts is None else "non_admins"}  # fmt: skip
    return 200, {"name": name, "protected": contexts is not None,
                 "commit": _commit(call, oid),
                 "protection": {"enabled": contexts is not None,
                                "required_status_checks": checks}}  # fmt: skip


@route("GET", REPO + "/contents/{path}")
def get_contents(call: Call) -> tuple[int, Document]:
    git = call.repository.git
    branch = call.repository.branch(call.params.get("ref", call.repository.default_branch))
    rows = [] if branch is None else git.rows(branch, recursive=True)
    found = next((row for row in rows if row.path == call["path"]), None)
    if found is None:
        raise Refused(404, "Not Found")
    data = git.content(found.oid)
    return 200, {"type": "file", "encoding": "base64", "size": len(data), "path": found.path,
                 "name": found.path.rpartition("/")[2], "sha": found.oid,
                 "content": base64.encodebytes(data).decode()}  # fmt: skip


@route("POST", REPO + "/actions/workflows/{workflow_id}/dispatches", "write", "actions=write")
def post_dispatch(call: Call) -> tuple[int, Document | None]:
    import yaml

    here, world, body = call.repository, call.world, call.body
    if "return_run_details" in body and world.run_details == "refused":
        raise Refused(422, 'Invalid request.\n\n"return_run_details" is not a permitted key.')
    branch = here.branch(body["ref"])
    if branch is None:
        raise Refused(422, f"No ref found for: {body['ref']}")
    where = f".github/workflows/{call['workflow_id']}"
    row = next((one for one in here.git.rows(branch, recursive=True) if one.path == where), None)
    if row is None:
        raise Refused(404, "Not Found")
    said = yaml.load(here.git.content(row.oid), Loader=yaml.BaseLoader)  # noqa: S506  # ours
    event = said["on"]["workflow_dispatch"] or {}
    declared, given = event.get("inputs", {}), body.get("inputs", {})
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise Refused(422, f"Unexpected inputs provided: {unknown}")
    for name, rules in declared.items():
        if rules.get("required") == "true" and name not in given and "default" not in rules:
            raise Refused(422, f"Required input '{name}' not provided")
    run = {"id": world.id(), "actor": call.user, "branch": body["ref"], "inputs": given,
           "workflow": call["workflow_id"], "at": world.tick(),
           "title": " ".join([said.get("name", "run"), *given.values()])}  # fmt: skip
    here.dispatched.append(run)
    if world.run_details != "yes" or not body.get("return_run_details"):
        return 204, None
    url = f"https://github.test/{here.full_name}/actions/runs/{run['id']}"
    return 200, {"workflow_run_id": run["id"], "run_url": url, "html_url": url}


@route("GET", REPO + "/actions/workflows/{workflow_id}/runs")
def get_workflow_runs(call: Call) -> tuple[int, Document]:
    since = call.params.get("created", ">=").removeprefix(">=")
    rows = [
        {"id": one["id"], "actor": user_of(one["actor"]), "event": "workflow_dispatch",
         "head_branch": one["branch"], "display_title": one["title"],
         "html_url": f"https://github.test/{call.repository.full_name}/actions/runs/{one['id']}"}
        for one in call.repository.dispatched
        if one["workflow"] == call["workflow_id"] and f"{one['at']:%Y-%m-%dT%H:%M:%SZ}" >= since
    ]  # fmt: skip
    return 200, {"total_count": len(rows), "workflow_runs": call.page(rows)}


@route("GET", REPO + "/actions/variables/{name}", "write", "actions_variables=read")
def get_variable(call: Call) -> tuple[int, Document]:
    found = call.repository.variables.get(call["name"])
    if found is None:
        raise Refused(404, "Not Found")
    at = "2026-11-20T12:00:00Z"
    return 200, {"name": call["name"], "value": found, "created_at": at, "updated_at": at}
