"""Bearer tokens of registries."""

from __future__ import annotations

from typing import NamedTuple


class Scope(NamedTuple):
    """What a token must permit: to read one repository."""

    repository: str
    """As the host that is asked calls it: `library/alpine`."""
    actions: str = "pull"

    def __str__(self) -> str:
        """Write it as the token protocol does."""
        return f"repository:{self.repository}:{self.actions}"
