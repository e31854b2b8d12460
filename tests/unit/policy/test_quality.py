from __future__ import annotations

from datetime import date

import pytest

from basekeeper.policy.quality import CRITERIA, all_answers, current_version, supported
from basekeeper.values.finding import Answer, AxisState, Truth

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN


def _axis(axis: str, supported: Truth, current: Truth = YES) -> AxisState:
    day = date(2026, 8, 22)
    return AxisState(
        axis=axis,
        product="x",
        title=axis.title(),
        cycle="1",
        supported=Answer(supported, f"support {supported}", f"{axis} data", day),
        current=Answer(current, f"newest {current}", f"{axis} data", day),
    )


@pytest.mark.parametrize(
    ("axes", "undetermined", "expected", "reason"),
    [
        ([], [], UNKNOWN, "no calendar is known for this image"),
        ([], ["os: no idea"], UNKNOWN, "os: no idea"),
        ([_axis("os", YES)], [], YES, "Os 1: support yes"),
        ([_axis("os", YES)], ["application: no idea"], UNKNOWN, "application: no idea"),
        ([_axis("os", NO)], ["application: no idea"], NO, "Os 1: support no"),
        ([_axis("os", NO), _axis("application", UNKNOWN)], [], NO, "Os 1: support no"),
        ([_axis("os", YES), _axis("application", UNKNOWN)], [], UNKNOWN, "Application 1: support"),
        (
            [_axis("os", NO), _axis("generation", NO)],
            [],
            NO,
            "Os 1: support no; Generation 1: support no",
        ),
    ],
)
def test_one_dead_axis_is_enough_and_unknown_is_never_fine(
    axes: list[AxisState], undetermined: list[str], expected: Truth, reason: str
) -> None:
    answer = supported(axes, undetermined)
    assert answer.value is expected
    assert answer.reason.startswith(reason)


@pytest.mark.parametrize(
    ("axes", "undetermined", "expected"),
    [
        ([], [], UNKNOWN),
        ([_axis("application", YES, YES), _axis("os", YES, NO)], ["os: no idea"], YES),
        ([_axis("application", YES, NO), _axis("os", YES, YES)], [], NO),
        ([_axis("application", YES, YES), _axis("application", YES, NO)], [], NO),
        ([_axis("os", YES, YES)], ["application: no idea"], UNKNOWN),
        ([_axis("os", YES, NO)], [], NO),
        ([_axis("os", YES, YES), _axis("generation", YES, NO)], [], NO),
        ([_axis("os", YES, YES)], ["generation: no idea"], UNKNOWN),
    ],
)
def test_the_application_counts_where_there_is_one(
    axes: list[AxisState], undetermined: list[str], expected: Truth
) -> None:
    assert current_version(axes, undetermined).value is expected


def test_an_answer_names_the_data_of_the_axis_that_decided() -> None:
    answer = supported([_axis("os", YES), _axis("application", NO)])
    assert (answer.source, answer.as_of) == ("application data", date(2026, 8, 22))
    assert supported([], ["os: no idea"]).source is None


def test_answers_every_criterion() -> None:
    assert tuple(all_answers(YES, "empty image")) == CRITERIA
