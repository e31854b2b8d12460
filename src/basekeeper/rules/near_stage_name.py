"""`near-stage-name`: a name that is nearly that of a stage, and so an image of a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.rules.rule import Defect, UseRule, place_of
from basekeeper.values.finding import Truth
from basekeeper.values.use import Kind, Via

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.policy.model import RuleSetting
    from basekeeper.rules.rule import Subject
    from basekeeper.values.use import SourceFile, Use

MAX_STAGES_COMPARED: Final = 100
"""Most stage names that one name is compared with; the largest real file known has 60 stages."""

MAX_NAME_CHARS: Final = 64
"""Longest name compared, in characters: comparing takes time with the product of both lengths."""

_SHARED_CHARS: Final = 4
"""Least length of a name that counts as part of another (`build` in `builder`)."""


def _inspect(subject: Subject, _setting: RuleSetting) -> Iterator[Defect]:
    """Yield a defect for a name that a stage was probably meant by."""
    use, file = subject.use, subject.file
    if file is None or not _is_bare(use) or _is_official(subject):
        return
    meant = closest(use.text.lower(), _stage_names(file))
    if meant is None:
        return
    later = meant == use.text.lower()
    yield Defect(
        place=place_of(use),
        message=f"{use.text!r} is no stage "
        + ("at this point, since it is defined later" if later else f"(is {meant!r} meant?)")
        + f": the builder would pull docker.io/library/{use.text}",
        remedy=f"define stage {meant!r} above" if later else f"write {meant}",
        confidence="high" if later else "medium",
        evidence=(f"the file has a stage {meant!r}",),
    )


def _is_bare(use: Use) -> bool:
    """Tell whether a use could have been meant as the name of a stage."""
    reference = use.reference
    return (
        use.kind is Kind.CONCRETE
        and reference is not None
        and reference.tag is None
        and reference.digest is None
        and "/" not in use.text
        and use.via in (Via.FROM, Via.COPY_FROM, Via.RUN_MOUNT)
    )


def _is_official(subject: Subject) -> bool:
    answer = subject.judgement.quality.get("official_source")
    return answer is not None and answer.value is Truth.YES


def _stage_names(file: SourceFile) -> list[str]:
    """Return the names of the stages of all builds, each once, in the order of the file."""
    names = (stage.name for plan in file.plans for stage in plan.build.stages if stage.name)
    return list(dict.fromkeys(names))[:MAX_STAGES_COMPARED]


def closest(name: str, stages: list[str]) -> str | None:
    """Return the stage whose name is nearest, or None where none is near.

    Near: no more than one wrong letter in three (three at most), or one name within the other.
    """
    if len(name) > MAX_NAME_CHARS:
        return None
    best: tuple[int, str] | None = None
    for stage in stages:
        if len(stage) > MAX_NAME_CHARS:
            continue
        allowed = min(3, max(len(name), len(stage)) // 3)
        wrong = edits(name, stage, allowed)
        if wrong is None and min(len(name), len(stage)) >= _SHARED_CHARS:
            wrong = 3 if name in stage or stage in name else None
        if wrong is not None and (best is None or wrong < best[0]):
            best = (wrong, stage)
    return None if best is None else best[1]


def edits(first: str, second: str, most: int) -> int | None:
    """Count the letters to insert, delete, change or swap with their neighbour.

    Returns:
        The least number of such changes, or None where it is more than `most`.
    """
    if abs(len(first) - len(second)) > most:
        return None
    beyond = most + 1
    before: list[int] = []
    row = [min(count, beyond) for count in range(len(second) + 1)]
    for i, letter in enumerate(first, 1):
        older, before, row = before, row, [beyond] * (len(second) + 1)
        row[0] = min(i, beyond)
        # Further from the diagonal than `most`, every way costs more than `most`.
        for j in range(max(1, i - most), min(len(second), i + most) + 1):
            other = second[j - 1]
            cost = min(row[j - 1] + 1, before[j] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row[j] = min(cost, beyond)
        if min(row) > most:
            return None
    return row[-1] if row[-1] <= most else None


RULE: Final = UseRule(
    id="near-stage-name",
    summary="a mistyped stage name pulls a stranger's image",
    inspect=_inspect,
    counts_when_unused=True,
)
