"""What `update` would write, as JSON; published as `schemas/update.schema.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.render.diff import diff_text
from basekeeper.render.encode import pieces
from basekeeper.render.json import heading, reference_object, skipped_object
from basekeeper.render.update_view import larger, moves, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.render.update_view import Moved
    from basekeeper.values.change import Edit, FileEdit, LeftOut, Proposal, Refusal, Withheld
    from basekeeper.values.use import Use


def update_pieces(found: Proposal, *, written: bool, prefix: str = "") -> Iterator[str]:
    """Write changes, edits and everything that is not edited, piece by piece.

    Args:
        found: What was found, told and planned.
        written: Whether the files were written.
        prefix: Directory before the paths of the diffs.
    """
    moved = moves(found)
    document = {
        **heading(found.standings.now),
        "written": written,
        "summary": {
            "images": sum(bool(move.edited) for move in moved),
            "files": len(found.edits.files),
            "edits": sum(len(file.edits) for file in found.edits.files),
            "refused": len(found.edits.refused),
            "withheld": len(found.changes.withheld),
            "unknown": len(unknown(found, brief=False)),
            "asked": found.standings.asked,
        },
        "changes": map(_change, moved),
        "files": (_file(file, prefix) for file in found.edits.files),
        "refused": map(_refused, found.edits.refused),
        "withheld": map(_withheld, found.changes.withheld),
        "not_asked_for": [
            {
                "image": row.name,
                "kind": choice.kind,
                "repository": choice.repository,
                "tag": choice.tag,
                "digest": choice.digest,
                "os_change": choice.os_change,
                "reason": choice.reason,
            }
            for row, choice in larger(found)
        ],
        "unknown": [
            {"image": row.name, "reasons": reasons} for row, reasons in unknown(found, brief=False)
        ],
        "troubles": [
            {
                "registry": one.registry,
                "failure": one.failure.value,
                "reason": one.reason,
                "hint": one.hint,
                "images": one.images,
            }
            for one in found.standings.troubles
        ],
        "left_out": map(_left_out, found.left_out),
        "skipped": map(skipped_object, found.standings.survey.skipped),
        "notices": list(found.standings.notices),
    }
    return pieces(document, depth=4)


def _change(move: Moved) -> dict[str, Any]:
    change = move.change
    return {
        "from": reference_object(change.standing.reference),
        "to": reference_object(change.to),
        "kind": change.choice.kind,
        "axis": change.choice.axis,
        "reason": change.choice.reason,
        "os_change": change.choice.os_change,
        "group": change.group,
        "edited": [_place(use) for use in move.edited],
        "refused": len(move.refused),
    }


def _place(use: Use) -> dict[str, Any]:
    return {"path": use.path, "line": use.line, "text": use.text}


def _file(file: FileEdit, prefix: str) -> dict[str, Any]:
    return {
        "path": file.path,
        "edits": [_edit(file, each) for each in file.edits],
        "notes": list(file.notes),
        "diff": diff_text(file, prefix=prefix),
    }


def _edit(file: FileEdit, edit: Edit) -> dict[str, Any]:
    return {
        "line": edit.line,
        "span": [edit.start, edit.end],
        "old": file.before[edit.start : edit.end].decode("utf-8", "surrogateescape"),
        "new": edit.new.decode("utf-8", "surrogateescape"),
        "image": str(edit.change.to),
    }


def _refused(refusal: Refusal) -> dict[str, Any]:
    return {
        **_place(refusal.use),
        "to": reference_object(refusal.change.to),
        "reason": refusal.reason,
        "hint": refusal.hint,
    }


def _withheld(each: Withheld) -> dict[str, Any]:
    return {
        "image": reference_object(each.standing.reference),
        "kind": each.choice.kind,
        "tag": each.choice.tag,
        "digest": each.choice.digest,
        "reason": each.reason,
        "hint": each.hint,
    }


def _left_out(each: LeftOut) -> dict[str, Any]:
    return {**_place(each.use), "reason": each.reason}
