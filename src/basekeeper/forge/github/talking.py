"""Comments, labels, reviewers and our own word on a commit: each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from basekeeper.forge.github.changes import MAX_BODY
from basekeeper.forge.github.reading import repo
from basekeeper.forge.marking import Mark, mark_of, marked
from basekeeper.values.forge import OWN_CONTEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from basekeeper.forge.github.client import Client
    from basekeeper.forge.github.documents import Node
    from basekeeper.values.forge import Label, RepositoryRef, StatusReport

MAX_DESCRIPTION: Final = 140
"""Characters of the description of a status; GitHub cuts at that."""

_MISSING: Final = 404
_UNPROCESSABLE: Final = 422


def is_own_context(name: str) -> bool:
    """Tell whether a status bears a name of ours."""
    return name == OWN_CONTEXT or name.startswith(f"{OWN_CONTEXT}/")


class Talking:
    """What is said about changes and commits of repositories."""

    def __init__(self, client: Client, is_us: Callable[[Node | None], bool]) -> None:
        """Say nothing yet.

        Args:
            client: Asks.
            is_us: Tells whether a user is who we are.
        """
        self._client = client
        self._is_us = is_us

    def comment_once(self, ref: RepositoryRef, number: int, key: str, text: str) -> bool:
        """Say something, unless it was said under the same key before."""
        where = repo(ref, "issues", number, "comments")
        for page in self._client.pages(where):
            for node in page.items:
                mark = mark_of(node.maybe_text("body") or "", "comment")
                if mark is not None and mark.key == key and self._is_us(node.maybe_node("user")):
                    return False
        body = marked(text, "comment", Mark(key, ""), MAX_BODY)
        self._client.change("POST", where, {"body": body}, makes_content=True)
        return True

    def ensure_label(self, ref: RepositoryRef, label: Label) -> bool:
        """Have a label; True where it was made."""
        where = repo(ref, "labels", label.name)
        if self._client.get(where, accept={_MISSING}).status != _MISSING:
            return False
        said = {"name": label.name, "color": label.color, "description": label.description}
        answer = self._client.change(
            "POST", repo(ref, "labels"), said, accept={_UNPROCESSABLE}, makes_content=True
        )
        if answer.status == _UNPROCESSABLE:  # somebody made it meanwhile, or nobody can
            self._client.get(where)
            return False
        return True

    def request_reviewers(
        self, ref: RepositoryRef, number: int, reviewers: Collection[str]
    ) -> tuple[str, ...]:
        """Ask those who were not asked; return those who cannot be."""
        present = self._client.get(repo(ref, "pulls", number)).node
        asked = {one.text("login").lower() for one in present.nodes("requested_reviewers")}
        asked |= {
            f"{ref.owner}/{one.text('slug')}".lower() for one in present.nodes("requested_teams")
        }
        wanted = [name for name in dict.fromkeys(reviewers) if name.lower() not in asked]
        if not wanted or self._request(ref, number, wanted):
            return ()
        if len(wanted) == 1:
            return tuple(wanted)
        return tuple(name for name in wanted if not self._request(ref, number, [name]))

    def _request(self, ref: RepositoryRef, number: int, names: list[str]) -> bool:
        """Ask people and teams; False where one of them cannot be asked: then none was."""
        said: dict[str, Any] = {
            "reviewers": [name for name in names if "/" not in name],
            "team_reviewers": [name.rpartition("/")[2] for name in names if "/" in name],
        }
        where = repo(ref, "pulls", number, "requested_reviewers")
        answer = self._client.change(
            "POST", where, said, accept={_UNPROCESSABLE}, makes_content=True
        )
        return answer.status != _UNPROCESSABLE

    def set_status(self, ref: RepositoryRef, commit: str, report: StatusReport) -> bool:
        """Have our word on a commit; False where it stands as it should.

        Raises:
            ValueError: Its name is not one of ours.
        """
        if not is_own_context(report.context):
            raise ValueError(f"{report.context!r:.100} is no name of ours for a status")
        said: dict[str, Any] = {
            "state": report.state.value,
            "context": report.context,
            "description": report.description[:MAX_DESCRIPTION],
        }
        if report.url is not None:
            said["target_url"] = report.url
        if self._stands(ref, commit, said):
            return False
        self._client.change("POST", repo(ref, "statuses", commit), said)
        return True

    def _stands(self, ref: RepositoryRef, commit: str, said: dict[str, Any]) -> bool:
        """Tell whether the newest status of that name is ours and says the same."""
        for page in self._client.pages(repo(ref, "commits", commit, "statuses")):
            for node in page.items:
                if node.text("context") != said["context"]:
                    continue
                told = {key: node.maybe_text(key) or "" for key in ("state", "description")}
                same = all(said[key] == told[key] for key in told)
                is_url_same = said.get("target_url") == node.maybe_text("target_url")
                return same and is_url_same and self._is_us(node.maybe_node("creator"))
        return False
