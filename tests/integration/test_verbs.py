from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes.loopback import Answer, serve
from tests.integration.program import SNAPSHOTS, copy_repo, run

if TYPE_CHECKING:
    from pathlib import Path


def test_list_names_every_image_and_place(tmp_path: Path) -> None:
    outcome = run(copy_repo("mixed", tmp_path), "list")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (SNAPSHOTS / "mixed-list.txt").read_text(encoding="utf-8")


def test_list_as_json_and_markdown(tmp_path: Path) -> None:
    root = copy_repo("mixed", tmp_path)
    images = run(root, "list", "-f", "json").json["images"]
    assert {use["path"] for image in images for use in image["uses"]} == {
        "api/Dockerfile",
        "deploy/Dockerfile",
        "tests/e2e/Dockerfile",
        "web/Dockerfile",
    }
    table = run(root, "list", "-f", "markdown").out
    assert table.startswith("| Image | Category | Where |")


def test_list_can_fail_on_prohibited_images(tmp_path: Path) -> None:
    assert run(copy_repo("mixed", tmp_path), "list", "--exit-code").code == 1
    assert run(copy_repo("clean", tmp_path), "list", "--exit-code").code == 0


def test_list_is_written_to_a_file(tmp_path: Path) -> None:
    root = copy_repo("clean", tmp_path)
    outcome = run(root, "list", "-o", "images.txt")
    assert (outcome.code, outcome.out) == (0, "")
    assert "scratch" in (root / "images.txt").read_text(encoding="utf-8")


def test_image_is_explained_with_category_clause_and_dates(tmp_path: Path) -> None:
    outcome = run(tmp_path, "explain", "node:20-bookworm")
    assert outcome.code == 0
    for text in ("restricted", "policy.restricted[0]", "end of life: 2026-04-30", "node:20"):
        assert text in outcome.out


def test_image_is_explained_as_json(tmp_path: Path) -> None:
    value = run(tmp_path, "explain", "gcr.io/distroless/static-debian13", "-f", "json").json
    assert value["judgement"]["category"] == "preferred"
    assert value["trace"][-1]["matched"] == "yes"


def test_policy_of_the_current_directory_explains(tmp_path: Path) -> None:
    (tmp_path / "basekeeper.toml").write_text(
        '[[policy.prohibited]]\nimage = "node"\nrationale = "we left it"\n'
    )
    assert "we left it" in run(tmp_path, "explain", "node:24-slim").out


def test_rule_is_explained_with_its_page(tmp_path: Path) -> None:
    outcome = run(tmp_path, "explain", "end-of-life")
    assert outcome.code == 0
    for text in ("severity", "error", "Why", "docs/rules/end-of-life.md"):
        assert text in outcome.out
    assert run(tmp_path, "explain", "end-of-life", "-f", "json").json["rule"] == "end-of-life"


def test_all_rules_are_listed(tmp_path: Path) -> None:
    listed = run(tmp_path, "explain", "-f", "json").json["rules"]
    text = run(tmp_path, "explain").out
    assert all(rule["rule"] in text for rule in listed)


@pytest.mark.parametrize("subject", ["End-of-Lif", "end-of-lif"])
def test_mistyped_rule_is_suggested(subject: str, tmp_path: Path) -> None:
    outcome = run(tmp_path, "explain", subject)
    assert "did you mean 'end-of-life'" in " ".join(outcome.out.split())


def test_data_tells_source_and_age(tmp_path: Path) -> None:
    outcome = run(tmp_path, "data", "info", "--now", "2026-11-23")
    assert outcome.code == 0
    assert "endoflife.date" in outcome.out
    sources = run(tmp_path, "data", "info", "-f", "json", "--now", "2026-11-23").json["sources"]
    assert {"source", "url", "licence", "as_of", "age_days", "entries", "stale"} <= set(sources[0])


def test_failed_refresh_says_so_and_keeps_what_is_there(tmp_path: Path) -> None:
    with serve() as server:
        server.put("/all", Answer(b"no", 404))
        server.put("/debian/debian.csv", Answer(b"no", 404))
        outcome = run(
            tmp_path,
            "data",
            "update",
            "--only",
            "calendars",
            "--mirror",
            f"endoflife.date={server.url}/all",
            "--mirror",
            f"distro-info-data={server.url}/debian",
        )
    assert outcome.code == 3
    assert "failed   endoflife.date:" in outcome.out
    assert "answered with status 404" in outcome.out
    assert not (tmp_path.parent / ".local").exists()


def test_refreshed_data_is_used(tmp_path: Path) -> None:
    rows = "version,codename,series,created,release,eol,eol-lts,eol-elts\n" + "".join(
        f"{number},Name{number},name{number},2000-01-01,20{number:02d}-01-01,2030-01-01,,\n"
        for number in range(1, 14)
    )
    lts = (" LTS", "")
    ubuntu = (
        "version,codename,series,created,release,eol,eol-server,eol-esm\n"
        + "".join(
            f"{year}.04{lts[year % 2]},N,n,,20{year:02d}-04-20,2036-04-20,,\n"
            for year in range(4, 27)
        )
        + "".join(
            f"{year}.10,O{year},o{year},2000-01-01,20{year:02d}-10-20,2036-04-20,,\n"
            for year in range(4, 26)
        )
    )
    with serve() as server:
        server.put("/all", Answer(b"{}"))
        server.put("/d/debian.csv", Answer(rows.encode()))
        server.put("/d/ubuntu.csv", Answer(ubuntu.encode()))
        home = tmp_path / "data"
        outcome = run(
            tmp_path,
            "data",
            "update",
            "--only",
            "calendars",
            "--now",
            "2026-11-23",
            "--mirror",
            f"endoflife.date={server.url}/all",
            "--mirror",
            f"distro-info-data={server.url}/d",
            XDG_DATA_HOME=str(home),
        )
        assert outcome.code == 3
        assert "updated  distro-info-data: 2 products" in outcome.out
    sources = run(
        tmp_path, "data", "info", "-f", "json", "--now", "2026-11-23", XDG_DATA_HOME=str(home)
    ).json["sources"]
    ages = {source["source"]: source["age_days"] for source in sources}
    assert ages["distro-info-data"] == 0
    assert ages["endoflife.date"] > 0


def test_unusable_refreshed_data_is_named(tmp_path: Path) -> None:
    (tmp_path / "data" / "basekeeper").mkdir(parents=True)
    (tmp_path / "data" / "basekeeper" / "lifecycle.json").write_text("{")
    outcome = run(tmp_path, "list", XDG_DATA_HOME=str(tmp_path / "data"))
    assert outcome.code == 2
    assert "lifecycle.json" in outcome.err


@pytest.mark.parametrize("mirror", ["x=https://x", "endoflife.date", "endoflife.date=file:///x"])
def test_mirror_needs_a_known_source_and_an_address(mirror: str, tmp_path: Path) -> None:
    outcome = run(tmp_path, "data", "update", "--mirror", mirror)
    assert outcome.code == 2
    assert "is not SOURCE=URL" in outcome.err


def test_json_of_every_verb_carries_the_schema_version(tmp_path: Path) -> None:
    root = copy_repo("clean", tmp_path)
    for arguments in (
        ("check", "-f", "json"),
        ("list", "-f", "json"),
        ("explain", "alpine:3.24", "-f", "json"),
        ("explain", "end-of-life", "-f", "json"),
        ("data", "info", "-f", "json"),
    ):
        value = json.loads(run(root, *arguments).out)
        assert (value["schema_version"], value["tool"]["name"]) == (1, "basekeeper")
