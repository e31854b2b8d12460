"""Finds the image builds in the lines of a shell script, as far as they are literal."""

from __future__ import annotations

import posixpath
import re
from dataclasses import field
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_WORDS: Final = 4096
"""Words of one command."""

_CONTINUED: Final = re.compile(r"\\\r?\n[ \t]*")
# A possessive group ends in `(?!)`, so that a pass that fails moves nothing (Python below 3.11.5).
_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t]++)|(?P<end>\|\||&&|[;|&\n]|\r\n)|(?P<comment>\#[^\n]*+)"""
    r"""|(?P<word>(?:[^\s"'\\;|&]++|\\.|"(?:[^"\\]++|\\.|(?!))*+"|'[^']*+'|(?!))++)|(?P<odd>.)""",
    re.DOTALL,
)
_PIECE: Final = re.compile(
    r"""\\(.)|"((?:[^"\\]++|\\.|(?!))*+)"|'([^']*+)'|([^"'\\]++)|(.)""", re.DOTALL
)
_WORKSPACE: Final = re.compile(
    r"(?:\$\{\{ *github\.workspace *\}\}|\$\{?GITHUB_WORKSPACE\}?|\$\{?CI_PROJECT_DIR\}?"
    r"|\$\{?PWD\}?|\$\(pwd\))(?:/|$)"
)
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SWITCHES: Final = frozenset(
    {
        "--no-cache", "--pull", "--push", "--load", "--quiet", "-q", "--rm", "--force-rm", "-D",
        "--squash", "--compress", "--check", "--debug", "--layers", "--tls-verify",
        "--disable-content-trust", "--skip-tls-verify", "--cleanup", "--reproducible", "--no-push",
        "--single-snapshot", "--use-new-run", "--insecure", "--cache", "--squash-all",
    }
)  # fmt: skip
"""Options without a value, in docker, buildx, podman, buildah and kaniko; with `=` for the rest."""


@dataclass(slots=True)
class ShellBuild:
    """One build command; unknown values are None."""

    offset: int
    """Character of the script at which the command stands."""
    directory: str | None
    """Where it runs, relative to where the script starts; None where that is not known."""
    context: str | None = None
    file: str | None = None
    """Relative to `directory`."""
    target: str | None = None
    args: dict[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    contexts: dict[str, str] = field(default_factory=dict)
    unknown: bool = False
    """Whether file or context is given by something that only the run knows."""


def find_builds(script: str) -> Iterator[ShellBuild]:
    """Yield the builds of a script: docker, docker buildx, podman, buildah, kaniko.

    `cd` is followed where its target is literal. Values with variables are left out.
    """
    directory: str | None = "."
    for offset, words in _commands(script):
        while words and _ASSIGNMENT.match(words[0]):
            words.pop(0)
        if words[:1] == ["sudo"]:
            words.pop(0)
        if words[:1] == ["cd"] and len(words) > 1:
            directory = _changed(directory, words[1])
            continue
        start = _options_start(words)
        if start:
            build = ShellBuild(offset, directory)
            kaniko = posixpath.basename(words[0]) == "executor"
            _read_options(build, words[start:], kaniko=kaniko)
            yield build


def without_workspace(text: str) -> str:
    """Cut the variables that stand for the directory of the checkout off a path."""
    match = _WORKSPACE.match(text)
    return (text[match.end() :] or ".") if match else text


def _commands(script: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each simple command as words without quotes, and where it starts."""
    words: list[str] = []
    offset = 0
    # Blanks keep offsets right on the line of the command, which is all that is asked for.
    joined = _CONTINUED.sub(lambda match: " " * len(match[0]), script)
    for match in _TOKEN.finditer(joined):
        kind = match.lastgroup
        if kind == "word" and len(words) < MAX_WORDS:
            offset = offset if words else match.start()
            words.append(_unquoted(match[0]))
        elif kind == "end" and words:
            yield offset, words
            words = []
    if words:
        yield offset, words


def _unquoted(word: str) -> str:
    return "".join(
        escaped or double or single or plain or odd
        for escaped, double, single, plain, odd in _PIECE.findall(word)
    )


def _changed(directory: str | None, target: str) -> str | None:
    target = without_workspace(target)
    if directory is None or _is_unknown(target) or target.startswith(("/", "~", "-")):
        return None
    return posixpath.normpath(posixpath.join(directory, target))


def _options_start(words: list[str]) -> int:
    """Return the index of the first word after the build command; 0 where it is none."""
    program = posixpath.basename(words[0]) if words else ""
    if program == "executor" and "kaniko" in words[0]:
        return 1
    if program in ("docker", "podman", "nerdctl", "buildah"):
        if words[1:2] in (["build"], ["bud"]):
            return 2
        if words[1:3] in (["buildx", "build"], ["image", "build"], ["builder", "build"]):
            return 3
    return 0


def _read_options(build: ShellBuild, words: list[str], *, kaniko: bool) -> None:
    """Read the options and the context."""
    waiting = list(reversed(words))
    while waiting:
        word = waiting.pop()
        if not word.startswith("-") or word == "-":
            _set_context(build, word)
            continue
        name, equals, value = word.partition("=")
        if name in _SWITCHES and not kaniko:
            continue
        if len(word) > 2 and word[1] != "-" and word[1] in "ft" and not equals:  # noqa: PLR2004
            name, value, equals = word[:2], word[2:], "="
        if not equals:
            if name in _SWITCHES or not waiting:
                continue
            value = waiting.pop()
        _set_option(build, name, value, kaniko=kaniko)


def _set_context(build: ShellBuild, value: str) -> None:
    value = without_workspace(value)
    build.unknown = build.unknown or _is_unknown(value)
    build.context = value


def _set_option(build: ShellBuild, name: str, value: str, *, kaniko: bool) -> None:
    """Apply one option."""
    key, equals, inner = value.partition("=")
    if name in ("-f", "--file", "--dockerfile"):
        build.file = without_workspace(value)
        build.unknown = build.unknown or _is_unknown(build.file)
    elif name in ("-c", "--context") and kaniko:
        _set_context(build, value.removeprefix("dir://"))
    elif name == "--target" and not _is_unknown(value):
        build.target = value
    elif name == "--build-arg" and equals and not _is_unknown(inner):
        build.args[key] = inner
    elif name == "--build-context" and equals and not _is_unknown(inner):
        build.contexts[key] = inner
    elif name in ("--platform", "--custom-platform") and not _is_unknown(value):
        build.platforms = tuple(value.split(","))


def _is_unknown(text: str) -> bool:
    return "$" in text or "`" in text
