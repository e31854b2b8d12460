"""`update`: move images to what is newer, in the files that name them; a diff unless `--write`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import (
    cache_option,
    color_option,
    format_option,
    images_option,
    kinds_option,
    now_option,
    offline_option,
    output_option,
    policy_option,
    scope_options,
)
from basekeeper.cli.output import emit, style_for, write_file
from basekeeper.cli.progress import Progress
from basekeeper.errors import EXIT_FINDINGS, EXIT_OK, EXIT_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.cli.run import Opened
    from basekeeper.pipeline import Planned
    from basekeeper.render.layout import Style
    from basekeeper.trees.working import WorkingTree
    from basekeeper.values.change import Change, Proposal

FORMATS: Final = ("text", "json", "markdown")

_ANSWERS: Final = {
    "y": "make this change",
    "n": "leave it",
    "a": "make this change and all that follow",
    "q": "leave this change and all that follow",
    "?": "tell what the answers mean",
}

_EPILOG: Final = """\b
Examples:
  basekeeper update                        show what would change
  basekeeper update --write
  basekeeper update --kind patch --image node --write
  basekeeper update services/api --pin-digests | git apply
  basekeeper update --interactive --write
\b
Exit codes: 0 nothing to change, or written; 1 there is something to change,
or with --strict a place that cannot be edited; 2 usage or configuration, or
a file that cannot be written; 3 nothing to change as far as is known, but a
registry or a file did not tell what was asked; 130 interrupted."""


@click.command("update", epilog=_EPILOG, short_help="Move images to what is newer.")
@format_option(FORMATS)
@output_option
@scope_options
@images_option
@kinds_option
@click.option("-w", "--write", is_flag=True, help="Write the files instead of only the diff.")
@click.option("--pin-digests", is_flag=True, help="Add digests to images that have none.")
@click.option("--any-age", is_flag=True, help="Take also what is too young for the configuration.")
@click.option("-i", "--interactive", is_flag=True, help="Ask about each change on the terminal.")
@click.option(
    "--strict", is_flag=True, help="Make a change in all of its places or in none, and fail then."
)
@policy_option
@offline_option
@cache_option
@color_option
@now_option
def command(**given: Any) -> int:
    """Move images to what is newer, in the files that name them.

    Shows a diff that git apply and patch -p1 take, then what is not changed
    and why. Only the bytes of references change, or of the arguments that
    supply them. PATH is a directory, the current one by default.
    """
    if given["interactive"] and not (sys.stdin.isatty() and sys.stdout.isatty()):
        message = "--interactive needs a terminal: choose with --image and --kind instead"
        raise click.UsageError(message)
    if given["any_age"] and given["policy"] is not None:
        raise click.UsageError("--any-age cannot loosen the operator's policy given by --policy")
    from basekeeper import pipeline
    from basekeeper.cli.run import opened

    with opened(given) as has:
        planned = _planned(has, given)
        chosen = planned.changes
        if given["interactive"]:
            chosen = replace(chosen, changes=tuple(_asked(chosen.changes, given)))
        with Progress("proving the edits"):
            found = pipeline.edit_files(has.tree, has.run, planned, chosen, whole=given["strict"])
        written = given["write"] and bool(found.edits.files)
        if given["write"]:
            pipeline.write(has.tree, planned, found)
        _write(found, given, written=written, prefix=_prefix(has.tree))
    return _exit_code(found, given, written=written)


def _planned(has: Opened, given: Mapping[str, Any]) -> Planned:
    """Read the tree and ask the registries."""
    from basekeeper import pipeline, wiring

    settings = has.run.config.settings
    wanted = pipeline.Wanted(
        images=given["images"],
        kinds=given["kinds"],
        pin_digests=given["pin_digests"],
        any_age=given["any_age"],
    )
    with (
        Progress("reading files") as shown,
        wiring.open_sights(settings) as ledger,
        wiring.open_registry(
            settings,
            now=has.run.now,
            offline=given["offline"],
            use_cache=not given["no_cache"],
        ) as registry,
    ):
        return pipeline.plan_updates(
            has.tree,
            has.run,
            registry,
            wanted,
            ledger=ledger,
            progress=shown.count,
            asking=shown.asking,
        )


def _asked(changes: tuple[Change, ...], given: Mapping[str, Any]) -> Iterator[Change]:
    """Ask about each change, and yield those that the user wants."""
    from basekeeper.render.safe import visible
    from basekeeper.render.update_text import change_lines

    style = style_for(sys.stdout, given["color"])
    for number, change in enumerate(changes):
        uses = change.standing.uses
        lines = change_lines(change, len(uses), style, verbose=True)
        lines += [f"    {visible(f'{use.path}:{use.line}')}" for use in uses]
        emit("\n".join(lines) + "\n", encoded=False)
        answer = _answer(f"change it ({number + 1} of {len(changes)})")
        if answer == "y":
            yield change
        elif answer == "a":
            yield from changes[number:]
        if answer in ("a", "q"):
            return


def _answer(question: str) -> str:
    """Ask until one of the answers is given; the end of the input is `q`."""
    while True:
        emit(f"{question} [{','.join(_ANSWERS)}]? ", encoded=False)
        line = sys.stdin.readline()
        answer = line.strip().lower()
        if not line:
            emit("\n", encoded=False)
            return "q"
        if answer in _ANSWERS and answer != "?":
            return answer
        emit("".join(f"  {key}  {words}\n" for key, words in _ANSWERS.items()), encoded=False)


def _prefix(tree: WorkingTree) -> str:
    """Return what leads from the current directory to the root, so that the patch applies here."""
    here = Path.cwd().resolve()
    if not tree.root.is_relative_to(here):
        return ""
    inside = tree.root.relative_to(here).as_posix()
    return "" if inside == "." else inside


def _exit_code(found: Proposal, given: Mapping[str, Any], *, written: bool) -> int:
    """Tell what is left to do."""
    from basekeeper.render.update_view import is_incomplete

    refused = bool(found.edits.refused)
    if written or given["write"]:
        if refused and given["strict"]:
            return EXIT_FINDINGS
        if written:
            return EXIT_OK
    if found.edits.files or refused:
        return EXIT_FINDINGS
    return EXIT_UNKNOWN if is_incomplete(found) and not given["offline"] else EXIT_OK


def _write(found: Proposal, given: Mapping[str, Any], *, written: bool, prefix: str) -> None:
    """Write the result where the user wants it, in the wanted format."""
    from basekeeper.render.layout import Style

    is_shown = given["output"] is None
    style = (
        style_for(sys.stdout, given["color"])
        if is_shown
        else Style(colour=given["color"] == "always")
    )
    is_raw = not style.colour and not (is_shown and sys.stdout.isatty())
    pieces: Iterator[str | bytes]
    if given["format"] == "json":
        from basekeeper.render.update_json import update_pieces

        pieces = (piece for piece in update_pieces(found, written=written, prefix=prefix))
    elif given["format"] == "markdown":
        from basekeeper.render.diff import diff_text
        from basekeeper.render.update_text import render_update_markdown

        patch = "".join(diff_text(file, prefix=prefix) for file in found.edits.files)
        pieces = iter([render_update_markdown(found, patch, written=written)])
    else:
        pieces = _text(found, style, written=written, prefix=prefix, is_raw=is_raw)
    if is_shown:
        emit(pieces, encoded=is_raw or given["format"] != "text")
    else:
        write_file(given["output"], pieces)


def _text(
    found: Proposal, style: Style, *, written: bool, prefix: str, is_raw: bool
) -> Iterator[str | bytes]:
    """Write the patch and what is said below it; for programs the patch byte for byte."""
    from basekeeper.render.diff import diff_bytes, painted_diff
    from basekeeper.render.update_text import render_update_text

    files = found.edits.files
    if is_raw:
        yield from diff_bytes(files, prefix=prefix)
    else:
        yield from painted_diff(files, style, prefix=prefix)
    text = render_update_text(found, style, written=written)
    yield f"\n{text}" if files else text
