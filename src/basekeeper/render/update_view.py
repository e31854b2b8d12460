"""What all formats of `update` share: each change with its places, and the totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.records import dataclass
from basekeeper.render.outdated_view import is_size, own_gaps, rows
from basekeeper.render.view import plural
from basekeeper.tags.updates import KINDS
from basekeeper.values.finding import Truth
from basekeeper.values.reference import HUB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from basekeeper.render.outdated_view import Row
    from basekeeper.tags.updates import Choice
    from basekeeper.values.change import Change, Proposal, Refusal
    from basekeeper.values.reference import Reference
    from basekeeper.values.use import Use


@dataclass(frozen=True, slots=True)
class Moved:
    """One change with what became of its uses."""

    change: Change
    edited: tuple[Use, ...]
    refused: tuple[Refusal, ...]

    @property
    def old(self) -> str:
        """The image as people write it."""
        return brief(self.change.standing.reference)

    @property
    def new(self) -> str:
        """What it becomes."""
        return brief(self.change.to)


def brief(reference: Reference) -> str:
    """Write an image in the short form of Docker Hub's names."""
    return reference.familiar if reference.registry == HUB else str(reference)


def moves(found: Proposal) -> list[Moved]:
    """Put edits and refusals to the changes, in their order."""
    refused: dict[int, list[Refusal]] = {}
    for refusal in found.edits.refused:
        refused.setdefault(id(refusal.change), []).append(refusal)
    return [_moved(change, refused.get(id(change), ())) for change in found.changes.changes]


def unknown(found: Proposal, *, brief: bool = True) -> list[tuple[Row, list[str]]]:
    """Return the images about which something could not be told, and why.

    What is told elsewhere is left out: a change that waits for its age to be known and, where it
    is to be `brief`, every image of a registry that did not answer.
    """
    told = {(str(each.standing.reference), each.reason) for each in found.changes.withheld}
    held = {image for image, _ in told}
    shown = []
    for row in rows(found.standings):
        reference = row.standing.reference
        gaps = own_gaps(row, found.standings) if brief else row.gaps
        reasons = [gap.reason for gap in gaps] or [
            choice.reason
            for choice in row.rest
            if choice.value is Truth.UNKNOWN
            and not row.gaps
            and (str(reference), choice.reason) not in told
            and not (brief and choice.waiting is not None and str(reference) in held)
        ]
        if reasons:
            shown.append((row, list(dict.fromkeys(reasons))))
    return shown


def is_incomplete(found: Proposal) -> bool:
    """Tell whether a registry or a file did not tell what was asked."""
    unread = any(item.fatal for item in found.standings.survey.skipped)
    return (
        unread or bool(found.standings.troubles) or any(row.gaps for row in rows(found.standings))
    )


def larger(found: Proposal) -> list[tuple[Row, Choice]]:
    """Return steps beyond those taken: larger ones and other axes, which have to be asked for."""
    taken = {str(move.change.standing.reference): move.change.choice for move in moves(found)}
    withheld = {(str(each.standing.reference), each.choice) for each in found.changes.withheld}
    return [
        (row, choice)
        for row in rows(found.standings)
        for choice in row.steps
        if _is_beyond(choice, taken.get(str(row.standing.reference)))
        and (str(row.standing.reference), choice) not in withheld
    ]


def is_drift(row: Row, choice: Choice) -> bool:
    """Tell whether the tag stays and the operating system behind it is another."""
    return choice.os_change is not None and choice.tag == row.standing.reference.tag


def drift_words(choice: Choice) -> str:
    """Say why such a step is never taken."""
    change = choice.os_change
    return f"another operating system behind the same tag: {change}; write it by hand after a test"


def _is_beyond(choice: Choice, taken: Choice | None) -> bool:
    """Tell whether a step goes further than the one taken, or elsewhere."""
    if taken is None or not is_size(choice.kind) or not is_size(taken.kind):
        return choice != taken
    return KINDS.index(choice.kind) > KINDS.index(taken.kind)


def summary(found: Proposal, *, written: bool) -> str:
    """Write the totals: `2 images in 3 places of 2 files`."""
    changed = [move for move in moves(found) if move.edited]
    if not changed:
        return "nothing to edit" + (", as far as is known" if is_incomplete(found) else "")
    places = plural(sum(len(move.edited) for move in changed), "place")
    files = plural(len(found.edits.files), "file")
    verb = "written" if written else "to update"
    return f"{verb}: {plural(len(changed), 'image')} in {places} of {files}"


def _moved(change: Change, refused: Sequence[Refusal]) -> Moved:
    out = {id(refusal.use) for refusal in refused}
    edited = tuple(use for use in change.standing.uses if id(use) not in out)
    return Moved(change, edited, tuple(refused))
