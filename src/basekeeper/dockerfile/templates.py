"""Tells templates and fragments, which share the names of Dockerfiles, from Dockerfiles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.dockerfile.scan import ARG, COPY, FROM, KEYWORDS, RUN, UNKNOWN

if TYPE_CHECKING:
    from basekeeper.dockerfile.document import Dockerfile
    from basekeeper.dockerfile.scan import Layout

TEMPLATE_ENDINGS: Final = frozenset(
    [
        ".template",
        ".tmpl",
        ".tpl",
        ".gotmpl",
        ".j2",
        ".jinja",
        ".jinja2",
        ".in",
        ".m4",
        ".erb",
        ".ejs",
        ".hbs",
        ".mustache",
        ".tt",
    ]
)
"""Endings of files that a program turns into Dockerfiles."""

_NO_FROM: Final = "it has no FROM"
_MARK = re.compile(
    r"(?P<braces>\{\{)|(?P<block>\{%)|(?P<percent>%%\w+%%)|(?P<at>@[A-Za-z_]\w*@)|(?P<angle><%)",
    re.ASCII,
)
_CPP = re.compile(
    r"^\#(?:include[ \t]*[\"<]|define[ \t]+[A-Z_][A-Z0-9_]*\b|ifn?def[ \t]+\w+[ \t]*$)",
    re.MULTILINE | re.ASCII,
)
_MARK_NAMES: Final = {
    "braces": "{{ }}",
    "block": "{% %}",
    "percent": "%%NAME%%",
    "at": "@NAME@",
    "angle": "<% %>",
}


def template_reason(layout: Layout) -> str | None:
    """Say why content is a template or a fragment, or None.

    Marks of template languages count where an image may be named or where an instruction should
    start; inside RUN they are mostly arguments of a program.
    """
    for index, code in enumerate(layout.codes):
        if code not in {FROM, ARG, UNKNOWN, COPY, RUN}:
            continue
        found = _mark(layout, index, code)
        if found is not None:
            name = _MARK_NAMES[found.lastgroup or ""]
            return f"line {layout.line_of(layout.starts[index])} holds {name} of a template"
    first = layout.text.find("#")
    if first >= 0:
        found = _CPP.search(
            layout.text, first, layout.starts[0] if layout.starts else len(layout.text)
        )
        if found is not None:
            return f"line {layout.line_of(found.start())} is for the C preprocessor"
    if FROM not in layout.codes:
        return _NO_FROM
    return None


def _mark(layout: Layout, index: int, code: int) -> re.Match[str] | None:
    """Find a template's mark in a place where it cannot be an argument of a program."""
    start, end = layout.starts[index], layout.ends[index]
    if code == UNKNOWN:
        return _MARK.match(layout.text, start, end)
    if code in {COPY, RUN}:
        start = layout.text.find("from=", start, end)
        if start < 0:
            return None
        end = min(end, *(at for at in (layout.text.find(c, start, end) for c in " \t\n") if at > 0))
    return _MARK.search(layout.text, start, end)


def classify_template(name: str, document: Dockerfile) -> str | None:
    """Say why a file is a template or a fragment, by its name or else its content, or None."""
    parts = name.lower().rpartition("/")[2].split(".")
    for ending in parts[1:]:
        if f".{ending}" in TEMPLATE_ENDINGS:
            return f"its name has the ending .{ending}"
    is_plain = parts[-1] == "dockerfile" or parts == ["containerfile"]
    if is_plain and document.template == _NO_FROM and _is_misspelt(document):
        return None
    return document.template


def _is_misspelt(document: Dockerfile) -> bool:
    """Tell whether the first word where FROM should stand is no instruction."""
    first = next((one.name for one in document.instructions if one.name != "ARG"), "ARG")
    return first not in KEYWORDS
