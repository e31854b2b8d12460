"""What kind of image a repository is by convention: builder, minimal, with versions as tags.

Rule for builders: an image is a builder where its purpose is to compile or package (compilers,
JDKs, build tools). An interpreter's image is none, even where its large variant brings a compiler;
that it is not minimal is said elsewhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from basekeeper.tags.axes import TagAxes

_LIBRARY: Final = "docker.io/library/"

_BUILDERS: Final = frozenset(
    [
        "buildpack-deps",
        "clojure",
        "composer",
        "dart",
        "fsharp",
        "gcc",
        "golang",
        "gradle",
        "groovy",
        "haskell",
        "haxe",
        "maven",
        "mono",
        "rust",
        "sbt",
        "swift",
    ]
)
"""Official images that compile or package, whatever the variant, unless listed below."""

_JAVA: Final = frozenset(
    [
        "adoptopenjdk",
        "amazoncorretto",
        "azul-zulu",
        "eclipse-temurin",
        "ibm-semeru-runtimes",
        "ibmjava",
        "java",
        "openjdk",
        "sapmachine",
    ]
)
"""Official images that hold a JDK unless the tag says JRE (their bare tags are the JDK)."""

_BUILDER_PATHS: Final = frozenset(
    {
        "mcr.microsoft.com/dotnet/sdk",
        "mcr.microsoft.com/dotnet/core/sdk",
        "mcr.microsoft.com/dotnet/nightly/sdk",
        "mcr.microsoft.com/dotnet-buildtools/prereqs",
        "mcr.microsoft.com/openjdk/jdk",
        "container-registry.oracle.com/java/jdk",
        "cgr.dev/chainguard/go",
        "cgr.dev/chainguard/rust",
        "cgr.dev/chainguard/gcc-glibc",
        "dhi.io/golang",
        "dhi.io/rust",
        "docker.io/cimg/go",
        "docker.io/cimg/openjdk",
        "docker.io/cimg/rust",
    }
)

_UBI_JDK: Final = re.compile(r"registry\.(?:access\.redhat\.com|redhat\.io)/ubi\d+/openjdk-\d+")
"""Red Hat's images with a JDK and Maven; beside each stands a `-runtime` without."""

_MINIMAL_PREFIXES: Final = ("gcr.io/distroless/", "cgr.dev/chainguard/", "dhi.io/")
_MINIMAL_NAMES: Final = frozenset(
    [_LIBRARY + name for name in ("alpine", "busybox", "hello-world", "scratch")]
    + ["mcr.microsoft.com/windows/nanoserver"]
)
_VARIANT_TAGS: Final = ("gcr.io/distroless/", "cgr.dev/chainguard/")
"""Below these, tags say `nonroot`, `debug` or `latest`: versions stand in names, or nowhere."""

_NAME_WORDS: Final = frozenset({"minimal", "micro", "slim", "alpine", "distroless", "chiseled"})
"""Last words of a repository name that mark a small image (`ubi9/ubi-minimal`)."""


def is_builder(name: str, axes: TagAxes) -> bool:
    """Tell whether an image is for building; see the rule above.

    Args:
        name: `registry/path`, copies of official images under their official name.
        axes: The tag, split.
    """
    if name in _BUILDER_PATHS or _UBI_JDK.fullmatch(name) is not None:
        return True
    short = name.removeprefix(_LIBRARY)
    if short == name:
        return "sdk" in axes.variants or "jdk" in axes.variants
    if short in _JAVA:
        return not {"jre", "jre-headless"} & set(axes.variants)
    if short == "swift":
        return "slim" not in axes.variants
    if short == "buildpack-deps":
        return not {"curl", "scm"} & set(axes.variants)  # these hold tools, but no compiler
    if short in ("caddy", "docker"):
        return "builder" in axes.variants
    return short in _BUILDERS


def has_version_tags(name: str) -> bool:
    """Tell whether the tags of a repository name versions, so that one can be proposed."""
    return not name.startswith(_VARIANT_TAGS)


def is_minimal_repository(name: str) -> bool:
    """Tell whether every image of a repository is minimal."""
    if name in _MINIMAL_NAMES or name.startswith(_MINIMAL_PREFIXES):
        return True
    last = name.rsplit("/", maxsplit=1)[-1]
    return last.rsplit("-", maxsplit=1)[-1] in _NAME_WORDS
