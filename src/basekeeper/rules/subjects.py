"""From uses to subjects: each distinct image is judged once, however many files use it."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.rules.patching import CRITERION, answer
from basekeeper.rules.rule import Subject
from basekeeper.rules.runtimes import runtime_of
from basekeeper.rules.stage_names import StageNames
from basekeeper.tags.describe import describe_image
from basekeeper.values.facts import NO_FACTS
from basekeeper.values.finding import Answer, Category, Judgement, Truth
from basekeeper.values.use import Kind, Via

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from basekeeper.policy.policy import Policy
    from basekeeper.rules.patching import StoredUse, StoredUses
    from basekeeper.values.facts import Facts
    from basekeeper.values.reference import Reference
    from basekeeper.values.use import SourceFile, Use

SCRATCH: Final = "scratch"
"""The builder's word for the empty base."""

_NO_FACTS: Final[Mapping[str, Facts]] = MappingProxyType({})

_CRITERIA: Final = ("official_source", "current_version", "supported", "minimal_size")


class Judge:
    """Judges images for one run and remembers what it said."""

    def __init__(
        self,
        policy: Policy,
        now: datetime,
        *,
        catalogue: Catalogue | None = None,
        facts: Mapping[str, Facts] = _NO_FACTS,
        stored: StoredUses | None = None,
    ) -> None:
        """Judge by a policy at an instant.

        Args:
            policy: What is allowed.
            now: The instant.
            catalogue: Calendars and lists; None: those inside the package.
            facts: `str()` of a reference → what is known of it beyond its name.
            stored: What the ledger told; None: it was not asked.
        """
        self.catalogue = catalogue or Catalogue.bundled()
        self._facts = facts
        self._stored = stored
        self._policy = policy
        self._now = now
        self._judged: dict[str, Judgement] = {}
        self._frontends: dict[str, Judgement] = {}
        self._sdk: dict[Reference, bool] = {}
        self._runtimes: dict[str, str | None] = {}
        self._stage_names: dict[str, StageNames] = {}

    def subject(self, use: Use, files: Mapping[str, SourceFile]) -> Subject:
        """Judge one use."""
        file = files.get(use.path)
        if file is not None and file.path not in self._stage_names:
            self._stage_names[file.path] = StageNames(file)
        judgement = self.judgement(use)
        stored = None if self._stored is None else self._stored.of(use, self._now)
        return Subject(
            use=use,
            judgement=judgement if stored is None else _with_known(judgement, stored),
            file=file,
            now=self._now,
            is_sdk=use.via is Via.FROM and self._is_sdk(use.reference),
            stage_names=self._stage_names.get(use.path),
            runtime=self._runtime(judgement),
            stored=stored,
        )

    def judgement(self, use: Use) -> Judgement:
        """Say what the policy says of one use."""
        if use.kind is Kind.SCRATCH:
            return self._remembered(SCRATCH, SCRATCH)
        if use.kind is not Kind.CONCRETE or use.reference is None:
            return _unnamed(use)
        judgement = self._remembered(use.text, use.reference)
        return self._as_frontend(judgement, use) if use.via is Via.SYNTAX else judgement

    def _as_frontend(self, judgement: Judgement, use: Use) -> Judgement:
        """Judge an image that runs as the builder."""
        known = self._frontends.get(use.text)
        if known is None:
            trusted = use.reference is not None and self._policy.trusts_frontend(use.reference)
            known = _frontend(judgement) if trusted else judgement
            self._frontends[use.text] = known
        return known

    def _remembered(self, text: str, image: str | Reference) -> Judgement:
        known = self._judged.get(text)
        if known is None:
            facts = self._facts.get(str(image), NO_FACTS)
            known = self._policy.judge(image, facts, now=self._now, catalogue=self.catalogue)
            self._judged[text] = known
        return known

    def _runtime(self, judgement: Judgement) -> str | None:
        """Name a better image than a restricted one, if the policy itself thinks so."""
        if judgement.category is not Category.RESTRICTED:
            return None
        if judgement.text not in self._runtimes:
            name = runtime_of(judgement.axes, self.catalogue)
            better = (Category.PREFERRED, Category.PERMITTED)
            if name is not None and self._remembered(name, name).category not in better:
                name = None
            self._runtimes[judgement.text] = name
        return self._runtimes[judgement.text]

    def _is_sdk(self, reference: Reference | None) -> bool:
        if reference is None:
            return False
        known = self._sdk.get(reference)
        if known is None:
            canonical = self._policy.aliases.canonical(reference)
            known = describe_image(canonical, self.catalogue, now=self._now).is_sdk
            self._sdk[reference] = known
        return known


def _with_known(judgement: Judgement, stored: StoredUse) -> Judgement:
    """Add what is known of vulnerabilities to the answers about an image."""
    return replace(judgement, quality={**judgement.quality, CRITERION: answer(stored)})


def _unnamed(use: Use) -> Judgement:
    """Judge what is no image reference: unknown where a value is missing, else wrong."""
    opaque = use.kind is Kind.OPAQUE
    reason = use.problem or ("it could not be resolved" if opaque else "it is no valid reference")
    unknown = Answer(Truth.UNKNOWN, reason)
    quality = dict.fromkeys(_CRITERIA, unknown)
    if not opaque:
        quality["official_source"] = Answer(Truth.NO, reason)
    return Judgement(
        text=use.text,
        reference=None,
        category=Category.PROHIBITED,
        category_known=not opaque,
        reason=reason,
        clause="default",
        explicit=False,
        quality=quality,
    )


def _frontend(judgement: Judgement) -> Judgement:
    """Judge an image that the policy trusts to run as the builder, and only as that."""
    reason = "trusted to run as the builder"
    return replace(
        judgement,
        category=Category.PERMITTED,
        category_known=True,
        reason=reason,
        clause="policy.frontends",
        explicit=False,
        quality={**judgement.quality, "official_source": Answer(Truth.YES, reason, "the policy")},
        suggestion=None,
    )
