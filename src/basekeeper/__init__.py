"""basekeeper keeps the base images of containers approved, current, minimal and patched.

The library interface: what is named in `__all__` is stable. Names are loaded when first used, so
that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from basekeeper.dockerfile.model import Build, Dockerfile
    from basekeeper.dockerfile.parser import parse_dockerfile
    from basekeeper.errors import Error, InvalidReference
    from basekeeper.policy.load import load_policy
    from basekeeper.policy.policy import Policy
    from basekeeper.tags.choose import choose_updates
    from basekeeper.tags.updates import Choice, TagFacts, UpdateRules, Updates
    from basekeeper.values.facts import Facts
    from basekeeper.values.finding import Judgement
    from basekeeper.values.reference import Reference, parse_reference

__version__: Final = "0.1.0"
"""Version of this program; a test keeps it equal to the project's settings."""

__all__ = [
    "Build",
    "Choice",
    "Dockerfile",
    "Error",
    "Facts",
    "InvalidReference",
    "Judgement",
    "Policy",
    "Reference",
    "TagFacts",
    "UpdateRules",
    "Updates",
    "__version__",
    "choose_updates",
    "load_policy",
    "parse_dockerfile",
    "parse_reference",
]

_HOMES: Final = {
    "Build": "basekeeper.dockerfile.model",
    "Choice": "basekeeper.tags.updates",
    "Dockerfile": "basekeeper.dockerfile.model",
    "Error": "basekeeper.errors",
    "Facts": "basekeeper.values.facts",
    "InvalidReference": "basekeeper.errors",
    "Judgement": "basekeeper.values.finding",
    "Policy": "basekeeper.policy.policy",
    "Reference": "basekeeper.values.reference",
    "TagFacts": "basekeeper.tags.updates",
    "UpdateRules": "basekeeper.tags.updates",
    "Updates": "basekeeper.tags.updates",
    "choose_updates": "basekeeper.tags.choose",
    "load_policy": "basekeeper.policy.load",
    "parse_dockerfile": "basekeeper.dockerfile.parser",
    "parse_reference": "basekeeper.values.reference",
}
"""Public name → module that defines it."""


def __getattr__(name: str) -> object:
    """Load a public name when it is first used (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'basekeeper' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # only who uses the library pays for it

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
