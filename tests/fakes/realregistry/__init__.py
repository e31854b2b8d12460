"""Debian's `docker-registry` on loopback, filled with real images, in four set-ups.

`fixtures.py` starts it for tests: `anonymous`, `basic` (htpasswd over TLS), `token` (a small token
server, RS256) and `tls` (a certificate authority of its own). `filling.py` says what is in it.
"""

from __future__ import annotations
