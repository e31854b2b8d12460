"""The text of proposals: what stands in it, how long it is, and what outside text cannot do."""

from __future__ import annotations

import base64
import html
import json
import os
import re
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.config.proposals import ProposalRules
from basekeeper.markers import Mark, read_marks, write_mark
from basekeeper.propose import draft
from basekeeper.render.layout import short_digests
from basekeeper.render.markdown import MAX_CELL_CHARS
from basekeeper.render.proposal_mark import (
    MAX_MARK_CHARS,
    read_proposal_mark,
    write_proposal_mark,
)
from basekeeper.render.proposal_markdown import MAX_BODY_BYTES, Block, fitted
from basekeeper.render.proposal_text import BREAK, advisory, plain, words
from basekeeper.tags.updates import UpdateRules
from basekeeper.values.change import Edit, EditPlan, FileEdit
from basekeeper.values.event import Event, EventKind
from basekeeper.values.proposal import Candidate, ProposalMark
from basekeeper.values.vulnerability import OperatingSystem, Severity
from tests.docs.test_pages import problem
from tests.unit.editing import edited
from tests.unit.propose.made import (
    FIXED,
    NEW,
    NEWER,
    NOW,
    OLD,
    OPEN,
    VULNERABLE,
    YOUNG,
    candidate,
    change,
    deadline,
    grouped,
    judged,
    look,
    match,
    package,
    scan,
    wanted,
)
from tests.unit.render.made import HOSTILE

if TYPE_CHECKING:
    from basekeeper.values.proposal import Proposal

SNAPSHOTS = Path(__file__).parents[2] / "data" / "snapshots"


def proposal(of: Candidate, **more: Any) -> Proposal:
    (one,) = wanted(of, **more)
    assert one.proposal is not None
    return one.proposal


QUIET = scan(
    match("CVE-2026-2002", package("zlib"), Severity.LOW),
    packages=(package("zlib"), package("curl", "8")),
)


def patch() -> Proposal:
    """An ordinary one, merged by itself."""
    of = change(f"node:20.11-slim@{OLD}", f"node:20.19-slim@{NEW}", "patch",
                "Dockerfile", "services/api/Dockerfile")  # fmt: skip
    seen = look(QUIET, replace(QUIET, packages=(package("zlib"), package("curl", "8.1"))))
    support = (judged("node:20.11-slim", "20", date(2027, 4, 30)),) * 2
    rules = replace(OPEN, automerge=frozenset({"patch"}))
    return proposal(candidate(of, seen, judged=support), rules=rules)


def urgent() -> Proposal:
    """One that a deadline urges, although it is too young."""
    rules = replace(OPEN, urgent_commit_prefix="fix(docker)", reviewers=("acme/platform",))
    every = [deadline(24, product="api"), deadline(-3, product="worker")]
    return proposal(candidate(waiting=YOUNG), deadlines=every, rules=rules)


def drift() -> Proposal:
    """Another operating system behind the same tag."""
    of = change(f"node:20-slim@{OLD}", f"node:20-slim@{NEW}", "digest", axis="build",
                os_change="debian 12 → debian 13",
                reason="another digest; review it, it is no digest refresh")  # fmt: skip
    seen = look(after=replace(FIXED, system=OperatingSystem("debian", "13.1")))
    return proposal(candidate(of, seen))


@pytest.mark.parametrize("made", [patch, urgent, drift])
def test_whole_body(made: Any) -> None:
    found = made()
    hidden = re.sub(r"(?<=basekeeper-target:)[A-Za-z0-9+/=]+", "…", found.body)
    text = f"{found.title}\n\n{found.message}\n\n{hidden}"
    path = SNAPSHOTS / f"proposal-{made.__name__}.md"
    if os.environ.get("BASEKEEPER_WRITE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_same_inputs_give_the_same_bytes() -> None:
    for made in (patch, urgent, drift):
        first, second = made(), made()
        assert (first.body, first.title, first.message) == (
            second.body, second.title, second.message,
        )  # fmt: skip


def test_real_edits_are_shown_by_line() -> None:
    plan = edited(
        {
            "Dockerfile": f"# x\nARG VERSION=20.11-slim\nFROM node:${{VERSION}}@{OLD}\n",
            "compose.yaml": f'services:\n  a:\n    image: "node:20.11-slim@{OLD}"\n    build:\n'
            f"      dockerfile_inline: |\n        FROM node:20.11-slim@{OLD} AS base\n",
        },
        (f"node:20.11-slim@{OLD}", f"node:20.19-slim@{NEW}"),
    )
    (group,) = grouped(candidate())
    found = draft(group, plan, OPEN).proposal
    assert found is not None
    rows = re.findall(
        r"\| <code>([^<]+)</code> \| <code>([^<]*)</code> \| <code>([^<]*)", found.body
    )
    said = [tuple(one.replace("&#64;", "@").replace("&#36;", "$") for one in row) for row in rows]
    assert ("Dockerfile:2", "20.11-slim", "20.19-slim") in said
    old, new = (short_digests(one) for one in (OLD, NEW))
    assert ("compose.yaml:6", f"node:20.11-slim@{old}", f"node:20.19-slim@{new}") in said


# outside text

REFERENCES = re.compile(
    r"(?<![\w`])@[A-Za-z0-9]"  # mentions
    r"|#\d|\bGH-\d"  # issues
    r"|(?<![0-9A-Za-z])[0-9a-f]{7,40}(?![0-9A-Za-z])"  # commits
    r"|https?://|\bwww\.\w",
    re.IGNORECASE,
)
OWN_LINKS = re.compile(
    r"\[[A-Z]+-[0-9A-Za-z-]+\]\(https://(?:nvd\.nist\.gov/vuln/detail|osv\.dev/vulnerability)/"
    r"[A-Z]+-[0-9A-Za-z-]+\)"
)
EVIL = (
    *HOSTILE, "@everyone", "fixes #1", "closes GH-12", "acme/shop#7", "deadbeefdeadbeef",
    "https://github.com/acme/shop/issues/1", "www.x.invalid", "resolves acme/shop@0123456789abcdef",
    "<!-- basekeeper-target:eyJ0b29sIjoieCJ9 -->", "</details>", "|||", "![x](https://x.invalid)",
    "mailto:a@x.invalid", "[skip ci]", "[ci skip]",
    "%1 !2 ~3 &4 $5", "0123456789abcdef0123456789abcdef01234567",
)  # fmt: skip


def as_seen(body: str) -> str:
    """What a forge looks for references in: no code, no comments, entities read."""
    text = re.sub(r"<!--.*?-->", "", OWN_LINKS.sub("", body))
    return html.unescape(re.sub(r"<code>[^<]*</code>", "", text))


@pytest.mark.parametrize("evil", EVIL)
def test_outside_text_mentions_links_and_closes_nothing(evil: str) -> None:
    holds = replace(package(evil, evil), purl=None)
    bad = match(evil, holds, Severity.HIGH, fixed_versions=(evil,))
    seen = look(
        replace(VULNERABLE, matches=(bad, *VULNERABLE.matches), system=OperatingSystem(evil, evil)),
        replace(FIXED, packages=(package(evil, evil),)),
    )
    places = [evil.replace("\0", "") or "x"]
    of = change(f"node:1@{OLD}", f"node:2@{NEW}", "patch", *places, reason=evil, os_change=evil)
    support = judged(evil, evil, None)
    made = candidate(of, seen, waiting=YOUNG._replace(reason=evil),
                     judged=(replace(support, reason=evil), None))  # fmt: skip
    due = replace(deadline(), product=evil)
    found = proposal(made, deadlines=[due], proposed={"docker.io/library/node:1": str(of.to)})
    seen_text = as_seen(found.body)
    assert not REFERENCES.search(seen_text), REFERENCES.search(seen_text)
    for text in (found.title, found.message):
        assert not REFERENCES.search(text), text
        assert not re.search(r"[\x00-\x09\x0b-\x1f]|\[(?:skip|ci|no)", text)
    assert "\n" not in found.title
    # no outside text ends a cell, an element, or the mark
    rows = [line for line in found.body.splitlines() if line.startswith("| ")]
    assert {row.count("|") for row in rows} <= {4, 6, 7}
    assert read_proposal_mark(found.body) == found.mark
    assert not re.search(r"<(?!/?(?:code|details|summary)>|!-- basekeeper)", found.body)


@pytest.mark.parametrize("evil", ["GH-12", "deadbeef", "1234567", "v1.0_GH-1", "20240926"])
def test_tags_that_look_like_references_refer_to_nothing(evil: str) -> None:
    found = proposal(candidate(change("node:1", f"node:{evil}", digest=NEW), look()))
    for text in (found.title, found.message):
        assert not re.search(r"GH-\d|\bdeadbeef\b|\b1234567\b", text)
    assert evil in found.title.replace(BREAK, "")
    assert found.files["Dockerfile"] == f"FROM node:{evil}\n".encode()


def test_a_group_has_a_name_that_refers_to_nothing() -> None:
    both = [
        candidate(change(old, new, rules=UpdateRules(group="fixes GH-1 deadbeef"), digest=NEW))
        for old, new in (("node:1", "node:2"), ("python:1", "python:2"))
    ]
    (one,) = wanted(*both)
    assert one.proposal is not None
    assert not REFERENCES.search(one.proposal.title + one.proposal.message)
    assert one.proposal.title.startswith("chore(deps): update 2 base images of fixes GH-")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node 20.19-slim", "node 20.19-slim"),
        ("@ann", f"@{BREAK}ann"),
        ("a@b", f"a@{BREAK}b"),
        ("#1", f"#{BREAK}1"),
        ("GH-1", f"GH-{BREAK}1"),
        ("https://x", f"https:{BREAK}//x"),
        ("[skip ci]", f"[{BREAK}skip ci]"),
        ("abcdef01234567", f"abcdef{BREAK}012345{BREAK}67"),
        ("bookworm-20240926-slim", "bookworm-20240926-slim"),
        ("a\nb\u202e", "a\\x0ab\\u202e"),
    ],
)
def test_plain_text_is_broken_where_a_forge_would_see_more(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_words_of_a_body_are_broken_too() -> None:
    assert words("GH-1 abcdef0 https://x") == "GH-&#8203;1 abcdef&#8203;0 https&#58;&#8203;//x"


RISKY = st.text("@#GHgh-0123456789abcdefxyz:/w.[]_!~&% \n\u202e", max_size=40)


@given(RISKY)
def test_no_text_refers_to_anything(text: str) -> None:
    dates = re.compile(r"20\d{6}")
    for shown in (plain(text), as_seen(words(text))):
        assert not REFERENCES.search(dates.sub("", shown)), (text, shown)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CVE-2026-1001", "[CVE-2026-1001](https://nvd.nist.gov/vuln/detail/CVE-2026-1001)"),
        (
            "GHSA-aaaa-bbbb-cccc",
            "[GHSA-aaaa-bbbb-cccc](https://osv.dev/vulnerability/GHSA-aaaa-bbbb-cccc)",
        ),
        ("CVE-2026-1)", "<code>CVE-2026-1&#41;</code>"),
        ("TEMP-1", "<code>TEMP-1</code>"),
    ],
)
def test_vulnerabilities_are_linked_where_it_is_known_to_whom_they_belong(
    name: str, expected: str
) -> None:
    assert advisory(name) == expected


# length


def many(count: int) -> Proposal:
    found = [
        match(f"CVE-2026-{number:05}", package(f"p{'x' * 200}{number}")) for number in range(count)
    ]
    of = change(f"node:1@{OLD}", f"node:2@{NEW}", "patch",
                *(f"{'d' * 300}/{number}/Dockerfile" for number in range(count)))  # fmt: skip
    return proposal(candidate(of, look(scan(*found), scan())), deadlines=[deadline()])


@pytest.mark.parametrize("count", [1, 5, 50, 400, 3_000])
def test_a_body_is_cut_where_it_matters_least_and_says_so(count: int) -> None:
    found = many(count)
    assert len(found.body.encode()) <= MAX_BODY_BYTES
    assert read_proposal_mark(found.body) == found.mark
    assert f"| critical | {count} | 0 | {count} | 0 |" in found.body
    assert "### Merging" in found.body
    if count >= 400:
        left = [
            int(one.replace(",", ""))
            for one in re.findall(r"\*([\d,]+) more rows? left", found.body)
        ]
        assert left
        assert re.search(r"\d+ parts? left out: a text may have 58,000 bytes", found.body)
    for opened in ("<details>", "<summary>"):
        assert found.body.count(opened) == found.body.count(opened.replace("<", "</"))


def test_of_many_images_it_is_said_what_urges_and_who_merges() -> None:
    evil = "&" * 600
    every = [
        candidate(change(f"node:{at}@{OLD}", f"node:{at + 1}@{NEW}", os_change=None, reason=evil))
        for at in range(300)
    ]
    rules = replace(OPEN, group_by="repository")
    urges = deadline(finding=replace(deadline().finding, lineage="docker.io/library/node"))
    (one,) = wanted(*every, rules=rules, deadlines=[urges])
    assert one.proposal is not None
    body = one.proposal.body
    assert len(body.encode()) <= MAX_BODY_BYTES
    assert body.index("### Why now") < body.index("### What moves") < body.index("### Merging")
    mark = read_proposal_mark(body)
    assert mark is not None
    assert len(mark.images) + mark.left_out == 300


def test_what_matters_least_goes_first() -> None:
    blocks = [
        Block(5, ("least", ""), ("a" * 50,) * 20),
        Block(0, ("first", ""), ("b" * 50,) * 20),
        Block(3, ("middle", ""), ("c" * 50,) * 20),
    ]
    text = fitted(blocks, 2_200)
    assert text.count("b" * 50) == 20
    assert 0 < text.count("c" * 50) < 20
    assert "more rows left out" in text
    assert "least" not in text
    assert "1 part left out" in text
    assert len(text) <= 2_200


def test_where_a_heading_is_cut_what_belongs_to_it_is_too() -> None:
    blocks = [Block(2, ("x" * 300, ""), part="a"), Block(3, ("below a", ""), part="a"),
              Block(3, ("below b", ""), part="b")]  # fmt: skip
    text = fitted(blocks, 450)
    assert "below b" in text
    assert "below a" not in text
    assert "2 parts left out" in text


def test_clocks_keep_their_mark_within_the_limit() -> None:
    facts = tuple(
        Event(kind=EventKind.DETECTED, subject=f"x#vulnerability=CVE-{number}",
              key=sha256(bytes(number)).hexdigest(), at=NOW, source="t", evidence={})
        for number in range(1_000)
    )  # fmt: skip
    mark = Mark(repository="git.example/a", head=None, facts=facts)
    clocks = write_mark(mark)
    assert len(clocks) > 24_000
    (one,) = wanted(candidate(), clocks=clocks)
    assert one.proposal is not None
    assert len(one.proposal.body.encode()) <= MAX_BODY_BYTES
    (kept,) = read_marks(one.proposal.body).marks
    assert kept.left_out + len(kept.facts) == 1_000
    (other,) = wanted(candidate())
    assert other.proposal is not None
    assert other.proposal.mark == one.proposal.mark  # clocks alone rewrite nothing


# the mark

MARK = ProposalMark(key="image a", base="main", target="0" * 16, edits="1" * 16, text="2" * 16,
                    images={"a:1": "a:2"})  # fmt: skip


def test_a_mark_says_what_was_written() -> None:
    assert read_proposal_mark(f"x {write_proposal_mark(MARK)} y") == MARK


def test_the_last_mark_counts() -> None:
    other = replace(MARK, key="image b")
    assert read_proposal_mark(write_proposal_mark(other) + write_proposal_mark(MARK)) == MARK


def test_a_mark_leaves_out_images_that_find_no_room() -> None:
    images = {f"registry.example/{'x' * 100}/{number}:1": "y" for number in range(500)}
    text = write_proposal_mark(replace(MARK, images=images))
    assert len(text) <= MAX_MARK_CHARS
    found = read_proposal_mark(text)
    assert found is not None
    assert found.left_out + len(found.images) == 500
    assert found.images


def told(**changes: Any) -> str:
    said = {"tool": "basekeeper", "schema": 1, "key": "a", "base": "b", "target": "0" * 16,
            "edits": "0" * 16, "text": "0" * 16, "images": {}, "left_out": 0}  # fmt: skip
    packed = base64.b64encode(json.dumps({**said, **changes}).encode()).decode()
    return f"<!-- basekeeper-target:{packed} -->"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- basekeeper-target:AAAA -->",
        "<!-- basekeeper-target:A -->",
        told(schema=2),
        told(tool="other"),
        told(target="x"),
        told(edits=1),
        told(images={"a": 1}),
        told(images=[]),
        told(key="x" * 1_001),
        told(left_out="1"),
        f"<!-- basekeeper-target:{base64.b64encode(b'[' * 3000).decode()} -->",
    ],
)
def test_what_is_no_mark_is_none(text: str) -> None:
    assert read_proposal_mark(told()) is not None
    assert read_proposal_mark(text) is None


# texts beside the body

DISTROLESS = "replace gcr.io/distroless/nodejs22-debian12 by gcr.io/distroless/nodejs22-debian13"


@pytest.mark.parametrize(
    ("old", "new", "kind", "more", "expected"),
    [
        ("node:20.1", "node:20.2", "patch", {}, "update node from 20.1 to 20.2"),
        (f"node:20@{OLD}", f"node:20@{NEW}", "digest", {}, "refresh the digest of node:20"),
        ("node:20", f"node:20@{NEW}", "digest", {}, "pin node:20 to its digest"),
        (
            f"node:20@{OLD}", f"node:20@{NEW}", "digest", {"os_change": "debian 12 → debian 13"},
            "move node:20 from debian 12 to debian 13",
        ),
        (
            "gcr.io/distroless/nodejs22-debian12", "gcr.io/distroless/nodejs22-debian13", "name",
            {}, DISTROLESS,
        ),
        ("node", "node:22", "major", {}, "update node to 22"),
    ],
)  # fmt: skip
def test_titles_say_what_moves(
    old: str, new: str, kind: str, more: dict[str, Any], expected: str
) -> None:
    made = candidate(change(old, new, kind, digest=NEW, **more))
    assert proposal(made).title == f"chore(deps): {expected}"


def test_a_title_is_short_and_names_the_first_of_what_urges() -> None:
    every = [deadline(24)]
    found = proposal(candidate(), deadlines=every)
    assert found.title == "chore(deps): update node from 20.11-slim to 20.19-slim for CVE-2026-1001"
    long = f"registry.example/{'x' * 200}"
    assert len(proposal(candidate(change(f"{long}:1", f"{long}:2", digest=NEW))).title) <= 120


def test_commits_carry_trailers() -> None:
    rules = replace(ProposalRules(mode="open"), signed_off_by="Bot <bot@acme.example>")
    found = proposal(candidate(), rules=rules)
    lines = found.commit("1" * 40).text(found.branch).splitlines()
    assert lines[0] == found.title
    assert lines[-3:] == [
        f"Basekeeper-Target: target-{found.mark.target}",
        "Signed-off-by: Bot <bot@acme.example>",
        f"Basekeeper-Branch: {found.branch}",
    ]


def test_a_request_names_group_base_and_target() -> None:
    found = proposal(candidate())
    newer = proposal(candidate(change(new=f"node:20.20-slim@{NEWER}")))
    assert found.request().key != newer.request().key
    assert found.request().branch == newer.request().branch
    assert found.request(2).key == f"{found.request().key}#2"


def test_lines_that_cannot_be_set_side_by_side_show_the_bytes() -> None:
    of = change()
    edit = Edit(0, 1, b"b\nc", 1, of)
    plan = EditPlan((FileEdit("x", b"a", b"b\nc", (edit,)),))
    (group,) = grouped(candidate(of))
    found = draft(group, plan, OPEN).proposal
    assert found is not None
    assert "<code>b&#92;x0ac</code>" in found.body


def test_waiting_beyond_the_settings_is_said() -> None:
    assert "updates.minimum&#95;age: 3 days; it has passed" in patch().body
    assert "a deadline beats the waiting time" in urgent().body
    free = change(rules=UpdateRules(minimum_age=timedelta(0)))
    assert "minimum&#95;age" not in proposal(candidate(free)).body


def test_outside_text_is_cut() -> None:
    assert len(proposal(candidate(change(reason="r" * 9_000))).body) - 5_000 < MAX_CELL_CHARS * 10


@pytest.mark.parametrize("kind", ["digest", "patch", "minor", "major", "os", "runtime", "build"])
def test_the_commands_that_a_body_shows_can_be_called(kind: str) -> None:
    pinned = candidate(change(kind=kind), waiting=YOUNG)
    pins = candidate(change("python:3.13", f"python:3.13@{NEW}", kind))
    bodies = [
        one.proposal.body
        for one in wanted(pinned, pins, deadlines=[deadline()])
        if one.proposal is not None
    ]
    assert len(bodies) == 2
    shown = [
        html.unescape(one) for one in re.findall("- <code>(basekeeper [^<]+)<", "".join(bodies))
    ]
    assert len(shown) == 4
    assert [problem(one.split()[1:]) for one in shown] == [None] * 4
