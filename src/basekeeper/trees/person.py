"""Who the user is to git."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from basekeeper.process import Limits, ProcessError, ProgramMissing, find_program, run
from basekeeper.trees.shadow import GIT_HINT

if TYPE_CHECKING:
    from pathlib import Path

MAX_EMAIL_CHARS: Final = 254
"""Longest address of mail (RFC 5321, erratum 1690)."""

_LIMITS: Final = Limits(timeout=10.0, max_output_bytes=65_536)


def git_email(root: Path) -> str | None:
    """Return the `user.email` that a commit made there would have.

    The configurations of the user and of the clone are read, as git does; nothing of them is run.

    Returns:
        None where there is none, none that can be shown, or no git that answers.
    """
    env = {"PATH": os.defpath, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    for name in ("HOME", "XDG_CONFIG_HOME"):
        if name in os.environ:
            env[name] = os.environ[name]
    try:
        git = find_program("git", hint=GIT_HINT)
        done = run([git, "config", "--get", "user.email"], cwd=root, env=env, limits=_LIMITS)
    except (ProgramMissing, ProcessError):
        return None
    text = done.stdout.decode("utf-8", "replace").strip()
    is_usable = text.isprintable() and len(text) <= MAX_EMAIL_CHARS
    return text if done.returncode == 0 and text and is_usable else None
