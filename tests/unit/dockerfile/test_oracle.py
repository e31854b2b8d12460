"""Our reading against BuildKit's own parser, by way of its Go binding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.dockerfile.binding import NEWER_THAN_THE_BINDING, difference

NASTY = [
    "FROM a\nRUN x \\\n\n\n  # c\n  y\nUSER u\n",
    "FROM a\nRUN <<E <<F\n1\nE\n2\nF\nCOPY <<-'G' /x\n\t1\n\tG\n",
    "FROM a\nRUN cat <<E; echo 'x\nE'\n",
    "FROM a\nRUN <<E\n\\\nE\nRUN echo \\\nE\n",
    "# escape=`\nFROM a\nRUN a `\n b \\\nCOPY c:\\ d:\\\n",
    "FROM a\nCOPY --from=\"x y\" --chown='1' a\\ b c\n",
    "FROM a\nCOPY -- --from=x a b\n",
    'FROM a\nENV A="x\\" y" B=\'z\nRUN q\n',
    "FROM a\nONBUILD RUN [1]\n",
    "FROM a\nRUN [1]\n",
    "FROM a\nLABEL x\n",
    "FROM a\nENV A=1 B\n",
    "\\\n\\\nFROM a\n",
    "FROM a\n\\\n",
    "FROM a\n\u2003RUN x\u2003\n\u00a0\nUSER \u00e0 b\n",
    "FROM a\nCOPY --chown=\u00e0 x y\n",
    "FROM --platform=$X a AS b\nARG A B=c D='e f'\n",
    "FROM a\nRUN x" + "y" * 65_529 + "\n",
    "FROM a\nRUN x" + "y" * 65_531 + "\n",
    "FROM a\r\r\nRUN \\\r\r\n x\r\n",
    "FROM a\nHEALTHCHECK --interval=5s CMD [1]\n",
    "FROM a\nRUN <<\\E\nE\nRUN <<E''F\nEF\nRUN <<''\n",
    "FROM a\nRUN <<$E\n$E\nRUN <<${E:-x}\n${E:-x}\n",
    "#!x\n# escape=`\nFROM a\n",
    "# syntax=x\n# syntax=y\nFROM a\n",
    "\ufeff\ufeffFROM a\n",
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_agrees_on_nasty_files(text: str) -> None:
    assert difference(text.encode()) is None


LINES = "FROM a|FROM --platform=x a AS b|ARG A=1 B='c d'|RUN |RUN x|ENV A=b"
PARTS = """ENV a b|LABEL |ONBUILD |CMD |["a", "b"]|[1]|<<E|<<-'E'|\nE\n|\n|\r\n| \\\n|\\|`"""
COPIES = "HEALTHCHECK |COPY --from=a x y|COPY a b|ADD a b"
MARKS = """# escape=`\n|# syntax=x\n|# c\n|\t| |'|"|$x|${x|}|=|--|--x=|E|é|\u00a0|\v"""
FRAGMENTS = st.sampled_from(f"{LINES}|{COPIES}|{PARTS}|{MARKS}".split("|"))


@given(st.lists(FRAGMENTS, max_size=14).map("".join))
def test_agrees_on_generated_files(text: str) -> None:
    data = text.encode()
    if NEWER_THAN_THE_BINDING.search(data) is None:
        assert difference(data) is None
