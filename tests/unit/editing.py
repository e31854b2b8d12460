"""Trees in memory, changes by hand, and the edit step on them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from basekeeper.discover import discover
from basekeeper.edit import Ground, edit
from basekeeper.tags.updates import Choice, UpdateRules
from basekeeper.trees.tree import Tree
from basekeeper.values.change import Change, Standing
from basekeeper.values.finding import Truth
from basekeeper.values.image import Unknown
from basekeeper.values.reference import parse_reference
from basekeeper.values.resolution import Resolution
from basekeeper.values.settings import DiscoverSettings
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from basekeeper.values.change import EditPlan
    from basekeeper.values.use import Survey

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


class MemoryTree(Tree):
    """Files in a dictionary."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.content = files

    @property
    def label(self) -> str:
        return "memory"

    def files(self) -> Iterator[str | Skipped]:
        return iter(sorted(self.content))

    def read(self, path: str) -> bytes | Skipped:
        return self.content.get(path, Skipped(path, None, "does not exist"))

    def exists(self, path: str) -> bool:
        return path in self.content

    def real_path(self, path: str) -> str | Skipped:
        return path


def tree_of(files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    return {
        path: content if isinstance(content, bytes) else textwrap.dedent(content).encode()
        for path, content in files.items()
    }


def change_to(survey: Survey, old: str, new: str) -> Change:
    """A change of one image, in every place that names it."""
    reference, target = parse_reference(old), parse_reference(new)
    uses = tuple(use for use in survey.uses if use.reference == reference)
    assert uses, [use.text for use in survey.uses]
    standing = Standing(
        reference=reference,
        uses=uses,
        updates=Unknown("made by hand"),
        resolution=Resolution(reference=reference),
        rules=UpdateRules(),
        platforms=("linux/amd64",),
    )
    choice = Choice(
        kind="minor", value=Truth.YES, reason="made by hand", tag=target.tag, digest=target.digest
    )
    return Change(standing, choice, target)


def edited(
    files: Mapping[str, str | bytes],
    *changes: tuple[str, str],
    settings: DiscoverSettings | None = None,
    may_edit: Callable[[str], bool] = lambda _path: True,
    whole: bool = False,
) -> EditPlan:
    """Edit a tree in memory."""
    content = tree_of(files)
    rules = settings or DiscoverSettings()
    survey = discover(MemoryTree(content), rules)
    ground = Ground(
        survey=survey,
        read=content.get,
        again=lambda new: discover(MemoryTree({**content, **new}), rules),
        may_edit=may_edit,
    )
    changes_made = [change_to(survey, old, new) for old, new in changes]
    return edit(changes_made, ground, whole=whole)


def one(data: str | bytes, *changes: tuple[str, str], path: str = "Dockerfile") -> bytes:
    """Edit one file; nothing may be refused."""
    plan = edited({path: data}, *changes)
    assert not plan.refused, [each.reason for each in plan.refused]
    (file,) = plan.files
    return file.after


def reasons(plan: EditPlan) -> list[str]:
    return [each.reason for each in plan.refused]
