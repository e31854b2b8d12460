from __future__ import annotations

from datetime import date

import pytest

from basekeeper.lifecycle.replaced import END_OF_LIFE, LIFECYCLE, replaced_on
from basekeeper.values.image import Descriptor

DIGEST = f"sha256:{'1' * 64}"


@pytest.mark.parametrize(
    ("artifact_type", "text", "day"),
    [
        (LIFECYCLE, "2024-05-14", date(2024, 5, 14)),
        (LIFECYCLE, "2024-05-14T00:00:00Z", date(2024, 5, 14)),
        (LIFECYCLE, "2024-05-14T23:00:00-02:00", date(2024, 5, 15)),
        (LIFECYCLE, "0001-01-01T00:00:00Z", None),
        (LIFECYCLE, "0001-01-01T00:00:00+02:00", None),
        (LIFECYCLE, "\u0662\u0660\u0662\u0664-05-14", None),
        (LIFECYCLE, "soon", None),
        (LIFECYCLE, None, None),
        ("text/other", "2024-05-14", None),
    ],
)
def test_the_day_is_read_from_the_notice(
    artifact_type: str, text: str | None, day: date | None
) -> None:
    notes = {} if text is None else {END_OF_LIFE: text}
    assert replaced_on([Descriptor(DIGEST, "x", 1, artifact_type, notes)]) == day


def test_of_several_days_the_earliest_counts() -> None:
    notices = [
        Descriptor(DIGEST, "x", 1, LIFECYCLE, {END_OF_LIFE: text})
        for text in ("2025-01-01", "2024-05-14", "2026-01-01")
    ]
    assert replaced_on(notices) == date(2024, 5, 14)
