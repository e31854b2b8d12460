"""All checks of a commit: check runs, statuses, and those that are required and said nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.github.client import PAGE
from basekeeper.forge.github.reading import repo
from basekeeper.forge.github.talking import is_own_context
from basekeeper.values.forge import Check, Checks, CheckState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from basekeeper.forge.github.client import Client
    from basekeeper.forge.github.documents import Node
    from basekeeper.values.forge import RepositoryRef

REQUIRED: Final = """
query Required($owner: String!, $name: String!, $commit: GitObjectID!, $number: Int!, $first: Int!,
  $after: String) {
  repository(owner: $owner, name: $name) {
    object(oid: $commit) {
      __typename
      ... on Commit {
        statusCheckRollup {
          contexts(first: $first, after: $after) {
            pageInfo { hasNextPage endCursor }
            nodes {
              __typename
              ... on CheckRun { name isRequired(pullRequestNumber: $number) }
              ... on StatusContext { context isRequired(pullRequestNumber: $number) }
            }
          }
        }
      }
    }
  }
}
"""

GOOD: Final = frozenset({"success", "neutral", "skipped"})
"""Conclusions that stand in nobody's way; every other one is bad, unknown ones too."""

MAX_REQUIRED_PAGES: Final = 20

_MISSING: Final = 404
_JOBS: Final = "github-actions"
"""App of the jobs of workflows: also of those that are none of ours while we are a job."""


class ChecksReader:
    """Reads the checks of commits."""

    def __init__(
        self, client: Client, is_us: Callable[[Node | None], bool], login: Callable[[], str]
    ) -> None:
        """Ask nothing yet.

        Args:
            client: Asks.
            is_us: Tells whether a user is who we are.
            login: Tells who we are.
        """
        self._client = client
        self._is_us = is_us
        self._login = login

    def read(self, ref: RepositoryRef, commit: str, base: str, number: int | None = None) -> Checks:
        """Return all checks of a commit but ours; see `ports.Forge.checks`."""
        found = [*self._runs(ref, commit), *self._statuses(ref, commit)]
        demanded = self._demanded(ref, base)
        marked = set() if number is None else self._marked(ref, commit, number)
        required = demanded | marked
        checks = tuple(
            Check(
                name=one.name, source=one.source, state=one.state, word=one.word, url=one.url,
                is_required=one.name in required,
            )
            for one in found
        )  # fmt: skip
        missing = demanded - {one.name for one in checks}
        own = {name for name in missing if is_own_context(name)}
        return Checks(commit=commit, checks=checks, missing=tuple(sorted(missing - own)))

    def _runs(self, ref: RepositoryRef, commit: str) -> Iterator[Check]:
        """Read the newest run of each check."""
        where = repo(ref, "commits", commit, "check-runs")
        for page in self._client.pages(where, {"filter": "latest"}):
            for node in page.node.nodes("check_runs"):
                if not self._is_own_run(node):
                    yield _run(node)

    def _is_own_run(self, node: Node) -> bool:
        app = node.maybe_node("app")
        slug = None if app is None else app.maybe_text("slug")
        return slug is not None and slug != _JOBS and f"{slug}[bot]" == self._login()

    def _statuses(self, ref: RepositoryRef, commit: str) -> Iterator[Check]:
        """Read the newest status of each name.

        The combined one is not asked for: it calls a commit without any status pending.
        """
        seen: set[str] = set()
        for page in self._client.pages(repo(ref, "commits", commit, "statuses")):
            for node in page.items:
                name = node.text("context")
                is_own = is_own_context(name) and self._is_us(node.maybe_node("creator"))
                if name not in seen and not is_own:
                    yield _status(node)
                seen.add(name)

    def _demanded(self, ref: RepositoryRef, base: str) -> set[str]:
        """Return what the rules of a branch demand: rulesets, and the older protection."""
        found: set[str] = set()
        where = repo(ref, "rules", "branches", base)
        for page in self._client.pages(where, accept={_MISSING}):
            if page.status == _MISSING:  # a server without rulesets
                break
            for node in page.items:
                if node.text("type") == "required_status_checks":
                    listed = node.node("parameters").nodes("required_status_checks")
                    found |= {one.text("context") for one in listed}
        branch = self._client.get(repo(ref, "branches", base)).node
        protection = branch.maybe_node("protection")
        checks = None if protection is None else protection.maybe_node("required_status_checks")
        if checks is not None:
            found.update(checks.texts("contexts"))
        return found

    def _marked(self, ref: RepositoryRef, commit: str, number: int) -> set[str]:
        """Return the checks that GitHub itself calls required for a pull request."""
        try:
            return set(self._marked_pages(ref, commit, number))
        except ForgeError as error:
            if error.failure is not ForgeFailure.UNSUPPORTED:
                raise
            return set()

    def _marked_pages(self, ref: RepositoryRef, commit: str, number: int) -> Iterator[str]:
        variables = {"owner": ref.owner, "name": ref.name, "commit": commit, "number": number,
                     "first": PAGE, "after": None}  # fmt: skip
        for _ in range(MAX_REQUIRED_PAGES):
            data = self._client.graphql(REQUIRED, variables)
            node = data.node("repository").maybe_node("object")
            rollup = None if node is None else node.maybe_node("statusCheckRollup")
            if rollup is None:
                return
            contexts = rollup.node("contexts")
            for one in contexts.nodes("nodes"):
                if one.flag("isRequired"):
                    yield one.text("name" if one.text("__typename") == "CheckRun" else "context")
            page = contexts.node("pageInfo")
            if not page.flag("hasNextPage"):
                return
            variables["after"] = page.text("endCursor")


def _run(node: Node) -> Check:
    word = node.text("status")
    state = CheckState.PENDING
    if word == "completed":
        word = node.maybe_text("conclusion") or "without conclusion"
        state = CheckState.GOOD if word in GOOD else CheckState.BAD
    return Check(
        name=node.text("name"), source="check run", state=state, word=word,
        url=node.maybe_text("html_url"),
    )  # fmt: skip


def _status(node: Node) -> Check:
    word = node.text("state")
    states = {"pending": CheckState.PENDING, "success": CheckState.GOOD}
    return Check(
        name=node.text("context"), source="status", state=states.get(word, CheckState.BAD),
        word=word, url=node.maybe_text("target_url"),
    )  # fmt: skip
