"""`check`: judge the base images of a repository; the gate of a CI pipeline. Writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import (
    cache_option,
    color_option,
    complete_rules,
    format_option,
    now_option,
    output_option,
    policy_option,
    read_day,
    read_rules,
    scope_options,
)
from basekeeper.cli.output import emit, write_file, write_result
from basekeeper.cli.progress import Progress
from basekeeper.errors import EXIT_OK, InputError
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from basekeeper.baseline import Baseline
    from basekeeper.cli.run import Opened
    from basekeeper.pipeline import LedgerAccess, NetworkAccess
    from basekeeper.policy.policy import Policy
    from basekeeper.ports import Registry
    from basekeeper.render.layout import Style
    from basekeeper.values.finding import Report, Severity

FORMATS: Final = ("text", "json", "sarif", "junit", "markdown", "github")

MAX_BASELINE_BYTES: Final = 16_777_216
"""Most bytes read of a baseline file; the reader of baselines refuses one that has as many."""

MAX_ASKING_SECONDS: Final = 30.0
"""Seconds for all questions to registries: a gate must answer, and what is not known by then is
unknown."""

_EPILOG: Final = """\b
Examples:
  basekeeper check
  basekeeper check services/api --fail-on warning
  basekeeper check --format sarif --output basekeeper.sarif
  basekeeper check --since origin/main
  basekeeper check --offline
  basekeeper check --write-baseline old.json --owner @me --expires 2027-01-31
\b
Exit codes: 0 nothing to act on, 1 findings, 2 usage or configuration,
3 something could not be read or was not told, 130 interrupted. With
--format sarif, 0 when the report is written."""


@click.command("check", epilog=_EPILOG, short_help="Judge the base images of a repository.")
@format_option(FORMATS)
@output_option
@scope_options
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "never"]),
    default="error",
    show_default=True,
    help="The least severity that fails the run.",
)
@click.option("--allow-unknown", is_flag=True, help="Let sources and files pass that are unknown.")
@click.option(
    "--rule",
    "rules",
    multiple=True,
    callback=read_rules,
    shell_complete=complete_rules,
    metavar="RULE",
    help="Apply only this rule. Repeatable.",
)
@policy_option
@click.option(
    "--since",
    metavar="REF",
    help="Count only what is new since this revision, by its policy and waivers.",
)
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Count only what is not in this baseline.",
)
@click.option(
    "--write-baseline",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write what counts now as a baseline, and pass.",
)
@click.option("--owner", metavar="NAME", help="Who answers for the baseline that is written.")
@click.option(
    "--expires", callback=read_day, metavar="DAY", help="Last day of the baseline's entries."
)
@click.option(
    "--offline", is_flag=True, help="Never use the network: judge by names and bundled facts."
)
@cache_option
@click.option("-q", "--quiet", is_flag=True, help="Show only errors and warnings that count.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Show all at its place: notes, waived, evidence."
)
@color_option
@now_option
def command(**given: Any) -> int:
    """Judge the base images of a repository.

    PATH is a directory, the current one by default. Given files or several
    paths, only these are reported, from the current directory. What names leave
    open is asked of the registries, for half a minute at most; what scans found
    is read from the ledger, where one is configured.
    """
    _check_options(given)
    from basekeeper import pipeline
    from basekeeper.cli.run import opened

    with (
        opened(given) as has,
        Progress("reading files and judging images", quiet=given["quiet"]) as shown,
    ):
        report = pipeline.judge(
            has.tree,
            has.run,
            baseline=_read_baseline(given["baseline"]),
            since=has.since,
            network=_network(has, given, shown),
            ledger=_ledger(has, given),
            progress=shown.count,
        )
    if given["write_baseline"]:
        return _write_baseline(report, given)
    code = pipeline.exit_code(
        report, _threshold(given["fail_on"]), allow_unknown=given["allow_unknown"]
    )
    result = _Result(report, has.run.config.policy, code)
    write_result(given, lambda style: _rendered(result, given, style))
    return EXIT_OK if given["format"] == "sarif" else code


def _network(has: Opened, given: Mapping[str, Any], shown: Progress) -> NetworkAccess | None:
    """Return how the registries may be asked; None: not at all."""
    if given["offline"]:
        return None
    from basekeeper import wiring
    from basekeeper.pipeline import NetworkAccess

    run = has.run
    use_cache = not given["no_cache"]

    def registry() -> AbstractContextManager[Registry]:
        return wiring.open_registry(
            run.config.settings, now=run.now, use_cache=use_cache, hurry=True
        )

    return NetworkAccess(registry, MAX_ASKING_SECONDS, shown.asking)


def _ledger(has: Opened, given: Mapping[str, Any]) -> LedgerAccess | None:
    """Return how to read what is known of vulnerabilities; None: no ledger, or none in reach."""
    from basekeeper import wiring

    settings = has.run.config.settings
    if wiring.storage(settings).ledger is None:
        return None
    if given["offline"] and not wiring.reads_without_network(settings):
        return None
    from basekeeper.pipeline import LedgerAccess

    return LedgerAccess(
        open=lambda: wiring.open_sights(settings, start=has.root),
        repository=wiring.repository_name(settings, has.root),
        max_age=wiring.max_database_age(settings),
    )


@dataclass(frozen=True, slots=True)
class _Result:
    """What a run came to."""

    report: Report
    policy: Policy
    code: int


def _check_options(given: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other, before anything is read."""
    if given["quiet"] and given["verbose"]:
        raise click.UsageError("--quiet and --verbose exclude each other")
    if given["write_baseline"] and not (given["owner"] and given["expires"]):
        raise click.UsageError("--write-baseline needs --owner and --expires: a debt has both")
    if not given["write_baseline"] and (given["owner"] or given["expires"]):
        raise click.UsageError("--owner and --expires belong to --write-baseline")


def _threshold(fail_on: str) -> Severity | None:
    """Return the least severity that fails; None: none does."""
    from basekeeper.values.finding import Severity

    return None if fail_on == "never" else Severity[fail_on.upper()]


def _read_baseline(path: str | None) -> Baseline | None:
    """Read a baseline that the user named."""
    if path is None:
        return None
    from basekeeper.baseline import load_baseline

    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BASELINE_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"baseline {path!r} cannot be read: {error.strerror}",
            hint="write one with --write-baseline",
        ) from error
    return load_baseline(data, path)


def _write_baseline(report: Report, given: Mapping[str, Any]) -> int:
    """Write what counts now as a baseline."""
    from basekeeper.baseline import write_baseline
    from basekeeper.render.view import plural

    findings = (*report.findings, *report.known)
    data = write_baseline(findings, given["owner"], given["expires"], report.now)
    write_file(given["write_baseline"], data)
    count = plural(len(findings), "finding")
    emit(f"{count} written to {given['write_baseline']}\n", encoded=False)
    return EXIT_OK


def _rendered(result: _Result, given: Mapping[str, Any], style: Style) -> str | Iterator[str]:
    """Write the report in the wanted format, whole or in pieces; loads that format only."""
    report = result.report
    match given["format"]:
        case "json":
            from basekeeper.render.json import json_pieces

            return json_pieces(report)
        case "sarif":
            from basekeeper.pipeline import rule_texts
            from basekeeper.render.sarif import render_sarif

            return render_sarif(report, rule_texts(result.policy))
        case "junit":
            from basekeeper.render.junit import render_junit

            return render_junit(report, fail_on=_threshold(given["fail_on"]))
        case "markdown":
            from basekeeper.render.markdown import render_markdown

            return render_markdown(report)
        case "github":
            from basekeeper.render.github import render_github

            return render_github(report)
        case _:
            from basekeeper.render.text import render_text

            return render_text(
                report, style, exit_code=result.code, quiet=given["quiet"], verbose=given["verbose"]
            )
