"""From the options that verbs share to what the pipeline needs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from basekeeper import pipeline, wiring
from basekeeper.cli.options import read_build_args, read_platforms, this_instant
from basekeeper.policy.load import load_config
from basekeeper.values.settings import DiscoverSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.trees.tree import Tree


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything that a verb hands to the pipeline."""

    run: pipeline.Run
    tree: Tree
    base: Tree | None = None
    """The revision to compare with, if any."""


@contextmanager
def opened(given: Mapping[str, Any]) -> Iterator[Opened]:
    """Open what the options of a verb name, and close it at the end.

    Compared with a revision, configuration and policy are those of that revision.
    """
    where = wiring.locate(given["paths"])
    since = given.get("since")
    policy_path = given.get("policy")
    base = wiring.open_revision(where.root, since) if since else None
    try:
        source = where.root if base is None else wiring.reader_of(base)
        config = load_config(source, policy_path=policy_path)
        config = pipeline.narrowed_settings(config, _extra_settings(given))
        notices = list(where.notices)
        if since:
            notices.append(f"policy and waivers are those of {since}")
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
            yield Opened(run, tree, base)
    finally:
        if base is not None:
            base.close()


def _extra_settings(given: Mapping[str, Any]) -> DiscoverSettings:
    """Read the options that say which files are read, with which values."""
    return DiscoverSettings(
        include=tuple(given["include"]),
        exclude=tuple(given["exclude"]),
        build_args=read_build_args(given["build_args"]),
        platforms=read_platforms(given["platforms"]),
    )
