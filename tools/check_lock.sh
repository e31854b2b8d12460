#!/usr/bin/env bash
# Fails where requirements-dev.txt no longer satisfies pyproject.toml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
copy=$(mktemp)
trap 'rm -f "$copy"' EXIT
cp requirements-dev.txt "$copy"
.venv/bin/python -m uv pip compile -q pyproject.toml --group dev --generate-hashes --no-emit-index-url \
    --no-annotate --no-header --python-version 3.11 -o "$copy"
diff -u requirements-dev.txt "$copy" || { echo "the lock is old; run: make lock" >&2; exit 1; }
