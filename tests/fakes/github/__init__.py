"""A simulated GitHub: real HTTP on loopback over real bare repositories, and faults on demand.

    with serving(tmp_path) as github:
        keeper = github.world.user("keeper", token="t0ken")
        shop = github.world.repository("acme/shop", {"Dockerfile": b"FROM x"}, rights={...})
        github.add(secondary_limit(part="/pulls"))
        ...  # ask {github.url}/api/v3 and {github.url}/api/graphql
        assert github.count("POST", "/pulls") == 1

- `state.World`: users, tokens, repositories; `git.Bare` does the work of git.
- `rest`, `graphql`: what is answered; `server.log`: every request, to be counted.
- `faults`: wrong answers, broken connections, and what somebody else does meanwhile.

Deliberately absent: everything that nobody asks; counting the rate limit (faults do it).
"""

from __future__ import annotations

from tests.fakes.github.faults import Fault, broken, primary_limit, secondary_limit
from tests.fakes.github.server import Exchange, GitHubServer, serving
from tests.fakes.github.state import Pull, Repository, User, World

__all__ = [
    "Exchange",
    "Fault",
    "GitHubServer",
    "Pull",
    "Repository",
    "User",
    "World",
    "broken",
    "primary_limit",
    "secondary_limit",
    "serving",
]
