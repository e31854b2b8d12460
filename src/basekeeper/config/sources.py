"""Where the configuration of a repository lies, and reading it from a directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from basekeeper.config.document import MAX_TOML_BYTES, Document, read_document
from basekeeper.errors import ConfigError, InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader: TypeAlias = Callable[[str], bytes | None]
    """Returns the content of a file by its POSIX path below the root; None: there is none."""

CONFIG_PATHS: Final = ("basekeeper.toml", ".github/basekeeper.toml")
"""Files of our own; beside them `[tool.basekeeper]` of `pyproject.toml`."""

PYPROJECT: Final = "pyproject.toml"

OUR_TABLE: Final = ("tool", "basekeeper")
"""Where our keys stand in `pyproject.toml`."""


def find_config(read: Reader) -> Document | None:
    """Read the one configuration file of a tree; None where it has none.

    Raises:
        ConfigError: There is more than one, or it is no usable TOML.
    """
    found = []
    for path in CONFIG_PATHS:
        data = read(path)
        if data is not None:
            found.append((path, data))
    project = read(PYPROJECT)
    # Other people's mistakes in that file are not ours to report, unless our table may be in it.
    if project is not None and b"basekeeper" in project:
        document = read_document(project, PYPROJECT)
        if has_our_table(document):
            found.append((PYPROJECT, project))
    if len(found) > 1:
        first, second = found[0][0], found[1][0]
        raise ConfigError(
            (
                Problem(
                    second,
                    None,
                    "",
                    f"is a second configuration beside {first}",
                    f"move its settings into {first} and remove it",
                ),
            )
        )
    return read_document(found[0][1], found[0][0]) if found else None


def has_our_table(document: Document) -> bool:
    """Tell whether a `pyproject.toml` holds `[tool.basekeeper]`."""
    tool = document.data.get(OUR_TABLE[0])
    return isinstance(tool, dict) and OUR_TABLE[1] in tool


def directory_reader(root: Path) -> Reader:
    """Return a reader of the files below a directory.

    The reader raises ConfigError for a link that leads out of the directory and for a file that
    cannot be read; it reads at most one byte more than a configuration may have.
    """
    top = root.resolve()

    def read(path: str) -> bytes | None:
        try:
            target = (top / path).resolve()
            if not target.is_relative_to(top):
                raise _unreadable(path, "is a link that leaves the repository")
            if target.is_file():
                return _head(target)
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise _unreadable(path, f"cannot be read: {reason}") from error
        except RuntimeError as error:  # before Python 3.13, what a cyclic link is resolved to
            raise _unreadable(path, "is a link that leads nowhere") from error
        if target.is_symlink() or (top / path).is_symlink():
            raise _unreadable(path, "is a link that leads nowhere")
        return None

    return read


def read_named(path: str, *, kind: str = "policy") -> bytes:
    """Read a file that the user named; `kind` is what messages call it.

    Raises:
        InputError: It does not exist or cannot be read.
    """
    try:
        return _head(Path(path))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"{kind} {path!r} cannot be read: {reason}", hint="name a readable TOML file"
        ) from error


def _head(path: Path) -> bytes:
    """Read a file up to the limit and one byte, so that the limit is seen to be passed."""
    with path.open("rb") as file:
        return file.read(MAX_TOML_BYTES + 1)


def _unreadable(path: str, message: str) -> ConfigError:
    return ConfigError((Problem(path, None, "", message),))
