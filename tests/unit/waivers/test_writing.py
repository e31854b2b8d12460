"""Edits of the waiver file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from basekeeper.config.document import MAX_TOML_BYTES
from basekeeper.errors import ConfigError, InputError
from basekeeper.waivers import load_waivers
from basekeeper.waivers.writing import Ending, Insertion, check_new, edited, waiver_table
from tests.unit.waivers.making import TODAY, limits, of_cve, waiver

RULE = waiver(paths=("**",))
TABLE = waiver_table(RULE)

ODD = (
    b"# who: Jos\xc3\xa9   \r\n"
    b"[[ waiver ]]   # the first\r\n"
    b'"rules"=[ "end-of-life" , ]\r\n'
    b"owner = '@team'\r\n"
    b'reason = """a\r\n'
    b"  [[waiver]]\r\n"
    b'"""\r\n'
    b"until   =   2027-01-31\r\n"
    b'paths.= ["**"]\r\n'.replace(b"paths.=", b"paths =")
    + b"\t\r\n"
    b"# the end"
)
"""Everything that an editor may not touch."""


def test_writes_the_keys_that_say_something_in_order() -> None:
    written = waiver_table(of_cve(images=("debian",), severity="low"))
    assert written == (
        "[[waiver]]\n"
        'id = "first"\n'
        'vulnerabilities = ["CVE-2026-1"]\n'
        'images = ["debian"]\n'
        'severity = "low"\n'
        'owner = "@team"\n'
        'reason = "soon"\n'
        'control = "a proxy"\n'
        "granted = 2026-11-23\n"
        "until = 2026-12-23\n"
    )


def test_a_long_list_has_a_line_for_each() -> None:
    names = tuple(f"CVE-2026-{number}" for number in range(10))
    assert '\nvulnerabilities = [\n    "CVE-2026-0",\n' in waiver_table(of_cve(*names))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('a "b" \\', r'"a \"b\" \\"'),
        ("a\nb\r\tc", r'"a\nb\r\tc"'),
        ('"""', r'"\"\"\""'),
        ("\x00\x1b\x7f", r'"\u0000\u001b\u007f"'),
        ("a\u202eb\U000e0041", r'"a\u202eb\U000e0041"'),
        ("é 日", '"é 日"'),
        ("x\n[[waiver]]", r'"x\n[[waiver]]"'),
    ],
)
def test_hostile_text_is_written_as_text(text: str, written: str) -> None:
    assert f"reason = {written}\n" in waiver_table(replace(RULE, reason=text))


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InputError, match="is no text of Unicode"):
        waiver_table(replace(RULE, reason="a\udcff"))


def test_the_first_waiver_makes_the_file() -> None:
    edit = edited(None, "w.toml", limits(), added=RULE)
    assert (edit.before, edit.after) == (None, TABLE.encode())


def test_appends_with_the_line_breaks_of_the_file() -> None:
    edit = edited(ODD, "w.toml", limits(), added=RULE)
    added = f"\n\n{TABLE}".replace("\n", "\r\n").encode()
    assert edit.after == ODD + added
    assert load_waivers(edit.after, "w.toml", limits()).accepted[1].reason == RULE.reason


def test_no_second_empty_line_is_put_between() -> None:
    assert edited(b"# x\n\n", "w.toml", limits(), added=RULE).after == f"# x\n\n{TABLE}".encode()


def test_an_end_is_put_below_the_header() -> None:
    (old,) = load_waivers(ODD, "w.toml", limits()).accepted
    edit = edited(ODD, "w.toml", limits(), ending=Ending(old, TODAY, 'it "is" over'))
    lines = (b"ended = 2026-11-23\r\n", rb'ended_because = "it \"is\" over"' + b"\r\n")
    assert edit.insertions == (Insertion(2, lines),)
    before = ODD.split(b"\r\n")
    assert edit.after.split(b"\r\n") == [
        *before[:2],
        *(line.rstrip(b"\r\n") for line in lines),
        *before[2:],
    ]
    found = load_waivers(edit.after, "w.toml", limits())
    assert (found.accepted, [one.ended for one in found.ended]) == ((), [TODAY])


def test_the_right_one_of_many_ends() -> None:
    data = "\n".join(waiver_table(of_cve(id=f"w{number}")) for number in range(5)).encode()
    old = load_waivers(data, "w.toml", limits()).accepted[3]
    edit = edited(data, "w.toml", limits(), added=RULE, ending=Ending(old, TODAY, "fixed"))
    found = load_waivers(edit.after, "w.toml", limits())
    assert [one.id for one in found.accepted] == ["w0", "w1", "w2", "w4", ""]
    assert [one.id for one in found.ended] == ["w3"]


def test_a_byte_order_mark_stays() -> None:
    data = b"\xef\xbb\xbf" + TABLE.encode()
    (old,) = load_waivers(data, "w.toml", limits()).accepted
    edit = edited(data, "w.toml", limits(), ending=Ending(old, TODAY, "fixed"))
    assert edit.after.startswith(b"\xef\xbb\xbf[[waiver]]\nended = ")


INLINE = (
    b'waiver = [{rules = ["end-of-life"], owner = "@t", reason = "r", until = 2027-01-31, '
    b'paths = ["**"]}]\n'
)


def test_an_inline_table_is_left_to_its_author() -> None:
    (old,) = load_waivers(INLINE, "w.toml", limits()).accepted
    with pytest.raises(InputError, match=r"w.toml:1: waiver '.*' is not written as"):
        edited(INLINE, "w.toml", limits(), ending=Ending(old, TODAY, "fixed"))
    with pytest.raises(InputError, match="without changing something else"):
        edited(INLINE, "w.toml", limits(), added=RULE)


def test_a_file_grows_to_the_limit_and_no_further() -> None:
    room = MAX_TOML_BYTES - len(TABLE) - 1
    full = b"#" * (room - 2) + b"\n"
    assert len(edited(full, "w.toml", limits(), added=RULE).after) < MAX_TOML_BYTES
    with pytest.raises(InputError, match=r"w.toml would be larger than 256 KiB"):
        edited(full + b"#" * 20, "w.toml", limits(), added=RULE)
    with pytest.raises(ConfigError, match="is larger than 256 KiB"):
        edited(b"#" * (MAX_TOML_BYTES + 1), "w.toml", limits(), added=RULE)


def test_a_wrong_file_is_not_edited() -> None:
    with pytest.raises(ConfigError, match="lacks 'owner'"):
        edited(b"[[waiver]]\n", "w.toml", limits(), added=RULE)


def test_a_new_waiver_is_held_to_the_policy_with_every_problem_at_once() -> None:
    wrong = of_cve("*", until=date(2028, 1, 1), reason="-")
    with pytest.raises(ConfigError) as caught:
        check_new(wrong, limits())
    assert [str(one) for one in caught.value.problems] == [
        "this waiver: vulnerabilities[0]: '*' is no name of a vulnerability",
        "this waiver: reason: has neither a letter nor a digit",
        "this waiver: until: 2028-01-01 is more than 180 days away, at most 2027-05-22",
    ]


def test_a_past_day_is_refused() -> None:
    with pytest.raises(ConfigError, match="2026-11-22 is before 2026-11-23, when it was granted"):
        check_new(of_cve(until=date(2026, 11, 22)), limits())
