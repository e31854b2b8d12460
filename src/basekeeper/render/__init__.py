"""Turns values into text: one module a format, pure, and nothing here opens a file or a terminal.

Every format neutralises outside text for its own reader (see `safe`), keeps the order of the
report, and names its limits.
"""

from __future__ import annotations
