"""What the program says of itself: rules with their pages, and why an image is judged so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from basekeeper.render.view import RuleText
from basekeeper.rules.registry import RULES_BY_ID

if TYPE_CHECKING:
    from basekeeper.pipeline.run import Run
    from basekeeper.policy.judge import Explanation
    from basekeeper.policy.policy import Policy


def explain_image(run: Run, image: str) -> Explanation:
    """Judge one image by its name, and tell which entries of the policy were tried."""
    return run.config.policy.explain(image, now=run.now, catalogue=run.catalogue)


def rule_ids() -> list[str]:
    """Return the ids of all rules, sorted."""
    return sorted(RULES_BY_ID)


def rule_texts(policy: Policy) -> dict[str, RuleText]:
    """Return what every rule says about itself, with its severity under a policy."""
    return {
        rule.id: RuleText(
            id=rule.id,
            summary=rule.summary,
            severity=policy.rules[rule.id].severity,
            page=f"docs/rules/{rule.id}.md",
            score=rule.score,
            text=_page(rule.id),
        )
        for rule in RULES_BY_ID.values()
    }


def _page(rule: str) -> str:
    """Return the documentation of a rule: from the package, or from the source tree around it."""
    package = Path(__file__).parents[1]
    for directory in (package / "rules" / "pages", package.parents[1] / "docs" / "rules"):
        path = directory / f"{rule}.md"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return ""
