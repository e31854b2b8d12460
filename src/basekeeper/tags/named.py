"""An image's name, split, with what the catalogue knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.records import dataclass
from basekeeper.tags.axes import TagAxes, split_name, split_tag

if TYPE_CHECKING:
    from basekeeper.lifecycle.calendar import Product
    from basekeeper.lifecycle.catalogue import Catalogue
    from basekeeper.lifecycle.taglist import TagList
    from basekeeper.values.reference import Reference


@dataclass(frozen=True, slots=True)
class NamedImage:
    """A reference beside what its name alone leads to."""

    reference: Reference
    name: str
    """`registry/path`, copies of official images under their official name."""
    path: str
    """The name without its registry."""
    tag_text: str
    """The tag; `latest` where neither tag nor digest is given, empty for a digest alone."""
    tag: TagAxes
    in_name: TagAxes
    product: Product | None
    tags: TagList | None
    """Tags that its publisher builds today, where a list is known."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other tags of the same image on the day of the list, itself included."""
        return () if self.tags is None else self.tags.aliases(self.tag_text)


def name_image(reference: Reference, catalogue: Catalogue) -> NamedImage:
    """Split a reference and look it up."""
    name = catalogue.name_of(reference)
    path = name.partition("/")[2]
    text = reference.tag or ("latest" if reference.digest is None else "")
    return NamedImage(
        reference=reference,
        name=name,
        path=path,
        tag_text=text,
        tag=split_tag(path, text) if text else TagAxes(()),
        in_name=split_name(path),
        product=catalogue.product_for(reference),
        tags=catalogue.tags_of(reference),
    )
