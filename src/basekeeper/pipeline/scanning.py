"""From a tree, or from what a user names, to what the scanner says of each image."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from basekeeper.errors import InputError
from basekeeper.pipeline.looking import Brought, Distant, Look, Looked, Near, Scanning
from basekeeper.pipeline.run import Run, survey
from basekeeper.resolve import Want, questions, resolve
from basekeeper.scanners.named import InLayout, Saved
from basekeeper.values.finding import Truth
from basekeeper.values.image import Unknown
from basekeeper.values.platforms import find_platform
from basekeeper.values.resolution import Question
from basekeeper.values.scanning import ArchiveImage, LayoutImage
from basekeeper.values.scanrun import How, Part, ScannedImage, ScanRun, SecondScanner
from basekeeper.values.use import Kind, Role
from basekeeper.values.vulnerability import Sbom, Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from basekeeper.ports import Scanner
    from basekeeper.trees.tree import Tree
    from basekeeper.values.reference import Reference
    from basekeeper.values.resolution import Resolution, Resolutions, Trouble
    from basekeeper.values.use import Skipped, Survey, Use
    from basekeeper.values.vulnerability import Database, ScannerIdentity

AT_ONCE: Final = 2
"""Scanners that run at the same time: each keeps one processor busy and may take gigabytes."""

_ROLES: Final = (Role.FINAL, Role.BUILD, Role.FRONTEND, Role.UNUSED)
_STOOD_ON: Final = (Role.FINAL, Role.BUILD)
"""What a build stands on; frontends run as the builder, and unused images in no build at all."""

Named = InLayout | Saved | Sbom | Unknown
"""What a user can name that is in no registry."""


class _Asked(NamedTuple):
    """One image for one platform, before it is looked at."""

    name: str
    platform: str | None
    look: Look | Unknown
    """Unknown where it is clear already that there is no answer."""
    reference: Reference | None = None
    digest: str | None = None
    role: Role | None = None
    uses: tuple[Use, ...] = ()
    part: Part = Part.CURRENT


class Further(NamedTuple):
    """An image of a registry that no build stands on now, and is to be scanned all the same."""

    reference: Reference
    """With its tag, and the digest where that is known."""
    platforms: tuple[str, ...]
    part: Part


class Scanned(NamedTuple):
    """What a run of scans told, and what registries told for it."""

    run: ScanRun
    told: Resolutions


class _Basis(NamedTuple):
    """What all answers of a run rest on."""

    scanner: ScannerIdentity
    database: Database | Unknown
    notices: tuple[str, ...]
    second: SecondScanner | None = None


def scan_tree(
    tree: Tree,
    run: Run,
    work: Scanning,
    *,
    images: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> ScanRun:
    """Scan every distinct image that the builds of a tree stand on, for the platforms built.

    Args:
        tree: Where to look.
        run: What all steps share.
        work: What it works with.
        images: Patterns of images (as in the policy) to scan, whatever they are to a build; empty:
            all that builds stand on.
        progress: Called now and then with the number of files read so far.

    Raises:
        InputError: The scanner cannot be used.
    """
    return scan_survey(survey(tree, run, progress=progress), run, work, images=images).run


def scan_survey(
    found: Survey,
    run: Run,
    work: Scanning,
    *,
    images: Sequence[str] = (),
    further: Sequence[Further] = (),
) -> Scanned:
    """Do the same for what was found in a tree already, and scan further images beside it.

    Args:
        found: What discovery found.
        run: What all steps share.
        work: What it works with.
        images: As of `scan_tree`.
        further: What else is scanned.

    Raises:
        InputError: The scanner cannot be used.
    """
    basis = _begin(work, run)
    uses, unmatched = _wanted(found, images)
    asked = questions(
        replace(found, uses=uses),
        lambda reference: Want(pointer=reference.digest is None, inside=True),
        platforms=run.config.settings.discover.platforms,
    )
    more = [(one, _further_question(one)) for one in further]
    told = resolve(
        _merged((*asked, *(question for _, question in more))), work.registry, asking=work.asking
    )
    todo = [one for question in asked for one in _of_question(question, told, uses, run, work)]
    todo += _without_name(uses)
    todo.sort(key=lambda one: (_ROLES.index(one.role or Role.UNUSED), one.name, str(one.platform)))
    for one, question in more:
        looks = _of_question(question, told, (), run, work)
        todo += [look._replace(name=one.reference.familiar, part=one.part) for look in looks]
    finished = _finish(
        run, work, basis, todo,
        skipped=found.skipped, troubles=told.troubles, unmatched=unmatched,
    )  # fmt: skip
    return Scanned(finished, told)


def _merged(asked: Sequence[Question]) -> tuple[Question, ...]:
    """Ask about each image once, for all platforms."""
    found: dict[str, Question] = {}
    for one in asked:
        known = found.setdefault(str(one.reference), one)
        platforms = tuple(dict.fromkeys((*known.platforms, *one.platforms)))
        found[str(one.reference)] = replace(known, platforms=platforms)
    return tuple(found.values())


def _further_question(one: Further) -> Question:
    """Ask what an image points to, and what is inside."""
    pointer = one.reference.digest is None
    return Question(reference=one.reference, platforms=one.platforms, pointer=pointer, inside=True)


def scan_named(
    named: Sequence[tuple[str, Reference | Named]],
    run: Run,
    work: Scanning,
    *,
    any_platform: bool = True,
) -> ScanRun:
    """Scan what a user names, in that order.

    Args:
        named: Words of the user, and what they mean.
        run: What all steps share; its platforms are those that are scanned.
        work: What it works with.
        any_platform: Whether an archive may be for whatever platform it says.

    Raises:
        InputError: The scanner cannot be used.
    """
    basis = _begin(work, run)
    platforms = run.config.settings.discover.platforms
    asked = {
        text: Question(reference=one, platforms=platforms, pointer=one.digest is None, inside=True)
        for text, one in named
        if not isinstance(one, Named)
    }
    told = resolve(tuple(asked.values()), work.registry, asking=work.asking)
    todo: list[_Asked] = []
    for text, one in named:
        if isinstance(one, Named):
            todo += _of_file(text, one, run, work, (None,) if any_platform else platforms)
        else:
            todo += _of_question(asked[text], told, (), run, work)
    return _finish(run, work, basis, todo, troubles=told.troubles)


def _begin(work: Scanning, run: Run) -> _Basis:
    """Tell who will look, and by which advisories; newer ones are fetched first where wanted."""
    first = _party(work.scanner, work, run)
    if work.second is None:
        return first
    further = _party(work.second, work, run)
    known = further.database
    second = SecondScanner(
        scanner=further.scanner,
        database=None if isinstance(known, Unknown) else known,
        problem=known if isinstance(known, Unknown) else None,
    )
    return first._replace(notices=first.notices + further.notices, second=second)


def _party(scanner: Scanner, work: Scanning, run: Run) -> _Basis:
    """Tell which program one scanner is, and what it knows."""
    identity = scanner.identity()
    if isinstance(identity, Unknown):
        raise InputError(identity.reason, hint=identity.hint)
    notices: tuple[str, ...] = ()
    if work.update:
        fresh = scanner.update_database(now=run.now)
        if isinstance(fresh, Unknown):
            notices = (f"the database of {identity.name} was not updated: {fresh.reason}",)
    return _Basis(identity, scanner.database(now=run.now), notices)


def _wanted(found: Survey, images: Sequence[str]) -> tuple[tuple[Use, ...], tuple[str, ...]]:
    """Choose the uses whose images are scanned, and tell which patterns named none."""
    named = [use for use in found.uses if use.kind is not Kind.SCRATCH]
    if not images:
        return tuple(use for use in named if use.role in _STOOD_ON), ()
    from basekeeper.policy.patterns import parse_pattern  # noqa: PLC0415  # only with `--image`

    by_pattern = {
        text: [
            use
            for use in named
            if use.reference is not None and pattern.matches(use.reference) is Truth.YES
        ]
        for text, pattern in ((text, parse_pattern(text)) for text in images)
    }
    kept = {id(use) for uses in by_pattern.values() for use in uses}
    unmatched = tuple(text for text, uses in by_pattern.items() if not uses)
    return tuple(use for use in named if id(use) in kept), unmatched


def _of_question(
    question: Question, told: Resolutions, uses: Sequence[Use], run: Run, work: Scanning
) -> Iterator[_Asked]:
    """Yield an image of a registry for each of its platforms."""
    reference = question.reference
    own = tuple(use for use in uses if use.reference == reference)
    role = min((use.role for use in own), key=_ROLES.index, default=None)
    name = own[0].text if own else reference.familiar
    resolution = told.by_image[str(reference)]
    for platform in question.platforms:
        found = _inside(resolution, platform)
        digest = None if resolution.current is None else resolution.current.digest
        look: Look | Unknown
        if isinstance(found, Unknown) or digest is None:
            look = found if isinstance(found, Unknown) else Unknown("its digest is not known")
        else:
            look = Distant(reference.with_digest(digest), *found, run, work)
        yield _Asked(name, platform, look, reference, digest, role, own)


def _inside(resolution: Resolution, platform: str) -> tuple[str, str] | Unknown:
    """Tell what a builder takes for a platform, and the digest of its configuration.

    The latter is the id of the image that the scanner must find.
    """
    if isinstance(resolution.pointer, Unknown):
        return resolution.pointer
    inside = resolution.current
    if inside is None:
        return Unknown("what is inside it was not told")
    if isinstance(inside.image, Unknown):
        return inside.image
    present = find_platform(platform, inside.configs)
    if present is None:
        hint = "name the platforms that are built with --platform, or in the settings"
        return Unknown(f"there is no image for {platform}", hint)
    config = inside.configs[present]
    if isinstance(config, Unknown):
        return config
    # Of Windows the version stands behind; programs want to be asked without it.
    return present.partition(":")[0], config.digest


def _of_file(
    text: str, named: Named, run: Run, work: Scanning, platforms: Sequence[str | None]
) -> Iterator[_Asked]:
    """Yield what lies on this machine, for each platform that it can be chosen by."""
    if isinstance(named, Unknown):
        yield _Asked(text, None, named)
    elif isinstance(named, Sbom):
        subject = named.subject
        yield _Asked(text, subject.platform, Brought(named, run, work), digest=subject.digest)
    elif isinstance(named, Saved):
        for platform in platforms:
            source = ArchiveImage(path=named.path, platform=platform)
            yield _Asked(text, platform, Near(source, run, work))
    else:
        for built in run.config.settings.discover.platforms:
            image = LayoutImage(path=named.path, digest=named.digest, platform=built)
            yield _Asked(text, built, Near(image, run, work), digest=named.digest)


def _without_name(uses: Sequence[Use]) -> Iterator[_Asked]:
    """Yield what builds stand on and no file tells the name of: it cannot be scanned."""
    groups: dict[str, list[Use]] = {}
    for use in uses:
        if use.kind is not Kind.CONCRETE:
            groups.setdefault(use.text, []).append(use)
    for text, own in groups.items():
        role = min((use.role for use in own), key=_ROLES.index)
        reason = own[0].problem or "it is no name of an image"
        yield _Asked(text, None, Unknown(reason), role=role, uses=tuple(own))


def _finish(  # noqa: PLR0913  # what runs over trees and over names have each of their own
    run: Run,
    work: Scanning,
    basis: _Basis,
    todo: Sequence[_Asked],
    *,
    skipped: tuple[Skipped, ...] = (),
    troubles: tuple[Trouble, ...] = (),
    unmatched: tuple[str, ...] = (),
) -> ScanRun:
    """Look at everything, and put the answers together."""
    answers = _answers(todo, work, basis)
    answered = tuple(_answered(one, answers) for one in todo)
    scans = [one.answer for one in answered if isinstance(one.answer, Scan)]
    known = None if isinstance(basis.database, Unknown) else basis.database
    own = dict.fromkeys(notice for scan in scans for notice in scan.notices)
    return ScanRun(
        now=run.now,
        scanner=basis.scanner,
        database=known or next((scan.database for scan in scans), None),
        database_problem=basis.database if isinstance(basis.database, Unknown) else None,
        severity_order=work.severity_order,
        images=tuple(one for one in answered if one.part is Part.CURRENT),
        further=tuple(one for one in answered if one.part is not Part.CURRENT),
        skipped=skipped,
        troubles=troubles,
        unmatched=unmatched,
        notices=(*run.config.notices, *basis.notices, *own, *work.registry.notices()),
        second=basis.second,
    )


def _answers(todo: Sequence[_Asked], work: Scanning, basis: _Basis) -> Mapping[object, Looked]:
    """Look at each distinct image once, a few at a time; ends all of them where one is broken off.

    Where the first one fails for the database itself, no further image is fetched for nothing.
    """
    looks = dict.fromkeys(_key(one) for one in todo if not isinstance(one.look, Unknown))
    first = {_key(one): one.look for one in reversed(todo) if not isinstance(one.look, Unknown)}
    told: dict[object, Looked] = {}

    def look(key: object) -> Looked:
        blocked = basis.database
        if isinstance(blocked, Unknown) and any(one.answer == blocked for one in [*told.values()]):
            return Looked(How.UNKNOWN, blocked)
        return first[key]()

    if work.scanning is not None:
        work.scanning(0, len(looks))
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="scanner")
    try:
        futures = {pool.submit(look, key): key for key in looks}
        for future in as_completed(futures):
            told[futures[future]] = future.result()
            if work.scanning is not None:
                work.scanning(len(told), len(looks))
    except BaseException:
        work.ended.set()
        work.registry.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return told


def _key(one: _Asked) -> object:
    """Tell what is the same to a scanner: a digest for a platform, whatever its tag."""
    if isinstance(one.look, Distant):
        return one.look.reference.name, one.digest, one.platform
    return one.name, one.platform


def _answered(one: _Asked, answers: Mapping[object, Looked]) -> ScannedImage:
    """Put an answer to its question."""
    if isinstance(one.look, Unknown):
        how, answer, second = Looked(How.UNKNOWN, one.look)
    else:
        how, answer, second = answers[_key(one)]
    own = answer.subject.digest if isinstance(answer, Scan) else None
    return ScannedImage(
        name=one.name,
        platform=one.platform,
        how=how,
        answer=answer,
        reference=one.reference,
        digest=one.digest or own,
        role=one.role,
        uses=one.uses,
        part=one.part,
        second=second,
    )
