"""Channels to the outside: Slack, and a signed webhook; see `ports.Channel`."""
