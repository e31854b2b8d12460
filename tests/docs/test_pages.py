"""All pages: where they lead, and whether the commands that they show exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from basekeeper.cli import main as program
from basekeeper.policy.load import SCHEMA_PATH

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```([a-z]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PROGRAMS = {"python", "json"}
NO_COMMAND = {"basekeeper ledger 1"}  # how a branch with a ledger begins
SHOWN = re.compile(r"(?:^|[|&;`] ?|\$ |- run: )(basekeeper(?: [^`\n|&;]+)?)", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What headings of a page can be linked to as."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", head.lower().replace("`", "")) for head in heads)
    return {one.strip().replace(" ", "-") for one in words}


def is_dead(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


def commands(page: Path) -> list[list[str]]:
    """The calls of basekeeper that a page shows, as far as they are literal."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = [
        block for language, block in BLOCK.findall(text) if language not in ("python", "json")
    ]
    told = re.findall(r"`(basekeeper [^`]+)`", BLOCK.sub("", text))
    lines = [line for block in blocks for line in SHOWN.findall(block)]
    found = []
    for line in [*told, *lines]:
        bare = re.sub(r" +#.*| *[<>].*", "", line)
        if "[" not in bare and "…" not in bare and bare not in NO_COMMAND:
            found.append(shlex.split(bare)[1:])
    return found


def problem(words: list[str]) -> str | None:
    """Say what is wrong with a call, without making it."""
    command: click.Command = program.cli
    # Its own settings, as a command remembers which names its help option had at first.
    context = click.Context(command, info_name="basekeeper", **command.context_settings)
    left = list(words)
    while isinstance(command, click.Group) and left and not left[0].startswith("-"):
        name = left.pop(0)
        found = command.get_command(context, name)
        if found is None:
            return f"no verb {name!r}"
        command, context = found, click.Context(found, context, info_name=name)
    try:
        command.make_parser(context).parse_args(left)
    except click.UsageError as error:
        return error.message
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    links = [link for link in LINK.findall(text) if not link.startswith(("http", "mailto:"))]
    assert [link for link in links if is_dead(page, link)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_is_shown_can_be_called(page: Path) -> None:
    wrong = [(" ".join(words), problem(words)) for words in commands(page)]
    assert [(line, why) for line, why in wrong if why is not None] == []


def test_commands_are_found() -> None:
    assert sum(len(commands(page)) for page in PAGES) > 50


def test_every_page_of_the_reference_can_be_reached() -> None:
    entries = (ROOT / "README.md", ROOT / "docs" / "architecture.md")
    texts = "".join(entry.read_text(encoding="utf-8") for entry in entries)
    pages = [page.name for page in (ROOT / "docs" / "reference").glob("*.md")]
    assert [name for name in pages if f"reference/{name})" not in texts] == []


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "adr"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in folder.glob("0*.md") if page.name not in listed] == []


def test_every_table_of_the_configuration_is_named_where_the_file_is_told_of() -> None:
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    assert [name for name in schema["properties"] if f"[{name}]" not in page] == []


def test_every_published_schema_is_named() -> None:
    page = (ROOT / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
    schemas = (ROOT / "src" / "basekeeper" / "render" / "schemas").glob("*.json")
    assert [one.name for one in schemas if f"/{one.name}`" not in page] == []
