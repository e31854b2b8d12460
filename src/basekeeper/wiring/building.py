"""Opening the builder, where the operator or the user turned it on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from basekeeper.wiring.kept import storage

if TYPE_CHECKING:
    from threading import Event

    from basekeeper.config.settings import Settings
    from basekeeper.ports import Builder

REMEDY: Final = (
    "install buildah (Debian, Ubuntu: apt-get install buildah) and put it on the search path, or"
    " name it as `program` in [runner] of your own settings"
)


def open_builder(settings: Settings, *, ended: Event) -> Builder | None:
    """Open the builder; it is run only when it is asked something. None: it is not turned on.

    Args:
        settings: Of which only what the user and the operator say of the runner counts.
        ended: Once it is set, whatever it does is ended.

    Raises:
        ConfigError: The user's own settings are wrong.
        InputError: They cannot be read.
        ProgramMissing: The builder that was turned on is not there.
    """
    said = storage(settings).runner
    if said is None or said.builder is None:
        return None
    from basekeeper.builders.buildah import Buildah  # noqa: PLC0415  # only to build
    from basekeeper.process import find_program  # noqa: PLC0415

    program = said.program or find_program("buildah", hint=REMEDY)
    directory = Path(said.directory or tempfile.gettempdir())
    return Buildah(program, directory, ended=ended)
