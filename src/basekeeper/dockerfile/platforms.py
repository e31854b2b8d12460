"""Names of platforms: `linux/amd64`, `linux/arm/v7`, and the short forms people write.

The rules are those of https://github.com/containerd/platforms.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILD_PLATFORM: Final = "linux/amd64"
"""Where builds are taken to run, and the default target."""

_PART = re.compile(r"[A-Za-z0-9_.-]+")
_SYSTEM = re.compile(r"([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)(?:\+[A-Za-z0-9_.%-]+)*\))?")
_SYSTEMS: Final = frozenset(
    [
        "aix",
        "android",
        "darwin",
        "dragonfly",
        "freebsd",
        "hurd",
        "illumos",
        "ios",
        "js",
        "linux",
        "nacl",
        "netbsd",
        "openbsd",
        "plan9",
        "solaris",
        "windows",
        "zos",
    ]
)
_ARCHITECTURES: Final = frozenset(
    [
        "386",
        "amd64",
        "amd64p32",
        "arm",
        "armbe",
        "arm64",
        "arm64be",
        "ppc64",
        "ppc64le",
        "loong64",
        "mips",
        "mipsle",
        "mips64",
        "mips64le",
        "mips64p32",
        "mips64p32le",
        "ppc",
        "riscv",
        "riscv64",
        "s390",
        "s390x",
        "sparc",
        "sparc64",
        "wasm",
    ]
)
_SAME: Final = {
    "i386": ("386", None),
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
_MAX_PARTS: Final = 3


def split_platform(text: str) -> tuple[str, str, str, str] | None:
    """Read a platform: system, its version, architecture, variant; None where it is none."""
    parts = text.split("/")
    system = _SYSTEM.fullmatch(parts[0])
    if system is None or len(parts) > _MAX_PARTS:
        return None
    if any(_PART.fullmatch(part) is None for part in parts[1:]):
        return None
    name = {"macos": "darwin"}.get(system[1].lower(), system[1].lower())
    if len(parts) == 1:
        return _single(parts[0], name)
    variant = parts[2] if len(parts) == _MAX_PARTS else ""
    architecture, variant = _architecture(parts[1], variant, full=len(parts) == _MAX_PARTS)
    return name, system[2] or "", architecture, variant


def _single(text: str, system: str) -> tuple[str, str, str, str] | None:
    """Read a platform of one part: a system, else an architecture."""
    if system in _SYSTEMS:
        return system, "", "amd64", ""
    architecture, variant = _architecture(text, "", full=False)
    return ("linux", "", architecture, variant) if architecture in _ARCHITECTURES else None


def _architecture(name: str, variant: str, *, full: bool) -> tuple[str, str]:
    """Give architecture and variant their one spelling."""
    name, variant = name.lower(), variant.lower()
    name, forced = _SAME.get(name, (name, None))
    variant = forced or variant
    if name == "386" or (name == "amd64" and variant == "v1"):
        variant = ""
    elif name == "arm64":
        variant = {"8": "", "v8": "", "v8.0": "", "9": "v9", "9.0": "v9", "v9.0": "v9"}.get(
            variant, variant
        )
        if full and not variant:
            variant = "v8"
    elif name == "arm":
        variant = f"v{variant}" if variant in {"5", "6", "7", "8"} else variant or "v7"
        if not full and variant == "v7":
            variant = ""
    return name, variant


@lru_cache(maxsize=32)
def platform_variables(platform: str) -> Mapping[str, str]:
    """Return the variables that the platforms give every build.

    Args:
        platform: The target platform; one that cannot be read counts as the default.
    """
    variables: dict[str, str] = {}
    for prefix, text in (("BUILD", BUILD_PLATFORM), ("TARGET", platform)):
        found = split_platform(text) or split_platform(BUILD_PLATFORM)
        assert found is not None  # noqa: S101 (the default is one)
        system, version, architecture, variant = found
        shown = f"{system}({version})" if version else system
        variables |= {
            f"{prefix}PLATFORM": "/".join(filter(None, (shown, architecture, variant))),
            f"{prefix}OS": system,
            f"{prefix}OSVERSION": version,
            f"{prefix}ARCH": architecture,
            f"{prefix}VARIANT": variant,
        }
    return variables
