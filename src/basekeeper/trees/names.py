"""Which files describe builds, told by their names alone."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class FileKind(StrEnum):
    """What a file is, by its name."""

    DOCKERFILE = "dockerfile"
    PERHAPS_DOCKERFILE = "perhaps"
    """Named like a Dockerfile and like program text or data (`Dockerfile.go`): it counts when
    its content is one."""
    COMPOSE = "compose"
    BAKE = "bake"
    DEVCONTAINER = "devcontainer"
    CI = "ci"


_NEVER: Final = frozenset(
    {
        "dockerignore",
        "containerignore",
        "gitignore",
        "md",
        "markdown",
        "rst",
        "adoc",
        "html",
        "htm",
        "css",
        "svg",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "pdf",
        "swp",
        "pyc",
        "sha256",
        "asc",
        "sig",
        "log",
    }
)
_DOUBTFUL: Final = frozenset(
    {
        "go",
        "py",
        "js",
        "mjs",
        "cjs",
        "ts",
        "tsx",
        "jsx",
        "rb",
        "rs",
        "java",
        "kt",
        "cs",
        "c",
        "h",
        "cc",
        "cpp",
        "hpp",
        "swift",
        "scala",
        "php",
        "pl",
        "lua",
        "sh",
        "bash",
        "ps1",
        "bat",
        "cmd",
        "json",
        "yaml",
        "yml",
        "toml",
        "xml",
        "lock",
        "txt",
        "bak",
        "orig",
        "rej",
        "patch",
        "diff",
        "old",
        "snap",
        "ipynb",
        "sql",
        "vue",
        "vim",
        "tf",
        "csv",
        "zip",
        "gz",
        "tar",
        "tgz",
    }
)
_DOCKERFILE: Final = re.compile(
    r"(?:docker|container)file(?:[._-](.+))?|.+\.(?:docker|container)file", re.IGNORECASE
)
_COMPOSE: Final = re.compile(r"(?:.*[._-])?compose(?:[._-].*)?\.ya?ml", re.IGNORECASE)
_BAKE: Final = re.compile(
    r"(?:.*[._-])?docker-bake(?:[._-].*)?\.(?:hcl|json)|.*[._-]bake\.hcl|bake\.hcl", re.IGNORECASE
)
_WORKFLOW: Final = re.compile(r"(?:.*/)?\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml")
_ACTION: Final = re.compile(r"(?:.*/)?\.github/actions/(?:.*/)?action\.ya?ml")
_GITLAB: Final = re.compile(
    r"\.gitlab-ci\.ya?ml|.*\.gitlab-ci\.ya?ml|\.gitlab/(?:.*/)?[^/]+\.ya?ml"
)


def kind_of(path: str) -> FileKind | None:
    """Say what a path (POSIX, relative to the root) names; None for everything else."""
    name = path[path.rfind("/") + 1 :]
    lower = name.lower()
    if "file" in lower:
        found = _dockerfile(lower)
        if found is not None:
            return found
    if lower.endswith((".yml", ".yaml")):
        return _yaml(path, lower)
    if lower.endswith((".hcl", ".json")):
        if "bake" in lower and _BAKE.fullmatch(lower):
            return FileKind.BAKE
        if lower in ("devcontainer.json", ".devcontainer.json"):
            return _devcontainer(path, lower)
    return None


def _dockerfile(lower: str) -> FileKind | None:
    match = _DOCKERFILE.fullmatch(lower)
    if match is None:
        return None
    ending = lower.rpartition(".")[2]
    if match[1] is None or "." not in lower:
        return FileKind.DOCKERFILE
    if ending in _NEVER or lower.endswith("~"):
        return None
    return FileKind.PERHAPS_DOCKERFILE if ending in _DOUBTFUL else FileKind.DOCKERFILE


def _yaml(path: str, lower: str) -> FileKind | None:
    if "compose" in lower and _COMPOSE.fullmatch(lower):
        return FileKind.COMPOSE
    if _WORKFLOW.fullmatch(path) or _ACTION.fullmatch(path) or _GITLAB.fullmatch(path):
        return FileKind.CI
    return None


def _devcontainer(path: str, lower: str) -> FileKind | None:
    """Accept the places that the development container specification names."""
    if lower == ".devcontainer.json" or "/.devcontainer/" in f"/{path}":
        return FileKind.DEVCONTAINER
    return None
