from __future__ import annotations

import pytest

from basekeeper.rules.missing_digest import RULE
from tests.unit.rules.making import found, subject


@pytest.mark.parametrize("text", ["alpine", "alpine:3.23", "ghcr.io/acme/app:1"])
def test_catches(text: str) -> None:
    (one,) = found(RULE, subject(text))
    assert one.remedy.startswith(f"write {text}@sha256:")


@pytest.mark.parametrize("text", ["alpine@sha256:" + "a" * 64, "scratch", "$X", "Bad:1"])
def test_does_not_catch(text: str) -> None:
    assert found(RULE, subject(text)) == []


def test_is_silent_where_the_policy_switches_it_off() -> None:
    assert found(RULE, subject("alpine"), severity=None) == []
