from __future__ import annotations

from datetime import UTC, datetime

import pytest

from basekeeper.errors import ForgeError, ForgeFailure
from basekeeper.forge.git.commits import Person
from basekeeper.forge.git.opening import PERSON, open_git
from basekeeper.values.forge import RepositoryRef


def clock() -> datetime:
    return datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://git.example", "https://git.example/acme/shop.git"),
        ("https://git.example/", "https://git.example/acme/shop.git"),
        ("https://git.example/scm", "https://git.example/scm/acme/shop.git"),
        ("ssh://git@git.example:2222", "ssh://git@git.example:2222/acme/shop.git"),
        ("file:///srv/git", "file:///srv/git/acme/shop.git"),
        ("/srv/git", "/srv/git/acme/shop.git"),
        ("git@git.example:", "git@git.example:acme/shop.git"),
        ("git@git.example:/srv/git", "git@git.example:/srv/git/acme/shop.git"),
    ],
)
def test_a_repository_is_below_the_address(url: str, where: str) -> None:
    assert open_git(url, clock)._url_of(RepositoryRef("acme", "shop")) == where


@pytest.mark.parametrize(
    "url",
    ["", "-oProxyCommand=x", "ext::sh -c x", "ext::x", "fd::17", "relative/path", "https://a b",
     "https://git.example\nx", "ftp://git.example", "-u@host:x", "a@-host:x"],
)  # fmt: skip
def test_what_is_no_address_or_runs_a_program_is_refused(url: str) -> None:
    with pytest.raises(ForgeError) as caught:
        open_git(url, clock)
    assert caught.value.failure is ForgeFailure.REFUSED


@pytest.mark.parametrize(
    "url", ["http://git.example", "ssh://git.example", "file:///srv", "git@git.example:", "/srv"]
)
def test_a_token_is_never_sent_without_encryption(url: str) -> None:
    with pytest.raises(ForgeError) as caught:
        open_git(url, clock, token="t0ken")  # noqa: S106  # of nobody
    assert "t0ken" not in caught.value.message


@pytest.mark.parametrize("url", ["https://git.example", "http://127.0.0.1:8080"])
def test_a_token_is_for_its_address_alone_and_follows_no_redirect(url: str) -> None:
    made = open_git(url, clock, token="t0ken", user="keeper")  # noqa: S106  # of nobody

    names = [name for name, _ in made._settings]

    assert names == [f"http.{url}/.extraHeader", f"http.{url}/.followRedirects"]
    assert "t0ken" not in repr(made)


@pytest.mark.parametrize("token", ["a\nb", "é", "a\x00b"])
def test_a_token_that_is_none_is_refused_unseen(token: str) -> None:
    with pytest.raises(ForgeError, match="is none"):
        open_git("https://git.example", clock, token=token)


@pytest.mark.parametrize(
    "person",
    [Person("", "a@b"), Person("a", ""), Person("a\nb", "a@b"), Person("a<", "a@b"),
     Person("a", "a b@c"), Person("a", "a>@c")],
)  # fmt: skip
def test_nobody_makes_commits_under_a_name_that_is_none(person: Person) -> None:
    with pytest.raises(ForgeError, match="can make no commits"):
        open_git("/srv/git", clock, person=person)


def test_we_have_a_name_where_nobody_gives_one() -> None:
    assert open_git("/srv/git", clock).capabilities().login == PERSON.name
