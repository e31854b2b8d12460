"""Which packages a RUN installs and does not remove again.

Covers apt, apk, dnf, yum, microdnf, tdnf, zypper and pacman, with the ways in which images clean
up behind themselves: `apk add --virtual` and `apk del` of the group, `apt-get purge` with or
without `--auto-remove`, and `apt-mark auto` followed by removing what nothing needs.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import field
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.rules.shell.tools import BUILD_DEPENDENCIES
from basekeeper.rules.shell.words import DYNAMIC, commands, expand, fields, word_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.rules.shell.words import Command

MAX_NESTING: Final = 2
"""How deep scripts inside scripts are read (`sh -c '…'`, `eval`); real files need one level."""

MAX_PACKAGES: Final = 2_000
"""Most packages of one RUN that are kept in mind; real lists stay below 300."""

MAX_GLOBS: Final = 100
"""Most patterns of names to remove (`apt-get purge 'gcc-*'`) that one RUN tries, each on all its
packages; real ones have fewer than 10."""

_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_NAME_END: Final = re.compile(r"[=<>~@]")

_PREFIXES: Final = word_set(
    "! { } builtin command do else elif env exec if nohup sudo then time until while"
)
"""Words before a command that do not change which command runs."""

_SHELLS: Final = word_set("sh bash ash dash /bin/sh /bin/bash /bin/ash /bin/dash")
_WRAPPER_SWITCH: Final = re.compile(r"-[a-zA-Z]*c")

_VERBS: Final[Mapping[str, tuple[frozenset[str], frozenset[str], frozenset[str]]]] = {
    "apt": (
        frozenset(("install", "build-dep")),
        frozenset(("remove", "purge", "autoremove", "autopurge")),
        frozenset(("-o", "-t", "-c", "-a", "--option", "--target-release", "--config-file")),
    ),
    "apk": (
        frozenset(("add",)),
        frozenset(("del",)),
        word_set(
            "-t --virtual -X --repository -p --root --arch --keys-dir --repositories-file"
            " --cache-dir --wait --timeout --progress-fd"
        ),
    ),
    "rpm": (
        word_set("install in localinstall groupinstall groupin group reinstall"),
        word_set("remove erase rm autoremove groupremove grouperase history"),
        word_set(
            "-c --config --enablerepo --disablerepo --repo --repoid --installroot --releasever"
            " --setopt -x --exclude -r --root -d -e"
        ),
    ),
    "pacman": (
        frozenset(("-S", "-Sy", "-Syu", "-Syyu", "--sync")),
        frozenset(("-R", "-Rs", "-Rns", "-Rn", "-Rcns", "-Rsc", "--remove")),
        frozenset(("--root", "--dbpath", "--config", "--ignore")),
    ),
}
"""Family → verbs that install, verbs that remove, options that take the next word."""

_FAMILIES: Final[Mapping[str, str]] = {
    "apt-get": "apt", "apt": "apt", "aptitude": "apt", "apk": "apk", "dnf": "rpm", "dnf5": "rpm",
    "yum": "rpm", "microdnf": "rpm", "tdnf": "rpm", "zypper": "rpm", "pacman": "pacman",
}  # fmt: skip

_MANAGER: Final = re.compile(r"(?:apt|aptitude|apk|dnf5?|yum|zypper|pacman)\b")
"""What a script that installs packages contains; the others, most of them, are not read."""

_FILLED_IN: Final = re.compile(r"\{\{[^{}]*\}\}")
"""What a template fills in: `{{ … }}`."""

_REMOVING: Final = word_set("del erase purge remove rm")
"""Verbs that remove, in any package manager."""

_GROUP_VERBS: Final = frozenset(("groupinstall", "groupin", "group"))


@dataclass(slots=True)
class _Ledger:
    """What is installed while a RUN is followed."""

    installed: dict[str, None] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    automatic: set[str] = field(default_factory=set)
    """Packages that apt would remove as soon as nothing needs them."""
    doubtful: bool = False
    """Whether something was removed whose name only a running shell knows."""
    globs: int = 0
    """How many patterns of names to remove were tried."""

    def add(self, names: list[str]) -> None:
        for name in names[: MAX_PACKAGES - len(self.installed)]:
            self.installed[name] = None

    def remove(self, name: str) -> None:
        for member in self.groups.pop(name, [name]):
            if "*" in member or "?" in member:
                self.globs += 1
                if self.globs > MAX_GLOBS:
                    self.doubtful = True
                    return
                for match in fnmatch.filter(self.installed, member):
                    del self.installed[match]
            else:
                self.installed.pop(member, None)

    def remove_automatic(self) -> None:
        for name in [name for name in self.installed if name in self.automatic]:
            del self.installed[name]


@dataclass(frozen=True, slots=True)
class Kept:
    """What one RUN leaves installed."""

    packages: tuple[str, ...]
    """Names without version, in the order of their installation."""
    doubtful: bool
    """True where it also removed packages whose names could not be read."""


def kept_packages(script: str, variables: Mapping[str, str]) -> Kept:
    """Follow a script and return the packages that it installs and keeps.

    Args:
        script: Shell text of one RUN, continuation lines joined.
        variables: What ENV and ARG give to the RUN.
    """
    ledger = _Ledger()
    if _MANAGER.search(script) is None:
        return Kept((), doubtful=False)
    _follow(_FILLED_IN.sub(DYNAMIC, script), dict(variables), ledger, 0)
    return Kept(tuple(ledger.installed), ledger.doubtful)


def _follow(script: str, variables: dict[str, str], ledger: _Ledger, depth: int) -> None:
    for command in commands(script):
        words = _without_prefixes(command, variables)
        if not words:
            continue
        program = expand(words[0], variables)
        arguments = words[1:]
        name = program.rpartition("/")[2]
        if name == "xargs":
            _apply_to_input(arguments, variables, ledger)
        elif name == "apt-mark":
            _mark(fields(arguments, variables), ledger)
        elif family := _FAMILIES.get(name):
            _manage(family, fields(arguments, variables), ledger)
        elif depth < MAX_NESTING and (program in _SHELLS or program == "eval"):
            inner = _inner_script(program, arguments, variables)
            if inner is not None:
                _follow(inner, variables, ledger, depth + 1)


def _without_prefixes(command: Command, variables: dict[str, str]) -> Command:
    """Drop words before the program; take note of assignments, which stay true afterwards."""
    at = 0
    exporting = False
    while at < len(command):
        assignment = _ASSIGNMENT.fullmatch(command[at])
        if assignment is not None:
            variables[assignment[1]] = expand(assignment[2], variables)
        elif command[at] in ("export", "local", "readonly", "declare"):
            exporting = True
        elif command[at] not in _PREFIXES and not (at and command[at].startswith("-")):
            return () if exporting else command[at:]
        at += 1
    return ()


def _inner_script(program: str, arguments: Command, variables: Mapping[str, str]) -> str | None:
    """Return the script that `sh -c` or `eval` runs, or None."""
    if program == "eval":
        return " ".join(expand(word, variables) for word in arguments)
    for at, word in enumerate(arguments[:-1]):
        if _WRAPPER_SWITCH.fullmatch(word):
            return expand(arguments[at + 1], {})
    return None


def _apply_to_input(arguments: Command, variables: Mapping[str, str], ledger: _Ledger) -> None:
    """Follow `… | xargs COMMAND`, whose words only a running shell knows.

    `apt-mark showmanual | xargs apt-mark auto` marks everything, which official images do before
    they remove what nothing needs.
    """
    words = fields(arguments, variables)
    if "apt-mark" in words and "auto" in words:
        ledger.automatic.update(ledger.installed)
    elif any(word in _REMOVING for word in words) and any(word in _FAMILIES for word in words):
        ledger.doubtful = True


def _mark(words: tuple[str, ...], ledger: _Ledger) -> None:
    """Follow `apt-mark auto` and `apt-mark manual`."""
    plain = [word for word in words if not word.startswith("-")]
    if not plain:
        return
    names = [_package(word) for word in plain[1:]]
    if plain[0] in ("auto", "markauto"):
        everything = any(name in (".*", "*", "^.*") for name in names)
        ledger.automatic.update(ledger.installed if everything else names)
    elif plain[0] in ("manual", "unmarkauto"):
        ledger.automatic.difference_update(names)


def _manage(family: str, words: tuple[str, ...], ledger: _Ledger) -> None:
    """Follow one call of a package manager."""
    installing, removing, valued = _VERBS[family]
    plain, options, virtual = _sort_words(words, valued)
    verb = plain[0] if plain else ""
    if family == "pacman":
        verb = next((word for word in options if word in installing | removing), "")
        plain = ["", *plain]
    names = [name for name in map(_package, plain[1:]) if name]
    if verb in installing:
        _install(family, verb, names, virtual, ledger)
    elif verb in removing:
        _remove(family, verb, names, options, ledger)


def _sort_words(
    words: tuple[str, ...], valued: frozenset[str]
) -> tuple[list[str], list[str], str | None]:
    """Tell plain words from options; return also the name of a virtual group of apk."""
    plain: list[str] = []
    options: list[str] = []
    virtual: str | None = None
    at = 0
    while at < len(words):
        word = words[at]
        if word.startswith("-") and len(word) > 1:
            options.append(word)
            if word.startswith("--virtual="):
                virtual = word.partition("=")[2]
            elif word in valued:
                at += 1
                if word in ("-t", "--virtual") and at < len(words):
                    virtual = words[at]
        else:
            plain.append(word)
        at += 1
    return plain, options, virtual


def _install(
    family: str, verb: str, names: list[str], virtual: str | None, ledger: _Ledger
) -> None:
    if verb == "group" and names[:1] != ["install"]:
        return
    if verb in _GROUP_VERBS and "development" in " ".join(names).lower():
        names = ["@development-tools"]
    if verb == "build-dep":
        names = [BUILD_DEPENDENCIES + name for name in names]
    if family == "apt":
        for name in [name for name in names if name.endswith("-") and name != DYNAMIC]:
            ledger.remove(name[:-1])
            names.remove(name)
    if family == "apk":
        names = [name for name in names if not name.startswith("!")]
    if virtual is not None:
        ledger.groups[virtual] = names
    ledger.automatic.difference_update(names)
    ledger.add([name for name in names if name.strip(DYNAMIC)])


def _remove(family: str, verb: str, names: list[str], options: list[str], ledger: _Ledger) -> None:
    if verb == "history":
        if "undo" in names or "rollback" in names:
            ledger.installed.clear()
        return
    for name in names:
        if name.strip(DYNAMIC):
            ledger.remove("@development-tools" if "development" in name.lower() else name)
        else:
            ledger.doubtful = True
    swept = ("autoremove", "autopurge")
    if family == "apt" and (verb in swept or {"--auto-remove", "--autoremove"} & set(options)):
        ledger.remove_automatic()


def _package(word: str) -> str:
    """Return the name of a package without version, release or architecture."""
    name = _NAME_END.split(word, maxsplit=1)[0] if word[:1] != "@" else word
    if "/" in name and not name.startswith(("/", ".")) and "://" not in name:
        name = name.partition("/")[0]
    base, _, architecture = name.partition(":")
    if architecture in ("native", "any", "all", "amd64", "arm64", "i386", "armhf"):
        return base
    return name
