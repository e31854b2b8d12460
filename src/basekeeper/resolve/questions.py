"""From the uses of a tree to what is asked: one question for each distinct image."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from basekeeper.values.platforms import BuiltPlatforms
from basekeeper.values.resolution import Question
from basekeeper.values.use import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from basekeeper.values.reference import Reference
    from basekeeper.values.use import Survey


class Want(NamedTuple):
    """Which facts of an image are wanted; see `Question`."""

    pointer: bool = False
    tags: bool = False
    inside: bool = False
    publisher: bool = False
    system: bool = False
    replaced: bool = False


def questions(
    survey: Survey, want: Callable[[Reference], Want], *, platforms: Sequence[str]
) -> tuple[Question, ...]:
    """List what is to be asked, in the order of first use; images of which nothing is wanted not.

    However many files name an image, it is one question, for all platforms that any of them
    builds.

    Args:
        survey: What discovery found.
        want: Tells which facts of an image are wanted; called once for each.
        platforms: Those of uses for which no file says others; at least one.
    """
    built = BuiltPlatforms(survey, platforms)
    found: dict[Reference, dict[str, None]] = {}
    for use in survey.uses:
        if use.kind is Kind.CONCRETE and use.reference is not None:
            found.setdefault(use.reference, {}).update(dict.fromkeys(built.of(use)))
    return tuple(
        Question(reference=reference, platforms=tuple(wanted), **asked._asdict())
        for reference, wanted in found.items()
        if any(asked := want(reference))
    )
