"""What a run knows of waivers: the limits that they keep, the accepted and the invalid ones."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from basekeeper.config.table import did_you_mean
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from datetime import date

    from basekeeper.policy.model import WaiverSettings
    from basekeeper.values.waiver import Waiver


@dataclass(frozen=True, slots=True)
class WaiverLimits:
    """What a waiver may say in one run."""

    settings: WaiverSettings
    rules: tuple[str, ...]
    """Rule ids that exist."""
    today: date
    """The day of the run, UTC."""

    def rule_problem(self, rule: str) -> tuple[str, str | None] | None:
        """Say why a rule cannot be waived, with a hint, or None where it can."""
        if rule not in self.rules:
            hint = did_you_mean(rule, self.rules)
            return f"there is no rule {rule!r:.80}", hint or "`basekeeper explain` lists the rules"
        if rule in self.settings.never:
            return f"the policy lets nobody waive {rule}", "fix the finding instead"
        return None

    @staticmethod
    def text_problem(text: str) -> str | None:
        """Say why an owner or a reason says nothing, or None where it does."""
        if any(letter.isalnum() for letter in text):
            return None
        return "has neither a letter nor a digit"

    def day_problem(self, until: date) -> str | None:
        """Say why a last day is too far away, or None where it is not."""
        most = self.today + timedelta(days=self.settings.max_days)
        if until <= most:
            return None
        return f"{until} is more than {self.settings.max_days} days away, at most {most}"


@dataclass(frozen=True, slots=True)
class InvalidWaiver:
    """A comment that looks like a waiver and is none."""

    path: str
    line: int
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Waivers:
    """All waivers of one run."""

    accepted: tuple[Waiver, ...] = ()
    """Well-formed ones; they may have expired."""
    invalid: tuple[InvalidWaiver, ...] = ()
    ended: tuple[Waiver, ...] = ()
    """Those of the waiver file that were taken back or renewed: history, which covers nothing."""

    def __add__(self, other: Waivers) -> Waivers:
        """Join waivers of two sources, in that order."""
        return Waivers(
            self.accepted + other.accepted,
            self.invalid + other.invalid,
            self.ended + other.ended,
        )
