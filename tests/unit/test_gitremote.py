from __future__ import annotations

import pytest

from basekeeper.gitremote import environment, said, setting
from basekeeper.process import Completed


def test_git_sees_what_it_needs_to_log_in_and_nothing_else() -> None:
    given = {
        "HOME": "/home/me", "SSH_AUTH_SOCK": "/run/agent", "GIT_DIR": "/elsewhere",
        "GIT_TRACE": "1", "GITHUB_TOKEN": "t0ken", "GIT_EXTERNAL_DIFF": "evil",
        "PATH": "bin:/usr/bin:.",
    }  # fmt: skip

    seen = environment(given)

    assert (seen["HOME"], seen["SSH_AUTH_SOCK"]) == ("/home/me", "/run/agent")
    assert seen["PATH"] == "/usr/bin"
    assert not {"GIT_DIR", "GIT_TRACE", "GITHUB_TOKEN", "GIT_EXTERNAL_DIFF"} & seen.keys()


def test_settings_of_ours_come_after_those_of_the_environment() -> None:
    given = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath",
             "GIT_CONFIG_VALUE_0": "/evil"}  # fmt: skip

    seen = environment(given)

    last = max(
        number for number in range(int(seen["GIT_CONFIG_COUNT"]))
        if seen[f"GIT_CONFIG_KEY_{number}"] == "core.hooksPath"
    )  # fmt: skip
    assert seen[f"GIT_CONFIG_VALUE_{last}"] == "/dev/null"


@pytest.mark.parametrize("count", ["", "-1", "x", "1000", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_a_count_that_is_none_counts_nothing(count: str) -> None:
    given = {"GIT_CONFIG_COUNT": count, "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"}

    assert "a.b" not in environment(given).values()


def test_a_setting_is_quoted() -> None:
    assert setting('url.a"b\\c.insteadOf', 'x"y\\z') == (
        b'[url "a\\"b\\\\c"]\n\tinsteadOf = "x\\"y\\\\z"\n'
    )


@pytest.mark.parametrize(("key", "value"), [("a.b\nc.d", "x"), ("a.b.c", "x\ny"), ("a.b.c", "\0")])
def test_a_setting_with_a_line_break_is_refused(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        setting(key, value)


@pytest.mark.parametrize(
    ("done", "told"),
    [
        (Completed(1, b"", b"fatal: no\n"), "fatal: no"),
        (Completed(1, b"!\ta:b\t[rejected]\n", b"error: x\n"), "a:b [rejected]; error: x"),
        (Completed(1, b"", b"odd words\n"), "odd words"),
        (Completed(3, b"", b""), "git ended with 3"),
    ],
)
def test_what_git_said_is_told(done: Completed, told: str) -> None:
    assert said(done).replace("\N{REPLACEMENT CHARACTER}", " ") == told
