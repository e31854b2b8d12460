"""Reads the image builds of CI files: GitHub Actions (Gitea, Forgejo) and GitLab CI.

Only literal values count; what an expression or variable gives is left unset.
Sources: the inputs of docker/build-push-action; the workflow syntax of GitHub Actions; the
keyword reference of GitLab CI.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.readers.paths import dockerfile_path, is_remote
from basekeeper.readers.shell import find_builds, without_workspace
from basekeeper.readers.source import Source
from basekeeper.readers.spec import MAX_BUILDS, BuildSpec, NamedContext, Place, Reading, Text
from basekeeper.readers.yamltree import (
    Node,
    YamlError,
    fields_of,
    items_of,
    parse_yaml,
    place_of,
)
from basekeeper.trees.tree import join
from basekeeper.values.use import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from basekeeper.readers.shell import ShellBuild

_BUILDERS: Final = (b"build-push-action", b"kaniko")
_PROGRAMS: Final = (b"docker", b"podman", b"nerdctl", b"buildah")
_VERBS: Final = (b" build", b" bud")
_ACTION: Final = re.compile(r"(?:docker/)build-push-action(?:@|$)")
_SCRIPTS: Final = ("before_script", "script", "after_script")
_DEFAULT_CONTEXT: Final = re.compile(r"\{\{ *defaultContext *\}\}:?")


def read_ci(data: bytes, path: str) -> Reading:
    """Read a workflow, an action or a GitLab CI file.

    A file that is no valid YAML is not reported: it says nothing of images that the Dockerfiles
    do not say, and some are templates.
    """
    if not _mentions_builds(data):
        return Reading()
    source = Source(data, path)
    try:
        top = fields_of(parse_yaml(source))
    except YamlError:
        return Reading()
    reader = _Reader(source)
    if "jobs" in top or "runs" in top:
        reader.github(top)
    else:
        reader.gitlab(top)
    return Reading(tuple(reader.specs))


def _mentions_builds(data: bytes) -> bool:
    """Tell cheaply whether parsing a file is worth it; most CI files build no images."""
    if any(word in data for word in _BUILDERS):
        return True
    return any(word in data for word in _PROGRAMS) and any(word in data for word in _VERBS)


class _Reader:
    """Collects the builds of one file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.specs: list[BuildSpec] = []
        self.names: Counter[str] = Counter()
        # Paths are relative to the checkout, which holds the directory of the CI files.
        head, marker, _ = f"/{source.path}".rpartition("/.g")
        self.root = (head if marker else posixpath.dirname(f"/{source.path}")).strip("/")

    def github(self, top: Mapping[str, Node]) -> None:
        """Read the steps of every job, or of a composite action."""
        for job, node in fields_of(top.get("jobs")).items():
            fields = fields_of(node)
            default = _working_directory(fields) or _working_directory(top) or "."
            self.steps(job, fields.get("steps"), default)
        self.steps("action", fields_of(top.get("runs")).get("steps"), ".")

    def steps(self, job: str, steps: Node | None, directory: str) -> None:
        for step in items_of(steps):
            fields = fields_of(step)
            uses, script = fields.get("uses"), fields.get("run")
            if uses is not None and _ACTION.match(uses.scalar or ""):
                self.action(job, step, fields_of(fields.get("with")))
            elif script is not None:
                own = fields.get("working-directory")
                self.script(job, script, (own.scalar or "") if own is not None else directory)

    def action(self, job: str, step: Node, inputs: Mapping[str, Node]) -> None:
        """Read one step with docker/build-push-action; `file` is relative to the checkout."""
        context = _literal(inputs, "context", default=".")
        file = _literal(inputs, "file", default="")
        if file is None or (not file and context is None):
            return
        context = _DEFAULT_CONTEXT.sub("", context or "") or "."
        place = place_of(self.source, step)
        path = self.path(".", file, place) if file else self.path(context, None, place)
        args = {}
        for line, node in _lines(inputs.get("build-args")):
            name, equals, value = line.partition("=")
            if equals and "${{" not in value:
                args[name.strip()] = Text(value, place_of(self.source, node), raw=value)
        contexts = [
            NamedContext(name, Text(value, place_of(self.source, node), raw=value))
            for line, node in _lines(inputs.get("build-contexts"))
            for name, equals, value in [line.partition("=")]
            if equals and "${{" not in value
        ]
        platforms = ",".join(line for line, _ in _lines(inputs.get("platforms")))
        self.add(
            job,
            BuildSpec(
                name="",
                place=place,
                dockerfile=path,
                args=MappingProxyType(args),
                target=_literal(inputs, "target", default="") or None,
                platforms=_platforms(platforms.split(",")),
                contexts=tuple(contexts),
                dockerfile_given=bool(file),
            ),
        )

    def gitlab(self, top: Mapping[str, Node]) -> None:
        """Read the scripts of every job."""
        for job, node in top.items():
            fields = fields_of(node)
            lines = [line for key in _SCRIPTS if key in fields for line in _flat(fields[key])]
            directory = "."
            for line in lines:
                change = re.fullmatch(r"cd +([\w./-]+)", (line.scalar or "").strip())
                if change:
                    directory = posixpath.normpath(posixpath.join(directory, change[1]))
                else:
                    self.script(job, line, directory)

    def script(self, job: str, node: Node, directory: str) -> None:
        """Read the builds of one script."""
        directory = without_workspace(directory)
        if "$" in directory:
            return
        text = node.scalar or ""
        for build in find_builds(text):
            if build.unknown or build.directory is None or (build.file or build.context) is None:
                continue
            where = posixpath.normpath(posixpath.join(directory, build.directory))
            first = self.source.line(node.start) + (1 if node.style in ("|", ">") else 0)
            # Folded scripts lose their line breaks, so only literal ones can be counted.
            below = text.count("\n", 0, build.offset) if node.style in ("|", None, "") else 0
            self.shell(job, build, where, Place(self.source.path, first + below, 1, None))

    def shell(self, job: str, build: ShellBuild, where: str, place: Place) -> None:
        """Turn one build command into a BuildSpec."""
        if build.file in ("-", "/dev/stdin") or (build.context == "-" and build.file is None):
            return
        if build.file is not None:
            path = self.path(where, build.file, place)
        else:
            path = self.path(posixpath.join(where, build.context or "."), None, place)
        self.add(
            job,
            BuildSpec(
                name="",
                place=place,
                dockerfile=path,
                args=MappingProxyType(
                    {key: Text(value, place, raw=value) for key, value in build.args.items()}
                ),
                target=build.target,
                platforms=_platforms(build.platforms),
                contexts=tuple(
                    NamedContext(key, Text(value, place, raw=value))
                    for key, value in build.contexts.items()
                ),
                dockerfile_given=build.file is not None,
            ),
        )

    def path(self, context: str, file: str | None, place: Place) -> str | None:
        """Return the Dockerfile; None for one elsewhere, which is no business of this tree."""
        if is_remote(context) or (file and is_remote(file)):
            return None
        inside = join(self.root, context)
        if inside is None:
            return None
        found = dockerfile_path(inside, ".", file, place=place, what="build")
        return None if isinstance(found, Skipped) else found

    def add(self, job: str, spec: BuildSpec) -> None:
        """Keep a build that stands on a Dockerfile of this tree; each name once."""
        if spec.dockerfile is None or len(self.specs) >= MAX_BUILDS:
            return
        name = f"{self.source.path}: {job}"
        self.names[name] += 1
        unique = name if self.names[name] == 1 else f"{name} #{self.names[name]}"
        self.specs.append(replace(spec, name=unique))


def _literal(inputs: Mapping[str, Node], key: str, *, default: str) -> str | None:
    """Return an input; None where an expression gives it."""
    node = inputs.get(key)
    if node is None or node.scalar is None:
        return default
    value = without_workspace(node.scalar.strip())
    return None if "${{" in value else value


def _lines(node: Node | None) -> Iterator[tuple[str, Node]]:
    """Yield the lines of a block of text, or the items of a list."""
    if node is None:
        return
    for each in node.items if node.items is not None else [node]:
        for line in (each.scalar or "").splitlines():
            if line.strip():
                yield line.strip(), each


def _flat(node: Node) -> Iterator[Node]:
    """Yield the scalars of a list of lists, as GitLab flattens them."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if each.items is not None:
            waiting.extend(reversed(each.items))
        elif each.scalar:
            yield each


def _working_directory(fields: Mapping[str, Node]) -> str | None:
    node = fields_of(fields_of(fields.get("defaults")).get("run")).get("working-directory")
    return node.scalar if node is not None else None


def _platforms(words: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(word.strip() for word in words if word.strip() and "$" not in word)
