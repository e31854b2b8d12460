"""A repository on disk and simulated registries that the program asks about it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.fakes.registry import Dialect, Simulator
from tests.integration.program import environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.registry import Host, Manifest

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
PLATFORMS = ("linux/amd64", "linux/arm64")


class World:
    """Docker Hub with its API, as the user's own settings reach them, and an empty repository."""

    def __init__(self, simulator: Simulator, directory: Path) -> None:
        """Start both hosts, and write the settings."""
        self.simulator = simulator
        self.hub: Host = simulator.host("docker.io", dialect=Dialect.HUB)
        self.api: Host = simulator.host("hub.docker.com", content=self.hub.content)
        self.root = directory / "repository"
        self.root.mkdir()
        self.settings = directory / "settings.toml"
        self.reach(docker=self.hub.address, api=self.api.address)

    def reach(self, *, docker: str, api: str) -> None:
        """Write which address stands for Docker Hub, and which for its API."""
        lines = ['[registry."docker.io"]', f'mirror = "http://{docker}"']
        lines.append(f'hub_api = "http://{api}"')
        for address in sorted({docker, api}):
            lines += [f'[registry."{address}"]', "private = true", "http = true"]
        self.settings.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def environ(self) -> dict[str, str]:
        """What to add to the environment of a run."""
        return {"BASEKEEPER_SETTINGS": str(self.settings)}

    @property
    def whole_environ(self) -> dict[str, str]:
        """The environment of a process of its own."""
        return environment(self.root.parent, **self.environ)

    def file(self, path: str, *lines: str) -> None:
        """Write a file of the repository."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def push(self, name: str, days: int, **inside: Any) -> Manifest:
        """Push an official image for two platforms, so many days ago."""
        path, _, tag = name.partition(":")
        path = path if "/" in path else f"library/{path}"
        pushed = NOW - timedelta(days=days)
        inside.setdefault("seed", f"{tag} {days}")
        return self.hub.content.image(path, tag, *PLATFORMS, pushed=pushed, **inside)

    def forget(self) -> None:
        """Forget what was asked so far."""
        self.hub.log.clear()
        self.api.log.clear()

    def drop_cache(self) -> None:
        """Delete the cache."""
        shutil.rmtree(self.root.parent / ".cache", ignore_errors=True)


def debian(word: str, **env: str) -> dict[str, Any]:
    """The configuration of an image upon a Debian release."""
    history = [{"created_by": f"# debian.sh --arch 'amd64' out/ '{word}' '@1728864000'"}]
    return {"history": history, "config": {"Env": [f"{key}={env[key]}" for key in env]}}
