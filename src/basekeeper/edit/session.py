"""The one way from changes to proven edits.

Edits are made of traces, then everything is surveyed again on the edited bytes. What differs
although nobody meant it to is put down to the edits that touched it; these are refused, and the
rest is tried again, until the survey proves the edits or none is left. A place that several builds
reach shows another value when the first is edited; that one is edited too.
"""

from __future__ import annotations

from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING, Final

from basekeeper.edit.draft import Blocked, Patch, apply, ordered, origin, patches_of
from basekeeper.edit.mentions import bake_mentions, mentions
from basekeeper.edit.places import Places, outer_path
from basekeeper.edit.prove import differences, key_of, spot_of
from basekeeper.edit.trace import Untraceable
from basekeeper.edit.wanted import hunks, joined, tightened, wanted_text
from basekeeper.errors import InvalidReference
from basekeeper.records import dataclass
from basekeeper.values.change import Edit, EditPlan, FileEdit, Refusal
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from basekeeper.edit.prove import Difference, Spot
    from basekeeper.edit.trace import Piece
    from basekeeper.edit.wanted import Hunk
    from basekeeper.values.change import Change
    from basekeeper.values.use import Survey, Use

MAX_ROUNDS: Final = 32
"""Times that the tree is surveyed again; each round refuses or adds something, most need one."""

BY_HAND: Final = "edit it by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the edits are made on, and how they are proven."""

    survey: Survey
    """Everything in the tree, also what is not to be changed."""
    read: Callable[[str], bytes | None]
    """Path → content as the survey saw it; None where it cannot be read."""
    again: Callable[[Mapping[str, bytes]], Survey]
    """Files with new content → the survey that these would give."""
    may_edit: Callable[[str], bool] = lambda _path: True
    """Tells whether a file may be edited."""


def edit(changes: Sequence[Change], ground: Ground, *, whole: bool = False) -> EditPlan:
    """Turn changes into edits of files that are proven to change these references alone.

    What cannot be edited is refused with its reason; the other uses of the same change are edited
    all the same, unless `whole`.

    Args:
        changes: At most one for each image; their uses are of the survey of `ground`.
        ground: The tree.
        whole: Whether a change with a refused use is not made at all.
    """
    # A file that changes meanwhile must not be edited by the offsets of what it was.
    session = _Session(ground, Places(ground.survey, cache(ground.read)), whole)
    for change in changes:
        for use in change.standing.uses:
            session.add(change, use)
    return session.run()


@dataclass(slots=True)
class _Job:
    """One use that is to be edited."""

    change: Change
    use: Use
    text: str = ""
    """What it shall be."""
    patches: list[Patch] = field(default_factory=list)
    refusal: Refusal | None = None

    def refuse(self, reason: str, hint: str | None = BY_HAND) -> None:
        """Give it up; the first reason stays."""
        if self.refusal is None:
            self.refusal = Refusal(self.use, self.change, reason, hint)

    def touches(self, path: str, start: int, end: int) -> bool:
        """Tell whether it edits something within a range."""
        return any(
            each.path == path and each.start <= end and start <= each.end for each in self.patches
        )


@dataclass(slots=True)
class _Session:
    """One run."""

    ground: Ground
    places: Places
    whole: bool
    jobs: list[_Job] = field(default_factory=list)

    @property
    def active(self) -> list[_Job]:
        """What is not refused."""
        return [job for job in self.jobs if job.refusal is None]

    def add(self, change: Change, use: Use) -> None:
        """Take a use of a change, and find its patches."""
        job = _Job(change, use)
        self.jobs.append(job)
        template = self._template(use)
        if use.reference is None:
            job.refuse(use.problem or "its image cannot be told from the files")
        elif template is not None:
            job.refuse(f"the file is a template: {template}")
        else:
            job.text = wanted_text(use.text, use.reference, change.to)
            try:
                parse_reference(job.text)
                self._trace(job, self.places, use)
            except InvalidReference as error:
                job.refuse(str(error))

    def _template(self, use: Use) -> str | None:
        file = self.places.files.get(use.path)
        return file.template if file is not None else None

    def _trace(
        self, job: _Job, places: Places, use: Use, drafts: Mapping[str, list[Patch]] | None = None
    ) -> None:
        """Find the patches that make one use what it shall be.

        Args:
            job: What takes them, or the reason why there are none.
            places: Where the use is followed.
            use: The use, of the survey that `places` stands on.
            drafts: Patches that were made since; then places are traced back before them.
        """
        try:
            pieces = places.pieces(use)
            found = [
                patch
                for steps in hunks(use.text, job.text)
                for patch in _patched(steps, use, pieces)
            ]
        except (Untraceable, Blocked) as error:
            job.refuse(error.reason, error.hint)
            return
        for patch in found:
            back = patch if drafts is None else _back(patch, drafts.get(patch.path, []))
            if back is None:
                job.refuse("several builds put it together in different ways")
            elif not self.ground.may_edit(back.path):
                what = f"the value of {back.name}" if back.name else "it"
                reason = f"{what} stands in {back.path}, which is not among the files named"
                job.refuse(reason, f"name {back.path} too")
            elif back not in job.patches:
                job.patches.append(back)

    def run(self) -> EditPlan:
        """Prove, refuse what cannot be proven, and try again."""
        for _ in range(MAX_ROUNDS):
            self._settle()
            if not self.active or self._prove():
                break
        else:
            for job in self.active:
                job.refuse("the edits could not be proven to change nothing else")
        return EditPlan(tuple(self._files()), self._refusals())

    def _settle(self) -> None:
        """Refuse what clashes; where changes are made whole, refuse what belongs together."""
        self._refuse_clashes()
        broken = {id(job.change): job for job in self.jobs if job.refusal is not None}
        for job in self.active if self.whole else ():
            cause = broken.get(id(job.change))
            if cause is not None:
                place = f"{cause.use.path}:{cause.use.line}"
                job.refuse(f"{place} cannot be edited, and changes are made whole or not at all")

    def _refuse_clashes(self) -> None:
        """Refuse jobs that want different values in one place."""
        owners: dict[Patch, list[_Job]] = {}
        for job in self.active:
            for patch in job.patches:
                owners.setdefault(patch._replace(name=None), []).append(job)
        patches = sorted(owners)
        for at, patch in enumerate(patches):
            for following in range(at + 1, len(patches)):
                later = patches[following]
                if later.path != patch.path or later.start > patch.end:
                    break
                if patch.clashes(later) and not _is_shared(owners[patch], owners[later]):
                    _clash(patch, owners[patch], owners[later])

    def _drafts(self) -> dict[str, list[Patch]]:
        """Collect the patches of each file, in order."""
        found: dict[str, list[Patch]] = {}
        for job in self.active:
            for patch in job.patches:
                found.setdefault(patch.path, []).append(patch)
        return {path: ordered(patches) for path, patches in sorted(found.items())}

    def _prove(self) -> bool:
        """Survey the edited tree; give up or extend the jobs that it does not prove."""
        drafts = self._drafts()
        new = {path: apply(self._before(path), drafts[path]) for path in drafts}
        after = self.ground.again(new)
        intended = {key_of(job.use): job.text for job in self.active}
        wrong = differences(self.ground.survey, after, intended)
        if not wrong:
            return True
        later = Places(after, lambda path: new[path] if path in new else self.places.read(path))
        size = self._size()
        extended = self._extend(wrong, later, drafts)
        self._blame([each for each in wrong if each.text and each.spot not in extended])
        if self._size() == size and not self._is_stirred():
            self._blame_all(wrong)
        return False

    def _is_stirred(self) -> bool:
        """Refuse everything where the tree itself is no longer what was surveyed."""
        since = differences(self.ground.survey, self.ground.again({}), {})
        for job in self.active if since else ():
            job.refuse(f"{outer_path(since[0].path)} changed since it was read", "run again")
        return bool(since)

    def _size(self) -> tuple[int, int]:
        active = self.active
        return len(active), sum(len(job.patches) for job in active)

    def _before(self, path: str) -> bytes:
        return self.places.read(path) or b""

    def _extend(
        self, wrong: Sequence[Difference], later: Places, drafts: Mapping[str, list[Patch]]
    ) -> set[Spot | None]:
        """Edit also the value that another build gives the place of a job; return the places."""
        uses = _by_spot(later.survey.uses)
        stale = {(each.spot, each.text) for each in wrong}
        extended: set[Spot | None] = set()
        for job in self.active:
            spot = spot_of(job.use)
            if (spot, job.use.text) in stale:
                extended.add(spot)
                for use in uses.get(spot, ()):
                    if use.text == job.use.text:
                        self._trace(job, later, use, drafts)
        return extended

    def _blame(self, wrong: Sequence[Difference]) -> None:
        """Refuse the jobs whose patches changed what nobody meant to change."""
        uses = _by_spot(self.ground.survey.uses) if wrong else {}
        jobs: dict[str, list[_Job]] = {}
        for job in self.active:
            for path in {patch.path for patch in job.patches}:
                jobs.setdefault(path, []).append(job)
        for each in wrong:
            for use in uses.get(each.spot, ()) if each.spot is not None else ():
                spans = [(one.path, one.span) for one in use.supplied_by]
                for path, span in (*spans, (use.path, use.span)):
                    for job in jobs.get(outer_path(path), ()):
                        if span is not None and job.touches(outer_path(path), *span):
                            job.refuse(each.said, "give each image an ARG of its own")

    def _blame_all(self, wrong: Iterable[Difference]) -> None:
        """Refuse the jobs of the files concerned; where that hits nobody, all of them."""
        concerned = {outer_path(each.path): each for each in reversed(list(wrong))}
        hit = False
        for job in self.active:
            paths = [patch.path for patch in job.patches]
            guilty = [concerned[path] for path in (*paths, job.use.path) if path in concerned]
            if guilty:
                hit = True
                job.refuse(guilty[0].said)
        for job in () if hit else self.active:
            job.refuse(next(iter(concerned.values())).said)

    def _refusals(self) -> tuple[Refusal, ...]:
        found = [job.refusal for job in self.jobs if job.refusal is not None]
        return tuple(sorted(found, key=lambda each: (each.use.path, each.use.line, each.use.text)))

    def _files(self) -> Iterable[FileEdit]:
        """Make the edits of each file."""
        owners: dict[tuple[object, ...], _Job] = {}
        built: dict[str, dict[str, None]] = {}
        for job in self.active:
            for patch in job.patches:
                owners.setdefault(patch[:4], job)
                built.setdefault(patch.path, {})[job.use.path] = None
        for path, patches in self._drafts().items():
            before = self._before(path)
            edits = []
            line, at = 1, 0
            for patch in patches:
                line, at = line + before.count(b"\n", at, patch.start), patch.start
                change = owners[patch[:4]].change
                edits.append(Edit(patch.start, patch.end, patch.new, line, change))
            names = {patch.name for patch in patches if patch.name is not None}
            files = [self.places.files[each] for each in built[path] if each in self.places.files]
            starts = [patch.start for patch in patches]
            notes = (*mentions(files, names), *bake_mentions(path, before, starts))
            yield FileEdit(path, before, apply(before, patches), tuple(edits), notes)


def _is_shared(jobs: Sequence[_Job], rivals: Sequence[_Job]) -> bool:
    """Tell whether one job makes both patches: then they belong together, for all who make them."""
    return not {id(job) for job in jobs}.isdisjoint(id(job) for job in rivals)


def _clash(patch: Patch, jobs: Sequence[_Job], rivals: Sequence[_Job]) -> None:
    """Refuse jobs, each with one of those that are in its way."""
    names = [one.name for one in jobs[0].patches if one.start == patch.start and one.name]
    what = names[0] if names else "the same text"
    for job, rival in (
        *((each, rivals[0]) for each in jobs),
        *((each, jobs[0]) for each in rivals),
    ):
        use = rival.use
        place = f"{use.text!r} at {use.path}:{use.line}"
        reason = f"{what} also makes {place}, which is to become {rival.text!r}"
        job.refuse(reason, "give each image an ARG of its own")


def _by_spot(uses: Iterable[Use]) -> dict[Spot, list[Use]]:
    """Put the uses of a survey to their places."""
    found: dict[Spot, list[Use]] = {}
    for use in uses:
        found.setdefault(spot_of(use), []).append(use)
    return found


def _patched(steps: list[Hunk], use: Use, pieces: Sequence[Piece]) -> list[Patch]:
    """Make patches of the steps of one part; of one value in one piece where that is possible."""
    try:
        return patches_of(joined(steps, use.text), pieces)
    except Blocked:
        return [patch for step in steps for patch in _narrowed(step, use, pieces)]


def _narrowed(step: Hunk, use: Use, pieces: Sequence[Piece]) -> list[Patch]:
    try:
        return patches_of(step, pieces)
    except Blocked:
        return patches_of(tightened(step, use.text), pieces)


def _back(patch: Patch, drafts: Sequence[Patch]) -> Patch | None:
    """Trace a patch of the edited file back to the file as it is."""
    if patch.start == patch.end:
        start = origin(patch.start, drafts)
        return None if start is None else patch._replace(start=start, end=start)
    start, last = origin(patch.start, drafts), origin(patch.end - 1, drafts)
    if start is None or last is None or last - start != patch.end - 1 - patch.start:
        return None
    return patch._replace(start=start, end=last + 1)
