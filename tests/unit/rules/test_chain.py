from __future__ import annotations

from basekeeper.rules.chain import copies, leaks, named, sources
from basekeeper.rules.steps import Step


def steps(*lines: str) -> list[Step]:
    out = []
    for at, line in enumerate(lines, 1):
        keyword, *words = line.split(" ")
        flags = [word[2:].partition("=") for word in words if word.startswith("--")]
        text = " ".join(words[len(flags) :])
        pairs = tuple((name, value) for name, _, value in flags)
        out.append(Step(keyword=keyword, text=text, flags=pairs, line=at, end_line=at, stage=0))
    return out


def test_finds_the_runs_that_leave_tools_behind() -> None:
    chain = steps(
        "ENV DEPS=make",
        "RUN apt-get install -y curl",
        "RUN apt-get install -y $DEPS libpq-dev",
        "RUN apk add -t .d gcc && apk del .d",
        "RUN apt-get install -y gcc && apt-get purge $(x)",
        "RUN apk add libpq-dev",
    )
    found = [(leak.step.line, leak.tools, leak.confidence) for leak in leaks(chain, {})]
    assert found == [
        (3, ("make", "libpq-dev"), "high"),
        (5, ("gcc",), "low"),
        (6, ("libpq-dev",), "medium"),
    ]


def test_a_later_run_does_not_take_tools_out_of_the_layers() -> None:
    assert len(leaks(steps("RUN apk add gcc", "RUN apk del gcc"), {})) == 1


def test_build_arguments_are_followed() -> None:
    chain = steps("ARG DEPS", "RUN apk add $DEPS")
    assert leaks(chain, {}) == ()
    assert leaks(chain, {"DEPS": "gcc"})[0].tools == ("gcc",)


def test_finds_copies_with_their_variables() -> None:
    chain = steps("ENV D=/usr", "COPY --from=a $D /x", "COPY b c", "RUN x")
    assert [copy.paths for _, copy in copies(chain, {})] == [("/usr",)]


def test_finds_every_name_that_is_taken_from() -> None:
    chain = steps(
        "COPY --from=Build /a /b",
        "COPY --from=1 /a /b",
        "RUN --mount=type=bind,from=Tools,target=/t --mount=type=cache,target=/c x",
        "ADD --from=no a b",
        "COPY a b",
    )
    assert sources(chain) == {"build", "1", "tools"}


def test_names_the_first_packages_and_counts_the_rest() -> None:
    assert named("abc") == "a, b, c"
    assert named("abcdefg") == "a, b, c, d, e and 2 more"
    assert named(["gcc-\0"]) == "gcc-…"
