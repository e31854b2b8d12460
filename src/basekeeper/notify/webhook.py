"""A generic webhook, signed as Standard Webhooks 1.0 says, with HMAC-SHA256 keys.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from basekeeper.notify.posting import Post
    from basekeeper.values.notifying import Delivery, Message

SCHEMA_VERSION: Final = 1
"""Of the body; grows when a receiver would have to change."""

MAX_LISTED: Final = 200
"""Most things that a body lists; the rest is counted."""

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # the prefix of any such secret

KEY_BYTES: Final = range(24, 65)
"""How long a key may be, by the specification."""


def read_key(text: str) -> bytes:
    """Read a secret, `whsec_` and Base64.

    Raises:
        ValueError: It is none; the message does not show it.
    """
    if not text.startswith(SECRET_PREFIX):
        raise ValueError(f"does not begin with {SECRET_PREFIX}")
    encoded = text.removeprefix(SECRET_PREFIX)
    try:
        key = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (NotBase64, ValueError):
        raise ValueError(f"is no Base64 after {SECRET_PREFIX}") from None
    if len(key) not in KEY_BYTES:
        raise ValueError(f"has {len(key)} bytes; 24 to 64 are needed")
    return key


class Webhook:
    """Sends JSON; see `ports.Channel`."""

    def __init__(self, name: str, post: Post, keys: Sequence[bytes]) -> None:
        """Keep what is needed to send.

        Args:
            name: Of the channel.
            post: Knows the address.
            keys: Each signs: while a key is replaced, the new and the old one.
        """
        self.name = name
        self._post = post
        self._keys = tuple(keys)

    def send(self, message: Message, *, now: datetime) -> Delivery:
        """Send a message once, signed at `now`."""
        body = json_body(message)
        seconds = int(now.timestamp())
        signatures = " ".join(signature(key, message.id, seconds, body) for key in self._keys)
        headers = {
            "webhook-id": message.id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signatures,
        }
        return self._post.send(body, headers, now=now)


def signature(key: bytes, name: str, seconds: int, body: bytes) -> str:
    """Sign id, time and body."""
    signed = b"%s.%d.%s" % (name.encode(), seconds, body)
    return f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


def json_body(message: Message) -> bytes:
    """Write a message; the bytes that are sent are those that are signed."""
    listed = message.items[:MAX_LISTED]
    hidden = ("notice", "channel", "topic")
    said = {
        "type": "basekeeper.deadline." + message.topic.rstrip("%"),
        "timestamp": message.at.isoformat(),
        "schema_version": SCHEMA_VERSION,
        "id": message.id,
        "attempt": message.attempt,
        "may_repeat": message.may_repeat,
        "data": {
            "repository": message.repository,
            "product": message.product,
            "topic": message.topic,
            "count": len(message.items),
            "items": [
                {name: text for name, text in one.items() if name not in hidden} for one in listed
            ],
        },
    }
    return json.dumps(said, separators=(",", ":")).encode()
