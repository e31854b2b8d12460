from __future__ import annotations

import pytest

from basekeeper.transport.redaction import MAX_SHOWN, shown_text, shown_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@a.example:8443/x?token=secret#frag", "https://a.example:8443/x"),
        ("https://[::1]:5000/v2/", "https://[::1]:5000/v2/"),
        ("https://a.example/\x1b[31m", "https://a.example/\N{REPLACEMENT CHARACTER}[31m"),
        ("https://a.example:99999/x?y=secret", "https://a.example:99999/x"),
        ("https://a.example:99999#secret", "https://a.example:99999"),
        ("postgresql://a:1,b:2/x?password=secret", "postgresql://a:1,b:2/x"),
        ("https://[::1]:99999/x", "https://[::1]:99999/x"),
        ("https://[1:2]/x", "https://[1:2]/x"),
        ("https://user:secret", "an invalid URL"),
        ("https://user:secret/", "an invalid URL"),
        ("https://user:sec/ret@a.example/", "an invalid URL"),
        ("https://user:secret@a.example:99999/", "an invalid URL"),
        ("https://us@er:secret@a.example/", "https://a.example/"),
        ("https://[", "https://["),
        ("https://[" + "a:1," * 10_000 + "secret:x", "an invalid URL"),
    ],
)
def test_a_shown_url_has_no_secret_and_no_control_character(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_shown_text_is_clean_and_short() -> None:
    text = "failed: https://u:se@cret:secret@a.example/x?sig=secret\r\n::error::" + "x" * 1000
    shown = shown_text(text)
    assert "secret" not in shown
    assert shown.isprintable()
    assert len(shown) == MAX_SHOWN + 1
