"""How build arguments reach a builder: those that look secret on no command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.builders.failing import refused
from basekeeper.builders.logs import looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,200}", re.ASCII)
_CONTEXT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,255}", re.ASCII)
_THE_BUILDERS: Final = re.compile(
    r"(?:LD_|GO|BUILDAH_|CONTAINERS?_|STORAGE_|REGISTRY_|DOCKER_|XDG_|SSL_|_|HOME\Z|PATH\Z|TMPDIR\Z)"
    r".*",
    re.ASCII,
)
"""Variables that the builder or what starts it may read itself."""


def argument_words(args: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return words of the command, and variables that they refer to.

    Raises:
        NoImage: A name or value is none that can be passed.
    """
    words, given = [], {}
    for name, value in args.items():
        if _NAME.fullmatch(name) is None or "\0" in value:
            raise refused(f"build argument {name!r:.80} cannot be passed")
        if looks_secret(name) and _THE_BUILDERS.fullmatch(name) is None:
            given[name] = value
            words += ["--build-arg", name]
        else:
            words += ["--build-arg", f"{name}={value}"]
    return words, given


def check_context_names(names: Iterable[str]) -> None:
    """Refuse names of contexts that a command line cannot tell from what follows them.

    Raises:
        NoImage: One is such.
    """
    for name in names:
        if _CONTEXT.fullmatch(name) is None:
            raise refused(f"{name!r:.80} is no name of a build context")
