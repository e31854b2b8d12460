"""The order of the steps; the only module that knows it. Verbs and jobs call nothing else.

    1. discover   a tree → survey
    2. waivers    the waiver file and the comments of the survey → waivers
    3. resolve    what of the survey the registries could tell → resolutions; inspect → facts
    4. check      survey, policy, facts, waivers, what was there before → report

    1. discover   a tree → survey
    2. resolve    survey → resolutions
    3. plan       resolutions, rules of updates, first sights → standings; standings → changes
    4. edit       changes, bytes of files → edits, proven by discovering the edited tree
    5. trees      edits → files

Compared with another revision, that one goes through the same steps first; then its policy, its
waiver file and the inline waivers that it has too are the ones that count, so that a proposal can
neither loosen the policy that judges it nor waive its own findings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from basekeeper.check import Exemptions, Network, check
from basekeeper.check import exit_code as exit_code_of
from basekeeper.config.sources import CONFIG_PATHS
from basekeeper.discover import discover
from basekeeper.errors import ConfigError, Problem
from basekeeper.render.view import RuleText, plural
from basekeeper.rules.registry import RULES_BY_ID
from basekeeper.trees.names import kind_of
from basekeeper.values.finding import Truth
from basekeeper.values.use import Skipped
from basekeeper.waivers import WaiverLimits, Waivers, load_waivers, read_inline, restrict_inline
from basekeeper.waivers.inline import comment_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from basekeeper.baseline import Baseline
    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.policy.judge import Explanation
    from basekeeper.policy.load import Config
    from basekeeper.policy.policy import Policy
    from basekeeper.ports import Ledger, Registry
    from basekeeper.trees.tree import Tree
    from basekeeper.trees.working import WorkingTree
    from basekeeper.values.change import ChangePlan, LeftOut, Proposal, Standing
    from basekeeper.values.finding import Judgement, Report
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Question, Resolutions, Standings
    from basekeeper.values.settings import DiscoverSettings
    from basekeeper.values.use import Survey, Use
    from basekeeper.values.waiver import Waiver

MAX_LOOKS: Final = 3
"""Times that what images can be moved to is looked up; another look may change the choice."""

_VENDORED: Final = re.compile(r"(?:^|/)(?:vendor|third[_-]party|node_modules)/")
"""Directories that hold copies of what others maintain; the next copy would undo an edit."""

__all__ = [
    "Comparison",
    "NetworkAccess",
    "Planned",
    "Run",
    "Wanted",
    "edit_files",
    "exit_code_of",
    "explain_image",
    "judge",
    "narrowed_settings",
    "outdated",
    "plan_updates",
    "rule_ids",
    "rule_texts",
    "survey",
    "write",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What all steps of one run share."""

    config: Config
    catalogue: Catalogue
    now: datetime
    """The one reading of the clock, UTC."""
    only: tuple[str, ...] = ()
    """Files and directories below the root to report; empty: everything."""
    files: tuple[str, ...] = ()
    """Those of `only` that are files; each is read whatever its name."""
    rules: tuple[str, ...] = ()
    """Rules to apply; empty: all."""
    has_operator: bool = False
    """Whether the policy is an operator's, not the repository's own."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was there before the work that is judged."""

    base: Tree
    """The revision whose waivers count."""
    before: Tree
    """Where the work left `base`, or `base` itself: what its check finds does not gate."""


@dataclass(frozen=True, slots=True)
class NetworkAccess:
    """How a check may ask the registries."""

    open: Callable[[], AbstractContextManager[Registry]]
    """Opens them; called only where there is something to ask."""
    seconds: float | None
    """Time for all questions; None: no limit."""
    asking: Callable[[int, int], None] | None = None
    """Called with how many images were answered, and of how many."""


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


def survey(tree: Tree, run: Run, *, progress: Callable[[int], None] | None = None) -> Survey:
    """Find every use of an image in a tree, within the selection of the run.

    `progress` is called now and then with the number of files read so far.
    """
    return _selected(discover(tree, _settings(run), progress=progress), run)


def judge(  # noqa: PLR0913  # two that cannot be left out, five that mostly are
    tree: Tree,
    run: Run,
    *,
    baseline: Baseline | None = None,
    since: Comparison | None = None,
    network: NetworkAccess | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Find and judge every use of an image in a tree.

    Args:
        tree: What is judged.
        run: What all steps share.
        baseline: Old findings that do not gate.
        since: What to compare with.
        network: How to ask the registries what may change the judgement; None: they are not asked.
        progress: Called now and then with the number of files of `tree` read so far.

    Raises:
        ConfigError: The waiver file is wrong.
        InputError: The waiver file cannot be read.
    """
    found = survey(tree, run, progress=progress)
    if since is None:
        told = None if network is None else _asked((found,), run, network)
        exempt = Exemptions(
            waivers=_waivers(tree, found, run), baseline=baseline, partial=bool(run.only)
        )
        return _report(found, run, exempt, told)
    at_base = survey(since.base, run)
    found_before = at_base if since.before is since.base else survey(since.before, run)
    told = None if network is None else _asked((found, found_before), run, network)
    accepted = _waivers(since.base, at_base, run)
    old = _report(found_before, run, Exemptions(waivers=accepted), told)
    written = _inline(found, run)
    inline = restrict_inline(written, accepted)
    notices = (
        *_ignored_edits(tree, since.base, run),
        *_dropped_waivers(len(written.accepted) - len(inline.accepted)),
    )
    waivers = replace(accepted, accepted=_of_file(accepted)) + inline
    exempt = Exemptions(
        waivers=waivers, baseline=baseline, since=old.findings, partial=bool(run.only)
    )
    return _report(found, run, exempt, told, *notices)


def _report(
    found: Survey, run: Run, exempt: Exemptions, told: Network | None, *notices: str
) -> Report:
    """Check a survey, and say what is to be said of the run itself."""
    report = check(
        found,
        _policy(run),
        now=run.now,
        exemptions=exempt,
        catalogue=run.catalogue,
        network=told,
    )
    return replace(report, notices=(*run.config.notices, *notices, *report.notices))


def _asked(surveys: tuple[Survey, ...], run: Run, network: NetworkAccess) -> Network:
    """Ask the registries what may change the judgement of any image; where nothing, open none."""
    from basekeeper.rules.needs import needs  # noqa: PLC0415  # only with a network

    wanted = needs(surveys, _policy(run), now=run.now, catalogue=run.catalogue)
    if not wanted:
        return Network({})
    from basekeeper.inspect import told_of  # noqa: PLC0415  # only where something is asked
    from basekeeper.resolve import Want, questions, resolve  # noqa: PLC0415

    def want(reference: Reference) -> Want:
        need = wanted.get(reference)
        if need is None:
            return Want()
        return Want(
            pointer=need.inside and reference.digest is None,
            inside=need.inside,
            publisher=need.publisher,
        )

    platforms = run.config.settings.discover.platforms
    uses = tuple(use for survey in surveys for use in survey.uses)
    files = tuple(file for survey in surveys for file in survey.files)
    every = replace(surveys[0], uses=uses, files=files)
    asked = questions(every, want, platforms=platforms)
    with network.open() as registry:
        found = resolve(asked, registry, seconds=network.seconds, asking=network.asking)
        notices = registry.notices()
    gating = {str(reference) for reference, need in wanted.items() if need.gates}
    told = told_of(found, run.catalogue, gating=gating)
    return Network(told.facts, told.missing, (*told.notices, *notices))


def _ignored_edits(tree: Tree, base: Tree, run: Run) -> Iterator[str]:
    """Tell which of the files that judge are edited by what is judged."""
    waivers = run.config.policy.waivers.file
    for path in (*CONFIG_PATHS, waivers):
        if path is not None and _content(tree, path) != _content(base, path):
            yield f"{path} differs from the revision compared with: the edit does not count yet"


def _content(tree: Tree, path: str) -> bytes | None:
    """Return the content of a file; None where there is none, or none that can be read."""
    data = tree.read(path) if tree.exists(path) else None
    return data if isinstance(data, bytes) else None


def _dropped_waivers(count: int) -> tuple[str, ...]:
    """Tell that a change brings waivers of its own."""
    if not count:
        return ()
    if count == 1:
        return ("1 inline waiver is not in the revision compared with and does not count yet",)
    return (f"{count} inline waivers are not in the revision compared with, do not count yet",)


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
    found = _of_images(survey(tree, run, progress=progress), images)
    return _stand(found, run, registry, kinds, ledger=ledger, asking=asking)[0]


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
    from basekeeper.plan import candidates, changes, left_out  # noqa: PLC0415  # only to update
    from basekeeper.policy.patterns import parse_pattern  # noqa: PLC0415

    everything = discover(tree, _settings(run), progress=progress)
    selected = _selected(everything, run)
    found, notices = _without_vendored(_of_images(selected, wanted.images), run)
    if wanted.any_age:
        run = replace(run, config=replace(run.config, updates=run.config.updates.at_any_age()))
    kinds = wanted.kinds or None
    images = [parse_pattern(text) for text in wanted.images]
    stand, told = _stand(found, run, registry, wanted.kinds, ledger=ledger, asking=asking)
    for _ in range(MAX_LOOKS):
        targets = candidates(stand.standings, told, kinds=kinds, images=images)
        if not targets:
            break
        more = _candidate_questions(stand, targets)
        stand, told = _stand(
            found, run, registry, wanted.kinds, ledger=ledger, asking=asking, more=more, told=told
        )
    return Planned(
        survey=everything,
        standings=replace(stand, notices=(*notices, *stand.notices)),
        changes=changes(
            stand.standings, kinds=kinds, images=images, pin_digests=wanted.pin_digests
        ),
        left_out=left_out(selected) if not wanted.images else (),
    )


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
    from basekeeper.values.change import Proposal  # noqa: PLC0415

    ground = Ground(
        survey=planned.survey,
        read=lambda path: _content(tree, path),
        again=lambda files: discover(Overlay(tree, files), _settings(run)),
        may_edit=lambda path: _is_in(path, run),
    )
    return Proposal(
        standings=planned.standings,
        changes=changes,
        left_out=planned.left_out,
        edits=edit(changes.changes, ground, whole=whole),
    )


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
    """
    from basekeeper.plan import standings  # noqa: PLC0415  # only where registries are asked
    from basekeeper.resolve import Want, questions, resolve  # noqa: PLC0415
    from basekeeper.values.resolution import Standings  # noqa: PLC0415

    rules = run.config.updates

    def want(reference: Reference) -> Want:
        wanted = rules.rules_for(reference).kinds
        wanted = wanted.intersection(kinds) if kinds else wanted
        return Want(pointer=True, tags=bool(wanted - {"digest"}))

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


def _of_images(found: Survey, images: Sequence[str]) -> Survey:
    """Keep the uses of images that a pattern names; all where there is none."""
    if not images:
        return found
    from basekeeper.policy.patterns import parse_pattern  # noqa: PLC0415  # only with `--image`

    patterns = [parse_pattern(text) for text in images]

    def is_named(use: Use) -> bool:
        reference = use.reference
        return reference is not None and any(
            pattern.matches(reference) is Truth.YES for pattern in patterns
        )

    return replace(found, uses=tuple(use for use in found.uses if is_named(use)))


def narrowed_settings(config: Config, extra: DiscoverSettings) -> Config:
    """Add what the command line says about discovery to a configuration."""
    given = config.settings.discover
    settings = replace(
        given,
        include=(*given.include, *extra.include),
        exclude=(*given.exclude, *extra.exclude),
        build_args={**given.build_args, **extra.build_args},
        platforms=extra.platforms or given.platforms,
    )
    return replace(config, settings=replace(config.settings, discover=settings))


def explain_image(run: Run, image: str) -> Explanation:
    """Judge one image by its name, and tell which entries of the policy were tried."""
    return run.config.policy.explain(image, now=run.now, catalogue=run.catalogue)


def rule_ids() -> list[str]:
    """Return the ids of all rules, sorted."""
    return sorted(RULES_BY_ID)


def rule_texts(policy: Policy) -> dict[str, RuleText]:
    """Return what every rule says about itself, with its severity under a policy."""
    return {
        rule.id: RuleText(
            id=rule.id,
            summary=rule.summary,
            severity=policy.rules[rule.id].severity,
            page=f"docs/rules/{rule.id}.md",
            text=_page(rule.id),
        )
        for rule in RULES_BY_ID.values()
    }


def _page(rule: str) -> str:
    """Return the documentation of a rule: from the package, or from the source tree around it."""
    package = Path(__file__).parent
    for directory in (package / "rules" / "pages", package.parents[1] / "docs" / "rules"):
        path = directory / f"{rule}.md"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return ""


def _settings(run: Run) -> DiscoverSettings:
    """Return the settings of discovery; files that the user named are read whatever their name."""
    settings = run.config.settings.discover
    named = tuple(_literal(path) for path in run.files if kind_of(path) is None)
    return replace(settings, dockerfiles=(*settings.dockerfiles, *named))


def _literal(path: str) -> str:
    """Write a path as a pattern that matches it alone."""
    return "/" + re.sub(r"([\\*?\[\]!#])", r"\\\1", path)


def _selected(found: Survey, run: Run) -> Survey:
    """Keep what lies within the selection; a named file that was not read is told of."""
    if not run.only:
        return found
    read = {file.path for file in found.files} | {item.path for item in found.skipped}
    missing = tuple(
        Skipped(path, None, "was not read", "git ignores it, or `exclude` covers it")
        for path in run.files
        if path not in read
    )
    return replace(
        found,
        files=tuple(file for file in found.files if _is_in(file.path, run)),
        uses=tuple(use for use in found.uses if _is_in(use.path, run)),
        skipped=(*(item for item in found.skipped if _is_in(item.path, run)), *missing),
    )


def _is_in(path: str, run: Run) -> bool:
    """Tell whether a file is within the selection of the run."""
    if not run.only:
        return True
    outer = path.partition("#")[0]
    return any(
        name in run.only
        for whole in (path, outer)
        for name in (whole, *(parent.as_posix() for parent in PurePosixPath(whole).parents))
    )


def _policy(run: Run) -> Policy:
    """Return the policy, rules that were not asked for switched off."""
    policy = run.config.policy
    if not run.rules:
        return policy
    rules = {
        name: setting if name in run.rules else replace(setting, severity=None)
        for name, setting in policy.rules.items()
    }
    return replace(policy, rules=rules)


def _waivers(tree: Tree, found: Survey, run: Run) -> Waivers:
    """Read the waivers that count: those of the waiver file, then those of comments."""
    settings = run.config.policy.waivers
    if run.has_operator and not settings.repository:
        return Waivers()
    accepted = Waivers()
    if settings.file is not None and tree.exists(settings.file):
        data = tree.read(settings.file)
        if isinstance(data, Skipped):
            raise ConfigError((Problem(data.path, None, "", data.reason, data.hint),))
        accepted = load_waivers(data, settings.file, _limits(run))
    return accepted + _inline(found, run)


def _inline(found: Survey, run: Run) -> Waivers:
    """Read the waivers of comments; where the policy forbids them, each is an invalid waiver.

    Under an operator's policy that does not count a repository's waivers they are not read.
    """
    if run.has_operator and not run.config.policy.waivers.repository:
        return Waivers()
    blocks = (block for file in found.files for block in comment_blocks(file))
    return read_inline(blocks, _limits(run))


def _limits(run: Run) -> WaiverLimits:
    """Return what a waiver may say in this run."""
    policy = run.config.policy
    return WaiverLimits(policy.waivers, tuple(policy.rules), run.now.date())


def _of_file(waivers: Waivers) -> tuple[Waiver, ...]:
    """Return the waivers that are no comments."""
    return tuple(waiver for waiver in waivers.accepted if not waiver.inline)
