"""Laws of references."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from basekeeper.errors import InvalidReference
from basekeeper.values.reference import parse_reference

PIECES = st.sampled_from(
    ["a", "b1", "A", ".", "_", "-", "/", ":", "@", "sha256:", "a" * 64, "docker.io", "localhost",
     "x.y", "[::1]", ":80", "library", "\n", " ", "é", "0", "index.docker.io"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=9).map("".join)))
def test_text_is_a_reference_that_reads_back_or_an_error_with_a_place_in_it(text: str) -> None:
    problem, reference = None, None
    try:
        reference = parse_reference(text)
    except InvalidReference as error:
        problem = error
    if reference is not None:
        assert parse_reference(str(reference)) == reference
        assert reference.text == text
        assert text.isascii()
    else:
        assert problem is not None
        assert 0 <= problem.position <= len(text)
        assert problem.reason
