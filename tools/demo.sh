#!/usr/bin/env bash
# Shows basekeeper on the example shop, with a registry of its own on this machine: no network.
# Usage: demo.sh BASEKEEPER
set -euo pipefail
basekeeper=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
today=2026-11-20 # the registry's images are of these days, so that every run tells the same ages

state=$(mktemp -d)
mkfifo "$state/commands"
cd "$root"
"$(dirname "$basekeeper")/python" -m tests.fakes.registry --name hub.docker.com \
    --content tools/demo_registry.json <"$state/commands" >"$state/started" &
registry=$!
exec 3>"$state/commands" # the registry ends with its standard input
trap 'exec 3>&-; wait "$registry" || true; rm -rf "$state"' EXIT

while ! [ -s "$state/started" ]; do
    kill -0 "$registry" # or the demonstration ends here
    sleep 0.05
done
address=$(sed 's/.*"address": "\([^"]*\)".*/\1/' "$state/started")
cat >"$state/settings.toml" <<EOF
[registry."docker.io"]
mirror = "$address"
hub_api = "http://$address"
[registry."gcr.io"]
mirror = "$address/gcr.io"
[registry."$address"]
http = true
private = true
EOF
export BASEKEEPER_SETTINGS=$state/settings.toml XDG_CACHE_HOME=$state/cache
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

show() { # print a command, run it, and go on where it exits 1: findings are the point of the demonstration
    printf '\n\033[1m$ basekeeper %s\033[0m\n' "$*"
    "$basekeeper" "$@" || { code=$?; [ "$code" = 1 ] || exit "$code"; }
}

cd examples/shop
show list
show check --offline
show explain python:3.10
show explain near-stage-name
show outdated --now $today
show update --now $today
