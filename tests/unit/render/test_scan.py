"""What scans found, as people and programs read it, where the input is odd or hostile."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from basekeeper.cli.scan import exit_code
from basekeeper.render.layout import Style, width_of
from basekeeper.render.scan_json import scan_pieces
from basekeeper.render.scan_markdown import scan_markdown
from basekeeper.render.scan_text import MAX_FINDINGS, render_scan_text
from basekeeper.values.bases import Candidate, Confidence, Identified, Method
from basekeeper.values.image import Unknown
from basekeeper.values.reference import parse_reference
from basekeeper.values.scanning import SEVERITY_ORDER
from basekeeper.values.scanrun import How, Part, ScannedImage, ScanRun
from basekeeper.values.use import Skipped
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
SCANNER = ScannerIdentity(name="trivy", version="0.69.3", digest="sha256:" + 64 * "0")
DATABASE = Database(schema=2, updated=NOW - timedelta(hours=12))
VALIDATOR = Draft202012Validator(
    json.loads(
        (files("basekeeper.render") / "schemas" / "scan.schema.json").read_text(encoding="utf-8")
    )
)
NASTY = "x\x1b[31m\u202e|`<b>::error::"
OLD = Unknown("the vulnerability database is 60 h old", "update it")


def match(severity: Severity, *, fixed: tuple[str, ...] = ("2",), **more: Any) -> Match:
    package = Package(
        name=more.pop("name", "libc6"), version="1", kind=PackageKind.OS, ecosystem="debian"
    )
    return Match(
        vulnerability=more.pop("vulnerability", "CVE-2026-1"), package=package,
        status=FixStatus.FIXED, severity=severity, severity_source="nvd", fixed_versions=fixed,
    )  # fmt: skip


def scanned(*matches: Match, problems: tuple[Unknown, ...] = ()) -> ScannedImage:
    subject = Subject(kind=SubjectKind.REGISTRY, name="debian", platform="linux/amd64")
    answer = Scan(
        subject=subject, now=NOW, scanner=SCANNER, database=DATABASE, matches=matches,
        severity_order=SEVERITY_ORDER, problems=problems,
    )  # fmt: skip
    return ScannedImage(name="debian", platform="linux/amd64", how=How.SCANNED, answer=answer)


def unanswered(reason: str = "no such tag") -> ScannedImage:
    return ScannedImage(
        name="gone:1", platform="linux/amd64", how=How.UNKNOWN, answer=Unknown(reason, "mend it")
    )


def found(*images: ScannedImage, **more: Any) -> ScanRun:
    made = ScanRun(
        now=NOW, scanner=SCANNER, database=DATABASE, database_problem=None,
        severity_order=SEVERITY_ORDER, images=images,
    )  # fmt: skip
    return replace(made, **more)


UNRATED = match(Severity.UNKNOWN)


@pytest.mark.parametrize(
    ("run", "threshold", "code"),
    [
        (found(), "never", 0),
        (found(scanned()), "low", 0),
        (found(scanned(match(Severity.CRITICAL))), "never", 0),
        (found(scanned(match(Severity.HIGH))), "critical", 0),
        (found(scanned(match(Severity.HIGH))), "high", 1),
        (found(scanned(match(Severity.HIGH, fixed=()))), "high", 0),
        (found(scanned(UNRATED)), "critical", 3),
        (found(scanned(UNRATED)), "never", 0),
        (found(scanned(UNRATED, match(Severity.CRITICAL))), "high", 1),
        (found(unanswered()), "never", 3),
        (found(unanswered(), scanned(match(Severity.LOW))), "low", 1),
        (found(scanned(problems=(OLD,))), "never", 3),
        (found(scanned(), unmatched=("x",)), "never", 3),
        (found(scanned(), skipped=(Skipped("a", None, "was not read"),)), "never", 3),
        (found(scanned(), skipped=(Skipped("a", None, "left", fatal=False),)), "never", 0),
    ],
)
def test_exit_codes(run: ScanRun, threshold: str, code: int) -> None:
    assert exit_code(run, threshold) == code


def test_what_has_no_answer_never_reads_as_nothing_found() -> None:
    text = render_scan_text(found(unanswered()), Style())
    assert "no answer about gone:1: no such tag" in text
    assert "0" not in text.splitlines()[5]
    assert "fixable" not in text.splitlines()[-1]
    image = json.loads("".join(scan_pieces(found(unanswered()))))["images"][0]
    assert (image["counts"], image["matches"], image["complete"]) == (None, None, False)
    assert "| ? | ? | ? | ? | ? | unknown |" in scan_markdown(found(unanswered()))


def test_what_may_not_be_all_says_so() -> None:
    text = render_scan_text(found(scanned(problems=(OLD,)), database_problem=OLD), Style())
    assert "partly" in text
    assert "more may be in debian: the vulnerability database is 60 h old" in text
    assert "at least 0 fixable critical" in text
    assert "update it" in text


def test_one_reason_for_many_images_is_told_once() -> None:
    text = render_scan_text(found(*[unanswered()] * 3), Style())
    assert text.count("no such tag") == 1
    assert "no answer about 3 images" in text


def test_outside_text_is_harmless_and_lines_fit() -> None:
    nasty = match(Severity.CRITICAL, name=NASTY * 9, vulnerability=NASTY, fixed=(NASTY * 9,))
    image = replace(scanned(nasty), name="r.example/" + "long/" * 30 + NASTY)
    run = found(image, unanswered(NASTY), notices=(NASTY,))
    text = render_scan_text(run, Style())
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "::error" not in text
    assert max(width_of(line) for line in text.splitlines()) <= 80
    page = scan_markdown(run)
    assert "<b>" not in page
    assert "\x1b" not in page
    VALIDATOR.validate(json.loads("".join(scan_pieces(run))))


def test_text_without_unicode_is_ascii() -> None:
    text = render_scan_text(found(scanned(match(Severity.HIGH))), Style(unicode=False))
    assert text.isascii()
    assert "1 -> 2" in text


def test_long_lists_are_cut_and_the_rest_is_counted() -> None:
    many = [match(Severity.HIGH, vulnerability=f"CVE-2026-{one}") for one in range(50)]
    text = render_scan_text(found(scanned(*many)), Style())
    assert text.count("CVE-2026-") == MAX_FINDINGS
    assert f"and {50 - MAX_FINDINGS} more findings; --verbose names all" in text
    assert render_scan_text(found(scanned(*many)), Style(), verbose=True).count("CVE-") == 50


def test_platforms_are_named_where_there_are_several() -> None:
    other = replace(scanned(), platform="linux/arm64")
    assert "debian linux/arm64" in render_scan_text(found(scanned(), other), Style())
    assert "linux/" not in render_scan_text(found(scanned()), Style())


def test_empty_runs_say_so() -> None:
    assert "nothing to scan" in render_scan_text(found(), Style())
    VALIDATOR.validate(json.loads("".join(scan_pieces(found()))))


def candidate(name: str, layers: int | None = 1, *named_by: Method) -> Candidate:
    return Candidate(reference=parse_reference(name), digest=None, layers=layers, named_by=named_by)


PROVEN = Identified(
    candidates=(candidate("node:24", 2, Method.DOCKERFILE), candidate("node:lts", 2)),
    method=Method.DOCKERFILE,
    confidence=Confidence.HIGH,
    reasons=("the Dockerfile names it",),
    agreeing=(Method.LAYERS,),
    below=(candidate("debian:12", 1, Method.ANNOTATION),),
)
BASES = [
    (PROVEN, "node:24 on debian:12 (layer proof)"),
    (
        replace(PROVEN, contradicting=(Method.DOCKERFILE, Method.ANNOTATION), below=()),
        "node:24 (layer proof, against the Dockerfile and its annotations)",
    ),
    (
        Identified(
            candidates=tuple(candidate(f"node:{n}", 2) for n in range(5)),
            method=Method.LAYERS,
            confidence=Confidence.MEDIUM,
            reasons=("same layers",),
        ),
        "node:0 or node:1 or node:2 or 2 more (layer proof, medium confidence: same layers)",
    ),
    (
        Identified(
            candidates=(candidate("x.test/node:24", None, Method.ANNOTATION),),
            method=Method.ANNOTATION,
            confidence=Confidence.LOW,
            reasons=("its annotations name it", "layers were not compared"),
        ),
        "x.test/node:24 (low confidence: its annotations name it; layers were not compared)",
    ),
    (Unknown("it is squashed", "do not"), "not identified: it is squashed"),
]


@pytest.mark.parametrize(("base", "words"), BASES)
def test_it_is_shown_what_published_images_stand_on(base: Identified | Unknown, words: str) -> None:
    image = replace(scanned(), name="shop:stable", part=Part.PUBLISHED, base=base)
    run = found(scanned(), further=(image,))
    text = render_scan_text(run, Style(width=200))
    label = "base     " if isinstance(base, Unknown) else "stands on"
    assert f"shop:stable\n    {label} {words}\n" in text
    shown = scan_markdown(run).replace("&#40;", "(").replace("&#41;", ")").replace("&#58;", ":")
    assert f"{'base' if isinstance(base, Unknown) else 'stands on'} {words}" in shown
    document = json.loads("".join(scan_pieces(run)))
    VALIDATOR.validate(document)
    assert document["images"][0]["base"] is None
    told = document["further"][0]["base"]
    if isinstance(base, Unknown):
        assert told["unknown"] == {"reason": "it is squashed", "hint": "do not"}
        assert told["candidates"] == []
    else:
        assert told["confidence"] == base.confidence
        assert [one["layers"] for one in told["candidates"]] == [
            one.layers for one in base.candidates
        ]


def test_why_a_base_is_not_known_does_no_harm() -> None:
    image = replace(scanned(), part=Part.PUBLISHED, base=Unknown(NASTY, NASTY))
    run = found(scanned(), further=(image,))
    for shown in (render_scan_text(run, Style()), scan_markdown(run)):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert "<b>" not in scan_markdown(run)
