"""Which repositories of the ledger a verb is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from basekeeper.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from basekeeper.config.settings import Settings

F = TypeVar("F", bound="Callable[..., Any]")


def repositories_options(function: F) -> F:
    """Add `--repository`, `--all` and `--product`."""
    for decorate in (
        click.option(
            "--product",
            "products",
            multiple=True,
            metavar="NAME",
            help="Tell of this product alone, or place that no [[product]] maps. Repeatable.",
        ),
        click.option(
            "--all", "every", is_flag=True, help="Tell of all repositories of the ledger."
        ),
        click.option(
            "--repository",
            "repositories",
            multiple=True,
            metavar="HOST/PATH",
            help="Tell of this repository, not of that at PATH. Repeatable.",
        ),
    ):
        function = decorate(function)
    return function


def check_repositories(given: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other."""
    if given["every"] and given["repositories"]:
        raise click.UsageError("--all tells of every repository: leave out --repository")


def wanted_repositories(
    given: Mapping[str, Any], settings: Settings, root: Path
) -> tuple[str, ...] | None:
    """Tell which repositories are meant: those that are named, else that at the path.

    Returns:
        Their names; None: all of the ledger.

    Raises:
        InputError: The one at the path has no name.
        click.UsageError: What was named is no name of a repository.
    """
    from basekeeper import wiring
    from basekeeper.trees.origin import read_name

    if given["every"]:
        return None
    if given["repositories"]:
        try:
            return tuple(dict.fromkeys(map(read_name, given["repositories"])))
        except ValueError as error:
            raise click.UsageError(f"--repository: {error}") from error
    name = wiring.repository_name(settings, root)
    if name is None:
        raise InputError(
            f"the repository at {given['path']!r} has no name: it has no remote with a host",
            hint="name it with --repository, or as `repository` in [ledger] of your own settings;"
            " --all tells of every one",
        )
    return (name,)
