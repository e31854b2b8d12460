"""What a policy consists of: clauses about images, settings of rules, limits of waivers."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from basekeeper.policy.windows import WindowChange
from basekeeper.records import dataclass
from basekeeper.values.finding import Category, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basekeeper.policy.patterns import ImagePattern
    from basekeeper.values.finding import Truth

SHIPPED_NAME: Final = "shipped default"
"""What messages and evidence call the policy inside the package."""

SEVERITIES: Final = ("error", "warning", "note", "off")
"""What `severity` may say, strictest first."""

SCOPES: Final = ("all", "final")
"""What `stages` may say, strictest first."""

PUBLISHERS: Final = ("official", "verified")
"""What `publisher` may list."""

TRIAL_ORDER: Final = (
    Category.PROHIBITED,
    Category.PREFERRED,
    Category.PERMITTED,
    Category.RESTRICTED,
)
"""The order in which the categories of one layer are tried."""

_STRICTNESS: Final = tuple(Category)


def stricter(first: Category, second: Category) -> Category:
    """Return the worse of two categories."""
    return max(first, second, key=_STRICTNESS.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One entry of a category. Conditions that are absent ask for nothing; all others must hold."""

    category: Category
    pattern: ImagePattern
    name: str
    """Its place in the file, for example `policy.preferred[0]`."""
    origin: str
    """Path of the file, or `shipped default`."""
    variant: tuple[str, ...] = ()
    """Variant words of the tag, any of which is enough."""
    lts: bool | None = None
    official: bool | None = None
    publisher: tuple[str, ...] = ()
    """`official`, `verified`, or both: any is enough."""
    rationale: str | None = None
    replacement: str | None = None
    """An image to use instead."""
    trusted: bool = False
    """Whether a company trusts this namespace as its own."""
    upstream: str | None = None
    """For a trusted namespace: the namespace whose images its images are built from."""
    upstream_of: str | None = None
    """The trusted namespace itself, `registry/path`, which `upstream` stands in for."""

    @property
    def names_source(self) -> bool:
        """Whether the entry itself accepts the source, rather than asking who published it."""
        return (
            self.category is not Category.PROHIBITED
            and self.pattern.names_source
            and self.official is None
            and not self.publisher
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """What one file says about a rule; None: nothing."""

    severity: str | None = None
    stages: str | None = None
    non_production: bool | None = None
    options: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetting:
    """How a rule counts after all layers were put together."""

    rule: str
    severity: Severity | None
    """None: switched off."""
    stages: str
    """`final` or `all`."""
    non_production: bool
    """Whether it holds below non-production paths too."""
    options: Mapping[str, int] = field(default_factory=dict)
    """Numbers of this rule alone, for example `grace_days`."""

    def applies(self, *, final: bool, production: bool) -> bool:
        """Say whether the rule holds at one place.

        Args:
            final: Whether the place belongs to the final chain of a build.
            production: False below a non-production path.
        """
        return (
            self.severity is not None
            and (final or self.stages == "all")
            and (production or self.non_production)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverChange:
    """What one file says about waivers; None: nothing."""

    file: str | None = None
    inline: bool | None = None
    max_days: int | None = None
    repository: bool | None = None
    never: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverSettings:
    """What waivers may do after all layers were put together."""

    file: str | None
    """Path relative to the root; None: no waiver file is read."""
    inline: bool
    """Whether a comment above an instruction may waive."""
    max_days: int
    """Most days from today until the last day of a waiver."""
    repository: bool
    """Where the policy is an operator's: whether a repository's own waivers count."""
    never: tuple[str, ...]
    """Rule ids that nobody may waive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One policy file, as read."""

    name: str
    """Its path, or `shipped default`."""
    clauses: tuple[Clause, ...] = ()
    """In the order in which they are tried."""
    rules: Mapping[str, RuleChange] = field(default_factory=dict)
    waivers: WaiverChange = field(default_factory=WaiverChange)
    deadlines: WindowChange = field(default_factory=WindowChange)
    mirrors: Mapping[str, str] = field(default_factory=dict)
    """Prefix of a name → what it mirrors."""
    frontends: tuple[ImagePattern, ...] = ()
    extends: str | None = None
    """Path of the parent as written; None: the shipped default, unless `closed`."""
    closed: bool = False
    """Whether nothing lies below (`extends = false`)."""
    shipped: bool = False
    """Whether this is the policy inside the package."""

    @property
    def says_waivers(self) -> bool:
        """Whether it says anything of waivers."""
        return self.waivers != WaiverChange()


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a policy that was tried for an image."""

    clause: Clause
    matched: Truth
    """Unknown where a condition could not be told; then the entry does not count."""
    reason: str
    """Why it matched, did not, or could not be told."""
