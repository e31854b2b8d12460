"""From a tree to a report: discover, ask the ledger and the registries, check.

Compared with another revision, that one goes through the same steps first; then its policy, its
waiver file and the inline waivers that it has too are the ones that count, so that a proposal can
neither loosen the policy that judges it nor waive its own findings.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from basekeeper.check import Exemptions, Network, check
from basekeeper.config.sources import CONFIG_PATHS
from basekeeper.errors import ConfigError, Problem
from basekeeper.pipeline.excusing import comments_of, limits_of
from basekeeper.pipeline.run import Run, content, survey
from basekeeper.records import dataclass
from basekeeper.rules.patching import use_place
from basekeeper.rules.registry import STORED_RULES
from basekeeper.values.use import Skipped
from basekeeper.waivers import Waivers, load_waivers, restrict_inline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from basekeeper.baseline import Baseline
    from basekeeper.policy.policy import Policy
    from basekeeper.ports import Ledger, Registry
    from basekeeper.rules.patching import StoredUses
    from basekeeper.trees.tree import Tree
    from basekeeper.values.finding import Finding, Report
    from basekeeper.values.reference import Reference
    from basekeeper.values.use import Survey
    from basekeeper.values.waiver import Waiver


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
class LedgerAccess:
    """How a check may read what is known of vulnerabilities."""

    open: Callable[[], AbstractContextManager[Ledger | None]]
    """Opens the ledger; called only where a rule asks for it."""
    repository: str | None
    """Name of the repository, whose deadlines count; None: it has none."""
    max_age: timedelta
    """How old advisories may be."""


def judge(  # noqa: PLR0913  # two that cannot be left out, six that mostly are
    tree: Tree,
    run: Run,
    *,
    baseline: Baseline | None = None,
    since: Comparison | None = None,
    network: NetworkAccess | None = None,
    ledger: LedgerAccess | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Find and judge every use of an image in a tree.

    Args:
        tree: What is judged.
        run: What all steps share.
        baseline: Old findings that do not gate.
        since: What to compare with.
        network: How to ask the registries what may change the judgement; None: they are not asked.
        ledger: How to read what is known of vulnerabilities; None: nobody asks.
        progress: Called now and then with the number of files of `tree` read so far.

    Raises:
        ConfigError: The waiver file is wrong.
        InputError: The waiver file cannot be read.
        LedgerError: The ledger cannot be reached.
    """
    found = survey(tree, run, progress=progress)
    if since is None:
        told = _told((found,), run, tree, (network, ledger))
        exempt = Exemptions(
            waivers=_waivers(tree, found, run), baseline=baseline, partial=bool(run.only)
        )
        return _report(found, run, exempt, told)
    at_base = survey(since.base, run)
    found_before = at_base if since.before is since.base else survey(since.before, run)
    told = _told((found, found_before), run, since.base, (network, ledger))
    accepted = _waivers(since.base, at_base, run)
    old = _report(found_before, run, Exemptions(waivers=accepted), told)
    written = comments_of(found, run)
    inline = restrict_inline(written, accepted)
    notices = (
        *_ignored_edits(tree, since.base, run),
        *_dropped_waivers(len(written.accepted) - len(inline.accepted)),
    )
    waivers = replace(accepted, accepted=_of_file(accepted)) + inline
    exempt = Exemptions(
        waivers=waivers,
        baseline=baseline,
        since=tuple(_still_there(old.findings, found)),
        partial=bool(run.only),
    )
    return _report(found, run, exempt, told, *notices)


class _Told(NamedTuple):
    """What registries and ledger told."""

    network: Network | None
    stored: StoredUses | None


def _told(
    surveys: tuple[Survey, ...],
    run: Run,
    waiving: Tree,
    access: tuple[NetworkAccess | None, LedgerAccess | None],
) -> _Told:
    """Ask; the ledger first, as without it the run ends."""
    network, ledger = access
    stored = _stored(surveys, run, waiving, ledger)
    return _Told(None if network is None else _asked(surveys, run, network), stored)


def _still_there(findings: Iterable[Finding], found: Survey) -> Iterator[Finding]:
    """Leave out what was known of the vulnerabilities of an image that is not there any more.

    Another tag of the same repository makes the same fingerprint, but what it brings is new.
    """
    here = {use_place(use) for use in found.uses}
    for finding in findings:
        place = (finding.path, finding.stage, finding.image or "")
        if finding.rule not in STORED_RULES or place in here:
            yield finding


def _report(found: Survey, run: Run, exempt: Exemptions, told: _Told, *notices: str) -> Report:
    """Check a survey, and say what is to be said of the run itself."""
    report = check(
        found,
        _policy(run),
        now=run.now,
        exemptions=exempt,
        catalogue=run.catalogue,
        network=told.network,
        stored=told.stored,
    )
    return replace(report, notices=(*run.config.notices, *notices, *report.notices))


def _stored(
    surveys: tuple[Survey, ...], run: Run, waiving: Tree, ledger: LedgerAccess | None
) -> StoredUses | None:
    """Read what the ledger holds of what is built on; of two surveys the second is the earlier."""
    rules = _policy(run).rules
    if ledger is None or all(rules[rule].severity is None for rule in STORED_RULES):
        return None
    from basekeeper.pipeline.stored import stored_uses  # noqa: PLC0415  # only with a ledger

    with ledger.open() as opened:
        if opened is None:
            return None
        name, age = ledger.repository, ledger.max_age
        return stored_uses(surveys, run, opened, waiving, repository=name, max_age=age)


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
        if path is not None and content(tree, path) != content(base, path):
            yield f"{path} differs from the revision compared with: the edit does not count yet"


def _dropped_waivers(count: int) -> tuple[str, ...]:
    """Tell that a change brings waivers of its own."""
    if not count:
        return ()
    if count == 1:
        return ("1 inline waiver is not in the revision compared with and does not count yet",)
    return (f"{count} inline waivers are not in the revision compared with, do not count yet",)


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
        accepted = load_waivers(data, settings.file, limits_of(run))
    return accepted + comments_of(found, run)


def _of_file(waivers: Waivers) -> tuple[Waiver, ...]:
    """Return the waivers that are no comments."""
    return tuple(waiver for waiver in waivers.accepted if not waiver.inline)
