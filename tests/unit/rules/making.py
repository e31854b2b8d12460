"""Short ways to make what rules look at."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from basekeeper.dockerfile.parser import parse_dockerfile
from basekeeper.errors import InvalidReference
from basekeeper.policy.model import RuleSetting
from basekeeper.rules.rule import FileRule, FileView, Subject, UseRule
from basekeeper.rules.stage_names import StageNames
from basekeeper.values.finding import (
    Answer,
    AxisState,
    Category,
    Finding,
    Judgement,
    Severity,
    Truth,
)
from basekeeper.values.reference import parse_reference
from basekeeper.values.use import BuildPlan, Kind, Role, SourceFile, Span, Use, Via

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

YES = Answer(Truth.YES, "it is so", "a list", date(2026, 8, 22))
NO = Answer(Truth.NO, "it is not so", "a list", date(2026, 8, 22))
UNKNOWN = Answer(Truth.UNKNOWN, "nobody knows")


def setting(
    severity: Severity | None = Severity.ERROR,
    *,
    stages: str = "all",
    non_production: bool = True,
    **options: int,
) -> RuleSetting:
    return RuleSetting(
        rule="any",
        severity=severity,
        stages=stages,
        non_production=non_production,
        options=options,
    )


def use(
    text: str = "alpine:3.23",
    *,
    raw: str | None = None,
    via: Via = Via.FROM,
    role: Role = Role.FINAL,
    **more: Any,
) -> Use:
    kind, reference, problem = Kind.CONCRETE, None, None
    if text == "scratch":
        kind = Kind.SCRATCH
    elif "$" in text:
        kind, problem = Kind.OPAQUE, "X is not set"
    else:
        try:
            reference = parse_reference(text)
        except InvalidReference as error:
            kind, problem = Kind.INVALID, error.reason
    values: dict[str, Any] = {
        "path": "Dockerfile",
        "line": 3,
        "end_line": 3,
        "column": 6,
        "span": Span(30, 30 + len(text)),
        "stage": "0",
    }
    values["problem"] = problem
    return Use(
        via=via,
        raw=raw or text,
        text=text,
        kind=kind,
        reference=reference,
        role=role,
        **{**values, **more},
    )


def axis(supported: Answer = YES, current: Answer = YES, **more: Any) -> AxisState:
    values: dict[str, Any] = {
        "axis": "application",
        "product": "nodejs",
        "title": "Node.js",
        "cycle": "22",
        "end_of_life": date(2027, 4, 30),
        "newest": "24",
        "newest_since": date(2026, 10, 28),
    }
    return AxisState(supported=supported, current=current, **{**values, **more})


def judgement(
    text: str = "alpine:3.23", category: Category = Category.PREFERRED, **more: Any
) -> Judgement:
    values: dict[str, Any] = {
        "text": text,
        "reference": None,
        "category_known": True,
        "reason": "as the policy says",
        "clause": "policy.preferred[1]",
        "explicit": False,
    }
    quality = {
        "official_source": YES,
        "current_version": YES,
        "supported": YES,
        "minimal_size": YES,
        **more.pop("quality", {}),
    }
    return Judgement(category=category, quality=quality, **{**values, **more})


def subject(
    text: str = "alpine:3.23",
    *,
    judged: Judgement | None = None,
    file: SourceFile | None = None,
    is_sdk: bool = False,
    **more: Any,
) -> Subject:
    return Subject(
        use=use(text, **more),
        judgement=judged or judgement(text),
        file=file,
        now=NOW,
        is_sdk=is_sdk,
        stage_names=None if file is None else StageNames(file),
    )


def template() -> SourceFile:
    return SourceFile(path="Dockerfile", kind="dockerfile", production=True, template="has {{ }}")


def found(rule: UseRule, subject: Subject, **options: Any) -> list[Finding]:
    """Run a rule with a setting that lets it apply everywhere."""
    return list(rule.findings(subject, setting(**options)))


def view(
    text: str,
    *,
    args: dict[str, str] | None = None,
    target: str | None = None,
    sdks: tuple[str, ...] = ("golang", "maven"),
    judged: Judgement | None = None,
    **more: Any,
) -> FileView:
    """Read a Dockerfile; images whose name starts with one of `sdks` are made for building."""
    document = parse_dockerfile(text.encode())
    build = document.resolve(args or {}, target)
    plan = BuildPlan("default", args or {}, target, "linux/amd64", build)
    values = {"path": "Dockerfile", "kind": "dockerfile", "production": True, "first_line": 1}
    file = SourceFile(document=document, plans=(plan,), **{**values, **more})
    root = build.final_chain[-1] if build.final_chain else None
    subjects = tuple(
        Subject(
            use=use(
                image.reference_text,
                raw=image.raw,
                via=image.via,
                role=Role.FINAL if image.stage == root else Role.BUILD,
                path=file.path,
                line=image.line + file.first_line - 1,
                end_line=image.end_line + file.first_line - 1,
                **({} if image.problem is None else {"problem": image.problem}),
            ),
            judgement=judged or judgement(image.reference_text),
            file=file,
            now=NOW,
            is_sdk=image.reference_text.startswith(sdks),
        )
        for image in build.images
        if not image.is_stage
    )
    return FileView(file, subjects)


def found_in(rule: FileRule, text: str, **more: Any) -> list[Finding]:
    """Run a rule on a Dockerfile with a setting that lets it apply everywhere."""
    return list(rule.findings(view(text, **more), setting()))
