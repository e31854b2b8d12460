"""What is shipped: tables `[[product]]`. A deadline ends at the published image of a product."""

from __future__ import annotations

import posixpath
import re
from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from basekeeper.errors import InvalidReference
from basekeeper.records import dataclass
from basekeeper.values.reference import Reference, parse_reference

if TYPE_CHECKING:
    from basekeeper.config.table import Table

MAX_PRODUCTS: Final = 1_000
"""Most products of one file."""

MAX_PATTERN_CHARS: Final = 128
"""Longest pattern of tags; a tag has no more characters."""

MAX_PATH_CHARS: Final = 1_024
"""Longest path of a Dockerfile or workflow, in characters."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TAGS: Final = re.compile(r"[A-Za-z0-9_.*-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """How a release of a product happens, and how it is recognised."""

    workflow: str | None = None
    """Name or path of the workflow that releases; None: nobody can be asked to."""
    tags: str | None = None
    """Pattern of the tags of the published image that are releases; None: no tag is looked at."""
    digest_change: bool = True
    """Whether every new digest behind the tag of the published image is a release."""

    def is_release(self, tag: str) -> bool:
        """Tell whether a tag of the published image names a release."""
        return self.tags is not None and _pattern(self.tags).fullmatch(tag) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """An image that is shipped."""

    name: str
    """What it is called in deadlines and reports; unique."""
    dockerfile: str
    """Path relative to the root."""
    image: Reference
    """The published image; without a digest."""
    target: str | None = None
    """The stage that is built; None: the last one."""
    release: Release = field(default_factory=Release)


def parse_products(top: Table) -> tuple[Product, ...]:
    """Read every `[[product]]`; what is wrong is noted in the table's `problems`."""
    found: dict[str, Product] = {}
    for index, table in top.tables("product"):
        if index >= MAX_PRODUCTS:
            top.wrong(("product", index), f"is one product more than {MAX_PRODUCTS}")
            break
        product = _product(table)
        if product is None:
            continue
        if product.name in found:
            table.wrong("name", f"{product.name!r} is the name of an earlier product")
        found.setdefault(product.name, product)
    return tuple(found.values())


def joined_products(
    operator: tuple[Product, ...], own: tuple[Product, ...], source: str
) -> tuple[tuple[Product, ...], tuple[str, ...]]:
    """Add a repository's products to those of its operator.

    Args:
        operator: What the operator says is shipped; of the same name it counts.
        own: What the repository says.
        source: What notices call the repository's file.

    Returns:
        The products, and a notice for each of the repository that does not count.
    """
    names = {product.name for product in operator}
    ignored = tuple(
        f"product {product.name!r} of {source} is ignored: the operator's of this name counts"
        for product in own
        if product.name in names
    )
    return operator + tuple(one for one in own if one.name not in names), ignored


def _product(table: Table) -> Product | None:
    """Read one table; None where it is not usable."""
    for key in ("name", "dockerfile", "image"):
        table.require(key)
    name: str | None = table.parsed("name", _name)
    dockerfile: str | None = table.parsed("dockerfile", _path)
    target = table.text("target")
    image: Reference | None = table.parsed("image", _image)
    section = table.table("release")
    release = Release() if section is None else _release(section)
    table.finish()
    if name is None or dockerfile is None or image is None:
        return None
    if release.digest_change and image.tag is None:
        hint = "write the tag that a release moves, or [product.release] with tags"
        table.wrong("image", f"{image.text!r:.200} has no tag whose digest could change", hint)
    return Product(name=name, dockerfile=dockerfile, target=target, image=image, release=release)


def _release(section: Table) -> Release:
    """Read `[product.release]`."""
    workflow: str | None = section.parsed("workflow", _path)
    tags: str | None = section.parsed("tags", _tags)
    change = section.flag("digest_change")
    if change is False and "tags" not in section:
        section.wrong("digest_change", "leaves no way to tell a release", "give tags beside it")
    section.finish()
    is_told_by_digest = tags is None if change is None else change
    return Release(workflow=workflow, tags=tags, digest_change=is_told_by_digest)


def _name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError(
            f"{text!r:.80} is no name of a product: use letters, digits, '.', '_' and '-', at most"
            " 64 characters"
        )
    return text


def _path(text: str) -> str:
    """Check a path that must stay below the root of the repository."""
    path = posixpath.normpath(text)
    if len(path) > MAX_PATH_CHARS or "\0" in path:
        raise ValueError("is no path that a file can have")
    if path in ("..", ".") or path.startswith(("/", "../")):
        raise ValueError(f"{text!r:.200} is no file below the root of the repository")
    return path


def _image(text: str) -> Reference:
    try:
        reference = parse_reference(text)
    except InvalidReference as error:
        raise ValueError(error.message) from error
    if reference.digest is not None:
        raise ValueError(f"{text!r:.200} names one digest; a product is published again and again")
    return reference


def _tags(text: str) -> str:
    if len(text) > MAX_PATTERN_CHARS or _TAGS.fullmatch(text) is None:
        raise ValueError(f"{text!r:.80} is no pattern of tags: '*' is any text, all else is itself")
    return text


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    from fnmatch import translate  # noqa: PLC0415  # only where releases are looked for

    return re.compile(translate(text))
