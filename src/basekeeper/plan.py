"""Planning: what each image can be moved to, and which change is wanted. Pure."""

from __future__ import annotations
