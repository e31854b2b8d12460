"""Where two scanners disagree about one image, for people at a terminal.

trivy 0.69.3 and grype 0.121.3: 7 agreed, 1 seen differently, 1 by trivy alone
high      CVE-2026-90002 libc6
only trivy: fixed in 2.31-13+deb11u13; grype did not list the package
low       CVE-2026-90003 bash
severity: low by trivy (debian), critical by grype (nvd)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.quorum import Agreement, Aspect
from basekeeper.render.layout import pad, wrap
from basekeeper.render.safe import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.quorum import Opinion, Quorum, SharedFinding
    from basekeeper.render.layout import Style

MAX_DISPUTED: Final = 20
"""Most findings that are named; `verbose` names all."""
_INDENT: Final = 4
_LABEL: Final = 10


def quorum_lines(found: Quorum, style: Style, *, verbose: bool = False) -> Iterator[str]:
    """Yield how far two scanners agree, and each finding that they do not agree on.

    Args:
        found: What both said.
        style: Columns, colours and signs of the output.
        verbose: Name every finding that is disputed.
    """
    yield from wrap(visible(quorum_words(found)), style.width)
    disputed = found.disputed
    shown = disputed if verbose else disputed[:MAX_DISPUTED]
    for finding in shown:
        head = f"{finding.vulnerability} {finding.name}"
        yield from _labelled(finding.severity.word, head, style)
        for line in disputed_words(finding, found):
            yield from _labelled("", line, style)
    if len(shown) < len(disputed):
        yield from _labelled("", f"and {len(disputed) - len(shown)} more (--verbose)", style)
    for problem in found.problems:
        yield from _labelled("unknown", problem.reason, style)


def quorum_words(found: Quorum) -> str:
    """Say in one line how far two scanners agree."""
    first, second = found.first.scanner, found.second.scanner
    words = {
        Agreement.AGREED: "agreed",
        Agreement.DIFFERING: "seen differently",
        Agreement.FIRST_ONLY: f"by {first.name} alone",
        Agreement.SECOND_ONLY: f"by {second.name} alone",
    }
    counts = [(found.count(one), text) for one, text in words.items()]
    told = ", ".join(f"{count} {text}" for count, text in counts if count) or "nothing found"
    return f"{first.name} {first.version} and {second.name} {second.version}: {told}"


def disputed_words(finding: SharedFinding, found: Quorum) -> Iterator[str]:
    """Yield what is disputed of a finding, then why it may be."""
    first, second = found.first.scanner.name, found.second.scanner.name
    ours, theirs = finding.first, finding.second
    why = "; ".join(finding.reasons)
    if ours is None or theirs is None:
        alone = (first, ours) if ours is not None else (second, theirs)
        said = "" if alone[1] is None else _fix(alone[1])
        yield f"only {alone[0]}: {said}" + (f"; {why}" if why else "")
        return
    for aspect in finding.differing:
        yield f"{aspect.value}: {_by(aspect, ours, first)}, {_by(aspect, theirs, second)}"
    if why:
        yield why


def _by(aspect: Aspect, opinion: Opinion, name: str) -> str:
    if aspect is Aspect.SEVERITY:
        return f"{opinion.severity.word} by {name} ({opinion.severity_source or 'nobody'})"
    if aspect is Aspect.FIX:
        return f"{_fix(opinion)} by {name}"
    return f"{', '.join(opinion.versions)} by {name}"


def _fix(opinion: Opinion) -> str:
    if opinion.fixed_versions:
        return f"fixed in {', '.join(opinion.fixed_versions)}"
    return opinion.status.value.replace("_", " ")


def _labelled(label: str, text: str, style: Style) -> Iterator[str]:
    """Write a text beside its label, over as many lines as it needs."""
    for number, line in enumerate(wrap(visible(text), style.width - _INDENT - _LABEL)):
        yield " " * _INDENT + pad(label if number == 0 else "", _LABEL) + line
