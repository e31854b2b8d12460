"""What two builds prove."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.proving import BaseProof, Result, build_delta, judge_builds, prove_base
from basekeeper.values.building import (
    NO_LOG,
    BuilderIdentity,
    Built,
    Failure,
    Isolation,
    NotBuilt,
)
from basekeeper.values.image import ImageConfig, Unknown
from basekeeper.values.scanning import LayoutImage
from basekeeper.values.vulnerability import (
    Database,
    FixStatus,
    Match,
    Package,
    PackageKind,
    Scan,
    ScannerIdentity,
    Severity,
    Subject,
    SubjectKind,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OLD, NEW, OWN, OTHER = (f"sha256:{letter * 64}" for letter in "abcd")
BASES = ("docker.io/library/debian:11", "docker.io/library/debian:12")
DIGESTS = st.lists(st.sampled_from([OLD, NEW, OWN, OTHER]), max_size=5)


def built(base: str, layer: str, **config: Any) -> Built:
    digest = "sha256:" + "e" * 64
    return Built(
        image=LayoutImage(path=Path("out"), digest=digest, platform="linux/amd64"),
        config=ImageConfig(
            digest=digest, manifest=digest, platform="linux/amd64", diff_ids=(layer, OWN), **config
        ),
        bases={base: (layer,)},
        builder=BuilderIdentity("buildah", "1.28.2"),
        isolation=Isolation("chroot"),
        log=NO_LOG,
        seconds=1.0,
    )


def scanned(*names: str, diff_ids: tuple[str, ...]) -> Scan:
    package = Package(
        name="a", version="1", kind=PackageKind.OS, ecosystem="debian", purl="pkg:deb/debian/a@1"
    )
    return Scan(
        subject=Subject(kind=SubjectKind.LAYOUT, name="x", platform="linux/amd64"),
        now=NOW,
        scanner=ScannerIdentity(name="trivy", version="0.69.3", digest="sha256:x"),
        database=Database(schema=2, updated=NOW - timedelta(hours=1)),
        severity_order=("nvd",),
        diff_ids=diff_ids,
        packages=(package,),
        matches=tuple(
            Match(
                vulnerability=name, package=package, status=FixStatus.AFFECTED,
                severity=Severity.HIGH, severity_source="nvd",
            )
            for name in names
        ),
    )  # fmt: skip


BEFORE = (built(BASES[0], OLD, user="root"), scanned("CVE-1", "CVE-2", diff_ids=(OLD, OWN)))
AFTER = (built(BASES[1], NEW, user="7"), scanned("CVE-2", diff_ids=(NEW, OWN)))


def failed(failure: Failure) -> NotBuilt:
    return NotBuilt(failure=failure, reason="why")


@given(base=DIGESTS.filter(bool), own=DIGESTS)
def test_an_image_that_starts_with_a_base_stands_on_it(base: list[str], own: list[str]) -> None:
    assert prove_base(base + own, base) == BaseProof(tuple(base), tuple(own))


@given(image=DIGESTS, base=DIGESTS)
def test_any_other_image_is_not_proven_to(image: list[str], base: list[str]) -> None:
    proof = prove_base(image, base)
    assert isinstance(proof, BaseProof) is (bool(base) and image[: len(base)] == base)


def test_the_delta_of_two_builds_tells_what_was_fixed_and_what_else_differs() -> None:
    delta = build_delta(BEFORE, AFTER, BASES)
    assert delta.proven
    assert delta.before == BaseProof((OLD,), (OWN,))
    assert delta.after == BaseProof((NEW,), (OWN,))
    assert [one.vulnerability for one in delta.comparison.fixed] == ["CVE-1"]
    assert [one.what for one in delta.comparison.differences] == ["user"]


@pytest.mark.parametrize(
    ("before", "after", "bases", "reason"),
    [
        (BEFORE, AFTER, (BASES[0], BASES[0]), "was not used in this build"),
        (BEFORE, (AFTER[0], BEFORE[1]), BASES, "after: the scan is of another image"),
        (
            (replace(BEFORE[0], bases={BASES[0]: (OTHER,)}), BEFORE[1]), AFTER, BASES,
            "does not start with the layers of the base",
        ),
        ((replace(BEFORE[0], bases={BASES[0]: ()}), BEFORE[1]), AFTER, BASES, "has no layers"),
        (
            BEFORE, (AFTER[0], replace(AFTER[1], problems=(Unknown("half"),))), BASES,
            "after: half",
        ),
    ],
)  # fmt: skip
def test_a_delta_without_proof_says_why(
    before: tuple[Built, Scan], after: tuple[Built, Scan], bases: tuple[str, str], reason: str
) -> None:
    delta = build_delta(before, after, bases)
    assert not delta.proven
    assert any(reason in problem.reason for problem in delta.problems)


@pytest.mark.parametrize(
    ("before", "after", "result"),
    [
        (BEFORE[0], AFTER[0], Result.BOTH),
        (BEFORE[0], failed(Failure.BUILD), Result.BROKEN),
        (BEFORE[0], failed(Failure.LIMIT), Result.UNKNOWN),
        (BEFORE[0], failed(Failure.INPUT), Result.UNKNOWN),
        (BEFORE[0], failed(Failure.BUILDER), Result.UNKNOWN),
        (failed(Failure.BUILD), AFTER[0], Result.REPAIRED),
        (failed(Failure.LIMIT), AFTER[0], Result.UNKNOWN),
        (failed(Failure.BUILD), failed(Failure.BUILD), Result.UNKNOWN),
        (failed(Failure.INPUT), failed(Failure.BUILD), Result.UNKNOWN),
        (BEFORE[0], replace(AFTER[0], builder=BuilderIdentity("b", "2")), Result.UNKNOWN),
        (BEFORE[0], replace(AFTER[0], isolation=Isolation("none")), Result.UNKNOWN),
    ],
)
def test_a_build_that_fails_tells_of_the_new_base_only_beside_one_that_does_not(
    before: Built | NotBuilt, after: Built | NotBuilt, result: Result
) -> None:
    told = judge_builds(before, after)
    assert told.result is result
    assert (told.reason == "") is (result is Result.BOTH)


def test_why_there_is_no_image_can_be_said_as_what_is_unknown() -> None:
    assert failed(Failure.LIMIT).unknown == Unknown("a limit was passed: why")
