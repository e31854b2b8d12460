"""Makes real Debian images of several releases, as one OCI image layout, without running any.

Packages come from Debian's archive by `apt-get install --download-only`, with a state of its own
for each release and architecture, and are unpacked by `dpkg-deb -x`. No maintainer script runs
and no root is needed, so arm64 is made as easily as amd64. What debootstrap would do beyond
that, and scanners, builders and shells need, is done here: the merged /usr, `passwd` and
`group`, and a dpkg status with the lists of files.

    python tools/images.py             make the layout, print where it is
    python tools/images.py --list      print the names and digests in it

The layout is kept below `.cache/images`; delete the folder to make it from today's packages.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "images"
RECIPE: Final = "4"
"""Raise it when this file makes other images: the folder's name holds it."""

ARCHIVE: Final = "http://deb.debian.org/debian"
SECURITY: Final = "http://deb.debian.org/debian-security"
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TIMEOUT_SECONDS: Final = 600

PACKAGES: Final = (
    "base-files", "base-passwd", "bash", "coreutils", "dash", "dpkg", "grep", "openssl",
)  # fmt: skip
"""Named packages; apt adds what they depend on (about 20: libc6, libssl, tar, zlib1g, …)."""

LEFT_OUT: Final = ("usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian")
MERGED: Final = ("bin", "lib", "lib64", "sbin")
ENVIRONMENT: Final = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

INDEX: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
IN_TOTO: Final = "application/vnd.in-toto+json"
REF_NAME: Final = "org.opencontainers.image.ref.name"


class UnavailableError(Exception):
    """The images cannot be made here; the message says why."""


@dataclass(frozen=True, slots=True)
class Release:
    """One root file system to be made."""

    suite: str
    architecture: str
    sources: tuple[str, ...]
    """Lines of a sources.list without `deb`."""

    @property
    def name(self) -> str:
        """Name of its working folder."""
        return f"{self.suite}-{self.architecture}-{len(self.sources)}"


@dataclass(frozen=True, slots=True)
class Layer:
    """A packed root file system and what its files say of it."""

    release: Release
    diff_id: str
    blob: dict[str, Any]
    """Descriptor."""
    version: str
    """Point release, such as `12.15`."""
    created: str


def _main(suite: str) -> str:
    return f"{ARCHIVE} {suite} main"


OLD = Release("bullseye", "amd64", (_main("bullseye"),))
"""The frozen last point release: fixes exist in the security archive that it lacks."""
FIXED = Release("bullseye", "amd64", (_main("bullseye"), f"{SECURITY} bullseye-security main"))
BOOKWORM = tuple(Release("bookworm", arch, (_main("bookworm"),)) for arch in ("amd64", "arm64"))
TRIXIE = tuple(Release("trixie", arch, (_main("trixie"),)) for arch in ("amd64", "arm64"))
RELEASES = (OLD, FIXED, *BOOKWORM, *TRIXIE)


def ensure() -> Path:
    """Return the layout's folder, making it where it is not there; safe between processes.

    Raises:
        UnavailableError: It cannot be made here.
    """
    layout = CACHE / f"layout-{RECIPE}"
    if layout.exists():
        return layout
    CACHE.mkdir(parents=True, exist_ok=True)
    with _locked(CACHE / "lock"):
        if not layout.exists():
            _check_tools()
            _forget_older()
            work = CACHE / "work"
            shutil.rmtree(work, ignore_errors=True)
            _make(work, work / "layout")
            (work / "layout").rename(layout)
            shutil.rmtree(work)
    return layout


def named(layout: Path) -> dict[str, dict[str, Any]]:
    """Return the descriptors of the images in a layout by their names."""
    index = json.loads((layout / "index.json").read_text(encoding="utf-8"))
    return {one["annotations"][REF_NAME]: one for one in index["manifests"]}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _check_tools() -> None:
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise UnavailableError(f"{program} not found: images are made on Debian or Ubuntu")
    if not KEYRING.exists():
        raise UnavailableError(
            f"{KEYRING} not found; run: sudo apt-get install debian-archive-keyring"
        )


def _forget_older() -> None:
    """Remove what earlier versions of this file made, and what was made of that."""
    for pattern in ("layout-*", "storage-layout-*"):
        for folder in CACHE.glob(pattern):
            shutil.rmtree(folder)


def _make(work: Path, layout: Path) -> None:
    """Make every image and write the layout."""
    store = Store(layout)
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda release: _layer(release, work, store), RELEASES)
        layers = dict(zip(RELEASES, made, strict=True))
    store.finish(make_images(store, layers))


def make_images(store: Store, layers: Mapping[Release, Layer]) -> dict[str, dict[str, Any]]:
    """Make all images of packed root file systems; returns their descriptors by name."""
    images = {
        "debian-11-old": store.manifest(layers[OLD]),
        "debian-11": store.manifest(layers[FIXED]),
        "debian-12": store.index([store.manifest(layers[one]) for one in BOOKWORM]),
        "debian-12-docker": store.index(
            [store.manifest(layers[one], docker=True) for one in BOOKWORM], docker=True
        ),
        "debian-13": store.attested([store.manifest(layers[one]) for one in TRIXIE]),
    }
    for number, release in ((12, BOOKWORM[0]), (13, TRIXIE[0])):
        images[f"app-on-{number}"] = store.manifest(
            layers[release],
            on=(f"docker.io/library/debian:{number}", images[f"debian-{number}"]["digest"]),
        )
    return images


def _layer(release: Release, work: Path, store: Store) -> Layer:
    """Make one root file system and pack it."""
    folder = work / release.name
    root = folder / "root"
    root.mkdir(parents=True)
    _unpack(_download(release, folder), root)
    archive, created = _packed(root)
    version = (root / "etc/debian_version").read_text(encoding="utf-8").strip()
    return Layer(release, _digest(archive), store.layer(archive), version, created)


def _download(release: Release, folder: Path) -> list[Path]:
    """Have apt fetch and verify the packages of a release, whatever this machine runs."""
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    sources = "".join(f"deb [signed-by={KEYRING}] {line}\n" for line in release.sources)
    (folder / "sources.list").write_text(sources, encoding="utf-8")
    options = {
        "Dir::State": folder, "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status", "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        "Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
        "APT::Architecture": release.architecture, "APT::Architectures": release.architecture,
        "APT::Sandbox::User": "", "APT::Keep-Downloaded-Packages": "true",
        "Acquire::Languages": "none", "Acquire::Retries": 3, "Debug::NoLocking": "true",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    }  # fmt: skip
    command = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    _run([*command, "update"])
    _run([*command, "-y", "--no-install-recommends", "--download-only", "install", *PACKAGES])
    return sorted((folder / "archives").glob("*.deb"))


def _run(command: list[str]) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )
    if done.returncode != 0:
        raise UnavailableError(f"{command[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _unpack(packages: list[Path], root: Path) -> None:
    """Unpack the packages into one root, and record them as dpkg would."""
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    status = []
    for package in packages:
        _run(["dpkg-deb", "-x", str(package), str(root)])
        head, rest = _record(package, info).strip().split("\n", 1)
        status.append(f"{head}\nStatus: install ok installed\n{rest}\n")
    _merge(root)
    (root / "var/lib/dpkg/status").write_text("\n".join(status), encoding="utf-8")
    for name in ("passwd", "group"):
        shutil.copy(root / f"usr/share/base-passwd/{name}.master", root / "etc" / name)
    for name in LEFT_OUT:
        shutil.rmtree(root / name, ignore_errors=True)


def _merge(root: Path) -> None:
    """Move what packages put beside /usr into it, as usrmerge does."""
    for name in MERGED:
        beside = root / name
        if beside.is_symlink() or not beside.is_dir():
            continue
        shutil.copytree(beside, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(beside)
        beside.symlink_to(f"usr/{name}")


def _record(package: Path, info: Path) -> str:
    """Write a package's list of files and their sums, which scanners read; returns its fields."""
    control = info / "control"
    _run(["dpkg-deb", "-e", str(package), str(control)])
    told = (control / "control").read_text(encoding="utf-8")
    fields = dict(line.split(": ", 1) for line in told.splitlines() if ": " in line)
    same = fields.get("Multi-Arch") == "same"
    name = f"{fields['Package']}:{fields['Architecture']}" if same else fields["Package"]
    (info / f"{name}.list").write_text(_contents(package), encoding="utf-8")
    if (control / "md5sums").exists():
        (control / "md5sums").rename(info / f"{name}.md5sums")
    shutil.rmtree(control)
    return told


def _contents(package: Path) -> str:
    """Paths of a package, one a line, as in dpkg's `.list` files."""
    lines = _run(["dpkg-deb", "-c", str(package)]).splitlines()
    paths = [line.split(None, 5)[5].partition(" -> ")[0] for line in lines]
    return "".join(f"{path.removeprefix('.').rstrip('/') or '/.'}\n" for path in paths)


def _packed(root: Path) -> tuple[bytes, str]:
    """Pack a root so that equal packages give equal bytes; tell its newest file's time."""
    target = root.parent / "layer.tar"
    newest = 0
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(root.rglob("*")):
            entry = archive.gettarinfo(path, str(path.relative_to(root)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = int(entry.mtime) if _is_from_package(entry) else 0
            newest = max(newest, entry.mtime)
            if entry.isreg():
                with path.open("rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)
    created = datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return target.read_bytes(), created


def _is_from_package(entry: tarfile.TarInfo) -> bool:
    """Tell whether an entry has the time that its package gave it, not that of its making here."""
    made_here = ("etc/passwd", "etc/group", "var/lib/dpkg/status")
    return entry.isreg() and entry.name not in made_here and "lib/dpkg/info" not in entry.name


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Store:
    """Blobs of a layout, and the images made of them."""

    def __init__(self, layout: Path) -> None:
        """Make the empty layout."""
        self._layout = layout
        self._blobs = layout / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)

    def blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        """Keep bytes; return their descriptor."""
        digest = _digest(data)
        (self._blobs / digest.partition(":")[2]).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def layer(self, archive: bytes) -> dict[str, Any]:
        """Keep a layer, compressed."""
        return self.blob(gzip.compress(archive, compresslevel=3, mtime=0), LAYER)

    def manifest(
        self, layer: Layer, *, docker: bool = False, on: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        """Make an image of one layer, or a program's image on a named base and its digest."""
        layers, diff_ids = [layer.blob], [layer.diff_id]
        history = [{"created": layer.created, "created_by": f"unpack {layer.release.suite}"}]
        labels = {
            "org.opencontainers.image.version": layer.version,
            "org.opencontainers.image.title": f"Debian {layer.release.suite}",
        }
        annotations = {}
        if on is not None:
            archive = _program()
            layers.append(self.layer(archive))
            diff_ids.append(_digest(archive))
            history.append({"created": layer.created, "created_by": "COPY hello /usr/bin/hello"})
            annotations["org.opencontainers.image.base.name"] = on[0]
            annotations["org.opencontainers.image.base.digest"] = on[1]
        platform = {"architecture": layer.release.architecture, "os": "linux"}
        if platform["architecture"] == "arm64":
            platform["variant"] = "v8"
        config = {
            **platform,
            "created": layer.created,
            "config": {"Env": [ENVIRONMENT], "Cmd": ["bash"], "Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": history,
        }
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST if docker else MANIFEST,
            "config": self.blob(_json(config), DOCKER_CONFIG if docker else CONFIG),
            "layers": [{**one, "mediaType": DOCKER_LAYER} if docker else one for one in layers],
        }
        if annotations:
            manifest["annotations"] = annotations
        return {**self.blob(_json(manifest), manifest["mediaType"]), "platform": platform}

    def index(self, manifests: list[dict[str, Any]], *, docker: bool = False) -> dict[str, Any]:
        """Make an index of manifests."""
        media_type = DOCKER_INDEX if docker else INDEX
        index = {"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}
        return self.blob(_json(index), media_type)

    def attested(self, manifests: list[dict[str, Any]]) -> dict[str, Any]:
        """Make an index with an attestation for each manifest, as BuildKit does."""
        return self.index([*manifests, *(self._attestation(one) for one in manifests)])

    def _attestation(self, subject: dict[str, Any]) -> dict[str, Any]:
        """Make a manifest that states something about another, laid out as BuildKit does."""
        predicate = "https://slsa.dev/provenance/v0.2"
        statement = {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": predicate,
            "subject": [{"digest": {"sha256": subject["digest"].partition(":")[2]}}],
            "predicate": {"builder": {"id": ""}},
        }
        data = _json(statement)
        config = {
            "architecture": "unknown", "os": "unknown", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(data)]},
        }  # fmt: skip
        layer = {
            **self.blob(data, IN_TOTO),
            "annotations": {"in-toto.io/predicate-type": predicate},
        }
        manifest = {
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": self.blob(_json(config), CONFIG), "layers": [layer],
        }  # fmt: skip
        return {
            **self.blob(_json(manifest), MANIFEST),
            "annotations": {
                "vnd.docker.reference.digest": subject["digest"],
                "vnd.docker.reference.type": "attestation-manifest",
            },
            "platform": {"architecture": "unknown", "os": "unknown"},
        }

    def finish(self, images: Mapping[str, dict[str, Any]]) -> None:
        """Write what makes the folder an OCI image layout."""
        manifests = [
            {**image, "annotations": {**image.get("annotations", {}), REF_NAME: name}}
            for name, image in images.items()
        ]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        (self._layout / "index.json").write_bytes(_json(index))
        (self._layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


def _program() -> bytes:
    """A layer with one program, for images that stand on a base."""
    text = b"#!/bin/sh\necho hello from $(cat /etc/debian_version)\n"
    program = tarfile.TarInfo("usr/bin/hello")
    program.size, program.mode = len(text), 0o755
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(program, io.BytesIO(text))
    return target.getvalue()


def main(arguments: list[str]) -> int:
    """Make the layout and print where it is; 1 where it cannot be made."""
    try:
        layout = ensure()
    except (UnavailableError, subprocess.TimeoutExpired) as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    if "--list" in arguments:
        for name, descriptor in named(layout).items():
            print(f"{name:<18} {descriptor['mediaType']:<60} {descriptor['digest']}")
    else:
        print(layout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
