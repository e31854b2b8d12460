"""Which packages are build tools, as data: compilers, build systems, headers, development kits.

Names are those of Debian, Ubuntu, Alpine, Fedora, RHEL, openSUSE and their relatives. Left out on
purpose: what programs need while they run as often as while they are built (git, curl, perl,
python3, a Java runtime), since the name of the package does not tell which it is.
"""

from __future__ import annotations

import re
from typing import Final

from basekeeper.rules.shell.words import word_set

COMPILERS: Final = word_set("""
    alpine-sdk ant autoconf automake base-devel bazel bison build-base build-essential byacc
    cabal-install cargo clang cmake crystal dpkg-dev extra-cmake-modules flex g++ gcc gcc-c++
    gcc-gfortran gdc gfortran ghc gmake go golang golang-bin golang-go gradle ldc libtool llvm make
    maven meson mingw-w64 mono-devel musl-tools nasm ninja ninja-build nim opam rpm-build
    rpmdevtools rust rustc rustup sbt scons swig tcc valac yasm zig
    @development @development-tools @development_tools @c-development
    """)
"""Their only use is to build."""

BUILD_DEPENDENCIES: Final = "build dependencies of "
"""How the packages that `apt-get build-dep` brings are named; which they are, only apt knows."""

LIKELY_TOOLS: Final = word_set("""
    default-jdk default-jdk-headless debhelper devscripts gettext-devel java-devel
    linux-headers maven-openjdk17 m4 npm patchelf pkg-config pkgconf pkgconf-pkg-config pnpm re2c
    yarn yarnpkg
    """)
"""Mostly used to build; some images need them while they run (`npm start`)."""

_COMPILER_PATTERN: Final = re.compile(
    r"(?:gcc|g\+\+|gfortran|clang|llvm|cpp|golang|go|rust|rustc|cargo)-?[0-9][0-9.]*"
    r"(?:-(?:go|multilib|dev|src|tools|[a-z0-9]+-linux-gnu(?:eabi|eabihf)?))?"
    r"|(?:gcc|g\+\+|gfortran|clang)-(?:multilib|[a-z0-9_]+-[a-z0-9-]+|mingw-w64[a-z0-9-]*)"
    r"|gcc-toolset-[0-9]+.*|devtoolset-[0-9]+.*|gcc-\0|g\+\+-\0|clang-\0"
)
_LIKELY_PATTERN: Final = re.compile(
    r".+-dev|.+-devel|.+-devel-static|linux-headers-.+|kernel-headers|kernel-devel.*"
    r"|openjdk-?[0-9]+(?:-jdk(?:-headless)?)?|openjdk-\0-jdk(?:-headless)?"
    r"|java-[0-9a-z.-]+-devel|dotnet-sdk-.+|dotnet[0-9]+-sdk|temurin-[0-9]+-jdk|.+-jdk-bin"
)
_RUNTIME: Final = re.compile(r"gcc-[0-9]+-base|.*-(?:jre|jre-headless|runtime)|make-dev")


def tool_confidence(package: str) -> str | None:
    """Tell how surely a package is a build tool.

    Returns:
        `high` for compilers and build systems, `medium` for what is mostly used to build (headers,
        development kits, package managers of languages), None for everything else.
    """
    if package.startswith(BUILD_DEPENDENCIES):
        return "high"
    name = package.lower()
    if _RUNTIME.fullmatch(name):
        return None
    if name in COMPILERS or _COMPILER_PATTERN.fullmatch(name):
        return "high"
    if name in LIKELY_TOOLS or _LIKELY_PATTERN.fullmatch(name):
        return "medium"
    return None
