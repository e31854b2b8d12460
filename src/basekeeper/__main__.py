"""`python -m basekeeper`."""

from __future__ import annotations

from basekeeper.cli.main import run

if __name__ == "__main__":
    run()
