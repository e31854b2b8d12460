"""Named build contexts: what a caller puts in the place of stages and images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.errors import InvalidReference
from basekeeper.values.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping


class Contexts:
    """Named contexts of one build, looked up by stage name or by image."""

    def __init__(self, contexts: Mapping[str, str]) -> None:
        """Take the contexts: name → `docker-image://…`, `target:…`, a folder or a URL."""
        self._by_name = {name.lower(): value for name, value in contexts.items()}
        self._by_image = {_key(name): value for name, value in contexts.items()}

    def of_stage(self, name: str | None) -> str | None:
        """Return the context that stands in for a stage, if any."""
        return self._by_name.get(name) if name is not None else None

    def of_image(self, text: str) -> str | None:
        """Return the context that stands in for an image, if any; `latest` counts as no tag."""
        return None if text == "scratch" else self._by_image.get(_key(text))

    def of_from(self, name: str | None, text: str) -> str | None:
        """Return the context that stands in for a FROM line: for its stage, or for its image."""
        return self.of_stage(name) or self.of_image(text)


def _key(text: str) -> str:
    """Give all spellings of an image one form; other text stays as it is, in lower case."""
    try:
        reference = parse_reference(text)
    except InvalidReference:
        return text.lower()
    if reference.tag == "latest" and reference.digest is None:
        reference = reference.with_tag(None)
    return str(reference)
