"""Keeping secrets and control characters out of messages."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

MAX_SHOWN: Final = 300
"""Most characters of foreign text that a message shows."""

_USER_INFO: Final = re.compile(r"//[^/\s]*@")
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]*\]|[^:/?#@,]*)(?::[0-9]*)?"
_NO_SECRET: Final = re.compile(rf"[^:/?#@]{{1,20}}://{_HOST}(?:,{_HOST})*(?:/[^?#@]*)?(?=[?#]|\Z)")
"""Hosts, of which only their ports stand behind colons, and a path: what no password hides in."""
_QUERY: Final = re.compile(r"\?\S*")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")


def shown_url(url: str) -> str:
    """A URL for messages: scheme, host and path; no user, password, query or fragment."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        harmless = None if "@" in url else _NO_SECRET.match(url)
        return shown_text(harmless[0]) if harmless else "an invalid URL"
    host = f"[{host}]" if ":" in host else host
    return shown_text(f"{parts.scheme}://{host}{port}{parts.path}")


def shown_text(text: str) -> str:
    """Foreign text for messages: printable ASCII, without user info and queries, cut."""
    clean = _QUERY.sub("", _USER_INFO.sub("//", text))
    clean = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", clean)
    return clean if len(clean) <= MAX_SHOWN else clean[:MAX_SHOWN] + "…"
