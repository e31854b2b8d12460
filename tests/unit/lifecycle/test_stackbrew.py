from __future__ import annotations

import pytest

from basekeeper.errors import InputError
from basekeeper.lifecycle.stackbrew import MAX_LIST_BYTES, read_listed
from tests.fakes.officiallist import bundled, listing

HEAD = "Maintainers: A (@a)\nGitRepo: https://git.example/x.git\n\n"
FILE = """\
# this file is generated via https://git.example/generate.sh

# and a second line
Maintainers: A B <a@example.com> (@a),
             C (@c)
GitRepo: https://git.example/x.git
Builder: buildkit


Tags: 1.27.0-trixie, 1.27-trixie,trixie
SharedTags: 1.27.0, 1.27, latest
Architectures: amd64, arm64v8
GitCommit: 7aa947b3fda4de2c123815ab1873e50bc810569d
# a remark between
Directory: 1.27/trixie

Tags: 1.27.0-servercore-ltsc2025,
 1.27-servercore-ltsc2025
SharedTags: 1.27.0-servercore, 1.27.0,
\t1.27, latest
Architectures: windows-amd64
windows-amd64-Directory: 1.27/windows
Constraints: windowsservercore-ltsc2025

tags: alpine
directory: x
"""


def test_reads_the_tags_of_each_image_own_ones_first() -> None:
    assert read_listed(FILE.encode(), "golang") == [
        "1.27.0-trixie 1.27-trixie trixie 1.27.0 1.27 latest",
        "1.27.0-servercore-ltsc2025 1.27-servercore-ltsc2025 1.27.0-servercore",
        "alpine",
    ]


def test_reads_windows_line_ends_as_others() -> None:
    assert read_listed(FILE.replace("\n", "\r\n").encode(), "x") == read_listed(FILE.encode(), "x")


def test_what_the_first_paragraph_says_counts_for_all() -> None:
    text = HEAD.replace("\n\n", "\nSharedTags: latest\n\n") + "Tags: a\n\nTags: b\nSharedTags: c\n"
    assert read_listed(text.encode(), "x") == ["a latest", "b c"]


def test_an_image_whose_tags_all_stand_above_is_no_line() -> None:
    assert read_listed((HEAD + "Tags: a, b\n\nTags: b\n").encode(), "x") == ["a b"]


def test_a_repository_may_be_listed_though_nothing_is_built() -> None:
    assert read_listed((HEAD + "#Tags: 1\n#Directory: x\n").encode(), "plone") == []


def test_the_bundled_list_reads_back() -> None:
    for name, lines in bundled().items():
        assert read_listed(listing(lines), name) == lines


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x: does not begin with what counts for all"),
        (b"<!DOCTYPE html>\n", "x:1: expected a field and its value, got '<!DOCTYPE html>'"),
        (b"Tags: a\nMaintainers: b\n", "x: does not begin with what counts for all"),
        (b"Maintainers:\n", "x: does not begin with what counts for all"),
        (b"GitRepo: x\n\nTags: a\n", "x: does not begin with what counts for all"),
        (f"{HEAD}Directory: x\n".encode(), "x: has an image without tags"),
        (f"{HEAD}Tags: ,\n".encode(), "x: has an image without tags"),
        (f"{HEAD}Tags: a b\n".encode(), "x: 'a b' is no tag"),
        (f"{HEAD}Tags: ../a\n".encode(), "x: '../a' is no tag"),
        (f"{HEAD}Tags: a\u00e9\n".encode(), "is no tag"),
        (f"{HEAD}Tags: {'a' * 129}\n".encode(), "is no tag"),
        (f"{HEAD}Tags: a\nTags: b\n".encode(), "x:5: says 'Tags' twice"),
        (f"{HEAD} Tags: a\n".encode(), "x:4: expected a field and its value"),
        (b"latest: git://git.example/x@abc\xff\n", "x: not UTF-8"),
        (b"#" * (MAX_LIST_BYTES + 1), f"x: larger than {MAX_LIST_BYTES} bytes"),
        (
            f"{HEAD}Tags: {', '.join(map(str, range(20_001)))}\n".encode(),
            "x: has more than 20000 tags",
        ),
    ],
)
def test_refuses_what_is_no_file_of_the_list(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_listed(data, "x")
    assert message in caught.value.message
