"""From a file's builds to the final chain that rules look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from basekeeper.rules.chain import copies, leaks, sources
from basekeeper.rules.steps import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.dockerfile.model import Stage
    from basekeeper.rules.chain import Leak
    from basekeeper.rules.rule import FileView, Subject
    from basekeeper.rules.steps import Copy
    from basekeeper.values.use import BuildPlan, SourceFile
