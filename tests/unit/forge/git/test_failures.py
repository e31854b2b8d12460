from __future__ import annotations

import pytest

from basekeeper.errors import ForgeFailure
from basekeeper.forge.git.failures import failed, failure_of
from basekeeper.process import Completed

SAID = [
    ("fatal: Authentication failed for 'https://git.example/a/b.git/'", ForgeFailure.AUTH),
    ("fatal: could not read Username for 'https://git.example': terminal prompts disabled",
     ForgeFailure.AUTH),
    (("git@git.example: Permission denied (publickey).\nfatal: Could not read from remote"
     " repository."), ForgeFailure.AUTH),
    ("Host key verification failed.\nfatal: Could not read from remote repository.",
     ForgeFailure.AUTH),
    (("fatal: unable to access 'https://git.example/a/b.git/': The requested URL returned error:"
     " 403"), ForgeFailure.PERMISSION),
    (("remote: Permission to a/b.git denied to keeper.\nfatal: unable to access"
     " 'https://git.example/a/b.git/': The requested URL returned error: 403"),
     ForgeFailure.PERMISSION),
    (("ERROR: You are not allowed to push code to this project.\nfatal: Could not read from remote"
     " repository.\nfatal: the remote end hung up unexpectedly"), ForgeFailure.PERMISSION),
    ("remote: Repository not found.\nfatal: repository 'https://git.example/a/b.git/' not found",
     ForgeFailure.NOT_FOUND),
    (("fatal: '/srv/a/b.git' does not appear to be a git repository\nfatal: Could not read from"
     " remote repository."), ForgeFailure.NOT_FOUND),
    ("fatal: remote error: upload-pack: not our ref aaaa", ForgeFailure.NOT_FOUND),
    ("error: Server does not allow request for unadvertised object aaaa", ForgeFailure.NOT_FOUND),
    ("fatal: unable to access 'https://git.example/': Could not resolve host: git.example",
     ForgeFailure.TRANSIENT),
    ("fatal: unable to access 'https://git.example/': Failed to connect to git.example port 443",
     ForgeFailure.TRANSIENT),
    ("fatal: unable to access 'https://git.example/': The requested URL returned error: 503",
     ForgeFailure.TRANSIENT),
    ("error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: early EOF",
     ForgeFailure.TRANSIENT),
    ("fatal: the remote end hung up unexpectedly", ForgeFailure.TRANSIENT),
    ("fatal: mismatched algorithms: client sha1; server sha256", ForgeFailure.REFUSED),
    ("fatal: transport 'ext' not allowed", ForgeFailure.REFUSED),
    ("fatal: something that nobody knows", ForgeFailure.TRANSIENT),
    ("", ForgeFailure.TRANSIENT),
]  # fmt: skip


@pytest.mark.parametrize(("said", "kind"), SAID)
def test_what_git_says_is_told_as_a_kind_of_failure(said: str, kind: ForgeFailure) -> None:
    error = failed("acme/shop: it failed", Completed(128, b"", said.encode()))

    assert failure_of(Completed(128, b"", said.encode())) is kind
    assert error.failure is kind
    assert error.hint
    assert error.message.startswith("acme/shop: it failed: ")
    assert (error.needs == "push") is (kind is ForgeFailure.PERMISSION)


def test_no_password_and_no_control_character_is_shown() -> None:
    said = b"fatal: Authentication failed for 'https://me:s3cr3t@git.example/a'\x1b[31m"

    message = failed("x", Completed(128, b"", said)).message

    assert "s3cr3t" not in message
    assert "\x1b" not in message
