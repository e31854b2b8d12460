from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basekeeper.notify.slack import (
    MAX_BLOCKS,
    MAX_HEADER_CHARS,
    MAX_LISTED,
    MAX_LISTS_CHARS,
    MAX_TEXT_CHARS,
    payload,
)
from basekeeper.values.notifying import TOPICS
from tests.unit.notify.making import finding, message

HOSTILE = "<!channel> <@U1> <https://evil.example|ok> @here `*x*` & \u202e\x1b[0m\n@Everyone"
TEXTS = st.text(max_size=300) | st.just(HOSTILE)
ESCAPED = re.compile(r"&(?:amp|lt|gt);")


def texts(sent: dict[str, Any]) -> list[str]:
    """Every text in which Slack looks for markup."""
    found = [sent["text"]]
    for block in sent["blocks"]:
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
        for text in [block.get("text"), *block.get("elements", [])]:
            if text and text["type"] == "mrkdwn":
                assert text["verbatim"] is True
                found.append(text["text"])
    return found


def test_message_reads_well() -> None:
    sent = payload(message(finding(), finding(2, urgency="critical", state="breached")))
    place = "`pkg:deb/debian/openssl` `docker.io/library/debian:slim` `linux/amd64`"
    lines = [
        f"• `CVE-2026-1` high, {place}: open, due 2026-12-03 08:30 UTC",
        f"• `CVE-2026-2` critical, {place}: breached, due 2026-12-03 08:30 UTC",
    ]
    assert texts(sent) == [
        "Found: 2 findings in api",
        "\n".join(lines),
        "`github.com/acme/shop` · 2026-11-26 08:30 UTC · ffffffffffff",
    ]
    assert (sent["unfurl_links"], sent["unfurl_media"]) == (False, False)


@pytest.mark.parametrize(
    ("topic", "title"),
    [
        ("50%", "50 % of the time is used: 1 finding in api"),
        ("100%", "Overdue: 1 finding in api"),
        ("closed", "Closed: 1 finding in api"),
        ("raised", "More urgent now: 1 finding in api"),
    ],
)
def test_title_says_what_happened(topic: str, title: str) -> None:
    assert payload(message(topic=topic))["text"] == title


def test_a_waiver_names_owner_and_end() -> None:
    said = {"waiver": "w1", "owner": "anna", "ends": "2026-12-01T00:00:00+00:00", "findings": "3"}
    sent = payload(message(said, topic="waiver", product=None))
    assert texts(sent)[1] == (
        "• `w1` of `anna` ends 2026-12-01 00:00 UTC: 3 findings then count again"
    )


def test_what_is_not_known_says_why() -> None:
    said = {"findings": "1", "reason": "not looked at lately: <b>"}
    sent = payload(message(said, topic="unknown"))
    assert texts(sent)[1] == (
        "• where 1 finding stand is not known: `not looked at lately: &lt;b&gt;`"
    )


def test_a_low_is_due_with_the_next_release() -> None:
    said = finding()
    del said["due"]
    assert texts(payload(message(said)))[1].endswith("open, due with the next release")


def test_a_second_attempt_says_that_it_may_repeat() -> None:
    assert "attempt" not in texts(payload(message()))[-1]
    assert texts(payload(message(attempt=2)))[-1].endswith(
        "attempt 2, may repeat an earlier message"
    )


def test_the_first_twenty_are_listed_and_the_rest_is_counted() -> None:
    sent = payload(message(*(finding(number) for number in range(300))))
    assert texts(sent)[0] == "Found: 300 findings in api"
    listed = "\n".join(texts(sent))
    assert listed.count("•") == MAX_LISTED
    assert "and 280 more" in texts(sent)


@given(TEXTS, TEXTS, TEXTS, st.sampled_from([*TOPICS, "raised"]), st.integers(1, 40))
def test_text_from_outside_is_only_text(
    name: str, package: str, product: str, topic: str, count: int
) -> None:
    items = [finding(vulnerability=name, package=package, lineage=package * 9)] * count
    items += [{"waiver": name, "owner": package, "ends": name, "findings": "1"}]
    sent = payload(message(*items, topic=topic, product=product, repository=name))
    for text in texts(sent):
        assert "<" not in text
        assert ">" not in text
        assert "&" not in ESCAPED.sub("", text)
        assert not re.search("@(here|channel|everyone|group)", text, re.IGNORECASE)
        assert not set(text) & set("\u202e\x1b\x00\r\u2028")
        assert 0 < len(text) <= MAX_TEXT_CHARS
    assert len(sent["blocks"]) <= MAX_BLOCKS
    header = sent["blocks"][0]["text"]["text"]
    assert len(header) <= MAX_HEADER_CHARS
    assert not set(header) & set("<>\u202e\n")
    lists = [one["text"]["text"] for one in sent["blocks"] if one["type"] == "section"]
    assert sum(map(len, lists)) <= MAX_LISTS_CHARS + 100


def test_outside_text_ends_no_code_span() -> None:
    sent = payload(message(finding(vulnerability="a`b<!here>")))
    assert "`a'b&lt;!here&gt;`" in texts(sent)[1]
