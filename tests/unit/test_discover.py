"""Discovery: files, builds, roles and what could not be read, on trees as users have them."""

from __future__ import annotations

import subprocess
import textwrap
from typing import TYPE_CHECKING

import pytest

from basekeeper.discover import discover
from basekeeper.trees.revision import GitTree
from basekeeper.trees.working import WorkingTree
from basekeeper.values.settings import DiscoverSettings
from basekeeper.values.use import Kind, Role, Via

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from basekeeper.values.use import Survey, Use

STAGES = """\
ARG VERSION=1
FROM golang:$VERSION AS build
RUN make
FROM debian:12 AS test
FROM alpine:3.22 AS release
COPY --from=build /x /x
COPY --from=busybox:1 /y /y
"""


def survey(
    root: Path, files: Mapping[str, str | bytes], settings: DiscoverSettings | None = None
) -> Survey:
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else textwrap.dedent(content).encode()
        target.write_bytes(data)
    with WorkingTree(root) as tree:
        return discover(tree, settings or DiscoverSettings())


def roles(found: Survey) -> dict[str, str]:
    return {use.text: use.role.value for use in found.uses}


def only(found: Survey) -> Use:
    (use,) = found.uses
    return use


def test_a_dockerfile_by_itself_is_built_by_default(tmp_path: Path) -> None:
    found = survey(tmp_path, {"Dockerfile": "# syntax=docker/dockerfile:1\n" + STAGES})
    assert roles(found) == {
        "docker/dockerfile:1": "frontend", "golang:1": "build", "debian:12": "unused",
        "alpine:3.22": "final", "busybox:1": "build",
    }  # fmt: skip
    (file,) = found.files
    assert (file.path, file.kind, [plan.name for plan in file.plans]) == (
        "Dockerfile", "dockerfile", ["default"],
    )  # fmt: skip
    golang = found.uses[1]
    assert (golang.line, golang.column, golang.stage, golang.via) == (3, 6, "build", Via.FROM)
    assert golang.kind is Kind.CONCRETE
    assert golang.reference is not None
    assert golang.builds == ("default",)
    assert [(each.name, each.line) for each in golang.supplied_by] == [("VERSION", 2)]
    unused = next(use for use in found.uses if use.role is Role.UNUSED)
    assert unused.builds == ()


def test_a_compose_file_says_target_and_arguments(tmp_path: Path) -> None:
    compose = (
        "services:\n  web:\n    build:\n      context: .\n"
        "      target: slim\n      args: {VERSION: '2'}\n"
    )
    found = survey(
        tmp_path,
        {
            "Dockerfile": STAGES.replace("test", "slim"),
            "compose.yaml": compose,
        },
    )
    assert roles(found) == {
        "golang:2": "unused", "debian:12": "final", "alpine:3.22": "unused", "busybox:1": "unused",
    }  # fmt: skip
    supplier = found.uses[0].supplied_by[-1]
    assert (supplier.name, supplier.path, supplier.line) == ("VERSION", "compose.yaml", 6)
    assert {file.path: file.kind for file in found.files} == {
        "Dockerfile": "dockerfile",
        "compose.yaml": "compose",
    }


def test_a_build_for_developers_does_not_hide_the_one_that_ships(tmp_path: Path) -> None:
    compose = "services: {web: {build: {context: ., target: test}}}"
    found = survey(tmp_path, {"Dockerfile": STAGES, "compose.yaml": compose})
    assert roles(found)["alpine:3.22"] == "final"
    assert roles(found)["debian:12"] == "build"
    plans = {plan.name: plan.shipped for file in found.files for plan in file.plans}
    assert plans == {"default": True, "compose.yaml: web": False}


def test_builds_with_other_arguments_are_uses_of_their_own(tmp_path: Path) -> None:
    text = "ARG V=1\nFROM alpine:$V\n"
    compose = "services:\n" + "".join(
        f"  s{n}: {{build: {{context: ., args: {{V: '{n % 2 + 2}'}}}}}}\n" for n in range(4)
    )
    found = survey(tmp_path, {"Dockerfile": text, "compose.yaml": compose})
    assert {use.text: use.builds for use in found.uses} == {
        "alpine:2": ("compose.yaml: s0", "compose.yaml: s2"),
        "alpine:3": ("compose.yaml: s1", "compose.yaml: s3"),
    }


def test_platforms_count_only_where_the_file_asks_for_them(tmp_path: Path) -> None:
    settings = DiscoverSettings(platforms=("linux/amd64", "linux/arm64"))
    files = {
        "a/Dockerfile": "FROM alpine:3.22\n",
        "b/Dockerfile": "ARG TARGETARCH\nFROM base-${TARGETARCH}\n",
    }
    found = survey(tmp_path, files, settings)
    names = {file.path: [plan.name for plan in file.plans] for file in found.files}
    assert names == {
        "a/Dockerfile": ["default"],
        "b/Dockerfile": ["default (linux/amd64)", "default (linux/arm64)"],
    }
    assert roles(found) == {"alpine:3.22": "final", "base-amd64": "final", "base-arm64": "final"}


def test_arguments_of_the_settings_win_everywhere(tmp_path: Path) -> None:
    compose = "services: {web: {build: {context: ., args: {V: '2', W: '${FROM_USER}'}}}}"
    text = "ARG V=1\nARG W=x\nFROM alpine:$V\nFROM debian:$W\n"
    settings = DiscoverSettings(build_args={"V": "9", "FROM_USER": "12"})
    found = survey(tmp_path, {"Dockerfile": text, "compose.yaml": compose}, settings)
    assert set(roles(found)) == {"alpine:9", "debian:12"}
    assert found.uses[0].supplied_by[-1].span is None


def test_inline_dockerfiles_point_into_their_file(tmp_path: Path) -> None:
    compose = """\
        services:
          web:
            build:
              dockerfile_inline: |
                FROM alpine:3.22
                RUN make \\
                  it
        """
    found = survey(tmp_path, {"compose.yaml": compose})
    use = only(found)
    assert (use.path, use.line, use.column) == ("compose.yaml#services.web", 5, 14)
    assert use.span is not None
    assert (tmp_path / "compose.yaml").read_bytes()[slice(*use.span)] == b"alpine:3.22"
    file = next(file for file in found.files if file.document is not None)
    assert (file.path, file.kind, file.first_line) == ("compose.yaml#services.web", "compose", 5)


def test_an_inline_image_that_stands_nowhere_alone_has_no_span(tmp_path: Path) -> None:
    bake = 'V = "3.22"\ntarget "a" {\n  dockerfile-inline = "FROM alpine:${V}"\n}\n'
    use = only(survey(tmp_path, {"docker-bake.hcl": bake}))
    assert (use.path, use.text, use.span, use.column) == (
        "docker-bake.hcl#target.a",
        "alpine:3.22",
        None,
        1,
    )


def test_a_named_context_replaces_an_image_and_is_a_use_itself(tmp_path: Path) -> None:
    compose = """\
        services:
          web:
            build:
              context: .
              additional_contexts:
                build: docker-image://golang:1.26
                alpine:3.22: docker-image://alpine:3.23
                busybox:1: service:other
                nobody: docker-image://unused:1
                odd: docker-image://$UNSET
        """
    found = survey(tmp_path, {"Dockerfile": STAGES, "compose.yaml": compose})
    contexts = {
        use.text: (use.role.value, use.line) for use in found.uses if use.via is Via.CONTEXT
    }
    assert contexts == {
        "golang:1.26": ("build", 6), "alpine:3.23": ("final", 7), "unused:1": ("unused", 9),
        "$UNSET": ("unused", 10),
    }  # fmt: skip
    assert {use.text for use in found.uses if use.via is not Via.CONTEXT} == {"debian:12"}
    assert next(use for use in found.uses if use.text == "$UNSET").kind is Kind.OPAQUE


def test_bake_devcontainer_and_ci_are_read(tmp_path: Path) -> None:
    files = {
        "Dockerfile": "ARG V=1\nFROM alpine:$V AS a\nFROM debian:12 AS b\n",
        "docker-bake.hcl": 'target "app" {\n  target = "a"\n  args = { V = "2" }\n}\n',
        ".github/workflows/ci.yml": "jobs: {j: {steps: [{run: docker build --target b .}]}}\n",
        ".devcontainer/devcontainer.json": '{"image": "mcr.microsoft.com/devcontainers/base:1"}',
    }
    found = survey(tmp_path, files)
    assert roles(found) == {
        "alpine:2": "final",
        "debian:12": "final",
        "mcr.microsoft.com/devcontainers/base:1": "final",
    }  # fmt: skip
    container = found.uses[0]
    assert (container.path, container.via, container.production) == (
        ".devcontainer/devcontainer.json", Via.DEVCONTAINER, False,
    )  # fmt: skip
    assert {file.kind for file in found.files} == {"dockerfile", "bake", "devcontainer"}
    names = {name for use in found.uses for name in use.builds}
    assert {"docker-bake.hcl: app", ".github/workflows/ci.yml: j"} <= names


@pytest.mark.parametrize("name", ["Containerfile", "dockerfile"])
def test_a_context_without_dockerfile_takes_other_default_names(tmp_path: Path, name: str) -> None:
    files = {f"web/{name}": "FROM alpine\n", "compose.yaml": "services: {web: {build: web}}"}
    found = survey(tmp_path, files)
    assert found.skipped == ()
    assert only(found).builds == ("compose.yaml: web",)


def test_files_that_others_name_are_read_whatever_they_are_called(tmp_path: Path) -> None:
    files = {
        "compose.yaml": "include: [more.yaml]\nservices: {a: {build: {dockerfile: images/app}}}",
        "more.yaml": "include: [more.yaml]\nservices: {b: {build: {dockerfile: Dockerfile.js}}}",
        "images/app": "FROM alpine:1\n",
        "Dockerfile.js": "nonsense\n",
        "Dockerfile.py": "FROM python:3\n",
        "dockerfile.go": "package docker\n",
        "build/image.txt": "FROM debian\n",
    }
    settings = DiscoverSettings(dockerfiles=("build/*.txt",))
    found = survey(tmp_path, files, settings)
    assert set(roles(found)) == {"alpine:1", "python:3", "debian"}
    assert "dockerfile.go" not in {file.path for file in found.files}
    assert "Dockerfile.js" in {file.path for file in found.files}


def test_excludes_and_includes(tmp_path: Path) -> None:
    files = dict.fromkeys(
        ("a/Dockerfile", "a/x/Dockerfile", "b/Dockerfile", "c/other"), "FROM alpine\n"
    )
    files["a/compose.yaml"] = (
        "services: {x: {build: x}, c: {build: {context: .., dockerfile: c/other}}}"
    )
    settings = DiscoverSettings(include=("a",), exclude=("a/x/", "c"))
    found = survey(tmp_path, files, settings)
    assert {use.path for use in found.uses} == {"a/Dockerfile"}
    settings = DiscoverSettings(exclude=("a/compose.yaml", "b"))
    assert {use.path for use in survey(tmp_path, {}, settings).uses} == {
        "a/Dockerfile",
        "a/x/Dockerfile",
    }


def test_non_production_paths(tmp_path: Path) -> None:
    files = dict.fromkeys(
        ("Dockerfile", "tests/Dockerfile", "src/testdata/x/Dockerfile", "examples/Dockerfile"),
        "FROM alpine\n",
    )
    found = survey(tmp_path, files)
    assert [use.path for use in found.uses if use.production] == ["Dockerfile"]
    settings = DiscoverSettings(non_production=("Dockerfile",))
    assert not any(use.production for use in survey(tmp_path, {}, settings).uses)


def test_a_compose_file_of_tests_does_not_say_what_ships(tmp_path: Path) -> None:
    files = {
        "Dockerfile": "FROM alpine:1 AS a\nFROM alpine:2 AS b\n",
        "tests/compose.yaml": "services: {x: {build: {context: .., target: a}}, y: {build: .}}",
        "tests/Dockerfile": "FROM alpine:3\n",
    }
    found = survey(tmp_path, files)
    assert roles(found) == {"alpine:1": "build", "alpine:2": "final", "alpine:3": "final"}


def test_kinds_of_names(tmp_path: Path) -> None:
    text = "FROM scratch\nFROM $NOTHING\nFROM UPPER/Case:x y\nFROM Bad_/Name\nFROM alpine:latest\n"
    found = survey(tmp_path, {"Dockerfile": text})
    kinds = {use.raw: use.kind.value for use in found.uses}
    assert kinds["scratch"] == "scratch"
    assert kinds["$NOTHING"] == "opaque"
    assert kinds["alpine:latest"] == "concrete"
    assert kinds["Bad_/Name"] == "invalid"
    assert all(use.problem for use in found.uses if use.kind in (Kind.OPAQUE, Kind.INVALID))


def test_templates_are_classified_and_listed(tmp_path: Path) -> None:
    files = {
        "Dockerfile.tmpl": "FROM alpine:{{ .Version }}\n",
        "Dockerfile.part": "RUN make\n",
        "Dockerfile": "FROM debian:%%SUITE%%\nRUN echo '{{ok}}'\n",
        "plain/Dockerfile": "FROM debian:12\nRUN docker inspect -f '{{.Id}}'\n",
    }
    found = survey(tmp_path, files)
    assert {file.path: file.template is not None for file in found.files} == {
        "Dockerfile": True, "Dockerfile.part": True,
        "Dockerfile.tmpl": True, "plain/Dockerfile": False,
    }  # fmt: skip
    assert {use.kind for use in found.uses if use.path != "plain/Dockerfile"} == {Kind.OPAQUE}


def test_identical_files_are_parsed_once(tmp_path: Path) -> None:
    found = survey(tmp_path, {f"{name}/Dockerfile": STAGES for name in "abc"})
    documents = {id(file.document) for file in found.files}
    assert len(documents) == 1
    assert len(found.uses) == 12


def test_files_behind_links_count_once(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "Dockerfile").symlink_to("../a/Dockerfile")
    (tmp_path / "Dockerfile.one").symlink_to("hidden")
    (tmp_path / "Dockerfile.two").symlink_to("hidden")
    (tmp_path / "linked").symlink_to("a")
    compose = "services: {x: {build: linked}}"
    found = survey(
        tmp_path,
        {"a/Dockerfile": "FROM alpine\n", "hidden": "FROM debian\n", "compose.yaml": compose},
    )
    assert [(use.path, use.text) for use in found.uses] == [
        ("Dockerfile.one", "debian"),
        ("a/Dockerfile", "alpine"),
    ]
    assert found.uses[1].builds == ("compose.yaml: x",)
    assert found.skipped == ()


def test_bad_files_are_told_and_the_others_still_judged(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.loop").symlink_to("Dockerfile.loop")
    (tmp_path / "Dockerfile.out").symlink_to("/etc/hostname")
    files: dict[str, str | bytes] = {
        "Dockerfile": "FROM alpine\n",
        "latin/Dockerfile": "# caf\u00e9\nFROM debian:12 # \u00e9\n".encode("latin-1"),
        "latin2/Dockerfile": "# caf\u00e9\nFROM debian:12\n".encode("latin-1"),
        "Dockerfile.binary": b"\x7fELF\0\0\0",
        "Dockerfile.huge": b"#" * (16 * 1024 * 1024 + 1),
        "compose.yaml": "services:\n  a: [\n",
        "docker-bake.hcl": 'target "a" {\n  dockerfile = [\n}\n',
        "docker-bake.json": '{"target":\n',
        ".devcontainer.json": '{"image" 1}',
        ".github/workflows/x.yml": "docker build: [",
    }
    found = survey(tmp_path, files)
    assert {"alpine", "debian:12"} <= set(roles(found))
    told = {item.path: (item.line, item.fatal) for item in found.skipped}
    assert told == {
        "Dockerfile.binary": (None, True), "Dockerfile.huge": (None, True),
        "Dockerfile.loop": (None, True), "Dockerfile.out": (None, True),
        "compose.yaml": (2, True), "docker-bake.hcl": (3, True), "docker-bake.json": (2, True),
        ".devcontainer.json": (1, True),
    }  # fmt: skip
    assert all(item.reason and item.hint for item in found.skipped)


def test_below_a_non_production_path_nothing_is_fatal(tmp_path: Path) -> None:
    found = survey(tmp_path, {"tests/compose.yaml": "a: [", "tests/Dockerfile": b"\0"})
    assert len(found.skipped) == 2
    assert not any(item.fatal for item in found.skipped)


def test_a_dockerfile_that_is_named_but_missing_is_told_once(tmp_path: Path) -> None:
    compose = "services:\n  a: {build: gone}\n  b: {build: gone}\n"
    files = {
        "compose.yaml": compose,
        "vendor/compose.yaml": compose,
        ".github/workflows/ci.yml": "jobs: {a: {steps: [{run: docker build gone}]}}",
    }
    (item,) = survey(tmp_path, files).skipped
    assert (item.path, item.line) == ("compose.yaml", 2)
    assert item.reason == "names the Dockerfile 'gone/Dockerfile', which does not exist"


def test_a_target_that_does_not_exist_is_told_and_the_default_build_stands(tmp_path: Path) -> None:
    compose = "services: {a: {build: {context: ., target: gone}}}"
    found = survey(tmp_path, {"Dockerfile": "FROM alpine\n", "compose.yaml": compose})
    assert roles(found) == {"alpine": "final"}
    (item,) = found.skipped
    assert "'gone'" in item.reason


def test_a_deleted_file_that_git_still_tracks_is_no_news(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    files = {"Dockerfile": "FROM alpine\n", "old/Dockerfile": "FROM debian\n"}
    survey(tmp_path, files)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    (tmp_path / "old/Dockerfile").unlink()
    found = survey(tmp_path, {})
    assert (set(roles(found)), found.skipped) == ({"alpine"}, ())


def test_a_revision_is_surveyed_like_a_directory(tmp_path: Path) -> None:
    files = {
        "Dockerfile": STAGES,
        "compose.yaml": "services: {w: {build: {target: release, args: {VERSION: $V}}}}",
        ".env": "V=7\n",
    }
    survey(tmp_path, files)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for argv in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *argv], cwd=tmp_path, check=True)
    now = survey(tmp_path, {})
    with GitTree(tmp_path, "HEAD") as tree:
        then = discover(tree, DiscoverSettings())
    assert then.uses == now.uses
    assert {use.text for use in then.uses} == {"golang:7", "debian:12", "alpine:3.22", "busybox:1"}


def test_the_order_is_that_of_paths_and_lines_and_stays(tmp_path: Path) -> None:
    files = {f"{name}/Dockerfile": STAGES for name in ("b", "a", "c/d", "c")}
    first, second = survey(tmp_path, files), survey(tmp_path, {})
    places = [(use.path, use.line) for use in first.uses]
    assert places == sorted(places)
    assert first.uses == second.uses
    assert [file.path for file in first.files] == sorted(file.path for file in first.files)


def test_progress_is_told(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM alpine\n")
    seen: list[int] = []
    with WorkingTree(tmp_path) as tree:
        discover(tree, DiscoverSettings(), progress=seen.append)
    assert seen == [1]


def test_an_empty_tree_is_an_empty_survey(tmp_path: Path) -> None:
    found = survey(tmp_path, {})
    assert (found.root, found.files, found.uses, found.skipped) == (str(tmp_path), (), (), ())


def test_an_unreadable_file_that_builds_name_is_told_once(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "Dockerfile": b"\0",
        "compose.yaml": "services: {a: {build: .}, b: {build: .}}",
    }
    (item,) = survey(tmp_path, files).skipped
    assert item.path == "Dockerfile"


def test_an_inline_dockerfile_beyond_all_use_is_told(tmp_path: Path) -> None:
    text = "FROM alpine\\n" + "#" * 70_000
    compose = f'services: {{a: {{build: {{dockerfile_inline: "{text}"}}}}, b: {{build: .}}}}'
    found = survey(tmp_path, {"compose.yaml": compose, "Dockerfile": "FROM debian\n"})
    assert roles(found) == {"debian": "final"}
    assert [item.reason for item in found.skipped] == [
        "holds a Dockerfile of more than 65536 characters"
    ]


def test_a_link_to_nothing_and_an_included_file_that_is_excluded(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").symlink_to("gone")
    files = {"compose.yaml": "include: [other.yaml]", "other.yaml": "services: {a: {build: x}}"}
    found = survey(tmp_path, files, DiscoverSettings(exclude=("other.yaml",)))
    assert [(item.path, item.reason) for item in found.skipped] == [
        ("Dockerfile", "is a link to nothing")
    ]


def test_another_repository_inside_is_named_unless_excluded(tmp_path: Path) -> None:
    for path in (".", "inner"):
        (tmp_path / path).mkdir(exist_ok=True)
        subprocess.run(["git", "init", "-q"], cwd=tmp_path / path, check=True)
    found = survey(tmp_path, {"inner/Dockerfile": "FROM alpine\n"})
    assert [(item.path, item.fatal) for item in found.skipped] == [("inner", False)]
    assert survey(tmp_path, {}, DiscoverSettings(exclude=("inner",))).skipped == ()


def test_more_builds_than_can_be_resolved_are_cut_off(tmp_path: Path) -> None:
    services = "".join(f"  s{n}: {{build: {{context: ., args: {{V: {n}}}}}}}\n" for n in range(300))
    files = {"Dockerfile": "ARG V\nFROM alpine:$V\n", "compose.yaml": f"services:\n{services}"}
    assert len(survey(tmp_path, files).files[0].plans) == 256
