"""One severity is chosen among several by a pinned order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.errors import InputError
from basekeeper.scanners.severity import check_order, choose_severity
from basekeeper.values.scanning import SEVERITY_ORDER
from basekeeper.values.vulnerability import Severity

U, L, M, H, C = Severity
sources = st.sampled_from(["debian", "nvd", "ghsa", "ubuntu"])
said = st.dictionaries(sources, st.sampled_from(Severity))
orders = st.lists(sources | st.sampled_from(["advisory", "highest"]), min_size=1).map(tuple)


@pytest.mark.parametrize(
    ("severities", "publisher", "order", "expected"),
    [
        ({"debian": L, "nvd": C}, "debian", SEVERITY_ORDER, (L, "debian")),
        ({"debian": U, "nvd": C}, "debian", SEVERITY_ORDER, (C, "nvd")),
        ({"ubuntu": M, "redhat": H}, "debian", SEVERITY_ORDER, (H, "redhat")),
        ({"ubuntu": H, "redhat": H}, "debian", SEVERITY_ORDER, (H, "redhat")),
        ({"ghsa": H, "nvd": C}, "ghsa", SEVERITY_ORDER, (H, "ghsa")),
        ({"debian": L, "nvd": C}, "debian", ("highest",), (C, "nvd")),
        ({"debian": L}, "debian", ("nvd",), (U, None)),
        ({}, None, SEVERITY_ORDER, (U, None)),
        ({"nvd": U}, None, SEVERITY_ORDER, (U, None)),
    ],
)
def test_the_first_source_that_says_something_counts(
    severities: dict[str, Severity],
    publisher: str | None,
    order: tuple[str, ...],
    expected: tuple[Severity, str | None],
) -> None:
    assert choose_severity(severities, publisher, order) == expected


@given(said, st.none() | sources, orders)
def test_a_chosen_severity_is_what_its_source_says(
    severities: dict[str, Severity], publisher: str | None, order: tuple[str, ...]
) -> None:
    severity, source = choose_severity(severities, publisher, order)
    assert (source is None) == (severity is U)
    assert source is None or severities[source] is severity


@given(said, st.none() | sources)
def test_by_the_shipped_order_only_silence_is_unknown(
    severities: dict[str, Severity], publisher: str | None
) -> None:
    severity, _ = choose_severity(severities, publisher, SEVERITY_ORDER)
    assert (severity is U) == (set(severities.values()) <= {U})


@pytest.mark.parametrize("order", [(), ("",), ("NVD",), ("nvd", "a b")])
def test_an_order_that_names_no_source_is_refused(order: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        check_order(order)
