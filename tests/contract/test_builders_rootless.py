"""The same for an ordinary user with ids of its own: nothing of root is needed.

Root is needed only to become that user, with ids granted in a mount namespace of the test.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import basekeeper
from tests.contract.builder_kinds import builder_images
from tests.fakes.provisioned import provisioned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from basekeeper.values.scanning import LayoutImage

__all__ = ["builder_images"]

NOBODY = 65_534
PYTHON = "/usr/bin/python3"
BUILD = """\
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from basekeeper.builders.buildah import Buildah
from basekeeper.values.building import BuildLimits, BuildRequest, Built, Command, RunRequest
from basekeeper.values.scanning import LayoutImage
program, folder, digest = sys.argv[2], Path(sys.argv[3]), sys.argv[4]
image = LayoutImage(path=folder / "layout", digest=digest, platform="linux/amd64")
limits = BuildLimits(seconds=120, spare_bytes=0)
builder = Buildah(program, folder / "rooms")
found = builder.build(
    BuildRequest(
        context=folder / "context", dockerfile="Dockerfile", output=folder / "out",
        images={"docker.io/library/debian:11": image}, limits=limits,
    )
)
said = {"built": isinstance(found, Built), "log": found.log.tail}
said["left"] = len(list((folder / "rooms").iterdir()))
if isinstance(found, Built):
    said["limits"] = found.isolation.limits
    commands = (Command(argv=("id", "-u")),)
    ran = builder.run(RunRequest(image=found.image, commands=commands, limits=limits))
    said["ran"] = ran.ran[0].output.decode()
else:
    said["reason"], said["hint"] = found.reason, found.hint
print(json.dumps(said))
"""

pytestmark = [
    pytest.mark.component("builder"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else"),
    pytest.mark.skipif(not Path(PYTHON).exists(), reason="needs a Python that everybody may run"),
    pytest.mark.skipif(not Path("/usr/bin/newuidmap").exists(), reason="needs newuidmap"),
]


@pytest.fixture
def place(builder_images: dict[str, LayoutImage]) -> Iterator[Path]:
    """A folder of nobody's, with an image and a tree."""
    folder = Path(tempfile.mkdtemp(prefix="rootless-"))
    try:
        shutil.copytree(builder_images["small"].path, folder / "layout")
        source = Path(basekeeper.__file__).parent  # which nobody else may be able to read
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, folder / "source" / source.name, ignore=ignored)
        for name in ("context", "rooms"):
            (folder / name).mkdir()
        text = "FROM debian:11\nRUN touch /x; mkdir -m 0 /closed; echo made\nUSER 9\n"
        (folder / "context" / "Dockerfile").write_text(text, encoding="utf-8")
        (folder / "ids").write_text(f"{NOBODY}:300000:65536\n", encoding="ascii")
        (folder / "none").write_text("", encoding="ascii")
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(folder)], check=True)
        yield folder
    finally:
        shutil.rmtree(folder)


def as_nobody(place: Path, digest: str, ids: str) -> dict[str, Any]:
    """Build as a user whose further ids a file grants."""
    program = provisioned("builder")
    binds = "".join(f"mount --bind {place / ids} /etc/sub{kind}; " for kind in ("uid", "gid"))
    words = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", PYTHON, "-c", BUILD]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{binds}exec setpriv "$@"', "sh", *words,
         str(place / "source"), str(program), str(place), digest],
        check=False, capture_output=True, text=True, timeout=200, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_user_with_ids_builds_without_root(
    place: Path, builder_images: dict[str, LayoutImage]
) -> None:
    found = as_nobody(place, builder_images["small"].digest, "ids")
    assert found["built"], found
    assert "made" in found["log"]
    assert found["ran"] == "9\n"
    assert found["left"] == 0
    assert "its root is the user who runs basekeeper" in found["limits"]


def test_a_user_without_ids_is_told_the_remedy(
    place: Path, builder_images: dict[str, LayoutImage]
) -> None:
    found = as_nobody(place, builder_images["small"].digest, "none")
    assert not found["built"]
    assert f"user {NOBODY} may not map" in found["reason"]
    assert "add-subuids" in found["hint"]
