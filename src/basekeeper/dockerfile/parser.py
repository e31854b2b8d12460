"""The way in: bytes of a Dockerfile → document."""

from __future__ import annotations

from basekeeper.dockerfile.document import Dockerfile
from basekeeper.dockerfile.scan import scan


def parse_dockerfile(data: bytes) -> Dockerfile:
    """Read a Dockerfile as BuildKit does.

    It never fails: what the builder would refuse is told by `Dockerfile.rejected` and
    `Build.rejected`. Time and memory are in proportion to the size of the data, whatever it holds.
    """
    layout, directives = scan(data.decode("latin-1"))
    return Dockerfile(data, layout, directives)
