"""The final chain of a build: its stages, what they run and copy, which tools stay in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.rules.shell.packages import kept_packages
from basekeeper.rules.shell.tools import tool_confidence
from basekeeper.rules.steps import Variables, copied, script_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from basekeeper.rules.steps import Copy, Step

MAX_NAMED: Final = 5
"""Most packages that a message names."""

MAX_TOLD: Final = 20
"""Most RUN instructions that the evidence of one finding tells of; real chains have fewer."""

CONFIDENCE: Final = ("low", "medium", "high")
"""How sure a finding may be, the least first."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Build tools that one RUN leaves behind."""

    step: Step
    tools: tuple[str, ...]
    confidence: str

    @property
    def named(self) -> str:
        """The tools, the first of many."""
        return named(self.tools)


def named(tools: Iterable[str]) -> str:
    """Name the first few packages and count the rest."""
    names = [tool.replace("\0", "…") for tool in tools]
    rest = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def told(leaks: Sequence[Leak]) -> tuple[str, ...]:
    """Tell what the first few leaks install, as evidence."""
    return tuple(f"line {leak.step.line} installs {leak.named}" for leak in leaks[:MAX_TOLD])


def leaks(steps: Iterable[Step], given: Mapping[str, str]) -> tuple[Leak, ...]:
    """Return the build tools that the RUN instructions of a chain install and keep.

    Args:
        steps: Instructions in the order in which they run.
        given: Build arguments and global defaults.
    """
    found = []
    variables = Variables(given)
    for step in steps:
        variables.follow(step)
        leak = _leak(step, variables.values) if step.keyword == "RUN" else None
        if leak is not None:
            found.append(leak)
    return tuple(found)


def _leak(step: Step, variables: Mapping[str, str]) -> Leak | None:
    kept = kept_packages(script_of(step), variables)
    sure = {name: tool_confidence(name) for name in kept.packages}
    tools = tuple(name for name, confidence in sure.items() if confidence is not None)
    if not tools:
        return None
    best = max((sure[name] or "low" for name in tools), key=CONFIDENCE.index)
    return Leak(step, tools, "low" if kept.doubtful else best)


def copies(steps: Iterable[Step], given: Mapping[str, str]) -> tuple[tuple[Step, Copy], ...]:
    """Return the `COPY --from` instructions of a chain."""
    found = []
    variables = Variables(given)
    for step in steps:
        variables.follow(step)
        copy = copied(step, variables.values)
        if copy is not None:
            found.append((step, copy))
    return tuple(found)


def sources(steps: Iterable[Step]) -> frozenset[str]:
    """Return all names, in lower case, that steps copy or mount from."""
    found = set()
    for step in steps:
        if step.keyword not in ("COPY", "RUN"):
            continue
        for name, value in step.flags:
            if name == "from":
                found.add(value.lower())
            elif name == "mount":
                options = dict(part.partition("=")[::2] for part in value.split(","))
                found.add(options.get("from", "").lower())
    return frozenset(found - {""})
