"""Reads which image a development container stands on.

Source: the development container specification, devcontainer.json reference. `features` are no
images that a build stands on; Compose files that it names are read by themselves.
"""

from __future__ import annotations

import posixpath
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.readers.jsonc import JsonError, parse_json
from basekeeper.readers.paths import dockerfile_path
from basekeeper.readers.source import Source
from basekeeper.readers.spec import BuildSpec, Reading, Text
from basekeeper.readers.yamltree import Node, fields_of, place_of
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ENTRIES: Final = 512
"""Arguments of one build."""

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z]{1,64})(?::([^:}$]{0,256}))?(?::([^}$]{0,1024}))?\}")


def read_devcontainer(
    data: bytes, path: str, *, variables: Mapping[str, str] | None = None
) -> Reading:
    """Read a `devcontainer.json`.

    Args:
        data: The file.
        path: Its path, relative to the root.
        variables: Values given by the user for `${localEnv:NAME}`; the environment is not asked.
    """
    source = Source(data, path)
    try:
        top = fields_of(parse_json(source))
    except JsonError as error:
        hint = "correct the file, or exclude it from the survey"
        return Reading(skipped=(Skipped(path, error.line, error.reason, hint),))
    reader = _Reader(source, variables or {})
    build = fields_of(top.get("build"))
    dockerfile = build.get("dockerfile") or build.get("dockerFile") or top.get("dockerFile")
    if dockerfile is not None:
        return reader.build(dockerfile, build, top.get("context"))
    image = reader.text(top.get("image"))
    return Reading(images=(image,) if image is not None else ())


class _Reader:
    """Expands the texts of one file."""

    def __init__(self, source: Source, variables: Mapping[str, str]) -> None:
        self.source = source
        self.variables = variables

    def text(self, node: Node | None) -> Text | None:
        """Read one text, variables expanded; None for everything else."""
        if node is None or node.scalar is None or node.style != '"':
            return None
        unknown: list[str] = []

        def expanded(match: re.Match[str]) -> str:
            value = self.variables.get(match[2] or "") if match[1] == "localEnv" else None
            value = match[3] if value is None else value
            if value is None:
                unknown.append(match[0])
            return value or ""

        value = _VARIABLE.sub(expanded, node.scalar)
        place = place_of(self.source, node)
        if unknown:
            problem = f"{unknown[0]!r} is not known outside the container"
            return Text(node.scalar, place, raw=node.scalar, problem=problem)
        return Text(value, place, raw=node.scalar)

    def build(
        self, dockerfile: Node, build: Mapping[str, Node], old_context: Node | None
    ) -> Reading:
        """Read a build; both paths are relative to the directory of the file."""
        place = place_of(self.source, dockerfile)
        given = self.text(dockerfile)
        target = self.text(build.get("target"))
        context = self.text(build.get("context") or old_context)
        if given is None or given.problem is not None:
            why = given.problem if given is not None and given.problem else "it is no text"
            reason = f"the Dockerfile of the development container is not known: {why}"
            return Reading(skipped=(Skipped(place.path, place.line, reason),))
        path = dockerfile_path(
            posixpath.dirname(place.path),
            ".",
            given.value,
            place=place,
            what="the development container",
        )
        if isinstance(path, Skipped):
            return Reading(skipped=(path,))
        args = {
            name: text
            for name, node in list(fields_of(build.get("args")).items())[:MAX_ENTRIES]
            if (text := self.text(node)) is not None and text.problem is None
        }
        spec = BuildSpec(
            name=place.path,
            place=context.place if context is not None else place,
            dockerfile=path,
            args=MappingProxyType(args),
            target=target.value if target is not None and target.problem is None else None,
        )
        return Reading(builds=(spec,))
