"""Development containers: their image, or the Dockerfile that they build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from basekeeper.readers.devcontainer import read_devcontainer

if TYPE_CHECKING:
    from basekeeper.readers.spec import Reading

PATH = ".devcontainer/devcontainer.json"


def read(text: str) -> Reading:
    return read_devcontainer(text.encode(), PATH, variables={"GIVEN": "1.2"})


def test_an_image_with_its_place() -> None:
    data = '// dev\n{\n  "image": "mcr.microsoft.com/devcontainers/go:1", // x\n}\n'
    (image,) = read(data).images
    assert image.value == "mcr.microsoft.com/devcontainers/go:1"
    assert (image.place.path, image.place.line, image.place.column) == (PATH, 3, 12)
    assert image.place.span is not None
    assert data.encode()[slice(*image.place.span)].decode() == image.value


BUILDS = [
    ('{"build": {"dockerfile": "Dockerfile"}}', ".devcontainer/Dockerfile", None, {}),
    ('{"build": {"dockerFile": "Dockerfile"}}', ".devcontainer/Dockerfile", None, {}),
    ('{"dockerFile": "../Dockerfile", "context": ".."}', "Dockerfile", None, {}),
    (
        '{"build": {"dockerfile": "D", "context": "..", "target": "dev", "args": {"A": "b"}}}',
        ".devcontainer/D", "dev", {"A": "b"},
    ),
    (
        '{"build": {"dockerfile": "D", "args": {"A": "${localEnv:GIVEN}", "B": "${localEnv:X}"}}}',
        ".devcontainer/D", None, {"A": "1.2"},
    ),
    ('{"build": {"dockerfile": "D", "target": "${localEnv:X}"}}', ".devcontainer/D", None, {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "dockerfile", "target", "args"), BUILDS)
def test_builds(text: str, dockerfile: str, target: str | None, args: dict[str, str]) -> None:
    (spec,) = read(text).builds
    assert (spec.dockerfile, spec.target) == (dockerfile, target)
    assert {key: value.value for key, value in spec.args.items()} == args


IMAGES = [
    ('{"image": "a:${localEnv:GIVEN}"}', "a:1.2", None),
    ('{"image": "a:${localEnv:NO:latest}"}', "a:latest", None),
    ('{"image": "a:${localEnv:NO:}"}', "a:", None),
    ('{"image": "a:${localEnv:NO}"}', "a:${localEnv:NO}", "'${localEnv:NO}' is not known"),
    ('{"image": "${localWorkspaceFolder}/x"}', "${localWorkspaceFolder}/x", "is not known"),
]


@pytest.mark.parametrize(("text", "value", "problem"), IMAGES)
def test_variables(text: str, value: str, problem: str | None) -> None:
    (image,) = read(text).images
    assert image.value == value
    assert (image.problem is None) if problem is None else (problem in (image.problem or ""))


def test_the_environment_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    (image,) = read('{"image": "a:${localEnv:SECRET}"}').images
    assert image.problem is not None


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"image": 1}', '{"dockerComposeFile": "x", "features": {"ghcr.io/a/b": {}}}'],
)
def test_files_that_name_no_image(text: str) -> None:
    reading = read(text)
    assert (reading.images, reading.builds, reading.skipped) == ((), (), ())


SKIPPED = [
    ('{\n"image": \n', "is not valid JSON: it ends too early", 3),
    ('{"build": {"dockerfile": "${localEnv:X}"}}', "is not known: '${localEnv:X}'", 1),
    ('{"build": {"dockerfile": []}}', "is not known: it is no text", 1),
    ('{"build": {"dockerfile": "../../x"}}', "outside the tree", 1),
]


@pytest.mark.parametrize(("text", "reason", "line"), SKIPPED)
def test_what_cannot_be_followed_is_told(text: str, reason: str, line: int) -> None:
    (item,) = read(text).skipped
    assert reason in item.reason
    assert (item.path, item.line) == (PATH, line)
