from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from basekeeper.notify.webhook import MAX_LISTED, Webhook, json_body, read_key, signature
from basekeeper.values.notifying import Sent
from tests.unit.notify.making import NOW, finding, message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from basekeeper.notify.posting import Post
    from basekeeper.values.notifying import Delivery


class Receiver:
    """Stands in for a `Post`."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Mapping[str, str]]] = []

    def send(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Delivery:
        assert now.tzinfo is not None
        self.sent.append((body, headers))
        return Sent()


def as_post(receiver: Receiver) -> Post:
    return receiver  # type: ignore[return-value]  # has what a webhook asks of it


def test_signature_is_that_of_the_specification() -> None:
    # The example of the reference libraries of Standard Webhooks, in all languages.
    key = read_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_body_says_all_and_that_it_may_repeat() -> None:
    said = json.loads(json_body(message(finding(), topic="80%", attempt=3)))
    assert said == {
        "type": "basekeeper.deadline.80",
        "timestamp": "2026-11-26T08:30:00+00:00",
        "schema_version": 1,
        "id": "f" * 64,
        "attempt": 3,
        "may_repeat": True,
        "data": {
            "repository": "github.com/acme/shop",
            "product": "api",
            "topic": "80%",
            "count": 1,
            "items": [
                {
                    name: text
                    for name, text in finding().items()
                    if name not in ("notice", "channel", "topic")
                }
            ],
        },
    }


def test_more_than_can_be_listed_is_counted() -> None:
    said = json.loads(json_body(message(*(finding(number) for number in range(500)))))
    assert (said["data"]["count"], len(said["data"]["items"])) == (500, MAX_LISTED)


def test_every_key_signs_the_instant_of_the_attempt() -> None:
    keys, receiver = [b"k" * 32, b"o" * 24], Receiver()
    hook = Webhook("hook", as_post(receiver), keys)
    assert hook.send(message(), now=NOW + timedelta(hours=1)) == Sent()
    ((body, headers),) = receiver.sent
    seconds = int((NOW + timedelta(hours=1)).timestamp())
    assert headers == {
        "webhook-id": "f" * 64,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signature(key, "f" * 64, seconds, body) for key in keys),
    }


@pytest.mark.parametrize("length", [24, 32, 64])
@pytest.mark.parametrize("ending", ["", "="])
def test_a_key_is_read_with_padding_and_without(length: int, ending: str) -> None:
    text = "whsec_" + b64encode(b"k" * length).decode()
    assert read_key(text if ending else text.rstrip("=")) == b"k" * length


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("s3cr3t" * 8, "does not begin with whsec_"),
        ("whsec_", "has 0 bytes"),
        ("whsec_" + b64encode(b"s3cr3t").decode(), "has 6 bytes; 24 to 64 are needed"),
        ("whsec_" + b64encode(b"s" * 65).decode(), "has 65 bytes"),
        ("whsec_s3cr3t~" + "s" * 40, "is no Base64"),
        ("whsec_" + "s" * 41, "is no Base64"),
        ("whsec_é", "is no Base64"),
    ],
)
def test_what_is_no_key_is_refused_without_being_shown(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        read_key(text)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None
