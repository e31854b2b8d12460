"""`ledger`: what the ledger holds, and whether anybody changed it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import place_options, this_instant
from basekeeper.cli.output import emit, style_for
from basekeeper.errors import EXIT_FINDINGS, EXIT_OK, InputError

if TYPE_CHECKING:
    from basekeeper.config.settings import Settings
    from basekeeper.values.event import Head

_HEAD: Final = re.compile(r"(?s)(.+)@([1-9][0-9]{0,17}):([0-9a-f]{64})")

_INFO_EPILOG: Final = """\b
Examples:
  basekeeper ledger info
  basekeeper ledger info --format json"""

_VERIFY_EPILOG: Final = """\b
Examples:
  basekeeper ledger verify
  basekeeper ledger verify --head github.com/acme/shop@12:9f86d0…
\b
Exit codes: 0 nothing was changed, 1 something was, 3 it cannot be read."""


@click.group(
    "ledger",
    epilog="\b\nExamples:\n  basekeeper ledger info\n  basekeeper ledger verify",
    short_help="Show or verify the ledger.",
)
def command() -> None:
    """Show or verify the ledger of what was seen and done, and when.

    It lies where BASEKEEPER_LEDGER or your own settings say.
    """


@command.command("info", epilog=_INFO_EPILOG, short_help="Show place and heads of the ledger.")
@place_options
def info(**given: Any) -> None:
    """Show where the ledger lies, and the head of each chain.

    Keep the heads elsewhere: whoever can rewrite a ledger can rehash it, but
    not to a head that you noted.
    """
    from basekeeper import wiring
    from basekeeper.render.ledger import render_info_json, render_info_text

    settings = _settings(given["policy"])
    place = str(wiring.storage(settings).ledger)
    with wiring.open_sights(settings) as ledger:
        if ledger is None:
            raise _unnamed()
        heads = ledger.heads()
    if given["format"] == "json":
        emit(render_info_json(place, heads, given["now"] or this_instant()), encoded=True)
    else:
        emit(render_info_text(place, heads), encoded=False)


@command.command("verify", epilog=_VERIFY_EPILOG, short_help="Look for changed or lost events.")
@click.option(
    "--head",
    "heads",
    multiple=True,
    metavar="CHAIN@POSITION:HASH",
    help="A head that was noted before, as `info` shows it. Repeatable.",
)
@place_options
def verify(**given: Any) -> int:
    """Look at every event: was any changed, removed, inserted or moved?

    The first bad event of each chain is named.
    """
    from basekeeper import wiring
    from basekeeper.render.ledger import render_verification_json, render_verification_text

    noted = [_read_head(text) for text in given["heads"]]
    settings = _settings(given["policy"])
    place = str(wiring.storage(settings).ledger)
    with wiring.open_sights(settings) as ledger:
        if ledger is None:
            raise _unnamed()
        found = ledger.verify(noted)
    if given["format"] == "json":
        now = given["now"] or this_instant()
        emit(render_verification_json(place, found, now), encoded=True)
    else:
        style = style_for(sys.stdout, given["color"])
        emit(render_verification_text(place, found, style), encoded=False)
    return EXIT_OK if found.is_sound else EXIT_FINDINGS


def _read_head(text: str) -> Head:
    """Read a head as `info` shows it."""
    from basekeeper.values.event import Head

    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise click.UsageError(f"head {text!r} is not CHAIN@POSITION:HASH, as `info` shows it")
    return Head(match[1], int(match[2]), match[3])


def _unnamed() -> InputError:
    return InputError(
        "no ledger is configured",
        hint="set BASEKEEPER_LEDGER, or ledger.url in your own settings",
    )


def _settings(policy: str | None) -> Settings:
    """Read the settings of an operator, without looking at any repository."""
    from basekeeper.config.settings import Settings
    from basekeeper.policy.load import load_config

    if policy is None:
        return Settings()
    return load_config(lambda _: None, policy_path=policy).settings
