from __future__ import annotations

import pytest

from basekeeper.errors import TransportError
from basekeeper.forge.github.client import endpoints, path


@pytest.mark.parametrize(
    ("url", "rest", "graphql"),
    [
        ("https://github.com", "https://api.github.com", "https://api.github.com/graphql"),
        ("https://api.github.com/", "https://api.github.com", "https://api.github.com/graphql"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
        ("https://git.corp", "https://git.corp/api/v3", "https://git.corp/api/graphql"),
        ("http://[::1]:8080", "http://[::1]:8080/api/v3", "http://[::1]:8080/api/graphql"),
        ("https://notgithub.com", "https://notgithub.com/api/v3", "https://notgithub.com/api/graphql"),
    ],
)  # fmt: skip
def test_each_github_is_asked_where_it_answers(url: str, rest: str, graphql: str) -> None:
    assert endpoints(url) == (rest, graphql)


@pytest.mark.parametrize("url", ["https://github.com/acme", "ftp://x", "https://u:p@x", "x"])
def test_what_names_no_github_is_refused(url: str) -> None:
    with pytest.raises(TransportError) as caught:
        endpoints(url)
    assert "u:p" not in str(caught.value)


def test_parts_of_a_path_cannot_leave_their_place() -> None:
    assert path("repos", "a", "b?c", "heads/../x#y", 3) == "/repos/a/b%3Fc/heads%2F..%2Fx%23y/3"
