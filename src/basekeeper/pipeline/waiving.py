"""The waiver file of a tree: read, edited, shown, and mirrored into the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from basekeeper.errors import InputError
from basekeeper.pipeline.excusing import comments_of, limits_of, waiver_bytes
from basekeeper.pipeline.run import survey
from basekeeper.records import dataclass
from basekeeper.values.change import FileEdit
from basekeeper.waivers import WaiverLimits, Waivers, load_waivers
from basekeeper.waivers.writing import Ending, check_new, edited

if TYPE_CHECKING:
    from datetime import date

    from basekeeper.pipeline.run import Run
    from basekeeper.ports import Ledger
    from basekeeper.trees.tree import Tree
    from basekeeper.trees.working import WorkingTree
    from basekeeper.values.waiver import Waiver
    from basekeeper.waivers.writing import WaiverEdit


@dataclass(frozen=True, slots=True)
class WaiverBook:
    """The waiver file of a tree as it is read to be edited."""

    path: str
    data: bytes | None
    """None: there is no such file."""
    waivers: Waivers
    limits: WaiverLimits

    def named(self, name: str) -> Waiver:
        """Return the waiver of that name that is not over.

        Raises:
            InputError: There is none, or more than one.
        """
        found = [waiver for waiver in self.waivers.accepted if waiver.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                f"{self.path} has {len(found)} waivers {name!r}",
                hint="give one of them an id of its own: id = ...",
            )
        if any(waiver.name == name for waiver in self.waivers.ended):
            raise InputError(
                f"waiver {name!r} of {self.path} has ended", hint="grant a new one instead"
            )
        raise InputError(
            f"{self.path} has no waiver {name!r}", hint="`basekeeper waive --list` shows their ids"
        )


def open_book(tree: Tree, run: Run) -> WaiverBook:
    """Read the waiver file that the policy names.

    Raises:
        ConfigError: It is wrong.
        InputError: It cannot be read, the policy names none, or an operator's counts none.
    """
    settings = run.config.policy.waivers
    path = settings.file
    if run.has_operator and not settings.repository:
        raise InputError(
            "the operator's policy does not count the waivers of repositories",
            hint="ask the operator for repository = true below [policy.waivers]",
        )
    if path is None:
        raise InputError(
            "the policy names no waiver file", hint="write file = below [policy.waivers]"
        )
    limits = limits_of(run)
    data = waiver_bytes(tree, path)
    waivers = Waivers() if data is None else load_waivers(data, path, limits)
    return WaiverBook(path, data, waivers, limits)


def granted(book: WaiverBook, waiver: Waiver) -> tuple[Waiver, WaiverEdit]:
    """Plan to add a waiver; its id is made here.

    Raises:
        ConfigError: The waiver breaks the policy or says too little; holds every problem.
        InputError: The file cannot be edited, or holds that waiver already.
    """
    added = _checked(book, waiver)
    return added, edited(book.data, book.path, book.limits, added=added)


def renewed(book: WaiverBook, old: Waiver, waiver: Waiver) -> tuple[Waiver, WaiverEdit]:
    """Plan to put a waiver in the place of another, which ends.

    Raises:
        ConfigError: The waiver breaks the policy or says too little; holds every problem.
        InputError: The file cannot be edited.
    """
    added = _checked(book, replace(waiver, renews=old.name))
    ending = Ending(old, book.limits.today, f"renewed as {added.id}")
    return added, edited(book.data, book.path, book.limits, added=added, ending=ending)


def revoked(book: WaiverBook, old: Waiver, because: str) -> WaiverEdit:
    """Plan to end a waiver today; it stays in the file as history.

    Raises:
        InputError: The file cannot be edited.
    """
    ending = Ending(old, book.limits.today, because)
    return edited(book.data, book.path, book.limits, ending=ending)


def write_edit(tree: WorkingTree, edit: WaiverEdit) -> None:
    """Write the waiver file, whole or not at all.

    Raises:
        InputError: It cannot be written, or changed since it was read.
    """
    from basekeeper.trees.write import create_file, sweep, write_files  # noqa: PLC0415  # to write

    sweep(tree, [edit.path])
    if edit.before is None:
        create_file(tree, edit.path, edit.after)
    else:
        write_files(tree, [FileEdit(edit.path, edit.before, edit.after, ())])


def inline_waivers(tree: Tree, run: Run) -> tuple[Waiver, ...]:
    """Return the waivers in comments of a tree."""
    return comments_of(survey(tree, run), run).accepted


def covers_findings(tree: Tree, run: Run, waiver: Waiver) -> bool | None:
    """Tell whether a waiver of rules covers anything that a check without network finds now.

    Returns:
        None where a rule of it rests on the ledger, which is not read.
    """
    from basekeeper.pipeline.judging import judge  # noqa: PLC0415  # only to grant
    from basekeeper.rules.registry import STORED_RULES  # noqa: PLC0415
    from basekeeper.waivers import WaiverIndex  # noqa: PLC0415

    if STORED_RULES.intersection(waiver.rules):
        return None
    report = judge(tree, run)
    index = WaiverIndex([waiver])
    found = (*report.findings, *report.known, *(one.finding for one in report.waived))
    return any(index.covering(finding) for finding in found)


def covers_recorded(ledger: Ledger, waiver: Waiver) -> bool:
    """Tell whether a waiver of vulnerabilities covers anything that scans recorded.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    from basekeeper.deadlines.reading import read_moments  # noqa: PLC0415  # only to grant
    from basekeeper.recording.stored import StoredFacts  # noqa: PLC0415
    from basekeeper.values.event import EventKind  # noqa: PLC0415
    from basekeeper.waivers.reach import covered, scopes_of  # noqa: PLC0415

    events = tuple(ledger.events(kinds=(EventKind.DETECTED,)))
    names = StoredFacts(events).aliases
    moments, _ = read_moments(events, names)
    known = {key for moment in moments if (key := moment.scope.finding) is not None}
    return any(True for scope in scopes_of(waiver, known) for _ in covered(scope, known, names))


def _checked(book: WaiverBook, waiver: Waiver) -> Waiver:
    """Give a waiver its id, and read it as the file would have it."""
    today: date = book.limits.today
    # What cannot be read gets no id: its problems come first.
    read = check_new(replace(waiver, granted=today), book.limits)
    identifier = f"{today:%Y%m%d}-{read.digest[:8]}"
    if any(one.id == identifier for one in (*book.waivers.accepted, *book.waivers.ended)):
        raise InputError(
            f"{book.path} holds this very waiver as {identifier!r}",
            hint="change its reason, scope or last day, or leave it as it is",
        )
    return replace(read, id=identifier)
