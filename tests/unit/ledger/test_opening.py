from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.errors import EXIT_UNKNOWN, LedgerError
from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import CI_VARIABLES, check_lasting, exposure

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("variable", CI_VARIABLES)
def test_file_in_a_job_of_ci_is_refused_with_the_remedy(variable: str) -> None:
    with pytest.raises(LedgerError, match=f"{variable} is set") as caught:
        check_lasting(read_location("sqlite:/x"), {variable: "1"}, ephemeral=False)
    assert "--ephemeral" in (caught.value.hint or "")
    assert caught.value.exit_code == EXIT_UNKNOWN


@pytest.mark.parametrize(
    ("location", "environ", "ephemeral"),
    [
        ("sqlite:/x", {}, False),
        ("sqlite:/x", {"CI": "false", "TF_BUILD": "False"}, False),
        ("sqlite:/x", {"CI": "true"}, True),
        ("branch:x", {"CI": "true"}, False),
        ("postgresql://h/d", {"CI": "true"}, False),
    ],
)
def test_place_that_outlives_the_run_is_taken(
    location: str, environ: dict[str, str], *, ephemeral: bool
) -> None:
    check_lasting(read_location(location), environ, ephemeral=ephemeral)


@pytest.mark.parametrize(
    ("location", "environ", "event", "warns"),
    [
        ("branch:x", {"CI_PROJECT_VISIBILITY": "public"}, None, True),
        ("branch:x", {"CI_PROJECT_VISIBILITY": "private"}, None, False),
        ("branch:x", {}, {"repository": {"private": False}}, True),
        ("branch:x", {}, {"repository": {"private": True}}, False),
        ("branch:x", {}, {"repository": []}, False),
        ("branch:x", {}, [], False),
        ("branch:x", {}, None, False),
        ("branch:x", {"GITHUB_EVENT_PATH": "/none/\0"}, None, False),
        ("branch:x@https://git.example/a", {"CI_PROJECT_VISIBILITY": "public"}, None, False),
        ("postgresql://h/d", {"CI_PROJECT_VISIBILITY": "public"}, None, False),
    ],
)
def test_user_is_warned_where_everybody_can_read_open_findings(
    location: str, environ: dict[str, str], event: Any, tmp_path: Path, *, warns: bool
) -> None:
    if event is not None:
        (tmp_path / "event.json").write_text(json.dumps(event), "utf-8")
        environ = {**environ, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}
    told = exposure(read_location(location), environ)
    assert (told is not None) is warns
    assert not warns or "private repository" in str(told)
