"""`completion`: the script that teaches a shell our verbs, options, formats and rules."""

from __future__ import annotations

from typing import Final

import click

from basekeeper.cli.output import emit

_EPILOG: Final = """\b
Set it up once:
  echo 'eval "$(basekeeper completion bash)"' >> ~/.bashrc
  echo 'eval "$(basekeeper completion zsh)"' >> ~/.zshrc
  basekeeper completion fish > ~/.config/fish/completions/basekeeper.fish"""


@click.command("completion", epilog=_EPILOG, short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    from basekeeper.cli.main import PROGRAM, cli

    makers = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
    script = makers[shell](cli, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE")
    emit(script.source() + "\n", encoded=True)
