"""What the page of forges says of any git server, held to the program."""

from __future__ import annotations

from pathlib import Path

from basekeeper.errors import ForgeFailure
from basekeeper.forge.git.books import NOTES
from basekeeper.forge.git.branches import DEPTHS
from basekeeper.forge.git.commits import MAX_ENTRIES, MAX_FILE_BYTES
from basekeeper.forge.git.landing import MERGED_TRAILER
from basekeeper.forge.git.mirror import MAX_KEPT_BYTES
from basekeeper.gitremote import NETWORK_SECONDS
from basekeeper.values.event import EventKind
from basekeeper.values.forge import MergeMethod

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "forges.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Any git server")[2].partition("\n## ")[0]


def test_the_numbers_are_those_of_the_program() -> None:
    few, many, everything = DEPTHS
    assert everything is None
    for text in (
        f"{few} commits of each are fetched, then {many:,}, then all",
        f"{NETWORK_SECONDS:.0f} s for an exchange", f"{MAX_FILE_BYTES >> 20} MiB for a file",
        f"{MAX_KEPT_BYTES >> 30} GiB of one repository", f"`{NOTES}`", f"`{MERGED_TRAILER}`",
        f"`{EventKind.PROPOSAL_NOTED}`",
    ):  # fmt: skip
        assert text in SECTION, text
    assert MAX_ENTRIES == 1_000_000
    assert "a million files" in SECTION


def test_every_way_to_merge_is_explained() -> None:
    for method in MergeMethod:
        assert f"`{method}`:" in SECTION


def test_the_failures_are_called_what_the_program_calls_them() -> None:
    table = SECTION.partition("| It says |")[2]
    said = {row.split("|")[1].strip() for row in table.splitlines()[2:] if row.startswith("|")}
    words = {
        ForgeFailure.AUTH: "not logged in", ForgeFailure.PERMISSION: "no permission",
        ForgeFailure.CONFLICT: "conflict", ForgeFailure.TRANSIENT: "not reachable",
    }  # fmt: skip
    assert {kind.value for kind in words} == set(words.values())
    assert said == {*words.values(), "refused"}
