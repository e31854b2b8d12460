"""`ledger`: what the ledger holds, and whether anybody changed it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import ephemeral_option, place_options, this_instant
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


_RECOVER_EPILOG: Final = """\b
Examples:
  basekeeper ledger recover summary.md report.html --dry-run
  gh pr list --state all --json body --jq '.[].body' |
    basekeeper ledger recover -
\b
Exit codes: 0 done, 1 what is recorded contradicts a mark, or the ledger lost
events; 2 nothing to recover from, 3 the ledger cannot be reached."""

MAX_TEXT_BYTES: Final = 256 * 1024 * 1024
"""Most that is read of one text with marks."""


@click.group(
    "ledger",
    epilog="\b\nExamples:\n  basekeeper ledger info\n  basekeeper ledger verify",
    short_help="Show, verify or rebuild the ledger.",
)
def command() -> None:
    """Show, verify or rebuild the ledger of what was seen and done, and when.

    It lies where BASEKEEPER_LEDGER or your own settings say, else in
    ~/.local/state/basekeeper.
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

    with wiring.open_history(_settings(given["policy"]), start=Path()) as (ledger, place):
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
    with wiring.open_history(_settings(given["policy"]), start=Path()) as (ledger, place):
        found = ledger.verify(noted)
    if given["format"] == "json":
        now = given["now"] or this_instant()
        emit(render_verification_json(place, found, now), encoded=True)
    else:
        style = style_for(sys.stdout, given["color"])
        emit(render_verification_text(place, found, style), encoded=False)
    return EXIT_OK if found.is_sound else EXIT_FINDINGS


@command.command("recover", epilog=_RECOVER_EPILOG, short_help="Rebuild a lost ledger from marks.")
@click.argument("texts", nargs=-1, required=True, metavar="FILE...")
@click.option("--dry-run", is_flag=True, help="Show what would be added; record nothing.")
@ephemeral_option
@place_options
def recover(**given: Any) -> int:
    """Rebuild what started the clocks from the hidden marks in texts.

    Pull requests, job summaries and reports hold such marks. FILE is a text
    with any number of them; - is standard input. What is added is marked as
    provisional. Nothing that ends or pauses a deadline is believed: scan
    again, and waivers and releases are seen anew. What the ledger has already
    stays as it is; where a mark is earlier, that is told, and recorded.
    """
    from basekeeper import pipeline, wiring
    from basekeeper.render.ledger import render_recovery_json, render_recovery_text

    now = given["now"] or this_instant()
    texts = [(name, _text(name)) for name in dict.fromkeys(given["texts"])]
    settings = _settings(given["policy"])
    with wiring.open_recording(settings, now=now, ephemeral=given["ephemeral"]) as recording:
        found = pipeline.recover(texts, recording.ledger, now, dry_run=given["dry_run"])
    if not found.marks:
        raise InputError(
            "there are no marks in what was named",
            hint="name texts of pull requests, job summaries or reports that basekeeper wrote",
        )
    if given["format"] == "json":
        emit(render_recovery_json(recording.place, found, now), encoded=True)
    else:
        style = style_for(sys.stdout, given["color"])
        emit(render_recovery_text(recording.place, found, style), encoded=False)
    return EXIT_OK if found.is_sound else EXIT_FINDINGS


def _text(name: str) -> str:
    """Read a text whole; bytes that are none of UTF-8 are in no mark."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_TEXT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{name!r} cannot be read: {reason}", hint="name a text file") from error
    if len(data) > MAX_TEXT_BYTES:
        raise InputError(f"{name!r} has more than {MAX_TEXT_BYTES} bytes", hint="split it")
    return data.decode("utf-8", "replace")


def _read_head(text: str) -> Head:
    """Read a head as `info` shows it."""
    from basekeeper.values.event import Head

    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise click.UsageError(f"head {text!r} is not CHAIN@POSITION:HASH, as `info` shows it")
    return Head(match[1], int(match[2]), match[3])


def _settings(policy: str | None) -> Settings:
    """Read the settings of an operator, without looking at any repository."""
    from basekeeper.config.settings import Settings
    from basekeeper.policy.load import load_config

    if policy is None:
        return Settings()
    return load_config(lambda _: None, policy_path=policy).settings
