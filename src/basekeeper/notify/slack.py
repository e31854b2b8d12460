"""Slack by an incoming webhook: blocks that hold outside text without giving it any power.

Limits of blocks: https://docs.slack.dev/reference/block-kit/blocks. All blocks of a message
together must stay below some 13,000 characters, which only its errors tell
(https://github.com/slackapi/bolt-js/issues/2509).
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from basekeeper.notify.posting import Post
    from basekeeper.values.notifying import Delivery, Message

MAX_LISTED: Final = 20
"""Most things that a message lists; the rest is counted."""

MAX_TEXT_CHARS: Final = 3_000
"""Longest text of a block."""

MAX_HEADER_CHARS: Final = 150

MAX_BLOCKS: Final = 50

MAX_LISTS_CHARS: Final = 11_000
"""Longest text of all lists together."""

MAX_NAME_CHARS: Final = 80
"""Longest name from outside; what is longer is cut."""

_WHOLE_GROUPS: Final = re.compile(r"@(?=here|channel|everyone|group)", re.IGNORECASE)
_ZERO_WIDTH: Final = "\N{ZERO WIDTH SPACE}"
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_ANGLES: Final = str.maketrans("<>", "()")
"""For plain text, where nothing is escaped."""

_TITLES: Final = {
    "found": "Found",
    "raised": "More urgent now",
    "closed": "Closed",
    "waiver": "Waivers end soon",
    "unknown": "Cannot be told",
    "100%": "Overdue",
    "150%": "Overdue by half of the window",
}


class Slack:
    """Sends messages to one channel of Slack; see `ports.Channel`."""

    def __init__(self, name: str, post: Post) -> None:
        """Keep what is needed to send.

        Args:
            name: Of the channel.
            post: Knows the address.
        """
        self.name = name
        self._post = post

    def send(self, message: Message, *, now: datetime) -> Delivery:
        """Send a message once."""
        return self._post.send(json.dumps(payload(message)).encode(), {}, now=now)


def payload(message: Message) -> dict[str, Any]:
    """Write a message: a text for notifications, and blocks."""
    place = message.product or message.repository
    title = _TITLES.get(message.topic, f"{message.topic.rstrip('%')} % of the time is used")
    many = _counted(len(message.items))
    header = _cut(f"{title}: {many} in {_harmless(place)}", MAX_HEADER_CHARS).translate(_ANGLES)
    lines, left = _listed(message.items)
    context = f"{_code(message.repository)} · {message.at:%Y-%m-%d %H:%M} UTC · {message.id[:12]}"
    if message.may_repeat:
        context += f" · attempt {message.attempt}, may repeat an earlier message"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}},
        *({"type": "section", "text": _mrkdwn(text)} for text in _packed(lines)),
    ]
    if left:
        blocks.append({"type": "section", "text": _mrkdwn(f"and {left} more")})
    blocks.append({"type": "context", "elements": [_mrkdwn(context)]})
    return {
        "text": header.translate(_ESCAPES),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
        "link_names": False,
        "parse": "none",
    }


def _listed(items: Iterable[Mapping[str, str]]) -> tuple[list[str], int]:
    """Write the first things, and count the rest."""
    lines: list[str] = []
    size = left = 0
    for one in items:
        line = f"• {_line(one)}"
        if left or len(lines) == MAX_LISTED or size + len(line) > MAX_LISTS_CHARS:
            left += 1
            continue
        lines.append(line)
        size += len(line) + 1
    return lines, left


def _line(said: Mapping[str, str]) -> str:
    """Write one thing as a line."""
    if "waiver" in said:
        owner = f" of {_code(said['owner'])}" if "owner" in said else ""
        what = f"{_code(said['waiver'])}{owner} ends {_instant(said.get('ends', ''))}"
        return f"{what}: {_counted(said.get('findings', '0'))} then count again"
    if "vulnerability" not in said:
        reason = f": {_code(said['reason'])}" if "reason" in said else ""
        return f"where {_counted(said.get('findings', '0'))} stand is not known{reason}"
    due = f"due {_instant(said['due'])}" if "due" in said else "due with the next release"
    parts = (_code(said[name]) for name in ("package", "lineage", "platform") if name in said)
    state = _plain(said.get("state", "")).replace("-", " ")
    urgency = _plain(said.get("urgency", ""))
    return f"{_code(said['vulnerability'])} {urgency}, {' '.join(parts)}: {state}, {due}"


def _counted(count: int | str) -> str:
    return f"{_plain(str(count))} finding{'' if str(count) == '1' else 's'}"


def _instant(text: str) -> str:
    """Write an instant in ISO 8601 to the minute."""
    return _plain(f"{text[:16].replace('T', ' ')} UTC")


def _packed(lines: Iterable[str]) -> list[str]:
    """Join lines to texts of blocks."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + 1 + len(line) <= MAX_TEXT_CHARS:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts


def _mrkdwn(text: str) -> dict[str, Any]:
    """Make a text that links and mentions nothing by itself."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _code(text: str) -> str:
    """Write outside text so that nothing in it is markup."""
    plain = _cut(_harmless(text), MAX_NAME_CHARS).replace("`", "'")
    return f"`{plain.translate(_ESCAPES) or ' '}`"


def _plain(text: str) -> str:
    """Write a word of our own, as the ledger gives it back."""
    return _cut(_harmless(text), MAX_NAME_CHARS).translate(_ESCAPES)


def _harmless(text: str) -> str:
    """Take characters that act or hide, and the names of whole groups, out of outside text."""
    seen = "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(one)[0] in "CZ" and one != " " else one
        for one in text
    )
    return _WHOLE_GROUPS.sub(f"@{_ZERO_WIDTH}", seen)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
