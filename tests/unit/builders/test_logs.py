from __future__ import annotations

import hashlib

import pytest

from basekeeper.builders.arguments import argument_words, check_context_names
from basekeeper.builders.failing import NoImage
from basekeeper.builders.logs import (
    MAX_TAIL_CHARS,
    MAX_TAIL_LINES,
    looks_secret,
    make_log,
    secrets_among,
)
from basekeeper.values.building import NO_LOG


@pytest.mark.parametrize(
    "name",
    ["NPM_TOKEN", "token", "DB_PASSWORD", "PASSWD", "SECRET", "API_KEY", "apikey", "GITHUB_PAT",
     "AWS_SECRET_ACCESS_KEY", "SSH_KEY", "PIP_INDEX_AUTH", "CREDENTIALS", "KEY", "MY_PW"],
)  # fmt: skip
def test_names_of_secrets_are_known(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", ["VERSION", "KEYBOARD", "PATCH", "MONKEY", "BASE_IMAGE", "PWD"])
def test_other_names_are_no_secrets(name: str) -> None:
    assert not looks_secret(name)


def test_secrets_are_struck_out_longest_first_before_the_digest_is_taken() -> None:
    secrets = secrets_among({"A_TOKEN": "abcd", "B_TOKEN": "abcdef", "C_TOKEN": "abc", "D": "wxyz"})
    assert secrets == ("abcdef", "abcd")
    log = make_log(b"1 abcdef 2 abcd 3 wxyz", secrets)
    assert log.tail == "1 [secret] 2 [secret] 3 wxyz"
    assert log.digest == f"sha256:{hashlib.sha256(log.tail.encode()).hexdigest()}"
    assert log.size == len(log.tail)


def test_a_tail_is_printable_and_bounded() -> None:
    output = b"".join(b"line %d \x1b[31mred\x1b[0m \xff\xe2\x80\xae\r\n" % n for n in range(10_000))
    tail = make_log(output).tail
    assert len(tail.split("\n")) <= MAX_TAIL_LINES
    assert len(tail) <= MAX_TAIL_CHARS
    assert "\x1b" not in tail
    assert "\u202e" not in tail
    assert tail.startswith("line 99")
    assert len(make_log(b"x" * 1_000_000).tail) == MAX_TAIL_CHARS


def test_users_in_addresses_are_left_out() -> None:
    assert make_log(b"fetch https://me:word@host/x").tail == "fetch https://host/x"


def test_where_nothing_was_said_there_is_no_log() -> None:
    assert make_log(b"") == NO_LOG


def test_secret_arguments_are_on_no_command_line() -> None:
    words, given = argument_words({"V": "1 2", "NPM_TOKEN": "abcd"})
    assert words == ["--build-arg", "V=1 2", "--build-arg", "NPM_TOKEN"]
    assert given == {"NPM_TOKEN": "abcd"}


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD_KEY", "BUILDAH_TOKEN", "REGISTRY_AUTH_FILE", "_KEY", "GODEBUG_KEY"]
)
def test_no_argument_becomes_a_variable_that_the_builder_reads(name: str) -> None:
    words, given = argument_words({name: "abcd"})
    assert given == {}
    assert words == ["--build-arg", f"{name}=abcd"]


@pytest.mark.parametrize("name", ["", "A=B", "--network", "A B", "1A", "Ä"])
def test_names_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(NoImage):
        argument_words({name: "x"})


def test_a_value_that_no_program_can_be_given_is_refused() -> None:
    with pytest.raises(NoImage):
        argument_words({"A": "\0"})


@pytest.mark.parametrize("name", ["a=b", "--file", "a,b", "", "a b", "a\0"])
def test_names_of_contexts_that_say_more_are_refused(name: str) -> None:
    check_context_names(["base", "docker.io/library/debian:11"])
    with pytest.raises(NoImage):
        check_context_names([name])
