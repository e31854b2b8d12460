"""What the builder would refuse."""

from __future__ import annotations

import pytest

from basekeeper.dockerfile.parser import parse_dockerfile

OF_THE_FILE = [
    ("", "no instructions"),
    ("# x", "no instructions"),
    ("ARG A", "no stage"),
    ("RUN x\nFROM a", "only ARG"),
    ("FROM", "FROM takes"),
    ("FROM a b", "FROM takes"),
    ("FROM a # b", "FROM takes"),
    ("FROM a AS 1x", "cannot name a stage"),
    ("FROM a AS $N", "cannot name a stage"),
    ("FROM --x=1 a", "no flag --x"),
    ("FROM --Platform=x a", "no flag --Platform"),
    ("FROM a\nBOGUS", "unknown instruction BOGUS"),
    ("FROM a\n\\\n", "unknown instruction ''"),
    ("FROM a\nRUN [1]", "strings only"),
    ("FROM a\nHEALTHCHECK CMD [1]", "strings only"),
    ("FROM a\nONBUILD CMD [null]", "strings only"),
    ("FROM a\nENV A", "name and a value"),
    ("FROM a\nENV A=1 B", "no name=value"),
    ("FROM a\nENV", "at least one"),
    ("FROM a\nLABEL =x", "is empty"),
    ("FROM a\nARG", "at least one"),
    ("FROM a\nARG =x", "is empty"),
    ("FROM a\nCOPY x", "source and a destination"),
    ('FROM a\nCOPY ["x"]', "source and a destination"),
    ("FROM a\nCOPY x <<E\nE", "heredoc cannot be"),
    ("FROM a\nADD --from=b x y", "no flag --from"),
    ("FROM a\nCOPY --from=b --from=c x y", "given twice"),
    ("FROM a\nCOPY --from x y", "has no value"),
    ("FROM a\nCOPY --link= x y", "true or false"),
    ("FROM a\nCOPY --link=no x y", "true or false"),
    ("FROM a\nRUN --network=x y", "network"),
    ("FROM a\nRUN --security=x y", "security"),
    ('FROM a\nRUN --mount=\\"x y', "quote stands"),
    ("FROM a\nRUN --mount=from=$X,target=/x y", "expands no variables"),
    ("FROM a\nEXPOSE", "at least one"),
    ('FROM a\nVOLUME [""]', "volume's name"),
    ("FROM a\nWORKDIR", "one argument"),
    ("FROM a\nUSER --x y", "no flag --x"),
    ("FROM a\nSHELL x", "JSON array"),
    ("FROM a\nSHELL []", "JSON array"),
    ("FROM a\nONBUILD", "takes an instruction"),
    ("FROM a\nONBUILD FROM b", "cannot wrap FROM"),
    ("FROM a\nONBUILD ONBUILD RUN x", "cannot wrap ONBUILD"),
    ("FROM a\nHEALTHCHECK", "at least one"),
    ("FROM a\nHEALTHCHECK NONE x", "no arguments"),
    ("FROM a\nHEALTHCHECK x", "CMD or NONE"),
    ("FROM a\nHEALTHCHECK CMD", "takes a command"),
    ("FROM a\nHEALTHCHECK --interval=x CMD y", "duration"),
    ("FROM a\nHEALTHCHECK --retries=x CMD y", "number"),
    ("FROM a\nRUN " + "x" * 65_536, "longer than 65535"),
    ("# check=bogus=1\nFROM a", "check option"),
    ("# check=error=maybe\nFROM a", "check option"),
]

OF_THE_BUILD = [
    ("FROM $X", "variable X is not set"),
    ("FROM --platform=$X a", "no platform"),
    ("FROM --platform= a", None),
    ("FROM --platform=a/b/c/d a", "no platform"),
    ("FROM --platform=nonsense a", "no platform"),
    ("FROM --platform=${ a", "--platform"),
    ("ARG A=${\nFROM a", "default of ARG A"),
    ("FROM Alpine", "lower case"),
    ("FROM a\nFROM B\nFROM c", "lower case"),
    ("FROM a\nCOPY --from=7 x y", "no stage 7"),
    ("FROM a\nCOPY --from=$X x y", "expands no variables"),
    ("FROM a AS s\nCOPY --from=s x y", "circle"),
    ("FROM a AS s\nCOPY --from=t x y\nFROM a AS t\nCOPY --from=s x y", "circle"),
    ("FROM a\nCOPY --from=t x y\nFROM a AS t\n", None),
    ("FROM a AS s\nCOPY --from=t x y\nFROM a AS t\nFROM s\n", "above the place"),
    ("FROM a\nENV A=${", "malformed"),
    ("FROM a\nENV A 'x", "single quote"),
    ("FROM a\nENV A=${\nFROM b", None),
    ("FROM a\nENV A=${X:?y}", None),
    ("FROM a\nEXPOSE 80 90-99/udp 1:2 [::1]:1:2", None),
    ("FROM a\nEXPOSE 99999", "no port"),
    ("FROM a\nEXPOSE x", "no port"),
    ("FROM a\nENV P=80\nEXPOSE $P", None),
    ("FROM a\nSTOPSIGNAL SIGKILL", None),
    ("FROM a\nSTOPSIGNAL rtmin+3", None),
    ("FROM a\nSTOPSIGNAL 9", None),
    ("FROM a\nSTOPSIGNAL nope", "signal"),
    ("FROM a\nARG A=9\nSTOPSIGNAL $A", None),
    ("ARG A=9\nFROM a AS b\nARG A\nFROM b\nSTOPSIGNAL $A", None),
    ("FROM a\nCOPY --chown=${ x y", "malformed"),
    ("FROM a\nVOLUME ${", "malformed"),
    ("FROM a\nRUN --mount=type=secret,from=b,id=x y", "secret cannot"),
    ("FROM a\nRUN --mount=type=secret y", "neither source"),
    ("FROM a\nRUN --mount=type=x y", "mount type"),
    ("FROM a\nRUN --mount=foo=x y", "no field 'foo'"),
    ("FROM a\nRUN --mount=target y", "has no value"),
    ("FROM a\nRUN --mount=type=cache y", "no target"),
    ("FROM a\nRUN --mount=dst=/ y", "no target"),
    ("FROM a\nWORKDIR /x\nRUN --mount=type=cache y", None),
    ("FROM a\nRUN --mount=type=ssh y", None),
    ("FROM a\nLABEL a =b", None),
    ("FROM a\nRUN --mount=type=cache,ro,target=/x y", None),
    ("FROM a\nONBUILD COPY --from=$X x y", None),
    ("FROM a\nHEALTHCHECK --interval=1m30s --retries=3 CMD x", None),
    ("FROM a\nHEALTHCHECK NONE", None),
    ("# check=skip=all;error=true\nFROM a", None),
    ("FROM a\nMAINTAINER x\nLABEL a b\nONBUILD RUN x\nCMD []", None),
    ("FROM a\nRUN " + "x" * 65_531, None),
]


@pytest.mark.parametrize(("text", "reason"), OF_THE_FILE)
def test_of_the_file(text: str, reason: str) -> None:
    document = parse_dockerfile(text.encode())
    assert reason in str(document.rejected)
    assert document.rejected_line is not None
    assert document.resolve().rejected == document.rejected


@pytest.mark.parametrize(("text", "reason"), OF_THE_BUILD)
def test_of_the_build(text: str, reason: str | None) -> None:
    document = parse_dockerfile(text.encode())
    assert document.rejected is None
    assert document.rejected_line is None
    if reason is None:
        assert document.resolve().rejected is None
    else:
        assert reason in str(document.resolve().rejected)


def test_a_limit_of_ours_is_no_refusal() -> None:
    text = "ARG A=x\n" + "ARG A=$A$A\n" * 40 + "FROM $A\n"
    build = parse_dockerfile(text.encode()).resolve()
    assert build.rejected is None
    assert "too long" in str(build.images[0].problem)
