"""Which waivers count in a run: those in comments, and those of the file, for the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.errors import InputError
from basekeeper.values.use import Skipped
from basekeeper.waivers import WaiverLimits, Waivers, read_inline
from basekeeper.waivers.inline import comment_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.deadlines.identity import Aliases, FindingKey
    from basekeeper.pipeline.run import Run
    from basekeeper.policy.windows import Urgency
    from basekeeper.trees.tree import Tree
    from basekeeper.values.event import Event
    from basekeeper.values.use import Survey
    from basekeeper.waivers.mirrored import Mirrored


def limits_of(run: Run) -> WaiverLimits:
    """Return what a waiver may say in this run."""
    policy = run.config.policy
    return WaiverLimits(policy.waivers, tuple(policy.rules), run.now.date())


def waiver_bytes(tree: Tree, path: str) -> bytes | None:
    """Return the content of a waiver file; None: there is none.

    Raises:
        InputError: It cannot be read.
    """
    data = tree.read(path) if tree.exists(path) else None
    if isinstance(data, Skipped):
        raise InputError(f"{data.path!r} {data.reason}", hint=data.hint)
    return data


def comments_of(found: Survey, run: Run) -> Waivers:
    """Read the waivers of comments; where the policy forbids them, each is an invalid waiver.

    Under an operator's policy that does not count a repository's waivers they are not read.
    """
    if run.has_operator and not run.config.policy.waivers.repository:
        return Waivers()
    blocks = (block for file in found.files for block in comment_blocks(file))
    return read_inline(blocks, limits_of(run))


def mirrored_waivers(  # noqa: PLR0913  # four that cannot be left out, three that mostly are
    tree: Tree,
    run: Run,
    repository: str,
    earlier: Iterable[Event],
    *,
    known: Mapping[FindingKey, Urgency | None],
    aliases: Aliases | None = None,
) -> Mirrored:
    """Tell which events make the ledger say of a repository's waivers what its file says.

    Where an operator's policy does not count the waivers of repositories, there are none.

    Args:
        tree: The revision whose merged reviews approve: that of the target branch.
        run: What all steps share.
        repository: Name of its chain.
        earlier: Events of that chain in the order of recording.
        known: Findings of the repository, by first names, and how severe they are now.
        aliases: Which vulnerabilities are one; None: none.

    Raises:
        ConfigError: The waiver file is wrong, so that what it says is not known.
        InputError: It cannot be read.
    """
    from basekeeper.waivers.mirrored import mirror, read_waiver_file  # noqa: PLC0415  # to record

    policy = run.config.policy
    path = policy.waivers.file
    counts = policy.waivers.repository or not run.has_operator
    data = waiver_bytes(tree, path) if path is not None and counts else None
    file = read_waiver_file(data, path or "", limits_of(run))
    return mirror(
        repository,
        file,
        earlier,
        known=known,
        now=run.now,
        aliases=aliases,
        policy=policy.digest,
    )
