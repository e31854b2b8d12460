"""A repository, a simulated registry, and a scanner that says whatever a test wants it to say."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from basekeeper.ledger.location import read_location
from basekeeper.ledger.opening import open_ledger
from tests.integration.program import environment, run
from tests.unit.scanners.programs import database

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pytest

    from basekeeper.values.event import Record
    from tests.fakes.registry import Host, Manifest
    from tests.integration.program import Outcome

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
REPOSITORY = "git.example/acme/shop"
CRITICAL = "CVE-2026-0001"

SCANNER = """#!{python} -IS
import json, os, signal, sys, time
here = os.path.dirname(os.path.abspath(__file__))
with open(here + "/plan.json", encoding="utf-8") as file:
    plan = json.load(file)
verb, given = sys.argv[1], sys.argv[2:]
if verb == "version":
    print(json.dumps({{"Version": plan["version"]}}))
elif verb == "image":
    with open(here + "/listed", "a") as file:
        file.write("x")
    layout = given[given.index("--input") + 1]
    def read(digest):
        with open(layout + "/blobs/sha256/" + digest.partition(":")[2]) as file:
            return json.load(file)
    with open(layout + "/index.json") as file:
        manifest = read(json.load(file)["manifests"][0]["digest"])
    name = {{"name": "aquasecurity:trivy:ImageID", "value": manifest["config"]["digest"]}}
    said = {{"bomFormat": "CycloneDX", "metadata": {{"component": {{"properties": [name]}}}},
            "components": []}}
    exec(plan["lists"])
    print(json.dumps(said))
else:
    with open(given[-1]) as file:
        told = json.load(file)["metadata"]["component"]["properties"]
    image = next(one["value"] for one in told if one["name"].endswith("ImageID"))
    said = {{
        "SchemaVersion": 2, "ArtifactType": "cyclonedx", "Metadata": {{}},
        "Results": [{{
            "Target": "debian", "Class": "os-pkgs", "Type": "debian",
            "Packages": plan["packages"], "Vulnerabilities": plan["found"],
        }}],
    }}
    exec(plan["matches"])
    print(json.dumps(said))
"""


def package(name: str = "openssl", version: str = "3.0.14-1", **more: Any) -> dict[str, Any]:
    """A package as a report lists it."""
    purl = f"pkg:deb/debian/{name}@{version}"
    uid = f"{name}-{version}"
    return {"Name": name, "Version": version, "Identifier": {"PURL": purl, "UID": uid}} | more


def finding(
    name: str = CRITICAL, of: str = "openssl", fixed: str = "3.0.15-1", **more: Any
) -> dict[str, Any]:
    """A match as a report tells it."""
    return {
        "VulnerabilityID": name, "PkgName": of, "InstalledVersion": "3.0.14-1",
        "FixedVersion": fixed, "Status": "fixed" if fixed else "affected",
        "PkgIdentifier": {"PURL": f"pkg:deb/debian/{of}@3.0.14-1", "UID": f"{of}-3.0.14-1"},
        "Severity": "CRITICAL", "SeveritySource": "debian", "VendorSeverity": {"debian": 4},
    } | more  # fmt: skip


class Bench:
    """A clone whose products stand on images of a simulated registry."""

    def __init__(self, root: Path, ledger: str, host: Host) -> None:
        """Stand on one image with one flaw."""
        self.root, self.ledger, self.host, self.place = root, ledger, host, root.parent
        self.plan: dict[str, Any] = {
            "version": "0.69.3",
            "packages": [package()],
            "found": [finding()],
            "lists": "",
            "matches": "",
        }
        self.program = self.place / "trivy"
        self.program.write_text(SCANNER.format(python=sys.executable), encoding="utf-8")
        self.program.chmod(0o755)
        self.settings(scanner=())
        self.environ = {
            "BASEKEEPER_SETTINGS": str(self.place / "settings.toml"),
            "BASEKEEPER_LEDGER": ledger,
        }
        self.advisories(NOW)
        self.say()
        self.image = self.push("base", "11-slim")
        (root / "Dockerfile").write_text(f"FROM {host.address}/base:11-slim\n", encoding="utf-8")

    def settings(
        self, *more: str, scanner: Sequence[str] = (), repository: str | None = REPOSITORY
    ) -> None:
        """Write the user's own settings."""
        named = [] if repository is None else [f'repository = "{repository}"']
        lines = [
            f'[registry."{self.host.address}"]', "private = true", "http = true",
            "[ledger]", *named, *more,
            "[scanner]", f'program = "{self.program}"', f'database = "{self.place}/cache"',
            *scanner,
        ]  # fmt: skip
        (self.place / "settings.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def advisories(self, now: datetime) -> None:
        """Renew the scanner's database."""
        database(self.place, now - 2 * HOUR)

    def say(self, **plan: Any) -> None:
        """Tell the scanner what to say from now on."""
        self.plan |= plan
        (self.place / "plan.json").write_text(json.dumps(self.plan), encoding="utf-8")

    def push(self, name: str, tag: str, **inside: Any) -> Manifest:
        """Push an image."""
        return self.host.content.image(name, tag, **inside)

    def run(self, verb: str, *arguments: str, now: datetime = NOW) -> Outcome:
        """Run the program in this process."""
        return run(self.root, verb, "--now", now.isoformat(), *arguments, **self.environ)

    def start(
        self,
        verb: str,
        *arguments: str,
        now: datetime = NOW,
        root: Path | None = None,
        largest_file: int | None = None,
        **environ: str,
    ) -> subprocess.Popen[bytes]:
        """Begin to run the program in a process of its own."""
        limit = [] if largest_file is None else ["prlimit", f"--fsize={largest_file}"]
        argv = [sys.executable, "-m", "basekeeper", verb, "--now", now.isoformat(), *arguments]
        return subprocess.Popen(
            [*limit, *argv],
            cwd=root or self.root,
            env=environment(self.place, **(self.environ | environ)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def move_ledger(self, name: str, request: pytest.FixtureRequest) -> None:
        """Begin with an empty ledger of the same form."""
        if self.ledger.startswith("branch:"):
            self.ledger = f"branch:{name}"
        elif self.ledger.startswith("sqlite:"):
            self.ledger = f"sqlite:{self.place}/{name}.sqlite"
        else:
            self.ledger = request.getfixturevalue("postgres").create()
        self.environ["BASEKEEPER_LEDGER"] = self.ledger

    def records(self) -> list[Record]:
        """Read everything that is recorded."""
        with contextlib.closing(
            open_ledger(read_location(self.ledger), clock=None, start=self.root)
        ) as opened:
            return list(opened.records())

    def facts(self) -> list[tuple[str, str, str, Mapping[str, str]]]:
        """Tell what is recorded, in no order."""
        events = (record.event for record in self.records())
        found = [(one.kind.value, one.subject, one.key, one.evidence) for one in events]
        return sorted(found, key=repr)
