"""JSON from strangers: read under limits, and taken apart with every type checked.

Registries answer with documents that name other documents, so that what a document says twice, or
says with a wrong type, is not guessed at but refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from basekeeper.errors import Failure, RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_DIGITS: Final = 19
"""Most digits of a number: what 64 bits hold, and every size or time in milliseconds does."""

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_HASHES: Final = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
_YEAR_ONE: Final = 1


def refused(what: str, reason: str) -> RegistryError:
    """Build the error for an answer that breaks a rule of safety."""
    return RegistryError(
        f"{what}: {reason}", Failure.REFUSED, hint="tell whoever runs the registry"
    )


def is_digest(text: object) -> bool:
    """Tell whether something is a digest that we know: sha256 or sha512, lower-case hex."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def digest_of(data: bytes, like: str = "sha256:") -> str:
    """Hash content with the algorithm of another digest."""
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{_HASHES[algorithm](data).hexdigest()}"


def verify(data: bytes, digest: str, size: int | None, what: str) -> None:
    """Compare content with the digest and size under which it was asked for.

    Raises:
        RegistryError: Either differs.
    """
    if size is not None and len(data) != size:
        raise refused(what, f"got {len(data)} bytes where {size} were announced")
    if digest_of(data, digest) != digest:
        raise refused(what, f"the content does not have the digest {digest}")


def read_object(data: bytes, what: str) -> dict[str, Any]:
    """Read a JSON object in UTF-8.

    Args:
        data: The bytes, whose number the caller limited.
        what: What it is, for the message.

    Raises:
        RegistryError: It is no JSON object, names a key twice, nests too deeply, or holds numbers
            that no honest document holds.
    """
    try:
        found = json.loads(
            data.decode(),
            object_pairs_hook=_distinct,
            parse_constant=_no_constant,
            parse_int=_small_int,
        )
    except RecursionError as error:
        raise refused(what, "the JSON is nested too deeply") from error
    except ValueError as error:
        raise refused(what, f"it is no valid JSON ({_first_words(error)})") from error
    if not isinstance(found, dict):
        raise refused(what, "it is no JSON object")
    return found


def text_at(document: Mapping[str, Any], key: str) -> str | None:
    """Return the text under a key; None where there is none, or something else."""
    found = document.get(key)
    return found if isinstance(found, str) else None


def object_at(document: Mapping[str, Any], key: str, what: str) -> dict[str, Any]:
    """Return the object under a key; an empty one where it is missing or null.

    Raises:
        RegistryError: Something else is there.
    """
    found = document.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise refused(what, f"{key!r} is no object")
    return found


def list_at(document: Mapping[str, Any], key: str, what: str) -> list[Any]:
    """Return the list under a key; an empty one where it is missing or null.

    Raises:
        RegistryError: Something else is there.
    """
    found = document.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise refused(what, f"{key!r} is no list")
    return found


def texts_of(pairs: Mapping[str, Any]) -> dict[str, str]:
    """Keep what maps text to text: labels and annotations; other values mean nothing there."""
    return {key: value for key, value in pairs.items() if isinstance(value, str)}


def words_of(items: Iterable[Any]) -> tuple[str, ...]:
    """Keep the texts of a list."""
    return tuple(item for item in items if isinstance(item, str))


def time_of(text: object) -> datetime | None:
    """Read an RFC 3339 time in UTC; None where it is none, or Go's zero time.

    Parts of a second beyond microseconds are cut off.
    """
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        found = found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None if found.year == _YEAR_ONE else found


def time_of_milliseconds(text: object) -> datetime | None:
    """Read milliseconds since 1970, as text or number; None where it is none, or zero."""
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
        text = int(text)
    if isinstance(text, bool) or not isinstance(text, int) or text <= 0:
        return None
    try:
        return datetime.fromtimestamp(text / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _small_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS + 1:
        raise ValueError("a number is too large")
    return int(digits)


def _first_words(error: Exception) -> str:
    """Say what is wrong without the content, which `UnicodeDecodeError` would show."""
    return "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:100]
