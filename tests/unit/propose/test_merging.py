"""Who merges: a machine only what is known, wanted and harmless."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from basekeeper.plan import changes
from basekeeper.propose import draft, drifts, pin_of, rebuild
from basekeeper.tags.updates import UpdateRules
from basekeeper.values.change import Withheld
from basekeeper.values.deciding import DecisionKind, Setting
from basekeeper.values.image import Unknown
from basekeeper.values.proposal import Candidate, MergePolicy, Merging, Moved
from basekeeper.values.vulnerability import OperatingSystem, Severity
from tests.unit.propose.made import (
    FIXED,
    HOUR,
    NEW,
    NOW,
    OLD,
    OPEN,
    VULNERABLE,
    YOUNG,
    candidate,
    change,
    config,
    deadline,
    edits_of,
    grouped,
    look,
    match,
    package,
    wanted,
)
from tests.unit.render.standings import updates

AUTO = replace(OPEN, automerge=frozenset({"digest", "patch"}))
SAME = (config(), config())


def merging(of: Candidate, **more: Any) -> Merging:
    (one,) = wanted(of, rules=more.pop("rules", AUTO), **more)
    assert one.proposal is not None
    return one.proposal.merging


def test_a_kind_that_is_named_is_merged_where_all_is_known_and_nothing_is_worse() -> None:
    assert merging(candidate(None, look(configs=SAME))).policy is MergePolicy.AUTO
    assert merging(candidate(None, look(configs=SAME)), rules=OPEN).policy is MergePolicy.REVIEW


def brings(severity: Severity) -> Any:
    new = match("CVE-2026-9", package("new"), severity)
    return look(after=replace(FIXED, matches=(*FIXED.matches, new)))


TRIXIE = OperatingSystem("debian", "13.1")
RAISED = replace(
    FIXED, matches=(match("CVE-2026-2002", package("zlib"), Severity.HIGH), *FIXED.matches[1:])
)


@pytest.mark.parametrize(
    ("of", "word"),
    [
        (candidate(change(os_change="debian 12 → debian 13")), "another operating system"),
        (candidate(change(kind="os", axis="os")), "operating system"),
        (candidate(change(kind="name", axis="name")), "another image"),
        (Candidate(change=change()), "not known"),
        (candidate(None, look(after=Unknown("not pulled"))), "not pulled"),
        (candidate(None, look(before=replace(VULNERABLE, problems=(Unknown("cut"),)))), "cut"),
        (candidate(None, look(digests=(OLD, OLD))), "another digest"),
        (candidate(None, look(platform="linux/arm64")), "linux/amd64 is not known"),
        (candidate(None, look(configs=None)), "configured"),
        (candidate(None, brings(Severity.CRITICAL)), "brings CVE-2026-9, critical"),
        (candidate(None, brings(Severity.HIGH)), "brings CVE-2026-9, high"),
        (candidate(None, brings(Severity.UNKNOWN)), "unknown severity"),
        (candidate(None, look(after=RAISED)), "brings CVE-2026-2002, high"),
        (
            candidate(None, look(after=replace(FIXED, system=OperatingSystem("debian", "13.1")))),
            "→",
        ),
        (candidate(None, look(after=replace(FIXED, system=None))), "operating system"),
    ],
)
def test_no_setting_lets_a_machine_merge_what_is_unknown_or_worse(of: Candidate, word: str) -> None:
    found = merging(of)
    assert found.policy is MergePolicy.NEVER
    assert word in " ".join(found.reasons)


def system(text: str) -> OperatingSystem:
    family, _, release = text.partition(" ")
    return OperatingSystem(family, release)


@pytest.mark.parametrize(
    ("before", "after", "policy"),
    [
        ("debian 12.8", "debian 12.9", MergePolicy.AUTO),
        ("debian 12.8", "debian 13.0", MergePolicy.NEVER),
        ("alpine 3.20.1", "alpine 3.20.2", MergePolicy.AUTO),
        ("alpine 3.20.1", "alpine 3.21.0", MergePolicy.NEVER),
        ("ubuntu 24.04", "ubuntu 24.10", MergePolicy.NEVER),
        ("redhat 9.4", "redhat 9.5", MergePolicy.AUTO),
        ("debian 12.8", "ubuntu 12.8", MergePolicy.NEVER),
    ],
)
def test_a_release_is_another_system_and_a_point_release_is_not(
    before: str, after: str, policy: MergePolicy
) -> None:
    was, now = (system(text) for text in (before, after))
    seen = look(replace(VULNERABLE, system=was), replace(FIXED, system=now), configs=SAME)
    assert merging(candidate(None, seen)).policy is policy


@pytest.mark.parametrize(
    "changed", [{"user": "root"}, {"entrypoint": ("/bin/sh",)}, {"command": ("sh",)}]
)
def test_another_user_or_command_is_looked_at(changed: dict[str, Any]) -> None:
    seen = look(configs=(config(), config(**changed)))
    assert merging(candidate(None, seen)).policy is MergePolicy.REVIEW


def test_what_is_too_young_is_merged_by_itself_only_while_a_deadline_urges() -> None:
    young = candidate(None, look(configs=SAME), waiting=YOUNG)
    there = {"docker.io/library/node:20.11-slim": str(young.change.to)}
    assert merging(young, deadlines=[deadline()]).policy is MergePolicy.AUTO
    assert merging(young, proposed=there).policy is MergePolicy.REVIEW


def test_what_was_edited_in_part_is_looked_at() -> None:
    (group,) = grouped(candidate())
    plan = edits_of([change()], refused=True)
    proposal = draft(group, plan, AUTO).proposal
    assert proposal is not None
    assert proposal.merging == Merging(MergePolicy.NEVER, ("not every place could be edited",))
    assert proposal.notes == ("Dockerfile:3: the file is a template",)


def test_where_no_place_can_be_edited_nothing_is_proposed() -> None:
    (group,) = grouped(candidate())
    found = draft(group, replace(edits_of([change()], refused=True), files=()), AUTO)
    assert found.proposal is None
    assert found.reason == "no place can be edited: Dockerfile:3 the file is a template"


# what stands behind a tag without a digest

SETTING = Setting(now=NOW, base="main", login="us")
REBUILD = replace(OPEN, on_unpinned="rebuild", rebuild_workflow="build.yml")


def moved(**more: Any) -> Moved:
    standing = change("node:20.11-slim", "node:20.11-slim").standing
    values: dict[str, Any] = {"standing": standing, "before": OLD, "after": NEW, "looks": (look(),)}
    return Moved(**values | more)


def test_new_content_behind_a_tag_is_built_once() -> None:
    first = rebuild(moved(), (), REBUILD, SETTING)
    assert (first.kind, first.workflow) == (DecisionKind.REBUILD, "build.yml")
    assert first.key is not None
    started = replace(SETTING, dispatched=frozenset({first.key}))
    assert rebuild(moved(), (), REBUILD, started).kind is DecisionKind.LEAVE
    again = rebuild(moved(after=f"sha256:{'d' * 64}"), (), REBUILD, started)
    assert again.kind is DecisionKind.REBUILD


@pytest.mark.parametrize(
    ("rules", "of"),
    [
        (OPEN, moved()),
        (replace(REBUILD, mode="report"), moved()),
        (replace(REBUILD, on_unpinned="pin"), moved()),
        (REBUILD, moved(os_change="debian 12 → debian 13")),
    ],
)
def test_else_it_is_told(rules: Any, of: Moved) -> None:
    decision = rebuild(of, [deadline()], rules, SETTING)
    assert decision.kind is DecisionKind.REPORT
    assert decision.due == NOW + 24 * HOUR


def test_a_rebuild_waits_like_an_update_unless_a_deadline_urges() -> None:
    young = moved(waiting=YOUNG)
    assert rebuild(young, (), REBUILD, SETTING).until == YOUNG.until
    assert rebuild(young, (), REBUILD, SETTING).kind is DecisionKind.WAIT
    assert rebuild(young, [deadline()], REBUILD, SETTING).kind is DecisionKind.REBUILD
    unsure = moved(waiting=YOUNG, looks=(look(after=Unknown("not pulled")),))
    assert rebuild(unsure, [deadline()], REBUILD, SETTING).kind is DecisionKind.WAIT


def test_a_rebuild_keeps_the_windows() -> None:
    from basekeeper.config.proposals import parse_window

    rules = replace(REBUILD, schedules=((parse_window("thu 06:00-07:00"),),))
    decision = rebuild(moved(), (), rules, SETTING)
    assert (decision.kind, decision.until) == (DecisionKind.WAIT, NOW + 18 * HOUR)


def test_a_pin_is_a_change_like_any_other() -> None:
    (one,) = wanted(pin_of(moved()), deadlines=[deadline()])
    assert one.proposal is not None
    assert one.proposal.files["Dockerfile"].decode() == f"FROM node:20.11-slim@{NEW}\n"
    assert "pin node:20.11-slim to its digest for CVE-2026-1001" in one.proposal.title


def test_a_tag_that_nobody_wrote_is_written_beside_its_digest() -> None:
    bare = replace(moved(), standing=change("node", "node").standing)
    assert pin_of(bare).change.to.text == f"node:latest@{NEW}"


def test_planning_withholds_another_system_and_proposing_takes_it_up() -> None:
    drift = change(f"node:20@{OLD}", f"node:20@{NEW}", "digest", os_change="debian 12 → debian 13")
    stands = replace(drift.standing, updates=updates(digest=drift.choice))
    planned = changes([stands])
    assert planned.changes == ()
    (taken,) = drifts(planned.withheld)
    (one,) = wanted(candidate(taken, look()))
    assert one.proposal is not None
    assert one.proposal.merging.policy is MergePolicy.NEVER
    assert one.proposal.title == "chore(deps): move node:20 from debian 12 to debian 13"


def test_another_system_behind_a_pinned_tag_is_proposed_by_itself() -> None:
    drift = change(f"node:20@{OLD}", f"node:20@{NEW}", "digest", os_change="debian 12 → debian 13")
    unpinned = change("node:20", "node:20", "digest", os_change="debian 12 → debian 13")
    plain = change(f"node:20@{OLD}", f"node:20@{NEW}", "digest", rules=UpdateRules())
    held = [Withheld(one.standing, one.choice, "x") for one in (drift, unpinned, plain)]
    assert [str(one.to) for one in drifts(held)] == [f"docker.io/library/node:20@{NEW}"]
