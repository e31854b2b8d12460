"""What a simulated GitHub holds: users, repositories over real git, and what is said about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.fakes.github.git import Bare, Commit, Person

if TYPE_CHECKING:
    from pathlib import Path

WEB_FLOW = Person("GitHub", "noreply@github.com")
GOOD = {"success", "neutral", "skipped"}
RIGHTS = {"none": 0, "read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}


@dataclass
class User:
    """Somebody, or an app (`name[bot]`)."""

    login: str
    id: int

    @property
    def is_app(self) -> bool:
        """Whether it is an app: what it commits is committed and signed by GitHub."""
        return self.login.endswith("[bot]")

    @property
    def person(self) -> Person:
        """As commits have it."""
        return Person(self.login, f"{self.id}+{self.login}@users.noreply.github.com")


@dataclass
class Comment:
    """One comment."""

    id: int
    user: User
    body: str


@dataclass
class Pull:
    """One pull request."""

    number: int
    user: User
    head: str
    """Branch."""
    base: str
    title: str
    body: str
    head_repo: int
    is_draft: bool = False
    state: str = "open"
    head_oid: str = ""
    """Of one that is no longer open; else the branch tells."""
    merged_at: datetime | None = None
    merge_commit: str | None = None
    closed_by: User | None = None
    labels: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    auto_merge: str | None = None
    """Method, in upper case."""
    in_queue: bool = False


@dataclass
class Repository:
    """One repository."""

    id: int
    owner: str
    name: str
    git: Bare
    rights: dict[str, str] = field(default_factory=dict)
    """Login → `read`, `write`, `admin` …"""
    default_branch: str = "main"
    is_archived: bool = False
    is_fork: bool = False
    is_private: bool = False
    allows_auto_merge: bool = True
    methods: set[str] = field(default_factory=lambda: {"merge", "squash", "rebase"})
    pulls: dict[int, Pull] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Of a commit, the newest first."""
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Check runs of a commit."""
    ruled: dict[str, list[str]] = field(default_factory=dict)
    """Branch → required checks, by a ruleset."""
    protected: dict[str, list[str]] = field(default_factory=dict)
    """Branch → required checks, by protection."""
    queue: bool = False
    """Whether merges into the default branch go through a queue."""
    teams: set[str] = field(default_factory=set)
    variables: dict[str, str] = field(default_factory=dict)
    dispatched: list[dict[str, Any]] = field(default_factory=list)
    renamed_branches: dict[str, str] = field(default_factory=dict)
    truncate: int | None = None
    """Most entries of a tree that is told."""
    stalls: bool = False
    """Whether auto-merge is enabled and then nothing happens."""
    forgets_auto_merge: bool = False
    """Whether it is accepted and then not in force."""

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def node_id(self) -> str:
        """As GraphQL calls it."""
        return f"R_{self.id}"

    def branch(self, name: str) -> str | None:
        """Read a branch."""
        return self.git.ref(f"refs/heads/{name}")

    def head(self, pull: Pull) -> str:
        """Read the head of a pull request."""
        if pull.state != "open" or pull.head_repo != self.id:
            return pull.head_oid
        return self.branch(pull.head) or pull.head_oid

    def required(self, branch: str) -> set[str]:
        """Return what is required before a merge."""
        return {*self.ruled.get(branch, []), *self.protected.get(branch, [])}

    def results(self, oid: str) -> dict[str, str]:
        """Return the result of each check: `good`, `bad` or `pending`."""
        found: dict[str, str] = {}
        for one in reversed(self.statuses.get(oid, [])):
            word = one["state"]
            found[one["context"]] = {"success": "good", "pending": "pending"}.get(word, "bad")
        for run in self.runs.get(oid, []):
            done = run["status"] == "completed"
            good = run["conclusion"] in GOOD
            found[run["name"]] = ("good" if good else "bad") if done else "pending"
        return found

    def merge_state(self, pull: Pull) -> str:
        """Say how a pull request stands, in GitHub's words."""
        base, head = self.branch(pull.base), self.head(pull)
        if base is None or self.git.merged_tree(base, head) is None:
            return "DIRTY"
        results = self.results(head)
        if any(results.get(name) != "good" for name in self.required(pull.base)):
            return "BLOCKED"
        return "UNSTABLE" if any(word != "good" for word in results.values()) else "CLEAN"


class World:
    """Everything that one simulated GitHub holds; used under one lock."""

    def __init__(self, place: Path) -> None:
        """Start empty, on a day of its own."""
        self._place = place
        self.time = datetime(2026, 11, 20, 12, tzinfo=UTC)
        self.users: dict[str, User] = {}
        self.tokens: dict[str, User] = {}
        self.repositories: dict[str, Repository] = {}
        """By full name in lower case."""
        self.renamed: dict[str, Repository] = {}
        self.updates_refs = True
        """Whether GraphQL knows `updateRefs`."""
        self.knows_queues = True
        self.knows_rules = True
        self.run_details = "yes"
        """Of dispatches: `yes`, `ignored` or `refused`."""
        self.page_size = 100
        self._ids = 1000
        self.user("web-flow", number=19864447)

    def tick(self) -> datetime:
        """Let a second pass."""
        self.time += timedelta(seconds=1)
        return self.time

    def id(self) -> int:
        """Give a new number."""
        self._ids += 1
        return self._ids

    def user(self, login: str, *, token: str | None = None, number: int | None = None) -> User:
        """Have a user, and a token of hers."""
        made = self.users.setdefault(login, User(login, number or self.id()))
        if token is not None:
            self.tokens[token] = made
        return made

    def by_email(self, email: str) -> User | None:
        """Find who has an address."""
        if email == WEB_FLOW.email:
            return self.users["web-flow"]
        return next((one for one in self.users.values() if one.person.email == email), None)

    def repository(
        self, name: str, files: dict[str, bytes] | None = None, **settings: Any
    ) -> Repository:
        """Have a repository; with files there is a first commit."""
        owner, _, own = name.partition("/")
        number = self.id()
        git = Bare.init(self._place / f"{number}.git")
        made = Repository(number, owner, own, git, **settings)
        self.repositories[name.lower()] = made
        if files is not None:
            self.push(made, "main", files, self.user("alice"))
        return made

    def rename(self, repository: Repository, name: str) -> None:
        """Give a repository another name; the old one leads to it."""
        old = repository.full_name.lower()
        self.renamed[old] = self.repositories.pop(old)
        repository.owner, _, repository.name = name.partition("/")
        self.repositories[name.lower()] = repository

    def push(  # noqa: PLR0913, PLR0917
        self, repository: Repository, branch: str, files: dict[str, bytes], user: User,
        message: str = "a change", modes: dict[str, str] | None = None,
    ) -> str:  # fmt: skip
        """Push a commit as a person would."""
        git, ref = repository.git, f"refs/heads/{branch}"
        below = git.ref(ref)
        rows: list[tuple[str, str, str | None]] = [
            ((modes or {}).get(path, "100644"), path, git.blob(data))
            for path, data in files.items()
        ]
        tree = git.tree(below, rows)
        parents = (below,) if below else ()
        made = git.commit(tree, parents, message, user.person, user.person, self.tick())
        git.point(ref, made)
        return made

    def report(  # noqa: PLR0913
        self, repository: Repository, oid: str, name: str, word: str, *, app: str | None = None,
        user: User | None = None,
    ) -> None:  # fmt: skip
        """Let a check report: a status, or with `app` a check run; then merge what is due.

        Args:
            repository: Where.
            oid: The commit.
            name: Of the check.
            word: State of a status; conclusion of a check run, or `queued`, `in_progress`.
            app: Slug of the app whose check run it is.
            user: Whose status it is.
        """
        if app is not None:
            is_done = word not in {"queued", "in_progress"}
            runs = [one for one in repository.runs.get(oid, []) if one["name"] != name]
            run = {"id": self.id(), "name": name, "app": app,
                   "status": "completed" if is_done else word,
                   "conclusion": word if is_done else None}  # fmt: skip
            repository.runs[oid] = [*runs, run]
        else:
            who = user or self.user("ci")
            status = {"id": self.id(), "context": name, "state": word, "creator": who,
                      "description": "", "target_url": None}  # fmt: skip
            repository.statuses.setdefault(oid, []).insert(0, status)
        self.progress(repository)

    def progress(self, repository: Repository) -> None:
        """Merge what waits for nothing any more."""
        for pull in repository.pulls.values():
            if pull.state != "open" or repository.stalls:
                continue
            is_due = repository.merge_state(pull) in {"CLEAN", "UNSTABLE"}
            if pull.in_queue and is_due:
                self.merge(repository, pull, "squash")
            elif pull.auto_merge and is_due and repository.queue:
                pull.in_queue, pull.auto_merge = True, None
            elif pull.auto_merge and is_due:
                self.merge(repository, pull, pull.auto_merge.lower())

    def merge(self, repository: Repository, pull: Pull, method: str) -> str:
        """Merge for real."""
        git = repository.git
        base, head = repository.branch(pull.base), repository.head(pull)
        assert base is not None
        if method == "rebase":
            made = git.rebased(base, head, WEB_FLOW)
        else:
            tree = git.merged_tree(base, head)
            assert tree is not None
            parents = (base, head) if method == "merge" else (base,)
            text = f"{pull.title} (#{pull.number})"
            made = git.commit(tree, parents, text, pull.user.person, WEB_FLOW, self.tick())
        git.point(f"refs/heads/{pull.base}", made, base)
        pull.head_oid, pull.state, pull.merge_commit = head, "closed", made
        pull.merged_at, pull.in_queue, pull.auto_merge = self.tick(), False, None
        return made

    def close(self, repository: Repository, pull: Pull, user: User) -> None:
        """Close without merging."""
        pull.head_oid, pull.state, pull.closed_by = repository.head(pull), "closed", user
        self.tick()

    def commit_as(self, repository: Repository, tree: str, parents: tuple[str, ...], message: str,
                  user: User) -> Commit:  # fmt: skip
        """Make a commit by the API: GitHub commits and signs what an app makes."""
        committer = WEB_FLOW if user.is_app else user.person
        git = repository.git
        made = git.commit(tree, parents, message, user.person, committer, self.tick())
        return git.read_commit(made)
