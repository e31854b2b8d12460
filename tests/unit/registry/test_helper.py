from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from basekeeper import process
from basekeeper.registry import helper as module
from basekeeper.registry.credential import Credential, Kind
from basekeeper.registry.helper import HelperError, HelperUnusable, ask_helper
from basekeeper.registry.hosts import find_host
from basekeeper.registry.keyring import Keyring
from basekeeper.values.settings import RegistrySettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a credential helper of a given Python body on the search path."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))

    def write(body: str) -> None:
        program = directory / "docker-credential-test"
        head = f"#!{sys.executable} -I\nimport json, os, sys, time\nserver = sys.stdin.read()\n"
        program.write_text(head + body, encoding="utf-8")
        program.chmod(0o755)

    return write


def _ask(name: str = "test", server: str = "r.example") -> Credential | None:
    return ask_helper(name, server, os.environ, source="file")


def test_a_helper_is_given_the_server_and_answers_in_json(install: Install) -> None:
    install("print(json.dumps({'ServerURL': 'x', 'Username': server, 'Secret': sys.argv[1]}))")
    assert _ask() == Credential(Kind.PASSWORD, "r.example", "get", "file, docker-credential-test")


def test_a_helper_of_ecr_is_a_password_like_any_other(install: Install) -> None:
    install("print(json.dumps({'Username': 'AWS', 'Secret': 'ey'}))")
    found = _ask(server="1.dkr.ecr.eu-west-1.amazonaws.com")
    assert found is not None
    assert (found.kind, found.username) == (Kind.PASSWORD, "AWS")


def test_a_helper_may_answer_with_an_identity_token(install: Install) -> None:
    install("print(json.dumps({'Username': '<token>', 'Secret': 'ey'}))")
    found = _ask()
    assert found is not None
    assert found.kind is Kind.IDENTITY


@pytest.mark.parametrize(
    "body",
    [
        "print('credentials not found in native keychain'); sys.exit(1)",
        "print('Credentials not found'); sys.exit(3)",
        "print(json.dumps({'Username': 'x', 'Secret': ''}))",
        "print('{}')",
    ],
)
def test_a_helper_without_a_credential_is_no_error(install: Install, body: str) -> None:
    install(body)
    assert _ask() is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('s3cret'); sys.exit(2)", "file, docker-credential-test failed with status 2"),
        ("sys.stderr.write('s3cret'); sys.exit(1)", "failed with status 1"),
        ("print('s3cret')", "did not answer with JSON"),
        ("print('[' * 50000)", "did not answer with JSON"),
        ("print(json.dumps(['s3cret']))", "answered without user name and secret"),
        ("print(json.dumps({'Username': 's3cret', 'Secret': 1}))", "answered without"),
    ],
)
def test_a_helper_that_fails_is_told_without_what_it_said(
    install: Install, body: str, message: str
) -> None:
    install(body)
    with pytest.raises(HelperError, match=message) as caught:
        _ask()
    assert "s3cret" not in caught.value.message
    assert caught.value.__cause__ is None
    assert not isinstance(caught.value, HelperUnusable)


@pytest.mark.parametrize("name", ["", "../evil", "a/b", "a b", "a;b", "a\n", "\N{GREEK SMALL LETTER ALPHA}"])  # fmt: skip # noqa: E501
def test_a_name_that_is_none_is_never_run(install: Install, name: str) -> None:
    install("raise AssertionError")
    with pytest.raises(HelperUnusable, match="is no name of a credential helper"):
        _ask(name)


def test_a_helper_that_is_not_there_says_so(install: Install) -> None:
    with pytest.raises(HelperUnusable, match="'docker-credential-test' was not found"):
        _ask()


def test_a_helper_in_a_relative_directory_of_the_search_path_is_not_run(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("print(json.dumps({'Username': 'x', 'Secret': 'y'}))")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "bin")
    with pytest.raises(HelperUnusable, match="was not found"):
        _ask()


@pytest.mark.parametrize(
    ("body", "message"),
    [("time.sleep(60)", "did not answer within"), ("print('x' * 70000)", "answered more than")],
)
def test_a_helper_that_never_ends_is_ended(
    install: Install, monkeypatch: pytest.MonkeyPatch, body: str, message: str
) -> None:
    monkeypatch.setattr(module, "LIMITS", process.Limits(timeout=1.0, max_output_bytes=65_536))
    install(body)
    with pytest.raises(HelperUnusable, match=message):
        _ask()


def test_a_helper_sees_what_it_needs_of_the_environment_and_no_more(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "one")
    monkeypatch.setenv("GITHUB_TOKEN", "s3cret")
    monkeypatch.setenv("LD_PRELOAD", "")
    install("print(json.dumps({'Username': ' '.join(os.environ), 'Secret': 'x'}))")
    found = _ask()
    assert found is not None
    seen = set(found.username.split())
    assert {"AWS_PROFILE", "PATH"} <= seen
    assert seen.isdisjoint({"GITHUB_TOKEN", "LD_PRELOAD"})


def test_a_helper_runs_where_nothing_of_a_scanned_repository_is(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    install("print(json.dumps({'Username': os.getcwd(), 'Secret': 'x'}))")
    found = _ask()
    assert found is not None
    assert found.username == "/"


def _keyring(home: Path, content: object) -> Keyring:
    path = home / ".docker" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return Keyring(RegistrySettings(), {"PATH": os.environ["PATH"]}, home)


def test_a_helper_is_asked_once_for_each_host(install: Install, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    install(
        f"open({str(calls)!r}, 'a').write(server + ' ')\n"
        "print(json.dumps({'Username': server, 'Secret': 'x'}))"
    )
    keyring = _keyring(tmp_path, {"credsStore": "test", "auths": {"a.example/x": {}}})
    for name in ("a.example", "a.example", "b.example"):
        found = keyring.credential(find_host(name, RegistrySettings()), f"{name}/x")
        assert found is not None
        assert found.username == name
    assert keyring.credential(find_host("a.example", RegistrySettings()), "y") is not None
    assert calls.read_text().split() == ["a.example", "b.example"]


def test_a_failing_helper_is_a_notice_for_each_host(install: Install, tmp_path: Path) -> None:
    install("sys.exit(1)")
    keyring = _keyring(tmp_path, {"credsStore": "test"})
    for name in ("a.example", "b.example"):
        assert keyring.credential(find_host(name, RegistrySettings())) is None
        (notice,) = keyring.notices(name)
        assert notice.startswith(f"credentials for {name} are not read: ")
        assert notice.endswith("docker-credential-test failed with status 1")


def test_a_helper_that_cannot_be_run_is_tried_once(install: Install, tmp_path: Path) -> None:
    keyring = _keyring(tmp_path, {"credsStore": "test"})
    for name in ("a.example", "b.example"):
        assert keyring.credential(find_host(name, RegistrySettings())) is None
    (notice,) = keyring.notices()
    assert "'docker-credential-test' was not found" in notice
    assert keyring.notices("b.example") == (notice,)


def test_a_password_in_the_file_counts_although_the_helper_failed(
    install: Install, tmp_path: Path
) -> None:
    content = {"credsStore": "test", "auths": {"a.example": {"username": "u", "password": "p"}}}
    keyring = _keyring(tmp_path, content)
    found = keyring.credential(find_host("a.example", RegistrySettings()))
    assert found is not None
    assert found.username == "u"
    assert len(keyring.notices()) == 1


def test_stopping_ends_the_helper_that_runs_and_starts_no_other(
    install: Install, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    install(f"open({str(started)!r}, 'a').write(f'{{os.getpid()}} ')\ntime.sleep(60)")
    keyring = _keyring(tmp_path, {"credsStore": "test"})
    found: list[object] = []

    def ask() -> None:
        found.append(keyring.credential(find_host("a.example", RegistrySettings())))

    thread = threading.Thread(target=ask)
    thread.start()
    while not (started.exists() and started.read_text()):
        time.sleep(0.01)
    begin = time.monotonic()
    keyring.stop()
    thread.join()
    assert time.monotonic() - begin < 5
    assert found == [None]
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    assert keyring.credential(find_host("b.example", RegistrySettings())) is None
    assert len(started.read_text().split()) == 1
