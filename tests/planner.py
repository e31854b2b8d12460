"""Asks BuildKit's own planner what it makes of Dockerfiles (see tools/planner)."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class Plan:
    """BuildKit's answer for one file."""

    images: frozenset[str]
    """Canonical references that it would ask a registry for."""
    error: str | None


@dataclass(slots=True)
class Planner:
    """One running planner; use it as a context manager."""

    program: Path
    _process: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def plan(self, path: Path, args: Mapping[str, str] | None = None, *, target: str = "") -> Plan:
        """Plan the build of one file."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"path": str(path), "args": dict(args or {}), "target": target}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Plan(frozenset(answer["images"]), answer.get("error"))
