#!/usr/bin/env bash
# Shows basekeeper on the example shop. Usage: demo.sh BASEKEEPER
set -euo pipefail
basekeeper=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../examples/shop"

show() { # print a command, run it, and go on where it exits 1: findings are the point of the demonstration
    printf '\n\033[1m$ basekeeper %s\033[0m\n' "$*"
    "$basekeeper" "$@" || { code=$?; [ "$code" = 1 ] || exit "$code"; }
}

show list
show check
show explain python:3.10
show explain near-stage-name
