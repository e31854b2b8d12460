r"""Outside text in titles, commit messages and bodies of proposals: it mentions and links nothing.

A forge turns `@name` into a mention that notifies, `#1`, `GH-1`, `owner/name#1`, hashes of commits
and addresses into references that show elsewhere; `fixes #1` closes something, and `[skip ci]` in a
commit message keeps it from being checked. Titles and messages know no markup, so there a character
without width is put into what would be read so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from basekeeper.render.markdown import code, prose
from basekeeper.render.safe import shorten, visible
from basekeeper.render.view import plural

if TYPE_CHECKING:
    from basekeeper.tags.updates import Choice
    from basekeeper.values.proposal import Draft, Proof, Weighed

MAX_TITLE_CHARS: Final = 120
"""Longest title; it is the first line of the commit message too."""

MAX_NAME_CHARS: Final = 60
MAX_MESSAGE_IMAGES: Final = 30
"""Most images that a commit message lists."""

BREAK: Final = "\u2060"
"""WORD JOINER: it has no width, and no line ends at it."""

_ACTIVE: Final = re.compile(
    r"(?<=[@#])(?=[\w{])"  # mentions, numbers of issues
    r"|(?<=GH-)(?=\d)"
    r"|(?<=:)(?=//)"  # addresses
    r"|(?<=www)(?=\.)"
    r"|(?<=\[)(?=\w)"  # `[skip ci]`, which would leave the change unchecked
    r"|(?<=[!~&%$])(?=[\w{])",  # GitLab's merge requests, labels, epics, milestones, snippets
    re.IGNORECASE,
)
_HASH: Final = re.compile(r"(?<![0-9A-Za-z])(?!20[0-9]{6}(?![0-9A-Fa-f]))[0-9A-Fa-f]{7,}")
"""What may be the hash of a commit; days, as tags have them, are not."""
_PIECE: Final = re.compile(r"(.{6})(?=.)")
_JOINED: Final = re.compile(r"(?<=GH-)(?=\d)|(?<=&#58;)(?=//)|(?<=www&#46;)", re.IGNORECASE)
_ENTITY: Final = "&#8203;"
_CVE: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,10}", re.ASCII)
_OSV: Final = re.compile(
    r"GHSA(?:-[0-9a-z]{4}){3}|(?:GO|PYSEC|RUSTSEC)-[0-9]{4}-[0-9]{1,10}", re.ASCII
)
_KINDS: Final = {
    "digest": "refresh", "patch": "update", "minor": "update", "major": "update",
    "os": "move", "runtime": "move", "build": "update", "name": "replace",
}  # fmt: skip


def plain(text: str) -> str:
    """Write outside text where no markup is known: a title, a commit message."""
    return _ACTIVE.sub(_break, _parted(visible(text), BREAK))


def _break(match: re.Match[str]) -> str:
    return match[0] + BREAK


def words(text: str) -> str:
    """Write outside text as plain words in a body."""
    return _JOINED.sub(_ENTITY, _parted(prose(text), _ENTITY))


def _parted(text: str, by: str) -> str:
    """Break what may be the hash of a commit; of seven digits and more a forge makes a link."""
    return _HASH.sub(lambda match: _PIECE.sub(rf"\1{by}", match[0]), text)


def advisory(name: str) -> str:
    """Write the name of a vulnerability, with a link where it is known to whom it belongs."""
    if _CVE.fullmatch(name):
        return f"[{name}](https://nvd.nist.gov/vuln/detail/{name})"
    if _OSV.fullmatch(name):
        return f"[{name}](https://osv.dev/vulnerability/{name})"
    return code(name)


def title(draft: Draft, prefix: str) -> str:
    """Write the title: what moves, and which vulnerability urges."""
    taken = draft.group.taken
    what = _one(taken[0]) if len(taken) == 1 else _several(draft)
    head = f"{prefix}: " if prefix else ""
    return shorten(f"{head}{what}{_urging(draft.proofs)}", MAX_TITLE_CHARS)


def message(draft: Draft, title: str) -> str:
    """Write the commit message without trailers."""
    taken = draft.group.taken
    lines = [title, ""]
    lines += [f"- {_step(one)}" for one in taken[:MAX_MESSAGE_IMAGES]]
    if len(taken) > MAX_MESSAGE_IMAGES:
        lines.append(f"- {plural(len(taken) - MAX_MESSAGE_IMAGES, 'more image')}")
    return "\n".join(lines)


def _urging(proofs: tuple[Proof, ...]) -> str:
    names = list(dict.fromkeys(one.deadline.finding.vulnerability for one in proofs))
    if not names:
        return ""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f" for {plain(shorten(names[0], 30))}{more}"


def _several(draft: Draft) -> str:
    count = plural(len(draft.group.taken), "base image")
    return f"update {count}" + (f" of {plain(draft.group.name)}" if draft.group.name else "")


def _one(weighed: Weighed) -> str:
    """Say what becomes of one image."""
    change = weighed.candidate.change
    old, choice = change.standing.reference, change.choice
    name = _short(old.with_digest(None).familiar)
    if choice.os_change is not None:
        return f"move {name} from {plain(choice.os_change.replace(' → ', ' to '))}"
    if change.to.name != old.name:
        return f"replace {name} by {_short(change.to.with_digest(None).familiar)}"
    if change.to.tag not in (old.tag, None):
        bare = _short(old.with_tag(None).with_digest(None).familiar)
        since = f" from {_short(old.tag)}" if old.tag else ""
        return f"{_verb(choice)} {bare}{since} to {_short(change.to.tag or '')}"
    return f"pin {name} to its digest" if old.digest is None else f"refresh the digest of {name}"


def _verb(choice: Choice) -> str:
    return "update" if choice.kind == "digest" else _KINDS.get(choice.kind, "update")


def _short(text: str) -> str:
    """Shorten a name in the middle: its end tells most."""
    if len(text) > MAX_NAME_CHARS:
        text = f"{text[: MAX_NAME_CHARS // 2]}…{text[-MAX_NAME_CHARS // 2 + 1 :]}"
    return plain(text)


def _step(weighed: Weighed) -> str:
    change = weighed.candidate.change
    old, new = (one.with_digest(None).familiar for one in (change.standing.reference, change.to))
    if old != new:
        return f"{plain(old)} to {plain(new)} ({change.choice.kind})"
    drift = change.choice.os_change
    why = f", {plain(drift)}" if drift else ""
    return f"{plain(old)}: new digest{why}"
