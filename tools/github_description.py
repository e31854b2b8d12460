"""GitHub's published description of its interfaces, from npm, pinned by hash.

The REST interface as OpenAPI (@octokit/openapi, MIT), GraphQL's schema (@octokit/graphql-schema,
MIT) and what checks queries against it (graphql, MIT). Prints the directory; the tests read:

    api.github.com.json    OpenAPI
    schema.graphql         GraphQL
    check.js               `node check.js < exchanges.json`: one line for each problem
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".cache" / "components" / "github-description-1"
TIMEOUT_SECONDS = 600
MAX_FILE_BYTES = 64 * 1024 * 1024


class Package(NamedTuple):
    """One package, and which of its files are taken."""

    name: str
    integrity: str
    """As npm tells it: sha512, in Base64."""
    members: tuple[str, ...]
    """Prefixes of paths in its archive."""
    suffixes: tuple[str, ...]
    target: str
    """Directory below the place; files lose their own directory where it ends in a slash."""


PACKAGES = (
    Package(
        "@octokit/openapi@23.0.2",
        "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
        ("package/generated/api.github.com.json",),
        (".json",),
        "./",
    ),
    Package(
        "@octokit/graphql-schema@15.26.1",
        "RFDC2MpRBd4AxSRvUeBIVeBU7ojN/SxDfALUd7iVYOSeEK3gZaqR2MGOysj4Zh2xj2RY5fQAUT+Oqq7hWTraMA==",
        ("package/schema.graphql",),
        (".graphql",),
        "./",
    ),
    Package(
        "graphql@16.15.0",
        "32kz9FecohDiC/tgcViwnRXM7HFBVTPiW7pHO+DikKOI5KjhU/jNULOReXsrFqt2WAYbE9xFXsTffJw6iTO8qw==",
        ("package/",),
        (".js", "package.json"),
        "node_modules/graphql",
    ),
)

CHECK = """\
const fs = require("node:fs");
const { buildSchema, execute, parse, validate } = require("graphql");
const text = fs.readFileSync(__dirname + "/schema.graphql", "utf8");
const schema = buildSchema(text, { assumeValidSDL: true }); // it defines a field twice
for (const [number, one] of JSON.parse(fs.readFileSync(0, "utf8")).entries()) {
  const document = parse(one.query);
  let errors = validate(schema, document);
  if (!errors.length) {
    const said = { schema, document, rootValue: one.data, variableValues: one.variables };
    const found = execute(said);
    errors = found.errors ?? [];
    if (one.data && !errors.length) {
      const same = require("node:util").isDeepStrictEqual;
      const plain = JSON.parse(JSON.stringify(found.data));
      const told = JSON.stringify(plain) + " is not " + JSON.stringify(one.data);
      if (!same(plain, strip(one.data, plain))) errors = [{ message: told }];
    }
  }
  for (const error of errors) console.log(number + ": " + error.message);
}
function strip(told, like) {
  if (Array.isArray(told)) return told.map((one, index) => strip(one, like[index]));
  if (told === null || typeof told !== "object") return told;
  const keys = Object.keys(told).filter((key) => key !== "__typename" || key in (like ?? {}));
  return Object.fromEntries(keys.map((key) => [key, strip(told[key], (like ?? {})[key])]));
}
"""


def main() -> int:
    """Make the directory, and print it."""
    done = PLACE / "done"
    if not done.exists():
        for program in ("npm", "node"):
            if shutil.which(program) is None:
                print(f"{program} is not installed", file=sys.stderr)
                return 1
        PLACE.mkdir(parents=True, exist_ok=True)
        for package in PACKAGES:
            if not _unpack(package):
                return 1
        done.touch()
    (PLACE / "check.js").write_text(CHECK, encoding="utf-8")
    print(PLACE)
    return 0


def _unpack(package: Package) -> bool:
    """Download one package, verify it, and take its files out."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--ignore-scripts", package.name]
        done = subprocess.run(
            command, cwd=folder, check=False, capture_output=True, timeout=TIMEOUT_SECONDS
        )
        archives = sorted(Path(folder).glob("*.tgz"))
        if done.returncode != 0 or len(archives) != 1:
            print(f"{package.name}: npm could not fetch it", file=sys.stderr)
            return False
        digest = hashlib.sha512(archives[0].read_bytes()).digest()
        if base64.b64encode(digest).decode("ascii") != package.integrity:
            print(f"{package.name}: has another hash than the pinned one", file=sys.stderr)
            return False
        with tarfile.open(archives[0]) as archive:
            for member in archive:
                _take(package, archive, member)
    return True


def _take(package: Package, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    """Write one file, if it is one that is wanted."""
    wanted = member.name.startswith(package.members) and member.name.endswith(package.suffixes)
    if not wanted or not member.isfile() or member.size > MAX_FILE_BYTES:
        return
    path = Path(member.name)
    if ".." in path.parts:
        return
    relative = Path(path.name) if package.target.endswith("/") else Path(*path.parts[1:])
    target = PLACE / package.target / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    content = archive.extractfile(member)
    if content is not None:
        target.write_bytes(content.read())


if __name__ == "__main__":
    sys.exit(main())
