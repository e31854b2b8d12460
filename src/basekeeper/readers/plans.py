"""From a document and the builds that files describe to the ways in which it is built."""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from basekeeper.records import dataclass
from basekeeper.values.settings import DEFAULT_PLATFORM
from basekeeper.values.use import BuildPlan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from basekeeper.dockerfile.model import Dockerfile
    from basekeeper.readers.spec import BuildSpec
    from basekeeper.values.settings import DiscoverSettings

MAX_PLATFORMS: Final = 32
"""Platforms of one build that are resolved; there are fewer in the world of container images."""

MAX_PLANS: Final = 256
"""Ways of building one file that are resolved."""

MAX_PLANNED_BYTES: Final = 64 * 1024 * 1024
"""Bytes of one document times its builds: a huge file is resolved for fewer of them."""

DEFAULT_PLAN: Final = "default"

_HELPER: Final = re.compile(
    r"(?:^|[-_.])(?:dev|devel|develop|development|devcontainer|test|tests|testing|unit|unittest|e2e"
    r"|lint|linter|validate|format|fmt|ci|debug|debugger|local|watch|build|builder|deps|docs"
    r"|vendor|base|dependencies|coverage|benchmark|bench|check|shellcheck|generate)(?:$|[-_.])",
    re.IGNORECASE,
)
_USES_PLATFORM: Final = re.compile(rb"TARGET(?:PLATFORM|OS|ARCH|VARIANT)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Planned:
    """One way of building a document."""

    plan: BuildPlan
    spec: BuildSpec | None
    """Who says so; None for the default build."""


def is_helper(spec: BuildSpec) -> bool:
    """Tell a build whose target is made to develop, test or compile from one that is shipped.

    Only the target says so: a service called `dev` with the default target builds what is shipped.
    """
    return spec.target is not None and _HELPER.search(spec.target) is not None


def plan_builds(
    document: Dockerfile,
    specs: Sequence[tuple[BuildSpec, bool]],
    settings: DiscoverSettings,
) -> list[Planned]:
    """Return the known ways of building a document.

    The default build is among them unless a file describes one that is shipped: a Compose file
    that only builds a `dev` target says nothing of what goes into production.

    Args:
        document: The parsed file.
        specs: Builds that name it, and whether each stands in a production file.
        settings: Arguments and platforms.
    """
    found: list[Planned] = []
    known = False
    limit = min(MAX_PLANS, max(1, MAX_PLANNED_BYTES // (len(document.data) + 1)))
    for spec, production in specs:
        shipped = production and not is_helper(spec)
        for plan in _plans(document, spec, settings):
            if len(found) >= limit:
                break
            if spec.target is not None and not plan.build.final_chain:
                continue  # there is no such stage: the caller reports it
            found.append(Planned(replace(plan, shipped=shipped), spec))
            known = known or shipped
    if known:
        return found
    default = [Planned(plan, None) for plan in _plans(document, None, settings)]
    return [*default, *found]


def _plans(
    document: Dockerfile, spec: BuildSpec | None, settings: DiscoverSettings
) -> Iterator[BuildPlan]:
    """Yield one plan for each platform that makes a difference."""
    given = {name: text.value for name, text in spec.args.items()} if spec is not None else {}
    args = MappingProxyType({**given, **settings.build_args})
    target = spec.target if spec is not None else None
    contexts = {each.name: each.value.value for each in spec.contexts} if spec is not None else {}
    wanted = tuple(dict.fromkeys((spec.platforms if spec else ()) or settings.platforms))
    platforms = _platforms(document.data, wanted)
    for platform in platforms:
        name = spec.name if spec is not None else DEFAULT_PLAN
        if len(platforms) > 1:
            name = f"{name} ({platform})"
        build = document.resolve(
            build_args=args, target=target, platform=platform, contexts=contexts
        )
        alike = wanted[:MAX_PLATFORMS] if len(platforms) == 1 and len(wanted) > 1 else ()
        yield BuildPlan(name, args, target, platform, build, platforms=alike)


def _platforms(data: bytes, wanted: Sequence[str]) -> list[str]:
    """Return the platforms to resolve: one is enough for a file that never asks for it."""
    platforms = list(wanted[:MAX_PLATFORMS]) or [DEFAULT_PLATFORM]
    return platforms if _USES_PLATFORM.search(data) else platforms[:1]
