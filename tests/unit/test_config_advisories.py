from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from basekeeper.config.advisories import AdvisorySettings, parse_advisories
from basekeeper.config.document import read_document
from basekeeper.config.table import Table
from basekeeper.policy.load import load_config

if TYPE_CHECKING:
    from pathlib import Path

ALL = """
[advisories]
kev = "https://mirror.example/kev.json?channel=1"
epss = "/srv/epss.csv.gz"
vex = ["/srv/a.json", "/srv/b.json"]
kev_max_age = "5 days"
epss_max_age = "2 weeks"
[data.mirrors]
"official-images" = "http://mirror.example:8080/official.tar.gz/"
"endoflife.date" = ""
"""
SCHEMA = Draft202012Validator(
    json.loads((files("basekeeper.policy") / "schema.json").read_text(encoding="utf-8"))
)


def _read(text: str) -> tuple[AdvisorySettings, list[str]]:
    document = read_document(text.encode(), "x.toml")
    top = Table(document, document.data)
    return parse_advisories(top), [str(problem) for problem in top.problems]


def test_reads_every_key() -> None:
    settings, problems = _read(ALL)
    assert problems == []
    assert settings == AdvisorySettings(
        kev="https://mirror.example/kev.json?channel=1",
        epss="/srv/epss.csv.gz",
        vex=("/srv/a.json", "/srv/b.json"),
        kev_max_age=timedelta(days=5),
        epss_max_age=timedelta(days=14),
        mirrors={
            "official-images": "http://mirror.example:8080/official.tar.gz",
            "endoflife.date": "",
        },
    )
    assert list(SCHEMA.iter_errors(tomllib.loads(ALL))) == []


def test_says_nothing_without_tables() -> None:
    assert _read("") == (AdvisorySettings(), [])
    assert _read("[data]") == (AdvisorySettings(), [])
    assert AdvisorySettings().given == ()


def test_an_empty_text_switches_a_source_off_and_is_not_absence() -> None:
    off, problems = _read('[advisories]\nkev = ""\nepss = ""\nvex = []')
    assert problems == []
    assert off == AdvisorySettings(kev="", epss="", vex=())
    said = AdvisorySettings(kev="/x", epss="/y", vex=("/z",))
    assert off.over(said) == off
    assert off.given == ("advisories.kev", "advisories.epss", "advisories.vex")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[advisories]\nkev = "kev.json"', "advisories.kev: 'kev.json' is neither a URL nor an"),
        ('[advisories]\nkev = " "', "advisories.kev: must not be empty"),
        ('[advisories]\nkev = "ftp://h/x"', "advisories.kev: 'ftp://h/x' is no URL"),
        ('[advisories]\nepss = "https:///x"', "advisories.epss: 'https:///x' is no URL"),
        ('[advisories]\nepss = "https://h:x/"', "advisories.epss: 'https://h:x/' is no URL"),
        ('[advisories]\nepss = "https://u:s3cr3t@h/"', "advisories.epss: holds a user or a pass"),
        ('[advisories]\nvex = ["a.json"]', "advisories.vex[0]: 'a.json' is no absolute path"),
        ('[advisories]\nkev_max_age = "soon"', "advisories.kev_max_age: 'soon' is no duration"),
        ("[advisories]\nscores = 1", "advisories.scores: is not known here"),
        ('[data]\nofficial = "x"', "data.official: is not known here"),
        ('[data.mirrors]\nofficial-images = "x"', "data.mirrors.official-images: 'x' is no URL"),
        ('[data.mirrors]\nkev = "https://x/"', "data.mirrors.kev: is not known here"),
    ],
)
def test_mistakes_are_told_of_without_secrets(text: str, problem: str) -> None:
    _, (found,) = _read(text)
    assert found.startswith(f"x.toml:2: {problem}")
    assert "s3cr3t" not in found
    is_seen_by_form = "h:x/" not in text
    assert is_seen_by_form is bool(list(SCHEMA.iter_errors(tomllib.loads(text))))


def test_no_more_documents_are_named_than_the_limit() -> None:
    paths = ", ".join(f'"/{number}"' for number in range(201))
    _, (found,) = _read(f"[advisories]\nvex = [{paths}]")
    assert found.endswith("advisories.vex: names more than 200 documents")


def test_each_key_falls_back_by_itself() -> None:
    first = AdvisorySettings(kev="/k", mirrors={"official-images": "https://a/"})
    second = AdvisorySettings(
        kev="/other", epss="/e", mirrors={"official-images": "https://b/", "endoflife.date": ""}
    )
    assert first.over(second) == AdvisorySettings(
        kev="/k",
        epss="/e",
        mirrors={"official-images": "https://a/", "endoflife.date": ""},
    )


def test_a_repository_has_no_say(tmp_path: Path) -> None:
    (tmp_path / "basekeeper.toml").write_text(ALL)
    config = load_config(tmp_path)
    assert config.settings.storage.advisories == AdvisorySettings()
    assert len(config.notices) == 7
    assert config.notices[0] == (
        "advisories.kev of basekeeper.toml is ignored: it is to be set in your own settings"
    )
    assert config.notices[-1].startswith('data.mirrors."official-images" of basekeeper.toml')
