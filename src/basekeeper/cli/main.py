"""The entry point: verbs loaded when they are used, one error handler, exit codes.

    0   nothing to act on
    1   findings at or above `--fail-on`, or a source that could not be verified
    2   wrong usage or configuration
    3   no error found, but something that was asked for could not be read or was not told
    70  a bug of this program
    130 interrupted

This is the only place that catches every exception.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Final, NoReturn

import click

from basekeeper import __version__
from basekeeper.cli import streams
from basekeeper.errors import EXIT_BUG, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, Error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import override
else:

    def override(method: object) -> object:
        """Mark a method that replaces one of its base class; `typing` has it from 3.12 on."""
        return method


PROGRAM: Final = "basekeeper"

HELP_COLUMNS: Final = 80
"""Widest line of a help page, so that pages look alike everywhere and in the documentation."""

OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000
"""New objects after which Python looks for garbage in cycles, which this program hardly makes;
at Python's own 700 (3.11) a large tree takes a tenth longer. Loading the modules of a verb makes
about 20,000: a small run ends before the first look."""

_VERBS: Final = {
    "cache": ("basekeeper.cli.cache", "Show or empty the cache."),
    "check": ("basekeeper.cli.check", "Judge the base images of a repository."),
    "completion": ("basekeeper.cli.completion", "Print the completion script of a shell."),
    "data": ("basekeeper.cli.data", "Show or refresh the facts in use."),
    "deadlines": ("basekeeper.cli.deadlines", "Show what has to be patched by when."),
    "explain": ("basekeeper.cli.explain", "Explain an image or a rule."),
    "ledger": ("basekeeper.cli.ledger", "Show, verify or rebuild the ledger."),
    "list": ("basekeeper.cli.list", "List every base image and where it is used."),
    "outdated": ("basekeeper.cli.outdated", "Ask the registries what is newer."),
    "report": ("basekeeper.cli.report", "Write the evidence of a period or release."),
    "scan": ("basekeeper.cli.scan", "Look for vulnerabilities in images."),
    "update": ("basekeeper.cli.update", "Move images to what is newer."),
    "waive": ("basekeeper.cli.waive", "Accept findings for a while."),
}
"""Verb → module that defines it as `command`, and its line in the overview. Modules are loaded
when their verb is used: that is what keeps the start short."""

_EXAMPLES: Final = """\b
Examples:
  basekeeper check                  judge the repository that you stand in
  basekeeper list --format json     every base image and where it is used
  basekeeper outdated               what is newer than the images in use
  basekeeper explain node:20        why an image is allowed or not"""


class Verbs(click.Group):
    """The group of all verbs."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name the verbs, sorted."""
        return list(_VERBS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one verb; None where there is none of that name."""
        if cmd_name not in _VERBS:
            return None
        from importlib import import_module

        command: click.Command = import_module(_VERBS[cmd_name][0]).command
        return command

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or suggest the one that was meant."""
        name = args[0]
        if name not in _VERBS and not name.startswith("-"):
            from basekeeper.cli.options import suggestion

            raise click.UsageError(f"no such command {name!r}{suggestion(name, _VERBS)}", ctx)
        return super().resolve_command(ctx, args)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the overview of verbs without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _VERBS.items()])


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": HELP_COLUMNS},
    epilog=_EXAMPLES,
)
@click.version_option(
    __version__, "-V", "--version", prog_name=PROGRAM, message="%(prog)s %(version)s"
)
def cli() -> None:
    """Keep the base images of containers approved, current, minimal and patched."""


def run() -> NoReturn:
    """Run the program with the arguments of the process, and end the process."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        code = main(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were loaded, before any handler
        code = EXIT_INTERRUPTED
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run the program and return its exit code."""
    streams.prepare()
    try:
        code = cli.main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        _write_error(f"{error.message}\n")
        return EXIT_USAGE
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        return _complain(error.format_message(), None, EXIT_USAGE)
    except (click.Abort, KeyboardInterrupt) as error:
        # The library takes every `EOFError` for the user's: a module cut short by a full disk too.
        end = error.__cause__
        return _bug(end) if isinstance(end, EOFError) else _interrupted()
    except Error as error:
        return _complain(str(error), error.hint, error.exit_code)
    except BrokenPipeError:
        streams.close_quietly()
        return EXIT_OK
    except Exception as error:  # noqa: BLE001  # the one place where a bug becomes a message
        return _unwritten(error) if streams.is_output_lost() else _bug(error)
    return code if isinstance(code, int) else EXIT_OK


def _usage(error: click.UsageError) -> int:
    """Say what is wrong with the command line, and where its help is."""
    path = error.ctx.command_path if error.ctx is not None else PROGRAM
    message = error.format_message().rstrip(".")
    return _complain(message[:1].lower() + message[1:], f"see `{path} --help`", EXIT_USAGE)


def _complain(message: str, hint: str | None, code: int) -> int:
    """Write an error and its remedy, outside text made harmless."""
    from basekeeper.render.safe import visible_lines

    first, *rest = visible_lines(message)
    lines = [f"error: {first}", *rest]
    if hint:
        lines += [f"hint: {line}" for line in visible_lines(hint)]
    _write_error("\n".join(lines) + "\n")
    return code


def _unwritten(error: Exception) -> int:
    """Say that standard output took nothing, and forget what it still holds."""
    reason = getattr(error, "strerror", None) or error
    streams.drop_output()
    hint = "give it a place with room, or name a file with --output"
    return _complain(f"cannot write to standard output: {reason}", hint, EXIT_USAGE)


def _interrupted() -> int:
    """End after Ctrl-C."""
    _write_error("interrupted\n")
    return EXIT_INTERRUPTED


def _bug(error: Exception) -> int:
    """Write a report that can be pasted as it is; only the program's own frames and versions."""
    import platform
    import traceback

    from basekeeper.render.safe import visible_lines

    trace = "".join(traceback.format_exception(error))
    lines = [
        f"error: this is a bug in {PROGRAM}, not a mistake of yours",
        "hint: please report it with the text below; look it over for names you keep private",
        "",
        f"{PROGRAM} {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {PROGRAM} {' '.join(sys.argv[1:])}",
        *visible_lines(trace.rstrip()),
    ]
    _write_error("\n".join(lines) + "\n")
    return EXIT_BUG


def _write_error(text: str) -> None:
    """Write to standard error; a reader that went away is no reason to fail."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        streams.close_quietly()
