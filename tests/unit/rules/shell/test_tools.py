from __future__ import annotations

import pytest

from basekeeper.rules.shell.tools import tool_confidence

HIGH = (
    "gcc g++ gcc-12 g++-13 gcc-c++ clang-18 llvm make cmake build-essential build-base go golang "
    "golang-go golang-1.22-go cargo rustc maven gradle gcc-multilib gcc-aarch64-linux-gnu gfortran "
    "gcc-toolset-13-gcc @development-tools ninja-build autoconf libtool GCC gcc-\0"
)
MEDIUM = (
    "libc6-dev musl-dev python3-dev openssl-devel linux-headers linux-headers-amd64 npm yarn "
    "pkg-config openjdk-21-jdk openjdk-21-jdk-headless openjdk17 openjdk17-jdk "
    "java-21-openjdk-devel dotnet-sdk-8.0 kernel-headers"
)
NONE = (
    "curl git binutils ca-certificates libgcc libgcc-s1 gcc-12-base openjdk-21-jre "
    "openjdk17-jre-headless openssl libpq5 nodejs python3 perl bash makeself golang-docs-x gnupg "
    "tzdata libstdc++6 "
    "dotnet-runtime-8.0 clangd-x"
)


def test_build_dependencies_are_tools() -> None:
    assert tool_confidence("build dependencies of nginx") == "high"


@pytest.mark.parametrize(
    ("package", "confidence"),
    [(name, "high") for name in HIGH.split()]
    + [(name, "medium") for name in MEDIUM.split()]
    + [(name, None) for name in NONE.split()],
)
def test_tells_tools_from_what_programs_need(package: str, confidence: str | None) -> None:
    assert tool_confidence(package) == confidence
