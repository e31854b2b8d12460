"""`waive`: accept findings for a while, by an entry in the waiver file."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from basekeeper.cli.options import (
    color_option,
    now_option,
    policy_option,
    read_day,
    read_patterns,
    rule_ids,
    suggestion,
)
from basekeeper.cli.output import emit, style_for
from basekeeper.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from basekeeper.cli.run import Opened
    from basekeeper.pipeline.waiving import WaiverBook
    from basekeeper.values.waiver import Waiver
    from basekeeper.waivers.writing import WaiverEdit

MAX_DAYS: Final = 3_650
"""Most that `--days` takes; no policy allows more."""

_SCOPE: Final = ("images", "paths", "packages", "products", "platforms")
_WORDS: Final = ("owner", "reason", "control")
_OF_A_GRANT: Final = ("names", *_SCOPE, "severity")

_EPILOG: Final = """\b
Examples:
  basekeeper waive CVE-2026-1234 --image debian --package openssl --days 30 \\
      --reason "no fix yet" --control "TLS ends at the proxy"
  basekeeper waive end-of-life --path 'legacy/**' --until 2027-01-31 \\
      --reason "replaced in January" --owner @payments
  basekeeper waive --list
  basekeeper waive --renew 20261126-9f86d081 --days 7 --reason "in tests"
  basekeeper waive --revoke 20261126-9f86d081 --reason "the fix is out"
\b
Exit codes: 0 written, shown or listed; 2 usage or configuration, a waiver
that the policy does not allow, or a file that cannot be written; 130
interrupted."""


@click.command("waive", epilog=_EPILOG, short_help="Accept findings for a while.")
@click.argument("names", nargs=-1, metavar="[RULE|CVE]...")
@click.option(
    "--image",
    "images",
    multiple=True,
    callback=read_patterns,
    metavar="PATTERN",
    help="Only in these images: debian, ghcr.io/**. Repeatable.",
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="GLOB",
    help="Of rules: only in these files. Repeatable.",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="NAME",
    help="Of vulnerabilities: only in this package. Repeatable.",
)
@click.option(
    "--product",
    "products",
    multiple=True,
    metavar="NAME",
    help="Of vulnerabilities: only in this product. Repeatable.",
)
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="OS/ARCH",
    help="Of vulnerabilities: only for this platform. Repeatable.",
)
@click.option(
    "--severity",
    type=click.Choice(["low", "medium", "high", "critical"]),
    help="Of vulnerabilities: nothing severer than this.",
)
@click.option("--owner", metavar="WHO", help="Who answers for it; git's user.email by default.")
@click.option("--reason", metavar="TEXT", help="Why it is acceptable.")
@click.option("--control", metavar="TEXT", help="What protects meanwhile.")
@click.option("--until", callback=read_day, metavar="DATE", help="The last day, in UTC.")
@click.option(
    "--days",
    type=click.IntRange(0, MAX_DAYS),
    metavar="N",
    help="The last day, as days from today.",
)
@click.option("--renew", metavar="ID", help="Decide anew: this one ends, and another begins.")
@click.option("--revoke", metavar="ID", help="End a waiver today; it stays as history.")
@click.option("-l", "--list", "is_list", is_flag=True, help="List the waivers and days left.")
@click.option("-n", "--dry-run", is_flag=True, help="Show the change and write nothing.")
@click.option(
    "-f",
    "--format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How --list is written.",
)
@click.option(
    "-C",
    "--directory",
    type=click.Path(),
    metavar="DIR",
    help="The root of the repository; the current directory by default.",
)
@policy_option
@color_option
@now_option
def command(**given: Any) -> None:
    """Accept findings of rules, or vulnerabilities, for a while.

    Adds an entry to the waiver file, and changes no other byte of it. The
    merged review of that change is the approval. What is missing is asked for
    on a terminal. How long a waiver may last is up to the policy.
    """
    _check_options(given)
    from basekeeper.cli.run import opened

    paths = (given["directory"],) if given["directory"] is not None else ()
    with opened({**given, "paths": paths, **_NO_SCOPE}) as has:
        if given["is_list"]:
            _list(has, given)
        else:
            _edit(has, given)


_NO_SCOPE: Final[Mapping[str, Any]] = {
    "include": (),
    "exclude": (),
    "build_args": (),
    "platforms": (),
}
"""What other verbs let the user say of which files are read."""


def _check_options(given: Mapping[str, Any]) -> None:
    """Refuse options that do not go together."""
    modes = [f"--{name}" for name in ("renew", "revoke") if given[name] is not None]
    modes += ["--list"] if given["is_list"] else []
    if len(modes) > 1:
        raise click.UsageError(f"{' and '.join(modes)} do not go together")
    if given["until"] is not None and given["days"] is not None:
        raise click.UsageError("--until and --days say the same: give one of them")
    if not modes:
        if not given["names"]:
            raise click.UsageError("name rules or vulnerabilities to waive, or give --list")
        return
    unused = [name for name in _OF_A_GRANT if given[name]]
    if given["is_list"] or given["revoke"] is not None:
        unused += [name for name in ("owner", "control", "until", "days") if given[name]]
    if given["is_list"]:
        unused += [name for name in ("reason", "dry_run") if given[name]]
    if unused:
        words = {"names": "a rule or vulnerability", "dry_run": "--dry-run"}
        options = [words.get(name, f"--{name.removesuffix('s')}") for name in unused]
        hint = "; another scope is another waiver" if given["renew"] is not None else ""
        raise click.UsageError(f"{modes[0]} takes no {', no '.join(options)}{hint}")


def _list(has: Opened, given: Mapping[str, Any]) -> None:
    """List the waivers of the file, then those of comments."""
    from basekeeper.pipeline.waiving import inline_waivers, open_book
    from basekeeper.render.waivers import render_waivers_json, render_waivers_text

    waivers = open_book(has.tree, has.run).waivers
    every = (*waivers.accepted, *inline_waivers(has.tree, has.run))
    now = has.run.now
    if given["format"] == "json":
        emit(render_waivers_json(every, waivers.ended, now), encoded=True)
        return
    style = style_for(sys.stdout, given["color"])
    emit(render_waivers_text(every, waivers.ended, now, style), encoded=False)


def _edit(has: Opened, given: Mapping[str, Any]) -> None:
    """Grant, renew or revoke, and show what that changes."""
    from basekeeper.pipeline import waiving

    book = waiving.open_book(has.tree, has.run)
    notices = list(has.run.config.notices)
    if given["revoke"] is not None:
        old = book.named(given["revoke"])
        (because,) = _asked(given, ("reason",), {})
        edit = waiving.revoked(book, old, because)
        said = f"waiver {old.name} ends today"
    elif given["renew"] is not None:
        old = book.named(given["renew"])
        waiver = _renewal(has, old, given, notices)
        waiver, edit = waiving.renewed(book, old, waiver)
        said = f"waiver {waiver.id} takes the place of {old.name}, {_lasting(waiver, has)}"
    else:
        waiver = _grant(has, given, notices)
        waiver, edit = waiving.granted(book, waiver)
        said = f"waiver {waiver.id}, {_lasting(waiver, has)}"
        notices += _unreached(has, book, waiver)
    if not given["dry_run"]:
        waiving.write_edit(has.tree, edit)
    _show(edit, said, notices, given)


def _grant(has: Opened, given: Mapping[str, Any], notices: list[str]) -> Waiver:
    """Make a waiver of what the command line says and a person answers."""
    from basekeeper.values.waiver import Waiver

    rules, vulnerabilities = _sorted_names(given["names"])
    needed = ("owner", "reason", "control") if vulnerabilities else ("owner", "reason")
    defaults = _default_owner(has, given, notices)
    words = dict(zip(needed, _asked(given, needed, defaults), strict=True))
    said: dict[str, Any] = {name: given[name] for name in _SCOPE}
    said |= {"severity": given["severity"] or "", "control": given["control"] or "", **words}
    until = _until(has, given)
    return Waiver(rules=rules, vulnerabilities=vulnerabilities, until=until, **said)


def _renewal(has: Opened, old: Waiver, given: Mapping[str, Any], notices: list[str]) -> Waiver:
    """Make a waiver of the same scope, with who, why and until when decided anew."""
    owner, reason = _asked(given, ("owner", "reason"), _default_owner(has, given, notices))
    return replace(
        old,
        owner=owner,
        reason=reason,
        control=given["control"] or old.control,
        until=_until(has, given),
        approved_by="",
        id="",
    )


def _sorted_names(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell rules from vulnerabilities."""
    from basekeeper.waivers.file import is_vulnerability

    known = rule_ids()
    rules = tuple(dict.fromkeys(name for name in names if name in known))
    others = tuple(dict.fromkeys(name.upper() for name in names if name not in known))
    for name in others:
        has_number = any(letter.isdigit() for letter in name) or name.startswith("GHSA-")
        if not is_vulnerability(name) or not has_number:
            shown = next(one for one in names if one.upper() == name)
            near = suggestion(shown, known)
            raise click.UsageError(f"{shown!r} is neither a rule nor a vulnerability{near}")
    if rules and others:
        raise click.UsageError("name rules or vulnerabilities, not both: these are two decisions")
    return rules, others


def _default_owner(
    has: Opened, given: Mapping[str, Any], notices: list[str]
) -> dict[str, str | None]:
    """Ask git who the user is, where nobody says."""
    if given["owner"]:
        return {}
    from basekeeper.trees.person import git_email

    found = git_email(has.tree.root)
    if found is not None:
        notices.append(f"the owner is git's user.email, {found}")
    return {"owner": found}


def _asked(
    given: Mapping[str, Any], needed: tuple[str, ...], defaults: Mapping[str, str | None]
) -> tuple[str, ...]:
    """Return texts as given, by default, or as a person answers.

    Raises:
        UsageError: Some are missing, and there is nobody to ask; names all of them.
    """
    found = {name: given[name] or defaults.get(name) for name in needed}
    missing = [name for name in needed if not found[name]]
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        options = [f"--{name}" for name in missing]
        if given["revoke"] is None and given["until"] is None and given["days"] is None:
            options.append("--until or --days")
        if options:
            words = ", ".join(options)
            raise click.UsageError(f"give {words} too: there is no terminal to ask on")
    for name in missing:
        found[name] = click.prompt(_QUESTIONS[name], err=True).strip()
    return tuple(found[name] or "" for name in needed)


_QUESTIONS: Final = {
    "owner": "who answers for it",
    "reason": "why is it acceptable",
    "control": "what protects meanwhile",
}


def _until(has: Opened, given: Mapping[str, Any]) -> date:
    """Return the last day, asked for where nobody says."""
    today = has.run.now.date()
    until: date | None = given["until"]
    if until is not None:
        return until
    days = given["days"]
    if days is None:
        most = has.run.config.policy.waivers.max_days
        kind = click.IntRange(0, most)
        days = click.prompt(f"for how many days (at most {most})", type=kind, err=True)
    return today + timedelta(days=days)


def _lasting(waiver: Waiver, has: Opened) -> str:
    """Say what a waiver covers and until when."""
    from basekeeper.render.view import plural

    left = (waiver.until - has.run.now.date()).days
    names = ", ".join(waiver.covered)
    return f"of {names} by {waiver.owner} until {waiver.until} ({plural(left, 'day')})"


def _unreached(has: Opened, book: WaiverBook, waiver: Waiver) -> Iterator[str]:
    """Warn of a waiver that covers nothing now, or what another one covers already."""
    from basekeeper import wiring
    from basekeeper.pipeline import waiving

    for other in book.waivers.accepted:
        is_same = set(other.covered) & set(waiver.covered) and all(
            getattr(other, name) == getattr(waiver, name) for name in _SCOPE
        )
        if is_same and other.until >= has.run.now.date():
            yield f"waiver {other.name} covers the same until {other.until}: --renew replaces it"
    if waiver.rules:
        if waiving.covers_findings(has.tree, has.run, waiver) is False:
            yield "it covers nothing that `check --offline` finds now"
        return
    try:
        with wiring.open_sights(has.run.config.settings) as ledger:
            if ledger is not None and not waiving.covers_recorded(ledger, waiver):
                yield "it covers nothing that scans recorded in the ledger"
    except LedgerError as error:
        yield f"whether it covers anything is not known: {error.message}"


def _show(edit: WaiverEdit, said: str, notices: list[str], given: Mapping[str, Any]) -> None:
    """Write the patch, and what a person should know below it."""
    from basekeeper.render.safe import visible
    from basekeeper.render.waivers import painted_waiver_diff, waiver_diff

    style = style_for(sys.stdout, given["color"])
    is_raw = not style.colour and not sys.stdout.isatty()
    if is_raw:
        emit([waiver_diff(edit)], encoded=True)
    else:
        emit(painted_waiver_diff(edit, style), encoded=False)
    lines = [visible(said)]
    lines += [f"notice: {visible(notice)}" for notice in notices]
    if given["dry_run"]:
        lines.append("nothing is written: leave out --dry-run to write it")
    else:
        lines.append(
            f"written to {visible(edit.path)}; propose it as a change: "
            "its merged review is the approval"
        )
    sys.stderr.write("\n".join(lines) + "\n")
