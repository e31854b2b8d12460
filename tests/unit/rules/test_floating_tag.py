from __future__ import annotations

from typing import Any

import pytest

from basekeeper.rules.floating_tag import RULE
from basekeeper.values.use import Via
from tests.unit.rules.making import axis, found, judgement, subject

DIGEST = "@sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("nginx", "has no tag"),
        ("nginx:latest", "says latest"),
        ("ghcr.io/acme/app", "has no tag"),
        ("localhost:5000/app", "has no tag"),
    ],
)
def test_catches(text: str, what: str) -> None:
    (one,) = found(RULE, subject(text))
    assert one.message.startswith(f"{text} {what}")


@pytest.mark.parametrize("via", [Via.COPY_FROM, Via.RUN_MOUNT, Via.SYNTAX])
def test_catches_through_other_doors(via: Via) -> None:
    assert len(found(RULE, subject("nginx", via=via))) == 1


@pytest.mark.parametrize(
    "text",
    ["nginx:1.30", "nginx" + DIGEST, "nginx:latest" + DIGEST, "node:lts", "scratch", "$X", "Bad:1"],
)
def test_does_not_catch(text: str) -> None:
    assert found(RULE, subject(text)) == []


@pytest.mark.parametrize(
    ("text", "axes", "remedy"),
    [
        ("node", (axis(axis="os", newest="13"), axis()), "name a version, for example node:24"),
        ("alpine:latest", (axis(axis="os", newest="3.23"),), "for example alpine:3.23"),
        ("acme/x", (), "name a version: acme/x:<version>"),
        ("acme/y:latest", (axis(newest="debian13"),), "name a version: acme/y:<version>"),
    ],
)
def test_names_a_version(text: str, axes: Any, remedy: str) -> None:
    (one,) = found(RULE, subject(text, judged=judgement(axes=axes)))
    assert remedy in one.remedy


def test_asks_for_a_digest_where_tags_are_no_versions() -> None:
    judged = judgement(axes=(axis(newest="26"),), tags_are_versions=False)
    (one,) = found(RULE, subject("gcr.io/distroless/nodejs22-debian13", judged=judged))
    assert one.remedy == "pin its digest: its tags name no versions"
