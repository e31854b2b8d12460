from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from basekeeper.baseline import load_baseline, write_baseline
from basekeeper.check import OF_REGISTRIES, OF_THE_LEDGER, Exemptions, check, exit_code
from basekeeper.policy.load import load_policy
from basekeeper.values.finding import Category, Finding, Report, Severity
from basekeeper.values.use import Role, Skipped, SourceFile, Survey, Use, Via
from basekeeper.waivers import InvalidWaiver, Waivers
from tests.unit.rules.making import use, view
from tests.unit.waivers.making import waiver

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def survey(*uses: Use, files: tuple[SourceFile, ...] = (), skipped: Any = ()) -> Survey:
    return Survey("root", files, uses, skipped)


def run(*uses: Use, **options: Any) -> Report:
    exemptions = Exemptions(**options)
    return check(survey(*uses), load_policy(), now=NOW, exemptions=exemptions)


def rules(report: Report) -> list[str]:
    return [finding.rule for finding in report.findings]


OLD = use("node:18-slim", line=3)


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("scratch", {}, []),
        ("alpine:3.24", {}, []),
        ("alpine", {}, ["floating-tag"]),
        ("debian:trixie-slim", {}, []),
        ("node:26-trixie-slim", {}, ["restricted-image"]),
        ("node:18-slim", {}, ["end-of-life", "restricted-image"]),
        ("node:18-slim", {"production": False}, ["end-of-life", "restricted-image"]),
        ("Node:18", {}, ["prohibited-image"]),
        ("$BASE", {}, ["opaque-reference"]),
        ("ghcr.io/nobody/knows:1", {}, ["unofficial-source"]),
        ("docker/dockerfile:1", {"via": Via.SYNTAX, "role": Role.FRONTEND}, []),
        ("node:22-slim", {}, ["behind-current", "restricted-image"]),
        ("node:22-slim", {"role": Role.BUILD}, ["restricted-image"]),
        ("node:26-trixie", {}, ["not-minimal", "restricted-image"]),
    ],
)
def test_judges_by_the_shipped_policy(text: str, more: dict[str, Any], expected: list[str]) -> None:
    assert sorted(rules(run(use(text, **more)))) == expected


def test_reports_one_source_finding_for_one_use() -> None:
    sources = {"prohibited-image", "unofficial-source", "opaque-reference"}
    for text in ("Node:18", "$BASE", "ghcr.io/nobody/knows:1"):
        assert len(sources & set(rules(run(use(text))))) == 1


def test_holds_the_judgement_of_every_use_in_order() -> None:
    report = run(use("alpine:3.23", line=1), use("$BASE", line=2), use("scratch", line=3))
    assert [judgement.category for _, judgement in report.judgements] == [
        Category.PREFERRED,
        Category.PROHIBITED,
        Category.PREFERRED,
    ]


def test_a_frontend_is_trusted_as_nothing_else() -> None:
    frontend = use("docker/dockerfile:1", via=Via.SYNTAX, role=Role.FRONTEND)
    ((_, judgement),) = run(frontend).judgements
    assert judgement.clause == "policy.frontends"
    ((_, judgement),) = run(use("docker/dockerfile:1")).judgements
    assert judgement.clause != "policy.frontends"


def test_is_the_same_for_the_same_input() -> None:
    uses = [use("node", path="b", line=2), use("node", path="a", line=9), OLD]
    assert run(*uses) == run(*uses)


def test_sorts_by_path_line_and_rule() -> None:
    report = run(use("node", path="b", line=2), use("node", path="a", line=9), OLD)
    places = [(finding.path, finding.line, finding.rule) for finding in report.findings]
    assert places == sorted(places)


def test_fingerprints_stay_when_lines_move_and_tags_change() -> None:
    before = {one.rule: one.fingerprint for one in run(OLD).findings}
    after = {one.rule: one.fingerprint for one in run(use("node:16-slim", line=40)).findings}
    assert after["end-of-life"] == before["end-of-life"]


def test_fingerprints_tell_files_stages_images_and_occurrences_apart() -> None:
    uses = [
        OLD,
        use("node:18-slim", line=4),
        use("node:18-slim", line=5, stage="other"),
        use("node:18-slim", line=6, path="other"),
        use("python:3.8-slim", line=7),
    ]
    prints = [one.fingerprint for one in run(*uses).findings if one.rule == "end-of-life"]
    assert len(set(prints)) == 5


def test_a_waiver_takes_its_findings_out_and_is_listed() -> None:
    mine = waiver(images=("node",))
    report = run(OLD, waivers=Waivers((mine,)))
    assert rules(report) == ["restricted-image"]
    assert [(one.finding.rule, one.waiver) for one in report.waived] == [("end-of-life", mine)]
    assert (report.waivers, report.unused_waivers, report.expired_waivers) == ((mine,), (), ())


@pytest.mark.parametrize(
    ("until", "holds"), [(date(2026, 11, 23), True), (date(2026, 11, 22), False)]
)
def test_a_waiver_holds_through_its_last_day(until: date, *, holds: bool) -> None:
    mine = waiver(images=("node",), until=until)
    report = run(OLD, waivers=Waivers((mine,)))
    assert ("end-of-life" in rules(report)) is not holds
    assert ("expired-waiver" in rules(report)) is not holds
    assert bool(report.expired_waivers) is not holds


def test_a_waiver_without_findings_is_a_note() -> None:
    mine = waiver(images=("python",))
    report = run(OLD, waivers=Waivers((mine,)))
    (one,) = (finding for finding in report.findings if finding.rule == "unused-waiver")
    assert (one.severity, one.path, one.line) == (Severity.NOTE, "w.toml", 1)
    assert report.unused_waivers == (mine,)


def test_nobody_calls_a_waiver_unused_where_only_a_part_was_looked_at() -> None:
    mine = waiver(images=("python",))
    report = run(OLD, waivers=Waivers((mine,)), partial=True)
    assert "unused-waiver" not in rules(report)
    assert report.unused_waivers == ()


def test_a_waiver_of_rules_that_are_switched_off_is_not_called_unused() -> None:
    mine = waiver(rules=("missing-digest",), images=("python",))
    assert run(OLD, waivers=Waivers((mine,))).unused_waivers == ()


def test_an_invalid_waiver_is_an_error_at_its_line() -> None:
    wrong = InvalidWaiver("Dockerfile", 2, "lacks owner", "write owner=@team")
    report = run(OLD, waivers=Waivers(invalid=(wrong,)))
    (one,) = (finding for finding in report.findings if finding.rule == "invalid-waiver")
    assert (one.severity, one.line) == (Severity.ERROR, 2)


def test_of_two_waivers_for_one_finding_both_are_used() -> None:
    both = (waiver(images=("node",)), waiver(paths=("**",)))
    report = run(OLD, waivers=Waivers(both))
    assert report.unused_waivers == ()
    assert report.waived[0].waiver == both[0]


def test_an_inline_waiver_covers_its_instruction_alone() -> None:
    mine = waiver(source="Dockerfile", target_line=3)
    report = run(OLD, use("node:18-slim", line=8), waivers=Waivers((mine,)))
    assert [one.line for one in report.findings if one.rule == "end-of-life"] == [8]


def test_old_findings_are_shown_and_do_not_gate() -> None:
    old = run(OLD).findings
    report = run(OLD, use("python:3.8-slim", line=9), since=old)
    assert [one.line for one in report.known] == [3, 3]
    assert {one.line for one in report.findings} == {9}


def test_a_baseline_hides_until_its_day_and_then_says_so() -> None:
    old = [*run(OLD).findings, *run(use("php:5", line=9)).findings]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    valid = load_baseline(write_baseline(old, "@team", date(2027, 1, 1), start), "b.json")
    report = run(OLD, baseline=valid)
    assert report.findings == ()
    assert len(report.known) == 2
    assert any("match no finding any more" in notice for notice in report.notices)
    ended = load_baseline(write_baseline(old, "@team", date(2026, 11, 1), start), "b.json")
    report = run(OLD, baseline=ended)
    assert len(report.findings) == 2
    assert any("have expired (owned by @team)" in notice for notice in report.notices)


def test_says_what_could_not_be_told_and_what_was_not_asked_for() -> None:
    report = run(use("ghcr.io/nobody/knows:1"), use("ghcr.io/nobody/knows:1", line=9))
    said = "whether it is still supported could not be told for"
    assert f"{said} 1 image: ghcr.io/nobody/knows:1" in report.notices
    many = run(*(use(f"ghcr.io/nobody/x:{tag}", line=tag) for tag in (5, 4, 3, 2, 1)))
    first = ", ".join(f"ghcr.io/nobody/x:{tag}" for tag in (1, 2, 3))
    assert f"{said} 5 images: {first} and 2 more" in many.notices
    assert report.unconfigured == OF_THE_LEDGER + OF_REGISTRIES
    assert report.data_as_of


def test_says_that_its_data_is_old() -> None:
    later = NOW.replace(year=2029)
    report = check(survey(OLD), load_policy(), now=later)
    assert any("days old" in notice for notice in report.notices)


def test_names_the_policy() -> None:
    report = run(OLD)
    assert report.policy_name == "shipped default"
    assert report.policy_digest.startswith("sha256:")


def finding(severity: Severity, *, unknown: bool = False) -> Finding:
    return Finding(
        rule="end-of-life", severity=severity, message="m", remedy="r", path="p", line=1,
        end_line=1, unknown=unknown,
    )  # fmt: skip


LOST = Skipped("x", None, "cannot be read")
LEFT = Skipped("x", None, "is excluded", fatal=False)


@pytest.mark.parametrize(
    ("findings", "skipped", "fail_on", "allow_unknown", "code"),
    [
        ([], (), Severity.ERROR, False, 0),
        ([finding(Severity.ERROR)], (), Severity.ERROR, False, 1),
        ([finding(Severity.WARNING)], (), Severity.ERROR, False, 0),
        ([finding(Severity.WARNING)], (), Severity.WARNING, False, 1),
        ([finding(Severity.ERROR)], (), None, False, 0),
        ([finding(Severity.ERROR, unknown=True)], (), Severity.ERROR, False, 1),
        ([finding(Severity.ERROR, unknown=True)], (), Severity.ERROR, True, 0),
        ([finding(Severity.NOTE, unknown=True)], (), Severity.ERROR, False, 0),
        ([finding(Severity.ERROR)], (), Severity.ERROR, True, 1),
        ([], (LOST,), Severity.ERROR, False, 3),
        ([], (LOST,), None, False, 3),
        ([], (LOST,), Severity.ERROR, True, 0),
        ([], (LEFT,), Severity.ERROR, False, 0),
        ([finding(Severity.ERROR)], (LOST,), Severity.ERROR, False, 1),
        ([finding(Severity.WARNING)], (LOST,), Severity.ERROR, False, 3),
    ],
)
def test_exit_code(
    findings: list[Finding],
    skipped: tuple[Skipped, ...],
    fail_on: Severity | None,
    allow_unknown: bool,  # noqa: FBT001
    code: int,
) -> None:
    empty = check(survey(skipped=skipped), load_policy(), now=NOW)
    report = replace(empty, findings=tuple(findings))
    assert exit_code(report, fail_on, allow_unknown=allow_unknown) == code


def test_findings_that_do_not_gate_give_no_exit_code() -> None:
    report = run(OLD, since=run(OLD).findings)
    assert exit_code(report, Severity.NOTE) == 0


def test_an_image_is_judged_once() -> None:
    class Counting:
        asked: list[str] = []  # noqa: RUF012

    policy = load_policy()
    judge = policy.judge

    def counted(image: Any, *rest: Any, **more: Any) -> Any:
        Counting.asked.append(str(image))
        return judge(image, *rest, **more)

    object.__setattr__(policy, "judge", counted)
    try:
        check(survey(*(use("node:18-slim", line=at) for at in range(1, 9))), policy, now=NOW)
    finally:
        object.__delattr__(policy, "judge")
    assert Counting.asked.count("docker.io/library/node:18-slim") == 1
    assert len(Counting.asked) == len(set(Counting.asked))


def judged(text: str) -> Report:
    seen = view(text)
    uses = tuple(subject.use for subject in seen.subjects)
    return check(survey(*uses, files=(seen.file,)), load_policy(), now=NOW)


def test_runs_the_rules_about_files() -> None:
    report = judged("FROM debian:trixie-slim\nRUN apt-get install -y gcc\n")
    assert rules(report) == ["single-stage"]


def test_reports_one_cause_once() -> None:
    report = judged("FROM golang:1.27\nRUN go build\n")
    assert "single-stage" in rules(report)
    assert "not-minimal" not in rules(report)


def test_tells_a_file_once_that_an_image_is_restricted() -> None:
    uses = [use("node:26-trixie-slim", line=line, path=path) for path in "ab" for line in (1, 2)]
    report = run(*uses, use("node:26-alpine", line=3, path="b"))
    assert [(one.rule, one.path, one.line) for one in report.findings] == [
        ("restricted-image", "a", 1),
        ("restricted-image", "b", 1),
        ("restricted-image", "b", 3),
    ]


def test_a_restricted_image_counts_each_time_where_it_is_more_than_a_note() -> None:
    policy = load_policy()
    setting = replace(policy.rules["restricted-image"], severity=Severity.WARNING)
    policy = replace(policy, rules={**policy.rules, "restricted-image": setting})
    uses = [use("node:26-trixie-slim", line=line) for line in (1, 2)]
    assert [one.line for one in check(survey(*uses), policy, now=NOW).findings] == [1, 2]


def test_a_waiver_of_the_first_line_does_not_cover_the_next_one() -> None:
    uses = [use("node:26-trixie-slim", line=line) for line in (1, 2)]
    first = waiver(rules=("restricted-image",), source="Dockerfile", target_line=1)
    report = run(*uses, waivers=Waivers((first,)))
    assert [one.line for one in report.findings] == [2]


def test_a_severer_finding_does_not_yield_to_a_milder_one() -> None:
    report = judged("FROM alpine:3.24 AS build\nFROM scratch\nCOPY --from=biuld /a /a\n")
    assert sorted(rules(report)) == ["near-stage-name", "unofficial-source"]


def test_a_cause_is_that_of_one_image_only() -> None:
    report = judged(
        "FROM alpine:3.24 AS build\nFROM scratch\n"
        "RUN --mount=from=biuld,target=/b --mount=from=busybox,target=/c /b/x\n"
    )
    assert [finding.image for finding in report.findings if finding.rule == "floating-tag"] == [
        "busybox"
    ]


def test_knows_the_development_kit_of_the_stage_that_is_copied_from() -> None:
    report = judged(
        "FROM golang:1.27 AS build\nRUN go build\nFROM alpine:3.24\n"
        "COPY --from=build /usr/local /usr/local\n"
    )
    (broad,) = (finding for finding in report.findings if finding.rule == "broad-copy")
    assert broad.confidence == "high"
    assert broad.message.endswith("which holds golang:1.27")


def test_the_same_finding_of_two_builds_counts_once() -> None:
    seen = view("FROM debian:trixie-slim\nRUN apt-get install -y gcc\n")
    twice = replace(seen.file, plans=seen.file.plans * 2)
    uses = tuple(subject.use for subject in seen.subjects)
    report = check(survey(*uses, files=(twice,)), load_policy(), now=NOW)
    assert rules(report) == ["single-stage"]


def test_rules_about_waivers_can_be_switched_off() -> None:
    policy = load_policy()
    off = {**policy.rules, "unused-waiver": replace(policy.rules["unused-waiver"], severity=None)}
    exempt = Exemptions(waivers=Waivers((waiver(images=("python",)),)))
    report = check(survey(), replace(policy, rules=off), now=NOW, exemptions=exempt)
    assert report.findings == ()
    assert len(report.unused_waivers) == 1


def test_says_nothing_of_a_baseline_that_fits() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    written = write_baseline(run(OLD).findings, "@team", date(2027, 1, 1), start)
    report = run(OLD, baseline=load_baseline(written))
    assert not any("baseline" in notice for notice in report.notices)
