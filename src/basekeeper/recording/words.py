"""Subjects, keys and evidence of events: the only place that writes and reads them.

The ledger keeps texts of at most 1,000 bytes without NUL and lone surrogates; names in images may
be anything. What does not fit is cut, and told apart by a hash: the same name is always cut alike.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus, urlencode

from basekeeper.deadlines.identity import FindingKey, Scope
from basekeeper.values.platforms import plain_platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from basekeeper.values.reference import Reference

ADVISORIES: Final = "advisories"
"""The chain of what is said of vulnerabilities, whatever image holds them."""

PINNED: Final = "pinned"
"""Whose word a severity is that our own settings chose."""

NOTHING: Final = "none"
"""Key of the end of standing on images."""

MAX_CHAIN_BYTES: Final = 200
"""Longest name of a chain, and of each part of a subject below as it is percent-encoded: all of
them and their names fit into the 1,000 bytes of a subject."""
MAX_LINEAGE_BYTES: Final = 210
MAX_VULNERABILITY_BYTES: Final = 64
MAX_PACKAGE_BYTES: Final = 240
MAX_PLATFORM_BYTES: Final = 48
MAX_PRODUCT_BYTES: Final = 160

MAX_DIGEST_BYTES: Final = 160

MAX_KEY_BYTES: Final = 900
"""Longest key; the number of a repetition still fits behind it."""

MAX_SOURCE_BYTES: Final = 900

MAX_TEXT_CHARS: Final = 3_000
"""Longest text of evidence; twenty of them fit into the 64 KiB that the ledger keeps."""

MAX_FOREIGN_CHARS: Final = 250
"""The same of a text that is not ASCII, of which a character may take twelve bytes."""

_SEPARATOR: Final = ", "
_HASH_CHARS: Final = 24
_SAFE: Final = ":/@"
_UNPLAIN: Final = re.compile(r"[^A-Za-z0-9._:/@-]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def image_chain(reference: Reference) -> str:
    """Name the chain of an image's repository."""
    return chain_name(f"{reference.registry}/{reference.repository}")


def chain_name(name: str) -> str:
    """Name a chain so that the ledger can keep it: no `#`, not too long."""
    return _cut(name, MAX_CHAIN_BYTES) if "#" in name else fitted(name, MAX_CHAIN_BYTES)


def scope(
    *,
    lineage: str | None = None,
    vulnerability: str | None = None,
    package: str | None = None,
    platform: str | None = None,
    product: str | None = None,
) -> Scope:
    """Make a scope whose parts fit into a subject."""
    return Scope(
        lineage=_part(lineage, MAX_LINEAGE_BYTES),
        vulnerability=None if vulnerability is None else vulnerability_name(vulnerability),
        package=_part(package, MAX_PACKAGE_BYTES),
        platform=None if platform is None else platform_name(platform),
        product=_part(product, MAX_PRODUCT_BYTES),
    )


def vulnerability_name(name: str) -> str:
    """Name a vulnerability as subjects do, where it has no other name: in capitals."""
    return fitted(name.upper(), MAX_VULNERABILITY_BYTES).upper()


def platform_name(platform: str) -> str:
    """Name a platform as subjects do."""
    return fitted(plain_platform(platform), MAX_PLATFORM_BYTES)


def digest_name(digest: str) -> str:
    """Name a digest as keys and evidence do."""
    return fitted(digest, MAX_DIGEST_BYTES)


def in_lineage(finding: FindingKey, lineage: str) -> FindingKey:
    """Return the same finding in another lineage."""
    return FindingKey(lineage, finding.vulnerability, finding.package, finding.platform)


def renamed(about: Scope, vulnerability: str) -> Scope:
    """Return a scope with another name of its vulnerability."""
    return Scope(
        lineage=about.lineage,
        vulnerability=vulnerability,
        package=about.package,
        platform=about.platform,
        product=about.product,
    )


def finding_parts(about: Scope) -> tuple[str | None, str | None, str | None, str | None]:
    """Return what names a finding, in the order of `FindingKey`."""
    return (about.lineage, about.vulnerability, about.package, about.platform)


def teller(digest: str, scanner: str) -> str:
    """Name one scanner's look at one image: key of what it found there."""
    return key(digest, scanner)


def of_product(about: Scope | FindingKey, product: str | None) -> Scope:
    """Return a scope, or that of a finding, of another product."""
    return Scope(
        lineage=about.lineage,
        vulnerability=about.vulnerability,
        package=about.package,
        platform=about.platform,
        product=product,
    )


def product_name(name: str) -> str:
    """Name a product, or a place, as subjects do."""
    return fitted(name, MAX_PRODUCT_BYTES)


def subject(chain: str, about: Scope) -> str:
    """Write the subject of an event about a scope in a chain."""
    return f"{chain}#{about}"


def key(*parts: str) -> str:
    """Write a key of several parts."""
    text = "/".join(parts)
    return fitted(text, MAX_KEY_BYTES)


def again(key: str, count: int) -> str:
    """Write the key of what happened for the second, third … time."""
    return key if count == 1 else f"{key}#{count}"


def evidence(**said: str | None) -> dict[str, str]:
    """Write evidence: texts that are there, each as far as the ledger keeps it."""
    return {name.rstrip("_"): clean(text) for name, text in said.items() if text}


def clean(text: str) -> str:
    """Return a text without control characters and lone surrogates, not too long."""
    whole = _CONTROL.sub(" ", text.encode("utf-8", "replace").decode())
    return whole[: _most_chars(whole)]


def listed(texts: Iterable[str]) -> str:
    """Write a list, as far as it fits: no part is cut. Commas in its parts become semicolons."""
    whole = _SEPARATOR.join(text.replace(",", ";") for text in texts)
    most = _most_chars(whole)
    if len(whole) <= most:
        return whole
    # A name that was cut could be that of another vulnerability, a version a smaller one.
    return whole[: most + len(_SEPARATOR)].rpartition(_SEPARATOR)[0] or whole


def _most_chars(text: str) -> int:
    return MAX_TEXT_CHARS if text.isascii() else MAX_FOREIGN_CHARS


def split(text: str | None) -> tuple[str, ...]:
    """Read a list."""
    return tuple(part for part in (text or "").split(_SEPARATOR) if part)


def digests(said: Mapping[str, str]) -> tuple[str, ...]:
    """Read the images that evidence names."""
    return tuple(one for one in (said.get("digest", ""), *split(said.get("others"))) if one)


def written(moment: datetime | None) -> str | None:
    """Write an instant of evidence."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


def read_instant(said: Mapping[str, str], name: str) -> datetime | None:
    """Read an instant of evidence; None where there is none that can be read."""
    try:
        found = datetime.fromisoformat(said.get(name, ""))
    except ValueError:
        return None
    return None if found.tzinfo is None else found.astimezone(UTC)


def read_number(said: Mapping[str, str], name: str) -> int:
    """Read a count of evidence; 0 where there is none that can be read."""
    text = said.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004  # digits of a count


@lru_cache(maxsize=65_536)  # names of packages and vulnerabilities return with every event
def fitted(text: str, most: int) -> str:
    """Return a text as it is, or cut with a hash where the ledger could not keep it.

    Args:
        text: Any text.
        most: Bytes that it may have, percent-encoded.
    """
    if text and "\0" not in text and _is_encodable(text):
        encoded = text if text.isalnum() and text.isascii() else quote_plus(text, safe=_SAFE)
        if len(encoded) <= most:
            return text
    return _cut(text, most)


def _part(text: str | None, most: int) -> str | None:
    return None if text is None else fitted(text, most)


def _cut(text: str, most: int) -> str:
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARS]
    head = _UNPLAIN.sub("", text[:most])[: most - _HASH_CHARS - 3]
    return f"{head}~{digest}"


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def scan_subject(chain: str, platform: str) -> str:
    """Write the subject of a scan."""
    return f"{chain}#{urlencode({'platform': platform_name(platform)}, safe=_SAFE)}"
