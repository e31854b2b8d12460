"""From the options that verbs share to what the pipeline needs."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from basekeeper import pipeline, wiring
from basekeeper.cli.options import read_build_args, read_platforms, this_instant
from basekeeper.policy.load import load_config
from basekeeper.records import dataclass
from basekeeper.values.settings import DiscoverSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from basekeeper.trees.revision import GitTree
    from basekeeper.trees.working import WorkingTree


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything that a verb hands to the pipeline."""

    run: pipeline.Run
    tree: WorkingTree
    root: Path
    """What paths are relative to."""
    since: pipeline.Comparison | None = None
    """What to compare with, if anything."""


@contextmanager
def opened(given: Mapping[str, Any]) -> Iterator[Opened]:
    """Open what the options of a verb name, and close it at the end.

    Compared with a revision, configuration and policy are those of that revision, and old is what
    was there where the work left it: what it has mended since is no fault of the work.
    """
    where = wiring.locate(given["paths"])
    since = given.get("since")
    policy_path = given.get("policy")
    with ExitStack() as stack:
        base = stack.enter_context(wiring.open_revision(where.root, since)) if since else None
        source = where.root if base is None else wiring.reader_of(base)
        config = load_config(source, policy_path=policy_path)
        config = pipeline.narrowed_settings(config, _extra_settings(given))
        if "no_cache" in given:  # a verb that may ask registries
            config = wiring.with_registries(
                config, has_operator=policy_path is not None, is_gate=base is not None
            )
        notices = list(where.notices)
        comparison = None
        if base is not None:
            notices.append(f"policy and waivers are those of {since}")
            comparison = _comparison(base, where.root, stack, notices)
        run = pipeline.Run(
            config=replace(config, notices=(*notices, *config.notices)),
            catalogue=wiring.open_catalogue(),
            now=given.get("now") or this_instant(),
            only=where.only,
            files=where.files,
            rules=tuple(given.get("rules") or ()),
            has_operator=policy_path is not None,
        )
        with wiring.open_tree(where.root, config.settings.discover) as tree:
            yield Opened(run, tree, where.root, comparison)


def _comparison(
    base: GitTree, root: Path, stack: ExitStack, notices: list[str]
) -> pipeline.Comparison:
    """Find where the work left the base; a clone too shallow to tell is told of."""
    fork = base.fork_commit()
    if fork is None:
        notices.append(
            "this clone does not tell where the work left that revision, so it is compared with"
            " its newest state; fetch more history to compare with the common commit"
        )
    if fork in (None, base.commit):
        return pipeline.Comparison(base, base)
    return pipeline.Comparison(base, stack.enter_context(wiring.open_revision(root, fork)))


def _extra_settings(given: Mapping[str, Any]) -> DiscoverSettings:
    """Read the options that say which files are read, with which values."""
    return DiscoverSettings(
        include=tuple(given["include"]),
        exclude=tuple(given["exclude"]),
        build_args=read_build_args(given["build_args"]),
        platforms=read_platforms(given["platforms"]),
    )
