"""Which platforms a tree builds, and which platform of an index a builder takes for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from basekeeper.values.settings import DEFAULT_PLATFORM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from basekeeper.values.use import Survey, Use

_MAX_DIGITS: Final = 4
"""Digits of a variant that are read; there is none beyond `v9`."""


class BuiltPlatforms:
    """The platforms that each use of a survey is built for."""

    def __init__(self, survey: Survey, default: Sequence[str] = (DEFAULT_PLATFORM,)) -> None:
        """Read the builds once.

        Args:
            survey: What discovery found.
            default: Platforms of uses for which no file says others.
        """
        self._default = tuple(map(plain_platform, default)) or (DEFAULT_PLATFORM,)
        self._of_plan = {
            (file.path, plan.name): plan.platforms or (plan.platform,)
            for file in survey.files
            for plan in file.plans
        }

    def of(self, use: Use) -> tuple[str, ...]:
        """The platform that the instruction names, else those of the builds that reach it."""
        if use.platform and "$" not in use.platform:
            return (plain_platform(use.platform),)
        return tuple(dict.fromkeys(self._of_builds(use))) or self._default

    def _of_builds(self, use: Use) -> Iterator[str]:
        for name in use.builds:
            for platform in self._of_plan.get((use.path, name), ()):
                yield plain_platform(platform)


def plain_platform(platform: str) -> str:
    """Write a platform as images do: `linux/arm64` for `linux/arm64/v8`."""
    return platform.removesuffix("/v8") if platform.startswith("linux/arm64") else platform


def find_platform(wanted: str, present: Iterable[str]) -> str | None:
    """Find the platform of an index that a builder takes for a wanted one; None: it has none.

    Of Windows the first version counts; a variant of ARM or amd64 runs what older variants run.
    Source: the ordering of https://github.com/containerd/platforms.
    """
    names = list(present)
    bare = {name.partition(":")[0]: name for name in reversed(names)}
    for name in _accepted(plain_platform(wanted)):
        if name in names:
            return name
        if name in bare:
            return bare[name]
    return None


def _accepted(wanted: str) -> Iterator[str]:
    """Yield what serves for a platform, the best first."""
    yield wanted
    system, _, rest = wanted.partition("/")
    architecture, _, variant = rest.partition("/")
    if architecture == "arm":
        newest = _number(variant, 7)
        yield from (f"{system}/arm/v{number}" for number in range(min(newest, 8), 4, -1))
    if variant and architecture in ("amd64", "arm64"):
        newest = _number(variant, 1)
        yield from (f"{wanted[:-1]}{number}" for number in range(min(newest, 9) - 1, 1, -1))
        yield f"{system}/{architecture}"


def _number(variant: str, default: int) -> int:
    """The number of a variant such as `v8`; the default where it has none that means anything."""
    digits = variant[1:]
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
    return int(digits) if is_number else default
