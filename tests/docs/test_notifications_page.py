"""The page of notifications, held to the program: settings, topics, body, and the receiver."""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from basekeeper.config.document import read_document
from basekeeper.config.notifying import ChannelSettings, parse_notifying
from basekeeper.config.table import Table
from basekeeper.notify.webhook import Webhook, json_body
from basekeeper.values.notifying import TOPICS, Sent
from tests.unit.notify.making import finding, message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from basekeeper.values.notifying import Delivery

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "notifications.md").read_text(
    encoding="utf-8"
)
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def block(language: str) -> str:
    return next(str(text) for name, text in BLOCK.findall(PAGE) if name == language)


def test_settings_of_the_page_are_read() -> None:
    document = read_document(block("toml").encode(), "x.toml")
    top = Table(document, document.data)
    channels = parse_notifying(top)
    assert [one.name for one in channels] == ["team", "tickets"]
    assert top.problems == []


def test_every_key_and_topic_is_on_the_page() -> None:
    keys = set(ChannelSettings.__dataclass_fields__) - {"audience"} | {"name", "topics"}
    for word in (*keys, "products", "min_severity", *TOPICS):
        assert re.search(rf"^\|[^|]*`{re.escape(word)}`", PAGE, re.MULTILINE), word


def test_the_body_is_as_shown() -> None:
    shown = json.loads(block("json"))
    given = finding(clause="x", progress="proposed")
    sent = json.loads(json_body(message(given, topic="80%")))
    assert list(shown) == list(sent)
    assert list(shown["data"]) == list(sent["data"])
    assert set(shown["data"]["items"][0]) == set(sent["data"]["items"][0])


class Receiver:
    """Stands in for a `Post`, and keeps what it gets."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = b""

    def send(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Delivery:
        assert now.tzinfo is UTC
        self.body, self.headers = body, dict(headers)
        return Sent()


@pytest.fixture
def is_genuine() -> Callable[[str, dict[str, str], bytes], bool]:
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102  # our own page
    found: Callable[[str, dict[str, str], bytes], bool] = names["is_genuine"]
    return found


def test_the_receiver_of_the_page_tells_what_is_genuine(
    is_genuine: Callable[[str, dict[str, str], bytes], bool],
) -> None:
    secrets = {key: "whsec_" + b64encode(key).decode() for key in (b"n" * 32, b"o" * 32, b"x" * 32)}
    receiver = Receiver()
    hook = Webhook("hook", receiver, [b"n" * 32, b"o" * 32])  # type: ignore[arg-type]  # alike
    hook.send(message(finding()), now=datetime.fromtimestamp(time.time(), UTC))
    headers, body = receiver.headers, receiver.body
    told = [is_genuine(secret, headers, body) for secret in secrets.values()]
    assert told == [True, True, False]
    secret = secrets[b"n" * 32]
    assert not is_genuine(secret, headers, body + b" ")
    assert not is_genuine(secret, headers | {"webhook-id": "other"}, body)
    old = datetime.fromtimestamp(time.time() - 400, UTC)
    hook.send(message(finding()), now=old)
    assert not is_genuine(secret, receiver.headers, receiver.body)
