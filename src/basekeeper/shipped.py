"""What is shipped, and which image each of it stands on. Pure.

A deadline belongs to a product. `[[product]]` names one; a build that no `[[product]]` names is
known by its place: the path of its Dockerfile, with `:target` where a stage is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from basekeeper.records import dataclass
from basekeeper.values.platforms import BuiltPlatforms
from basekeeper.values.use import Kind, Role, Via

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from basekeeper.config.products import Product
    from basekeeper.dockerfile.build import Build
    from basekeeper.values.use import BuildPlan, SourceFile, Survey, Use


@dataclass(frozen=True, slots=True, kw_only=True)
class StandsOn:
    """A product, or a place, and the image at the start of its final chain."""

    product: str
    """Name of the `[[product]]`, or the place."""
    mapped: Product | None
    """What `[[product]]` says of it; None: nothing."""
    use: Use
    platforms: tuple[str, ...]
    """Those that it is built for."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """Everything that is shipped."""

    stands_on: tuple[StandsOn, ...]
    """In the order of files and builds; a product may stand on several images (by platform, or
    where several builds of a place differ). What stands on `scratch`, or on an image whose name is
    not known, is left out."""
    notices: tuple[str, ...]
    """Products that nothing in the tree builds."""


def shipped(survey: Survey, products: Sequence[Product], platforms: Sequence[str]) -> Shipped:
    """Tell what the builds of a tree ship, and what they stand on.

    Args:
        survey: What discovery found.
        products: What `[[product]]` says.
        platforms: Those of builds for which no file says others.
    """
    built = BuiltPlatforms(survey, platforms)
    places = _Places(survey)
    found: dict[tuple[str, str], StandsOn] = {}
    for file in survey.files:
        for name, mapped, use in _of_file(file, products, places):
            if use.kind is not Kind.CONCRETE or use.reference is None:
                continue
            one = StandsOn(product=name, mapped=mapped, use=use, platforms=built.of(use))
            found.setdefault((name, str(use.reference)), one)
    paths = {file.path for file in survey.files if file.document is not None}
    missing = tuple(
        f"product {one.name!r}: there is no Dockerfile {one.dockerfile!r} in what was read"
        for one in products
        if one.dockerfile not in paths
    )
    return Shipped(tuple(found.values()), missing)


class _Places:
    """Finds the use that an instruction or a named context makes."""

    def __init__(self, survey: Survey) -> None:
        self._by_line: dict[tuple[str, int], list[Use]] = {}
        self._contexts: dict[str, list[Use]] = {}
        for use in survey.uses:
            if use.via is Via.FROM:
                self._by_line.setdefault((use.path, use.line), []).append(use)
            elif use.via is Via.CONTEXT and use.role is Role.FINAL:
                for name in use.builds:
                    self._contexts.setdefault(name, []).append(use)

    def base(self, file: SourceFile, plan: BuildPlan | None, build: Build) -> Iterator[Use]:
        """Yield what the final chain of a build starts from."""
        if not build.final_chain:
            return
        stage = build.stages[build.final_chain[-1]]
        if plan is not None and stage.replaced_by is not None:
            yield from self._contexts.get(plan.name, ())
            return
        for use in self._by_line.get((file.path, stage.line + file.first_line - 1), ()):
            if use.text == stage.base:
                yield use


def _of_file(
    file: SourceFile, products: Sequence[Product], places: _Places
) -> Iterator[tuple[str, Product | None, Use]]:
    """Yield name, product and base of each build of a file that is shipped."""
    if file.document is None or not file.plans:
        return
    own = [one for one in products if one.dockerfile == file.path]
    for product in own:
        plan, build = _build_of(product, file)
        for use in places.base(file, plan, build):
            yield product.name, product, use
    targets = {product.target for product in own}
    if not file.production or file.template is not None:
        return
    for plan in file.plans:
        if plan.shipped and plan.target not in targets:
            name = file.path if plan.target is None else f"{file.path}:{plan.target}"
            for use in places.base(file, plan, plan.build):
                yield name, None, use


def _build_of(product: Product, file: SourceFile) -> tuple[BuildPlan | None, Build]:
    """Find the build of a product, as files describe it, else as the builder would make it."""
    plan = next((one for one in file.plans if one.target == product.target), None)
    if plan is not None:
        return plan, plan.build
    assert file.document is not None  # noqa: S101  # files without one have no products
    first = file.plans[0]
    return None, file.document.resolve(first.args, product.target, first.platform)
