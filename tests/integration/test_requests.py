"""How often registries are asked depends on the images in use, not on who uses them how often."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.fakes.realregistry.filling import FILLED
from tests.fakes.realregistry.fixtures import image_layout, real_registries
from tests.integration.program import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.realregistry.running import RealRegistries, RealRegistry

__all__ = ["image_layout", "real_registries"]

pytestmark = pytest.mark.component("registry")

REPOSITORIES = ("library/debian", "docker/debian", "acme/hello")
IMAGES = 12
BOUND = Counter(
    [
        "challenge",
        *(f"token repository:{name}:pull" for name in REPOSITORIES),
        *(f"GET /v2/{name}/tags/list?n=1000" for name in REPOSITORIES),
        *(f"HEAD /v2/{name}/manifests/{tag}" for name in REPOSITORIES for tag in FILLED[name]),
    ]
)
"""Once how to log in, a token and a page of tags a repository, and one question a tag."""
_LINE = re.compile(r'"([A-Z]+) (/v2/\S*) HTTP/1\.1" (\d+)')
"""A line of the registry's log: method, path and status."""


class Watched:
    """A registry that wants tokens, and what was asked since it was last looked at."""

    def __init__(self, registry: RealRegistry, work: Path) -> None:
        assert registry.tokens is not None
        self._address, self._tokens, self._log = registry.address, registry.tokens, registry.log
        self._work = work
        hosts = (registry.address, urlsplit(registry.tokens.url).netloc)
        lines = [f'[registry."{host}"]\nhttp = true\nprivate = true\n' for host in hosts]
        (work / "settings.toml").write_text("".join(lines))
        self._asked()

    def repository(self, name: str, folders: int, files: int) -> Path:
        """Write a repository: so many Dockerfiles a folder, each of which names every image."""
        root = self._work / name
        images = [f"{self._address}/{name}:{tag}" for name in REPOSITORIES for tag in FILLED[name]]
        text = "".join(f"FROM {image} AS s{at}\n" for at, image in enumerate(images))
        for folder in range(folders):
            (root / f"service{folder}").mkdir(parents=True)
            for file in range(files):
                (root / f"service{folder}" / f"Dockerfile.{file}").write_text(text)
        return root

    def outdated(self, root: Path, cache: str) -> Counter[str]:
        """Look up what is newer; return what was asked for it, and how often."""
        outcome = run(
            root, "outdated", "--format", "json",
            BASEKEEPER_SETTINGS=str(self._work / "settings.toml"),
            BASEKEEPER_CACHE_DIR=str(self._work / cache),
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
        assert len(outcome.json["images"]) == IMAGES
        return self._asked()

    def _asked(self) -> Counter[str]:
        text = self._log.read_text(encoding="utf-8")
        self._log.write_text("")
        tokens = [f"token {parse_qs(query)['scope'][0]}" for query in self._tokens.asked]
        self._tokens.asked.clear()
        return Counter(
            tokens
            + [
                "challenge" if status == "401" else f"{method} {path}"
                for method, path, status in _LINE.findall(text)
            ]
        )


@pytest.fixture
def watched(real_registries: RealRegistries, tmp_path: Path) -> Watched:
    return Watched(real_registries.start("token"), tmp_path)


def test_each_tag_list_and_token_is_asked_for_once_however_many_files_name_it(
    watched: Watched,
) -> None:
    trees = {"one": (1, 1), "ten": (1, 10), "many": (200, 3)}
    for name, (folders, files) in trees.items():
        root = watched.repository(name, folders, files)
        assert watched.outdated(root, cache=f"cache-{name}") == BOUND, name


def test_repositories_that_share_a_cache_ask_as_often_as_one(watched: Watched) -> None:
    roots = [watched.repository(name, 1, 2) for name in ("first", "second", "third")]
    asked = sum((watched.outdated(root, cache="cache") for root in roots), Counter())
    assert asked == BOUND
