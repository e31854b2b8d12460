"""`cache`: what is kept of the registries' answers, and forgetting it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import place_options, this_instant
from basekeeper.cli.output import emit, style_for

if TYPE_CHECKING:
    from basekeeper.config.storage import StorageSettings

_INFO_EPILOG: Final = """\b
Examples:
  basekeeper cache info
  basekeeper cache info --format json"""

_CLEAR_EPILOG: Final = """\b
Examples:
  basekeeper cache clear
\b
Exit codes: 0 it is empty, 2 the directory is no cache or cannot be changed."""


@click.group(
    "cache",
    epilog="\b\nExamples:\n  basekeeper cache info\n  basekeeper cache clear",
    short_help="Show or empty the cache.",
)
def command() -> None:
    """Show or empty the cache of what registries answered.

    It owns nothing: without it the same is asked once more. It lies below
    ~/.cache; BASEKEEPER_CACHE_DIR or your own settings name another place.
    """


@command.command("info", epilog=_INFO_EPILOG, short_help="Show place and size of the cache.")
@place_options
def info(**given: Any) -> None:
    """Show where the cache lies, and how full it is."""
    from basekeeper import wiring
    from basekeeper.cache.care import cache_info
    from basekeeper.render.cache import render_cache_json, render_cache_text

    places = _places(given["policy"])
    found = cache_info(wiring.cache_directory(places), places.cache_bytes)
    if given["format"] == "json":
        emit(render_cache_json(found, given["now"] or this_instant()), encoded=True)
    else:
        emit(render_cache_text(found, style_for(sys.stdout, given["color"])), encoded=False)


@command.command("clear", epilog=_CLEAR_EPILOG, short_help="Empty the cache.")
@place_options
def clear(**given: Any) -> None:
    """Empty the cache. Nothing is lost but time.

    Only files of the cache are deleted, and only from a directory that
    carries its mark.
    """
    from basekeeper import wiring
    from basekeeper.cache.care import clear_cache
    from basekeeper.render.cache import render_cleared_json, render_cleared_text

    directory = wiring.cache_directory(_places(given["policy"]))
    freed = clear_cache(directory)
    if given["format"] == "json":
        now = given["now"] or this_instant()
        emit(render_cleared_json(str(directory), freed, now), encoded=True)
    else:
        emit(render_cleared_text(str(directory), freed), encoded=False)


def _places(policy: str | None) -> StorageSettings:
    """Settle where the cache lies, without looking at any repository."""
    from basekeeper import wiring
    from basekeeper.config.settings import Settings
    from basekeeper.policy.load import load_config

    if policy is None:
        return wiring.storage(Settings())
    return wiring.storage(load_config(lambda _: None, policy_path=policy).settings)
