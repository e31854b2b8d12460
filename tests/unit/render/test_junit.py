from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given

from basekeeper.render.junit import render_junit
from basekeeper.values.finding import Severity
from tests.unit.render.made import HOSTILE, finding, full_report, judgement, report, use
from tests.unit.render.strategies import reports


def parsed(made: Any, fail_on: Severity | None = Severity.ERROR) -> ET.Element:
    return ET.fromstring(render_junit(made, fail_on=fail_on).encode())  # noqa: S314


def test_numbers_are_those_of_the_cases() -> None:
    root = parsed(full_report())
    for attribute, element in (
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ):
        assert int(root.attrib[attribute]) == len(list(root.iter(element)))
    assert int(root.attrib["tests"]) == len(list(root.iter("testcase")))


def test_suite_is_a_file_and_case_a_finding() -> None:
    root = parsed(full_report())
    suites = [suite.attrib["name"] for suite in root]
    assert suites == [
        "api/Dockerfile",
        "broken/Dockerfile",
        "services/web/Dockerfile",
        "tool/Dockerfile",
        "vendor/big",
    ]
    assert [case.attrib["name"] for case in root[0]] == [
        "line 1: node:20-bookworm: end-of-life",
        "line 1: node:20-bookworm: floating-tag",
        "line 1: node:20-bookworm: not-minimal",
        "line 14: docker.io/library/golang:1.26-alpine: behind-current",
    ]


@pytest.mark.parametrize(
    ("fail_on", "failures"),
    [(Severity.ERROR, 2), (Severity.WARNING, 3), (Severity.NOTE, 4), (None, 0)],
)
def test_only_what_gates_fails(fail_on: Severity | None, failures: int) -> None:
    assert parsed(full_report(), fail_on).attrib["failures"] == str(failures)


def test_image_without_findings_passes() -> None:
    image = use()
    (case,) = parsed(report((image, judgement(image)))).iter("testcase")
    assert case.attrib["name"] == "line 3: node:20"
    assert len(case) == 0


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_valid_xml(hostile: str) -> None:
    image = use(hostile, 1, hostile)
    root = parsed(report((image, judgement(image)), findings=(finding(image, message=hostile),)))
    assert len(list(root.iter("failure"))) == 1


@given(reports())
def test_any_report_is_valid_xml(made: Any) -> None:
    parsed(made)
