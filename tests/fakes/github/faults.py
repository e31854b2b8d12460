"""What can go wrong on demand: each fault waits for its request, and for its turn."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Fault:
    """A fault of some requests."""

    method: str = ""
    """Empty: any."""
    part: str = ""
    """Of the path, or of the name of a GraphQL operation; empty: any."""
    status: int | None = None
    """What is answered; None: as usual."""
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """In the place of the document."""
    hang_up: str = ""
    """`before` it is done or `after`, without an answer."""
    meanwhile: Callable[[], object] | None = None
    """What somebody else does just before."""
    skip: int = 0
    times: int | None = 1
    """None: always."""

    def takes(self, method: str, path: str) -> bool:
        """Tell whether it is its turn, and count."""
        if (self.method and self.method != method) or self.part not in path:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            if self.times == 0:
                return False
            self.times -= 1
        return True

    @property
    def answer(self) -> bytes:
        """The body of the answer."""
        return json.dumps(self.document).encode() if self.body is None else self.body


def secondary_limit(
    retry_after: str | None = "60", *, part: str = "", skip: int = 0, times: int | None = 1,
    method: str = "",
) -> Fault:  # fmt: skip
    """Too much at once, as GitHub says it."""
    words = "You have exceeded a secondary rate limit. Please wait a few minutes."
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Fault(method=method, part=part, status=403, document={"message": words},
                 headers=headers, skip=skip, times=times)  # fmt: skip


def primary_limit(reset: int, *, part: str = "", times: int | None = None) -> Fault:
    """All requests of the hour are used up."""
    headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0",
               "X-RateLimit-Reset": str(reset)}  # fmt: skip
    document = {"message": "API rate limit exceeded for user ID 1."}
    return Fault(part=part, status=403, document=document, headers=headers, times=times)


def broken(status: int = 502, *, part: str = "", times: int | None = 1) -> Fault:
    """The server is in trouble."""
    return Fault(part=part, status=status, body=b"<html>oops</html>", times=times)
