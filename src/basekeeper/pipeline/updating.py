"""From a tree to what its images can be moved to, and on to edited files."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from basekeeper.discover import discover
from basekeeper.pipeline.run import Run, content, discover_settings, is_in, survey, within_selection
from basekeeper.records import dataclass
from basekeeper.render.view import plural
from basekeeper.values.finding import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from basekeeper.ports import Ledger, Registry
    from basekeeper.trees.tree import Tree
    from basekeeper.trees.working import WorkingTree
    from basekeeper.values.change import ChangePlan, LeftOut, Proposal, Standing
    from basekeeper.values.finding import Judgement
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Question, Resolutions, Standings
    from basekeeper.values.use import Survey, Use


MAX_LOOKS: Final = 3
"""Times that what images can be moved to is looked up; another look may change the choice."""

_VENDORED: Final = re.compile(r"(?:^|/)(?:vendor|third[_-]party|node_modules)/")
"""Directories that hold copies of what others maintain; the next copy would undo an edit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which updates a user asks for."""

    images: tuple[str, ...] = ()
    """Patterns of images (as in the policy) to change; empty: all."""
    kinds: tuple[str, ...] = ()
    """Kinds and axes; empty: those that the configuration takes unasked."""
    pin_digests: bool = False
    """Whether images without a digest get one."""
    any_age: bool = False
    """Whether what is too young for the configuration is taken all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What could be changed, before any file is edited."""

    survey: Survey
    """Everything in the tree, also outside the selection of the run."""
    standings: Standings
    changes: ChangePlan
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """How images stand, and what they could become."""

    stand: Standings
    told: Resolutions
    """What the registries told, of images in use and of what they could become."""
    unseen: tuple[Reference, ...]
    """What could still not be looked into."""


def outdated(  # noqa: PLR0913  # three that cannot be left out, four that mostly are
    tree: Tree,
    run: Run,
    registry: Registry,
    *,
    images: Sequence[str] = (),
    kinds: Collection[str] = (),
    ledger: Ledger | None = None,
    progress: Callable[[int], None] | None = None,
    asking: Callable[[int, int], None] | None = None,
) -> Standings:
    """Find every image in a tree, ask the registries, and tell what each can be moved to.

    Args:
        tree: Where to look.
        run: What all steps share.
        registry: Whom to ask.
        images: Patterns of images (as in the policy) to look at; empty: all.
        kinds: Kinds and axes of updates that are wanted, of those that the policy wants; empty:
            all of these. With `digest` alone no lists of tags are read.
        ledger: Where first sights are read from, if anywhere.
        progress: Called now and then with the number of files read so far.
        asking: Called now and then with how many images were asked about, and of how many.

    Raises:
        LedgerError: The ledger cannot be reached.
        ValueError: A pattern is none.
    """
    found, notices = _of_images(survey(tree, run, progress=progress), images)
    stand, _ = _stand(found, run, registry, kinds, ledger=ledger, asking=asking, replaced=True)
    return replace(stand, notices=(*notices, *stand.notices))


def plan_updates(  # noqa: PLR0913  # four that cannot be left out, three that mostly are
    tree: Tree,
    run: Run,
    registry: Registry,
    wanted: Wanted,
    *,
    ledger: Ledger | None = None,
    progress: Callable[[int], None] | None = None,
    asking: Callable[[int, int], None] | None = None,
) -> Planned:
    """Find every image in a tree, ask the registries, and choose what to change.

    Raises:
        LedgerError: The ledger cannot be reached.
        ValueError: A pattern is none.
    """
    from basekeeper.plan import changes, left_out  # noqa: PLC0415  # only to update
    from basekeeper.policy.patterns import parse_pattern  # noqa: PLC0415

    everything = discover(tree, discover_settings(run), progress=progress)
    chosen = within_selection(everything, run)
    named, notices = _of_images(chosen, wanted.images)
    found, left_alone = _without_vendored(named, run)
    images = [parse_pattern(text) for text in wanted.images]
    kinds = wanted.kinds or None
    ahead = look_ahead(found, run, registry, wanted, ledger=ledger, asking=asking)
    return Planned(
        survey=everything,
        standings=replace(ahead.stand, notices=(*notices, *left_alone, *ahead.stand.notices)),
        changes=changes(
            ahead.stand.standings,
            kinds=kinds,
            images=images,
            pin_digests=wanted.pin_digests,
            unseen=ahead.unseen,
        ),
        left_out=left_out(chosen) if not wanted.images else (),
    )


def look_ahead(  # noqa: PLR0913  # four that cannot be left out, two that mostly are
    found: Survey,
    run: Run,
    registry: Registry,
    wanted: Wanted,
    *,
    ledger: Ledger | None = None,
    asking: Callable[[int, int], None] | None = None,
) -> Ahead:
    """Tell how images stand, and what is inside what they could become.

    Args:
        found: The uses.
        run: What all steps share.
        registry: Whom to ask.
        wanted: Which updates count.
        ledger: Where first sights are read from, if anywhere.
        asking: Called now and then with how many images were asked about, and of how many.

    Raises:
        LedgerError: The ledger cannot be reached.
        ValueError: A pattern is none.
    """
    from basekeeper.plan import candidates  # noqa: PLC0415  # only to update or to record
    from basekeeper.policy.patterns import parse_pattern  # noqa: PLC0415

    if wanted.any_age:
        run = replace(run, config=replace(run.config, updates=run.config.updates.at_any_age()))
    kinds = wanted.kinds or None
    images = [parse_pattern(text) for text in wanted.images]
    stand, told = _stand(found, run, registry, wanted.kinds, ledger=ledger, asking=asking)
    targets = candidates(stand.standings, told, kinds=kinds, images=images)
    for _ in range(MAX_LOOKS):
        if not targets:
            break
        more = _candidate_questions(stand, targets)
        stand, told = _stand(
            found, run, registry, wanted.kinds, ledger=ledger, asking=asking, more=more, told=told
        )
        targets = candidates(stand.standings, told, kinds=kinds, images=images)
    return Ahead(stand=stand, told=told, unseen=targets)


def edit_files(
    tree: Tree, run: Run, planned: Planned, changes: ChangePlan, *, whole: bool = False
) -> Proposal:
    """Edit the files of a tree in memory, and prove that only the intended references changed.

    Args:
        tree: The tree that `planned` stands on.
        run: What all steps share.
        planned: What was found and told.
        changes: What to change, of what was planned.
        whole: Whether a change that cannot be made in one place is not made at all.
    """
    from basekeeper.edit import Ground, edit  # noqa: PLC0415  # only to update
    from basekeeper.trees.overlay import Overlay  # noqa: PLC0415
    from basekeeper.values.change import EditPlan, Proposal  # noqa: PLC0415

    ground = Ground(
        survey=planned.survey,
        read=lambda path: content(tree, path),
        again=lambda files: discover(Overlay(tree, files), discover_settings(run)),
        may_edit=lambda path: is_in(path, run),
    )
    edits = edit(changes.changes, ground, whole=whole)
    # No patch may name a link: git and patch would change the link itself, or refuse.
    files = (replace(file, path=_real_path(tree, file.path)) for file in edits.files)
    return Proposal(
        standings=planned.standings,
        changes=changes,
        left_out=planned.left_out,
        edits=EditPlan(tuple(sorted(files, key=lambda file: file.path)), edits.refused),
    )


def _real_path(tree: Tree, path: str) -> str:
    """Follow the links of a path; one that leads nowhere stays, so that writing it says why."""
    real = tree.real_path(path)
    return real if isinstance(real, str) else path


def write(tree: WorkingTree, planned: Planned, found: Proposal) -> None:
    """Write the edited files, and remove what a killed run left beside any.

    Raises:
        InputError: A file cannot be written; then none is changed, or the message says which.
    """
    from basekeeper.trees.write import sweep, write_files  # noqa: PLC0415  # only to write

    outer = {file.path.partition("#")[0] for file in planned.survey.files}
    sweep(tree, sorted(outer | {file.path for file in found.edits.files}))
    write_files(tree, found.edits.files)


def _stand(  # noqa: PLR0913  # what its callers take, and the second round
    found: Survey,
    run: Run,
    registry: Registry,
    kinds: Collection[str],
    *,
    ledger: Ledger | None,
    asking: Callable[[int, int], None] | None,
    more: Sequence[Question] = (),
    told: Resolutions | None = None,
    replaced: bool = False,
) -> tuple[Standings, Resolutions]:
    """Tell how images stand; a second round asks only what the first one left open.

    Args:
        found: The uses.
        run: What all steps share.
        registry: Whom to ask.
        kinds: Kinds and axes that are wanted; empty: those of the rules.
        ledger: Where first sights are read from.
        asking: Called with how many images were asked about, and of how many.
        more: Questions of the second round.
        told: The answers of the first round.
        replaced: Whether to ask since when digests are replaced, which chooses nothing.
    """
    from basekeeper.plan import standings  # noqa: PLC0415  # only where registries are asked
    from basekeeper.resolve import Want, questions, resolve  # noqa: PLC0415
    from basekeeper.values.resolution import Standings  # noqa: PLC0415

    rules = run.config.updates

    def want(reference: Reference) -> Want:
        wanted = rules.rules_for(reference).kinds
        wanted = wanted.intersection(kinds) if kinds else wanted
        return Want(pointer=True, tags=bool(wanted - {"digest"}), system=True, replaced=replaced)

    asked = more or questions(found, want, platforms=run.config.settings.discover.platforms)
    answers = resolve(asked, registry, asking=asking)
    if told is not None:
        answers = told.with_more(answers)
    names = {use.reference.name for use in found.uses if use.reference is not None}
    sights = ledger.first_seen(names) if ledger is not None else {}
    stand = standings(
        found,
        answers,
        rules,
        run.now,
        catalogue=run.catalogue,
        sights=sights,
        platforms=run.config.settings.discover.platforms,
    )
    sums = Standings(
        survey=found,
        now=run.now,
        standings=tuple(sorted(stand, key=lambda one: str(one.reference))),
        judgements=_judgements(stand, run),
        troubles=answers.troubles,
        asked=answers.asked,
        notices=(*run.config.notices, *run.catalogue.stale(run.now), *registry.notices()),
    )
    return sums, answers


def _without_vendored(found: Survey, run: Run) -> tuple[Survey, tuple[str, ...]]:
    """Leave out copies of others' files, which their source owns, unless the user names them."""
    uses = tuple(
        use
        for use in found.uses
        if _VENDORED.search(use.path) is None
        or any(_VENDORED.search(f"{name}/") and _is_below(use.path, name) for name in run.only)
    )
    count = len(found.uses) - len(uses)
    if not count:
        return found, ()
    places = plural(count, "place")
    notice = f"{places} in vendored files left alone; name the files or directories to edit them"
    return replace(found, uses=uses), (notice,)


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory}/")


def _candidate_questions(found: Standings, targets: Sequence[Reference]) -> list[Question]:
    """Ask what candidates point to and what is inside, for the platforms that are built."""
    from basekeeper.values.resolution import Question  # noqa: PLC0415  # as above

    platforms: dict[str, dict[str, None]] = {}
    for one in found.standings:
        platforms.setdefault(one.reference.name, {}).update(dict.fromkeys(one.platforms))
    every = tuple(dict.fromkeys(name for names in platforms.values() for name in names))
    return [
        Question(
            reference=target,
            platforms=tuple(platforms.get(target.name, ())) or every,
            pointer=True,
            inside=True,
            system=True,
        )
        for target in targets
    ]


def _judgements(stand: tuple[Standing, ...], run: Run) -> dict[str, Judgement]:
    """Judge every image, by what is inside it where that was told."""
    from basekeeper.inspect import facts_of  # noqa: PLC0415  # only where registries are asked

    return {
        str(one.reference): run.config.policy.judge(
            one.reference,
            facts_of(one.resolution, run.catalogue),
            now=run.now,
            catalogue=run.catalogue,
        )
        for one in stand
    }


def _of_images(found: Survey, images: Sequence[str]) -> tuple[Survey, tuple[str, ...]]:
    """Keep the uses of images that a pattern names, all where there is none; say which named none.

    A misspelt name must not pass for an image that is up to date.
    """
    if not images:
        return found, ()
    from basekeeper.policy.patterns import parse_pattern  # noqa: PLC0415  # only with `--image`

    patterns = {text: parse_pattern(text) for text in images}
    matched: set[str] = set()

    def is_named(use: Use) -> bool:
        reference = use.reference
        named = [
            text
            for text, pattern in patterns.items()
            if reference is not None and pattern.matches(reference) is Truth.YES
        ]
        matched.update(named)
        return bool(named)

    kept = replace(found, uses=tuple(use for use in found.uses if is_named(use)))
    return kept, tuple(
        f"no image here matches {text!r}" for text in patterns if text not in matched
    )
