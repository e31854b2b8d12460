"""Compares two surveys: exactly the intended references may differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from basekeeper.values.use import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.values.use import Survey, Use

_ROLES = tuple(Role)


class Spot(NamedTuple):
    """A place that names an image, by what no edit of a reference changes."""

    path: str
    line: int
    via: str
    stage: str | None
    platform: str | None
    onbuild: bool


class Difference(NamedTuple):
    """Something that differs though nobody meant it to."""

    spot: Spot | None
    """None: it concerns no single use."""
    path: str
    text: str
    """What is there now; empty where it is missing."""
    said: str
    """What happened, for a message: `would also change …`."""


def spot_of(use: Use) -> Spot:
    """Tell where a use stands."""
    return Spot(use.path, use.line, use.via.value, use.stage, use.platform, use.onbuild)


def key_of(use: Use) -> tuple[object, ...]:
    """Tell a use of one survey from all others."""
    return (use.path, use.line, use.column, use.span, use.via, use.raw, use.text, use.onbuild)


def differences(
    before: Survey, after: Survey, intended: Mapping[tuple[object, ...], str]
) -> list[Difference]:
    """Find what differs beside what was meant.

    Args:
        before: The tree as it is.
        after: The tree with the edits.
        intended: `key_of` a use of `before` → the text that it shall have.
    """
    meant = _table((use, intended.get(key_of(use), use.text)) for use in before.uses)
    found = _table((use, use.text) for use in after.uses)
    wrong: list[Difference] = []
    for key in found.keys() - meant.keys():
        spot, text, _ = key
        said = f"it would also make line {spot.line} of {spot.path} name {text!r}"
        wrong.append(Difference(spot, spot.path, text, said))
    for key in meant.keys() - found.keys():
        spot, text, _ = key
        said = f"line {spot.line} of {spot.path} would not name {text!r}"
        wrong.append(Difference(spot, spot.path, "", said))
    for key in meant.keys() & found.keys():
        if meant[key] != found[key]:
            spot = key[0]
            said = f"it would change the builds that reach line {spot.line} of {spot.path}"
            wrong.append(Difference(spot, spot.path, key[1], said))
    wrong += _unread(before, after)
    return sorted(wrong, key=_order)


def _order(each: Difference) -> tuple[object, ...]:
    """Sort by place; what is there now says more than what is missing."""
    return (each.path, each.spot or (), not each.text, each.text, each.said)


def _table(
    uses: Iterable[tuple[Use, str]],
) -> dict[tuple[Spot, str, bool], tuple[frozenset[str], Role]]:
    """Map place and text to the builds that reach it and its strongest role."""
    found: dict[tuple[Spot, str, bool], tuple[frozenset[str], Role]] = {}
    for use, text in uses:
        key = (spot_of(use), text, use.reference is not None)
        builds, role = found.get(key, (frozenset[str](), use.role))
        role = min(role, use.role, key=_ROLES.index)
        found[key] = (builds | frozenset(use.builds), role)
    return found


def _unread(before: Survey, after: Survey) -> Iterable[Difference]:
    """Find files that are read otherwise: refused, or no longer what they were."""
    old = {(item.path, item.reason) for item in before.skipped}
    for item in after.skipped:
        if (item.path, item.reason) not in old:
            yield Difference(None, item.path, "", f"{item.path} could not be read: {item.reason}")
    one = {(file.path, file.kind, len(file.plans), _refused(file)) for file in before.files}
    other = {(file.path, file.kind, len(file.plans), _refused(file)) for file in after.files}
    for path in sorted({each[0] for each in one ^ other}):
        yield Difference(None, path, "", f"{path} would be built otherwise")


def _refused(file: object) -> tuple[str | None, ...]:
    plans = getattr(file, "plans", ())
    return tuple(plan.build.rejected for plan in plans)
