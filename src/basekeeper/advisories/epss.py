"""Probabilities of exploitation within thirty days (EPSS), as FIRST publishes them.

Source: https://www.first.org/epss/data_stats. One CSV file a day, plain or gzipped: a comment line
`#model_version:…,score_date:…`, the names of the columns, then `cve,epss,percentile`. Scores order
work. They fall again, so they move no deadline.
"""

from __future__ import annotations

import re
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.advisories.documents import instant
from basekeeper.errors import InputError
from basekeeper.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from datetime import datetime

MAX_AGE: Final = timedelta(days=7)
"""How old scores may be for an absence to mean that a vulnerability is not scored. New ones come
every day."""

MAX_SKEW: Final = timedelta(days=1)
"""How far in the future scores may have been made: they are dated by day."""

MAX_CSV_BYTES: Final = 64 * 1024 * 1024
"""Largest file read, unpacked, in bytes. 300,000 lines take 10 MiB."""

MAX_SCORES: Final = 1_000_000
"""Most lines of one file."""

_GZIP: Final = b"\x1f\x8b"
_HEAD: Final = re.compile(r"#\s*model_version:([^,\s]{1,64}),\s*score_date:([^,\s]{1,64})\s*")
_COLUMNS: Final = "cve,epss,percentile"
_LINE: Final = re.compile(r"(CVE-[0-9]{4}-[0-9]{4,19}),([0-9.eE+-]{1,32}),([0-9.eE+-]{1,32})")
_HINT: Final = "fetch the file again"


@dataclass(frozen=True, slots=True)
class Score:
    """How probable it is that a vulnerability is exploited."""

    probability: float
    """Within the next thirty days, 0 to 1."""
    percentile: float
    """Share of all vulnerabilities that are no more probable, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The scores of one day."""

    model: str
    scored: datetime
    scores: Mapping[str, Score]
    """By CVE; no entry: not scored, which is not "improbable"."""
    count: int
    """How many there were, those included that nobody wanted."""

    def is_current(self, now: datetime, max_age: timedelta = MAX_AGE) -> bool:
        """Tell whether they are young enough, and not from the future, to say what is missing."""
        return -MAX_SKEW <= now - self.scored <= max_age

    @property
    def probabilities(self) -> dict[str, float]:
        """By CVE the probability alone, to order deadlines by."""
        return {name: score.probability for name, score in self.scores.items()}


def parse_scores(
    data: bytes, *, source: str = "EPSS", wanted: Container[str] | None = None
) -> Scores:
    """Read the scores of a day.

    Args:
        data: The CSV file, plain or gzipped.
        source: What messages call it.
        wanted: CVEs whose scores are kept, as all of them take much memory; None: every one. All
            lines are checked.

    Raises:
        InputError: It is no such file, too large, or has a line that is no score.
    """
    lines = _lines(data, source)
    head = _HEAD.fullmatch(next(lines, ""))
    if head is None:
        raise InputError(f"{source}: lacks the line with model and date", hint=_HINT)
    if next(lines, "").replace(" ", "").lower() != _COLUMNS:
        raise InputError(f"{source}: expected the columns {_COLUMNS}", hint=_HINT)
    found: dict[str, Score] = {}
    count = 0
    for number, line in enumerate(lines, 3):
        if not line:
            continue
        name, score = _score(line, source, number)
        count += 1
        if count > MAX_SCORES:
            raise InputError(f"{source}: has more than {MAX_SCORES} lines")
        if wanted is None or name in wanted:
            found[name] = score
    if not count:
        raise InputError(f"{source}: has no scores", hint=_HINT)
    scored = instant(head[2] if "T" in head[2] else f"{head[2]}T00:00:00Z", f"{source}: score_date")
    return Scores(model=head[1], scored=scored, scores=found, count=count)


def _score(line: str, source: str, number: int) -> tuple[str, Score]:
    match = _LINE.fullmatch(line)
    if match is not None:
        try:
            score = Score(float(match[2]), float(match[3]))
        except ValueError:
            score = Score(-1, -1)
        if 0 <= score.probability <= 1 and 0 <= score.percentile <= 1:
            return match[1], score
    what = f"{source}:{number}"
    raise InputError(f"{what}: expected a CVE number and two shares of one, got {line!r:.80}")


def _lines(data: bytes, source: str) -> Iterator[str]:
    """Yield the lines of the file, unpacked, without their ends."""
    plain = _unpacked(data, source) if data.startswith(_GZIP) else data
    if len(plain) > MAX_CSV_BYTES:
        raise InputError(f"{source}: larger than {MAX_CSV_BYTES} bytes")
    try:
        text = plain.decode("ascii")
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: no plain text", hint=_HINT) from error
    return (line.rstrip("\r") for line in text.split("\n"))


def _unpacked(data: bytes, source: str) -> bytes:
    """Unpack a gzipped file up to the limit."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with the head of gzip
    try:
        plain = unpacker.decompress(data, MAX_CSV_BYTES + 1)
    except zlib.error as error:
        raise InputError(f"{source}: cannot be unpacked: {error}", hint=_HINT) from error
    if len(plain) <= MAX_CSV_BYTES and (not unpacker.eof or unpacker.unused_data):
        raise InputError(f"{source}: does not end where it should", hint=_HINT)
    return plain
