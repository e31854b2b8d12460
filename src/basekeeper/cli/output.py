"""Where the result goes: standard output or a file, with fitting columns and encoding."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from basekeeper.cli.streams import drop_output
from basekeeper.errors import InputError
from basekeeper.render.layout import PIPED_WIDTH, Style, clamp_width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TextIO

_BLOCK_BYTES: Final = 65_536
"""Written at once; with `PYTHONUNBUFFERED` each piece would be a call of the system."""


def style_for(stream: TextIO, colour: str) -> Style:
    """Tell how text may look on a stream.

    Args:
        stream: Where it goes.
        colour: `always`, `never`, or `auto`: on a terminal, unless `NO_COLOR` is set to anything
            (https://no-color.org) or the terminal is a dumb one.
    """
    terminal = stream.isatty()
    encoding = (getattr(stream, "encoding", None) or "ascii").lower()
    return Style(
        width=_columns(stream) if terminal else PIPED_WIDTH,
        colour=_is_coloured(colour, terminal=terminal),
        unicode=encoding.startswith("utf"),
    )


def _is_coloured(colour: str, *, terminal: bool) -> bool:
    """Decide about colours."""
    if colour != "auto":
        return colour == "always"
    return terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _columns(stream: TextIO) -> int:
    """Ask a terminal for its width."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return PIPED_WIDTH
    return clamp_width(columns) if columns else PIPED_WIDTH


def write_result(
    given: Mapping[str, Any], rendered: Callable[[Style], str | Iterable[str | bytes]]
) -> None:
    """Write the result of a verb where `--output` says, as `--color` and `--format` allow.

    Args:
        given: What the verb was called with: `output`, `color` and `format`.
        rendered: Makes the result, whole or in pieces, for how text may look there.

    Raises:
        InputError: It cannot be written.
    """
    if given["output"] is None:
        style = style_for(sys.stdout, given["color"])
        emit(rendered(style), encoded=given["format"] != "text")
    else:
        write_file(given["output"], rendered(Style(colour=given["color"] == "always")))


def emit(text: str | Iterable[str | bytes], *, encoded: bool) -> None:
    """Write the result to standard output; a reader that goes away ends it quietly.

    Args:
        text: The result, whole or in pieces; bytes, only where it is encoded, stay as they are.
        encoded: True for formats whose encoding is fixed as UTF-8.

    Raises:
        InputError: Standard output is closed, or its disk is full.
    """
    try:
        if encoded:
            sys.stdout.flush()
            sys.stdout.buffer.writelines(_encoded(text))
            sys.stdout.buffer.flush()
        else:
            for piece in (text,) if isinstance(text, str) else text:
                sys.stdout.write(str(piece))
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()  # the exit code still tells the verdict: no error at the end
    except OSError as error:
        drop_output()
        raise InputError(
            f"cannot write to standard output: {error.strerror or error}",
            hint="give it a place with room, or name a file with --output",
        ) from error


def _encoded(text: str | Iterable[str | bytes]) -> Iterator[bytes]:
    """Encode text as UTF-8, in blocks; bytes of names that are not are written as escapes."""
    block = bytearray()
    for piece in (text,) if isinstance(text, str) else text:
        block += piece if isinstance(piece, bytes) else piece.encode("utf-8", "backslashreplace")
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def write_file(path: str, data: bytes | str | Iterable[str | bytes]) -> None:
    """Write a file whole or not at all: beside it first, then moved into its place.

    Args:
        path: Where to.
        data: What to write; text, whole or in pieces, becomes UTF-8.

    Raises:
        InputError: It cannot be written.
    """
    target = Path(path)
    pieces = (data,) if isinstance(data, bytes) else _encoded(data)
    try:
        if target.exists() and not target.is_file():  # /dev/stdout, a named pipe
            with target.open("wb") as file:
                file.writelines(pieces)
            return
        _replace(target, pieces)
    except OSError as error:
        raise InputError(
            f"cannot write {path!r}: {error.strerror or error}",
            hint="name a file in an existing directory that you may write to, and that has room",
        ) from error


def _replace(target: Path, pieces: Iterable[bytes]) -> None:
    """Write beside the target and move the file over it, with the rights a new file would get."""
    mask = os.umask(0)
    os.umask(mask)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:64]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
