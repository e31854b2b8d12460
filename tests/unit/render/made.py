"""Reports made by hand, for tests of the formats."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from basekeeper.errors import InvalidReference
from basekeeper.values.finding import (
    Answer,
    AxisState,
    Category,
    Finding,
    Judgement,
    Report,
    Severity,
    Truth,
    WaivedFinding,
)
from basekeeper.values.reference import Reference, parse_reference
from basekeeper.values.use import Kind, Role, Skipped, SourceFile, Span, Supplier, Survey, Use, Via
from basekeeper.values.waiver import Waiver

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DATA_DAY = date(2026, 8, 22)

HOSTILE = (
    "evil\x1b[2J\x1b]0;x\x07\r\n::error::x",
    "a\u202etxt.exe\u2066\u200b\ufeff",
    "`|</td>&amp;@everyone #1 [x](https://x.invalid) ${{x}} <script>",
    "\x00\x0b\ud800\udcff\ufffe\uffff]]>-->\"'%0A%",
    "名前/イメージ:最新" * 30,
    "x" * 5000,
)


def use(path: str = "Dockerfile", line: int = 3, text: str = "node:20", **more: Any) -> Use:
    """One use of an image, concrete where its name allows."""
    reference: Reference | None
    try:
        reference = parse_reference(text)
    except InvalidReference:
        reference = None
    values: dict[str, Any] = {
        "path": path,
        "line": line,
        "end_line": line,
        "column": 6,
        "span": Span(5, 5 + len(text)),
        "via": Via.FROM,
        "raw": text,
        "text": text,
        "kind": Kind.CONCRETE if reference else Kind.INVALID,
        "reference": reference,
        "problem": None if reference else "is no reference",
        "role": Role.FINAL,
    }
    return Use(**values | more)


def answer(value: Truth = Truth.YES, reason: str = "on the official list") -> Answer:
    """One answer with its source."""
    return Answer(value, reason, "endoflife.date", DATA_DAY)


def judgement(image: Use, category: Category = Category.RESTRICTED, **more: Any) -> Judgement:
    """What a policy says of one image."""
    axis = AxisState(
        axis="application",
        product="nodejs",
        title="Node.js",
        cycle="20",
        supported=answer(Truth.NO, "support ended on 2026-04-30"),
        current=answer(Truth.NO, "26 is the newest LTS line"),
        end_of_life=date(2026, 4, 30),
        newest="26",
        newest_since=date(2026, 10, 28),
    )
    values: dict[str, Any] = {
        "text": image.text,
        "reference": image.reference,
        "category": category,
        "category_known": True,
        "reason": "an official image, but no minimal one",
        "clause": "policy.restricted[0]",
        "explicit": False,
        "quality": {"official_source": answer(), "supported": axis.supported},
        "axes": (axis,),
    }
    return Judgement(**values | more)


def finding(at: Use | None = None, rule: str = "end-of-life", **more: Any) -> Finding:
    """One finding about a use, or about a line without one."""
    image = use() if at is None else at
    values: dict[str, Any] = {
        "rule": rule,
        "severity": Severity.ERROR,
        "message": f"{image.text} is past its end of life: Node.js 20, ended on 2026-04-30",
        "remedy": "move to Node.js 26",
        "path": image.path,
        "line": image.line,
        "end_line": image.end_line,
        "column": image.column,
        "span": image.span,
        "image": image.text,
        "category": Category.RESTRICTED,
        "evidence": ("support ended on 2026-04-30 (endoflife.date, data of 2026-08-22)",),
        "fingerprint": "f" * 64,
    }
    return Finding(**values | more)


def waiver(**more: Any) -> Waiver:
    """One waiver of a file."""
    values: dict[str, Any] = {
        "rules": ("end-of-life",),
        "owner": "@team",
        "reason": "moves with the next release",
        "until": date(2027, 1, 31),
        "source": "waivers.toml",
        "line": 4,
    }
    return Waiver(**values | more)


def report(*pairs: tuple[Use, Judgement], **more: Any) -> Report:
    """A report over uses that are judged."""
    survey = Survey(
        root=".",
        files=tuple(
            SourceFile(path=path, kind="dockerfile", production=True)
            for path in dict.fromkeys(one.path for one, _ in pairs)
        ),
        uses=tuple(one for one, _ in pairs),
        skipped=more.pop("skipped", ()),
    )
    values: dict[str, Any] = {
        "survey": survey,
        "now": NOW,
        "policy_name": "shipped default",
        "policy_digest": "sha256:" + "0" * 64,
        "judgements": pairs,
        "findings": (),
        "data_as_of": {"endoflife.date": DATA_DAY},
    }
    return Report(**values | more)


def full_report() -> Report:
    """A report with one of everything."""
    node = use("api/Dockerfile", 1, "node:20-bookworm")
    build = use("api/Dockerfile", 14, "docker.io/library/golang:1.26-alpine", role=Role.BUILD)
    long = use(
        "services/web/Dockerfile",
        2,
        "registry.internal.example.com:5000/platform/team/base/images/runtime-with-a-long-name"
        ":2026.11.0-bookworm-slim@sha256:" + "0123456789abcdef" * 4,
    )
    opaque = use(
        "services/web/Dockerfile",
        9,
        "${BASE}",
        kind=Kind.OPAQUE,
        reference=None,
        problem="BASE has no value",
        supplied_by=(Supplier("BASE", "services/web/Dockerfile", 1, None),),
    )
    scratch = use("tool/Dockerfile", 5, "scratch", kind=Kind.SCRATCH, reference=None, problem=None)
    pairs = (
        (node, judgement(node)),
        (build, judgement(build, Category.RESTRICTED)),
        (long, judgement(long, Category.PROHIBITED, category_known=False, axes=())),
        (opaque, judgement(opaque, Category.PROHIBITED, axes=())),
        (scratch, judgement(scratch, Category.PREFERRED, axes=())),
    )
    accepted = waiver()
    expired = waiver(until=date(2026, 1, 31), line=9, rules=("no-digest", "floating-tag"))
    old = finding(build, "behind-current", severity=Severity.WARNING, message="is old")
    return replace(
        report(
            *pairs,
            skipped=(
                Skipped("broken/Dockerfile", 7, "is no text", "save it as UTF-8"),
                Skipped("vendor/big", None, "is larger than 10 MiB", fatal=False),
            ),
        ),
        findings=(
            finding(node),
            finding(
                node,
                "not-minimal",
                severity=Severity.WARNING,
                message="a smaller variant of the same version exists",
                remedy="use node:20-bookworm-slim",
            ),
            finding(
                long,
                "prohibited-image",
                message=f"{long.text} is not allowed: nothing in the policy names its source, "
                "and who publishes it could not be determined",
                remedy="use an approved image, or add the namespace to the policy as trusted",
                category=Category.PROHIBITED,
                unknown=True,
            ),
            finding(
                opaque,
                "build-tools",
                severity=Severity.NOTE,
                image=None,
                stage="runtime",
                category=None,
                end_line=11,
                message="gcc is installed and stays in the image",
                remedy="",
            ),
        ),
        known=(old,),
        waived=(WaivedFinding(finding(node, "floating-tag"), accepted),),
        waivers=(accepted,),
        unused_waivers=(waiver(line=15, rules=("not-minimal",)),),
        expired_waivers=(expired,),
        notices=("data of endoflife.date is 93 days old (as of 2026-08-22)",),
        unconfigured=("digest", "publisher"),
    )
