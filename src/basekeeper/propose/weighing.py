"""What a candidate changes inside, and which running deadlines it ends for sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.compare import compare_scans
from basekeeper.recording import words
from basekeeper.tags.lineage import lineage
from basekeeper.values.image import Pointer, Unknown
from basekeeper.values.proposal import Compared, Proof, Weighed, ordered_proofs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from basekeeper.compare import Comparison, Finding
    from basekeeper.deadlines.identity import FindingKey
    from basekeeper.deadlines.model import Deadline
    from basekeeper.values.change import Change
    from basekeeper.values.proposal import Candidate, Look
    from basekeeper.values.reference import Reference
    from basekeeper.values.vulnerability import Scan


def weigh(candidate: Candidate, deadlines: Iterable[Deadline]) -> Weighed:
    """Compare a candidate with what is in use, and find the deadlines that it ends.

    Args:
        candidate: What could be proposed.
        deadlines: All of the repository.
    """
    change = candidate.change
    expected = candidate.before or digest_in_use(change), change.choice.digest or change.to.digest
    compared = tuple(
        Compared(look.platform, compared_look(look, expected)) for look in candidate.looks
    )
    running = [one for one in deadlines if is_running(one)]
    proofs = (
        proof
        for look, one in zip(candidate.looks, compared, strict=True)
        for proof in proofs_of(change.standing.reference, look, one, running)
    )
    return Weighed(candidate=candidate, compared=compared, proofs=ordered_proofs(proofs))


def digest_in_use(change: Change) -> str | None:
    """Return the pinned digest, else what the tag points to; None: not known."""
    standing = change.standing
    pointer = standing.resolution.pointer
    pointed = pointer.digest if isinstance(pointer, Pointer) else None
    return standing.reference.digest or pointed


def is_running(deadline: Deadline) -> bool:
    """Tell whether time runs: a due time is set, and nothing ended or pauses it."""
    return (
        deadline.is_latest
        and not deadline.is_closed
        and deadline.due is not None
        and deadline.pause is None
    )


def compared_look(look: Look, expected: tuple[str | None, str | None]) -> Comparison | Unknown:
    """Compare two scans, if they are of what is in use and of what is proposed.

    Args:
        look: The scans.
        expected: Digest in use, and the digest that is proposed.
    """
    before, after = look.before, look.after
    if isinstance(before, Unknown):
        return Unknown(f"before: {before.reason}", before.hint)
    if isinstance(after, Unknown):
        return Unknown(f"after: {after.reason}", after.hint)
    for when, seen, wanted in zip(("before", "after"), look.digests, expected, strict=True):
        if seen is None or wanted is None:
            return Unknown(f"{when}: which digest was scanned, or is meant, is not known")
        if seen != wanted:
            return Unknown(f"{when}: another digest was scanned than the one that is meant")
    return compare_scans(before, after, configs=look.configs)


def proofs_of(
    reference: Reference, look: Look, compared: Compared, running: Sequence[Deadline]
) -> Iterator[Proof]:
    """Yield the deadlines whose finding is in one whole scan and not in the other."""
    answer, after, digest = compared.answer, look.after, look.digests[1]
    if isinstance(answer, Unknown) or isinstance(after, Unknown) or digest is None:
        return
    if not answer.complete or after.database is None or _is_silent(after):
        return
    fixed = dict(_keyed(reference, look.platform, answer.fixed, after))
    for deadline in running:
        finding = fixed.get(deadline.finding)
        if finding is not None:
            scanner = f"{after.scanner.name} {after.scanner.version}"
            yield Proof(deadline, finding, digest, scanner, after.database.updated)


def _is_silent(scan: Scan) -> bool:
    """Tell whether nobody writes advisories any more for what is inside."""
    return scan.system is not None and scan.system.end_of_life


def _keyed(
    reference: Reference, platform: str, fixed: Iterable[Finding], after: Scan
) -> Iterator[tuple[FindingKey, Finding]]:
    """Yield findings by what the ledger calls them; one that is only suppressed is not fixed."""
    hushed = {(name, one.package.identity) for one in after.suppressed for name in one.names}
    line = lineage(reference.name, reference.tag)
    for finding in fixed:
        names = {finding.vulnerability}.union(*(match.names for match in finding.matches))
        if any((name, finding.package) in hushed for name in names):
            continue
        for name in sorted(names):
            scope = words.scope(
                lineage=line, vulnerability=name, package=finding.package, platform=platform
            )
            if scope.finding is not None:
                yield scope.finding, finding
