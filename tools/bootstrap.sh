#!/usr/bin/env bash
# Makes the virtual environment that every make target uses. Usage: bootstrap.sh DIRECTORY
set -euo pipefail

venv=$1

supported() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null && supported "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "basekeeper needs Python 3.11 or newer; set PYTHON=/path/to/python" >&2
    exit 1
}

python=$(find_python)
# Debian and Ubuntu ship Python without the module that puts pip into an environment.
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    package="$("$python" -c 'import sys; print(f"python3.{sys.version_info.minor}-venv")')"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "$python cannot make environments; run: sudo apt-get install $package" >&2
        exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
fi

[ -x "$venv/bin/python" ] && supported "$venv/bin/python" || "$python" -m venv --clear "$venv"
# The lock names every package, so nothing is left to resolve: an older pip would take an extra such
# as `coverage[toml]` for a package that the lock does not hold, as soon as a newer one is released.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
