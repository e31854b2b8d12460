"""The vocabulary of tags: operating systems, runtimes, architectures, channels, variants.

Conventions of publishers, gathered from their tag lists; what is not here stays an opaque word.
"""

from __future__ import annotations

from typing import Final

DEBIAN_CODENAMES: Final = {
    "forky": "14",
    "trixie": "13",
    "bookworm": "12",
    "bullseye": "11",
    "buster": "10",
    "stretch": "9",
    "jessie": "8",
    "wheezy": "7",
    "squeeze": "6",
}
"""Codename of a Debian release → its number. Source: distro-info-data, debian.csv."""

UBUNTU_CODENAMES: Final = {
    "stonking": "26.10",
    "resolute": "26.04",
    "questing": "25.10",
    "plucky": "25.04",
    "oracular": "24.10",
    "noble": "24.04",
    "mantic": "23.10",
    "lunar": "23.04",
    "kinetic": "22.10",
    "jammy": "22.04",
    "impish": "21.10",
    "hirsute": "21.04",
    "groovy": "20.10",
    "focal": "20.04",
    "eoan": "19.10",
    "disco": "19.04",
    "cosmic": "18.10",
    "bionic": "18.04",
    "artful": "17.10",
    "zesty": "17.04",
    "xenial": "16.04",
    "trusty": "14.04",
    "precise": "12.04",
}
"""First word of an Ubuntu codename → its number. Source: distro-info-data, ubuntu.csv."""

NODE_CODENAMES: Final = {
    "krypton": "24",
    "jod": "22",
    "iron": "20",
    "hydrogen": "18",
    "gallium": "16",
    "fermium": "14",
    "erbium": "12",
    "dubnium": "10",
    "carbon": "8",
    "boron": "6",
    "argon": "4",
}
"""Codename of a Node.js LTS line → its number. Source: the Node.js release schedule."""

OS_PRODUCTS: Final = {
    "alpine": "alpine-linux",
    "debian": "debian",
    "ubuntu": "ubuntu",
    "ubi": "rhel",
    "rhel": "rhel",
    "el": "rhel",
    "fedora": "fedora",
    "rockylinux": "rocky-linux",
    "rocky": "rocky-linux",
    "almalinux": "almalinux",
    "alma": "almalinux",
    "oraclelinux": "oracle-linux",
    "oracle": "oracle-linux",
    "ol": "oracle-linux",
    "amazonlinux": "amazon-linux",
    "amazon": "amazon-linux",
    "al": "amazon-linux",
    "centos": "centos",
    "stream": "centos-stream",
    "leap": "opensuse",
    "opensuse": "opensuse",
    "sles": "sles",
    "mageia": "mageia",
    "photon": "photon",
    "azurelinux": "azure-linux",
    "mariner": "azure-linux",
    "wolfi": "wolfi",
    "windows": "windows-server",
    "windowsservercore": "windows-server",
    "nanoserver": "windows-server",
    "servercore": "windows-server",
    "ltsc": "windows-server",
}
"""Operating system word in a tag or repository name → product; some have no calendar."""

OS_NEEDS_VERSION: Final = frozenset({"el", "ol", "al", "stream", "ltsc", "alma", "rocky", "amazon"})
"""Words that name an operating system only with digits behind them."""

WINDOWS_BUILDS: Final = {"1809": "2019", "1607": "2016"}
"""Build name in a Windows tag → the LTSC line that it belongs to.
Source: Microsoft's lifecycle page of Windows Server."""

OS_RELEASE_PRODUCTS: Final = {
    "alpine": "alpine-linux",
    "debian": "debian",
    "ubuntu": "ubuntu",
    "rhel": "rhel",
    "fedora": "fedora",
    "rocky": "rocky-linux",
    "almalinux": "almalinux",
    "ol": "oracle-linux",
    "amzn": "amazon-linux",
    "centos": "centos",
    "opensuse-leap": "opensuse",
    "sles": "sles",
    "mageia": "mageia",
}
"""`ID` of an os-release file → product."""

ARCHITECTURES: Final = frozenset(
    [
        "amd64",
        "x86_64",
        "x64",
        "x86",
        "i386",
        "386",
        "arm",
        "arm64",
        "arm64v8",
        "arm32v5",
        "arm32v6",
        "arm32v7",
        "armhf",
        "armv6",
        "armv7",
        "aarch64",
        "ppc64le",
        "s390x",
        "riscv64",
        "mips64le",
        "loong64",
    ]
)

CHANNELS: Final = frozenset(
    [
        "latest",
        "stable",
        "lts",
        "current",
        "mainline",
        "edge",
        "rolling",
        "testing",
        "unstable",
        "sid",
        "nightly",
        "main",
        "master",
        "dev",
        "devel",
        "develop",
        "next",
        "canary",
        "snapshot",
        "insiders",
        "preview",
        "release",
        "oldstable",
        "oldoldstable",
        "head",
        "tip",
        "trunk",
        "experimental",
        "weekly",
        "daily",
        "staging",
        "prod",
        "production",
    ]
)
"""Words that name a moving target instead of a version."""

RUNTIMES: Final = {
    "php": "php",
    "jdk": "eclipse-temurin",
    "jre": "eclipse-temurin",
    "java": "eclipse-temurin",
    "temurin": "eclipse-temurin",
    "eclipse-temurin": "eclipse-temurin",
    "openjdk": "eclipse-temurin",
    "amazoncorretto": "amazon-corretto",
    "corretto": "amazon-corretto",
    "zulu": "azul-zulu",
    "liberica": "bellsoft-liberica",
    "semeru": None,
    "ibm-semeru": None,
    "ibmjava": None,
    "sapmachine": None,
    "graalvm": None,
    "python": "python",
    "py": None,
    "node": "nodejs",
    "nodejs": "nodejs",
    "scala": "scala",
    "erlang": "erlang",
    "otp": "erlang",
    "ruby": "ruby",
    "go": "go",
    "golang": "go",
    "perl": "perl",
    "pg": "postgresql",
    "cuda": None,
    "cudnn": None,
    "dotnet": "dotnet",
    "devcontainer": None,
}
"""Runtime word → product of its calendar; None where there is none.

A bare Java word is judged by Eclipse Temurin's calendar, as the vendor is not named.
"""

JAVA_CALENDAR: Final = "eclipse-temurin"
"""Calendar that tells the LTS lines of Java, which are the same for all vendors."""

JAVA_REPOSITORIES: Final = frozenset({"library/ibm-semeru-runtimes", "library/sapmachine"})
"""Builds of Java without a calendar of their own."""

EVEN_MINORS: Final = frozenset({"library/nginx", "library/perl", "library/swipl"})
"""Repositories in which an odd minor number marks a development line.
Sources: nginx.org, perlpolicy, https://www.swi-prolog.org/Download.html."""

RUNTIME_VARIANTS: Final = frozenset({"jdk", "jre"})
"""Runtime words that are a variant where no version follows (`21-jre`)."""

MINIMAL_WORDS: Final = frozenset(
    {"slim", "alpine", "chiseled", "distroless", "minimal", "micro", "scratch", "busybox"}
)
"""Variant words of small images."""

DEBUG_WORDS: Final = frozenset({"debug", "dev", "devel"})
"""Variant words of images that carry tools on purpose."""
