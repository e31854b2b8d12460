from __future__ import annotations

import tarfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from basekeeper.errors import InputError
from basekeeper.lifecycle.catalogue import Catalogue
from basekeeper.refresh.official import MAX_LAG, MAX_SKEW, read_official
from tests.fakes.officiallist import COMMIT, TOP, archive, bundled, listing, member

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)
WHEN = NOW - timedelta(hours=3)
KNOWN = Catalogue.bundled().raw_official()


def read(data: bytes, known: dict[str, Any] = KNOWN) -> dict[str, Any]:
    return read_official(data, known, NOW)


def test_an_unchanged_list_differs_in_its_day_alone() -> None:
    assert read(archive(bundled(), WHEN)) == KNOWN | {"as_of": "2026-11-26", "commit": COMMIT}


@pytest.mark.parametrize("top", [f"{TOP}/", "official-images-37079fb/", ""])
def test_the_top_of_the_archive_may_be_called_anything(top: str) -> None:
    assert read(archive(bundled(), WHEN, top=top))["repositories"] == KNOWN["repositories"]


def test_an_archive_that_git_did_not_make_has_no_commit() -> None:
    assert "commit" not in read(archive(bundled(), WHEN, format=tarfile.GNU_FORMAT))


def test_images_and_tags_come_and_go() -> None:
    new = bundled() | {"brand-new": ["1.0 latest"], "alpine": ["4.0 4 latest"]}
    del new["adminer"]
    found = read(archive(new, WHEN))["repositories"]
    assert found["brand-new"] == ["1.0 latest"]
    assert found["alpine"] == ["4.0 4 latest"]
    assert "adminer" not in found
    assert list(found) == sorted(found)


def test_what_lies_beside_the_list_is_not_read() -> None:
    beside = [
        member(f"{TOP}/test/library/evil", b"\xff", when=WHEN),
        member(f"{TOP}/library/sub/evil", b"\xff", when=WHEN),
        member(f"{TOP}/librarian/evil", b"\xff", when=WHEN),
        member(f"{TOP}/link", when=WHEN, kind=tarfile.SYMTYPE, to="/etc/passwd"),
        member(f"{TOP}/null", when=WHEN, kind=tarfile.CHRTYPE),
    ]
    assert read(archive(bundled(), WHEN, more=beside))["repositories"] == bundled()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            member(f"{TOP}/library/evil", when=WHEN, kind=tarfile.SYMTYPE, to="/etc/passwd"),
            "is no plain file",
        ),
        (
            member(f"{TOP}/library/evil", when=WHEN, kind=tarfile.LNKTYPE, to=f"{TOP}/README.md"),
            "is no plain file",
        ),
        (member(f"{TOP}/library/evil", when=WHEN, kind=tarfile.CHRTYPE), "is no plain file"),
        (member(f"{TOP}/library/evil", when=WHEN, kind=tarfile.FIFOTYPE), "is no plain file"),
        (member("/library/evil", listing(["1"]), when=WHEN), "an entry outside of it"),
        (member("../library/evil", listing(["1"]), when=WHEN), "an entry outside of it"),
        (member(f"{TOP}/library/..", when=WHEN), "an entry outside of it"),
        (
            member(f"{TOP}/library/alpine", listing(["1"]), when=WHEN),
            "has 'official-images-master/library/alpine' twice",
        ),
        (member("other/library/alpine", listing(["1"]), when=WHEN), "/alpine' twice"),
        (member(f"{TOP}/library/Evil", listing(["1"]), when=WHEN), "not named like a repository"),
        (member(f"{TOP}/library/a\nb", listing(["1"]), when=WHEN), "not named like a repository"),
        (member(f"{TOP}/library/x", b"<html>", when=WHEN), "library/x:1: expected a field"),
        (member(f"{TOP}/library/x", b"#" * 600_000, when=WHEN), "is larger than"),
    ],
)
def test_one_entry_of_the_list_that_is_wrong_refuses_all_of_it(
    entry: tuple[tarfile.TarInfo, bytes], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(archive(bundled(), WHEN, more=[entry]))
    assert message in caught.value.message


def without(share: float) -> dict[str, list[str]]:
    known = bundled()
    return dict(list(known.items())[int(len(known) * share) :])


def test_a_list_that_lost_many_images_is_not_believed() -> None:
    assert len(read(archive(without(0.09), WHEN))["repositories"]) == 132
    with pytest.raises(InputError, match="only 129 of 144 known official images are on the list"):
        read(archive(without(0.11), WHEN))
    with pytest.raises(InputError, match="only 0 of 144 known"):
        read(archive({}, WHEN))


def test_other_images_do_not_make_up_for_lost_ones() -> None:
    others = {f"new-{number}": ["1"] for number in range(1000)}
    with pytest.raises(InputError, match="only 0 of 144 known"):
        read(archive(others, WHEN))


def test_an_empty_list_is_not_even_believed_where_nothing_was_known() -> None:
    with pytest.raises(InputError, match="only 0 of 0 known"):
        read(archive({}, WHEN), KNOWN | {"repositories": {}})


def test_a_list_that_lost_many_tags_is_not_believed() -> None:
    with pytest.raises(InputError, match=r"only 144 tags are on the list, of \d+ before"):
        read(archive({name: ["latest"] for name in bundled()}, WHEN))


@pytest.mark.parametrize(
    ("age", "message"),
    [
        (MAX_LAG, None),
        (MAX_LAG + timedelta(seconds=1), "the list is of 2026-10-27, which is more than 30 days"),
        (-MAX_SKEW, None),
        (-MAX_SKEW - timedelta(seconds=1), "the list is of 2026-11-27, which is from the future"),
    ],
)
def test_an_archive_of_another_day_is_not_taken_for_todays(
    age: timedelta, message: str | None
) -> None:
    data = archive(bundled(), NOW - age)
    if message is None:
        assert read(data)["as_of"] == "2026-11-26"
        return
    with pytest.raises(InputError, match=message):
        read(data)


def test_a_day_beyond_all_calendars_is_refused() -> None:
    info, content = member(f"{TOP}/library/x", listing(["1"]), when=WHEN)
    info.mtime = 0o77777777777
    with pytest.raises(InputError, match="from the future"):
        read(archive(bundled(), WHEN, more=[(info, content)]))


def test_a_list_in_use_that_names_no_source_does_no_harm() -> None:
    known = {"schema": 1, "as_of": "2026-11-01", "repositories": bundled()}
    assert read(archive(bundled(), WHEN), known)["source"] == KNOWN["source"]


def test_too_many_repositories_are_refused() -> None:
    with pytest.raises(InputError, match="more than 2000 repositories"):
        read(archive({f"new-{number}": ["1"] for number in range(2_001)}, WHEN))
