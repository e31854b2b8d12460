"""Components for fixtures that no single test's marker names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tools import components

if TYPE_CHECKING:
    from pathlib import Path


def provisioned(name: str) -> Path:
    """Return the executable of a component.

    Skips where it is missing; with CI=true a missing component fails the test.
    """
    found = components.provision(name)
    if isinstance(found, components.Missing):
        if os.environ.get("CI") == "true":
            pytest.fail(found.reason)
        pytest.skip(found.reason)
    return found
