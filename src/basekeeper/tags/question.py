"""One question of what an image can be moved to, with everything that its answer rests on."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.tags.channels import ChannelGate
from basekeeper.tags.slots import Axis, frame_of_tag
from basekeeper.tags.updates import Choice, TagFacts
from basekeeper.tags.words import EVEN_MINORS, JAVA_CALENDAR, JAVA_REPOSITORIES
from basekeeper.values.finding import Truth
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from basekeeper.lifecycle.calendar import Product
    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.tags.candidates import History
    from basekeeper.tags.slots import Frame, Slot
    from basekeeper.tags.updates import UpdateRules
    from basekeeper.values.reference import Reference

_JAVA: Final = re.compile(r"(?:ibm-)?semeru|ibmjava|sapmachine|graalvm", re.ASCII)
_DIGEST_ALONE: Final = re.compile(r"@?(sha(?:256|512):[0-9a-f]+)")


@dataclass(frozen=True)
class Question:
    """What an image can be moved to; derived facts are computed once."""

    reference: Reference
    current: TagFacts
    available: dict[str, History]
    now: datetime
    rules: UpdateRules
    complete: bool
    catalogue: Catalogue
    unread: Mapping[str, str]
    """Tags that were looked up in vain for good → why."""

    @cached_property
    def name(self) -> str:
        """`registry/path`, copies of official images under their official name."""
        return self.catalogue.name_of(self.reference)

    @cached_property
    def path(self) -> str:
        """The name without its registry."""
        return self.name.partition("/")[2]

    @cached_property
    def product(self) -> Product | None:
        """The product that the repository is."""
        return self.catalogue.product_for(self.reference)

    @cached_property
    def frame(self) -> Frame:
        """The tag in use, taken apart."""
        return frame_of_tag(self.path, self.current.tag)

    @cached_property
    def is_listed(self) -> bool:
        """Whether the list has the tag in use."""
        return self.current.tag in self.available

    def product_of(self, slot: Slot) -> Product | None:
        """The calendar of a slot."""
        if slot.axis is Axis.APPLICATION:
            own = self.product
            if own is None and self.path in JAVA_REPOSITORIES:
                return self.catalogue.product(JAVA_CALENDAR)
            return own if own is not None and own.axis == "application" else None
        if slot.product is None and _JAVA.match(slot.text) is not None:
            return self.catalogue.product(JAVA_CALENDAR)
        return None if slot.product is None else self.catalogue.product(slot.product)

    def gate(self, slot: Slot) -> ChannelGate:
        """The calendar's view from a version in use."""
        is_even = slot.axis is Axis.APPLICATION and self.path in EVEN_MINORS
        return ChannelGate(
            slot, self.product_of(slot), self.now, channel=self.rules.channel, is_even=is_even
        )

    def nothing(self, kind: str, reason: str, axis: str = "application") -> Choice:
        """The answer where nothing was found; no, only where the whole list is known."""
        if not self.available:
            return Choice(
                kind=kind, axis=axis, value=Truth.UNKNOWN, reason="no tags of it are known"
            )
        if not self.complete:
            reason = f"{reason}, but the list of tags was not complete"
            return Choice(kind=kind, axis=axis, value=Truth.UNKNOWN, reason=reason)
        return Choice(kind=kind, axis=axis, value=Truth.NO, reason=reason)

    def unknown(self, kind: str, reason: str, axis: str = "application") -> Choice:
        """The answer where a list of tags cannot tell."""
        return Choice(kind=kind, axis=axis, value=Truth.UNKNOWN, reason=reason)


def read_current(repository: str, current: str | TagFacts) -> tuple[Reference, TagFacts]:
    """Read the image in use.

    Args:
        repository: The repository, with or without registry.
        current: The tag, `tag@digest`, a digest alone, or facts. Neither: the tag is empty.

    Raises:
        InvalidReference: They are no reference.
    """
    given = TagFacts(current) if isinstance(current, str) else current
    alone = _DIGEST_ALONE.fullmatch(given.tag)
    if alone is not None:
        given = replace(given, tag="", digest=alone[1])
    tag, at, digest = given.tag.partition("@")
    if at:
        given = replace(given, tag=tag, digest=digest)
    text = repository + (f":{tag}" if tag else "")
    text += f"@{given.digest}" if given.digest else ""
    reference = parse_reference(text)
    return reference, replace(given, tag=reference.tag or "")
