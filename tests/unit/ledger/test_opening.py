from __future__ import annotations

import pytest

from basekeeper.errors import EXIT_UNKNOWN, LedgerError
from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import CI_VARIABLES, check_lasting


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
