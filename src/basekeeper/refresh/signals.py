"""What is published of vulnerabilities daily: exploited ones, and probabilities of exploitation."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from basekeeper.advisories.epss import MAX_SKEW as EPSS_SKEW
from basekeeper.advisories.epss import Scores, parse_scores
from basekeeper.advisories.exploited import (
    MAX_SILENCE,
    ExploitedCatalogue,
    parse_exploited,
    write_exploited,
)
from basekeeper.advisories.exploited import MAX_SKEW as KEV_SKEW
from basekeeper.errors import InputError
from basekeeper.refresh.writing import as_json

if TYPE_CHECKING:
    from datetime import datetime

MAX_KEV_BYTES: Final = 16 * 1024 * 1024
"""Largest answer with exploited vulnerabilities, in bytes. It has below 2 MiB."""

MAX_EPSS_BYTES: Final = 32 * 1024 * 1024
"""Largest answer with probabilities, as it is transferred, in bytes. It has about 3 MiB."""

MIN_ENTRIES: Final = 0.9
"""Share of the entries in use that a new catalogue must have; few are ever taken back."""

MIN_SCORES: Final = 0.5
"""Share of the number of scores in use that a new file must have."""

MAX_SCORE_AGE: Final = timedelta(days=30)
"""Age from which scores are not even taken: who publishes them has stopped, or a mirror has."""


def read_signals(
    body: bytes, known: ExploitedCatalogue, now: datetime
) -> tuple[ExploitedCatalogue, bytes]:
    """Read a catalogue of exploited vulnerabilities.

    Args:
        body: As it was published.
        known: The catalogue in use, which a new one is held against.
        now: The instant of the run.

    Returns:
        The catalogue, and the content of the data file.

    Raises:
        InputError: It is no catalogue, older than the one in use, from the future, no longer kept
            current, or has lost too much.
    """
    new = parse_exploited(body, source="the answer")
    day = new.released.date()
    if new.released > now + KEV_SKEW:
        raise InputError(f"the catalogue is of {day}, which is in the future")
    if new.released < known.released:
        raise InputError(
            f"the catalogue is of {day}, older than that of {known.released.date()} in use"
        )
    if now - new.released > MAX_SILENCE:
        raise InputError(
            f"the catalogue is of {day}: one that says nothing new for {MAX_SILENCE.days} days is"
            " no longer kept current"
        )
    kept = len(new.entries.keys() & known.entries.keys())
    if kept < len(known.entries) * MIN_ENTRIES:
        raise InputError(f"only {kept} of {len(known.entries)} known entries are in the catalogue")
    return new, as_json(write_exploited(new))


def read_likelihoods(body: bytes, known: Scores | None, now: datetime) -> tuple[Scores, bytes]:
    """Read probabilities of exploitation.

    Args:
        body: As they were published, gzipped or plain.
        known: The scores in use, which new ones are held against; None: there are none.
        now: The instant of the run.

    Returns:
        The number of scores and their day, without the scores, and the content of the data file.

    Raises:
        InputError: They are no scores, older than those in use, too old, from the future, or far
            fewer.
    """
    new = parse_scores(body, source="the answer", wanted=())
    day = new.scored.date()
    if new.scored > now + EPSS_SKEW:
        raise InputError(f"the scores are of {day}, which is in the future")
    if known is not None and new.scored < known.scored:
        raise InputError(f"the scores are of {day}, older than those of {known.scored.date()}")
    if now - new.scored > MAX_SCORE_AGE:
        raise InputError(f"the scores are of {day}, more than {MAX_SCORE_AGE.days} days ago")
    if known is not None and new.count < known.count * MIN_SCORES:
        raise InputError(f"only {new.count} vulnerabilities are scored, of {known.count} before")
    is_packed = body.startswith(b"\x1f\x8b")
    return new, body if is_packed else gzip.compress(body, mtime=0)
