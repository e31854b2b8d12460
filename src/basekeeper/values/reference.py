"""Names of container images.

A reference is `[registry[:port]/]repository[:tag][@digest]`. Grammar and normalisation are those
of the distribution project (https://github.com/distribution/reference), with three differences,
all on the strict side: a first part that looks like a host but is none (`foo_bar.com/x`) is an
error instead of an image without a registry, only sha256 and sha512 digests are known, and text of
more than `MAX_TEXT` characters is refused unread.

Naming is all that happens here: which host speaks for `docker.io`, and which names are mirrors of
which, are other matters.
"""

from __future__ import annotations

import re
from dataclasses import field
from functools import lru_cache
from typing import Final

from basekeeper.errors import InvalidReference
from basekeeper.records import dataclass

MAX_TEXT: Final = 4096
"""Characters of a reference that are looked at; the longest useful one has about 650."""
MAX_PATH: Final = 255
"""Characters of a repository, after normalisation and without the registry: the distribution
project's limit."""
MAX_TAG: Final = 128
"""Characters of a tag: the OCI distribution specification's limit."""

HUB: Final = "docker.io"
"""The registry of names that give none."""
_HUB_ALIAS: Final = "index.docker.io"
_OFFICIAL: Final = "library"

# Every repetition below starts with a character that cannot continue what stands before it, so
# that matching never goes back and takes linear time.
_LABEL = r"[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_PATH = rf"{_PART}(?:/{_PART})*"
_TAG = rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{MAX_TAG - 1}}}"
_DIGEST = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"

_WHOLE = re.compile(rf"(?:({_HOST})/)?({_PATH})(?::({_TAG}))?(?:@({_DIGEST}))?")
"""A reference whose registry, if any, was cut off by the caller or passes `_is_host`."""
_HOST_RE = re.compile(_HOST)
_PATH_RE = re.compile(_PATH)
_TAG_RE = re.compile(_TAG)
_DIGEST_RE = re.compile(_DIGEST)
_HOST_LIKE = re.compile(r"[.:A-Z]")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_FOREIGN = re.compile(r"[^!-~]")
_UPPER_NEXT = re.compile(r"[/._-]*([A-Z])")
"""Matching stops ahead of the separator, for what stands behind it is no part of a name."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Reference:
    """A valid, normalised reference; parsing its `str()` gives an equal one.

    Two references are equal where registry, repository, tag and digest are, however they were
    written. With both a tag and a digest, the digest decides what is pulled.

    Raises:
        InvalidReference: When constructed of parts that parsing would not yield.
    """

    registry: str
    """Host, with port if any: `docker.io`, `ghcr.io`, `localhost:5000`, `[::1]:5000`."""
    repository: str
    """Path in the registry, normalised: `library/alpine`."""
    tag: str | None = None
    """None where none was given; parsing never invents `latest`."""
    digest: str | None = None
    """`sha256:` or `sha512:` and the hex digits, or None."""
    text: str = field(default="", compare=False)
    """As it was written; the canonical form where it was not written anywhere."""

    def __post_init__(self) -> None:
        """Refuse parts that do not make a normalised reference."""
        canonical = str(self)
        wrong = _part_problem(self.registry, self.repository, self.tag, self.digest)
        if wrong is not None:
            reason, position = wrong
            raise InvalidReference(canonical, reason, position=position)
        if not self.text:
            object.__setattr__(self, "text", canonical)

    def __str__(self) -> str:
        """Give the canonical form: registry/repository[:tag][@digest]."""
        return f"{self.registry}/{self.repository}{self._suffix}"

    @property
    def name(self) -> str:
        """Registry and repository, without tag and digest: the key that tells images apart."""
        return f"{self.registry}/{self.repository}"

    @property
    def familiar(self) -> str:
        """The short form that people write, for display only.

        `docker.io/` is dropped, then `library/` where one part remains; tag and digest stay. It
        cannot always be parsed back (`docker.io/docker.io/x`), so it is no key.
        """
        if self.registry != HUB:
            return str(self)
        namespace, _, rest = self.repository.partition("/")
        short = rest if namespace == _OFFICIAL and "/" not in rest else self.repository
        return short + self._suffix

    @property
    def path_parts(self) -> tuple[str, ...]:
        """The parts of the repository between slashes."""
        return tuple(self.repository.split("/"))

    def with_tag(self, tag: str | None) -> Reference:
        """Return the same image with another tag, or with none; the digest is kept.

        Raises:
            InvalidReference: When `tag` is no valid tag.
        """
        return self._changed(tag, self.digest)

    def with_digest(self, digest: str | None) -> Reference:
        """Return the same image with another digest, or with none; the tag is kept.

        Raises:
            InvalidReference: When `digest` is no valid digest.
        """
        return self._changed(self.tag, digest)

    @property
    def _suffix(self) -> str:
        return _suffix(self.tag, self.digest)

    def _changed(self, tag: str | None, digest: str | None) -> Reference:
        """Replace tag and digest, also in the text, whose name stays as it was written."""
        written = self.text.removesuffix(self._suffix) + _suffix(tag, digest)
        return Reference(self.registry, self.repository, tag, digest, written)


@lru_cache(maxsize=1024)
def parse_reference(text: str) -> Reference:
    """Read a reference as it stands after FROM, in a Compose file or on a command line.

    `scratch` is a valid name here: that it means the empty base is the Dockerfile's rule.
    Variables must have been expanded before.

    Raises:
        InvalidReference: When the text is no reference; says what is wrong with it and where.
    """
    found = _WHOLE.fullmatch(text) if len(text) <= MAX_TEXT else None
    if found is None:
        raise _invalid(text)
    host, path, tag, digest = found.groups()
    if host is None:
        head, slash, _ = path.partition("/")
        if slash and _is_host(head):
            raise _invalid(text)
        host = HUB
    elif not _is_host(host):
        host, path = HUB, f"{host}/{path}"
    elif host == _HUB_ALIAS:
        host = HUB
    if host == HUB and "/" not in path:
        path = f"{_OFFICIAL}/{path}"
    if len(path) > MAX_PATH or _IMAGE_ID.fullmatch(text) is not None:
        raise _invalid(text)
    return Reference(host, path, tag, digest, text)


def _suffix(tag: str | None, digest: str | None) -> str:
    return (f":{tag}" if tag is not None else "") + (f"@{digest}" if digest is not None else "")


def _is_host(head: str) -> bool:
    """Tell whether the part before the first slash is a registry, not a namespace."""
    return head == "localhost" or _HOST_LIKE.search(head) is not None


def _part_problem(
    registry: str, repository: str, tag: str | None, digest: str | None
) -> tuple[str, int] | None:
    """Say what is wrong with parts, and where in the canonical form; None where nothing is."""
    if _HOST_RE.fullmatch(registry) is None or not _is_host(registry):
        return f"{registry!r} is no registry host", 0
    if registry == _HUB_ALIAS or (registry == HUB and "/" not in repository):
        return "the name is not normalised", 0
    at = len(registry) + 1
    if _PATH_RE.fullmatch(repository) is None:
        return f"{repository!r} is no repository", at
    if len(repository) > MAX_PATH:
        return f"the repository is longer than {MAX_PATH} characters", at
    at += len(repository) + 1
    if tag is not None:
        if _TAG_RE.fullmatch(tag) is None:
            return f"{tag!r} is no tag", at
        at += len(tag) + 1
    if digest is not None and _DIGEST_RE.fullmatch(digest) is None:
        return f"{digest!r} is no digest", at
    return None


def _invalid(text: str) -> InvalidReference:
    """Find what is wrong with text that is known to be no reference."""
    reason, position = _whole_problem(text) or _host_problem(text) or _rest_problem(text)
    return InvalidReference(text, reason, position=position)


def _whole_problem(text: str) -> tuple[str, int] | None:
    if not text:
        return "it is empty", 0
    if len(text) > MAX_TEXT:
        return f"it is longer than {MAX_TEXT} characters", MAX_TEXT
    foreign = _FOREIGN.search(text)
    if foreign is not None:
        return f"{foreign[0]!r} cannot stand in a reference", foreign.start()
    if _IMAGE_ID.fullmatch(text) is not None:
        return "64 hex digits alone are an image id, not a name", 0
    scheme = _SCHEME.match(text)
    if scheme is not None:
        return f"it starts with a URL scheme ({scheme[0]!r})", 0
    variable = text.find("$")
    if variable >= 0:
        return "it holds a variable that was not expanded", variable
    return None


def _host_problem(text: str) -> tuple[str, int] | None:
    head, slash, _ = text.partition("/")
    if not slash or (head and not _is_host(head)):
        return None
    good = _HOST_RE.match(head)
    if good is not None and good.end() == len(head):
        return None
    return f"{head!r} is no registry host", good.end() if good is not None else 0


def _rest_problem(text: str) -> tuple[str, int]:
    """Find the first wrong thing in repository, tag and digest."""
    head, slash, _ = text.partition("/")
    start = len(head) + 1 if slash and _is_host(head) else 0
    name, at, digest = text[start:].partition("@")
    path, colon, tag = name.partition(":")
    problem = _path_problem(path, start)
    if problem is not None:
        return problem
    after = start + len(path) + 1
    if colon:
        good = _TAG_RE.match(tag)
        if not tag:
            return "the tag is empty", after
        if len(tag) > MAX_TAG and _TAG_RE.fullmatch(tag[:MAX_TAG]) is not None:
            return f"the tag is longer than {MAX_TAG} characters", after + MAX_TAG
        if good is None or good.end() != len(tag):
            bad = good.end() if good is not None else 0
            return f"{tag[bad]!r} cannot stand {'in' if bad else 'first in'} a tag", after + bad
        after += len(tag) + 1
    if at and _DIGEST_RE.fullmatch(digest) is None:
        return (
            "the digest is not sha256: and 64 or sha512: and 128 lower-case hex digits",
            after,
        )
    return f"the repository is longer than {MAX_PATH} characters", start


def _path_problem(path: str, start: int) -> tuple[str, int] | None:
    if not path:
        return "the repository is empty", start
    good = _PATH_RE.match(path)
    end = good.end() if good is not None else 0
    if end == len(path):
        return None
    upper = _UPPER_NEXT.match(path, end)
    if upper is not None:
        reason = f"{upper[1]!r} is upper case, and a repository is written in lower case"
        return reason, start + upper.start(1)
    return f"{path[end]!r} cannot stand there in a repository", start + end
