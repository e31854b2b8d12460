"""Messages in one line each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from basekeeper.values.notifying import Message

NOW = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)


def finding(number: int = 1, **said: str) -> dict[str, str]:
    return {
        "notice": "f" * 64,
        "channel": "team",
        "topic": "found",
        "percent": "0",
        "vulnerability": f"CVE-2026-{number}",
        "package": "pkg:deb/debian/openssl",
        "lineage": "docker.io/library/debian:slim",
        "platform": "linux/amd64",
        "product": "api",
        "episode": "1",
        "severity": "high",
        "urgency": "high",
        "due": "2026-12-03T08:30:00+00:00",
        "state": "open",
        **said,
    }


def message(*items: dict[str, str], **said: Any) -> Message:
    return Message(
        **{
            "id": "f" * 64, "attempt": 1, "at": NOW, "repository": "github.com/acme/shop",
            "product": "api", "topic": "found", "items": items or (finding(),), **said,
        }
    )  # fmt: skip
