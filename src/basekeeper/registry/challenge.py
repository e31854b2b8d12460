"""What a registry asks for with a 401: `WWW-Authenticate`, read leniently and in linear time.

The grammar is that of RFC 9110, section 11: challenges are separated by commas, and so are the
parameters of one challenge, so that only the `=` tells where the next challenge begins. Values may
be quoted with escapes. Several header lines arrive joined by commas, which changes nothing. What
registries get wrong is taken as meant: parameters without commas, unquoted URLs, no closing quote.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_HEADER: Final = 8192
"""Characters of the header that are looked at; a real one has less than 300."""

MAX_CHALLENGES: Final = 16
"""Most challenges of one header that are looked at; the most seen are two."""

# None of these can fail after having taken something, so that nothing is ever read twice.
_GAP: Final = re.compile(r"[\s,]*", re.ASCII)
_WORD: Final = re.compile(r"""[^\s,="]+""", re.ASCII)
_EQUALS: Final = re.compile(r"\s*(=*)\s*", re.ASCII)
_QUOTED: Final = re.compile(r""""([^"\\]*(?:\\.[^"\\]*)*)""", re.DOTALL)
_UNQUOTED: Final = re.compile(r"""[^\s,"]*""", re.ASCII)
_VISIBLE: Final = re.compile(r"[!-~]+")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


class Challenge(NamedTuple):
    """One way in which a registry lets itself be asked."""

    scheme: str
    """In lower case: `bearer`, `basic`, or one that is not known here."""
    parameters: Mapping[str, str]
    """Names in lower case; of repeated ones the first."""


class Bearer(NamedTuple):
    """The registry wants a token, issued at its realm."""

    realm: str
    """An absolute URL with http or https; nothing says yet that it may be asked."""
    service: str
    """Whom the token is for, in the words of the registry; may be empty."""


class Basic(NamedTuple):
    """The registry wants user name and password. Its realm is free text and means nothing."""


def choose_challenge(header: str) -> Bearer | Basic | None:
    """Choose how to answer: a bearer token if its realm is a URL, else a password, else None."""
    found = parse_challenges(header)
    for challenge in found:
        realm = challenge.parameters.get("realm", "")
        if challenge.scheme == "bearer" and _is_web_address(realm):
            return Bearer(realm, challenge.parameters.get("service", ""))
    return Basic() if any(challenge.scheme == "basic" for challenge in found) else None


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """Split a header into its challenges, in order. Never fails; what makes no sense is left out.

    So is what credentials-like challenges (`Negotiate oRQw==`) have in the place of parameters.
    """
    found: list[Challenge] = []
    parameters: dict[str, str] = {}
    may_be_scheme = True
    for word, value, has_comma in _pieces(header[:MAX_HEADER]):
        if value is not None:
            parameters.setdefault(word.lower(), value)
            may_be_scheme = True
        elif may_be_scheme or has_comma:
            parameters = {}
            found.append(Challenge(word.lower(), parameters))
            may_be_scheme = False
    return tuple(found[:MAX_CHALLENGES])


def _pieces(header: str) -> Iterator[tuple[str, str | None, bool]]:
    """Yield words, each with its value (None: it has none) and whether a comma stands before it."""
    position = 0
    while position < len(header):
        gap = _GAP.match(header, position)
        word = _WORD.match(header, gap.end()) if gap else None
        if gap is None or word is None:
            # A quote or an equals sign without a name.
            position = _value(header, gap.end() if gap else position)[1] + 1
            continue
        value, position = None, word.end()
        equals = _EQUALS.match(header, position)
        if equals and equals[1] == "=":
            value, position = _value(header, equals.end())
        elif equals and equals[1]:
            position = equals.end()
        yield word[0], value, "," in gap[0]


def _value(header: str, position: int) -> tuple[str, int]:
    """Read a quoted or bare value; return it with the position behind it."""
    quoted = _QUOTED.match(header, position)
    if quoted is not None:
        return _ESCAPED.sub(r"\1", quoted[1]), quoted.end() + 1
    bare = _UNQUOTED.match(header, position)
    return (bare[0], bare.end()) if bare else ("", position)


def _is_web_address(text: str) -> bool:
    """Tell whether a realm is an absolute URL that a token could be asked at."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    has_host = parts.scheme in ("http", "https") and bool(parts.netloc)
    return has_host and _VISIBLE.fullmatch(text) is not None
