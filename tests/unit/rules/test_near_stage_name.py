from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from basekeeper.rules.near_stage_name import RULE
from basekeeper.values.use import SourceFile, Via
from tests.unit.rules.making import NO, UNKNOWN, YES, found, judgement, subject


def file(*stages: str | None) -> SourceFile:
    plan = SimpleNamespace(
        build=SimpleNamespace(stages=[SimpleNamespace(name=name) for name in stages])
    )
    return SourceFile(
        path="Dockerfile", kind="dockerfile", production=True, plans=cast("Any", (plan,))
    )


STRANGE = judgement(quality={"official_source": NO})
UNSURE = judgement(quality={"official_source": UNKNOWN})
OFFICIAL = judgement(quality={"official_source": YES})


@pytest.mark.parametrize(
    ("text", "stages", "meant"),
    [
        ("biuld", ("build",), "build"),
        ("builder", ("build", "test"), "build"),
        ("tool_builder", ("toolbuilder",), "toolbuilder"),
        ("binding", ("bindings", None), "bindings"),
        ("frontend-build", ("build-frontend", "frontend-built"), "frontend-built"),
    ],
)
@pytest.mark.parametrize("judged", [STRANGE, UNSURE])
@pytest.mark.parametrize("via", [Via.COPY_FROM, Via.RUN_MOUNT, Via.FROM])
def test_catches(text: str, stages: tuple[str, ...], meant: str, judged: Any, via: Via) -> None:
    (one,) = found(RULE, subject(text, judged=judged, file=file(*stages), via=via))
    assert one.remedy == f"write {meant}"
    assert f"would pull docker.io/library/{text}" in one.message


@pytest.mark.parametrize(
    ("text", "judged", "stages", "via"),
    [
        ("composer", OFFICIAL, ("composer-deps",), Via.COPY_FROM),
        ("redis", STRANGE, ("build",), Via.COPY_FROM),
        ("biuld:1", STRANGE, ("build",), Via.COPY_FROM),
        ("acme/biuld", STRANGE, ("build",), Via.COPY_FROM),
        ("biuld@sha256:" + "a" * 64, STRANGE, ("build",), Via.COPY_FROM),
        ("biuld", STRANGE, ("build",), Via.SYNTAX),
        ("scratch", STRANGE, ("scratchy",), Via.FROM),
        ("a", STRANGE, ("b",), Via.COPY_FROM),
        ("biuld", STRANGE, (), Via.COPY_FROM),
    ],
)
def test_does_not_catch(text: str, judged: Any, stages: tuple[str, ...], via: Via) -> None:
    assert found(RULE, subject(text, judged=judged, file=file(*stages), via=via)) == []


def test_does_not_catch_where_the_file_is_not_known() -> None:
    assert found(RULE, subject("biuld", judged=STRANGE)) == []


def test_says_that_a_stage_is_defined_later() -> None:
    (one,) = found(RULE, subject("base", judged=STRANGE, file=file("base")))
    assert "defined later" in one.message
    assert one.remedy == "define stage 'base' above"
    assert one.confidence == "high"
