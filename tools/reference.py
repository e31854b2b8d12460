"""Writes `docs/reference/commands.md` from the program's own help.

python tools/reference.py            write the page
python tools/reference.py --check    exit 1 where it is not current
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from basekeeper.cli.main import HELP_COLUMNS, PROGRAM, cli

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Path(__file__).parents[1] / "docs" / "reference" / "commands.md"

_HEAD: Final = """# Commands

This page is the program's own help, written by `make docs`; change the program, not the page.

## Exit codes

| Code | Meaning |
|--:|---|
| 0 | nothing to act on |
| 1 | findings at or above `--fail-on`, or a source that could not be verified |
| 2 | wrong usage or configuration |
| 3 | no error found, but something that was asked for could not be read or was not told |
| 70 | a bug of basekeeper; the message can be pasted into a report |
| 130 | interrupted |

`check --format sarif` exits 0 when the report is written: the code host that reads it decides.
`list` and `outdated` exit 0 unless `--exit-code` is given; then `outdated` exits 1 where an image
is outdated, else 3 where a registry did not tell what was asked.

What a registry does not tell makes `check` exit 3 only where an error may stay hidden without it:
where the name of an image leaves open whether it is supported. A source that could not be verified
is an error in any case. Facts that nobody asked for (`--offline`) do not count.

## Environment

| Variable | Effect |
|---|---|
| `NO_COLOR` | set to anything: no colours, unless `--color always` |
| `TERM=dumb` | no colours, unless `--color always` |
| `XDG_DATA_HOME` | directory of refreshed lifecycle data; by default `~/.local/share` |
| `XDG_CACHE_HOME` | directory of what registries told before; by default `~/.cache` |
| `BASEKEEPER_CACHE_DIR` | directory of the [cache](cache.md); wins over all settings |
| `BASEKEEPER_LEDGER` | where the [ledger](ledger.md) lies; wins over all settings |
| `BASEKEEPER_SETTINGS`, `XDG_CONFIG_HOME` | your own settings, see [here](registries.md) |
| `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` | proxies |

Where registries are asked, credentials are looked for as [registries](registries.md) says, in the
environment too. Nothing else of it is read, and none of it ever supplies the value of a build
argument.
"""


def page() -> str:
    """Return the text of the page."""
    parts = [_HEAD]
    for names, command in _commands(cli, (PROGRAM,)):
        parts.append(f"## `{' '.join(names)}`\n\n```text\n{_help(names, command)}\n```\n")
    return "\n".join(parts)


def _commands(
    command: click.Command, names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield a command and all below it, in the order of the overview."""
    yield names, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=names[-1])
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _commands(below, (*names, name))


def _help(names: tuple[str, ...], command: click.Command) -> str:
    """Return the help of one command as a terminal of 80 columns shows it."""
    context = click.Context(
        command,
        info_name=" ".join(names),
        terminal_width=HELP_COLUMNS,
        help_option_names=["-h", "--help"],
    )
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


def main() -> int:
    """Write the page, or tell whether it is current."""
    text = page()
    if "--check" in sys.argv[1:]:
        current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        if not current:
            print("docs/reference/commands.md is not current: run `make docs`")
        return 0 if current else 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    print("wrote docs/reference/commands.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
