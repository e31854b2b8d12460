"""What proves that a candidate ends a deadline, and how images are put together."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.deadlines.identity import FindingKey
from basekeeper.deadlines.model import State
from basekeeper.propose import weigh
from basekeeper.tags.updates import UpdateRules
from basekeeper.values.image import Unknown
from basekeeper.values.vulnerability import OperatingSystem, ScannerIdentity, Suppression
from tests.unit.propose.made import (
    CVE,
    FIXED,
    KNOWN,
    NEW,
    NEWER,
    NOW,
    OLD,
    OPEN,
    VULNERABLE,
    YOUNG,
    candidate,
    change,
    deadline,
    grouped,
    look,
    match,
    package,
    wanted,
)

if TYPE_CHECKING:
    from basekeeper.values.proposal import Candidate, Look

SLIM = "docker.io/library/node:slim"


def key(name: str, package: str, lineage: str = SLIM) -> FindingKey:
    return FindingKey(lineage, name, f"pkg:deb/debian/{package}", "linux/amd64")


PROBLEM = (Unknown("the database is stale"),)
HUSHED = replace(
    match(CVE, package("openssl")), suppressed=Suppression("ignored", "not reachable", "x.vex")
)


def test_two_whole_scans_prove_what_a_change_ends() -> None:
    (proof,) = weigh(candidate(), [deadline()]).proofs
    assert proof.finding.vulnerability == CVE
    assert (proof.digest, proof.scanner, proof.database) == (NEW, "trivy 0.69.3", KNOWN.updated)


@pytest.mark.parametrize(
    "doubtful",
    [
        look(before=Unknown("not scanned")),
        look(after=Unknown("not scanned")),
        look(before=replace(VULNERABLE, problems=PROBLEM)),
        look(after=replace(FIXED, problems=PROBLEM)),
        look(after=replace(FIXED, database=replace(KNOWN, updated=NOW))),
        look(after=replace(FIXED, scanner=ScannerIdentity(name="grype", version="1", digest="x"))),
        look(before=replace(VULNERABLE, database=None), after=replace(FIXED, database=None)),
        look(after=VULNERABLE),
        look(after=replace(FIXED, suppressed=(HUSHED,))),
        look(after=replace(FIXED, system=OperatingSystem("debian", "9", end_of_life=True))),
        look(digests=(OLD, NEWER)),
        look(digests=(NEWER, NEW)),
        look(digests=(OLD, None)),
        look(digests=(None, NEW)),
        look(platform="linux/arm64"),
    ],
)
def test_anything_less_proves_nothing(doubtful: Look) -> None:
    assert weigh(candidate(None, doubtful), [deadline()]).proofs == ()


@pytest.mark.parametrize(
    "more",
    [
        {"is_latest": False},
        {"due": None, "at_next_release": True},
        {"state": State.EXCEPTED},
        {"state": State.CLOSED_IN_TIME},
        {"finding": key(CVE, "openssl", "docker.io/library/node")},
        {"finding": key(CVE, "zlib")},
        {"finding": key("CVE-2026-2002", "zlib")},
    ],
)  # fmt: skip
def test_only_running_deadlines_of_what_is_fixed_urge(more: dict[str, Any]) -> None:
    assert weigh(candidate(), [deadline(**more)]).proofs == ()


def test_an_alias_is_the_same_vulnerability() -> None:
    before = replace(
        VULNERABLE, matches=(match("GHSA-1111-2222-3333", package("openssl"), aliases=(CVE,)),)
    )
    assert weigh(candidate(None, look(before=before)), [deadline()]).proofs


def test_several_deadlines_are_ordered_and_none_counts_twice() -> None:
    first, second = deadline(5, product="b"), deadline(9, product="a")
    found = weigh(candidate(None, look(), look()), [second, first, first]).proofs
    assert [one.deadline.product for one in found] == ["b", "a"]


def in_group(name: str | None, old: str, new: str, **more: Any) -> Candidate:
    rules = UpdateRules(group=name, minimum_age=timedelta(days=3))
    return candidate(change(old, new, rules=rules, **more))


def test_images_are_proposed_alone_by_group_or_all_together() -> None:
    every = (
        in_group("databases", "postgres:16.1", "postgres:16.2"),
        in_group("databases", "mysql:8.0.1", "mysql:8.0.2"),
        in_group(None, "node:20.1", "node:20.2"),
        in_group(None, "node:18.1", "node:18.2"),
    )
    keys = [one.identity.key for one in grouped(*every)]
    assert keys == [
        "group databases", "image docker.io/library/node:18.1", "image docker.io/library/node:20.1",
    ]  # fmt: skip
    together = grouped(*every, rules=replace(OPEN, group_by="repository"))
    assert [one.identity.key for one in together] == ["group databases", "repository"]
    assert [one.image for one in together[1].taken] == [
        "docker.io/library/node:18.1", "docker.io/library/node:20.1",
    ]  # fmt: skip


def test_another_operating_system_is_always_proposed_alone() -> None:
    drift = in_group("databases", f"postgres:16@{OLD}", f"postgres:16@{NEW}",
                     kind="digest", os_change="debian 12 → debian 13")  # fmt: skip
    other = in_group("databases", "mysql:8.0.1", "mysql:8.0.2")
    assert [one.identity.key for one in grouped(drift, other)] == [
        "group databases", "image docker.io/library/postgres:16",
    ]  # fmt: skip


def test_branches_name_group_and_hash_but_no_new_version() -> None:
    (group,) = grouped(candidate())
    (newer,) = grouped(candidate(change(new=f"node:22.1-slim@{NEWER}")))
    branch = group.identity.branch("deps")
    assert branch == newer.identity.branch("deps")
    assert branch.startswith("deps/node-20-11-slim-")
    assert "20-19" not in branch


def test_names_that_read_alike_have_other_branches() -> None:
    names = ("a/b-c:1", "a-b/c:1", "a.b/c:1", "a__b/c:1", f"{'x' * 120}/a:1", f"{'x' * 120}/b:1")
    groups = grouped(*(candidate(change(name, f"{name[:-1]}2")) for name in names))
    branches = {one.identity.branch("b") for one in groups}
    assert len(branches) == len(names)
    assert all(len(one) < 90 for one in branches)


def test_what_is_too_young_is_taken_only_where_it_ends_more() -> None:
    young = candidate(
        change(new=f"node:20.20-slim@{NEWER}", digest=NEWER), look(digests=(OLD, NEWER)),
        waiting=YOUNG,
    )  # fmt: skip
    aged = candidate(None, look(after=VULNERABLE))
    aged_fix = candidate()

    def tag(*candidates: Candidate, **more: Any) -> str | None:
        (group,) = grouped(*candidates, **more)
        return group.taken[0].candidate.change.to.tag if group.taken else None

    assert tag(young) is None
    assert tag(aged, young) == "20.19-slim"
    assert tag(aged, young, deadlines=[deadline()]) == "20.20-slim"
    assert tag(aged_fix, young, deadlines=[deadline()]) == "20.19-slim"
    proposed = {"docker.io/library/node:20.11-slim": f"docker.io/library/node:20.20-slim@{NEWER}"}
    assert tag(young, proposed=proposed) == "20.20-slim"


def test_names_that_are_too_long_are_cut_and_stay_apart() -> None:
    host = "r.example"
    names = [f"{host}/{'/'.join(['x' * 30] * 5)}/{'y' * 60}{letter}" for letter in "ab"]
    long = [f"{name}:{'t' * 120}1" for name in names]
    groups = grouped(*(candidate(change(name, f"{name[:-1]}2", digest=NEW)) for name in long))
    keys = {one.identity.key for one in groups}
    assert len(keys) == 2
    assert all(len(one) <= 300 for one in keys)


def test_a_tag_that_is_pinned_to_several_digests_is_one_group() -> None:
    one, other = (
        candidate(change(f"node:20@{digest}", f"node:20@{NEW}", "digest", f"{place}/Dockerfile"),
                  look(digests=(digest, NEW)))
        for digest, place in ((OLD, "a"), (NEWER, "b"))
    )  # fmt: skip
    (group,) = grouped(one, other)
    assert [weighed.candidate for weighed in group.taken] == [one, other]
    (found,) = wanted(one, other)
    assert found.proposal is not None
    assert sorted(found.proposal.files) == ["a/Dockerfile", "b/Dockerfile"]
    assert found.proposal.title == "chore(deps): update 2 base images"
