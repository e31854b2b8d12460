"""Every base image of a tree and where it is used: text, JSON and Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from basekeeper.records import dataclass
from basekeeper.render.encode import pieces
from basekeeper.render.json import (
    heading,
    judgement_object,
    reference_object,
    skipped_object,
    use_object,
)
from basekeeper.render.layout import fit_image, fit_middle, pad, table
from basekeeper.render.markdown import Bounded, code, prose
from basekeeper.render.safe import visible
from basekeeper.render.view import plural, totals
from basekeeper.values.use import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.render.layout import Style
    from basekeeper.values.finding import Judgement, Report
    from basekeeper.values.use import Use


@dataclass(frozen=True, slots=True)
class Image:
    """One image with every place that names it, in the survey's order."""

    name: str
    """As the builder sees it; as written where that is not known."""
    judgement: Judgement
    uses: tuple[Use, ...]


def images(report: Report) -> list[Image]:
    """Group the uses of a report by image, sorted by name; unresolved names come last."""
    groups: dict[tuple[bool, str], list[tuple[Use, Judgement]]] = {}
    for use, judgement in report.judgements:
        unresolved = use.kind in {Kind.OPAQUE, Kind.INVALID}
        name = use.raw if use.kind is Kind.OPAQUE else use.text
        groups.setdefault((unresolved, name), []).append((use, judgement))
    return [
        Image(name, group[0][1], tuple(use for use, _ in group))
        for (_, name), group in sorted(groups.items())
    ]


def render_list_text(report: Report, style: Style) -> str:
    """Write each image with its category, and its places below it."""
    lines: list[str] = []
    for image in images(report):
        lines.append(_image_line(image, style))
        rows = [_place(use, style) for use in image.uses]
        lines += [style.paint(line, "dim") for line in table(rows, indent=4)]
        problem = next((use.problem for use in image.uses if use.problem), None)
        if problem is not None:
            lines.append(f"    {fit_middle(visible(problem), style.width - 4, style.ellipsis)}")
    if lines:
        lines.append("")
    lines += _unread(report, style)
    sums = totals(report)
    where = f"{plural(sums.uses, 'use')} in {plural(sums.files, 'file')}"
    lines.append(f"{plural(sums.images, 'image')}, {where}")
    return "\n".join(lines) + "\n"


def list_pieces(report: Report) -> Iterator[str]:
    """Write the images with their uses and judgements; see `schemas/list.schema.json`."""
    found = map(_image_object, images(report))
    skipped = map(skipped_object, report.skipped)
    return pieces({**heading(report.now), "images": found, "skipped": skipped}, depth=4)


def _image_object(image: Image) -> dict[str, Any]:
    """Write one image with its uses."""
    return {
        "image": image.name,
        "reference": reference_object(image.uses[0].reference),
        "judgement": judgement_object(image.judgement),
        "uses": (use_object(use, image.judgement) for use in image.uses),
    }


def render_list_markdown(report: Report) -> str:
    """Write one table of images and their places."""
    out = Bounded(["| Image | Category | Where |", "|---|---|---|"])
    out.add(
        f"| {code(image.name)} | {image.judgement.category.value} | {_where(image)} |"
        for image in images(report)
    )
    unread = [item for item in report.skipped if item.fatal]
    out.add(["", "Could not be read:", ""] if unread else [])
    out.add(f"- {code(item.path)}: {prose(item.reason)}" for item in unread)
    return out.text()


def _where(image: Image) -> str:
    """Write the places of an image in one cell."""
    return "<br>".join(code(f"{use.path}:{use.line}") for use in image.uses)


def _image_line(image: Image, style: Style) -> str:
    """Write the name of an image and, on the right, its category."""
    category = image.judgement.category.value
    room = style.width - len(category) - 2
    name = pad(fit_image(visible(image.name), room, style.ellipsis), room)
    return f"{style.paint(name, 'bold')}  {style.paint(category, category)}"


def _place(use: Use, style: Style) -> tuple[str, ...]:
    """Write where a use stands, through which door it comes, and what it is to the product."""
    where = fit_middle(visible(f"{use.path}:{use.line}"), style.width // 2, style.ellipsis)
    role = use.role.value if use.production else f"{use.role.value}, not production"
    return where, use.via.value, role


def _unread(report: Report, style: Style) -> Iterator[str]:
    """List what could not be read."""
    unread = [item for item in report.skipped if item.fatal]
    for item in unread:
        text = visible(f"could not be read: {item.path}: {item.reason}")
        yield style.paint(fit_middle(text, style.width, style.ellipsis), "error")
    if unread:
        yield ""
