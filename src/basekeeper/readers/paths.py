"""What a build context and a Dockerfile path mean, told from their text alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.trees.tree import join
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from basekeeper.readers.spec import Place

_REMOTE: Final = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/", re.IGNORECASE)
_DEFAULT_NAME: Final = "Dockerfile"


def is_remote(context: str) -> bool:
    """Tell whether a context is fetched from elsewhere: git, http, or an archive on stdin.

    Source: docker buildx build, "Build context" (git and http addresses, `-`).
    """
    return _REMOTE.match(context) is not None or context == "-"


def dockerfile_path(
    directory: str, context: str, dockerfile: str | None, *, place: Place, what: str
) -> str | Skipped:
    """Return the path, relative to the root, of the Dockerfile of a build.

    Args:
        directory: Directory that the context is relative to, relative to the root.
        context: The context as given.
        dockerfile: The Dockerfile as given, relative to the context; None: its default name.
        place: Where the build stands, for messages.
        what: The build, for messages: `service 'web'`.
    """
    if is_remote(context):
        reason = f"{what} is built from a remote context, which is not fetched"
        return Skipped(place.path, place.line, reason, "survey its repository", fatal=False)
    inside = join(directory, context)
    path = join(inside, dockerfile or _DEFAULT_NAME) if inside is not None else None
    if inside is None and dockerfile and not dockerfile.startswith("/"):
        # A context above the root may still hold a Dockerfile below it.
        path = join(directory, f"{context}/{dockerfile}")
    if not path:
        return Skipped(
            place.path,
            place.line,
            f"{what} is built from a Dockerfile outside the tree",
            "survey the directory that holds both",
        )
    return path
